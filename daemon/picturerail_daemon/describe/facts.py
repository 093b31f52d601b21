"""What the camera wrote: time, camera, lens, exposure, place. Never fails a picture.

EXIF is read with Pillow's parser. Every value may be of the wrong type or nonsense, so each
is taken only where it makes sense, and one bad value costs no other.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

from PIL import ExifTags, Image

from picturerail_daemon.describe.interface import Embedded
from picturerail_daemon.describe.xmp import XmpFacts, read_xmp
from picturerail_native.records import Exposure, Metadata

T = TypeVar("T")

_MOST_TEXT = 200


def read_facts(embedded: Embedded) -> Metadata:
    """Return metadata with what the camera wrote; size and kind are left to the decoder."""
    exif = _exif(embedded.exif)
    details = _block(exif, ExifTags.IFD.Exif)
    gps = _block(exif, ExifTags.IFD.GPSInfo)
    xmp = read_xmp(embedded.xmp) if embedded.xmp else XmpFacts()
    base, offset = ExifTags.Base, _text(details.get(ExifTags.Base.OffsetTimeOriginal))
    exposure = Exposure(
        seconds=_positive(details.get(base.ExposureTime)),
        aperture=_positive(details.get(base.FNumber)),
        iso=_whole(details.get(base.ISOSpeedRatings)),
        focal_length=_positive(details.get(base.FocalLength)),
    )
    taken = (
        _moment(_text(details.get(base.DateTimeOriginal)), offset)
        or xmp.taken
        or _moment(_text(details.get(base.DateTimeDigitized)), "")
    )
    return Metadata(
        mime="",
        width=0,
        height=0,
        taken=taken,
        camera=_camera(_text(exif.get(base.Make)), _text(exif.get(base.Model))),
        lens=_text(details.get(base.LensModel)),
        exposure=exposure if exposure != Exposure() else None,
        gps=_careful(lambda: _position(gps)) or xmp.gps,
    )


def exif_text(embedded: Embedded, tag: int) -> str:
    """Return a text of the main EXIF block, "" where there is none."""
    return _text(_exif(embedded.exif).get(tag))


def exif_number(embedded: Embedded, tag: int) -> int | None:
    """Return a whole number of the main EXIF block, None where there is none that makes sense."""
    return _whole(_exif(embedded.exif).get(tag))


def exif_windows_text(embedded: Embedded, tag: int) -> str:
    """Return one of Windows' UTF-16 texts (XPTitle, XPKeywords ...), "" where there is none."""
    value = _exif(embedded.exif).get(tag)
    if isinstance(value, tuple):
        numbers: tuple[Any, ...] = value
        value = _careful(lambda: bytes(numbers)) or b""
    if isinstance(value, bytes):
        return value.decode("utf-16-le", "ignore").rstrip("\0").strip()
    return ""


def _exif(data: bytes) -> Image.Exif:
    exif = Image.Exif()
    if data:
        _careful(lambda: exif.load(data))
    return exif


def _block(exif: Image.Exif, which: ExifTags.IFD) -> dict[int, Any]:
    return _careful(lambda: dict(exif.get_ifd(which))) or {}


def _careful(read: Callable[[], T]) -> T | None:
    """Return what `read` returns, None if the camera's bytes make it fail."""
    try:
        return read()
    except Exception:
        return None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    cleaned = "".join(c if c.isprintable() else " " for c in value.partition("\0")[0])
    return cleaned.strip()[:_MOST_TEXT]


def _positive(value: Any) -> float | None:
    number = _careful(lambda: float(value))
    if number is None or not math.isfinite(number) or number <= 0:
        return None
    return round(number, 6)


def _whole(value: Any) -> int | None:
    if isinstance(value, tuple):
        value = value[0] if value else None
    number = _careful(lambda: int(value))
    return number if number is not None and 0 < number < 10_000_000 else None


def _camera(make: str, model: str) -> str:
    """Return maker and model, without saying the maker twice."""
    first = make.split(" ", maxsplit=1)[0] if make else ""
    return model if first and model.lower().startswith(first.lower()) else f"{make} {model}".strip()


def _moment(text: str, offset: str) -> str | None:
    """Return EXIF's `2019:07:14 18:03:11` as ISO 8601, with the offset where there is one."""
    found = re.match(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)", text)
    if not found:
        return None
    year, month, day, hour, minute, second = map(int, found.groups())
    moment = _careful(lambda: datetime.datetime(year, month, day, hour, minute, second))
    if moment is None or moment.year < 1826:  # before the first photograph
        return None
    zone = offset if re.fullmatch(r"[+-]\d\d:\d\d", offset) else ""
    return moment.isoformat() + zone


def _position(gps: dict[int, Any]) -> tuple[float, float] | None:
    names = ExifTags.GPS
    latitude = _degrees(gps[names.GPSLatitude], str(gps.get(names.GPSLatitudeRef, "N")) == "S")
    longitude = _degrees(gps[names.GPSLongitude], str(gps.get(names.GPSLongitudeRef, "E")) == "W")
    if not (abs(latitude) <= 90 and abs(longitude) <= 180) or (latitude, longitude) == (0, 0):
        return None
    return round(latitude, 6), round(longitude, 6)


def _degrees(parts: Any, negative: bool) -> float:
    degrees, minutes, seconds = (float(part) for part in (*parts, 0, 0)[:3])
    value = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(value):
        raise ValueError("no position")
    return -value if negative else value
