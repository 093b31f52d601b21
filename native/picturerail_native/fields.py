"""What of a picture is searched: the one mapping from a row to the engine's fields.

The index and the site both use it, so a word that finds a picture in the terminal finds it
in the browser.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from picturerail_native.moments import time_words
from picturerail_native.records import Metadata

FIELD_WEIGHTS = {"filename": 4.0, "tags": 3.0, "caption": 2.0, "folder": 1.0}
"""The engine's defaults; every field not named here weighs 1."""

FIELDS = (
    "filename",
    "tags",
    "caption",
    "folder",
    "camera",
    "date",
    "time",
    "place",
    "people",
    "rating",
    "text",
)
"""Every field there is, in the order of the numbers that a site's index gives them."""

FIELDS_VERSION = 2
"""An index built with another version lacks words that this one would have."""


def searched_fields(
    path: bytes,
    metadata: Metadata,
    *,
    root_name: str,
    places: Sequence[str] = (),
    south: bool = False,
) -> list[tuple[str, str]]:
    """Return (field, value) pairs; a field with several values comes several times.

    Args:
        path: relative to the root; its last part is the filename.
        metadata: of the same row.
        root_name: the root's unique name, searched as the outermost folder.
        places: the names of where the picture was taken, as far as they may be told.
        south: whether that is south of the equator, which turns the seasons round.
    """
    folder, filename = os.path.split(path)
    pairs = [("filename", readable(filename))]
    pairs += [("tags", tag.name) for tag in metadata.tags]
    if metadata.caption:
        pairs.append(("caption", metadata.caption))
    pairs.append(("folder", readable(root_name.encode(errors="surrogateescape"))))
    pairs += [("folder", readable(part)) for part in folder.split(b"/") if part]
    if metadata.camera:
        pairs.append(("camera", metadata.camera))
    if metadata.taken:
        pairs.append(("date", metadata.taken[:10]))
        pairs += [("time", word) for word in time_words(metadata.taken, south=south)]
    pairs += [("place", name) for name in places]
    pairs += [("people", name) for name in metadata.people]
    if metadata.rating is not None:
        pairs.append(("rating", str(metadata.rating)))
    if metadata.text:
        pairs.append(("text", metadata.text))
    return pairs


def readable(name: bytes) -> str:
    """Return a file name as text; bytes that are not UTF-8 become U+FFFD."""
    return name.decode("utf-8", "replace")
