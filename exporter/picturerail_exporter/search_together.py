"""Which words the search index tells the best pictures of together (`native/search/SITE.md`).

Lists of frequent words are long, and what has several of them lies scattered in them. So the best
are told beforehand of each two and three of the most frequent, and of each of these that are more
frequent still with each that is less.
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
_SHORT = 10
"""Of stems that more than one in so many pictures has only those are told whose lists are long."""


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
    """The stems whose best pictures are told together.

    `weights` are of all, what the words of each are worth beside the others'. Of `frequent` ones
    each two and three are told, of each of the `most` frequent and of each other one the two. The
    others are those that `least` pictures have, and no more than `up_to`. `lengths` of fields are
    in quarters of a doubling.
    """

    weights: dict[str, int] = {}
    least: int = 0
    up_to: int = 0
    frequent: frozenset[str] = frozenset()
    most: frozenset[str] = frozenset()
    lengths: tuple[int, ...] = ()

    @classmethod
    def chosen(
        cls,
        common: Mapping[str, int],
        longest: Mapping[str, int],
        documents: int,
        lengths: Iterable[float],
    ) -> Stems:
        """Choose them.

        Args:
            common: how many pictures each stem has that many have.
            longest: the same of those of which the lists are long.
            documents: all pictures.
            lengths: of each field, the average number of words.
        """
        frequent = _most_of(longest, documents, (10, 8, 6, 4, 3, 2), 20)
        most = _most_of(longest, documents, (4, 3, 2), 8)
        others = (
            _most_of(common, documents, (300, 200, 100, 50, 20, 10, 5, 3, 2), 768) if most else {}
        )
        # Lists of more that are not long tell the same of all documents, and take few bytes.
        others = {stem: count for stem, count in others.items() if count <= documents // _SHORT}
        counts = {**others, **frequent, **most}
        weights = {stem: _weight(counts[stem], documents) for stem in sorted(counts)}
        least = min(others.values(), default=documents + 1)
        quarters = tuple(round(4 * math.log2(max(1, length))) for length in lengths)
        up_to = documents // _SHORT
        return cls(weights, least, up_to, frozenset(frequent), frozenset(most), quarters)

    def combinations(self, stems: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """Yield what is told of some stems."""
        here = sorted(self.weights.keys() & set(stems), key=str.encode)
        frequent = [stem for stem in here if stem in self.frequent]
        for both in itertools.combinations(here, 2):
            if self.frequent.issuperset(both) or not self.most.isdisjoint(both):
                yield both
        yield from itertools.combinations(frequent, 3)

    def with_any(self, stems: set[str]) -> Iterator[tuple[str, ...]]:
        """Yield what is told of any of some stems, and of others."""
        return (each for each in self.combinations(self.weights) if not stems.isdisjoint(each))

    def changed_since(self, before: Stems) -> set[str]:
        """Return the stems that weigh otherwise, or of which others are told."""
        return {
            stem
            for stem in self.weights.keys() | before.weights.keys()
            if self._standing(stem) != before._standing(stem) or self.lengths != before.lengths
        }

    def _standing(self, stem: str) -> tuple[int | None, bool, bool]:
        return self.weights.get(stem), stem in self.frequent, stem in self.most

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
