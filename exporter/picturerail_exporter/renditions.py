"""From one decoded picture to its renditions and its placeholder: pure functions of values."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from PIL import Image

from picturerail_exporter.colour import DISPLAY_P3
from picturerail_exporter.pixels import Picture
from picturerail_exporter.recipe import Recipe, scaled_to

_GAP = 2.0
"""At least so much of making a picture smaller is left to the filter; the rest is a plain mean."""


@dataclass(frozen=True, slots=True)
class Rendition:
    """An encoded picture of one size, as one of `FORMATS`.

    It carries no metadata but, where it is not sRGB, the profile of Display P3.
    """

    name: str
    width: int
    height: int
    data: bytes
    format: str = "webp"


def render(picture: Picture, recipe: Recipe) -> tuple[Rendition, ...]:
    """Return a picture's renditions in the recipe's order, the same bytes for the same values.

    A picture smaller than a rendition's box keeps its size.
    """
    renditions = []
    image = picture.image
    profile = DISPLAY_P3 if picture.space == "p3" else b""
    for size in recipe.sizes:
        wanted = size.of(picture.width, picture.height)
        if image.size != wanted:
            image = image.resize(wanted, Image.Resampling.LANCZOS, reducing_gap=_GAP)
        for name in recipe.formats:
            data = _ENCODERS[name](image, size.quality, size.effort, profile)
            renditions.append(Rendition(size.name, *wanted, data, name))
    return tuple(renditions)


def placeholder(picture: Picture) -> str:
    """Return a picture of a few pixels as a `data:` address of at most 200 characters.

    It stands where the picture will be until that has arrived, so it is opaque: what shows
    through is taken as a middle grey.
    """
    image = picture.image
    if image.mode == "RGBA":
        backdrop = Image.new("RGBA", image.size, (128, 128, 128, 255))
        image = Image.alpha_composite(backdrop, image).convert("RGB")
    for longest in (6, 4):
        tiny = image.resize(
            scaled_to(picture.width, picture.height, longest, longest),
            Image.Resampling.BOX,
        )
        address = "data:image/webp;base64," + base64.b64encode(_webp(tiny, 30, 6, b"")).decode()
        if len(address) <= 200:
            return address
    raise AssertionError("16 pixels of WebP take more than 130 bytes")


def mean_colour(address: str) -> str:
    """Return the mean colour of a placeholder, "#rrggbb"; "" where there is none."""
    if not address:
        return ""
    data = base64.b64decode(address.partition(",")[2])
    with Image.open(io.BytesIO(data), formats=("WEBP",)) as tiny:
        pixels = tiny.convert("RGB").tobytes()
    return "#" + "".join(
        f"{round(sum(pixels[part::3]) * 3 / len(pixels)):02x}" for part in range(3)
    )


def _webp(image: Image.Image, quality: int, effort: int, profile: bytes) -> bytes:
    return _saved(image, "WEBP", profile, quality=quality, method=effort)


def _avif(image: Image.Image, quality: int, effort: int, profile: bytes) -> bytes:
    del effort
    # AVIF's scale is another one: by SSIM these are about equal, at two thirds of the bytes. One
    # thread, so that the bytes do not depend on the machine.
    return _saved(image, "AVIF", profile, quality=quality - 18, speed=8, max_threads=1)


def _jpeg(image: Image.Image, quality: int, effort: int, profile: bytes) -> bytes:
    del effort
    if image.mode == "RGBA":
        backdrop = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(backdrop, image).convert("RGB")
    return _saved(image, "JPEG", profile, quality=quality + 2, progressive=True, optimize=True)


def _saved(image: Image.Image, kind: str, profile: bytes, **how: object) -> bytes:
    buffer = io.BytesIO()
    # Pillow writes the profile, comment and EXIF it finds in `info` unless told otherwise.
    image.save(buffer, kind, icc_profile=profile, exif=b"", xmp=b"", comment=b"", **how)
    return buffer.getvalue()


_ENCODERS = {"webp": _webp, "avif": _avif, "jpeg": _jpeg}
