"""Colours of any file as those of a screen: 8 bits a channel, in sRGB or Display P3."""

from __future__ import annotations

import functools
import io

from PIL import Image, ImageCms


def display_p3() -> bytes:
    """Return an ICC profile (version 4.3) of Display P3, of some 500 bytes.

    P3's primaries (SMPTE EG 432-1) with D65 white and sRGB's curve (IEC 61966-2-1), adapted to
    D50 by Bradford's matrix, as ICC.1:2010 asks.
    """

    def numbers(*values: float) -> bytes:
        return b"".join(round(value * 65536).to_bytes(4, "big", signed=True) for value in values)

    def text(words: str) -> bytes:
        body = words.encode("utf-16-be")
        head = b"mluc" + bytes(4) + (1).to_bytes(4, "big") + (12).to_bytes(4, "big")
        return head + b"enUS" + len(body).to_bytes(4, "big") + (28).to_bytes(4, "big") + body

    curve = b"para" + bytes(4) + (3).to_bytes(2, "big") + bytes(2)
    curve += numbers(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    adapted = (1.04788, 0.02292, -0.05022, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168)
    tags = {
        b"desc": text("Display P3"),
        b"cprt": text("CC0"),
        b"wtpt": b"XYZ " + bytes(4) + numbers(0.9642, 1.0, 0.82491),
        b"chad": b"sf32" + bytes(4) + numbers(*adapted),
        b"rXYZ": b"XYZ " + bytes(4) + numbers(0.51512, 0.24120, -0.00105),
        b"gXYZ": b"XYZ " + bytes(4) + numbers(0.29198, 0.69225, 0.04189),
        b"bXYZ": b"XYZ " + bytes(4) + numbers(0.15710, 0.06657, 0.78407),
        b"rTRC": curve,
    }
    table, body, start = b"", b"", 132 + 12 * (len(tags) + 2)
    for name, value in tags.items():
        entry = (start + len(body)).to_bytes(4, "big") + len(value).to_bytes(4, "big")
        table += name + entry
        if name == b"rTRC":  # one curve for all three
            table += b"gTRC" + entry + b"bTRC" + entry
        body += value + bytes(-len(value) % 4)
    count = (len(tags) + 2).to_bytes(4, "big")
    head = (start + len(body)).to_bytes(4, "big") + bytes(4) + b"\x04\x30\0\0mntrRGB XYZ "
    head += bytes(12) + b"acsp" + bytes(28) + numbers(0.9642, 1.0, 0.82491)
    return head + bytes(128 - len(head)) + count + table + body


DISPLAY_P3 = display_p3()
_SRGB = ImageCms.createProfile("sRGB")
_DISPLAY_P3 = ImageCms.ImageCmsProfile(io.BytesIO(DISPLAY_P3))
_SRGB_TRIANGLE = 0.1121
"""The area of sRGB between its primaries' chromaticities, CIE 1931 xy."""


@functools.lru_cache(maxsize=32)
def is_wide(profile: bytes) -> bool:
    """Tell whether a profile is of an RGB space that holds clearly more colours than sRGB."""
    if not profile:
        return False
    try:
        about = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
        primaries = about.red_primary, about.green_primary, about.blue_primary
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return False
    points = [primary[1][:2] for primary in primaries if primary]
    if about.xcolor_space.strip().upper() != "RGB" or len(points) != 3:
        return False
    (ax, ay), (bx, by), (cx, cy) = points
    area = abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)) / 2
    return area > 1.1 * _SRGB_TRIANGLE


def to_plain_rgb(
    image: Image.Image, profile: bytes, *, wide: bool = False
) -> tuple[Image.Image, str]:
    """Return 8-bit RGB, or RGBA where a pixel is not opaque, and its colour space.

    Args:
        image: decoded pixels of any mode.
        profile: the file's ICC profile; b"" for none.
        wide: whether to keep a space that is wider than sRGB, as Display P3.

    Returns:
        The picture, and "srgb" or "p3".
    """
    space = "p3" if wide and is_wide(profile) else "srgb"
    image = _to_plain_channels(_to_eight_bits(image))
    alpha = image.getchannel("A") if image.mode == "LA" else None
    if alpha is not None:
        image = image.convert("L")
    transform = _transform(profile, image.mode, space)
    if transform is not None:
        image = ImageCms.applyTransform(image, transform) or image
    if image.mode not in {"RGB", "RGBA"}:
        # CMYK without a profile takes Pillow's plain inversion: nobody knows the inks.
        image = image.convert("RGB")
    if alpha is not None:
        image.putalpha(alpha)
    if image.mode == "RGBA" and image.getchannel("A").getextrema()[0] == 255:
        image = image.convert("RGB")
    return image, space


def _to_plain_channels(image: Image.Image) -> Image.Image:
    """Resolve palettes, bits, and single colours that are named as transparent."""
    see_through = image.has_transparency_data
    if image.mode in {"1", "L", "LA", "La"}:
        return image.convert("LA" if see_through else "L")
    if image.mode in {"P", "PA", "RGB", "RGBA", "RGBa", "RGBX"}:
        return image.convert("RGBA" if see_through else "RGB")
    return image


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Bring 16-bit, 32-bit and floating-point greys down; Pillow would clip them to white."""
    if image.mode not in {"I", "F"} and not image.mode.startswith("I;16"):
        return image
    import numpy as np

    values = np.nan_to_num(np.asarray(image).astype(np.float32))
    top = float(values.max(initial=0))
    # Integers are 16-bit samples unless they are larger; floats are 0..1 unless they are larger.
    white = max(1.0, top) if image.mode == "F" else max(65535.0, top)
    return Image.fromarray((values.clip(0, white) * (255 / white) + 0.5).astype(np.uint8))


_MODES_OF_SPACE = {"RGB": {"RGB", "RGBA"}, "GRAY": {"L"}, "CMYK": {"CMYK"}, "LAB": {"LAB"}}


@functools.lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str, space: str) -> ImageCms.ImageCmsTransform | None:
    """Return the way from a profile to a space; None where there is none or nothing to do.

    A profile that cannot be read, or is for other channels than the picture has, is
    ignored, as browsers do.
    """
    if not profile and mode != "LAB":
        return None
    try:
        source = (
            ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if profile
            else ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        )
        channels = source.profile.xcolor_space.strip().upper()
        if mode not in _MODES_OF_SPACE.get(channels, set()):
            return None
        transform = ImageCms.buildTransform(
            source,
            _DISPLAY_P3 if space == "p3" else _SRGB,
            mode,
            "RGBA" if mode == "RGBA" else "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return None if _changes_nothing(transform, mode) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Tell whether a transform is sRGB to sRGB, as most are; it then need not be applied."""
    if mode not in {"RGB", "RGBA"}:
        return False
    steps = range(0, 256, 51)
    cube = bytes(
        v for r in steps for g in steps for b in steps for v in (r, g, b, 255)[: len(mode)]
    )
    sample = Image.frombytes(mode, (36, 6), cube)
    result = ImageCms.applyTransform(sample, transform)
    assert result is not None
    return all(abs(a - b) <= 2 for a, b in zip(result.tobytes(), cube, strict=True))
