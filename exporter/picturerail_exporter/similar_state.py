"""What the state keeps of similar pictures, and how a change finds whose lists it touches.

Table, beside those of `similar_tries`::

    alike    id, score, other: each picture's list, the most similar first, of equal ones the lower
             id

A list holds some more than are shown, so that one that goes leaves others to show. Lists are the
first of all that could stand there, and either all of these or no fewer than are shown. How many
there are above that depends on what came and went; what is shown does not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Protocol

from picturerail_exporter.similar import CODE_BYTES, LEAF, LEAST, Packed
from picturerail_exporter.similar_tries import Coded, Leaf, Member, Tries, within

CONTENT_BYTES = 32
_SPARE = 6
"""So many more than are shown a list holds where it is made anew."""
_FEW = 64
"""Beyond so many changes, and a fiftieth of all pictures, all lists are made anew."""
_VERY_FEW = 8
"""Up to so many changes are done sooner than NumPy is loaded."""

_List = list[tuple[int, int]]  # (other, score)


class _Compared(Protocol):
    def scores(self, code: bytes) -> Sequence[int]:
        """Return how alike a code is to each of several."""


_Comparing = Callable[[Sequence[bytes]], _Compared]


class SimilarState:
    """The similar pictures of a site's state."""

    TABLES = (
        Tries.TABLES
        + """
CREATE TABLE IF NOT EXISTS alike(
  id INTEGER, score INTEGER, other INTEGER, PRIMARY KEY(id, score DESC, other)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS alike_other ON alike(other);
"""
    )

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use an open database."""
        self._db = connection
        self._tries = Tries(connection)

    def to(self, number: int, most: int) -> list[int]:
        """Return the pictures most similar to one, at most so many."""
        query = "SELECT other FROM alike WHERE id = ? ORDER BY score DESC, other LIMIT ?"
        return [other for (other,) in self._db.execute(query, (number, most))]

    def showing(self, number: int, most: int) -> set[int]:
        """Return the pictures among whose most similar ones, as `to` tells them, one is."""
        query = "SELECT id FROM alike WHERE other = ?"
        listing = self._db.execute(query, (number,)).fetchall()
        return {one for (one,) in listing if number in self.to(one, most)}

    def change(self, new: Mapping[int, Coded | None], most: int) -> set[int]:
        """Take over codes that came, changed or went.

        Args:
            new: by picture; None where there is none any more.
            most: how many similar ones are shown.

        Returns:
            The pictures of which others are shown than before.
        """
        tries = self._tries
        changes = {
            number: (before, after)
            for number, after in new.items()
            if (before := tries.coded(number)) != after
        }
        if not changes:
            return set()
        if len(changes) > _FEW and len(changes) > _FEW + tries.count() // 50:
            for number, (_, after) in changes.items():
                tries.hang(number, after)
            return self.compute(most)

        came = [
            (number, place)
            for number, (_, after) in changes.items()
            if after is not None
            for place in tries.places(after)
        ]
        left = {p for before, _ in changes.values() if before for p in tries.places(before)}
        touched = left.union(place for _, place in came)
        stood = {tries.leaf(*place) for place in touched}
        lists = _Lists(self._db, most)
        for number, (_, after) in changes.items():
            lists.forget(number)
            tries.hang(number, after)
        for leaf in stood:
            for number, other in self._apart(leaf):
                lists.take(number, other)
        anew = lists.short() | changes.keys()

        leaves = _Leaves(tries.members, _comparing(len(changes)))
        for leaf in {tries.leaf(*place) for place in touched}:
            # In one that stood before, or is a part of it, only what came can be new on a list.
            others: Set[int] | None = None
            if any(within(leaf, of) for of in stood):
                others = {n for n, (trie, key) in came if within((trie, key, key), leaf)}
            if others is None or others:
                for number, other, score in self._gains(leaf, leaves.of(leaf), most, others):
                    if number not in anew:
                        lists.offer(number, other, score)
        for number in anew:
            lists.put(number, self._nearest(number, leaves))
        return lists.changed()

    def add(self, new: Mapping[int, Coded | None]) -> None:
        """Take over codes of pictures that have none; their lists wait for `compute`."""
        for number, coded in new.items():
            if coded is not None:
                self._tries.hang_new(number, coded)

    # ---- whose lists a change touches ----

    def _gains(
        self, leaf: Leaf, members: _Members, most: int, came: Set[int] | None
    ) -> Iterator[tuple[int, int, int]]:
        """Yield what belongs on the lists of a leaf's pictures, as (id, other, score).

        Some of it stands there already. Only those of the leaf that `came` are looked at, or, where
        that is not known, all.
        """
        if len(members.all) < 2:
            return
        query = (
            "SELECT hung.id, COUNT(*), MIN(score) FROM hung CROSS JOIN alike ON alike.id = hung.id"
            " WHERE trie = ? AND key BETWEEN ? AND ? GROUP BY key, hung.id"
        )
        held = {number: of for number, *of in self._db.execute(query, leaf)}
        for one, content, code in members.all:
            if came is None or one in came:
                for number, score in members.like(content, code):
                    count, least = held.get(number, (0, 0))
                    if (
                        count < most  # it holds all
                        or score > least
                        or (score == least and one < self._last(number))
                    ):
                        yield number, one, score

    def _last(self, number: int) -> int:
        query = "SELECT other FROM alike WHERE id = ? ORDER BY score, other DESC LIMIT 1"
        return int(self._db.execute(query, (number,)).fetchone()[0])

    def _apart(self, leaf: Leaf) -> Iterator[tuple[int, int]]:
        """Yield (id, other) of those on a list that no leaf joins any more, of what was a leaf."""
        parts = self._tries.parts(leaf)
        if len(set(parts.values())) < 2:
            return
        known: set[Leaf] = set(parts.values())

        def leaf_of(trie: int, key: int) -> Leaf:
            for each in known:
                if within((trie, key, key), each):
                    return each
            known.add(found := self._tries.leaf(trie, key))
            return found

        def leaves_of(number: int) -> set[Leaf]:
            coded = self._tries.coded(number)
            return {leaf_of(*place) for place in self._tries.places(coded)} if coded else set()

        for number, part in parts.items():
            held = _list(self._db, number)
            others = [other for other, _ in held if parts.get(other, part) != part]
            mine = leaves_of(number) if others else set()
            for other in others:
                if mine.isdisjoint(leaves_of(other)):
                    yield number, other

    # ---- lists ----

    def _nearest(self, number: int, leaves: _Leaves) -> Mapping[int, int]:
        """Return all that could stand on a picture's list, with how similar they are."""
        coded = self._tries.coded(number)
        score: dict[int, int] = {}
        for place in self._tries.places(coded) if coded else ():
            assert coded is not None
            score.update(leaves.of(self._tries.leaf(*place)).like(coded.content, coded.code))
        return score

    def compute(self, most: int) -> set[int]:
        """Make all lists anew; return the pictures of which others are shown than before.

        For each picture 400 bytes of memory are taken, but for the answer.
        """
        changed: set[int] = set()
        for space, count in self._tries.spaces():
            for number, score in self._all_nearest(space, count, most + _SPARE):
                if self._set(number, score, most):
                    changed.add(number)
        query = "SELECT DISTINCT id FROM alike WHERE id NOT IN (SELECT id FROM code)"
        for (number,) in self._db.execute(query).fetchall():
            self._set(number, {}, most)
            changed.add(number)
        return changed

    def _set(self, number: int, score: Mapping[int, int], most: int) -> bool:
        lists = _Lists(self._db, most)
        lists.put(number, score)
        return bool(lists.changed())

    def _all_nearest(
        self, space: str, count: int, most: int
    ) -> Iterator[tuple[int, Mapping[int, int]]]:
        """Yield each picture of a space with those most similar, and how similar they are."""
        import numpy as np

        from picturerail_exporter.similar_many import all_ranks, unranked

        ids = np.empty(count, np.int64)
        hashes = np.empty(count, f"S{CONTENT_BYTES}")
        codes = np.empty((count, CODE_BYTES), np.int8)
        for at, (number, content, code) in enumerate(self._tries.in_space(space)):
            ids[at], hashes[at] = number, content
            codes[at] = np.frombuffer(code, np.int8)
        _, contents = np.unique(hashes, return_inverse=True)
        del hashes
        ranks = all_ranks(codes, contents, most)
        del codes
        for first in range(0, count, LEAF):
            rows = slice(first, first + LEAF)
            for number, (others, scores) in zip(
                ids[rows].tolist(), unranked(ranks[rows]), strict=True
            ):
                yield number, dict(zip(ids[others].tolist(), scores.tolist(), strict=True))


class _Lists:
    """The lists, while a change is brought into them."""

    def __init__(self, connection: sqlite3.Connection, most: int) -> None:
        self._db, self._most, self._kept = connection, most, most + _SPARE
        self._before: dict[int, _List] = {}

    def forget(self, number: int) -> None:
        """Take a picture from all lists, and empty its own."""
        query = "SELECT id FROM alike WHERE other = ?"
        for one in [one for (one,) in self._db.execute(query, (number,))]:
            self.take(one, number)
        self.put(number, {})

    def take(self, number: int, other: int) -> None:
        """Take one from a picture's list."""
        self._remember(number)
        self._db.execute("DELETE FROM alike WHERE id = ? AND other = ?", (number, other))

    def short(self) -> set[int]:
        """Return the pictures of whose lists too much was taken to tell all that are shown."""
        return {
            number
            for number, before in self._before.items()
            if len(before) >= self._most > len(_list(self._db, number))
        }

    def offer(self, number: int, other: int, score: int) -> None:
        """Put one on a picture's list, where it belongs there."""
        self._remember(number)
        self._db.execute("INSERT OR IGNORE INTO alike VALUES (?, ?, ?)", (number, score, other))

    def put(self, number: int, score: Mapping[int, int]) -> None:
        """Make a picture's list of all that could stand there."""
        self._remember(number)
        new = sorted(score.items(), key=_order)[: self._kept]
        if new != _list(self._db, number):
            self._db.execute("DELETE FROM alike WHERE id = ?", (number,))
            rows = ((number, score, other) for other, score in new)
            self._db.executemany("INSERT INTO alike VALUES (?, ?, ?)", rows)

    def changed(self) -> set[int]:
        """Cut what has become too long; return the pictures of which others are shown now."""
        changed = set()
        for number, before in self._before.items():
            now = _list(self._db, number)
            for other, _ in now[self._kept :]:
                self.take(number, other)
            if _ids(before[: self._most]) != _ids(now[: self._most]):
                changed.add(number)
        return changed

    def _remember(self, number: int) -> None:
        if number not in self._before:
            self._before[number] = _list(self._db, number)


class _Members:
    """The pictures of a leaf, ready to be compared with one after the other."""

    def __init__(self, members: list[Member], comparing: _Comparing) -> None:
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

    def __init__(self, read: Callable[[Leaf], list[Member]], comparing: _Comparing) -> None:
        self._read, self._comparing = read, comparing
        self._known: dict[Leaf, _Members] = {}

    def of(self, leaf: Leaf) -> _Members:
        """Return the pictures of one."""
        if leaf not in self._known:
            self._known[leaf] = _Members(self._read(leaf), self._comparing)
        return self._known[leaf]


def _comparing(changes: int) -> _Comparing:
    if changes <= _VERY_FEW:
        return Packed
    from picturerail_exporter.similar_many import Rows

    return Rows


def _list(connection: sqlite3.Connection, number: int) -> _List:
    query = "SELECT other, score FROM alike WHERE id = ? ORDER BY score DESC, other"
    return connection.execute(query, (number,)).fetchall()


def _order(entry: tuple[int, int]) -> tuple[int, int]:
    """Return what sorts (other, score): the most similar first, of equal ones the lower id."""
    return -entry[1], entry[0]


def _ids(entries: _List) -> list[int]:
    return [other for other, _ in entries]
