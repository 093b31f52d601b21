"""Cutting the browser's index into files that change only where their content does.

Files are named by their content, so a host may cache them for ever, and old and new ones
never mix: the one file with a fixed name, written last, names all others.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

LEAST, MOST = 16_000, 64_000
"""Bytes of JSON in a file: it is cut at the first fit place after the one, or at the other."""

_encoder = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True)
class Shard:
    """A file of the index: the first key in it, its name, its bytes."""

    first: Any
    name: str
    data: bytes


def encode(value: object) -> bytes:
    """Return compact JSON, the same bytes for the same value."""
    return _encoder.encode(value)


def shard(first: Any, data: bytes) -> Shard:
    """Name a file by its content."""
    digest = hashlib.blake2b(data, digest_size=10).hexdigest()
    return Shard(first, f"{digest}.json", data)


def browser_order(key: str) -> bytes:
    """Return what sorts keys as a browser compares them: by their UTF-16 units."""
    return key.encode("utf-16-be", "surrogatepass")


def cut(entries: Iterable[tuple[str, object]]) -> list[Shard]:
    """Cut sorted (key, entry) pairs into files, each a JSON array of `[key, entry]`.

    A place is fit for a cut where the next key's own checksum says so (one in eight), so
    after an insertion the old cuts soon come again and the other files stay as they are:
    content-defined chunking (Muthitacharoen and others, SOSP 2001, section 3.1), over keys
    in place of bytes.
    """
    shards = []
    lines: list[bytes] = []
    first, size = "", 0
    for key, entry in entries:
        line = encode([key, entry])
        fit = size >= LEAST and zlib.crc32(key.encode("utf-8", "surrogatepass")) % 8 == 0
        if lines and (fit or size + len(line) > MOST):
            shards.append(shard(first, _array(lines)))
            lines, size = [], 0
        if not lines:
            first = key
        lines.append(line)
        size += len(line)
    if lines:
        shards.append(shard(first, _array(lines)))
    return shards


def blocks(entries: Iterable[tuple[int, object]], per_block: int) -> Iterator[Shard]:
    """Cut (id, entry) pairs, in id order, into files that hold `per_block` ids' numbers each."""
    held: list[bytes] = []
    block = -1
    for number, entry in entries:
        if number // per_block != block:
            if held:
                yield shard(block, _array(held))
            held, block = [], number // per_block
        held.append(encode([number, entry]))
    if held:
        yield shard(block, _array(held))


def _array(lines: list[bytes]) -> bytes:
    return b"[" + b",\n".join(lines) + b"]\n"
