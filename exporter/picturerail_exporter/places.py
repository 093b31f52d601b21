"""From a position to the names of its town, region and country, without asking anybody.

The towns are those of GeoNames (geonames.org, CC BY 4.0) in `data/places.bin`, whose format
`daemon/tools/build_places.py` describes. The nearest entry is often a city's quarter, so the
nearest of all, of the larger towns and of the large cities compete, by how many live there over
the square of the distance. What is farther from every town than `FARTHEST_KM` is nowhere.
"""

from __future__ import annotations

import functools
import importlib.resources
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import zstandard

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FARTHEST_KM = 150.0
_LARGER = ((0, FARTHEST_KM), (50_000, 25.0), (500_000, 40.0))
"""The least people of a town, and how many km away it may give its name."""
_KM_PER_DEGREE = 111.2
_HEADER = struct.Struct("<4sIIII")
_MAGIC, _FORMAT = b"PRPL", 1


class NoPlacesError(Exception):
    """The table of places is missing or damaged."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a position lies; a name that is not known is "".

    `quarter` is the nearest entry's name where that is not the town itself.
    """

    country: str
    region: str
    town: str
    quarter: str = ""


NOWHERE = Place("", "", "")


def place_of(gps: tuple[float, float], how: str) -> tuple[str, ...]:
    """Return the country, then the town, of a position; as much of it as `how` tells.

    Args:
        gps: latitude and longitude in degrees.
        how: "none", "country", "town" or "exact".
    """
    if how == "none":
        return ()
    place = find_place(gps)
    names = (place.country,) if how == "country" else (place.country, place.town)
    return tuple(filter(None, names))


def place_words(gps: tuple[float, float], how: str) -> tuple[str, ...]:
    """Return all names by which a position is found, as much of it as `how` tells.

    Args:
        gps: latitude and longitude in degrees.
        how: "none", "country", "town" or "exact".
    """
    if how == "none":
        return ()
    place = find_place(gps)
    names = [place.country]
    if how != "country":
        names += [place.region, place.town, place.quarter]
    return tuple(dict.fromkeys(filter(None, names)))


def find_place(gps: tuple[float, float]) -> Place:
    """Return the names of a position.

    Args:
        gps: latitude and longitude in degrees.

    Raises:
        NoPlacesError: the table cannot be read.
    """
    # The nearest town is the same a hundred metres on; and the cache is met more often.
    return _find(round(gps[0], 3), round(gps[1], 3))


@functools.lru_cache(maxsize=65536)
def _find(latitude: float, longitude: float) -> Place:
    import numpy as np  # a third of a program's start, for those who show places

    table = _table()
    reach = FARTHEST_KM / _KM_PER_DEGREE
    first, end = np.searchsorted(table.latitude, (latitude - reach, latitude + reach))
    if first == end:
        return NOWHERE
    north = (table.latitude[first:end] - latitude) * _KM_PER_DEGREE
    turn = (table.longitude[first:end] - longitude + 180) % 360 - 180
    east = turn * _KM_PER_DEGREE * np.cos(np.radians(latitude))
    distance = np.hypot(north, east)
    people = table.people[first:end]
    best, nearest, pull = -1, -1, -1.0
    for least, farthest in _LARGER:
        here = np.where(people >= least, distance, np.inf)
        candidate = int(here.argmin())
        if here[candidate] > farthest:
            continue
        nearest = candidate if nearest < 0 else nearest
        strength = float((people[candidate] or 100) / (1 + here[candidate]) ** 2)
        if strength > pull:
            best, pull = candidate, strength
    if best < 0:
        return NOWHERE
    town, quarter = table.names[first + best], table.names[first + nearest]
    return Place(
        # A border may run between the two.
        table.countries[table.country[first + nearest]],
        table.regions[table.region[first + nearest]],
        town,
        quarter if quarter != town else "",
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """The towns as columns, by rising latitude; positions in degrees."""

    latitude: npt.NDArray[np.float64]
    longitude: npt.NDArray[np.float64]
    people: npt.NDArray[np.uint32]
    region: npt.NDArray[np.uint16]
    country: npt.NDArray[np.uint16]
    names: list[str]
    regions: list[str]
    countries: list[str]


@functools.cache
def _table() -> _Table:
    file = importlib.resources.files("picturerail_exporter") / "data" / "places.bin"
    try:
        data = file.read_bytes()
        magic, version, towns, regions, countries = _HEADER.unpack_from(data)
        if (magic, version) != (_MAGIC, _FORMAT):
            raise NoPlacesError("the built-in table of places is of another version")
        body = zstandard.ZstdDecompressor().decompress(data[_HEADER.size :])
        return _read(body, towns, (towns, regions, countries))
    except (OSError, ValueError, struct.error, zstandard.ZstdError) as error:
        raise NoPlacesError(
            f"the built-in table of places cannot be read: {error}; install the program again"
        ) from error


def _read(body: bytes, towns: int, counts: tuple[int, int, int]) -> _Table:
    import numpy as np

    at = 0

    def column(kind: str) -> npt.NDArray[Any]:
        nonlocal at
        values = np.frombuffer(body, kind, towns, at)
        at += values.nbytes
        return values

    latitude, longitude = column("<i4"), column("<i4")
    people, region, country = column("<u4"), column("<u2"), column("<u2")
    lists = [part.split("\n") for part in body[at:].decode().split("\0")[:-1]]
    if tuple(map(len, lists)) != counts:
        raise ValueError("its lists of names have other lengths")
    return _Table(
        np.cumsum(latitude, dtype=np.int64) / 1e5, longitude / 1e5, people, region, country, *lists
    )
