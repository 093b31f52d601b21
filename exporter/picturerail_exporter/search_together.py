"""Which words the search index tells the best pictures of together (`native/search/SITE.md`).

Lists of frequent words are long, and what has several of them lies scattered in them. So the best
are told beforehand of each two and three of the most frequent.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from picturerail_exporter.search_file import number_of

TOLD = (b"b", b"f", b"o", b"r")
"""What keys end with: all pictures that have the stems; of two, those where the second of them,
ascending, is the next word after the first; all, whose nearness does not count; and those where the
first is the next after the second."""

_PHRASE = 2
_STEPS = 4
"""How many steps a doubling has in what a word is worth: few, so that it seldom changes."""
_UNIT = 16
_LONG_OF_TWO = 10_000
_LONG_OF_THREE = 12_500
"""How many pictures have a stem of which it is told with one and with two others; in a collection
of fewer than `_MANY` as large a share of these."""
_MANY = 100_000
_MOST_OF_TWO = 240
_MOST_OF_THREE = 80
_MOST_WITH_ANY = 12


def _most_of(counts: Mapping[str, int], least: int, most: int) -> dict[str, int]:
    """Return the stems that more than `least` pictures have.

    Where these are more than `most`, those that a quarter more have, and so on.
    """
    while True:
        found = {stem: count for stem, count in counts.items() if count > least}
        if len(found) <= most:
            return found
        least += least // 4 + 1


def by_stem(rows: Iterable[tuple[bytes, bytes]], stem: Callable[[str], str]) -> dict[str, int]:
    """Return how many pictures have any word of a stem.

    Args:
        rows: the keys of words, and of stems of several, and how many pictures each has.
        stem: of a word.
    """
    stems: dict[str, int] = {}
    words: dict[str, int] = {}
    for key, value in rows:
        if not key.endswith(b"t"):
            kind = stems if key.endswith(b"s") else words
            kind[key[:-2].decode()] = number_of(value)
    for word, count in words.items():
        stems.setdefault(stem(word), count)  # of a stem with other words, too, it is there
    return stems


class Stems(msgspec.Struct, frozen=True, dict=True):
    """The stems of which the best pictures are told together.

    They are told of each two, since phrases have words that say little, too; of each three of the
    `frequent` ones that say something; and of each two of the `most` frequent with any other.
    `weights` are what the words of each are worth beside the others'. `lengths` of fields are in
    quarters of a doubling.
    """

    weights: dict[str, int] = {}
    frequent: frozenset[str] = frozenset()
    most: frozenset[str] = frozenset()
    lengths: tuple[int, ...] = ()

    @classmethod
    def chosen(
        cls,
        longest: Mapping[str, int],
        most: Iterable[str],
        documents: int,
        lengths: Iterable[float],
        says_little: Callable[[str], bool] = lambda _: False,
    ) -> Stems:
        """Choose them.

        Args:
            longest: how many pictures each stem has of which the lists are long.
            most: those of which postings tell; the most frequent of these are told with any.
            documents: all pictures.
            lengths: of each field, the average number of words.
            says_little: tells it of a stem.
        """
        telling = {stem: count for stem, count in longest.items() if not says_little(stem)}
        of_two, of_three = (
            _most_of(of, min(long, long * documents // _MANY), most)
            for of, long, most in (
                (longest, _LONG_OF_TWO, _MOST_OF_TWO),
                (telling, _LONG_OF_THREE, _MOST_OF_THREE),
            )
        )
        weights = {stem: _weight(of_two[stem], documents) for stem in sorted(of_two)}
        quarters = tuple(round(4 * math.log2(max(1, length))) for length in lengths)
        told = sorted(of_two.keys() & set(most), key=lambda stem: (-of_two[stem], stem))
        return cls(weights, frozenset(of_three), frozenset(told[:_MOST_WITH_ANY]), quarters)

    def combinations(self, stems: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """Yield what is told of some stems."""
        here = sorted(self.weights.keys() & set(stems), key=str.encode)
        yield from itertools.combinations(here, 2)
        threes: set[tuple[str, ...]] = set(
            itertools.combinations(filter(self.frequent.__contains__, here), 3)
        )
        for both in itertools.combinations(filter(self.most.__contains__, here), 2):
            for other in here:
                if other not in both:
                    threes.add(tuple(sorted((*both, other), key=str.encode)))
        yield from threes

    @functools.cached_property
    def rarest_first(self) -> Mapping[str, int]:
        """The places of the stems, those that are worth the most first.

        In this order they make keys: so what is told of a picture that often has one of them, and
        others beside it, lies together.
        """
        ranked = sorted(self.weights, key=lambda stem: (-self.weights[stem], stem.encode()))
        return {stem: place for place, stem in enumerate(ranked)}

    def key_of(self, stems: Iterable[str], kind: bytes) -> bytes:
        """Return the key of what is told of some of them."""
        ordered = sorted(stems, key=self.rarest_first.__getitem__)
        return b"\1".join(stem.encode() for stem in ordered) + b"\0" + kind

    def keys_of(self, stems: Sequence[str]) -> Iterator[bytes]:
        """Yield the keys of all that may be told of them."""
        for kind in TOLD if len(stems) == _PHRASE else TOLD[:1]:
            yield self.key_of(stems, kind)

    def with_any(self, stems: set[str]) -> Iterator[tuple[str, ...]]:
        """Yield what is told of any of some stems, and of others."""
        every = self.combinations(self.weights) if stems else ()
        return (each for each in every if not stems.isdisjoint(each))

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


def near_key_of(stems: tuple[str, str]) -> bytes:
    """Return what keys of where a stem is near another one begin with: they lie with the first."""
    return stems[0].encode() + b"\0a" + stems[1].encode() + b"\0"


def _weight(count: int, documents: int) -> int:
    """Return what a word's idf is about, in sixteenths."""
    idf = math.log1p((documents - count + 0.5) / (count + 0.5))
    if idf < 1 / _UNIT:
        return 1
    return round(_UNIT * 2 ** (round(_STEPS * math.log2(idf)) / _STEPS))
