"""Word vectors behind gensim's KeyedVectors: built in, or any file that gensim reads.

gensim takes about a second to import, so it is imported when the first word is asked for.
The built-in file's format is written by `daemon/tools/build_vectors.py`: "PRWV", then
little-endian u32 format (1), u32 words, u32 dimension, f32 scale, then a zstd frame of the
words joined by newlines, NUL, and the int8 vectors row by row.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import re
import struct
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zstandard

from picturerail_daemon.errors import UsageError

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

BUILTIN = "builtin"
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
        self.version = f"{_identity(source)}/{count}"

    @cached_property
    def _vectors(self) -> KeyedVectors:
        return _load_builtin() if self._source == BUILTIN else _load_file(Path(self._source))

    def neighbours(self, tag: str) -> tuple[tuple[str, float], ...]:
        """Return the words nearest to a tag with their cosine similarity, nearest first.

        A tag of several words is the mean of those that are known (gensim's
        `most_similar`); one of which none is known has no neighbours.
        """
        words = re.findall(r"[^\W_]+", tag.lower())
        with self._lock:
            known = [word for word in words if word in self._vectors]
            if not known:
                return ()
            found = self._vectors.most_similar(positive=known, topn=self._count)
        return tuple((word, round(float(similarity), 4)) for word, similarity in found)


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
