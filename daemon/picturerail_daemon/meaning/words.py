"""Word vectors behind gensim's KeyedVectors: built in, or any file that gensim reads.

gensim takes about a second to import, so it is imported when the first word is asked for.
The built-in file's format is written by `daemon/tools/build_vectors.py`: "PRWV", then
little-endian u32 format (1), u32 words, u32 dimension, f32 scale, then a zstd frame of the
words joined by newlines, NUL, and the int8 vectors row by row.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.resources
import re
import struct
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zstandard

from picturerail_daemon.errors import UsageError
from picturerail_daemon.meaning import gate
from picturerail_daemon.meaning.wordnet import WordNet

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

BUILTIN = "builtin"
_SHORTEST_PART = 3
_SHORTEST_MISSPELT = 6
_ALIKE = 0.85
"""The least share of letters in common (difflib's ratio) of a misspelt word with the right one."""
_HEADER = struct.Struct("<4sIIIf")


class WordVectors:
    """A set of word vectors; may be used by several threads.

    Args:
        source: "builtin", or a file in word2vec (text or binary), GloVe or KeyedVectors form.
        count: how many neighbours a word has at most.
    """

    def __init__(self, source: str, count: int) -> None:
        """Read nothing but the file's size and time; the vectors load at first use.

        Raises:
            UsageError: the file is not there.
        """
        self._source = source
        self._count = count
        self._lock = threading.Lock()
        self.version = f"{_identity(source)}/{count}/{gate.VERSION}"

    @cached_property
    def _vectors(self) -> KeyedVectors:
        return _load_builtin() if self._source == BUILTIN else _load_file(Path(self._source))

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
        known = [word for word in words if word in self._vectors]
        return known or [part for word in words for part in self._parts(word)]

    def _parts(self, word: str) -> list[str]:
        """Return two words that an unknown one is composed of, or the one it misspells."""
        order: dict[str, int] = self._vectors.key_to_index
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


def _identity(source: str) -> str:
    if source == BUILTIN:
        with importlib.resources.as_file(_builtin_file()) as path:
            return f"{BUILTIN}-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"
    path = Path(source)
    try:
        found = path.stat()
    except OSError as error:
        raise UsageError(
            f"{path}: the word vectors in `meaning.vectors` cannot be read: {error.strerror}"
        ) from error
    return f"{path.name}-{found.st_size}-{found.st_mtime_ns}"


def _builtin_file() -> Any:
    return importlib.resources.files("picturerail_daemon.meaning") / "data" / "words.bin"


def _load_builtin() -> KeyedVectors:
    from gensim.models import KeyedVectors

    data = _builtin_file().read_bytes()
    magic, version, count, dimension, scale = _HEADER.unpack_from(data)
    if (magic, version) != (b"PRWV", 1):
        raise UsageError("the built-in word vectors are damaged; install the program again")
    body = zstandard.ZstdDecompressor().decompress(data[_HEADER.size :])
    text, _, _ = body.partition(b"\0")
    quantised = np.frombuffer(body, np.int8, count * dimension, len(text) + 1)
    vectors = KeyedVectors(dimension, count=0)
    vectors.add_vectors(
        text.decode().split("\n"),
        quantised.reshape(count, dimension).astype(np.float32) * np.float32(scale),
    )
    return vectors


def _load_file(path: Path) -> KeyedVectors:
    """Load a file by what it looks like: a saved KeyedVectors, else word2vec, else GloVe."""
    from gensim.models import KeyedVectors

    try:
        with path.open("rb") as file:
            start = file.read(2)
            first_line = (start + file.readline(1 << 16)).split()
        if start[:1] == b"\x80":  # a pickle's first byte
            loaded = KeyedVectors.load(str(path), mmap="r")
            return loaded if isinstance(loaded, KeyedVectors) else loaded.wv
        header = len(first_line) == 2 and all(part.isdigit() for part in first_line)
        loaded = KeyedVectors.load_word2vec_format(
            str(path),
            binary=header and _is_binary(path),
            no_header=not header,
            unicode_errors="replace",
        )
    except (OSError, ValueError, EOFError, AttributeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: the file in `meaning.vectors` holds no word vectors that can be read: {error}"
        ) from error
    if len(loaded) == 0 or loaded.vector_size < 2:
        raise UsageError(f"{path}: the file in `meaning.vectors` holds no word vectors")
    return loaded


def _is_binary(path: Path) -> bool:
    """Return whether numbers follow the first word as bytes rather than as text."""
    with path.open("rb") as file:
        file.readline()
        sample = file.read(4096)
    return b"\n" not in sample or not re.match(rb"\S+( -?\d[\d.eE+-]*)+", sample.split(b"\n")[0])
