"""The one decode of a picture: upright sRGB pixels and the embedded metadata, in one reading.

Everything that needs a picture's pixels or its EXIF, XMP and IPTC takes the `Picture` made
here, so a file is opened and decoded once. Colours are converted to sRGB on the way (`colour`): a
browser that gets no profile takes them for that. A RAW file's picture is the largest preview that
its camera put into it (`raw`).
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin, UnidentifiedImageError

from picturerail_exporter import raw
from picturerail_exporter.colour import to_plain_rgb
from picturerail_exporter.jpeg import load_scaled
from picturerail_exporter.recipe import DEFAULT_MAX_PIXELS, scaled_to
from picturerail_native.database import DatabaseError

# Pillow's own guard is one number for the whole process, and only warns up to twice of it.
# `decode` compares the header's size with its caller's limit instead, before any pixel.
Image.MAX_IMAGE_PIXELS = None

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB")
_IN_BOXES = ("HEIF", "AVIF")
"""Formats built of ISO base media boxes (ISO/IEC 14496-12)."""

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

    `image` is upright, RGB or (only where something shows through) RGBA, in the colour space
    `space` ("srgb", or "p3" where `decode` was to keep wide gamuts). It may be
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
    space: str = "srgb"


def decode(
    file: BinaryIO,
    *,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    largest: int | None = None,
    wide: bool = False,
) -> Picture:
    """Decode the first frame of a JPEG, PNG, WebP, GIF, TIFF, BMP, HEIC or AVIF file.

    Of a RAW file (DNG, CR2, CR3, NEF, ARW, ORF, RW2, PEF, RAF) the largest preview is decoded.

    Args:
        file: seekable, at its start; it is not closed.
        max_pixels: a picture whose header announces more is refused unread.
        largest: the longer side, in pixels, of the largest rendition that is wanted. A JPEG
            is then not decoded beyond what that needs (`jpeg`), which costs a fraction.
        wide: keep colours that sRGB cannot show, in Display P3, where the file has such a space.

    Raises:
        UndecodableError: it is no picture, a damaged one, or too large.
        OSError: the file could not be read (its `errno` says why).
    """
    try:
        found = raw.open_raw(file)
        if found is None:
            return _decode(file, max_pixels, largest, wide)
        return _decode_preview(found, max_pixels, largest, wide)
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


def _decode_preview(found: raw.Raw, max_pixels: int, largest: int | None, wide: bool) -> Picture:
    """Decode the largest preview that can be; the camera's own words are the RAW file's."""
    for preview in found.previews():
        with contextlib.suppress(OSError, SyntaxError, ValueError):
            # What only looks like a JPEG, as a sensor's own samples may, is none of these.
            picture = _decode(preview, max_pixels, largest, wide, found.orientation)
            exif, xmp = found.exif or picture.exif, found.xmp or picture.xmp
            return replace(picture, mime=found.mime, exif=exif, xmp=xmp)
    raise UndecodableError("RAW file without a preview that can be shown")


def _decode(
    file: BinaryIO, max_pixels: int, largest: int | None, wide: bool, turned: int | None = None
) -> Picture:
    """Decode a file; `turned` is how, where the file itself does not tell."""
    image = Image.open(file, formats=_formats_of(file))
    width, height = image.size
    if width * height > max_pixels:
        raise UndecodableError(
            f"too large: {width} x {height} pixels, more than the limit of {max_pixels}"
        )
    kind = image.format or ""
    # Pillow turns a TIFF when it loads it and drops the tag, and gives its size as turned.
    exif = _exif(image)
    turn = turned or _orientation(exif.get(ExifTags.Base.Orientation))
    original = _orientation(image.info.get("original_orientation", turn))
    shown = (height, width) if turn >= 5 and kind != "TIFF" else (width, height)
    raw_exif, xmp, iptc = _exif_bytes(image, exif), _xmp_bytes(image), _iptc(image)
    profile = image.info.get("icc_profile") or b""

    loaded: Image.Image = image
    if largest is not None and kind in {"JPEG", "MPO"}:
        loaded = load_scaled(image, file, scaled_to(width, height, largest, largest))
    else:
        image.load()
    upright = loaded if kind == "TIFF" else _upright(loaded, turn)
    pixels, space = to_plain_rgb(upright, profile, wide=wide)
    return Picture(
        mime=_MIMES[kind],
        orientation=original,
        image=pixels,
        width=shown[0],
        height=shown[1],
        exif=raw_exif,
        xmp=xmp,
        iptc=iptc,
        icc=bool(profile),
        space=space,
    )


def _formats_of(file: BinaryIO) -> tuple[str, ...]:
    """Return what a file may be."""
    file.seek(0)
    if file.read(8)[4:] != b"ftyp":
        return _FORMATS
    _learn_heif()
    return _IN_BOXES


@functools.cache
def _learn_heif() -> None:
    import pillow_heif  # a tenth of a program's start, for those who have such pictures

    pillow_heif.register_heif_opener(thumbnails=False)


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
