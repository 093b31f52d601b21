"""What Google Takeout writes beside a picture: a JSON file with what the user said of it.

`description` is the caption, `people[].name` are names, `favorited` is a star; `photoTakenTime` is
seconds since 1970 and `geoData` (or `geoDataExif`) degrees, 0 and 0 where nothing is known. A file
that is none of Takeout's says nothing.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import msgspec

from picturerail_daemon.describe.xmp import clean

FAVOURITE = 5
"""The rating of what was marked as a favourite."""


class _Moment(msgspec.Struct):
    timestamp: str | int = 0


class _Position(msgspec.Struct):
    latitude: float = 0.0
    longitude: float = 0.0


class _Person(msgspec.Struct):
    name: str = ""


class _File(msgspec.Struct, rename="camel"):
    title: str
    description: str = ""
    photo_taken_time: _Moment | None = None
    geo_data: _Position | None = None
    geo_data_exif: _Position | None = None
    people: list[_Person] = []
    favorited: bool = False


@dataclass(frozen=True, slots=True)
class TakeoutFacts:
    """What such a file says; `taken` is UTC, since that is all it knows."""

    caption: str = ""
    people: tuple[str, ...] = ()
    rating: int | None = None
    taken: str | None = None
    gps: tuple[float, float] | None = None


def read_takeout(data: bytes) -> TakeoutFacts:
    """Read a file; one that is no such JSON says nothing."""
    try:
        found = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return TakeoutFacts()
    return TakeoutFacts(
        caption=clean(found.description),
        people=tuple(name for person in found.people if (name := clean(person.name))),
        rating=FAVOURITE if found.favorited else None,
        taken=_taken(found.photo_taken_time),
        gps=next(
            (gps for where in (found.geo_data, found.geo_data_exif) if (gps := _gps(where))), None
        ),
    )


def _taken(moment: _Moment | None) -> str | None:
    try:
        seconds = int(moment.timestamp) if moment else 0
        return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat() if seconds else None
    except (ValueError, OverflowError, OSError):
        return None


def _gps(where: _Position | None) -> tuple[float, float] | None:
    if where is None or not (math.isfinite(where.latitude) and math.isfinite(where.longitude)):
        return None
    if (where.latitude, where.longitude) == (0, 0):
        return None
    if abs(where.latitude) > 90 or abs(where.longitude) > 180:
        return None
    return round(where.latitude, 6), round(where.longitude, 6)
