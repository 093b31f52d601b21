"""Which pictures look alike, out of the vectors that a model gave them: the arithmetic.

A picture's vector is brought to a *code* of 256 small whole numbers, by a projection on random
signs (Achlioptas, "Database-friendly random projections", 2003), and similarity is the inner
product of codes. All sums are of whole numbers that fit into a float's mantissa, so they are exact
in any order and on any machine: an incremental site equals a full one.

Not all pairs are compared. The signs of a code's first 128 numbers are four keys of 32 bits; each
key hangs a picture in a trie, whose leaves hold at most `LEAF` pictures, and those in one leaf of
any of the four tries are compared (locality-sensitive hashing by random hyperplanes, Charikar
2002; as a forest: Bawa, Condie and Ganesan 2005). Which pictures share a leaf depends on the
pictures alone.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Codes = npt.NDArray[np.int8]
    Numbers = npt.NDArray[np.int8] | npt.NDArray[np.float32]
    Whole = npt.NDArray[np.int64]

LEAF = 512
TRIES = 4
KEY_BITS = 32
CODE_BYTES = 256
_LENGTH = 320
LEAST = int(0.4 * _LENGTH * _LENGTH)
"""What is less alike than this (a cosine of 0.4) is not called similar."""


def codes_of(vectors: Sequence[bytes]) -> list[bytes]:
    """Return the codes of vectors of one space.

    Args:
        vectors: little-endian float16 numbers, all of one length.

    Returns:
        256 signed bytes each; b"" for a vector that has no direction.
    """
    import numpy as np

    if not vectors:
        return []
    raw = np.frombuffer(b"".join(vectors), "<f2").reshape(len(vectors), -1).astype(np.float64)
    raw = np.nan_to_num(raw)
    raw -= raw.mean(axis=1, keepdims=True)
    top = np.abs(raw).max(axis=1, keepdims=True)
    whole = np.rint(raw / np.where(top > 0, top, 1) * 63).astype(np.float32)
    projected = (whole @ _signs(raw.shape[1]).T).astype(np.float64)
    length = np.sqrt((projected**2).sum(axis=1, keepdims=True))
    codes = np.rint(projected * _LENGTH / np.where(length > 0, length, 1)).clip(-63, 63)
    return [
        code.tobytes() if has else b""
        for code, has in zip(codes.astype(np.int8), length[:, 0] > 0, strict=True)
    ]


@functools.cache
def _signs(dimension: int) -> npt.NDArray[np.float32]:
    """Return 256 x dimension numbers, each -1 or 1, the same for ever."""
    import numpy as np

    stream = hashlib.shake_128(b"picturerail similar 1").digest(CODE_BYTES * dimension // 8 + 1)
    bits = np.unpackbits(np.frombuffer(stream, np.uint8))[: CODE_BYTES * dimension]
    return (bits.reshape(CODE_BYTES, dimension).astype(np.float32) * 2) - 1


def keys_of(code: bytes) -> tuple[int, ...]:
    """Return a code's keys, one for each trie."""
    import numpy as np

    bits = np.packbits(np.frombuffer(code, np.int8)[: TRIES * KEY_BITS] > 0).tobytes()
    size = KEY_BITS // 8
    return tuple(int.from_bytes(bits[at : at + size], "big") for at in range(0, len(bits), size))


def scores(some: Numbers, others: Numbers) -> Whole:
    """Return how alike each of some is to each of others."""
    import numpy as np

    single = some.astype(np.float32, copy=False), others.astype(np.float32, copy=False)
    return (single[0] @ single[1].T).astype(np.int64)


def ranked(score: Whole, number: Whole, comparable: npt.NDArray[np.bool_]) -> Whole:
    """Return what sorts by similarity, and where that is equal the lower number first.

    Args:
        score: of shape (pictures, others).
        number: of each other, below 2**31, in the order of ids.
        comparable: where they are not one picture, or copies of one.
    """
    import numpy as np

    rank = (score << 31) | (2**31 - 1 - number[None])
    return np.where(comparable & (score >= LEAST), rank, -1)


def all_lists(codes: Codes, contents: Whole, most: int) -> tuple[Whole, Whole]:
    """Return for every picture the most similar ones, as (numbers, scores) of shape (n, most).

    Args:
        codes: in the order of the pictures' ids.
        contents: what is equal for copies of one picture alone.
        most: how many are wanted. Where there are fewer, the number -1 stands.
    """
    import numpy as np

    count = len(codes)
    best = np.full((count, most), -1, np.int64)
    bits = np.packbits(codes[:, : TRIES * KEY_BITS] > 0, axis=1)
    keys = bits.view(">u4").astype(np.int64)
    for trie in range(TRIES):
        order = np.argsort(keys[:, trie], kind="stable")
        for first, end in _leaves(keys[order, trie]):
            members = np.sort(order[first:end])
            for at in range(0, len(members), LEAF):
                rows = members[at : at + LEAF]
                apart = contents[rows][:, None] != contents[members][None]
                rank = ranked(scores(codes[rows], codes[members]), members, apart)
                best[rows] = _merged(best[rows], rank, most)
    numbers = np.where(best >= 0, 2**31 - 1 - (best & (2**31 - 1)), -1)
    return numbers, np.where(best >= 0, best >> 31, -1)


def _merged(best: Whole, more: Whole, most: int) -> Whole:
    """Return the greatest of both, each once."""
    import numpy as np

    if more.shape[1] > most:
        more = np.partition(more, -most, axis=1)[:, -most:]
    both = -np.sort(-np.concatenate([best, more], axis=1), axis=1)
    both[:, 1:][both[:, 1:] == both[:, :-1]] = -1
    return -np.sort(-both, axis=1)[:, :most]


def _leaves(keys: Whole) -> Iterator[tuple[int, int]]:
    """Yield the leaves of sorted keys, as ranges of them."""
    import numpy as np

    ahead = [(0, len(keys), 0, 0)]
    while ahead:
        first, end, prefix, depth = ahead.pop()
        if end - first <= LEAF or depth == KEY_BITS:
            if end - first > 1:
                yield first, end
            continue
        middle_key = prefix | 1 << (KEY_BITS - 1 - depth)
        middle = first + int(np.searchsorted(keys[first:end], middle_key))
        ahead += [(first, middle, prefix, depth + 1), (middle, end, middle_key, depth + 1)]
