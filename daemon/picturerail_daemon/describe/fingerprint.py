"""A picture's perceptual hash: pictures that look alike differ in few of its 64 bits.

The picture is made 32 by 32 grey values; of its discrete cosine transform the 8 by 8 lowest
frequencies are kept, and each gives a bit, whether it lies above their median (Zauner,
"Implementation and benchmarking of perceptual image hash functions", 2010). Other sizes, formats
and qualities of one photograph differ in about 0 to 6 bits, different ones in about 32.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

_SIDE, _KEPT = 32, 8


def _cosines() -> npt.NDArray[np.float64]:
    frequency, place = np.arange(_KEPT)[:, None], np.arange(_SIDE)[None, :]
    cosines: npt.NDArray[np.float64] = np.cos(np.pi * frequency * (2 * place + 1) / (2 * _SIDE))
    return cosines


_COSINES = _cosines()


def fingerprint(image: Image.Image) -> str:
    """Return the hash as 16 hexadecimal digits."""
    grey = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    low = _COSINES @ np.asarray(grey, np.float64) @ _COSINES.T
    # A grey without any structure gives noise of rounding; it has no bits of its own.
    flat = np.where(np.abs(low) < 1e-6 * _SIDE * _SIDE, 0.0, low).ravel()
    bits = flat > np.median(flat[1:])  # the first is the mean brightness
    return np.packbits(bits).tobytes().hex()
