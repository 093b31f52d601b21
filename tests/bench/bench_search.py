"""The search engine beside SQLite FTS5: the same documents, the same questions, one table.

    python tests/bench/bench_search.py [--quick]

Documents are generated captions whose words follow Zipf's law. Times are CPU seconds of this
thread through Python, the least of several passes; both engines answer with the ten best. Ours
also counts all that match and takes every word for the beginning of others; FTS5 does neither
unless asked. An OR is asked of ours as all words and one that nobody bears, which it relaxes.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path

from picturerail_native.search import Reader, Writer

SEED = 20_240_611
NOBODY = "qqqqqqqqq"


def make_vocabulary(rng: random.Random, size: int) -> list[str]:
    """Return distinct words of five to ten letters, in no order."""
    words: dict[str, None] = {}
    while len(words) < size:
        syllables = rng.choices(["ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "du"], k=4)
        words["".join(syllables)[: rng.randint(5, 8)] + rng.choice("abdegilnorstu")] = None
    return list(words)


def make_captions(rng: random.Random, count: int, vocabulary: Sequence[str]) -> list[list[str]]:
    """Return captions of 5 to 60 words by Zipf's law."""
    weights = list(accumulate(1 / (rank + 2) for rank in range(len(vocabulary))))
    return [
        rng.choices(vocabulary, cum_weights=weights, k=rng.randint(5, 60)) for _ in range(count)
    ]


def cpu(task: Callable[[], object]) -> float:
    """Return the CPU seconds that a task takes this thread."""
    begin = time.thread_time()
    task()
    return time.thread_time() - begin


def build_ours(folder: Path, captions: Sequence[str]) -> None:
    """Index all in one commit, and merge."""
    with Writer(folder, bytes(16)) as writer:
        for number, caption in enumerate(captions, 1):
            writer.put(number, [("caption", caption)])
        writer.commit(1)
        writer.compact()


def build_fts5(file: Path, captions: Sequence[str]) -> None:
    """Index all in one transaction, without keeping the texts, and optimize."""
    database = sqlite3.connect(file)
    database.execute("CREATE VIRTUAL TABLE t USING fts5(caption, content='')")
    database.executemany("INSERT INTO t(rowid, caption) VALUES (?, ?)", enumerate(captions, 1))
    database.execute("INSERT INTO t(t) VALUES ('optimize')")
    database.commit()
    database.close()


def make_queries(
    rng: random.Random, captions: Sequence[Sequence[str]], vocabulary: Sequence[str], count: int
) -> list[tuple[str, list[str], list[str]]]:
    """Return (kind, our queries, FTS5's queries)."""
    common, middle = vocabulary[:40], vocabulary[40:2000]
    rare = [vocabulary[-rng.randint(1, len(vocabulary) // 3)] for _ in range(count)]
    pairs = [rng.sample([*common, *middle[:200]], 2) for _ in range(count)]
    triples = [rng.sample([*common, *middle[:200]], 3) for _ in range(count)]
    phrases = []
    for caption in rng.choices(captions, k=count):
        begin = rng.randrange(len(caption) - 1)
        phrases.append('"' + " ".join(caption[begin : begin + 2]) + '"')
    prefixes = [word[:3] for word in rng.choices(vocabulary, k=count)]
    ours = [" ".join([*words, NOBODY]) for words in triples]
    ors = [" OR ".join(words) for words in triples]
    ands = [" ".join(words) for words in pairs]
    return [
        ("common word", list(common), list(common)),
        ("rare word", rare, rare),
        ("AND of two", ands, ands),
        ("OR of three", ours, ors),
        ("phrase", phrases, phrases),
        ("prefix", prefixes, [f"{word}*" for word in prefixes]),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a tenth of the documents")
    quick = parser.parse_args().quick
    count, passes = (5_000, 2) if quick else (50_000, 3)
    rng = random.Random(SEED)
    vocabulary = make_vocabulary(rng, 20_000)
    captions = make_captions(rng, count, vocabulary)
    texts = [" ".join(caption) for caption in captions]
    size = sum(map(len, texts))
    print(f"seed {SEED}, {count} documents, {size / 1e6:.1f} MB of text; ", end="")
    print(f"FTS5 of SQLite {sqlite3.sqlite_version}; least CPU time of {passes} passes\n")
    print(f"{'':16}{'ours':>12}{'FTS5':>12}{'FTS5 / ours':>14}")

    with tempfile.TemporaryDirectory() as temporary:
        places = [Path(temporary, f"{number}") for number in range(passes)]
        ours = min(cpu(partial(build_ours, place, texts)) for place in places)
        files = [place.with_suffix(".db") for place in places]
        fts5 = min(cpu(partial(build_fts5, file, texts)) for file in files)
        row("indexing, s", ours, fts5, "{:.2f}")
        stored = sum(file.stat().st_size for file in places[0].iterdir())
        row("bytes, MB", stored / 1e6, files[0].stat().st_size / 1e6, "{:.2f}")

        database = sqlite3.connect(files[0])
        ask = "SELECT rowid FROM t WHERE t MATCH ? ORDER BY rank LIMIT 10"
        with Reader(places[0]) as reader:

            def ask_ours(query: str) -> object:
                return reader.search(query, limit=10, threads=1, explain=False)

            def ask_fts5(query: str) -> object:
                return database.execute(ask, (query,)).fetchall()

            for kind, our_queries, their_queries in make_queries(rng, captions, vocabulary, 40):
                ours = mean_least(ask_ours, our_queries, passes)
                fts5 = mean_least(ask_fts5, their_queries, passes)
                row(f"{kind}, us", ours * 1e6, fts5 * 1e6, "{:.0f}")
        database.close()


def mean_least(ask: Callable[[str], object], queries: Sequence[str], passes: int) -> float:
    """Return the mean over the queries of the least of several times."""
    return sum(min(cpu(partial(ask, q)) for _ in range(passes)) for q in queries) / len(queries)


def row(label: str, ours: float, fts5: float, form: str) -> None:
    """Print one line of the table."""
    print(f"{label:16}{form.format(ours):>12}{form.format(fts5):>12}{fts5 / ours:>13.1f}x")


if __name__ == "__main__":
    main()
