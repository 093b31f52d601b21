"""The one decode of a picture: it feeds the metadata, the placeholder and the renditions."""

from __future__ import annotations

import os
from dataclasses import dataclass

import msgspec

from picturerail_daemon.describe.facts import read_facts
from picturerail_daemon.describe.interface import Describer, DescriberUnavailable, Subject
from picturerail_daemon.errors import PicturerailError
from picturerail_daemon.mirror.names import sidecar_stem
from picturerail_daemon.mirror.plan import Place
from picturerail_daemon.mirror.reading import UnreadablePicture, open_below
from picturerail_daemon.service.subjects import embedded_of
from picturerail_exporter.pixels import UndecodableError, decode
from picturerail_exporter.rendition_store import RenditionStore
from picturerail_exporter.renditions import Recipe, placeholder, render
from picturerail_native.records import Metadata

MOST_SIDECAR_BYTES = 4 << 20


@dataclass(frozen=True)
class Looker:
    """Looks at an open file once; used by several threads at once.

    `sidecar`, if given, is asked at once, since all it needs is in hand.
    """

    folders: dict[int, bytes]
    renditions: RenditionStore
    recipe: Recipe
    max_pixels: int
    sidecar: Describer | None

    def __call__(self, descriptor: int, place: Place, content_hash: bytes) -> Metadata:
        """Decode, render, and gather the metadata.

        Raises:
            UnreadablePicture: with the reason, in words for the user.
            PicturerailError: the renditions cannot be stored, which is not the picture's fault.
        """
        with os.fdopen(os.dup(descriptor), "rb") as file:
            file.seek(0)
            try:
                picture = decode(file, max_pixels=self.max_pixels, largest=self.recipe.largest)
            except UndecodableError as error:
                raise UnreadablePicture(str(error)) from error
        embedded = embedded_of(picture)
        try:
            if not self.renditions.has(content_hash, self.recipe):
                self.renditions.write(content_hash, self.recipe, render(picture, self.recipe))
        except OSError as error:
            raise PicturerailError(
                f"{self.renditions.folder}: the store cannot be written: {error.strerror}"
            ) from error
        metadata = msgspec.structs.replace(
            read_facts(embedded),
            mime=picture.mime,
            width=picture.width,
            height=picture.height,
            orientation=picture.orientation,
            placeholder=placeholder(picture),
        )
        if self.sidecar is None:
            return metadata
        subject = Subject(
            filename=place.path.rpartition(b"/")[2],
            embedded=lambda: embedded,
            sidecars=lambda: read_sidecars(self.folders[place.root], place.path),
            small=lambda: picture.image,
            large=lambda: picture.image,
        )
        try:
            answer = self.sidecar.describe([subject])[0]
        except DescriberUnavailable:
            return metadata  # the queue tells the user and tries again
        return msgspec.structs.replace(
            metadata, descriptions={self.sidecar.name: answer.description}
        )


def read_sidecars(root: bytes, path: bytes) -> tuple[bytes, ...]:
    """Return the contents of the `.xmp` files beside a picture, the most specific first.

    `cat.jpg.xmp` belongs to `cat.jpg` alone, `cat.xmp` to everything named `cat`.
    """
    stem = path[: len(sidecar_stem(path))]
    found: list[bytes] = []
    for candidate in (path + b".xmp", path + b".XMP", stem + b".xmp", stem + b".XMP"):
        try:
            descriptor = open_below(root, candidate)
        except OSError:
            continue
        with os.fdopen(descriptor, "rb") as file:
            found.append(file.read(MOST_SIDECAR_BYTES))
    return tuple(found)
