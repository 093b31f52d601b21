"""Where texts lie among pictures: one vector for all that is said of a picture, and for a query.

A text's vector is the mean of its words' vectors, each weighed by how rare the word is, after the
directions that all words share were taken out (smooth inverse frequency, Arora, Liang and Ma 2017).
A word's frequency is estimated from its rank by Zipf's law, since files of vectors have the
frequent words first. What is left tells topics apart well enough to come after the words
themselves: `make bench-describe` measures it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from picturerail_daemon.meaning.table import WordTable

VERSION = 1
LEAST_COSINE = 0.5
"""Below it a picture has nothing to do with a text. Of 400 words that no caption of 4,045 pictures
has, 7 in 100 find a picture at all with it; of the words that captions have, all but 5 in 100."""
_SMOOTH = 1e-3
_FREQUENT = 20_000
"""So many words tell what all have in common."""
_ENOUGH = 10
_SHARED = 2
_CAPTION_SHARE = 0.7
"""What a caption's word counts beside a tag that is sure."""
_MOST_WORDS = 200

Vector = npt.NDArray[np.float32]


class TextSpace:
    """A space of texts and of pictures by what is said of them; used by any number of threads.

    Vectors of differently named spaces are never compared. `least` is the cosine below which a
    picture has nothing to do with a text.
    """

    least = LEAST_COSINE

    def __init__(self, identity: str, table: WordTable) -> None:
        """Find what all frequent words have in common.

        Args:
            identity: of the word vectors.
            table: the word vectors.
        """
        self._space = self.name_for(identity)
        self._table = table
        sample = _unit(np.asarray(table.vectors[:_FREQUENT], np.float32))
        self._mean = np.zeros(sample.shape[1], np.float32)
        self._shared = np.zeros((sample.shape[1], 0), np.float32)
        if len(sample) >= _ENOUGH * sample.shape[1]:  # a few words have by chance much in common
            self._mean = sample.mean(axis=0)
            centred = sample - self._mean
            _, directions = np.linalg.eigh(centred.T @ centred)
            self._shared = directions[:, -_SHARED:].astype(np.float32)

    @property
    def space(self) -> str:
        """The space's full name."""
        return self._space

    @staticmethod
    def name_for(identity: str) -> str:
        """Return the name of the space that a set of word vectors gives."""
        return f"words/{identity}/{VERSION}"

    def encode(self, text: str) -> Vector | None:
        """Return a text's vector, of length 1; None where no word of it is known."""
        return self._mix((word, 1.0) for word in _words(text))

    def encode_picture(self, tags: Iterable[tuple[str, float]], caption: str) -> Vector | None:
        """Return a picture's vector by what is said of it; None where nothing known is.

        Args:
            tags: with their confidence, 0..1.
            caption: "" where there is none.
        """
        words = [(word, sure) for tag, sure in tags for word in _words(tag)]
        words += [(word, _CAPTION_SHARE) for word in _words(caption)]
        heaviest: dict[str, float] = {}
        for word, share in words[:_MOST_WORDS]:
            heaviest[word] = max(share, heaviest.get(word, 0.0))
        return self._mix(heaviest.items())

    def _mix(self, words: Iterable[tuple[str, float]]) -> Vector | None:
        rows: list[int] = []
        weights: list[float] = []
        for word, share in words:
            row = self._table.index.get(word)
            if row is not None and share > 0:
                rows.append(row)
                weights.append(share * _rarity(row))
        if not rows:
            return None
        vectors = _unit(np.asarray(self._table.vectors[rows], np.float32)) - self._mean
        mixed = np.asarray(weights, np.float32) @ vectors
        mixed -= self._shared @ (self._shared.T @ mixed)
        length = float(np.linalg.norm(mixed))
        return (mixed / length).astype(np.float32) if length > 1e-6 else None


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def _rarity(rank: int) -> float:
    frequency = 1 / ((rank + 10) * 12.0)
    return _SMOOTH / (_SMOOTH + frequency)


def _unit(rows: Vector) -> Vector:
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit: Vector = rows / np.maximum(length, 1e-12)
    return unit
