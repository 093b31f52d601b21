"""Which pictures look alike, out of the vectors that a model gave them: the arithmetic.

A picture's vector is brought to a *code* of 256 small whole numbers, by a projection on random
signs (Achlioptas, "Database-friendly random projections", 2003), and similarity is the inner
product of codes. All sums are of whole numbers, or of binary fractions with few enough digits, so
they are exact in any order and on any machine: an incremental site equals a full one.

Not all pairs are compared. The signs of a code's first 128 numbers are four keys of 32 bits; each
key hangs a picture in a trie, whose leaves hold at most `LEAF` pictures, and those in one leaf of
any of the four tries are compared (locality-sensitive hashing by random hyperplanes, Charikar
2002; as a forest: Bawa, Condie and Ganesan 2005). Which pictures share a leaf depends on the
pictures alone.

What is here is for a few pictures, and needs nothing that takes long to load; `similar_many` does
the same for many with NumPy, to the same numbers.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
import struct
from array import array
from collections.abc import Sequence

LEAF = 512
TRIES = 4
KEY_BITS = 32
CODE_BYTES = 256
LENGTH = 320
"""About how long a code is, as a vector."""
LEAST = int(0.4 * LENGTH * LENGTH)
"""What is less alike than this (a cosine of 0.4) is not called similar."""

TOP = 63
"""The greatest number in a code, and in what is projected to one."""

_BITS = bytes.maketrans(b"01", b"\0\1")
_RAISED = TOP + 1
_RAISE = bytes((number + _RAISED) % 256 for number in range(256))


def code_of(vector: bytes) -> bytes:
    """Return the code of a vector, as `similar_codes.codes_of` has it."""
    dimension = len(vector) // 2
    raw = struct.unpack(f"<{dimension}e", vector)
    if not all(map(math.isfinite, raw)):
        return b""
    mean = math.fsum(raw) / dimension
    away = [number - mean for number in raw]
    top = max(map(abs, away))
    if not top:
        return b""
    whole = [round(number / top * TOP) for number in away]
    total = sum(whole)
    signs = _sign_rows(dimension)
    # A sum of numbers with signs: twice that of those with a plus, less that of all.
    projected = [2 * sum(itertools.compress(whole, plus)) - total for plus in signs]
    length = math.sqrt(sum(number * number for number in projected))
    if not length:
        return b""
    return array(
        "b", (min(TOP, max(-TOP, round(number * LENGTH / length))) for number in projected)
    ).tobytes()


@functools.cache
def _sign_rows(dimension: int) -> list[bytes]:
    """Return 256 rows of `dimension` bytes: 1 where the sign is a plus, the same for ever."""
    stream = sign_bits(dimension)
    bits = bin(int.from_bytes(b"\1" + stream))[3:].encode().translate(_BITS)
    return [bits[at * dimension : (at + 1) * dimension] for at in range(CODE_BYTES)]


def sign_bits(dimension: int) -> bytes:
    """Return the signs to project on, one for each bit, row by row from the highest bit on."""
    size = CODE_BYTES * dimension // 8 + 1
    return hashlib.shake_128(b"picturerail similar 1").digest(size)


def keys_of(code: bytes) -> tuple[int, ...]:
    """Return a code's keys, one for each trie."""
    bits = "".join("1" if 0 < byte < 128 else "0" for byte in code[: TRIES * KEY_BITS])
    return tuple(int(bits[at : at + KEY_BITS], 2) for at in range(0, len(bits), KEY_BITS))


class Packed:
    """Codes that one code after another is compared with, packed into long numbers.

    The first numbers of all codes are the digits, of 32 bits, of one long number, so are the second
    ones, and so on (Kronecker substitution): as many products as a code is long compare it with all
    of them at once. All numbers are raised above zero for it.
    """

    def __init__(self, codes: Sequence[bytes]) -> None:
        """Pack codes."""
        self._count = len(codes)
        raised = b"".join(codes).translate(_RAISE)
        digits = bytearray(4 * self._count)
        self._columns: list[int] = []
        for at in range(CODE_BYTES):
            digits[::4] = raised[at::CODE_BYTES]
            self._columns.append(int.from_bytes(digits, "little"))
        self._sums = self._digits(sum(self._columns))

    def scores(self, code: bytes) -> Sequence[int]:
        """Return how alike a code is to each of them."""
        raised = code.translate(_RAISE)
        product = sum(a * b for a, b in zip(raised, self._columns, strict=True))
        less = _RAISED * sum(raised) - CODE_BYTES * _RAISED * _RAISED
        found = zip(self._digits(product), self._sums, strict=True)
        return [score - _RAISED * of - less for score, of in found]

    def _digits(self, number: int) -> Sequence[int]:
        return struct.unpack(f"<{self._count}I", number.to_bytes(4 * self._count, "little"))
