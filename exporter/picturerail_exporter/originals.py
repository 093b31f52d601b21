"""Copies of pictures' own files for downloading, made where the rules allow them."""

from __future__ import annotations

import io
from collections.abc import Iterable

from picturerail_exporter.collection import Photo
from picturerail_exporter.files import write_atomically
from picturerail_exporter.rendition_store import RenditionStore
from picturerail_exporter.source import Source
from picturerail_exporter.strip import UnstrippableError, strip
from picturerail_native.database import CorruptError, NotFoundError


def copy_missing(source: Source, photos: Iterable[Photo], store: RenditionStore) -> dict[int, str]:
    """Put the copies that are not there into the store.

    Returns:
        Why there can be none, by the id of each such picture.
    """
    refused: dict[int, str] = {}
    for photo in photos:
        if not photo.original:
            continue
        place = store.original(photo.content_hash, photo.original, photo.mime)
        if place.exists():
            continue
        try:
            with io.BufferedReader(source.open_blob(photo.content_hash)) as file:
                data = file.read()
            write_atomically(place, strip(data) if photo.original == "stripped" else data)
        except UnstrippableError as error:
            refused[photo.id] = f"cannot be stripped of its metadata: {error}"
        except (CorruptError, NotFoundError) as error:
            refused[photo.id] = f"cannot be read: {error}"
    return refused
