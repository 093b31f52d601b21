"""Describing: what models and words cost, and what the gate of neighbours is worth.

    python tests/bench/bench_describe.py [--captions FILE] [--vectors FILE]

FILE has a picture a line, tab-separated: a number, then human captions. The content words of
the first caption stand for its tags, and every word of the others is what people type for it:
the mean average precision over 400 words tells how well tags lead to pictures. The words are
split in two halves, as a check that weights chosen on one hold on the other. The second FILE holds
word vectors of any form, to measure a larger set than the built-in one.
"""

from __future__ import annotations

import argparse
import collections
import platform
import random
import re
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import skimage.data
from PIL import Image

from picturerail_daemon.describe.classifier import Classifier
from picturerail_daemon.describe.detector import Detector
from picturerail_daemon.meaning.words import WordVectors

SEED = 20_261_125
QUERIES = 400
STOP_WORDS = frozenset(
    """
    a an the of in on at to with and or is are be being been was were as by for from up down out
    over under into onto it its his her their there this that these those while he she they him
    them who which some two three one four several near next off very has have having
    """.split()  # noqa: SIM905  a list of words reads as one
)
Scores = npt.NDArray[np.float64]


def row(what: str, *cells: str) -> None:
    """Print one line of the table."""
    print(f"{what:58}", *(f"{cell:>16}" for cell in cells), flush=True)


def processor(act: Callable[[], object]) -> float:
    """Return the processor seconds of something."""
    begun = time.process_time()
    act()
    return time.process_time() - begun


def bench_models() -> None:
    """What a model costs to load and a picture to describe."""
    names = ("astronaut", "chelsea", "coffee", "rocket", "hubble_deep_field")
    images = [Image.fromarray(getattr(skimage.data, name)()) for name in names]
    for image in images:
        image.thumbnail((640, 640))
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        Classifier(threshold=0.2, threads=1, cache=cache).classify(images[0])  # converts
        models: list[tuple[str, Callable[[Image.Image], object]]] = [
            ("classification", Classifier(threshold=0.2, threads=1, cache=cache).classify),
            ("detection", Detector(threads=1).detect),
        ]
        for what, describe in models:
            loading = processor(lambda describe=describe: describe(images[0]))  # type: ignore[misc]
            each = [processor(lambda d=describe, i=i: d(i)) for _ in range(8) for i in images]  # type: ignore[misc]
            row(
                f"{what}, one thread (processor)",
                f"{1e3 * statistics.median(each):.1f} ms",
                f"load {loading:.2f} s",
            )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    row("peak memory of this process with both", f"{peak:.0f} MB")


def bench_words(source: str, cache: Path) -> None:
    """What a set of word vectors costs to load, and a tag to widen."""
    import gensim.models  # noqa: F401  its import is not the vectors' cost

    words = WordVectors(source, 100, cache)
    row(
        f"{Path(source).name} vectors, first use", f"{processor(lambda: words.encode('cat')):.2f} s"
    )
    words = WordVectors(source, 100, cache)
    loading = 1e3 * processor(lambda: words.neighbours("cat"))
    row("    load, with a first tag's neighbours", f"{loading:.0f} ms", f"{words.size:,} words")
    words.reach("cat", words.neighbours("cat"))
    tags = ("grass", "sunset", "espresso", "polar bear", "bicycle", "mountain")
    near = [processor(lambda tag=tag: words.neighbours(tag)) for tag in tags]  # type: ignore[misc]
    row("    a new tag's 100 neighbours", f"{1e3 * statistics.median(near):.1f} ms")
    found = {tag: words.neighbours(tag) for tag in tags}
    gated = [processor(lambda tag=tag: words.reach(tag, found[tag])) for tag in tags]  # type: ignore[misc]
    row("    and what may reach it", f"{1e3 * statistics.median(gated):.1f} ms")
    tagged = [(tag, 1.0) for tag in tags]
    text = [
        processor(lambda: words.encode_picture(tagged, "a cat in the grass")) for _ in range(99)
    ]
    row(
        "    a picture's vector of six tags and a caption",
        f"{1e3 * statistics.median(text):.2f} ms",
    )


class Captions:
    """Pictures with tags, and which of them a query should find."""

    def __init__(self, file: Path) -> None:
        """Read captions; choose the queries."""
        lines = [line.split("\t")[1:] for line in file.read_text(encoding="utf-8").splitlines()]
        captions = [line for line in lines if len(line) > 1]
        self.tags = [sorted(set(content_words(line[0]))) for line in captions]
        typed = [{w for text in line[1:] for w in content_words(text)} for line in captions]
        count = collections.Counter(word for words in typed for word in words)
        some = sorted(word for word, times in count.items() if 10 <= times <= 800)
        rng = random.Random(SEED)
        self.queries = rng.sample(some, min(QUERIES, len(some)))
        self.relevant = {q: np.array([q in words for words in typed]) for q in self.queries}
        self.vocabulary = sorted({tag for tags in self.tags for tag in tags})
        self._pictures: dict[str, list[int]] = collections.defaultdict(list)
        for number, tags in enumerate(self.tags):
            for tag in tags:
                self._pictures[tag].append(number)
        self._ties = np.random.default_rng(SEED).permutation(len(captions))

    def scores(self, weights: Mapping[str, float]) -> Scores:
        """Return each picture's score: the heaviest of its tags."""
        found = np.zeros(len(self.tags))
        for tag, weight in weights.items():
            here = self._pictures.get(tag, [])
            found[here] = np.maximum(found[here], weight)
        return found

    def precision(self, query: str, scores: Scores) -> tuple[float, float | None]:
        """Return average precision, and precision at 20 where so many are relevant."""
        hits = self.relevant[query][np.lexsort((self._ties, -scores))]
        places = np.flatnonzero(hits)
        average = float(np.mean((np.arange(len(places)) + 1) / (places + 1)))
        return average, float(hits[:20].mean()) if len(places) >= 20 else None


def content_words(text: str) -> list[str]:
    """Return the words of a caption that say something."""
    return [w for w in re.findall(r"[a-z]+", text.lower()) if len(w) > 1 and w not in STOP_WORDS]


def bench_captions(file: Path) -> None:
    """Mean average precision of tags alone, with neighbours, and with the gate."""
    captions = Captions(file)
    words = WordVectors("builtin", 100)
    plain: dict[str, dict[str, float]] = collections.defaultdict(dict)
    gated: dict[str, dict[str, float]] = collections.defaultdict(dict)
    for tag in captions.vocabulary:
        near = words.neighbours(tag)
        for word, weight in near:
            plain[word][tag] = weight
        for word, weight in words.reach(tag, near):
            gated[word][tag] = weight
    known = set(captions.vocabulary)
    row(f"{len(captions.tags):,} pictures, {len(captions.queries)} words", "MAP", "halves", "P@20")
    joined = [
        words.neighbours(" ".join(tags)) for tags in captions.tags
    ]  # of a picture's tags together, as the first version of this program had it
    vectors = [words.encode_picture([(tag, 1.0) for tag in tags], "") for tags in captions.tags]
    nothing = np.zeros_like(next(v for v in vectors if v is not None))
    space = np.array([nothing if v is None else v for v in vectors])

    def by_tags(weights: Callable[[str], Mapping[str, float]]) -> Callable[[str], Scores]:
        return lambda query: captions.scores({**weights(query), query: 1.0})

    def by_all_tags(query: str) -> Scores:
        near = np.array([dict(words).get(query, 0.0) for words in joined])
        return np.maximum(captions.scores({query: 1.0}), near)

    def after(query: str) -> Scores:
        """The words' hits, then those of the nearest meaning."""
        found = by_tags(gated.__getitem__)(query)
        vector = words.encode(query)
        near = space @ vector if vector is not None else np.zeros(len(found))
        return np.where(found > 0, 1 + found, np.where(near >= words.least, near, 0.0))

    ways: list[tuple[str, Callable[[str], Scores]]] = [
        ("tags alone", by_tags(lambda _query: {})),
        ("with the 100 neighbours of all tags together", by_all_tags),
        ("with the 100 neighbours of each tag", by_tags(plain.__getitem__)),
        ("with what the gate lets through", by_tags(gated.__getitem__)),
        ("and the nearest meaning after it", after),
    ]
    for what, way in ways:
        found = {q: captions.precision(q, way(q)) for q in captions.queries}
        averages = [found[q][0] for q in captions.queries]
        halves = [statistics.mean(averages[side::2]) for side in (0, 1)]
        tops = [top for q, (_, top) in found.items() if top is not None and q in known]
        row(
            f"    {what}",
            f"{statistics.mean(averages):.3f}",
            " ".join(f"{half:.3f}" for half in halves),
            f"{statistics.mean(tops):.3f}",
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--captions", type=Path, help="a file of captions to measure ranking with")
    parser.add_argument("--vectors", type=Path, help="word vectors of any form to measure, too")
    arguments = parser.parse_args()
    print(f"{platform.machine()}, seed {SEED}\n")
    bench_models()
    with tempfile.TemporaryDirectory() as folder:
        for source in ("builtin", *([str(arguments.vectors)] if arguments.vectors else [])):
            bench_words(source, Path(folder))
    if arguments.captions:
        bench_captions(arguments.captions)


if __name__ == "__main__":
    main()
