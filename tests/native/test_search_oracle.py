"""The engine against a brute force that looks at every document."""

from __future__ import annotations

import random
import struct
from functools import partial
from pathlib import Path

import pytest

from picturerail_native import search

from .oracle import Both, Either, Oracle, Times, Tree, Wanted, Without, words_of

UUID = bytes(range(16))
# Few and short words, so that prefixes, phrases and repetitions are common.
VOCABULARY = [
    "a",
    "ab",
    "abc",
    "abd",
    "b",
    "ba",
    "bar",
    "barn",
    "bars",
    "barring",
    "cat",
    "cats",
    "hot",
    "dog",
    "dogs",
    "Ähre",
]
FIELDS = ["filename", "tags", "caption", "folder", "camera", "date"]


def single(number: float) -> float:
    """Return the nearest 32-bit float, which the engine stores."""
    (rounded,) = struct.unpack("f", struct.pack("f", number))
    assert isinstance(rounded, float)
    return rounded


class Run:
    """One random history, done to the engine and to the oracle."""

    def __init__(self, seed: int, folder: Path) -> None:
        """Begin with an empty index in the folder."""
        self.random = random.Random(seed)
        self.folder = folder
        self.oracle = Oracle()
        self.writer = search.Writer(folder, UUID)
        self.seq = 0

    def text(self, most: int) -> str:
        """Return up to so many words, parted in one of several ways."""
        rng = self.random
        return rng.choice(" -_").join(rng.choices(VOCABULARY, k=rng.randint(0, most)))

    def path(self) -> str:
        """Return a folder, which may lie in another one that documents are in."""
        return "/".join(["a", "cat", "hot dog", "cat"][: self.random.randint(0, 4)])

    def change(self) -> None:
        """Put, update or remove one document, or set a tag's neighbours."""
        rng = self.random
        doc_id = rng.randint(1, 60)
        kind = rng.random()
        if kind < 0.7:
            names = rng.choices(FIELDS, k=rng.randint(0, 6))
            fields = [(name, self.path() if name == "folder" else self.text(5)) for name in names]
            order = rng.choice([-3, 0, 3]) * 10_000_000 + rng.randint(-3, 3)
            self.writer.put(doc_id, fields, order=order)
            self.oracle.put(doc_id, fields, order)
        elif kind < 0.85:
            self.writer.remove(doc_id)
            self.oracle.remove(doc_id)
        else:
            tag = " ".join(rng.choices(VOCABULARY, k=rng.choice([1, 1, 2])))
            words = [
                (rng.choice([*VOCABULARY, "hot-dog", "zebra"]), single(rng.uniform(0.01, 1)))
                for _ in range(rng.randint(0, 4))
            ]
            self.writer.set_neighbours(tag, words)
            self.oracle.set_neighbours(tag, words)

    def query(self) -> str:
        """Return a query of words, beginnings of words and phrases."""
        rng = self.random
        parts = []
        for _ in range(rng.choice([1, 1, 2, 2, 3, 4])):
            words = rng.choices([*VOCABULARY, "zebra", "hot-dog"], k=rng.choice([1, 2, 2, 3]))
            if rng.random() < 0.3:
                parts.append('"' + " ".join(words) + '"')
            else:
                word = words[0]
                parts.append(word[: rng.randint(1, len(word))] if rng.random() < 0.3 else word)
        return " ".join(parts)

    def word(self, *, excluded: bool) -> tuple[str, Tree]:
        """Return one word or phrase, perhaps of a field, as it is written and as it is meant."""
        rng = self.random
        field = rng.choice(["", "", "tags", "caption", "filename", "camera"])
        written = {"tags": "tag:", "filename": "name:"}.get(field, f"{field}:") if field else ""
        if rng.random() < 0.25:
            words = rng.choices(VOCABULARY, k=2)
            text = " ".join(words)
            return f'{written}"{text}"', Wanted(words_of(text), True, frozenset(), field)
        word = rng.choice([*VOCABULARY, "zebra", "bran", "catz", "abdc"])
        star = rng.random() < 0.2
        near = frozenset() if star or excluded or field not in ("", "tags") else {words_of(word)}
        wanted = Wanted(
            words_of(word),
            False,
            frozenset(near),
            field,
            star or not excluded,
            not star and not excluded,
            not star and not excluded,
        )
        return f"{written}{word}{'*' if star else ''}", wanted

    def tree(self, depth: int, *, excluded: bool = False) -> tuple[str, Tree]:
        """Return a part of a query, as it is written and as it is meant."""
        rng = self.random
        kind = rng.random()
        if depth == 0 or kind < 0.5:
            return self.word(excluded=excluded)
        if kind < 0.6:
            begin, before = sorted(rng.sample([-365, 0, 365, 730], 2))
            years = {-365: 1969, 0: 1970, 365: 1971, 730: 1972}
            text = rng.choice(["", "date:"]) + f"{years[begin]}..{years[before] - 1}"
            return text, Times(begin * 86_400, before * 86_400)
        if kind < 0.7:
            text, part = self.tree(0, excluded=True)
            return f"-{text}", Without(part)
        parts = [self.tree(depth - 1, excluded=excluded) for _ in range(rng.choice([2, 2, 3]))]
        joined = rng.choice([" ", " OR "])
        meant = tuple(part for _, part in parts)
        text = "(" + joined.join(text for text, _ in parts) + ")"
        return text, Both(meant) if joined == " " else Either(meant)

    def commit(self) -> None:
        """Commit; now and then compact, or close and open again."""
        self.seq += 1
        self.writer.commit(self.seq)
        if self.random.random() < 0.15:
            self.writer.compact()
        if self.random.random() < 0.2:
            self.writer.close()
            self.writer = search.Writer(self.folder, UUID)

    def compare(self, reader: search.Reader) -> None:
        """Ask the same of both."""
        rng = self.random
        assert sorted(self.oracle.documents) == list(reader.documents())

        query = self.query()
        weights = {rng.choice(FIELDS): rng.choice([0, 0.5, 7])} if rng.random() < 0.3 else None
        expected, relaxed = self.oracle.search(query, weights)
        results = reader.search(query, limit=1000, weights=weights, threads=rng.choice([0, 1, 3]))
        scores = {hit.id: hit.score for hit in results.hits}

        assert relaxed == results.relaxed, query
        assert len(expected) == results.total, query
        assert dict(expected) == pytest.approx(scores, abs=1e-4), query
        # In order but for scores so near that rounding decides.
        for (expected_id, _), hit in zip(expected, results.hits, strict=True):
            assert expected_id == hit.id or abs(dict(expected)[hit.id] - hit.score) < 1e-4, query
            assert hit.matches or not query, query
        begin, size = rng.randint(0, 5), rng.randint(0, 5)
        page = reader.search(query, limit=size, skip=begin, weights=weights)
        assert results.hits[begin : begin + size] == page.hits
        plain, _ = self.oracle.search(query, plain=True)
        found = reader.search(query, limit=1000, plain=True)
        assert dict(plain) == pytest.approx({hit.id: hit.score for hit in found.hits}, abs=1e-4)
        assert reader.best(query, 1000, plain=True) == [(hit.id, hit.score) for hit in found.hits]
        best = reader.search(
            query, limit=size, skip=begin, weights=weights, explain=False, count=False
        )
        bare = [(hit.id, hit.score) for hit in page.hits]
        assert bare == [(hit.id, hit.score) for hit in best.hits], query
        assert best.relaxed == results.relaxed or not size, query

    def compare_language(self, reader: search.Reader) -> None:
        """Ask the same of both, with groups, alternatives, exclusions, fields and dates."""
        parts = [self.tree(2) for _ in range(self.random.choice([1, 1, 2, 3]))]
        query = " ".join(text for text, _ in parts)
        expected, relaxed = self.oracle.search_tree(Both(tuple(part for _, part in parts)))
        counted = ["folder", "tags", "year", "camera", "filename"]
        results = reader.search(query, limit=1000, strict=True, facets=counted, facet_limit=1000)

        assert relaxed == results.relaxed, query
        scores = {hit.id: hit.score for hit in results.hits}
        assert dict(expected) == pytest.approx(scores, abs=1e-4), query
        assert results.total == len(expected), query
        for name in counted:
            assert self.oracle.facets(scores, name) == list(results.facets[name]), (query, name)
        newest = reader.search(query, limit=1000, sort=search.Sort.NEWEST)
        by_order = sorted(scores, key=lambda i: (-self.oracle.documents[i].order, i))
        assert by_order == [hit.id for hit in newest.hits], query
        assert scores == {hit.id: hit.score for hit in newest.hits}, query
        oldest = reader.search(query, limit=3, sort=search.Sort.OLDEST)
        by_order = sorted(scores, key=lambda i: (self.oracle.documents[i].order, i))
        assert by_order[:3] == [hit.id for hit in oldest.hits], query


@pytest.mark.parametrize("seed", range(8))
def test_random_histories_answer_as_the_brute_force_does(seed: int, tmp_path: Path) -> None:
    """After any history of changes, ids, scores, order and relaxing equal the oracle's."""
    print(f"seed {seed}")
    run = Run(seed, tmp_path)
    for _ in range(16):
        for _ in range(run.random.choice([1, 2, 10, 25])):
            run.change()
        run.commit()
        with search.Reader(tmp_path) as reader:
            for _ in range(12):
                run.compare(reader)
                run.compare_language(reader)
        search.check(tmp_path)
    run.writer.close()


@pytest.mark.parametrize("language", ["english", "none"])
@pytest.mark.parametrize("seed", range(3))
def test_leaving_out_changes_nothing(seed: int, language: str, tmp_path: Path) -> None:
    """The best hits found without looking at all are those of looking at all, to the last bit."""
    rng = random.Random(seed)
    print(f"seed {seed}")
    words = [
        f"{c}{v}{d}" for c in "bdfgk" for v in "aeiou" for d in ["", "n", "ns", "nst", "r", "ro"]
    ]
    words += ["the", "of"]  # which say little
    rng.shuffle(words)
    shares = [1 / (rank + 1) for rank in range(len(words))]

    def text(most: int) -> str:
        return " ".join(rng.choices(words, shares, k=rng.randint(0, most)))

    with search.Writer(tmp_path, UUID, language=language) as writer:
        for tag in words[:20]:
            writer.set_neighbours(
                tag, [(w, single(rng.uniform(0.01, 1))) for w in rng.sample(words, 5)]
            )
        for part in range(rng.choice([1, 4])):
            for doc_id in range(1 + part * 4000, 1 + (part + 1) * 4000):
                long = rng.choice([5, 10, 60])
                fields = [
                    ("caption", text(long)),
                    ("tags", rng.choice(words)),
                    ("filename", text(2)),
                ]
                writer.put(doc_id, fields, order=rng.randint(0, 50))
            if rng.random() < 0.7:
                for doc_id in rng.sample(range(1, 1 + (part + 1) * 4000), 300):
                    writer.remove(doc_id)
            writer.commit(part + 1)
    search.check(tmp_path)
    with search.Reader(tmp_path) as reader:
        for _ in range(250):
            chosen = rng.choices(words[: rng.choice([5, 50, 150])], k=rng.choice([1, 1, 2, 3, 4]))
            chosen = [word[: rng.choice([1, 2, 3, 4])] for word in chosen]
            query = rng.choice([" ", " ", " OR "]).join(chosen)
            limit = rng.choice([1, 10, 200])
            weights = {"tags": 0.3} if rng.random() < 0.2 else None
            ask = partial(
                reader.search,
                query,
                limit=limit,
                explain=False,
                weights=weights,
                plain=rng.random() < 0.2,
            )
            best, all_looked_at = ask(count=False), ask(facets=["year"])

            assert all_looked_at.hits == best.hits, query
            assert all_looked_at.relaxed == best.relaxed, query


def test_merge_history_leaves_no_trace_in_the_scores(tmp_path: Path) -> None:
    """The same live documents score the same, whether put at once or by many commits."""
    rng = random.Random(7)
    print("seed 7")
    documents = {
        i: [("caption", " ".join(rng.choices(VOCABULARY, k=6))), ("tags", rng.choice(VOCABULARY))]
        for i in range(1, 41)
    }
    with search.Writer(tmp_path / "one", UUID) as writer:
        for doc_id, fields in documents.items():
            writer.put(doc_id, fields)
        writer.commit(1)
    with search.Writer(tmp_path / "many", UUID) as writer:
        seq = 0
        for doc_id, fields in documents.items():
            writer.put(doc_id, [("caption", "b ba barn"), ("tags", "dog")])
            writer.put(doc_id + 100, fields)
            writer.commit(seq := seq + 1)
            writer.put(doc_id, fields)
            writer.remove(doc_id + 100)
            writer.commit(seq := seq + 1)
        assert 1 < writer.info.segments < 20

    with search.Reader(tmp_path / "one") as one, search.Reader(tmp_path / "many") as many:
        for query in ["a", "ba", "cat dog", '"hot dog"', "abc abd barn"]:
            assert one.search(query, limit=99) == many.search(query, limit=99, threads=4)
