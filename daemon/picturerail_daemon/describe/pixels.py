"""Words that a picture's pixels and shape prove: format, black and white, night, a colour.

Only what can be trusted is said. Lightness and chroma are CIE L*a*b*, by littleCMS's
conversion from sRGB.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageCms

PANORAMA = 2.2
"""A picture so many times as wide as high, or as high as wide, is a panorama."""
GREY_CHROMA = 4.0
"""Chroma that paper and sensors give to a black-and-white picture."""
DARK_LIGHTNESS = 15.0
BRIGHT_LIGHTNESS = 55.0
COLOURED_CHROMA = 25.0
MOST_OF_IT = 0.45
"""The share of a picture that a colour must cover to be named."""
_HUES = {
    # degrees in the a*-b* plane, from and to; what lies between two names has none
    "red": (8, 48),
    "orange": (52, 72),
    "yellow": (80, 104),
    "green": (110, 175),
    "blue": (225, 295),
    "purple": (300, 335),
    "pink": (338, 366),
}

_TO_LAB = ImageCms.buildTransform(
    ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
)


def pixel_words(image: Image.Image) -> dict[str, float]:
    """Return words with their confidence for an upright sRGB picture."""
    words = dict(_format(*image.size))
    small = image.convert("RGB")
    small.thumbnail((160, 160))
    converted = ImageCms.applyTransform(small, _TO_LAB)
    if converted is None:
        return words
    lab = np.asarray(converted).astype(np.float32).reshape(-1, 3)
    # Pillow's LAB holds L* as 0..255, and a*, b* as signed bytes.
    lightness = lab[:, 0] * (100 / 255)
    a, b = (np.where(part > 127, part - 256, part) for part in (lab[:, 1], lab[:, 2]))
    chroma = np.hypot(a, b)
    varied = float(np.percentile(lightness, 95) - np.percentile(lightness, 5)) > 20
    if float(np.percentile(chroma, 98)) < GREY_CHROMA and varied:
        words |= {"black and white": 0.95, "monochrome": 0.95}
    dark = float(np.percentile(lightness, 60)) < DARK_LIGHTNESS
    if dark and float(np.percentile(lightness, 99.5)) > BRIGHT_LIGHTNESS:
        words["night"] = 0.6
    hue = np.degrees(np.arctan2(b, a)) % 360
    coloured = (chroma >= COLOURED_CHROMA) & (lightness > DARK_LIGHTNESS)
    for name, (low, high) in _HUES.items():
        share = float(np.mean(coloured & ((hue - low) % 360 <= high - low)))
        if share >= MOST_OF_IT:
            words[name] = round(0.6 * share, 4)
    return words


def _format(width: int, height: int) -> dict[str, float]:
    ratio = width / height
    if max(ratio, 1 / ratio) >= PANORAMA:
        return {"panorama": 0.9}
    if ratio > 1.05:
        return {"landscape format": 0.1}
    return {"portrait format": 0.1} if ratio < 0.95 else {"square format": 0.1}
