"""Copies of pictures' files without what is private in them.

Pixels and colours stay to the byte: nothing is encoded again. What stays beside them is listed,
and all else is left out: positions, serial numbers, names, captions, embedded thumbnails, further
frames behind the first picture. Of the metadata only the orientation is written anew. So a copy
that was made here comes out of here unchanged, which is how `check` looks at it.

Sources: JPEG (ITU-T T.81, annex B), PNG (W3C, third edition, chapter 11), WebP (RFC 9649),
GIF89a.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

STRIP_VERSION = 1
"""To be raised when the same file gives another copy."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT bKGD pHYs "
    b"acTL fcTL fdAT".split()
)
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_WEBP_EXIF, _WEBP_XMP = 0x08, 0x04
_LOOPING = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0"})


class UnstrippableError(Exception):
    """A file is not built as its format says, so nobody knows what is in it."""


def strip(data: bytes) -> bytes:
    """Return a picture's file without private metadata.

    Raises:
        UnstrippableError: it is of no format in `formats.STRIPPED`, or not built like one.
    """
    try:
        if data.startswith(b"\xff\xd8"):
            return b"".join(_jpeg(data))
        if data.startswith(_PNG_SIGNATURE):
            return b"".join(_png(data))
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _webp(data)
        if data.startswith((b"GIF87a", b"GIF89a")):
            return b"".join(_gif(data))
    except IndexError:
        raise UnstrippableError("the file ends before the picture does") from None
    raise UnstrippableError("not a JPEG, PNG, WebP or GIF file")


def _orientation(data: bytes) -> bytes:
    """Return a TIFF stream with a file's orientation alone; b"" where it is the usual one."""
    from PIL import ExifTags, Image  # an export that copies nothing does without it

    try:
        with Image.open(io.BytesIO(data)) as image:
            value = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # whatever is wrong with its metadata: it goes
        return b""
    if not isinstance(value, int) or not 2 <= value <= 8:
        return b""
    return b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0" + bytes([value]) + bytes(6)


def _jpeg(data: bytes) -> Iterator[bytes]:
    yield data[:2]
    turned = _orientation(data)
    if turned:
        body = b"Exif\0\0" + turned
        yield b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
    at = 2
    while True:
        if data[at] != 0xFF:
            raise UnstrippableError(f"no marker at byte {at} of a JPEG file")
        while data[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker = data[at + 1]
        if marker == 0xD9:
            yield b"\xff\xd9"
            return  # what follows is no part of this picture
        if marker in {0x00, 0x01} or 0xD0 <= marker <= 0xD8:
            raise UnstrippableError(f"a marker out of place at byte {at} of a JPEG file")
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end > len(data) or end < at + 4:
            raise IndexError
        if _jpeg_segment_stays(marker, data[at + 4 : min(end, at + 20)]):
            yield data[at:end]
        at = end
        if marker == 0xDA:
            scan = at
            while not (data[at] == 0xFF and data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7):
                found = data.find(b"\xff", at + 1)
                if found < 0:
                    raise IndexError
                at = found
            yield data[scan:at]


def _jpeg_segment_stays(marker: int, head: bytes) -> bool:
    if marker == 0xFE:
        return False
    if 0xE0 <= marker <= 0xEF:
        kept = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}.get(marker)
        return kept is not None and head.startswith(kept)
    return True


def _png(data: bytes) -> Iterator[bytes]:
    import zlib

    yield _PNG_SIGNATURE
    at = len(_PNG_SIGNATURE)
    turned = _orientation(data)
    while True:
        size = int.from_bytes(data[at : at + 4], "big")
        name, end = data[at + 4 : at + 8], at + 12 + size
        if end > len(data):
            raise IndexError
        if name in _PNG_KEPT:
            yield data[at:end]
        if name == b"IHDR" and turned:
            body = b"eXIf" + turned
            yield len(turned).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
        if name == b"IEND":
            return
        at = end


def _webp(data: bytes) -> bytes:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise IndexError
    turned = _orientation(data)
    kept: list[bytes] = []
    at = 12
    while at + 8 <= end:
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        chunk = data[at : at + 8 + size + size % 2]
        if name == b"VP8X":
            flags = chunk[8] & ~(_WEBP_EXIF | _WEBP_XMP) | (_WEBP_EXIF if turned else 0)
            chunk = chunk[:8] + bytes([flags]) + chunk[9:]
        if name in _WEBP_KEPT:
            kept.append(chunk)
        at += len(chunk)
    # Only the extended form of the file can carry an orientation at all.
    if turned and kept and kept[0].startswith(b"VP8X"):
        kept.append(b"EXIF" + len(turned).to_bytes(4, "little") + turned + bytes(len(turned) % 2))
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _gif(data: bytes) -> Iterator[bytes]:
    at = 13 + _gif_colours(data[10])
    yield data[:at]
    while True:
        kind, start = data[at], at
        if kind == 0x3B:
            yield b";"
            return
        if kind == 0x2C:
            at = _gif_blocks(data, at + 11 + _gif_colours(data[at + 9]))
            stays = True
        elif kind == 0x21:
            at = _gif_blocks(data, at + 2)
            stays = data[start + 1] == 0xF9 or (
                data[start + 1] == 0xFF and data[start + 3 : start + 14] in _LOOPING
            )
        else:
            raise UnstrippableError(f"no block at byte {at} of a GIF file")
        if stays:
            yield data[start:at]


def _gif_colours(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1
