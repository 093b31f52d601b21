"""Listings: the ordered sets of pictures that the site shows page by page, and their names.

A listing is named by bytes::

    b""                        all pictures
    names joined by NUL        those right in a folder
    NUL, year, hyphen, month   those of a month
    NUL NUL kind NUL key       those of a way in: with a tag, by a camera, at a place

In a listing a picture has a place; the greatest comes first.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from picturerail_exporter.collection import Photo, Way

Place = int | bytes
"""Seconds since 1970, or bytes that sort as wished; all of a listing are of one kind."""

Key = tuple[Any, int]
"""A picture's `Place` in a listing and its id."""

Folder = tuple[bytes, ...]

END: Key = (b"\xff" * 80, 2**62)
"""Behind all pictures of any listing: bytes sort behind numbers."""

BEGINNING: Key = (-(2**63), 0)

_MONTH = b"\0"
_WAY = b"\0\0"
_EPOCH = dt.datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the timeline, and how many pictures it has."""

    year: int
    month: int
    count: int

    @property
    def listing(self) -> bytes:
        """Its listing."""
        return _MONTH + b"%04d-%02d" % (self.year, self.month)


def month_named(listing: bytes, count: int) -> Month:
    """Return the month of a listing."""
    return Month(int(listing[1:-3]), int(listing[-2:]), count)


def month_of(time: int) -> bytes:
    """Return the listing of the month that a time lies in."""
    moment = _EPOCH + dt.timedelta(seconds=time)
    return Month(moment.year, moment.month, 0).listing


def month_bounds(listing: bytes) -> tuple[int, int]:
    """Return a month's first second, and the first behind it."""
    year, month = int(listing[1:-3]), int(listing[-2:])
    first = dt.datetime(year, month, 1)
    after = (first + dt.timedelta(days=31)).replace(day=1) if (year, month) < (9999, 12) else None
    return _seconds(first), 2**62 if after is None else _seconds(after)


def folder_key(folder: Folder) -> bytes:
    """Return how a folder is written; b"" is what holds the outermost ones."""
    return b"\0".join(folder)


def folder_named(listing: bytes) -> Folder:
    """Return the folder of a listing."""
    return tuple(listing.split(b"\0"))


def way_listing(way: Way) -> bytes:
    """Return the listing of a way in."""
    return _WAY + way.kind.encode() + b"\0" + way.key.encode("utf-8", "surrogatepass")


def way_named(listing: bytes) -> tuple[str, str]:
    """Return (kind, key) of a way's listing."""
    kind, _, key = listing[len(_WAY) :].partition(b"\0")
    return kind.decode(), key.decode("utf-8", "surrogatepass")


def is_month(listing: bytes) -> bool:
    """Tell whether a listing is a month's."""
    return listing.startswith(_MONTH) and not listing.startswith(_WAY)


def is_way(listing: bytes) -> bool:
    """Tell whether a listing is a way's."""
    return listing.startswith(_WAY)


def place_by(order: str, photo: Photo) -> Place:
    """Return a picture's place in an album that is ordered "newest", "oldest" or "name" first."""
    if order == "oldest":
        return -photo.order
    if order == "name":
        # The greatest place comes first, so the bytes are turned round.
        return bytes(255 - byte for byte in _natural(photo.filename)) + b"\xff"
    return photo.order


def _natural(name: str) -> bytes:
    """Return what sorts names as people do: 2.jpg before 10.jpg, whatever the case."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    parts = re.findall(r"\d+|\D+", plain, re.ASCII)
    padded = (part.zfill(12) if part[0].isdigit() else part for part in parts)
    return "".join(padded).encode("utf-8", "replace")


def _seconds(moment: dt.datetime) -> int:
    return int((moment - _EPOCH).total_seconds())
