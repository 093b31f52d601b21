"""The search engine beside tantivy, Xapian and SQLite FTS5: the same documents, one table.

    python tests/bench/bench_search.py [--documents N] [--passes N] [--texts FOLDER] [--peers ...]

Documents are generated captions whose words follow Zipf's law; or pages of the `.txt` and `.txt.gz`
files below a folder (Debian's doc-rfc packages are a large set), cut into the same words for all
engines and asked for words of five letters and more. Times are CPU seconds of this
thread through Python (of the process for indexing, since tantivy's writer has its own thread), the
least of several passes; every engine answers with the ids of the ten best. Ours takes every word
for the beginning of others too; the others do so only for the row of prefixes, tantivy never.
"ours, plain" does no more than they do: the very words, wherever they stand. A peer that is not
installed is left out with a word (`pip install tantivy`, `apt install python3-xapian`). Peers
answer with as little as they can: no counts. Ours always ranks words that stand near to each other
higher; a row of its own has tantivy do so too, by an optional phrase with a slop. Below the table
stands where bytes and time go, and what each figure is to be.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import random
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from bench_search_limits import show_bytes, show_goals

from picturerail_native.search import Reader, Writer

SEED = 20_240_611


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


def read_pages(folder: Path, most: int) -> list[list[str]]:
    """Return the words of at most so many pages: up to 60 lines, or up to a form feed."""
    pages: list[list[str]] = []
    for path in sorted(folder.rglob("*.txt*")):
        if not path.name.endswith((".txt", ".txt.gz")):
            continue
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for part in data.decode("utf-8", "replace").split("\f"):
            lines = part.splitlines()
            for begin in range(0, len(lines), 60):
                words = re.findall("[a-z]+", " ".join(lines[begin : begin + 60]).lower())
                if len(words) > 1:
                    pages.append(words)
                if len(pages) == most:
                    return pages
    return pages


def by_frequency(pages: Sequence[Sequence[str]]) -> list[str]:
    """Return the words of five letters and more, those of the most pages first."""
    counts = collections.Counter(word for page in pages for word in set(page) if len(word) > 4)
    return sorted(counts, key=lambda word: (-counts[word], word))


def cpu(task: Callable[[], object]) -> float:
    """Return the CPU seconds that a task takes this thread."""
    begin = time.thread_time()
    task()
    return time.thread_time() - begin


def build_ours(folder: Path, captions: Sequence[str], language: str = "english") -> None:
    """Index all in one commit, and merge."""
    with Writer(folder, bytes(16), language=language) as writer:
        for number, caption in enumerate(captions, 1):
            writer.put(number, [("caption", caption)])
        writer.commit(1)
        writer.compact()


class Ours:
    """Our engine, without counting all that match; it has no language, as the others here."""

    name = "ours"
    language = "none"

    def __init__(self, place: Path, captions: Sequence[str]) -> None:
        """Index all in one commit, and merge; what is there already is asked as it is."""
        if not place.exists():
            build_ours(place, captions, self.language)
        self.reader = Reader(place)
        self.bytes = size_of(place)

    def query(self, kind: str, words: Sequence[str]) -> str:
        """Say it in our language."""
        joined = {"or": " OR ", "phrase": " "}.get(kind, " ").join(words)
        return {"phrase": f'"{joined}"', "prefix": f"{joined}*"}.get(kind, joined)

    def ask(self, query: str) -> object:
        """Find the ten best."""
        return self.reader.best(query, 10)


class OursEnglish(Ours):
    """The same, with other forms of each word found too."""

    name = "ours, English"
    language = "english"


class OursPlain(Ours):
    """The same index, asked for the very words, ranked without their nearness, as the others do."""

    name = "ours, plain"

    def ask(self, query: str) -> object:
        """Find the ten best."""
        return self.reader.best(query, 10, plain=True)


class Fts5:
    """SQLite's full-text index, which keeps no texts here."""

    name = "FTS5"

    def __init__(self, place: Path, captions: Sequence[str]) -> None:
        """Index all in one transaction, and optimize."""
        place.mkdir()
        self.database = sqlite3.connect(place / "fts5.db")
        self.database.execute("CREATE VIRTUAL TABLE t USING fts5(caption, content='')")
        self.database.executemany(
            "INSERT INTO t(rowid, caption) VALUES (?, ?)", enumerate(captions, 1)
        )
        self.database.execute("INSERT INTO t(t) VALUES ('optimize')")
        self.database.commit()
        self.bytes = size_of(place)

    def query(self, kind: str, words: Sequence[str]) -> str | None:
        """Say it in FTS5's language, which has no rank by nearness."""
        if kind == "near":
            return None
        joined = {"or": " OR "}.get(kind, " ").join(words)
        return {"phrase": f'"{joined}"', "prefix": f"{joined}*"}.get(kind, joined)

    def ask(self, query: str) -> object:
        """Find the ten best."""
        return self.database.execute(
            "SELECT rowid FROM t WHERE t MATCH ? ORDER BY rank LIMIT 10", (query,)
        ).fetchall()


class Tantivy:
    """tantivy by its Python package; one writer thread."""

    name = "tantivy"

    def __init__(self, place: Path, captions: Sequence[str]) -> None:
        """Index all, and wait for merges."""
        import tantivy

        place.mkdir()
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("caption", stored=False)
        self.index = tantivy.Index(builder.build(), path=str(place))
        writer = self.index.writer(heap_size=500_000_000, num_threads=1)
        for caption in captions:
            writer.add_document(tantivy.Document(caption=[caption]))
        writer.commit()
        writer.wait_merging_threads()
        self.index.reload()
        self.searcher = self.index.searcher()
        self.bytes = size_of(place)

    def query(self, kind: str, words: Sequence[str]) -> object | None:
        """Parse it once, outside of what is measured."""
        if kind == "prefix":
            return None
        joined = {"or": " OR ", "phrase": " "}.get(kind, " AND ").join(words)
        if kind == "near":
            both = " ".join(f"+{word}" for word in words)
            joined = f'{both} "{" ".join(words)}"~4'
        return self.index.parse_query(f'"{joined}"' if kind == "phrase" else joined, ["caption"])

    def ask(self, query: object) -> object:
        """Find the ten best."""
        return self.searcher.search(query, 10, count=False).hits


class Xapian:
    """Xapian by Debian's Python package."""

    name = "Xapian"

    def __init__(self, place: Path, captions: Sequence[str]) -> None:
        """Index all words with their positions."""
        import xapian

        self.xapian = xapian
        database = xapian.WritableDatabase(str(place), xapian.DB_CREATE_OR_OPEN)
        for caption in captions:
            document = xapian.Document()
            for position, word in enumerate(caption.split()):
                document.add_posting(word, position)
            database.add_document(document)
        database.commit()
        self.enquire = xapian.Enquire(database)
        self.parser = xapian.QueryParser()
        self.parser.set_database(database)
        self.bytes = size_of(place)

    def query(self, kind: str, words: Sequence[str]) -> object | None:
        """Build it, outside of what is measured; it has no rank by nearness."""
        if kind == "near":
            return None
        if kind == "prefix":
            query = self.xapian.Query
            return query(query.OP_WILDCARD, words[0], 0, query.WILDCARD_LIMIT_ERROR, query.OP_OR)
        operator = {
            "or": self.xapian.Query.OP_OR,
            "phrase": self.xapian.Query.OP_PHRASE,
        }.get(kind, self.xapian.Query.OP_AND)
        return self.xapian.Query(operator, list(words))

    def ask(self, query: object) -> object:
        """Find the ten best."""
        self.enquire.set_query(query)
        return [match.docid for match in self.enquire.get_mset(0, 10)]


PEERS = {engine.name: engine for engine in (Tantivy, Fts5, Xapian)}


def size_of(folder: Path) -> int:
    """Return the bytes of a folder's files."""
    return sum(file.stat().st_size for file in folder.iterdir())


def make_queries(
    rng: random.Random, captions: Sequence[Sequence[str]], vocabulary: Sequence[str], count: int
) -> list[tuple[str, str, list[list[str]]]]:
    """Return (label, kind, words of each query)."""
    common, middle = vocabulary[:40], vocabulary[40:2000]
    pairs = [rng.sample([*common, *middle[:200]], 2) for _ in range(count)]
    rare = [[vocabulary[-rng.randint(1, len(vocabulary) // 3)]] for _ in range(count)]
    phrases = []
    for caption in rng.choices(captions, k=count):
        begin = rng.randrange(len(caption) - 1)
        phrases.append(caption[begin : begin + 2])
    return [
        ("common word", "word", [[word] for word in common]),
        ("rare word", "word", rare),
        ("AND of two", "and", pairs),
        ("AND, nearer higher", "near", pairs),
        ("OR of three", "or", [rng.sample([*common, *middle[:200]], 3) for _ in range(count)]),
        ("phrase", "phrase", phrases),
        ("prefix", "prefix", [[word[:3]] for word in rng.choices(vocabulary, k=count)]),
    ]


def mean_least(ask: Callable[[Any], object], queries: Sequence[Any], passes: int) -> float:
    """Return the mean over the queries of the least of several times."""
    return sum(min(cpu(partial(ask, q)) for _ in range(passes)) for q in queries) / len(queries)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--texts", type=Path, help="take the documents from the files below it")
    arguments = parser.parse_args()
    rng = random.Random(SEED)
    if arguments.texts:
        captions = read_pages(arguments.texts, arguments.documents)
        vocabulary = by_frequency(captions)
        if len(vocabulary) < 3_000:
            parser.error(
                f"--texts {arguments.texts}: these are too few texts to choose queries from"
            )
    else:
        vocabulary = make_vocabulary(rng, 20_000)
        captions = make_captions(rng, arguments.documents, vocabulary)
    texts = [" ".join(caption) for caption in captions]
    print(
        f"seed {SEED}, {len(texts)} documents, {sum(map(len, texts)) / 1e6:.1f} MB of text, ",
        end="",
    )
    print(f"{arguments.passes} passes; FTS5 of SQLite {sqlite3.sqlite_version}")

    rows: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        calls: dict[str, float] = {}
        parsing = 0.0
        ours = Path(temporary, f"{Ours.name}-0")
        for make in (Ours, OursPlain, OursEnglish, *(PEERS[name] for name in arguments.peers)):
            try:
                seconds = []
                for number in range(1 if make is Xapian else min(2, arguments.passes)):
                    place = ours if make is OursPlain else Path(temporary, f"{make.name}-{number}")
                    begin = time.process_time()
                    engine = make(place, texts)
                    seconds.append(time.process_time() - begin)
            except ImportError as error:
                print(f"{make.name} is left out: {error}")
                continue
            # Ours would look for words that are nearly it.
            nothing = "" if isinstance(engine, Ours) else engine.query("word", ["zzzzz"])
            if make is Tantivy:
                word = captions[0][:1]
                parsing = min(cpu(partial(engine.query, "word", word)) for _ in range(200)) * 1e6
            calls[make.name] = min(cpu(partial(engine.ask, nothing)) for _ in range(200)) * 1e6
            if make is not OursPlain:
                rows.setdefault("documents / CPU s", {})[make.name] = len(texts) / min(seconds)
            rows.setdefault("MB", {})[make.name] = engine.bytes / 1e6
            for label, kind, wanted in make_queries(random.Random(SEED), captions, vocabulary, 40):
                queries = [engine.query(kind, words) for words in wanted]
                if queries[0] is not None:
                    spent = mean_least(engine.ask, queries, arguments.passes)
                    rows.setdefault(f"{label}, us", {})[make.name] = spent * 1e6
        show(rows)
        show_bytes(ours, captions)
    show_goals(rows, calls)
    if parsing > 0:
        print(
            f"tantivy reads a word as a query before these times, in {parsing:.1f} us; ours within"
        )


def show(rows: dict[str, dict[str, float]]) -> None:
    """Print the table: each engine's figure, and for peers how many times ours is better."""
    names = list(rows["MB"])
    print("".join(f"{name:>20}" for name in ["", *names]))
    for label, figures in rows.items():
        print(f"{label:>20}", end="")
        for name in names:
            if name not in figures:
                print(f"{'-':>20}", end="")
                continue
            ratio = figures[name] / figures["ours"]
            times = "" if name == "ours" else f" ({1 / ratio if '/' in label else ratio:.2f}x)"
            print(f"{figures[name]:,.1f}{times}".rjust(20), end="")
        print()


if __name__ == "__main__":
    main()
