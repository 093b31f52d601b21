"""What WordNet 3.0 knows of words: lemmas, senses, and what is above what.

The table `data/wordnet.bin` is written by `daemon/tools/build_wordnet.py`: "PRWN", a
little-endian u32 format (1), and a zstd frame of MessagePack with `exceptions` (irregular form →
lemmas), `senses` (lemma → numbers of its most frequent synsets, those of nouns and others),
`above` (a synset's hypernyms) and `words` (a synset's words).
"""

from __future__ import annotations

import enum
import functools
import importlib.resources
import re
import struct

import msgspec
import zstandard

from picturerail_daemon.errors import UsageError

_HEADER = struct.Struct("<4sI")

# The endings that wndb's morphological functions take off, of all parts of speech.
_ENDINGS = (
    ("s", ""), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"),
    ("men", "man"), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""),
    ("ing", "e"), ("ing", ""), ("er", ""), ("est", ""), ("er", "e"), ("est", "e"),
)  # fmt: skip
_DOUBLED = re.compile(r"(.*([bdgklmnprt]))\2(?:ing|ed|er|est)")

HIGHEST = 6
"""So many steps up are walked at most; what is higher is too general to mean anything."""


SIBLINGS = 2
"""Words that meet so few steps above both are kinds of the same: cat and dog, horse and zebra."""


class Relation(enum.Enum):
    """How one word stands to another."""

    FORM = "another form"
    SYNONYM = "a synonym"
    ABOVE = "a wider word"
    BELOW = "a narrower word"
    BESIDE = "a sibling"
    NONE = "a related word"


class _Table(msgspec.Struct, frozen=True):
    exceptions: dict[str, list[str]]
    senses: dict[str, tuple[list[int], list[int]]]
    above: list[list[int]]
    words: list[list[str]]


class WordNet:
    """The built-in table; may be used by several threads."""

    def __init__(self) -> None:
        """Read the table.

        Raises:
            UsageError: it is damaged.
        """
        folder = importlib.resources.files("picturerail_daemon.meaning") / "data"
        data = (folder / "wordnet.bin").read_bytes()
        if len(data) < _HEADER.size or _HEADER.unpack_from(data) != (b"PRWN", 1):
            raise UsageError("the built-in table of words is damaged; install the program again")
        body = zstandard.ZstdDecompressor().decompress(data[_HEADER.size :])
        self._table = msgspec.msgpack.decode(body, type=_Table)
        self._up = functools.lru_cache(maxsize=50_000)(self._walk_up)

    def lemmas(self, word: str) -> frozenset[str]:
        """Return the base forms that a word may be of; the word itself where none is known."""
        senses = self._table.senses
        found = set(self._table.exceptions.get(word, ()))
        if word in senses:
            found.add(word)
        for ending, base in _ENDINGS:
            if word.endswith(ending) and (lemma := word[: -len(ending)] + base) in senses:
                found.add(lemma)
        if (doubled := _DOUBLED.fullmatch(word)) and doubled[1] in senses:
            found.add(doubled[1])
        return frozenset(found) or frozenset({word})

    def relation(self, word: str, tag: str) -> tuple[Relation, int]:
        """Return how a word stands to a tag, and the steps between them where one is above.

        A word may be meant in any of its senses; a tag names what is seen, so it is taken in
        its first sense as a noun.
        """
        if self.lemmas(word) & self.lemmas(tag):
            return Relation.FORM, 0
        asked, tagged = self._senses(word), self._shown(tag)
        if asked & tagged:
            return Relation.SYNONYM, 0
        over = [steps for synset in tagged for s, steps in self._up(synset).items() if s in asked]
        if over:
            return Relation.ABOVE, min(over)
        under = [steps for synset in asked for s, steps in self._up(synset).items() if s in tagged]
        if under:
            return Relation.BELOW, min(under)
        if self._near_above(tagged) & self._near_above(self._shown(word)):
            return Relation.BESIDE, 0
        return Relation.NONE, 0

    def kin(self, tag: str, steps: int) -> frozenset[str]:
        """Return a tag's single-word synonyms, and the single words up to so many steps above."""
        found: set[str] = set()
        for synset in self._shown(tag):
            for above, distance in self._up(synset).items():
                if distance <= steps:
                    found.update(self._table.words[above])
        return frozenset(word for word in found if word != tag and " " not in word)

    def _senses(self, word: str) -> frozenset[int]:
        senses = self._table.senses
        return frozenset(
            synset
            for lemma in self.lemmas(word)
            if lemma in senses
            for part in senses[lemma]
            for synset in part
        )

    def _shown(self, word: str) -> frozenset[int]:
        """Return the first sense as a noun of each lemma, as another part of speech if none."""
        senses = self._table.senses
        found = [senses[lemma] for lemma in self.lemmas(word) if lemma in senses]
        nouns = frozenset(noun[0] for noun, _ in found if noun)
        return nouns or frozenset(other[0] for _, other in found if other)

    def _near_above(self, synsets: frozenset[int]) -> set[int]:
        return {
            above
            for synset in synsets
            for above, steps in self._up(synset).items()
            if 0 < steps <= SIBLINGS
        }

    def _walk_up(self, synset: int) -> dict[int, int]:
        """Return each synset above one (itself included) with the fewest steps to it."""
        found = {synset: 0}
        waiting = [synset]
        for here in waiting:  # grows while it is walked
            if found[here] < HIGHEST:
                for above in self._table.above[here]:
                    if above not in found:
                        found[above] = found[here] + 1
                        waiting.append(above)
        return found
