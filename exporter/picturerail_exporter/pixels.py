"""The one decode of a picture: upright sRGB pixels and the embedded metadata, in one reading.

Everything that needs a picture's pixels or its EXIF, XMP and IPTC takes the `Picture` made
here, so a file is opened and decoded once. Colours are converted to sRGB on the way: a
browser that gets no profile takes them for that.
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

import pillow_heif
from PIL import ExifTags, Image, ImageCms, ImageFile, IptcImagePlugin, UnidentifiedImageError

from picturerail_native.database import DatabaseError

DEFAULT_MAX_PIXELS = 300_000_000
"""Beyond the largest cameras' and most stitched panoramas' pictures, and still 1 GB of pixels."""

pillow_heif.register_heif_opener(thumbnails=False)
# Pillow's own guard is one number for the whole process, and only warns up to twice of it.
# `decode` compares the header's size with its caller's limit instead, before any pixel.
Image.MAX_IMAGE_PIXELS = None

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "HEIF", "AVIF")
_MIMES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # a JPEG with further frames behind it; browsers and tools say JPEG
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
    "DIB": "image/bmp",
    "HEIF": "image/heic",
    "AVIF": "image/avif",
}
_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"BM", "BMP"),
    (b"RIFF", "WebP"),
)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_EXIF_MARK = b"Exif\0\0"

Iptc = Mapping[tuple[int, int], bytes | list[bytes]]


class UndecodableError(Exception):
    """A file holds no picture that can be shown; `reason` says why in people's words."""

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    `image` is upright sRGB, RGB or (only where something shows through) RGBA. It may be
    smaller than the picture when `decode` was told what is needed; `width` and `height` are
    those of the picture as shown, always. `orientation` is the EXIF value as stored. `exif`
    is a TIFF stream, `xmp` an XML document, both empty where there is none. `icc` tells
    whether the file brought a colour profile.
    """

    mime: str
    orientation: int
    image: Image.Image
    width: int
    height: int
    exif: bytes = b""
    xmp: bytes = b""
    iptc: Iptc = field(default_factory=dict)
    icc: bool = False


def decode(
    file: BinaryIO, *, max_pixels: int = DEFAULT_MAX_PIXELS, largest: int | None = None
) -> Picture:
    """Decode the first frame of a JPEG, PNG, WebP, GIF, TIFF, BMP, HEIC or AVIF file.

    Args:
        file: seekable, at its start; it is not closed.
        max_pixels: a picture whose header announces more is refused unread.
        largest: the longer side, in pixels, of the largest rendition that is wanted. A JPEG
            is then decoded at a half, a quarter or an eighth of its size where that suffices,
            which costs a fraction.

    Raises:
        UndecodableError: it is no picture, a damaged one, or too large.
        OSError: the file could not be read (its `errno` says why).
    """
    try:
        return _decode(file, max_pixels, largest)
    except (UndecodableError, DatabaseError):
        raise
    except UnidentifiedImageError:
        raise UndecodableError(_what_is_it(file)) from None
    except MemoryError:
        raise UndecodableError("too large for this machine's memory") from None
    except Exception as error:  # a codec's complaint may be of any kind
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UndecodableError(_reason(error)) from error


def _decode(file: BinaryIO, max_pixels: int, largest: int | None) -> Picture:
    image = Image.open(file, formats=_FORMATS)
    width, height = image.size
    if width * height > max_pixels:
        raise UndecodableError(
            f"too large: {width} x {height} pixels, more than the limit of {max_pixels}"
        )
    kind = image.format or ""
    # Pillow turns a TIFF when it loads it and drops the tag, and gives its size as turned.
    exif = _exif(image)
    turn = _orientation(exif.get(ExifTags.Base.Orientation))
    original = _orientation(image.info.get("original_orientation", turn))
    shown = (height, width) if turn >= 5 and kind != "TIFF" else (width, height)
    raw_exif, xmp, iptc = _exif_bytes(image, exif), _xmp_bytes(image), _iptc(image)
    profile = image.info.get("icc_profile") or b""

    if largest is not None and kind in {"JPEG", "MPO"}:
        # draft() never goes below what is asked for, on either side.
        image.draft(None, scaled_to(width, height, largest, largest))
    image.load()
    upright = image if kind == "TIFF" else _upright(image, turn)
    return Picture(
        mime=_MIMES[kind],
        orientation=original,
        image=_to_srgb(upright, profile),
        width=shown[0],
        height=shown[1],
        exif=raw_exif,
        xmp=xmp,
        iptc=iptc,
        icc=bool(profile),
    )


def scaled_to(width: int, height: int, max_width: int, max_height: int) -> tuple[int, int]:
    """Return the size of a picture made to fit into a box, never larger than it is.

    Where an exact half, quarter or eighth of the picture nearly fills the box (at least
    15/16 of it), that is taken: a JPEG decodes to it without any resampling, which is both
    faster and sharper. A 4000 x 3000 picture in a box of 2048 becomes 2000 x 1500.
    """
    scale = min(max_width / width, max_height / height)
    if scale >= 1:
        return width, height
    for divisor in (2, 4, 8):
        if scale * 15 / 16 <= 1 / divisor <= scale:
            return math.ceil(width / divisor), math.ceil(height / divisor)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _orientation(value: object) -> int:
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _exif(image: ImageFile.ImageFile) -> Image.Exif:
    try:
        return image.getexif()
    except Exception:  # broken metadata is no reason to refuse the pixels
        return Image.Exif()


def _exif_bytes(image: ImageFile.ImageFile, exif: Image.Exif) -> bytes:
    stored = image.info.get("exif")
    if not isinstance(stored, bytes):
        try:
            stored = exif.tobytes() if len(exif) else b""
        except Exception:  # tags of odd types, which Pillow reads but cannot write
            stored = b""
    return stored.removeprefix(_EXIF_MARK)


def _xmp_bytes(image: ImageFile.ImageFile) -> bytes:
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    return xmp.encode() if isinstance(xmp, str) else bytes(xmp)


def _iptc(image: ImageFile.ImageFile) -> Iptc:
    try:
        return IptcImagePlugin.getiptcinfo(image) or {}
    except Exception:  # a broken caption block is no reason to refuse the picture
        return {}


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    method = _TURNS.get(orientation)
    return image if method is None else image.transpose(method)


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return 8-bit RGB, or RGBA where a pixel is not opaque, in sRGB."""
    image = _to_plain_channels(_to_eight_bits(image))
    alpha = image.getchannel("A") if image.mode == "LA" else None
    if alpha is not None:
        image = image.convert("L")
    transform = _transform(profile, image.mode)
    if transform is not None:
        image = ImageCms.applyTransform(image, transform) or image
    if image.mode not in {"RGB", "RGBA"}:
        # CMYK without a profile takes Pillow's plain inversion: nobody knows the inks.
        image = image.convert("RGB")
    if alpha is not None:
        image.putalpha(alpha)
    if image.mode == "RGBA" and image.getchannel("A").getextrema()[0] == 255:
        image = image.convert("RGB")
    return image


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


_SRGB = ImageCms.createProfile("sRGB")
_MODES_OF_SPACE = {"RGB": {"RGB", "RGBA"}, "GRAY": {"L"}, "CMYK": {"CMYK"}, "LAB": {"LAB"}}


@functools.lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the way from a profile to sRGB; None where there is none or nothing to do.

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
        space = source.profile.xcolor_space.strip().upper()
        if mode not in _MODES_OF_SPACE.get(space, set()):
            return None
        transform = ImageCms.buildTransform(
            source,
            _SRGB,
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


def _what_is_it(file: BinaryIO) -> str:
    """Say what a file is that no decoder takes."""
    file.seek(0)
    head = file.read(4096)
    if not head:
        return "empty file"
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return f"damaged or truncated {name} file"
    if head[4:8] == b"ftyp":
        return "damaged HEIC or AVIF file, or a video"
    text = head.decode("utf-8", "ignore")
    if b"\0" not in head and len(text.encode()) >= len(head) - 3:
        return "text, not a picture"
    return "not a picture of a known format"


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    lowered = text.lower()
    if "truncated" in lowered or "end of" in lowered or isinstance(error, EOFError):
        return f"truncated: the file ends before the picture does ({text})"
    return f"damaged picture ({text})"
