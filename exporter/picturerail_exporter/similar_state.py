"""What the state keeps of similar pictures, and how a change finds whose lists it touches.

Tables::

    code     id, space (of its vector), content (hash), code
    hung     trie (4 for each space), key, id: where each picture hangs (`similar`)
    alike    id, rank, other, score: each picture's list, the most similar first
    space    name, number
"""

from __future__ import annotations

import bisect
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import TYPE_CHECKING

import msgspec

from picturerail_exporter.similar import (
    CODE_BYTES,
    KEY_BITS,
    LEAF,
    LEAST,
    TRIES,
    all_lists,
    keys_of,
    ranked,
    scores,
)

if TYPE_CHECKING:
    import numpy as np

    from picturerail_exporter.similar import Codes


class Coded(msgspec.Struct, frozen=True, gc=False):
    """A picture's code, with its vector's space and the picture's content."""

    space: str
    content: bytes
    code: bytes


CONTENT_BYTES = 32
_FEW = 64
"""Beyond so many changes, and a fiftieth of all pictures, all lists are made anew."""

_Leaf = tuple[int, int, int]  # trie, first key, last key
_Member = tuple[int, bytes, bytes]  # id, content, code
_List = list[tuple[int, int]]  # (other, score)


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

        touched = {
            place
            for pair in changes.values()
            for each in pair
            if each is not None
            for place in self._places(each)
        }
        old = {place: self._leaf(*place) for place in touched}
        inhabitants = {leaf: set(self._ids(leaf)) for leaf in set(old.values())}
        wanted = set(changes)
        for number, (_, after) in changes.items():
            wanted |= self.listing(number)
            self._hang(number, after)
        gains: dict[int, dict[int, int]] = {}
        stood = set(old.values())
        for leaf in {self._leaf(*place) for place in touched}:
            # In a leaf that stood before only what came can be new on a list.
            came = changes.keys() if leaf in stood else None
            for number, others in self._gains(leaf, most, came).items():
                gains.setdefault(number, {}).update(others)
        split = [leaf for place, leaf in old.items() if self._leaf(*place) != leaf]
        for leaf in set(split):
            wanted |= self._losing(inhabitants[leaf])
        leaves: dict[_Leaf, _Members] = {}
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

    def _ids(self, leaf: _Leaf) -> Iterator[int]:
        query = "SELECT id FROM hung WHERE trie = ? AND key BETWEEN ? AND ?"
        return (number for (number,) in self._db.execute(query, leaf))

    def _members(self, leaf: _Leaf) -> list[_Member]:
        query = (
            "SELECT code.id, content, code FROM hung CROSS JOIN code ON code.id = hung.id"
            " WHERE trie = ? AND key BETWEEN ? AND ?"
        )
        return sorted(self._db.execute(query, leaf))

    # ---- whose lists a change touches ----

    def _gains(self, leaf: _Leaf, most: int, came: Set[int] | None) -> dict[int, dict[int, int]]:
        """Return what belongs on the lists of a leaf's pictures and does not stand there.

        By picture, the others of the leaf and how similar they are; of those that `came`, or, where
        that is not known, of all.
        """
        import numpy as np

        members = self._members(leaf)
        others = [each for each in members if came is None or each[0] in came]
        if len(members) < 2 or not others:
            return {}
        numbers = {number: at for at, (number, _, _) in enumerate(others)}
        ordered = list(numbers)
        rank = _ranks(members, others)
        lists: dict[int, _List] = {number: [] for number, _, _ in members}
        query = (
            "SELECT alike.id, other, score FROM hung CROSS JOIN alike ON alike.id = hung.id"
            " WHERE trie = ? AND key BETWEEN ? AND ? ORDER BY alike.id, rank"
        )
        for number, other, score in self._db.execute(query, leaf):
            lists[number].append((other, score))
        needed = np.zeros(len(members), np.int64)
        for at, held in enumerate(lists.values()):
            for other, _ in held:
                if other in numbers:
                    rank[at, numbers[other]] = -1
            if len(held) == most:
                other, least = held[-1]
                # Equal ones are ordered by id, of which the rank knows only those compared here.
                needed[at] = (least << 31) | (2**31 - 1 - bisect.bisect_left(ordered, other))
        gains: dict[int, dict[int, int]] = {}
        for at, one in np.argwhere(rank >= needed[:, None]).tolist():
            gains.setdefault(members[at][0], {})[ordered[one]] = int(rank[at, one]) >> 31
        return gains

    def _losing(self, inhabitants: Iterable[int]) -> set[int]:
        """Return those pictures that no longer share a leaf with all on their lists."""
        losing = set()
        leaves: dict[int, set[_Leaf]] = {}

        def leaves_of(number: int) -> set[_Leaf]:
            if number not in leaves:
                coded = self.coded(number)
                places = self._places(coded) if coded else ()
                leaves[number] = {self._leaf(*place) for place in places}
            return leaves[number]

        for number in inhabitants:
            for other, _ in self._list(number):
                if not leaves_of(number) & leaves_of(other):
                    losing.add(number)
                    break
        return losing

    # ---- lists ----

    def _list(self, number: int) -> _List:
        query = "SELECT other, score FROM alike WHERE id = ? ORDER BY rank"
        return self._db.execute(query, (number,)).fetchall()

    def _set_list(self, number: int, new: _List) -> bool:
        """Keep a list; return whether the pictures on it are others than before."""
        before = self._list(number)
        if before != new:
            self._db.execute("DELETE FROM alike WHERE id = ?", (number,))
            rows = ((number, rank, *entry) for rank, entry in enumerate(new))
            self._db.executemany("INSERT INTO alike VALUES (?, ?, ?, ?)", rows)
        return [other for other, _ in before] != [other for other, _ in new]

    def _recompute(self, number: int, most: int, leaves: dict[_Leaf, _Members]) -> bool:
        import numpy as np

        coded = self.coded(number)
        if coded is None:
            return self._set_list(number, [])
        code = np.frombuffer(coded.code, np.int8)[None]
        best: dict[int, int] = {}
        for place in self._places(coded):
            leaf = self._leaf(*place)
            if leaf not in leaves:
                leaves[leaf] = _Members(self._members(leaf))
            best.update(leaves[leaf].best(coded.content, code, most))
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

    def __init__(self, members: list[_Member]) -> None:
        import numpy as np

        self._ids = np.array([number for number, _, _ in members], np.int64)
        self._contents = np.array([content for _, content, _ in members], f"S{CONTENT_BYTES}")
        codes = b"".join(code for _, _, code in members)
        self._codes = np.frombuffer(codes, np.int8).reshape(len(members), -1).astype(np.float32)

    def best(self, content: bytes, code: Codes, most: int) -> _List:
        """Return those most similar to a picture of a content; of equal ones the lower ids."""
        import numpy as np

        (score,) = scores(code, self._codes)
        found = np.flatnonzero((score >= LEAST) & (self._contents != content))
        order = np.lexsort((self._ids[found], -score[found]))[:most]
        chosen = found[order]
        return list(zip(self._ids[chosen].tolist(), score[chosen].tolist(), strict=True))


def _most_similar(score: Mapping[int, int], most: int) -> _List:
    return sorted(score.items(), key=lambda each: (-each[1], each[0]))[:most]


def _part(trie: int, key: int, depth: int) -> _Leaf:
    """Return the part of a trie that shares a key's first bits."""
    rest = (1 << (KEY_BITS - depth)) - 1
    return trie, key & ~rest, key | rest


def _ranks(
    some: list[_Member], members: list[_Member]
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Return what sorts members by their similarity to some; -1 for what is no other picture."""
    import numpy as np

    def codes(of: list[_Member]) -> np.ndarray[tuple[int, int], np.dtype[np.int8]]:
        data = b"".join(code for _, _, code in of)
        return np.frombuffer(data, np.int8).reshape(len(of), -1)

    same: dict[bytes, int] = {}
    mine = np.array([same.setdefault(content, len(same)) for _, content, _ in some])
    theirs = np.array([same.setdefault(content, len(same)) for _, content, _ in members])
    found = scores(codes(some), codes(members))
    return ranked(found, np.arange(len(members)), mine[:, None] != theirs[None])
