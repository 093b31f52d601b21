"""RAW files of cameras: the previews in them, and what the camera says of the picture.

A RAW file is a sensor's samples, which only its maker's curves turn into a picture. But all
cameras put one or more finished JPEGs into it, the largest mostly of full size. Where those lie
differs from maker to maker; that they begin like a JPEG does not, so all places in a file that do
are tried, the largest first. What is a RAW file is told by the file itself, never by its name.

Sources: TIFF 6.0; DNG 1.7, chapter 4; the layouts of CR3 and RAF as dcraw and libraw read them.
"""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from PIL import ExifTags, Image

_SENSOR = {32803, 34892}  # photometric interpretations: colour filter array, linear raw
_MAKERS_COMPRESSIONS = {32767, 32769, 32770, 34316, 34713, 65000, 65535}
_MOST_IFDS = 32
_MOST_CANDIDATES = 256
_HEADER = 1 << 18
"""A JPEG's size stands within so many bytes, whatever metadata comes before it."""

_BY_MAKER = (
    ("canon", "image/x-canon-cr2"),
    ("nikon", "image/x-nikon-nef"),
    ("sony", "image/x-sony-arw"),
    ("pentax", "image/x-pentax-pef"),
    ("ricoh", "image/x-pentax-pef"),
)
_TAGS = (
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Orientation,
    ExifTags.Base.DateTime,
    ExifTags.Base.ImageDescription,
)
_EXIF_TAGS = (
    ExifTags.Base.ExposureTime,
    ExifTags.Base.FNumber,
    ExifTags.Base.ISOSpeedRatings,
    ExifTags.Base.DateTimeOriginal,
    ExifTags.Base.OffsetTimeOriginal,
    ExifTags.Base.SubsecTimeOriginal,
    ExifTags.Base.FocalLength,
    ExifTags.Base.LensModel,
)


@dataclass(frozen=True, slots=True)
class Raw:
    """A RAW file: its MIME type, its own orientation (None: the preview's), EXIF and XMP."""

    mime: str
    data: bytes
    orientation: int | None
    exif: bytes
    xmp: bytes

    def previews(self) -> Iterator[BinaryIO]:
        """Yield what begins like a JPEG, the one of the most pixels first."""
        found: list[tuple[int, int]] = []
        at = self.data.find(b"\xff\xd8\xff")
        while at >= 0 and len(found) < _MOST_CANDIDATES:
            with contextlib.suppress(Exception):  # most places only look like a beginning
                head = io.BytesIO(self.data[at : at + _HEADER])
                with Image.open(head, formats=("JPEG",)) as image:
                    found.append((image.width * image.height, -at))
            at = self.data.find(b"\xff\xd8\xff", at + 1)
        for _, at in sorted(found, reverse=True):
            yield io.BytesIO(self.data[-at:])


def open_raw(file: BinaryIO) -> Raw | None:
    """Return a file as RAW, or None where it is none; it is then at its start again.

    Args:
        file: seekable, at its start.
    """
    head = file.read(32)
    mime = _mime(file, head)
    file.seek(0)
    if not mime:
        return None
    data = file.read()
    if mime == "image/x-fuji-raf":
        return Raw(mime, data, None, b"", b"")  # its preview says everything itself
    if mime == "image/x-canon-cr3":
        orientation, exif = _cr3_exif(data)
        return Raw(mime, data, orientation, exif, b"")
    tiff = data[:2] + (b"*\0" if data[:2] == b"II" else b"\0*") + data[4:]
    whole = _read_exif(tiff)
    xmp = whole.get(700, b"")
    orientation, exif = _told(
        whole, whole.get_ifd(ExifTags.IFD.Exif), whole.get_ifd(ExifTags.IFD.GPSInfo)
    )
    return Raw(mime, data, orientation, exif, xmp if isinstance(xmp, bytes) else b"")


def _mime(file: BinaryIO, head: bytes) -> str:
    if head.startswith(b"FUJIFILMCCD-RAW"):
        return "image/x-fuji-raf"
    if head[4:12] == b"ftypcrx ":
        return "image/x-canon-cr3"
    if head.startswith((b"IIRO", b"IIRS", b"MMOR")):
        return "image/x-olympus-orf"
    if head.startswith(b"IIU\0"):
        return "image/x-panasonic-rw2"
    if head.startswith((b"II*\0", b"MM\0*")):
        try:
            return _tiff_mime(file, head)
        except (struct.error, OverflowError):
            return ""
    return ""


def _tiff_mime(file: BinaryIO, head: bytes) -> str:
    """Tell whether a TIFF file holds a sensor's samples, and whose."""
    if head[8:10] == b"CR":
        return "image/x-canon-cr2"
    order = "<" if head.startswith(b"II") else ">"
    (first,) = struct.unpack(order + "I", head[4:8])
    ahead = [first]
    seen: set[int] = set()
    maker, sensor = "", False
    while ahead and len(seen) < _MOST_IFDS:
        at = ahead.pop(0)
        if at == 0 or at in seen:
            continue
        seen.add(at)
        entries, following = _ifd(file, order, at)
        if 0xC612 in entries:
            return "image/x-adobe-dng"
        maker = maker or _text(file, order, entries.get(271)).lower()
        sensor |= _first(order, entries.get(262)) in _SENSOR
        sensor |= _first(order, entries.get(259)) in _MAKERS_COMPRESSIONS
        ahead += [following, *_longs(file, order, entries.get(330))]
    if not sensor:
        return ""
    return next((mime for name, mime in _BY_MAKER if name in maker), "image/x-raw")


_Entry = tuple[int, int, bytes]  # type, count, the value or where it lies


def _ifd(file: BinaryIO, order: str, at: int) -> tuple[dict[int, _Entry], int]:
    file.seek(at)
    (count,) = struct.unpack(order + "H", file.read(2))
    data = file.read(12 * count + 4)
    entries = {}
    for number in range(count):
        tag, kind, length, value = struct.unpack_from(order + "HHI4s", data, 12 * number)
        entries[tag] = (kind, length, value)
    (following,) = struct.unpack_from(order + "I", data, 12 * count)
    return entries, following


def _first(order: str, entry: _Entry | None) -> int:
    if entry is None:
        return 0
    kind, _, value = entry
    return int(struct.unpack_from(order + ("H" if kind == 3 else "I"), value)[0])


def _longs(file: BinaryIO, order: str, entry: _Entry | None) -> list[int]:
    if entry is None or entry[1] > _MOST_IFDS:
        return []
    _, count, value = entry
    if count > 1:
        file.seek(struct.unpack(order + "I", value)[0])
        value = file.read(4 * count)
    return list(struct.unpack(f"{order}{count}I", value[: 4 * count]))


def _text(file: BinaryIO, order: str, entry: _Entry | None) -> str:
    if entry is None:
        return ""
    _, count, value = entry
    if count > 4:
        file.seek(struct.unpack(order + "I", value)[0])
        value = file.read(min(count, 64))
    return value.decode("latin-1")


def _read_exif(tiff: bytes) -> Image.Exif:
    exif = Image.Exif()
    with contextlib.suppress(Exception):  # broken metadata is no reason to refuse the pixels
        exif.load(tiff)
    return exif


_Tags = Mapping[int, Any] | Image.Exif


def _told(main: _Tags, exif: _Tags, gps: _Tags) -> tuple[int | None, bytes]:
    """Return the orientation and a TIFF stream of what a picture's page may want to tell."""
    told = Image.Exif()
    _take(main, told, _TAGS)
    _take(exif, told.get_ifd(ExifTags.IFD.Exif), _EXIF_TAGS)
    _take(gps, told.get_ifd(ExifTags.IFD.GPSInfo), range(32))
    turn = told.get(ExifTags.Base.Orientation)
    try:
        data = told.tobytes()
    except Exception:  # values of types that only a reader takes
        data = b""
    turned = turn if isinstance(turn, int) and 1 <= turn <= 8 else None
    return turned, data.removeprefix(b"Exif\0\0")


def _take(values: _Tags, into: MutableMapping[int, Any], tags: Iterable[int]) -> None:
    for tag in tags:
        value = values.get(tag)
        if value is not None:
            into[tag] = value


def _cr3_exif(data: bytes) -> tuple[int | None, bytes]:
    """Read the boxes CMT1, CMT2 and CMT4: TIFF streams of main, EXIF and GPS tags."""
    parts = []
    for name in (b"CMT1", b"CMT2", b"CMT4"):
        at = data.find(name, 0, 1 << 20)
        size = int.from_bytes(data[at - 4 : at], "big") if at >= 4 else 8
        parts.append(_read_exif(data[at + 4 : at - 4 + size]) if size > 8 else Image.Exif())
    return _told(*parts)
