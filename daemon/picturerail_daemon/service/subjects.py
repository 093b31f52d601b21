"""Makes subjects for the describers out of stored rows."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable

from PIL import Image

from picturerail_daemon.describe.interface import Beside, Embedded, Subject
from picturerail_exporter.pixels import Picture, decode
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.rendition_store import RenditionStore
from picturerail_exporter.renditions import render
from picturerail_native.database import Database
from picturerail_native.records import ImageRow


def embedded_of(picture: Picture) -> Embedded:
    """Return the metadata blocks that the decode came by."""
    iptc = {
        key: (value,) if isinstance(value, bytes) else tuple(value)
        for key, value in picture.iptc.items()
    }
    return Embedded(picture.exif, picture.xmp, iptc)


class SubjectMaker:
    """Builds subjects from rows: renditions where they are stored, else the stored bytes."""

    def __init__(
        self,
        database: Database,
        renditions: RenditionStore,
        recipe: Recipe,
        max_pixels: int,
        sidecars: Callable[[ImageRow], tuple[Beside, ...]],
    ) -> None:
        """Keep what is needed; nothing is read before a subject's callables are called."""
        self._database = database
        self._renditions = renditions
        self._recipe = recipe
        self._max_pixels = max_pixels
        self._sidecars = sidecars

    def __call__(self, row: ImageRow) -> Subject:
        """Return the subject for a row."""
        decoded = functools.cache(lambda: self._decode(row))
        return Subject(
            filename=row.filename,
            embedded=lambda: embedded_of(decoded()),
            sidecars=lambda: self._sidecars(row),
            small=lambda: self._rendition(row, "small"),
            large=lambda: self._rendition(row, "large"),
        )

    def _decode(self, row: ImageRow) -> Picture:
        with self._database.snapshot() as snapshot, snapshot.open_blob(row.content_hash) as blob:
            data = io.BytesIO(blob.readall() or b"")
        return decode(
            data,
            max_pixels=self._max_pixels,
            largest=self._recipe.largest,
            wide=self._recipe.wide,
        )

    def _rendition(self, row: ImageRow, name: str) -> Image.Image:
        if not self._renditions.has(row.content_hash, self._recipe):
            picture = self._decode(row)
            self._renditions.write(row.content_hash, self._recipe, render(picture, self._recipe))
        data = self._renditions.load(row.content_hash, self._recipe, name)
        if data is None:
            raise FileNotFoundError("its rendition is gone from the store")
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return image
