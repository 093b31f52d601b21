"""The codes of vectors (`similar`): of a few in plain Python, of many with NumPy."""

from __future__ import annotations

from collections.abc import Sequence

from picturerail_exporter.similar import code_of

_FEW = 8
"""Vectors that are brought to codes sooner than NumPy is loaded."""


def codes_of(vectors: Sequence[bytes]) -> list[bytes]:
    """Return the codes of vectors of one space.

    Args:
        vectors: little-endian float16 numbers, all of one length.

    Returns:
        256 signed bytes each; b"" for a vector that has no direction.
    """
    if len(vectors) <= _FEW:
        return [code_of(vector) for vector in vectors]
    from picturerail_exporter import similar_many

    return similar_many.codes_of(vectors)
