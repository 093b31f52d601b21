"""The site's folder: one writer, a manifest of its own files, and changes that never break it.

Only files that the manifest names are ever replaced or removed, so nothing that somebody
else put there is touched. Before anything is written the manifest lists what will be; so
an interrupted run leaves no file that the next one does not know.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from picturerail_exporter.files import remove_leftovers, write_atomically

_FORMAT = 1
_OWN_FOLDER = ".picturerail"


class ExportError(Exception):
    """The site cannot be written; the message names the folder and says what to do."""


class SiteLockedError(ExportError):
    """Another process writes this site."""


class Manifest(msgspec.Struct, frozen=True):
    """What a site's folder holds and which state of what it shows.

    `files` gives the digest of each file by its path. `complete` is False while files are
    being written; the digests are then those of before. `options` is the digest of what the
    site was made with. `partial` tells that a picture is missing that could not be shown.
    The folder is public, so nothing that is not on the pages may stand here.
    """

    format: int = _FORMAT
    uuid: str = ""
    seq: int = 0
    options: str = ""
    complete: bool = True
    files: dict[str, str] = {}
    partial: bool = False


def digest(data: bytes) -> str:
    """Return what a manifest says of a file."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


class SiteFolder:
    """A site's folder, held by this process alone. Made by `open_site`."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        """Keep what is known of it."""
        self.path = path
        self.manifest = manifest

    def begin(self, paths: Iterable[str]) -> None:
        """Name the files that may be written from now on."""
        if not self.manifest.complete:
            remove_leftovers(self.path)
        files = dict.fromkeys(paths, "") | self.manifest.files
        self._save(msgspec.structs.replace(self.manifest, complete=False, files=files))

    def has(self, path: str) -> bool:
        """Tell whether a file of ours is there, written to its end by an earlier export."""
        return bool(self.manifest.files.get(path)) and (self.path / path).exists()

    def remove(self, path: str) -> None:
        """Remove a file of ours, and the folders that it leaves empty."""
        place = self.path / path
        place.unlink(missing_ok=True)
        for folder in place.parents:
            if folder == self.path:
                break
            try:
                folder.rmdir()
            except OSError:  # not empty, or gone already
                break

    def finish(self, manifest: Manifest) -> None:
        """Record the new state, once everything is written and removed."""
        self._save(manifest)

    def _save(self, manifest: Manifest) -> None:
        data = msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=1)
        write_atomically(self.path / _OWN_FOLDER / "manifest.json", data + b"\n")
        self.manifest = manifest


@contextlib.contextmanager
def open_site(path: Path, *, dry_run: bool = False) -> Iterator[SiteFolder]:
    """Take a site's folder for this process, making it unless nothing is to be written.

    Raises:
        ExportError: the folder holds something that is not a site of ours.
        SiteLockedError: another process writes it.
    """
    own = path / _OWN_FOLDER
    if path.exists() and not own.is_dir() and any(path.iterdir()):
        raise ExportError(
            f"{path} is not empty and was not made by picturerail: "
            "name an empty or a new folder for the site"
        )
    if dry_run and not own.is_dir():
        yield SiteFolder(path, Manifest(complete=False))
        return
    own.mkdir(parents=True, exist_ok=True)
    lock = os.open(own / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SiteLockedError(f"{path} is being written by another process") from None
        yield SiteFolder(path, read_manifest(path))
    finally:
        os.close(lock)


def read_manifest(path: Path) -> Manifest:
    """Read a site's manifest; an empty one where the site was never written.

    Raises:
        ExportError: it is damaged or of a newer version.
    """
    place = path / _OWN_FOLDER / "manifest.json"
    try:
        manifest = msgspec.json.decode(place.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return Manifest(complete=False)
    except msgspec.MsgspecError as error:
        raise ExportError(
            f"{place} is damaged ({error}): empty the folder {path} and export again"
        ) from error
    if manifest.format != _FORMAT:
        raise ExportError(
            f"{place} has format {manifest.format}, this program writes {_FORMAT}: "
            f"empty the folder {path} and export again"
        )
    return manifest
