"""The compressed twins of text files, for hosts that send those: `index.html.gz`, `.zst`."""

from __future__ import annotations

import functools
import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from picturerail_exporter.plan import File, Gone, Written

KINDS = {"gz": "gzip", "zst": "zstd"}
"""What twins end with, and what HTTP calls them."""

_SUFFIXES = (".html", ".css", ".js", ".json", ".xml", ".svg", ".txt", ".webmanifest")


def with_twins(files: Iterable[File], kinds: Sequence[str]) -> Iterator[File]:
    """Yield files, each text followed by its twins: so both always tell of the same state."""
    for file in files:
        if not kinds or not file.path.endswith(_SUFFIXES):
            yield file
        elif isinstance(file, Written):
            made = _Once(file.make)
            yield Written(file.path, made.first)
            for at, kind in enumerate(kinds, 1):
                last = at == len(kinds)
                make = functools.partial(_twin, made, kind, last=last)
                yield Written(f"{file.path}.{kind}", make)
        else:
            yield file
            if isinstance(file, Gone):
                yield from (Gone(f"{file.path}.{kind}") for kind in kinds)


def unpacked(path: str, data: bytes) -> bytes:
    """Return the text that a twin of this path holds.

    Raises:
        ValueError: it is not compressed as its name says.
    """
    import zstandard

    try:
        if path.endswith(".gz"):
            return gzip.decompress(data)
        return zstandard.ZstdDecompressor().decompress(data)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise ValueError(str(error)) from error


class _Once:
    """Makes a file's bytes once for itself and its twins, and holds them no longer."""

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make = make
        self._held: bytes | None = None

    def first(self) -> bytes:
        self._held = self._make()
        return self._held

    def again(self, *, last: bool) -> bytes:
        data = self._make() if self._held is None else self._held
        self._held = None if last else data
        return data


def _twin(made: _Once, kind: str, *, last: bool) -> bytes:
    data = made.again(last=last)
    if kind == "gz":
        return gzip.compress(data, 9, mtime=0)
    import zstandard  # only where it is asked for

    return zstandard.ZstdCompressor(level=15).compress(data)
