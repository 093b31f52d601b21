"""Where word vectors come from: the built-in table, or any file that gensim reads.

The built-in file's format is written by `daemon/tools/build_vectors.py`: "PRWV", then
little-endian u32 format (1), u32 words, u32 dimension, f32 scale, then a zstd frame of the
words joined by newlines, NUL, and the int8 vectors row by row. Other files are read once and kept
in gensim's own form in the cache, from where they are mapped into memory. gensim takes about a
second to import, so the built-in words are looked up without it.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import logging
import re
import shutil
import struct
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import zstandard

from picturerail_daemon.errors import UsageError

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

log = logging.getLogger(__name__)

BUILTIN = "builtin"
_HEADER = struct.Struct("<4sIIIf")
_COPY = "vectors"
_FASTTEXT = 793_712_314
"""The number that fastText's binary files begin with."""


@dataclass(frozen=True)
class WordTable:
    """Words by falling frequency, each with its row in `vectors` [words, dimension]."""

    index: Mapping[str, int]
    vectors: npt.NDArray[np.float32]


def identity(source: str) -> str:
    """Return what names a set of vectors: another file, another identity.

    Raises:
        UsageError: the file is not there.
    """
    if source == BUILTIN:
        return f"{BUILTIN}-{hashlib.sha256(_builtin_bytes()).hexdigest()[:8]}"
    path = Path(source)
    try:
        found = path.stat()
    except OSError as error:
        raise UsageError(
            f"{path}: the word vectors in `meaning.vectors` cannot be read: {error.strerror}"
        ) from error
    return f"{path.name}-{found.st_size}-{found.st_mtime_ns}"


def load_builtin() -> WordTable:
    """Read the built-in vectors.

    Raises:
        UsageError: they are damaged.
    """
    data = _builtin_bytes()
    magic, version, count, dimension, scale = _HEADER.unpack_from(data)
    if (magic, version) != (b"PRWV", 1):
        raise UsageError("the built-in word vectors are damaged; install the program again")
    body = zstandard.ZstdDecompressor().decompress(data[_HEADER.size :])
    text, _, _ = body.partition(b"\0")
    quantised = np.frombuffer(body, np.int8, count * dimension, len(text) + 1)
    words = text.decode().split("\n")
    return WordTable(
        {word: row for row, word in enumerate(words)},
        quantised.reshape(count, dimension).astype(np.float32) * np.float32(scale),
    )


def keyed_vectors(table: WordTable) -> KeyedVectors:
    """Return gensim's view of a table; nothing is copied."""
    from gensim.models import KeyedVectors

    vectors = KeyedVectors(table.vectors.shape[1], count=0)
    vectors.key_to_index = dict(table.index)
    vectors.index_to_key = list(table.index)
    vectors.vectors = table.vectors
    return vectors


def load_file(path: Path, cache: Path | None) -> KeyedVectors:
    """Load a file in word2vec (text or binary), GloVe, fastText or KeyedVectors form.

    Args:
        path: the file.
        cache: a folder where a copy in gensim's form is kept and mapped from; None keeps none.

    Raises:
        UsageError: the file holds no word vectors.
    """
    from gensim.models import KeyedVectors

    start = _start(path)
    if start[:1] == b"\x80":  # a pickle's first byte: gensim's own form, mapped as it lies
        return _checked(path, _load_saved(path))
    if cache is None:
        return _checked(path, _parse(path, start))
    kept = cache / f"words-{hashlib.sha256(identity(str(path)).encode()).hexdigest()[:16]}"
    if kept.is_dir():
        try:
            return _checked(path, KeyedVectors.load(str(kept / _COPY), mmap="r"))
        except Exception as error:  # whatever is wrong with the copy, the file is there
            log.warning("%s cannot be used: %s; reading %s again", kept, error, path)
            shutil.rmtree(kept, ignore_errors=True)
    vectors = _checked(path, _parse(path, start))
    try:
        _keep(vectors, kept)
        return _checked(path, KeyedVectors.load(str(kept / _COPY), mmap="r"))
    except OSError as error:
        log.warning("%s: the word vectors cannot be kept here: %s", kept, error.strerror)
        return vectors


def _keep(vectors: KeyedVectors, kept: Path) -> None:
    """Write a copy that appears whole or not at all, and remove those of other files."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix="new-words-", dir=kept.parent))
    try:
        vectors.save(str(new / _COPY), sep_limit=0)
        for old in kept.parent.glob("words-*"):
            shutil.rmtree(old, ignore_errors=True)
        new.replace(kept)
    except OSError:
        shutil.rmtree(new, ignore_errors=True)
        raise


def _parse(path: Path, start: bytes) -> KeyedVectors:
    from gensim.models import KeyedVectors

    first_line = start.partition(b"\n")[0].split()
    try:
        if len(start) >= 4 and struct.unpack_from("<i", start)[0] == _FASTTEXT:
            from gensim.models.fasttext import load_facebook_vectors

            return load_facebook_vectors(str(path))
        header = len(first_line) == 2 and all(part.isdigit() for part in first_line)
        return KeyedVectors.load_word2vec_format(
            str(path),
            binary=header and _is_binary(path),
            no_header=not header,
            unicode_errors="replace",
        )
    except Exception as error:  # gensim's readers raise whatever a strange file leads to
        raise _unreadable(path, error) from error


def _load_saved(path: Path) -> KeyedVectors:
    from gensim.models import KeyedVectors

    try:
        loaded = KeyedVectors.load(str(path), mmap="r")
        return loaded if isinstance(loaded, KeyedVectors) else loaded.wv
    except Exception as error:
        raise _unreadable(path, error) from error


def _checked(path: Path, vectors: KeyedVectors) -> KeyedVectors:
    if len(vectors) == 0 or vectors.vector_size < 2:
        raise UsageError(f"{path}: the file in `meaning.vectors` holds no word vectors")
    return vectors


def _unreadable(path: Path, error: Exception) -> UsageError:
    return UsageError(
        f"{path}: the file in `meaning.vectors` holds no word vectors that can be read: {error}"
    )


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.readline(1 << 16)
    except OSError as error:
        raise _unreadable(path, error) from error


def _is_binary(path: Path) -> bool:
    """Return whether numbers follow the first word as bytes rather than as text."""
    with path.open("rb") as file:
        file.readline()
        sample = file.read(4096)
    return b"\n" not in sample or not re.match(rb"\S+( -?\d[\d.eE+-]*)+", sample.split(b"\n")[0])


def _builtin_bytes() -> bytes:
    folder: Any = importlib.resources.files("picturerail_daemon.meaning")
    data: bytes = (folder / "data" / "words.bin").read_bytes()
    return data
