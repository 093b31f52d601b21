"""What `similar` does for a few pictures, for many at once, with NumPy: to the same numbers."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from picturerail_exporter.similar import (
    CODE_BYTES,
    KEY_BITS,
    LEAF,
    LEAST,
    LENGTH,
    TOP,
    TRIES,
    sign_bits,
)

Codes = npt.NDArray[np.int8]
Numbers = npt.NDArray[np.int8] | npt.NDArray[np.float32]
Whole = npt.NDArray[np.int64]


def codes_of(vectors: Sequence[bytes]) -> list[bytes]:
    """Return the codes of vectors, as `similar_codes.codes_of` does."""
    raw = np.frombuffer(b"".join(vectors), "<f2").reshape(len(vectors), -1).astype(np.float64)
    finite = np.isfinite(raw).all(axis=1)
    raw[~finite] = 0
    raw -= raw.mean(axis=1, keepdims=True)
    top = np.abs(raw).max(axis=1, keepdims=True)
    whole = np.rint(raw / np.where(top > 0, top, 1) * TOP).astype(np.float32)
    projected = (whole @ _signs(raw.shape[1]).T).astype(np.float64)
    length = np.sqrt((projected**2).sum(axis=1, keepdims=True))
    codes = np.rint(projected * LENGTH / np.where(length > 0, length, 1)).clip(-TOP, TOP)
    return [
        code.tobytes() if has else b""
        for code, has in zip(codes.astype(np.int8), length[:, 0] > 0, strict=True)
    ]


@functools.cache
def _signs(dimension: int) -> npt.NDArray[np.float32]:
    """Return 256 x dimension numbers, each -1 or 1."""
    bits = np.unpackbits(np.frombuffer(sign_bits(dimension), np.uint8))[: CODE_BYTES * dimension]
    return (bits.reshape(CODE_BYTES, dimension).astype(np.float32) * 2) - 1


class Rows:
    """Codes that one code after another is compared with; as `similar.Packed`."""

    def __init__(self, codes: Sequence[bytes]) -> None:
        """Take codes."""
        data = np.frombuffer(b"".join(codes), np.int8)
        self._codes = data.reshape(len(codes), CODE_BYTES).astype(np.float32)

    def scores(self, code: bytes) -> Sequence[int]:
        """Return how alike a code is to each of them."""
        mine = np.frombuffer(code, np.int8)[None]
        found: list[int] = _scores(mine, self._codes)[0].tolist()
        return found


def _scores(some: Numbers, others: Numbers) -> Whole:
    """Return how alike each of some is to each of others."""
    single = some.astype(np.float32, copy=False), others.astype(np.float32, copy=False)
    return (single[0] @ single[1].T).astype(np.int64)


def _ranked(score: Whole, number: Whole, comparable: npt.NDArray[np.bool_]) -> Whole:
    """Return what sorts by similarity, and where that is equal the lower number first.

    Args:
        score: of shape (pictures, others).
        number: of each other, below 2**31, in the order of ids.
        comparable: where they are not one picture, or copies of one.
    """
    rank = (score << 31) | (2**31 - 1 - number[None])
    return np.where(comparable & (score >= LEAST), rank, -1)


def all_ranks(codes: Codes, contents: Whole, most: int) -> Whole:
    """Return for every picture the most similar ones, in ranks of shape (n, most).

    Args:
        codes: in the order of the pictures' ids.
        contents: what is equal for copies of one picture alone.
        most: how many are wanted. Where there are fewer, -1 stands.
    """
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
                rank = _ranked(_scores(codes[rows], codes[members]), members, apart)
                best[rows] = _merged(best[rows], rank, most)
    return best


def unranked(ranks: Whole) -> Iterator[tuple[Whole, Whole]]:
    """Yield for each row of ranks the numbers of the pictures, and how similar they are."""
    for row in ranks:
        held = row[row >= 0]
        yield 2**31 - 1 - (held & (2**31 - 1)), held >> 31


def _merged(best: Whole, more: Whole, most: int) -> Whole:
    """Return the greatest of both, each once."""
    if more.shape[1] > most:
        more = np.partition(more, -most, axis=1)[:, -most:]
    both = -np.sort(-np.concatenate([best, more], axis=1), axis=1)
    both[:, 1:][both[:, 1:] == both[:, :-1]] = -1
    return -np.sort(-both, axis=1)[:, :most]


def _leaves(keys: Whole) -> Iterator[tuple[int, int]]:
    """Yield the leaves of sorted keys, as ranges of them."""
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
