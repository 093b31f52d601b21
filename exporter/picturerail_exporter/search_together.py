"""Which words the search index tells the best pictures of together (`native/search/SITE.md`).

Lists of frequent words are long, and what has several of them lies scattered in them. So the best
are told beforehand of each two and three of the most frequent.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from picturerail_exporter.search_file import number_of

_STEPS = 8
"""How many steps a doubling has in what a word is worth: few, so that it seldom changes."""
_UNIT = 16


def _most_of(
    counts: Mapping[str, int], documents: int, shares: tuple[int, ...], most: int
) -> dict[str, int]:
    """Return the stems that more than one in so many pictures has.

    Args:
        counts: of pictures, by stem.
        documents: all pictures.
        shares: one in so many; the first counts with which there are not too many.
        most: so many stems.
    """
    for share in shares:
        found = {stem: count for stem, count in counts.items() if count * share > documents}
        if len(found) <= most:
            return found
    return {}


def by_stem(
    rows: Iterable[tuple[bytes, bytes]],
    stem: Callable[[str], str],
    says_little: Callable[[str], bool],
) -> dict[str, int]:
    """Return how many pictures have any word of a stem, of those that say something.

    Args:
        rows: the keys of words, and of stems of several, and how many pictures each has.
        stem: of a word.
        says_little: tells it of a word.
    """
    stems: dict[str, int] = {}
    words: dict[str, int] = {}
    for key, value in rows:
        if not key.endswith(b"t"):
            kind = stems if key.endswith(b"s") else words
            kind[key[:-2].decode()] = number_of(value)
    for word, count in words.items():
        stems.setdefault(stem(word), count)  # of a stem with other words, too, it is there
    return {each: count for each, count in stems.items() if not says_little(each)}


class Stems(msgspec.Struct, frozen=True):
    """The stems of which the best pictures of each two and three are told.

    `weights` are what the words of each are worth beside the others'. `lengths` of fields are in
    quarters of a doubling.
    """

    weights: dict[str, int] = {}
    lengths: tuple[int, ...] = ()

    @classmethod
    def chosen(cls, longest: Mapping[str, int], documents: int, lengths: Iterable[float]) -> Stems:
        """Choose them.

        Args:
            longest: how many pictures each stem has of which the lists are long.
            documents: all pictures.
            lengths: of each field, the average number of words.
        """
        frequent = _most_of(longest, documents, (10, 8, 6, 4, 3, 2), 20)
        weights = {stem: _weight(frequent[stem], documents) for stem in sorted(frequent)}
        quarters = tuple(round(4 * math.log2(max(1, length))) for length in lengths)
        return cls(weights, quarters)

    def combinations(self, stems: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """Yield what is told of some stems."""
        here = sorted(self.weights.keys() & set(stems), key=str.encode)
        yield from itertools.combinations(here, 2)
        yield from itertools.combinations(here, 3)

    def with_any(self, stems: set[str]) -> Iterator[tuple[str, ...]]:
        """Yield what is told of any of some stems, and of others."""
        return (each for each in self.combinations(self.weights) if not stems.isdisjoint(each))

    def changed_since(self, before: Stems) -> set[str]:
        """Return the stems that weigh otherwise, or of which others are told."""
        return {
            stem
            for stem in self.weights.keys() | before.weights.keys()
            if self.weights.get(stem) != before.weights.get(stem) or self.lengths != before.lengths
        }

    def note(self) -> str:
        """Return them as a text."""
        return msgspec.json.encode(self, order="sorted").decode()

    @classmethod
    def read(cls, note: str) -> Stems:
        """Return those of a text; none of an empty one."""
        return msgspec.json.decode(note, type=cls) if note else cls()


def key_of(stems: Iterable[str]) -> bytes:
    """Return the key of what is told of ascending stems."""
    return b"\1".join(stem.encode() for stem in stems) + b"\0b"


def _weight(count: int, documents: int) -> int:
    """Return what a word's idf is about, in sixteenths."""
    idf = math.log1p((documents - count + 0.5) / (count + 0.5))
    if idf < 1 / _UNIT:
        return 1
    return round(_UNIT * 2 ** (round(_STEPS * math.log2(idf)) / _STEPS))
