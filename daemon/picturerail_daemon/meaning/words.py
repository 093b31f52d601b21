"""What words mean: their neighbours, what may reach a tag, and where texts lie among pictures."""

from __future__ import annotations

import difflib
import itertools
import re
import threading
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from picturerail_daemon.meaning import gate
from picturerail_daemon.meaning.table import (
    BUILTIN,
    WordTable,
    identity,
    keyed_vectors,
    load_builtin,
    load_file,
)
from picturerail_daemon.meaning.text import TextSpace, Vector
from picturerail_daemon.meaning.wordnet import WordNet

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

_SHORTEST_PART = 3
_SHORTEST_MISSPELT = 6
_ALIKE = 0.85
"""The least share of letters in common (difflib's ratio) of a misspelt word with the right one."""


class WordVectors:
    """A set of word vectors; may be used by several threads.

    Args:
        source: "builtin", or a file in word2vec (text or binary), GloVe, fastText or KeyedVectors
            form.
        count: how many neighbours a word has at most.
        cache: a folder for a copy of a file that can be mapped into memory; None keeps none.
    """

    def __init__(self, source: str, count: int, cache: Path | None = None) -> None:
        """Read nothing but the file's size and time; the vectors load at first use.

        Raises:
            UsageError: the file is not there.
        """
        self._source = source
        self._count = count
        self._cache = cache
        self._lock = threading.Lock()
        self._identity = identity(source)
        self.version = f"{self._identity}/{count}/{gate.VERSION}"

    @property
    def size(self) -> int:
        """How many words have a vector."""
        with self._lock:
            return len(self._table.index)

    def frequent(self, count: int) -> list[str]:
        """Return the most frequent words, the most frequent first."""
        with self._lock:
            return list(itertools.islice(self._table.index, count))

    @property
    def space(self) -> str:
        """The name of the space that texts have vectors in; known without loading anything."""
        return TextSpace.name_for(self._identity)

    @property
    def least(self) -> float:
        """The cosine below which a picture has nothing to do with a text."""
        return TextSpace.least

    def encode(self, text: str) -> Vector | None:
        """Return a text's vector; an unknown word counts as what it is made of or misspells."""
        with self._lock:
            known = " ".join(
                part
                for word in re.findall(r"[^\W_]+", text.lower())
                for part in ([word] if word in self._table.index else self._parts(word))
            )
        return self._text.encode(known)

    def encode_picture(self, tags: Iterable[tuple[str, float]], caption: str) -> Vector | None:
        """Return a picture's vector by what is said of it; None where nothing known is."""
        return self._text.encode_picture(tags, caption)

    @cached_property
    def _text(self) -> TextSpace:
        with self._lock:
            return TextSpace(self._identity, self._table)

    @cached_property
    def _table(self) -> WordTable:
        if self._source == BUILTIN:
            return load_builtin()
        vectors = self._vectors
        return WordTable(vectors.key_to_index, vectors.vectors)

    @cached_property
    def _vectors(self) -> KeyedVectors:
        if self._source == BUILTIN:
            return keyed_vectors(self._table)
        return load_file(Path(self._source), self._cache)

    def neighbours(self, tag: str) -> tuple[tuple[str, float], ...]:
        """Return the words nearest to a tag with their cosine similarity, nearest first.

        A tag of several words is the mean of those that are known (gensim's
        `most_similar`). A word that is not known counts as the two words it is made of, or as
        the one that it is nearly spelt like; one that is neither has no neighbours.
        """
        with self._lock:
            known = self._known(tag)
            if not known:
                return ()
            found = self._vectors.most_similar(positive=known, topn=self._count)
        return tuple((word, round(float(similarity), 4)) for word, similarity in found)

    def reach(
        self, tag: str, neighbours: Sequence[tuple[str, float]]
    ) -> tuple[tuple[str, float], ...]:
        """Return the words that a query may reach a tag by, with their weights, heaviest first.

        Args:
            tag: the tag.
            neighbours: what `neighbours` returned for it.
        """
        with self._lock:
            vectors, known = self._vectors, self._known(tag)

            def similarity(words: Sequence[str]) -> list[float]:
                there = [word for word in words if word in vectors]
                if not known or not there:
                    return [0.0] * len(words)
                mean = vectors.get_mean_vector(known)
                cosines = vectors.cosine_similarities(mean, np.stack([vectors[w] for w in there]))
                found = dict(zip(there, map(float, cosines), strict=True))
                return [found.get(word, 0.0) for word in words]

            return gate.reach(tag.lower(), neighbours, similarity, self._wordnet)

    @cached_property
    def _wordnet(self) -> WordNet:
        return WordNet()

    def _known(self, tag: str) -> list[str]:
        """Return the words of a tag that have vectors, or else those it seems to be made of."""
        words = re.findall(r"[^\W_]+", tag.lower())
        # A fastText file knows words that it never saw, by their parts.
        known = [word for word in words if word in self._vectors]
        return known or [part for word in words for part in self._parts(word)]

    def _parts(self, word: str) -> list[str]:
        """Return two words that an unknown one is composed of, or the one it misspells."""
        order = self._table.index
        pairs = [
            (word[:at], word[at:])
            for at in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)
            if word[:at] in order and word[at:] in order
        ]
        if pairs:  # the pair whose rarer word is the most frequent
            return list(min(pairs, key=lambda pair: max(map(order.__getitem__, pair))))
        if len(word) < _SHORTEST_MISSPELT:
            return []
        alike = [w for w in order if w[0] == word[0] and abs(len(w) - len(word)) <= 1]
        return difflib.get_close_matches(word, alike, n=1, cutoff=_ALIKE)
