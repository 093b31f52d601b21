"""Decoding a JPEG smaller than it is, in a fraction of the time, without false patterns.

libjpeg can leave out what a half, a quarter or an eighth of the size cannot show. That costs
little, but it is a mean of pixels side by side: stripes of two to four pixels come out as stripes
that are not there (aliasing). So colour is decoded so, of which the eye sees no fine detail and
most files hold a half only; brightness is decoded at twice the wanted size at least, and made
smaller by a filter that is as wide as it has to be. Twice is what libvips leaves its own filter,
too.
"""

from __future__ import annotations

from typing import BinaryIO

from PIL import Image, ImageFile

_FINE = Image.Resampling.BICUBIC
"""With the widest support that costs no more than the decoding."""


def load_scaled(image: ImageFile.ImageFile, file: BinaryIO, wanted: tuple[int, int]) -> Image.Image:
    """Decode a JPEG that was opened and not read yet, at the wanted size or at some larger one.

    Args:
        image: it, as Pillow opened it.
        file: what it was opened from.
        wanted: the size in pixels, of the same proportions.
    """
    width, height = image.size
    room = min(width // wanted[0], height // wanted[1])
    twice = 2 * wanted[0], 2 * wanted[1]
    if room < 2 or not _is_ycc(image):
        image.draft(None, twice)
        image.load()
        return image
    file.seek(0)
    with Image.open(file, formats=("JPEG",)) as again:
        again.draft("L", twice)
        luma = again.resize(wanted, _FINE)
    image.draft("YCbCr", wanted)
    image.load()
    colours = image.split()[1:]
    if image.size != wanted:
        colours = tuple(plane.resize(wanted, _FINE) for plane in colours)
    return Image.merge("YCbCr", (luma, *colours)).convert("RGB")


def _is_ycc(image: ImageFile.ImageFile) -> bool:
    """Tell whether libjpeg takes a file for brightness and colours, by the same marks."""
    if image.mode != "RGB":
        return False
    if "jfif" in image.info:
        return True
    if "adobe" in image.info:
        return image.info.get("adobe_transform") == 1
    return [layer[0] for layer in getattr(image, "layer", ())] != list(b"RGB")
