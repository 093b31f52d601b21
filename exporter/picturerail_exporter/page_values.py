"""What templates show of a picture, made of its values."""

from __future__ import annotations

import datetime as dt
import json
import re
import urllib.parse
from typing import TYPE_CHECKING

from picturerail_exporter.collection import Photo
from picturerail_exporter.media import Rendered

if TYPE_CHECKING:
    import markupsafe


def json_ld(photo: Photo, base_url: str, up: str, large: Rendered) -> markupsafe.Markup:
    """Return what search engines read of a picture, safe inside a `script` element."""
    import markupsafe

    root = base_url or up
    about = {
        "@context": "https://schema.org",
        "@type": "ImageObject",
        "name": photo.title,
        "contentUrl": root + large.path,
        "width": large.width,
        "height": large.height,
        **({"caption": photo.caption} if photo.caption else {}),
        **({"keywords": ", ".join(photo.tags)} if photo.tags else {}),
        **({"dateCreated": photo.taken.isoformat()} if photo.taken else {}),
    }
    return markupsafe.Markup(json.dumps(about)).replace("<", "\\u003c")  # noqa: S704 - as said


def wall_clock(photo: Photo) -> dt.datetime:
    """Return a picture's place in time."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=photo.order)


def moment(photo: Photo) -> str:
    """Return a picture's place in time as feeds write it."""
    return wall_clock(photo).strftime("%Y-%m-%dT%H:%M:%SZ")


def exposure_text(photo: Photo) -> list[str]:
    """Return how a picture was taken, piece by piece: 1/250 s, f/2.8, ISO 200, 50 mm."""
    exposure, pieces = photo.exposure, []
    if exposure.seconds:
        quick = exposure.seconds < 0.3
        pieces.append(f"1/{1 / exposure.seconds:.0f} s" if quick else f"{exposure.seconds:g} s")
    if exposure.aperture:
        pieces.append(f"f/{exposure.aperture:g}")
    if exposure.iso:
        pieces.append(f"ISO {exposure.iso}")
    if exposure.focal_length:
        pieces.append(f"{exposure.focal_length:g} mm")
    return pieces


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, which empty lines part, each in one line."""
    parts = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    return [part for part in parts if part]


def search_link(words: str) -> str:
    """Return the address, from the site's root, of the search for words that stand together."""
    quoted = f'"{words}"' if " " in words and '"' not in words else words
    return "index.html?q=" + urllib.parse.quote(quoted, errors="replace")
