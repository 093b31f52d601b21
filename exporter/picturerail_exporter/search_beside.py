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

LONG = 32_000
"""Lists of words with no more documents are read as they are."""
_ONE_IN = 12
"""Of words that fewer pictures have it would be told in vain that they are not there."""
_NEARLY_ALL = 0.75
"""What more pictures have, as a filename's "img", is worth next to nothing, and not asked for."""
_MOST = 12
"""So many stems at most: each takes some bits beside every posting."""
_SHORT = 8
"""Of words that one in about so many pictures has the postings tell of them."""


class Beside(msgspec.Struct, frozen=True):
    """The stems, each with the first of its words; `up_to` so many documents a word may have."""

    stems: tuple[tuple[str, str], ...] = ()
    up_to: int = 0

    @classmethod
    def chosen(cls, terms: SiteTerms, stem: Callable[[str], str]) -> Beside:
        """Choose them.

        Args:
            terms: of the index.
            stem: of a word.
        """
        documents, _ = terms.statistics()
        least, most = max(LONG, documents // _ONE_IN), math.floor(_NEARLY_ALL * documents)
        words = terms.frequent(least, most)
        ranked = sorted(words, key=lambda word: (-words[word], word))[:_MOST]
        stems = sorted(set(map(stem, ranked)), key=str.encode)
        if not stems:
            return cls()
        # In few steps, so that it seldom changes: all postings would.
        up_to = math.floor(2 ** (math.floor(2 * math.log2(documents / _SHORT)) / 2))
        return cls(tuple((each, _first_word(terms, each)) for each in stems), up_to)

    def pairs(self, stems: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield each two of some stems that are told beside others."""
        told = {stem for stem, _ in self.stems}
        return itertools.combinations(sorted(told.intersection(stems), key=str.encode), 2)

    def tell(self, terms: SiteTerms) -> None:
        """Let what is told of terms from now on tell of them."""
        terms.set_beside([stem for stem, _ in self.stems], self.up_to)

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
