"""Several spaces of vectors in one index, over any history, beside a brute force."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from picturerail_native import search

from .indexes import UUID

DIMENSIONS = {"words": 5, "picture": 24, "colours": 65}


def cosine(a: list[float], b: list[float]) -> float:
    """Return the cosine of the angle between two vectors."""
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


class Run:
    """One random history, and what each space must hold after it."""

    def __init__(self, seed: int, folder: Path) -> None:
        """Begin empty."""
        self.random = random.Random(seed)
        self.folder = folder
        self.writer = search.Writer(folder, UUID)
        self.seq = 0
        self.living: set[int] = set()
        self.vectors: dict[str, dict[int, list[float]]] = {space: {} for space in DIMENSIONS}

    def vector(self, space: str) -> list[float]:
        """Return a vector of a space's dimension."""
        return [self.random.gauss(0, 1) for _ in range(DIMENSIONS[space])]

    def change(self) -> None:
        """Put or remove a document, or set or remove its vector in some spaces."""
        rng = self.random
        doc_id = rng.randint(1, 80)
        kind = rng.random()
        if kind < 0.3:
            self.writer.put(doc_id, [("tags", f"tag{rng.randint(1, 5)}")])
            self.living.add(doc_id)
        elif kind < 0.4:
            self.writer.remove(doc_id)
            self.living.discard(doc_id)
            for held in self.vectors.values():
                held.pop(doc_id, None)
        else:
            for space in rng.sample(list(DIMENSIONS), rng.randint(1, 3)):
                vector = [] if rng.random() < 0.2 else self.vector(space)
                self.writer.put_vector(doc_id, space, vector)
                self.vectors[space].pop(doc_id, None)
                if vector:
                    self.vectors[space][doc_id] = vector

    def commit(self) -> None:
        """Commit; now and then compact, or close and open again."""
        self.seq += 1
        self.writer.commit(self.seq)
        if self.random.random() < 0.2:
            self.writer.compact()
        if self.random.random() < 0.2:
            self.writer.close()
            self.writer = search.Writer(self.folder, UUID)

    def expected(self) -> dict[str, dict[int, list[float]]]:
        """Return by space the vectors of the documents that are there."""
        return {
            space: {i: vector for i, vector in held.items() if i in self.living}
            for space, held in self.vectors.items()
        }


def check_space(
    reader: search.Reader, space: str, held: dict[int, list[float]], asked: list[float]
) -> None:
    """Hold a space's nearest, and what is similar to each of its documents, against brute force."""
    hits = reader.nearest(space, asked, 1000)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    expected = {i: cosine(asked, vector) for i, vector in held.items()}
    assert expected == pytest.approx({hit.id: hit.score for hit in hits}, abs=0.03)
    dimension = len(asked)
    assert [hits[:3]] == reader.nearest_batch(space, asked, dimension, 3, exact=True)
    for doc_id, own in held.items():
        similar = reader.similar(space, doc_id, 1000)
        expected = {i: cosine(own, vector) for i, vector in held.items() if i != doc_id}
        assert expected == pytest.approx({hit.id: hit.score for hit in similar}, abs=0.03)


@pytest.mark.parametrize("seed", range(4))
def test_each_space_holds_what_it_should_over_any_history(seed: int, tmp_path: Path) -> None:
    """No space sees another's vectors, nor one that is gone; an older reader sees its own state."""
    print(f"seed {seed}")
    run = Run(seed, tmp_path)
    before: tuple[search.Reader, dict[str, dict[int, list[float]]]] | None = None
    for _ in range(24):
        for _ in range(run.random.choice([1, 3, 20])):
            run.change()
        run.commit()
        now = search.Reader(tmp_path)
        for reader, spaces in [(now, run.expected()), *([before] if before else [])]:
            for space, held in spaces.items():
                check_space(reader, space, held, run.vector(space))
                missing = next(i for i in range(1, 100) if i not in held)
                with pytest.raises(search.NoIndexError, match="no vector"):
                    reader.similar(space, missing)
        if before is None or run.random.random() < 0.5:
            if before:
                before[0].close()
            before = (now, run.expected())
        else:
            now.close()
        search.check(tmp_path)
    run.writer.close()
    assert all(len(held) > 5 for held in run.expected().values())
    if before:
        before[0].close()
