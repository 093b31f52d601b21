"""Where pictures hang in the tries of `similar`, kept in the site's state.

Tables::

    code     id, space (of its vector), content (hash), code
    hung     trie (4 for each space), key, id: where each picture hangs
    space    name, number
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec

from picturerail_exporter.similar import KEY_BITS, LEAF, TRIES, keys_of

Leaf = tuple[int, int, int]  # trie, first key, last key
Member = tuple[int, bytes, bytes]  # id, content, code


class Coded(msgspec.Struct, frozen=True, gc=False):
    """A picture's code, with its vector's space and the picture's content."""

    space: str
    content: bytes
    code: bytes


class Tries:
    """The pictures that have a code, and what hangs together."""

    TABLES = """
CREATE TABLE IF NOT EXISTS code(id INTEGER PRIMARY KEY, space TEXT, content BLOB, code BLOB);
CREATE TABLE IF NOT EXISTS hung(
  trie INTEGER, key INTEGER, id INTEGER, PRIMARY KEY(trie, key, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS space(name TEXT PRIMARY KEY, number INTEGER);
"""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use an open database."""
        self._db = connection

    def count(self) -> int:
        """Return how many pictures have a code."""
        return int(self._db.execute("SELECT COUNT(*) FROM code").fetchone()[0])

    def spaces(self) -> list[tuple[str, int]]:
        """Return the spaces in use, each with the number of its pictures."""
        return self._db.execute("SELECT space, COUNT(*) FROM code GROUP BY space").fetchall()

    def in_space(self, space: str) -> Iterator[Member]:
        """Yield the pictures of a space in id order."""
        query = "SELECT id, content, code FROM code WHERE space = ? ORDER BY id"
        yield from self._db.execute(query, (space,))

    def coded(self, number: int) -> Coded | None:
        """Return what is known of a picture."""
        query = "SELECT space, content, code FROM code WHERE id = ?"
        row = self._db.execute(query, (number,)).fetchone()
        return Coded(*row) if row else None

    def places(self, coded: Coded) -> Iterator[tuple[int, int]]:
        """Yield (trie, key) of each place where a picture hangs."""
        base = self._space(coded.space) * TRIES
        for trie, key in enumerate(keys_of(coded.code)):
            yield base + trie, key

    def _space(self, name: str) -> int:
        row = self._db.execute("SELECT number FROM space WHERE name = ?", (name,)).fetchone()
        if row:
            return int(row[0])
        number = int(self._db.execute("SELECT COUNT(*) FROM space").fetchone()[0])
        self._db.execute("INSERT INTO space VALUES (?, ?)", (name, number))
        return number

    def hang(self, number: int, after: Coded | None) -> None:
        """Hang a picture where its new code says, or take it down."""
        before = self.coded(number)
        if before is not None:
            for trie, key in self.places(before):
                values = (trie, key, number)
                self._db.execute("DELETE FROM hung WHERE trie = ? AND key = ? AND id = ?", values)
            self._db.execute("DELETE FROM code WHERE id = ?", (number,))
        if after is not None:
            self.hang_new(number, after)

    def hang_new(self, number: int, after: Coded) -> None:
        """Hang a picture that had no code."""
        row = (number, after.space, after.content, after.code)
        self._db.execute("INSERT INTO code VALUES (?, ?, ?, ?)", row)
        places = ((trie, key, number) for trie, key in self.places(after))
        self._db.executemany("INSERT INTO hung VALUES (?, ?, ?)", places)

    def leaf(self, trie: int, key: int) -> Leaf:
        """Return the largest part of a trie around a key with no more than `LEAF` pictures."""
        query = (
            "SELECT COUNT(*) FROM"
            " (SELECT 1 FROM hung WHERE trie = ? AND key BETWEEN ? AND ? LIMIT ?)"
        )
        low, high = 0, KEY_BITS
        while low < high:
            middle = (low + high) // 2
            (count,) = self._db.execute(query, (*_part(trie, key, middle), LEAF + 1)).fetchone()
            if count <= LEAF:
                high = middle
            else:
                low = middle + 1
        return _part(trie, key, low)

    def parts(self, leaf: Leaf) -> dict[int, Leaf]:
        """Return the leaf of each picture in what was one."""
        query = "SELECT id, key FROM hung WHERE trie = ? AND key BETWEEN ? AND ? ORDER BY key"
        parts: dict[int, Leaf] = {}
        here = (leaf[0], 0, -1)
        for number, key in self._db.execute(query, leaf).fetchall():
            if key > here[2]:
                here = self.leaf(leaf[0], key)
            parts[number] = here
        return parts

    def members(self, leaf: Leaf) -> list[Member]:
        """Return the pictures of a leaf by id."""
        query = (
            "SELECT code.id, content, code FROM hung CROSS JOIN code ON code.id = hung.id"
            " WHERE trie = ? AND key BETWEEN ? AND ?"
        )
        return sorted(self._db.execute(query, leaf))


def within(part: Leaf, leaf: Leaf) -> bool:
    """Tell whether a part of a trie lies in another."""
    return part[0] == leaf[0] and leaf[1] <= part[1] and part[2] <= leaf[2]


def _part(trie: int, key: int, depth: int) -> Leaf:
    """Return the part of a trie that shares a key's first bits."""
    rest = (1 << (KEY_BITS - depth)) - 1
    return trie, key & ~rest, key | rest
