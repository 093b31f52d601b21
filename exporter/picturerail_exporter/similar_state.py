"""What the state keeps of similar pictures, and how a change finds whose lists it touches.

Tables::

    code     id, space (of its vector), content (hash), code
    hung     trie (4 for each space), key, id: where each picture hangs (`similar`)
    alike    id, rank, other, score: each picture's list, the most similar first
    space    name, number
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Protocol

import msgspec

from picturerail_exporter.similar import (
    CODE_BYTES,
    KEY_BITS,
    LEAF,
    LEAST,
    TRIES,
    Packed,
    keys_of,
)


class Coded(msgspec.Struct, frozen=True, gc=False):
    """A picture's code, with its vector's space and the picture's content."""

    space: str
    content: bytes
    code: bytes


CONTENT_BYTES = 32
_FEW = 64
"""Beyond so many changes, and a fiftieth of all pictures, all lists are made anew."""
_VERY_FEW = 8
"""Up to so many changes are done sooner than NumPy is loaded."""

_Leaf = tuple[int, int, int]  # trie, first key, last key
_Member = tuple[int, bytes, bytes]  # id, content, code
_List = list[tuple[int, int]]  # (other, score)


class _Compared(Protocol):
    def scores(self, code: bytes) -> Sequence[int]:
        """Return how alike a code is to each of several."""


_Comparing = Callable[[Sequence[bytes]], _Compared]


class SimilarState:
    """The similar pictures of a site's state."""

    TABLES = """
CREATE TABLE IF NOT EXISTS code(id INTEGER PRIMARY KEY, space TEXT, content BLOB, code BLOB);
CREATE TABLE IF NOT EXISTS hung(
  trie INTEGER, key INTEGER, id INTEGER, PRIMARY KEY(trie, key, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alike(
  id INTEGER, rank INTEGER, other INTEGER, score INTEGER, PRIMARY KEY(id, rank)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS alike_other ON alike(other);
CREATE TABLE IF NOT EXISTS space(name TEXT PRIMARY KEY, number INTEGER);
"""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use an open database."""
        self._db = connection

    def to(self, number: int) -> list[int]:
        """Return the pictures most similar to one."""
        query = "SELECT other FROM alike WHERE id = ? ORDER BY rank"
        return [other for (other,) in self._db.execute(query, (number,))]

    def listing(self, number: int) -> set[int]:
        """Return the pictures on whose lists one stands."""
        query = "SELECT id FROM alike WHERE other = ?"
        return {listing for (listing,) in self._db.execute(query, (number,))}

    def coded(self, number: int) -> Coded | None:
        """Return what is known of a picture."""
        query = "SELECT space, content, code FROM code WHERE id = ?"
        row = self._db.execute(query, (number,)).fetchone()
        return Coded(*row) if row else None

    def change(self, new: Mapping[int, Coded | None], most: int) -> set[int]:
        """Take over codes that came, changed or went.

        Args:
            new: by picture; None where there is none any more.
            most: how long lists are.

        Returns:
            The pictures whose lists are not what they were.
        """
        changes = {
            number: (before, after)
            for number, after in new.items()
            if (before := self.coded(number)) != after
        }
        if not changes:
            return set()
        if len(changes) > _FEW and len(changes) > _FEW + self._count() // 50:
            for number, (_, after) in changes.items():
                self._hang(number, after)
            return self.compute(most)

        leaves = _Leaves(self._members, _comparing(len(changes)))
        touched = {
            place
            for pair in changes.values()
            for each in pair
            if each is not None
            for place in self._places(each)
        }
        stood = {self._leaf(*place) for place in touched}
        wanted = set(changes)
        for number, (_, after) in changes.items():
            wanted |= self.listing(number)
            self._hang(number, after)
        gains: dict[int, dict[int, int]] = {}
        for leaf in {self._leaf(*place) for place in touched}:
            # In one that stood before, or is a part of it, only what came can be new on a list.
            came = changes.keys() if any(_within(leaf, of) for of in stood) else None
            for number, others in self._gains(leaf, leaves.of(leaf), most, came).items():
                gains.setdefault(number, {}).update(others)
        for leaf in stood:
            wanted |= self._losing(leaf)
        changed = {number for number in wanted if self._recompute(number, most, leaves)}
        for number in gains.keys() - wanted:
            # Nothing goes from its list but what the new ones are more similar than.
            now = _most_similar({**dict(self._list(number)), **gains[number]}, most)
            if self._set_list(number, now):
                changed.add(number)
        return changed

    def add(self, new: Mapping[int, Coded | None]) -> None:
        """Take over codes of pictures that have none; their lists wait for `compute`."""
        for number, coded in new.items():
            if coded is not None:
                self._hang_new(number, coded)

    # ---- where pictures hang ----

    def _count(self) -> int:
        return int(self._db.execute("SELECT COUNT(*) FROM code").fetchone()[0])

    def _places(self, coded: Coded) -> Iterator[tuple[int, int]]:
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

    def _hang(self, number: int, after: Coded | None) -> None:
        before = self.coded(number)
        if before is not None:
            for trie, key in self._places(before):
                values = (trie, key, number)
                self._db.execute("DELETE FROM hung WHERE trie = ? AND key = ? AND id = ?", values)
            self._db.execute("DELETE FROM code WHERE id = ?", (number,))
        if after is not None:
            self._hang_new(number, after)

    def _hang_new(self, number: int, after: Coded) -> None:
        row = (number, after.space, after.content, after.code)
        self._db.execute("INSERT INTO code VALUES (?, ?, ?, ?)", row)
        places = ((trie, key, number) for trie, key in self._places(after))
        self._db.executemany("INSERT INTO hung VALUES (?, ?, ?)", places)

    def _leaf(self, trie: int, key: int) -> _Leaf:
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

    def _parts(self, leaf: _Leaf) -> dict[int, _Leaf]:
        """Return the leaf of each picture in what was one."""
        query = "SELECT id, key FROM hung WHERE trie = ? AND key BETWEEN ? AND ? ORDER BY key"
        parts: dict[int, _Leaf] = {}
        here = (leaf[0], 0, -1)
        for number, key in self._db.execute(query, leaf).fetchall():
            if key > here[2]:
                here = self._leaf(leaf[0], key)
            parts[number] = here
        return parts

    def _members(self, leaf: _Leaf) -> list[_Member]:
        query = (
            "SELECT code.id, content, code FROM hung CROSS JOIN code ON code.id = hung.id"
            " WHERE trie = ? AND key BETWEEN ? AND ?"
        )
        return sorted(self._db.execute(query, leaf))

    # ---- whose lists a change touches ----

    def _gains(
        self, leaf: _Leaf, members: _Members, most: int, came: Set[int] | None
    ) -> dict[int, dict[int, int]]:
        """Return what belongs on the lists of a leaf's pictures and does not stand there.

        By picture, the others of the leaf and how similar they are; of those that `came`, or, where
        that is not known, of all.
        """
        others = [each for each in members.all if came is None or each[0] in came]
        if len(members.all) < 2 or not others:
            return {}
        lists = self._lists(leaf)
        gains: dict[int, dict[int, int]] = {}
        for one, content, code in others:
            for number, score in members.like(content, code):
                held = lists.get(number, [])
                full = len(held) == most
                if full and _order((one, score)) > _order(held[-1]):
                    continue
                if all(other != one for other, _ in held):
                    gains.setdefault(number, {})[one] = score
        return gains

    def _losing(self, leaf: _Leaf) -> set[int]:
        """Return those pictures of what was a leaf that share none with all on their lists."""
        parts = self._parts(leaf)
        if len(set(parts.values())) < 2:
            return set()
        losing = set()
        known: set[_Leaf] = set(parts.values())

        def leaf_of(trie: int, key: int) -> _Leaf:
            for each in known:
                if _within((trie, key, key), each):
                    return each
            known.add(found := self._leaf(trie, key))
            return found

        def leaves_of(number: int) -> set[_Leaf]:
            coded = self.coded(number)
            return {leaf_of(*place) for place in self._places(coded)} if coded else set()

        for number, held in self._lists(leaf).items():
            apart = [other for other, _ in held if parts.get(other, parts[number]) != parts[number]]
            mine = leaves_of(number) if apart else set()
            if any(mine.isdisjoint(leaves_of(other)) for other in apart):
                losing.add(number)
        return losing

    # ---- lists ----

    def _list(self, number: int) -> _List:
        query = "SELECT other, score FROM alike WHERE id = ? ORDER BY rank"
        return self._db.execute(query, (number,)).fetchall()

    def _lists(self, leaf: _Leaf) -> dict[int, _List]:
        """Return the lists that are not empty of the pictures in a leaf."""
        query = (
            "SELECT alike.id, other, score FROM hung CROSS JOIN alike ON alike.id = hung.id"
            " WHERE trie = ? AND key BETWEEN ? AND ? ORDER BY alike.id, rank"
        )
        lists: dict[int, _List] = {}
        for number, other, score in self._db.execute(query, leaf):
            lists.setdefault(number, []).append((other, score))
        return lists

    def _set_list(self, number: int, new: _List) -> bool:
        """Keep a list; return whether the pictures on it are others than before."""
        before = self._list(number)
        if before != new:
            self._db.execute("DELETE FROM alike WHERE id = ?", (number,))
            rows = ((number, rank, *entry) for rank, entry in enumerate(new))
            self._db.executemany("INSERT INTO alike VALUES (?, ?, ?, ?)", rows)
        return [other for other, _ in before] != [other for other, _ in new]

    def _recompute(self, number: int, most: int, leaves: _Leaves) -> bool:
        coded = self.coded(number)
        if coded is None:
            return self._set_list(number, [])
        best: dict[int, int] = {}
        for place in self._places(coded):
            best.update(leaves.of(self._leaf(*place)).like(coded.content, coded.code))
        return self._set_list(number, _most_similar(best, most))

    def compute(self, most: int) -> set[int]:
        """Make all lists anew; return the pictures whose lists are not what they were.

        For each picture 350 bytes of memory are taken, but for the answer.
        """
        changed: set[int] = set()
        for (space,) in self._db.execute("SELECT DISTINCT space FROM code").fetchall():
            (count,) = self._db.execute(
                "SELECT COUNT(*) FROM code WHERE space = ?", (space,)
            ).fetchone()
            changed |= self._compute_in(space, count, most)
        query = "SELECT DISTINCT id FROM alike WHERE id NOT IN (SELECT id FROM code)"
        gone = [number for (number,) in self._db.execute(query)]
        return changed.union(n for n in gone if self._set_list(n, []))

    def _compute_in(self, space: str, count: int, most: int) -> set[int]:
        import numpy as np

        from picturerail_exporter.similar_many import all_lists

        ids = np.empty(count, np.int64)
        hashes = np.empty(count, f"S{CONTENT_BYTES}")
        codes = np.empty((count, CODE_BYTES), np.int8)
        query = "SELECT id, content, code FROM code WHERE space = ? ORDER BY id"
        for at, (number, content, code) in enumerate(self._db.execute(query, (space,))):
            ids[at], hashes[at] = number, content
            codes[at] = np.frombuffer(code, np.int8)
        _, contents = np.unique(hashes, return_inverse=True)
        del hashes
        numbers, score = all_lists(codes, contents, most)
        del codes
        changed: set[int] = set()
        for first in range(0, count, LEAF):
            rows = slice(first, first + LEAF)
            lists = zip(
                ids[rows].tolist(), numbers[rows].tolist(), score[rows].tolist(), strict=True
            )
            for number, others, of_others in lists:
                pairs = zip(others, of_others, strict=True)
                new = [(int(ids[other]), value) for other, value in pairs if other >= 0]
                if self._set_list(number, new):
                    changed.add(number)
        return changed


class _Members:
    """The pictures of a leaf, ready to be compared with one after the other."""

    def __init__(self, members: list[_Member], comparing: _Comparing) -> None:
        self.all = members
        self._compared = comparing([code for _, _, code in members])

    def like(self, content: bytes, code: bytes) -> _List:
        """Return those that are similar to a picture of a content, and how similar, by id."""
        return [
            (number, score)
            for (number, of, _), score in zip(self.all, self._compared.scores(code), strict=True)
            if score >= LEAST and of != content
        ]


class _Leaves:
    """Leaves as they are now, each read once."""

    def __init__(self, read: Callable[[_Leaf], list[_Member]], comparing: _Comparing) -> None:
        self._read, self._comparing = read, comparing
        self._known: dict[_Leaf, _Members] = {}

    def of(self, leaf: _Leaf) -> _Members:
        """Return the pictures of one."""
        if leaf not in self._known:
            self._known[leaf] = _Members(self._read(leaf), self._comparing)
        return self._known[leaf]


def _comparing(changes: int) -> _Comparing:
    if changes <= _VERY_FEW:
        return Packed
    from picturerail_exporter.similar_many import Rows

    return Rows


def _within(part: _Leaf, leaf: _Leaf) -> bool:
    return part[0] == leaf[0] and leaf[1] <= part[1] and part[2] <= leaf[2]


def _most_similar(score: Mapping[int, int], most: int) -> _List:
    return sorted(score.items(), key=_order)[:most]


def _order(entry: tuple[int, int]) -> tuple[int, int]:
    """Return what sorts (other, score): the most similar first, of equal ones the lower id."""
    return -entry[1], entry[0]


def _part(trie: int, key: int, depth: int) -> _Leaf:
    """Return the part of a trie that shares a key's first bits."""
    rest = (1 << (KEY_BITS - depth)) - 1
    return trie, key & ~rest, key | rest
