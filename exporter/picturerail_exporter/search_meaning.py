"""Which pictures lie near the meaning of words that nobody wrote of them.

A visitor's browser has no model. So for each word of a vocabulary the nearest pictures are found
here, in every space in which both have vectors, and shipped: a query then costs one file. Shipped
are the best `MOST` of each word, as far as they are near enough to have to do with it; nothing at
all for most words. Sums are of whole numbers, so an index brought up to date is the same as one
made anew.

Tables, in the site's state::

    meaning_space   space, name, least, words, codes: a vocabulary; its words' codes one by one
    meaning_vector  space, id, code: the pictures'
    meaning_near    space, word, ids, scores: the nearest pictures of a word, by its number
    search_meaning  key, value: the rows that are shipped (`SEARCH_INDEX.md`)
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from picturerail_exporter.search_file import varint

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Whole = npt.NDArray[np.int64]

MOST = 24
"""So many pictures of a word are shipped."""

TABLES = """
CREATE TABLE IF NOT EXISTS meaning_space(
  space INTEGER PRIMARY KEY, name TEXT, least INTEGER, words TEXT, codes BLOB);
CREATE TABLE IF NOT EXISTS meaning_vector(
  space INTEGER, id INTEGER, code BLOB, PRIMARY KEY(space, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meaning_near(
  space INTEGER, word INTEGER, ids BLOB, scores BLOB, PRIMARY KEY(space, word)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_meaning(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
"""
TABLE_NAMES = ("meaning_space", "meaning_vector", "meaning_near", "search_meaning")

_ONE = 127
"""What stands for 1 in a code."""
_WORDS_AT_ONCE = 2048
_PICTURES_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words with vectors in a space in which pictures have vectors.

    `least` is the cosine below which a picture has nothing to do with a word. `vectors` are of
    shape (words, dimension), each of length 1; words are folded, each there once.
    """

    space: str
    least: float
    words: Sequence[str]
    vectors: Floats


@dataclass(frozen=True, slots=True)
class Meaning:
    """The vocabularies to ship, the best space first; `version` names them unloaded."""

    version: str
    load: Callable[[], Sequence[Vocabulary]]


Vectors = Iterable[tuple[int, str, bytes]]
"""Vectors of pictures as (id, space, little-endian float16 numbers)."""


class MeaningState:
    """The tables of the nearest pictures."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use an open database with the tables in it."""
        self._db = connection

    def fill(self, meaning: Meaning, vectors: Vectors) -> set[bytes]:
        """Find the nearest pictures of all words, of which nothing is kept yet.

        Vocabularies are loaded only where there are vectors. Returns the keys of the rows.
        """
        rest = iter(vectors)
        if (first := next(rest, None)) is None:
            return set()
        for number, vocabulary in enumerate(meaning.load()):
            self._db.execute(
                "INSERT INTO meaning_space VALUES (?, ?, ?, ?, ?)",
                (
                    number,
                    vocabulary.space,
                    round(vocabulary.least * _ONE * _ONE),
                    "\n".join(vocabulary.words),
                    _codes(vocabulary.vectors).tobytes(),
                ),
            )
        spaces = self._spaces()
        for batch in _batches(itertools.chain([first], rest)):
            self._put(spaces, batch)
        for space in spaces:
            everyone = np.arange(len(space.words))
            self._write(space, everyone, *self._best(space, everyone))
        keys = {word.encode() for space in spaces for word in space.words}
        return self._write_rows(spaces, keys)

    def update(self, meaning: Meaning, changed: Iterable[int], vectors: Vectors) -> set[bytes]:
        """Take over the vectors that pictures have now; return the keys of rows that changed.

        Args:
            meaning: the vocabularies, as they were when all was found.
            changed: ids of pictures that are shown, or were.
            vectors: all that these have now, of those that are shown.
        """
        spaces = self._spaces()
        if not spaces:
            return self.fill(meaning, vectors)
        gone = np.array(sorted(set(changed)), np.int64)
        rows = [(int(number),) for number in gone]
        self._db.executemany("DELETE FROM meaning_vector WHERE id = ?", rows)
        now = list(vectors)
        self._put(spaces, now)
        keys: set[bytes] = set()
        for space in spaces:
            keys.update(self._update(space, gone, now))
        return self._write_rows(spaces, keys)

    def _update(
        self, space: _Space, gone: Whole, now: Sequence[tuple[int, str, bytes]]
    ) -> set[bytes]:
        ids, scores = self._near(space)
        bears = np.isin(ids, gone)
        full = ids[:, -1] >= 0
        # What came behind the last one that is kept is not known.
        again = np.flatnonzero(bears.any(axis=1) & full)
        new_ids, new_scores = np.where(bears, -1, ids), np.where(bears, -1, scores)
        mine = [(number, vector) for number, name, vector in now if name == space.name]
        if mine:
            numbers = np.array([number for number, _ in mine], np.int64)
            codes = _codes(np.stack([_unit(vector) for _, vector in mine]))
            every = np.arange(len(space.words))
            found = _candidates(space, every, numbers, codes, new_scores)
            new_ids, new_scores = _merged(new_ids, new_scores, *found)
        else:
            nothing = np.empty(0, np.int64)
            new_ids, new_scores = _merged(new_ids, new_scores, nothing, nothing, nothing)
        if len(again):
            new_ids[again], new_scores[again] = self._best(space, again)
        differs = ((new_ids != ids) | (new_scores != scores)).any(axis=1)
        words = np.flatnonzero(differs)
        self._write(space, words, new_ids[words], new_scores[words])
        return {space.words[word].encode() for word in words.tolist()}

    def _best(self, space: _Space, words: Whole) -> tuple[Whole, Whole]:
        """Return the nearest pictures of words, as (ids, scores), each of shape (words, MOST)."""
        ids = np.full((len(words), MOST), -1, np.int64)
        scores = np.full((len(words), MOST), -1, np.int64)
        rows = self._db.execute(
            "SELECT id, code FROM meaning_vector WHERE space = ? ORDER BY id", (space.number,)
        )
        while batch := rows.fetchmany(_PICTURES_AT_ONCE):
            numbers = np.array([number for number, _ in batch], np.int64)
            codes = np.frombuffer(b"".join(code for _, code in batch), np.int8)
            codes = codes.reshape(len(batch), -1)
            for first in range(0, len(words), _WORDS_AT_ONCE):
                part = slice(first, first + _WORDS_AT_ONCE)
                found = _candidates(space, words[part], numbers, codes, scores[part])
                ids[part], scores[part] = _merged(ids[part], scores[part], *found)
        return ids, scores

    def _spaces(self) -> list[_Space]:
        rows = self._db.execute("SELECT * FROM meaning_space ORDER BY space")
        return [
            _Space(
                number, name, least, words.split("\n"),
                np.frombuffer(codes, np.int8).reshape(words.count("\n") + 1, -1),
            )
            for number, name, least, words, codes in rows
        ]  # fmt: skip

    def _put(self, spaces: Sequence[_Space], vectors: Sequence[tuple[int, str, bytes]]) -> None:
        for space in spaces:
            mine = [(number, vector) for number, name, vector in vectors if name == space.name]
            rows = [
                (space.number, number, _codes(_unit(vector)).tobytes()) for number, vector in mine
            ]
            self._db.executemany("INSERT INTO meaning_vector VALUES (?, ?, ?)", rows)

    def _near(self, space: _Space) -> tuple[Whole, Whole]:
        """Return all words' nearest pictures, as (ids, scores); -1 where there are fewer."""
        ids = np.full((len(space.words), MOST), -1, np.int64)
        scores = np.full((len(space.words), MOST), -1, np.int64)
        query = "SELECT word, ids, scores FROM meaning_near WHERE space = ?"
        rows = self._db.execute(query, (space.number,)).fetchall()
        if rows:
            words = [word for word, _, _ in rows]
            ids[words] = np.frombuffer(b"".join(row[1] for row in rows), "<i8").reshape(-1, MOST)
            scores[words] = np.frombuffer(b"".join(row[2] for row in rows), "<i4").reshape(-1, MOST)
        return ids, scores

    def _write(self, space: _Space, words: Whole, ids: Whole, scores: Whole) -> None:
        for word, near, score in zip(words.tolist(), ids, scores, strict=True):
            if near[0] < 0:
                self._db.execute(
                    "DELETE FROM meaning_near WHERE space = ? AND word = ?", (space.number, word)
                )
            else:
                row = (
                    space.number,
                    word,
                    near.astype("<i8").tobytes(),
                    score.astype("<i4").tobytes(),
                )
                self._db.execute("INSERT OR REPLACE INTO meaning_near VALUES (?, ?, ?, ?)", row)

    def _write_rows(self, spaces: Sequence[_Space], keys: set[bytes]) -> set[bytes]:
        """Make the shipped rows of these words anew; return those that changed."""
        numbers: list[Mapping[str, int]] = [
            {word: number for number, word in enumerate(space.words)} for space in spaces
        ]
        changed = set()
        for key in sorted(keys):
            parts = [
                self._shipped(space, number.get(key.decode()))
                for space, number in zip(spaces, numbers, strict=True)
            ]
            value = b"".join(parts) if any(len(part) > 1 for part in parts) else None
            row = self._db.execute(
                "SELECT value FROM search_meaning WHERE key = ?", (key,)
            ).fetchone()
            if value == (row and row[0]):
                continue
            changed.add(key)
            if value is None:
                self._db.execute("DELETE FROM search_meaning WHERE key = ?", (key,))
            else:
                self._db.execute(
                    "INSERT OR REPLACE INTO search_meaning VALUES (?, ?)", (key, value)
                )
        return changed

    def _shipped(self, space: _Space, word: int | None) -> bytes:
        row = self._db.execute(
            "SELECT ids, scores FROM meaning_near WHERE space = ? AND word = ?",
            (space.number, word),
        ).fetchone()
        if row is None:
            return varint(0)
        ids = np.frombuffer(row[0], "<i8")
        count = int((ids >= 0).sum())
        parts = [varint(count)]
        for number, score in zip(ids[:count].tolist(), np.frombuffer(row[1], "<i4"), strict=False):
            parts += (varint(number), bytes([min(255, int(score) * 255 // (_ONE * _ONE))]))
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class _Space:
    number: int
    name: str
    least: int
    words: Sequence[str]
    codes: npt.NDArray[np.int8]


def _unit(vector: bytes) -> Floats:
    numbers = np.nan_to_num(np.frombuffer(vector, "<f2").astype(np.float32))
    length = float(np.linalg.norm(numbers))
    return numbers / length if length > 0 else numbers


def _codes(vectors: Floats) -> npt.NDArray[np.int8]:
    return np.rint(np.clip(vectors, -1, 1) * _ONE).astype(np.int8)


def _batches(vectors: Vectors) -> Iterator[list[tuple[int, str, bytes]]]:
    rest = iter(vectors)
    while batch := list(itertools.islice(rest, _PICTURES_AT_ONCE)):
        yield batch


def _candidates(
    space: _Space, words: Whole, numbers: Whole, codes: npt.NDArray[np.int8], held: Whole
) -> tuple[Whole, Whole, Whole]:
    """Return what may be among the nearest of words: (places of the words, ids, scores).

    Args:
        space: theirs.
        words: their numbers.
        numbers: ids of pictures.
        codes: of these.
        held: the scores of each word's nearest so far, falling.
    """
    if codes.shape[1] != space.codes.shape[1]:
        nothing = np.empty(0, np.int64)
        return nothing, nothing, nothing
    # Below 2**24 every sum is exact, whatever its order: up to 1,040 dimensions.
    kind = "f4" if codes.shape[1] <= 1040 else "f8"
    products: Floats = space.codes[words].astype(kind) @ codes.astype(kind).T
    scores = products.astype(np.int32)
    enough = np.maximum(space.least, held[:, -1:])
    place, picture = np.nonzero(scores >= enough)
    return place, numbers[picture], scores[place, picture].astype(np.int64)


def _merged(
    ids: Whole, scores: Whole, places: Whole, more_ids: Whole, more_scores: Whole
) -> tuple[Whole, Whole]:
    """Return the nearest of lists and of what is new, the lower id first where they are equal."""
    count = len(ids)
    row = np.concatenate([np.repeat(np.arange(count), MOST), places])
    number = np.concatenate([ids.ravel(), more_ids])
    score = np.concatenate([scores.ravel(), more_scores])
    order = np.lexsort((number, -score, row))
    row, number, score = row[order], number[order], score[order]
    starts = np.searchsorted(row, np.arange(count))
    rank = np.arange(len(row)) - starts[row]
    kept = rank < MOST
    return number[kept].reshape(count, MOST), score[kept].reshape(count, MOST)
