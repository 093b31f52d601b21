"""The one decode of a picture: it feeds the metadata, the placeholder and the renditions."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import msgspec
from PIL import Image

from picturerail_daemon.describe.facts import read_facts
from picturerail_daemon.describe.interface import (
    Beside,
    Describer,
    DescriberUnavailable,
    Subject,
)
from picturerail_daemon.errors import PicturerailError
from picturerail_daemon.mirror.names import sidecars_of
from picturerail_daemon.mirror.plan import Place
from picturerail_daemon.mirror.reading import UnreadablePicture, open_below
from picturerail_daemon.service.subjects import embedded_of
from picturerail_exporter.pixels import UndecodableError, decode
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.rendition_store import RenditionStore
from picturerail_exporter.renditions import mean_colour, placeholder, render
from picturerail_native.records import Metadata, with_description

MOST_SIDECAR_BYTES = 4 << 20

_BYTES_PER_PIXEL = 8
"""What decoding takes at its height: the picture, and its first reduction beside it."""


class MemoryBudget:
    """Lets pictures be decoded side by side as long as they fit in so many bytes together.

    One that is larger than all of it is decoded alone.
    """

    def __init__(self, most_bytes: int) -> None:
        """Begin with all of it free."""
        self._free = self._most = most_bytes
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def taking(self, wanted: int) -> Iterator[None]:
        """Wait until so many bytes are free, and hold them for the length of a block."""
        amount = min(wanted, self._most)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= amount)
            self._free -= amount
        try:
            yield
        finally:
            with self._changed:
                self._free += amount
                self._changed.notify_all()


def memory_wanted(file: BinaryIO) -> int:
    """Return about how many bytes decoding a file takes, from its header alone."""
    try:
        with Image.open(file) as header:
            return header.width * header.height * _BYTES_PER_PIXEL
    except Exception:  # whatever is wrong with it, decoding says it better
        return 0
    finally:
        file.seek(0)


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
    memory: MemoryBudget

    def __call__(self, descriptor: int, place: Place, content_hash: bytes) -> Metadata:
        """Decode, render, and gather the metadata.

        Raises:
            UnreadablePicture: with the reason, in words for the user.
            PicturerailError: the renditions cannot be stored, which is not the picture's fault.
        """
        with os.fdopen(os.dup(descriptor), "rb") as file:
            file.seek(0)
            with self.memory.taking(memory_wanted(file)):
                return self._look(file, place, content_hash)

    def _look(self, file: BinaryIO, place: Place, content_hash: bytes) -> Metadata:
        try:
            picture = decode(
                file,
                max_pixels=self.max_pixels,
                largest=self.recipe.largest,
                wide=self.recipe.wide,
            )
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
        tiny = placeholder(picture)
        metadata = msgspec.structs.replace(
            read_facts(embedded),
            mime=picture.mime,
            width=picture.width,
            height=picture.height,
            orientation=picture.orientation,
            placeholder=tiny,
            colour=mean_colour(tiny),
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
        return with_description(metadata, self.sidecar.name, answer.description)


def read_sidecars(root: bytes, path: bytes) -> tuple[Beside, ...]:
    """Return the files beside a picture that tell of it, the most specific first."""
    found: list[Beside] = []
    for candidate in sidecars_of(path):
        try:
            descriptor = open_below(root, candidate)
        except OSError:
            continue
        with os.fdopen(descriptor, "rb") as file:
            ending = "." + candidate.rpartition(b".")[2].lower().decode()
            found.append(Beside(ending, file.read(MOST_SIDECAR_BYTES)))
    return tuple(found)
