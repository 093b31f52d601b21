"""Which very frequent stems the postings of other words tell of (`native/search/SITE.md`).

Where somebody asks for one of them beside another word, the other word's list is enough: theirs,
which are long, need not be read.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator

import msgspec

from picturerail_exporter.search_file import texts_of_entry
from picturerail_native.site_terms import SiteTerms

LONG = 42_000
"""Lists of words with no more documents are read as they are: each is in one file."""
OWN = 32_000
"""Lists of words with no more documents tell how near these are to the stems."""
APART = 12_500
"""Of words with more documents it lies apart from their records, stem by stem: of all stems it is
longer than these, and read only where one of the stems is asked for."""
APART_OF_MANY = 4096
"""The same of a large collection: so many more stems are told there."""
_ONE_IN = 24
"""Of words that fewer pictures have it would be told in vain that they are not there."""
_NEARLY_ALL = 0.75
"""What more pictures have, as a filename's "img", is worth next to nothing, and not asked for."""
_MOST = 48
"""So many stems at most: each takes some bits beside every posting."""
_SHORT = 8
LONGEST = 42_000
"""Of words that one in about so many pictures has, and no more pictures than that, the postings
tell of them: of longer lists it would be much to read for who does not ask for them."""


class Beside(msgspec.Struct, frozen=True):
    """The stems, each with the first of its words; `up_to` so many documents a word may have.

    `frequent` are the stems of words that have more, and so tell nothing: where these are near the
    stems the rests of `owners` tell, some of these; of the others it is told apart, as where the
    stems are near one another is.
    """

    stems: tuple[tuple[str, str], ...] = ()
    up_to: int = 0
    frequent: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()

    @classmethod
    def chosen(cls, terms: SiteTerms, stem: Callable[[str], str]) -> Beside:
        """Choose them.

        Args:
            terms: of the index.
            stem: of a word.
        """
        documents, _ = terms.statistics()
        least, most = max(LONG, documents // _ONE_IN), math.floor(_NEARLY_ALL * documents)
        if most <= least:
            return cls()
        # In few steps, so that it seldom changes: all postings would.
        share = math.floor(2 * math.log2(documents / _SHORT)) / 2
        up_to = min(LONGEST, math.floor(2**share))
        counts = terms.frequent(min(least, up_to), most)
        ranked = sorted(counts, key=lambda word: (-counts[word], word))[:_MOST]
        stems = sorted({stem(word) for word in ranked if counts[word] > least}, key=str.encode)
        if not stems:
            return cls()
        words = [word for word, count in counts.items() if count > up_to]
        frequent = sorted(set(map(stem, words)).difference(stems), key=str.encode)
        longer = {stem(word) for word in words if counts[word] > OWN}
        return cls(
            tuple((each, _first_word(terms, each)) for each in stems),
            up_to,
            tuple(frequent),
            tuple(each for each in frequent if each not in longer),
        )

    def tells_as(self, other: Beside) -> bool:
        """Tell whether postings tell the same as those of another."""
        return (self.stems, self.up_to) == (other.stems, other.up_to)

    @property
    def is_large(self) -> bool:
        """Whether there are very many pictures, so that even rare words have long lists."""
        return self.up_to == LONGEST

    def all_stems(self) -> set[str]:
        """Return those that are told, and those that tell nothing."""
        return {stem for stem, _ in self.stems}.union(self.frequent)

    def pairs(self, stems: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield each two of some stems of which it is told apart where they are near each other.

        First comes the one that this lies with: one of the stems that are told; of two of these as
        their places say, so that none has much of it.
        """
        here = set(stems)
        told = [(place, stem) for place, (stem, _) in enumerate(self.stems) if stem in here]
        for (place, one), (after, other) in itertools.combinations(told, 2):
            yield (one, other) if (place + after) % 2 else (other, one)
        for frequent in here.intersection(self.frequent).difference(self.owners):
            yield from ((stem, frequent) for _, stem in told)

    def tell(self, terms: SiteTerms) -> None:
        """Let what is told of terms from now on tell of them."""
        apart = APART_OF_MANY if self.is_large else APART
        terms.set_beside([stem for stem, _ in self.stems], apart, self.up_to, OWN)

    def note(self) -> str:
        """Return it as a text."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def read(cls, note: str) -> Beside:
        """Return that of a text; none of an empty one."""
        return msgspec.json.decode(note, type=cls) if note else cls()


def _first_word(terms: SiteTerms, stem: str) -> str:
    several = terms.term(stem.encode() + b"\0s")
    return next(texts_of_entry(several.entry, b"s")) if several else stem
