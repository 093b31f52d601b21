"""What the browser's search index is made of, kept in the site's state (`state`).

Tables::

    search_entry     key, entry: the terms that there are (`native/search/SITE.md`)
    search_record    key, data: postings of terms, with what the best documents look like; the tags
                     that a word is near to
    search_front     key, data: the same of a frequent term
    search_rest      key, data: its other postings; which pictures have words of two very frequent
                     stems near each other
    search_beside    key, data: what long lists tell apart of the most frequent stems
    search_frequent  key, documents: how many have each term whose postings are many
    search_together  key, data: the best pictures of frequent stems together
    search_spelling  key: words by their length, for those that are misspelt
    search_pictures, search_looks, search_lengths, search_values, search_facts,
    search_orders, search_times
                     key, data: what is said of pictures one by one, some ids a row
    search_tag       folded, tag, count, words: how often a published tag is written so, and what
                     it is near to, folded
    search_look      id, look, told: what a result shows before more of it is read, and what else
                     is said of single pictures (`Told`)
    search_file      kind, first, name: the files, by the first key in each
    search_cut       kind, bytes, step: what rows of some kinds take, and how small files are for it

and those of `search_meaning`.
"""

from __future__ import annotations

import functools
import itertools
import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from picturerail_exporter.search_file import (
    DIGEST,
    LOOK,
    Cut,
    Directory,
    Listed,
    body_of,
    cut,
    four_times_packed_entry,
    is_number,
    name_of,
    packed,
    packed_bits,
    packed_exactly,
    packed_record,
    packed_size,
    packed_text,
    packed_together,
    page_of,
    separator,
)
from picturerail_native.site_terms import site_words

if TYPE_CHECKING:
    from picturerail_exporter.search_meaning import MeaningState

_TABLES = """
CREATE TABLE IF NOT EXISTS search_entry(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_record(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_front(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_rest(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_beside(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_frequent(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_together(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_spelling(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_pictures(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_looks(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_lengths(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_values(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_facts(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_orders(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_times(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_tag(
  folded TEXT, tag BLOB, count INTEGER, words BLOB, PRIMARY KEY(folded, tag)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_look(id INTEGER PRIMARY KEY, look BLOB, told BLOB);
CREATE TABLE IF NOT EXISTS search_file(
  kind TEXT, first BLOB, name TEXT, PRIMARY KEY(kind, first)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_cut(kind TEXT PRIMARY KEY, bytes INTEGER, step INTEGER);
"""
_TABLE_NAMES = (
    "search_entry",
    "search_record",
    "search_front",
    "search_rest",
    "search_beside",
    "search_frequent",
    "search_together",
    "search_spelling",
    "search_pictures",
    "search_looks",
    "search_lengths",
    "search_values",
    "search_facts",
    "search_orders",
    "search_times",
    "search_tag",
    "search_look",
    "search_file",
    "search_cut",
)

ROWS: Final[Mapping[str, tuple[str, Cut]]] = {
    "terms": (
        "search_entry",
        Cut(9_000, 24_000, four_times_packed_entry, 100, 20, group=is_number),
    ),
    "postings": (
        "search_record",
        Cut(17_600, 38_600, packed_record, 5, 240, fine=20_000_000, fine_steps=2, terms=True),
    ),
    "front": ("search_front", Cut(9_000, 40_000, packed_record, 1, terms=True)),
    "rest": (
        "search_rest",
        Cut(8_000, 60_000, packed_record, 1, fine=6_000_000, fine_steps=2, terms=True),
    ),
    "beside": ("search_beside", Cut(9_000, 22_000, packed_bits, 1, terms=True)),
    "together": (
        "search_together",
        Cut(75_000, 83_000, packed_together, 4, fine=6_000_000, fine_steps=4),
    ),
    "spelling": ("search_spelling", Cut(24_000, 56_000, packed_size, 60)),
    "meaning": ("search_meaning", Cut(8_000, 24_000, packed_size, 8)),
    "pictures": ("search_pictures", Cut(74_000, 84_000, packed_text, 2)),
    "looks": ("search_looks", Cut(56_000, 80_000, packed_text, 2, fine=3_000_000, fine_steps=9)),
    "lengths": (
        "search_lengths",
        Cut(16_000, 36_000, packed_text, 2, fine=1_500_000, fine_steps=9),
    ),
    "values": ("search_values", Cut(30_000, 50_000, packed_size, 2)),
    "facts": ("search_facts", Cut(40_000, 56_000, packed_exactly, 2)),
    "orders": ("search_orders", Cut(18_000, 50_000, packed_exactly, 2)),
    "times": ("search_times", Cut(30_000, 50_000, packed_size, 2)),
}
"""The kinds of files that are cut out of a table, by the content of its rows: smaller ones where
most searches read one, larger ones where few do, so that there are no more than some hundreds."""

_RECORDS = {"postings", "front", "rest", "together"}
"""The kinds whose rows are records, or some are."""
_DIVIDED = {"postings", "rest"}
"""The kinds in which a term's rows may lie in many files, by the documents in them."""
TERMS = ("terms", "postings", "front", "rest", "beside")
"""The kinds whose rows are of terms."""
FREQUENT = "frequent"
"""Rows of terms, too; they lie in the root in place of files."""

_PAGES = "pages"
"""A kind of files that has no rows: pages tell of a kind with many files which there are."""
MANY_FILES = 400
"""Of a kind with no more files the root tells them itself: that is one file less to wait for."""
PAGE = Cut(1_600, 4_000, lambda key, _: len(key) // 2 + DIGEST, 16)

_TERM_TABLES = {
    **{kind: ROWS[kind][0] for kind in TERMS},
    FREQUENT: "search_frequent",
}

_RANKED = """
SELECT key, value FROM search_frequent AS one
WHERE substr(key, -1) = CAST('s' AS BLOB) OR EXISTS (
  SELECT 1 FROM search_front WHERE search_front.key >= one.key
  AND search_front.key < CAST(one.key || x'ffffffffffffffffff' AS BLOB))
ORDER BY key
"""
_AT_ONCE = 900
"""Rows that one query asks for."""
_TERMS_AT_ONCE = 200
"""Terms of which rows are kept at once."""

Files = dict[str, bytes]


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What is said of a picture beside where words stand in it.

    `look` is as `LOOK` has it, `order` when it was taken, in seconds since 1970; of fields with
    several values each is there once, sorted.
    """

    look: bytes
    filename: str
    alt: str
    order: int
    tags: tuple[str, ...]
    folder: tuple[str, ...]
    camera: tuple[str, ...]


_told_decoder = msgspec.msgpack.Decoder(Told)
Row = tuple[bytes, bytes]


def _are_of_one_term(key: bytes, other: bytes) -> bool:
    end = key.index(b"\0") + 2  # what tells the kind of the term ends there
    return key[:end] == other[:end]


def _file_of(kind: str, rows: Sequence[Row]) -> bytes:
    """Return a file of a kind's rows."""
    if kind == "spelling":
        rows = [(rows[0][0], site_words(key[1:] for key, _ in rows))]
    return packed(*body_of(rows, records=kind in _RECORDS))


class SearchState:
    """The tables of the index; changes last once the site's state is committed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use an open database with the tables in it."""
        self._db = connection
        cuts = connection.execute("SELECT kind, bytes, step FROM search_cut").fetchall()
        self._bytes = {**dict.fromkeys(_TERM_TABLES, 0), **{kind: size for kind, size, _ in cuts}}
        self._steps = {kind: step for kind, _, step in cuts}

    @functools.cached_property
    def meaning(self) -> MeaningState:
        """The tables of `search_meaning`; its arithmetic is loaded where it is asked for."""
        from picturerail_exporter.search_meaning import MeaningState

        return MeaningState(self._db)

    # ---- terms ----

    def clear(self) -> None:
        """Forget everything."""
        from picturerail_exporter import search_meaning

        for name in (*_TABLE_NAMES, *search_meaning.TABLE_NAMES):
            self._db.execute(f"DELETE FROM {name}")  # noqa: S608 - names from here
        self._bytes = dict.fromkeys(_TERM_TABLES, 0)
        self._steps = {}

    def clear_terms(self) -> None:
        """Forget all terms, and what may be a misspelt one."""
        for table in (*_TERM_TABLES.values(), ROWS["spelling"][0]):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from here
        self._bytes.update(dict.fromkeys(_TERM_TABLES, 0))

    def add_terms(self, terms: Iterable[Mapping[str, Sequence[Row]]]) -> None:
        """Keep the rows, by their kind, of terms of which none are kept yet."""
        terms = iter(terms)
        while some := list(itertools.islice(terms, _TERMS_AT_ONCE)):
            for kind, table in _TERM_TABLES.items():
                rows = [row for term in some for row in term.get(kind, ())]
                self._db.executemany(f"INSERT INTO {table} VALUES (?, ?)", rows)  # noqa: S608
                self._bytes[kind] += sum([len(key) + len(value) for key, value in rows])

    def drop_term(self, key: bytes, rows: Mapping[str, Mapping[bytes, bytes]]) -> None:
        """Forget a term, which has these rows (`term`)."""
        for kind, table in _TERM_TABLES.items():
            self._bytes[kind] -= sum(len(row) + len(value) for row, value in rows[kind].items())
            query = f"DELETE FROM {table} WHERE key >= ? AND key < ?"  # noqa: S608
            self._db.execute(query, (key, key + b"\xff" * 9))

    def term(self, key: bytes) -> dict[str, dict[bytes, bytes]]:
        """Return a term's rows, by their kind and keys."""
        return {kind: self._of_term(table, key) for kind, table in _TERM_TABLES.items()}

    def _of_term(self, table: str, key: bytes) -> dict[bytes, bytes]:
        query = f"SELECT * FROM {table} WHERE key >= ? AND key < ?"  # noqa: S608
        return dict(self._db.execute(query, (key, key + b"\xff" * 9)))

    def frequent(self) -> Iterator[Row]:
        """Yield the terms whose postings are many, ascending, and how many documents each has."""
        return iter(self._db.execute("SELECT key, value FROM search_frequent ORDER BY key"))

    def ranked(self) -> Iterator[Row]:
        """Yield those of them that some documents are worth more for than others, and all stems."""
        return iter(self._db.execute(_RANKED))

    def is_near(self, word: bytes) -> bool:
        """Tell whether a frequent word is near to tags."""
        return self._is_row("search_front", word + b"\0n")

    def is_frequent(self, word: bytes) -> bool:
        """Tell whether the postings of a word are many."""
        return self._is_row("search_frequent", word + b"\0w")

    def set_spelling(self, key: bytes, *, there: bool) -> None:
        """Keep a word for those who misspell it, or forget it."""
        if there:
            self._db.execute("INSERT OR IGNORE INTO search_spelling VALUES (?, x'')", (key,))
        else:
            self._db.execute("DELETE FROM search_spelling WHERE key = ?", (key,))

    # ---- tags ----

    def count_tag(self, folded: str, tag: str, difference: int) -> bool:
        """Count a tag as it is written; tell whether it is new."""
        key = (folded, tag.encode("utf-8", "surrogatepass"))
        done = self._db.execute(
            "UPDATE search_tag SET count = count + ? WHERE folded = ? AND tag = ?",
            (difference, *key),
        )
        if done.rowcount:
            self._db.execute(
                "DELETE FROM search_tag WHERE folded = ? AND tag = ? AND count = 0", key
            )
            return False
        self._db.execute("INSERT INTO search_tag VALUES (?, ?, ?, x'90')", (*key, difference))
        return True

    def set_near(self, folded: str, tag: str, words: list[str]) -> None:
        """Keep the folded words that a tag, which is counted, is near to."""
        self._db.execute(
            "UPDATE search_tag SET words = ? WHERE folded = ? AND tag = ?",
            (msgspec.msgpack.encode(words), folded, tag.encode("utf-8", "surrogatepass")),
        )

    def tag(self, folded: str) -> tuple[str, list[str]] | None:
        """Return how a folded tag is written, and what it is near to, folded.

        Of several ways to write it the last one counts.
        """
        row = self._db.execute(
            "SELECT tag, words FROM search_tag WHERE folded = ? ORDER BY tag DESC LIMIT 1",
            (folded,),
        ).fetchone()
        if row is None:
            return None
        words = msgspec.msgpack.decode(row[1], type=list[str])
        return row[0].decode("utf-8", "surrogatepass"), words

    def near_words(self) -> set[str]:
        """Return the folded words that any tag is near to."""
        rows = self._db.execute("SELECT words FROM search_tag")
        return {word for (words,) in rows for word in msgspec.msgpack.decode(words, type=list[str])}

    # ---- looks ----

    def set_told(self, number: int, told: Told | None) -> None:
        """Keep what is said of a picture; None forgets it."""
        if told is None:
            self._db.execute("DELETE FROM search_look WHERE id = ?", (number,))
        else:
            row = number, told.look, msgspec.msgpack.encode(told)
            self._db.execute("INSERT OR REPLACE INTO search_look VALUES (?, ?, ?)", row)

    def told(self, first: int, end: int) -> Iterator[tuple[int, Told]]:
        """Yield the pictures whose ids are from `first` up to `end`, without that, in id order."""
        rows = self._db.execute(
            "SELECT id, told FROM search_look WHERE id >= ? AND id < ? ORDER BY id", (first, end)
        )
        return ((number, _told_decoder.decode(told)) for number, told in rows)

    def looks(self, ids: Sequence[int]) -> bytes:
        """Return what pictures look like, `LOOK` bytes each, in the order of their ids."""
        looks: list[bytes] = []
        for begin in range(0, len(ids), _AT_ONCE):
            part = ids[begin : begin + _AT_ONCE]
            gaps = ", ".join("?" * len(part))
            query = f"SELECT look FROM search_look WHERE id IN ({gaps}) ORDER BY id"  # noqa: S608
            looks += [look for (look,) in self._db.execute(query, part)]
        return b"".join(looks)

    def all_looks(self) -> bytearray:
        """Return what all pictures look like, each at its id times `LOOK`."""
        looks = bytearray((self.last() + 1) * LOOK)
        for number, look in self._db.execute("SELECT id, look FROM search_look"):
            looks[number * LOOK : (number + 1) * LOOK] = look
        return looks

    def last(self) -> int:
        """Return the highest id of a picture; 0 where there is none."""
        return int(self._db.execute("SELECT max(id) FROM search_look").fetchone()[0] or 0)

    # ---- files ----

    def files(self, kind: str) -> list[tuple[bytes, str]]:
        """Return the files of a kind: the first key in each, and its name."""
        return self._db.execute(
            "SELECT first, name FROM search_file WHERE kind = ? ORDER BY first", (kind,)
        ).fetchall()

    def directory(self, kind: str) -> list[tuple[bytes, str]]:
        """Return the same, of each first key as much as tells it from the last of the file before.

        So whoever looks for what begins with a text sees where the file before has nothing of it.
        """
        query = f"SELECT max(key) FROM {ROWS[kind][0]} WHERE key < ?"  # noqa: S608
        files = []
        for first, name in self.files(kind):
            (before,) = self._db.execute(query, (first,)).fetchone()
            # Who looks for a document in a long list is to know which file has it.
            divided = kind in _DIVIDED and before is not None and _are_of_one_term(before, first)
            files.append((first if divided else separator(before, first), name))
        return files

    def cut_directories(self) -> tuple[Files, list[Directory]]:
        """Tell of each kind which files there are, where these are many in pages.

        Returns:
            the pages, by name; and what the root tells of each kind.
        """
        self._db.execute("DELETE FROM search_file WHERE kind = ?", (_PAGES,))
        pages: Files = {}
        told: list[Directory] = []
        for number, kind in enumerate(ROWS):
            files = self.directory(kind)
            many = len(files) > MANY_FILES
            told.append((self._cut_pages(bytes([number]), files, pages) if many else files, many))
        return pages, told

    def _cut_pages(self, kind: bytes, files: Listed, pages: Files) -> Listed:
        """Put the pages that tell of these files to others; return them as files are told."""
        listed = []
        for rows in cut(((first, name.encode()) for first, name in files), PAGE):
            data = page_of([(first, name.decode()) for first, name in rows])
            first = rows[0][0]
            name = self._set_file(_PAGES, kind + first, data)
            pages[name] = data
            listed.append((first, name))
        return listed

    def names(self) -> set[str]:
        """Return the names of all files."""
        return {row[0] for row in self._db.execute("SELECT name FROM search_file")}

    def keys(self, kind: str, beginning: bytes = b"") -> Iterator[bytes]:
        """Yield the keys of all rows of a kind that begin so, ascending."""
        query = f"SELECT key FROM {ROWS[kind][0]} WHERE key >= ? ORDER BY key"  # noqa: S608
        keys = (bytes(key) for (key,) in self._db.execute(query, (beginning,)))
        return iter(list(itertools.takewhile(lambda key: key.startswith(beginning), keys)))

    def set_row(self, kind: str, key: bytes, value: bytes | None) -> None:
        """Keep a row; None forgets it."""
        table = ROWS[kind][0]
        if value is None:
            self._db.execute(f"DELETE FROM {table} WHERE key = ?", (key,))  # noqa: S608
        else:
            query = f"INSERT OR REPLACE INTO {table} VALUES (?, ?)"  # noqa: S608
            self._db.execute(query, (key, value))

    def _set_file(self, kind: str, first: bytes, data: bytes) -> str:
        """Keep a file; return its name."""
        name = name_of(data)
        self._name_file(kind, first, name)
        return name

    def _name_file(self, kind: str, first: bytes, name: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO search_file VALUES (?, ?, ?)", (kind, first, name))

    def row(self, kind: str, key: bytes) -> bytes | None:
        """Return a row; None where there is none."""
        query = f"SELECT value FROM {ROWS[kind][0]} WHERE key = ?"  # noqa: S608
        found = self._db.execute(query, (key,)).fetchone()
        return found and bytes(found[0])

    def cut_all(self, kind: str) -> Files:
        """Cut all rows of a kind into files; return them by name."""
        self._db.execute("DELETE FROM search_file WHERE kind = ?", (kind,))
        table, where = ROWS[kind]
        where = where.smaller(self._step(kind))
        files: Files = {}
        for rows in cut(self._rows(table, b""), where):
            data = _file_of(kind, rows)
            files[self._set_file(kind, rows[0][0], data)] = data
        return files

    def cut_again(self, kind: str, keys: Iterable[bytes]) -> Files:
        """Cut again where rows changed; return the files that are made anew, by name.

        From each changed file on rows are cut until a cut falls where one was, and nothing beyond
        it changed: what follows is then cut as it was. Where the row changed that a file begins
        with, the one before may end elsewhere; where terms are not to be divided without need, also
        where any row of that term did. A file that comes out as it was is not packed again.
        """
        old = self.files(kind)
        firsts = [first for first, _ in old]
        step = self._steps.get(kind, 0)
        if not firsts or step != self._step(kind):
            return self.cut_all(kind)
        changed = set(keys)
        table, where = ROWS[kind]
        where = where.smaller(step)
        dirty = {max(0, bisect_right(firsts, key) - 1) for key in changed}
        if where.terms:
            terms = {key[: key.index(b"\0") + 1] for key in changed}
            dirty.update(max(0, bisect_right(firsts, term) - 1) for term in terms)
        names = dict(old)
        ends = dict(zip(firsts, [*firsts[1:], None], strict=True))
        same = {first for number, first in enumerate(firsts) if number not in dirty}
        files: Files = {}
        done = -1  # files up to this one are as they should be
        for number in sorted(dirty):
            if number <= done:
                continue
            start = number
            while start > 0 and (
                firsts[start] in changed or not self._is_row(table, firsts[start])
            ):
                start -= 1
            begin = firsts[start] if start else b""
            last = len(firsts) - 1
            new: list[list[Row]] = []
            end: bytes | None = None
            for rows in cut(self._rows(table, begin), where):
                first = rows[0][0]
                at = bisect_right(firsts, first) - 1
                if new and firsts[at] == first and at > number and at not in dirty:
                    end = first
                    last = at - 1
                    break
                new.append(rows)
            self._drop_files(kind, begin, end)
            follow = [*(rows[0][0] for rows in new), end][1:]
            for rows, after in zip(new, follow, strict=True):
                first = rows[0][0]
                if first in same and ends[first] == after:
                    self._name_file(kind, first, names[first])
                else:
                    data = _file_of(kind, rows)
                    files[self._set_file(kind, first, data)] = data
            done = last
        return files

    def _step(self, kind: str) -> int:
        """Note what the rows of a kind take, and return how small its files are for it."""
        table, where = ROWS[kind]
        size = self._bytes.get(kind, 0)
        if where.fine and kind not in _TERM_TABLES:
            query = f"SELECT coalesce(sum(length(value)), 0) FROM {table}"  # noqa: S608
            size = self._db.execute(query).fetchone()[0]
        step = self._steps[kind] = where.step(size)
        if kind in _TERM_TABLES or where.fine:
            row = kind, size, step
            self._db.execute("INSERT OR REPLACE INTO search_cut VALUES (?, ?, ?)", row)
        return step

    def _drop_files(self, kind: str, begin: bytes, end: bytes | None) -> None:
        if end is None:
            self._db.execute("DELETE FROM search_file WHERE kind = ? AND first >= ?", (kind, begin))
        else:
            self._db.execute(
                "DELETE FROM search_file WHERE kind = ? AND first >= ? AND first < ?",
                (kind, begin, end),
            )

    def _is_row(self, table: str, key: bytes) -> bool:
        query = f"SELECT 1 FROM {table} WHERE key = ?"  # noqa: S608 - names from here
        return self._db.execute(query, (key,)).fetchone() is not None

    def _rows(self, table: str, begin: bytes) -> Iterator[tuple[bytes, bytes]]:
        query = f"SELECT key, value FROM {table} WHERE key >= ? ORDER BY key"  # noqa: S608
        return iter(self._db.execute(query, (begin,)))


def tables() -> str:
    """Return what makes the tables of the index."""
    from picturerail_exporter import search_meaning

    return _TABLES + search_meaning.TABLES
