"""Where each page of the site lies, as a path from its root."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from picturerail_exporter.collection import Album, Way, slug_of
from picturerail_exporter.listings import Month, way_named

ALBUMS = "album/index.html"
TIMELINE = "timeline/index.html"
FEED = "feed.xml"


def photo_path(number: int) -> str:
    """Return the path of a picture's own page, by the picture's id."""
    return f"photo/{number}/index.html"


def album_home(album: Album) -> str:
    """Return the folder of an album's pages, ending in a slash."""
    return f"album/{album.slug}/"


def album_path(album: Album) -> str:
    """Return the path of an album's newest page."""
    return f"{album_home(album)}index.html"


def album_part_path(album: Album, first: Sequence[bytes]) -> str:
    """Return the path of a page with more of an album's albums, by the first folder on it."""
    name = hashlib.blake2b(b"\0".join(first), digest_size=6).hexdigest()
    return f"{album_home(album)}page/albums-{name}/index.html"


def month_home(month: Month) -> str:
    """Return the folder of a month's pages, ending in a slash."""
    return f"timeline/{month.year:04}/{month.month:02}/"


def month_path(month: Month) -> str:
    """Return the path of a month's newest page."""
    return f"{month_home(month)}index.html"


def way_home(listing: bytes) -> str:
    """Return the folder of the pages of a tag, camera or place, ending in a slash."""
    kind, key = way_named(listing)
    return f"{kind}/{Way(kind, key, '').slug}/"


def way_path(way: Way) -> str:
    """Return the path of the newest page of a tag, camera or place."""
    return f"{way.kind}/{way.slug}/index.html"


def way_index_path(kind: str) -> str:
    """Return the path of the index of all tags, cameras or places."""
    return f"{kind}/index.html"


def way_letter_path(kind: str, letter: str) -> str:
    """Return the path of the index of those of one letter; no slug is only a hyphen."""
    return f"{kind}/-/{'other' if letter == '#' else slug_of(letter.encode())}/index.html"


def sitemap_path(month: Month) -> str:
    """Return the path of the sitemap of a month's pictures."""
    return f"sitemap/{month.year:04}-{month.month:02}.xml"
