"""Where renditions lie between daemon and site: files named by content and recipe.

    [folder]/ab/ab12…-<recipe version>-small.webp
    [folder]/ab/ab12…-stripped1-original.jpg        what may be downloaded

The same picture in ten places has one set of files, a move touches none, and a changed
recipe never meets the old one's files. Files appear whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from picturerail_exporter.files import write_atomically
from picturerail_exporter.formats import SUFFIXES
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.strip import STRIP_VERSION

if TYPE_CHECKING:
    from picturerail_exporter.renditions import Rendition


def rendition_name(content_hash: bytes, recipe: Recipe, name: str, kind: str = "webp") -> str:
    """Return a rendition's path relative to the store's folder, and to the site's `media/`."""
    digest = content_hash.hex()
    return f"{digest[:2]}/{digest}-{recipe.version}-{name}.{kind}"


def original_ending(kind: str, mime: str) -> str:
    """Return how the name of a copied original ends, behind its content's."""
    made = f"stripped{STRIP_VERSION}" if kind == "stripped" else "full"
    return f"{made}-original{SUFFIXES.get(mime, '')}"


class RenditionStore:
    """The renditions in one folder, made on the first write. Any number may use it at once."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Name the folder; nothing is touched."""
        self.folder = Path(folder)

    def path(self, content_hash: bytes, recipe: Recipe, name: str, kind: str = "webp") -> Path:
        """Return where a rendition lies, whether it is there or not."""
        return self.folder / rendition_name(content_hash, recipe, name, kind)

    def has(self, content_hash: bytes, recipe: Recipe) -> bool:
        """Tell whether all renditions of a recipe are there and whole."""
        return all(
            _is_whole(self.path(content_hash, recipe, size.name, kind))
            for size in recipe.sizes
            for kind in recipe.formats
        )

    def load(self, content_hash: bytes, recipe: Recipe, name: str) -> bytes | None:
        """Return a rendition's bytes; None where it is not there or not whole."""
        path = self.path(content_hash, recipe, name)
        return path.read_bytes() if _is_whole(path) else None

    def write(self, content_hash: bytes, recipe: Recipe, renditions: Iterable[Rendition]) -> None:
        """Store a picture's renditions, each appearing whole."""
        for rendition in renditions:
            place = self.path(content_hash, recipe, rendition.name, rendition.format)
            write_atomically(place, rendition.data)

    def original(self, content_hash: bytes, kind: str, mime: str) -> Path:
        """Return where the copy of an original lies that may be downloaded (`originals`)."""
        digest = content_hash.hex()
        return self.folder / digest[:2] / f"{digest}-{original_ending(kind, mime)}"

    def remove(self, content_hash: bytes) -> None:
        """Remove all files of a content, of every recipe."""
        digest = content_hash.hex()
        for path in (self.folder / digest[:2]).glob(f"{digest}-*-*"):
            path.unlink(missing_ok=True)

    def remove_unused(self, live: Collection[bytes]) -> int:
        """Remove the files of contents that are not in `live`; return how many.

        Other recipes' files of live contents stay: somebody may switch back and forth.
        """
        digests = {content_hash.hex() for content_hash in live}
        removed = 0
        for folder in sorted(self.folder.glob("[0-9a-f][0-9a-f]")):
            for path in folder.glob(f"{folder.name}*-*-*"):
                if path.name.partition("-")[0] not in digests:
                    path.unlink()
                    removed += 1
            if not any(folder.iterdir()):
                folder.rmdir()
        return removed


def _is_whole(path: Path) -> bool:
    """Tell whether a file has all its bytes: WebP and AVIF tell their length, JPEG has an end.

    After a power cut a file may have its name but not its bytes.
    """
    try:
        with path.open("rb") as file:
            head = file.read(12)
            size = os.fstat(file.fileno()).st_size
            if path.suffix == ".jpeg":
                file.seek(max(0, size - 2))
                return head[:2] == b"\xff\xd8" and file.read() == b"\xff\xd9"
            if path.suffix == ".avif":
                return head[4:12] == b"ftypavif" and _ends_with_a_box(file, size)
    except FileNotFoundError:
        return False
    return (
        head[:4] == b"RIFF"
        and head[8:] == b"WEBP"
        and int.from_bytes(head[4:8], "little") + 8 == size
    )


def _ends_with_a_box(file: BinaryIO, size: int) -> bool:
    """Tell whether boxes (ISO 14496-12) follow each other up to a file's very end."""
    at = 0
    while at < size:
        file.seek(at)
        length = int.from_bytes(file.read(4), "big")
        if length < 8:
            return False
        at += length
    return at == size
