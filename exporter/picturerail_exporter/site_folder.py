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
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from picturerail_exporter.files import remove_leftovers, write_atomically

_FORMAT = 4
_READABLE = {2, 3, 4}
"""Format 2 has 256 larger lists, format 3 4096 that put neighbours apart: when they are first saved
both are parted anew."""

_OLD_LISTS = ("[0-9a-f][0-9a-f].json", "[0-9a-f][0-9a-f][0-9a-f].json")
_LIST = "????.json"
_HEXADECIMAL = frozenset("0123456789abcdef")
_TILE = re.compile(r"[0-9a-f]{2}/(\d+)-\d+-[^-]*-[^-]*-tile\.\w+")
_OWN_FOLDER = ".picturerail"
_OF_A_KIND = 4096
_LISTS = 3 * _OF_A_KIND
_TOGETHER = 32
"""Pictures with following ids whose pages stand in one list."""

_MOST_HELD = 40_000
"""Files whose marks are kept in memory before they are written and forgotten."""

PICTURE_MARK = "picture"
"""What a picture's mark in the manifest begins with: it needs no digest, since its name is made of
its content, or the mark's rest is."""


class ExportError(Exception):
    """The site cannot be written; the message names the folder and says what to do."""


class SiteLockedError(ExportError):
    """Another process writes this site."""


class Manifest(msgspec.Struct, frozen=True):
    """Which state of what a site's folder shows.

    `count` is how many files it holds. `complete` is False while files are being written; what
    the folder holds is then what is listed or less. `options` is the digest of what the site
    was made with. `partial` tells that a picture is missing that could not be shown. The
    folder is public, so nothing that is not on the pages may stand here.
    """

    format: int = _FORMAT
    uuid: str = ""
    seq: int = 0
    options: str = ""
    complete: bool = True
    count: int = 0
    partial: bool = False


def digest(data: bytes) -> str:
    """Return what a manifest says of a file."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


class Marks:
    """The digest of each file of ours by its path: `.picturerail/files/0abc.json`.

    There are 4096 lists for pictures' pages and tiles, those with following ids together; as many
    for their other files, those whose digests begin alike together; and as many for the rest, where
    their own checksums say. A list is read when it is first asked for, and written only where it
    changed, so that a few files among many cost a few short lists, and files that are written one
    after the other few of them at a time. New files are named in `.picturerail/begun`, a path a
    line, before any of them is written; it goes when the lists name them.

    The lists of an older format are read once and written as these; `.picturerail/files/parted`
    says, while they go one by one, that they count no more.
    """

    def __init__(self, folder: Path, *, sound: bool = False) -> None:
        """Name the site's folder; read what an interrupted export began.

        Args:
            folder: it.
            sound: whether the last export came to its end, in this format: then no lists of an
                older one are looked for, which takes longer the more there are.
        """
        self._folder = folder / _OWN_FOLDER / "files"
        self._begun_file = folder / _OWN_FOLDER / "begun"
        self._lists: dict[int, dict[str, str]] = {}
        self._changed: set[int] = set()
        self._parted = self._folder / "parted"
        self._old = [] if sound or self._parted.exists() else self._old_lists()
        self._begun: set[str] = set()
        self._held = 0
        for place in self._old:
            for path, mark in self._read(place).items():
                self.set(path, mark)
        with contextlib.suppress(FileNotFoundError):
            self._begun.update(self._begun_file.read_text().splitlines())
        self._inherited = frozenset(self._begun)

    def get(self, path: str) -> str | None:
        """Return a file's digest, "" if it was begun and not finished, None if not ours."""
        return self._list(_number(path)).get(path, "" if path in self._begun else None)

    def set(self, path: str, mark: str) -> None:
        """Set a file's digest."""
        number = _number(path)
        held = self._list(number)
        before = held.get(path)
        if before != mark:
            held[path] = mark
            self._changed.add(number)
            self._held += before is None

    def drop(self, path: str) -> None:
        """Forget a file."""
        self._begun.discard(path)
        number = _number(path)
        if self._list(number).pop(path, None) is not None:
            self._changed.add(number)
            self._held -= 1

    def any(self) -> bool:
        """Tell whether any file is ours."""
        return bool(self._begun or self._lists) or any(self._folder.glob(_LIST))

    def items(self) -> Iterator[tuple[str, str]]:
        """Yield every (path, digest)."""
        for number in range(_LISTS):
            known = number in self._lists
            yield from list(self._list(number).items())
            if not known and number not in self._changed:
                self._forget(number)
        yield from [(path, "") for path in sorted(self._begun) if self.get(path) == ""]

    def begin(self, paths: Iterable[str]) -> None:
        """Name files that are not ours yet and may be from now on."""
        new = {path for path in paths if self.get(path) is None}
        if new:
            self._begun |= new
            self._note_begun()

    def _note_begun(self) -> None:
        if self._begun:
            text = "".join(f"{path}\n" for path in sorted(self._begun))
            write_atomically(self._begun_file, text.encode())
        else:
            self._begun_file.unlink(missing_ok=True)

    def relieve(self, most: int | None = None) -> None:
        """Write and forget the lists, where they hold more than `most`: before the next `begin`.

        What an interrupted export began and this one has not come to stays known.
        """
        if self._held > (_MOST_HELD if most is None else most):
            ahead = {path for path in self._begun & self._inherited if self.get(path) == ""}
            self._write_lists()
            self._lists.clear()
            self._held = 0
            self._begun = ahead
            self._note_begun()

    def ease(self) -> None:
        """Forget lists that did not change, where too much is held."""
        if self._held > _MOST_HELD and not self._old:
            for number in self._lists.keys() - self._changed:
                self._forget(number)

    def save(self) -> None:
        """Write the lists that changed."""
        self._write_lists()
        self._begun.clear()
        self._begun_file.unlink(missing_ok=True)

    def _write_lists(self) -> None:
        if self._old:  # of a save that was interrupted; all is written from the old ones
            for stale in self._folder.glob(_LIST):
                stale.unlink()
        for number in sorted(self._changed):
            place, held = self._place(number), self._lists[number]
            if held:
                data = msgspec.json.encode(held, order="sorted")
                write_atomically(place, msgspec.json.format(data, indent=0) + b"\n")
            else:
                place.unlink(missing_ok=True)
        self._changed.clear()
        if self._old or self._parted.exists():
            write_atomically(self._parted, b"")
            for place in self._old_lists():
                place.unlink(missing_ok=True)
            self._parted.unlink()
            self._old = []

    def _old_lists(self) -> list[Path]:
        return sorted(place for old in _OLD_LISTS for place in self._folder.glob(old))

    def _list(self, number: int) -> dict[str, str]:
        held = self._lists.get(number)
        if held is None:
            held = self._lists[number] = {} if self._old else self._read(self._place(number))
            self._held += len(held)
        return held

    def _forget(self, number: int) -> None:
        self._held -= len(self._lists.pop(number))

    def _read(self, place: Path) -> dict[str, str]:
        try:
            return msgspec.json.decode(place.read_bytes(), type=dict[str, str])
        except FileNotFoundError:
            return {}
        except msgspec.MsgspecError as error:
            raise ExportError(
                f"{place} is damaged ({error}): empty the folder {self._folder.parent.parent} "
                "and export again"
            ) from error

    def _place(self, number: int) -> Path:
        return self._folder / f"{number:04x}.json"


def _number(path: str) -> int:
    """Return the number of a path's list; those of a kind share none with others."""
    kind, _, rest = path.partition("/")
    if kind == "photo" and (number := rest.partition("/")[0]).isdecimal():
        return int(number) // _TOGETHER % _OF_A_KIND
    if kind == "media" and (tile := _TILE.fullmatch(rest)):
        return int(tile[1]) // _TOGETHER % _OF_A_KIND
    if kind == "media" and _HEXADECIMAL.issuperset(begins := rest[3:6]):
        return _OF_A_KIND + int(begins, 16) % _OF_A_KIND
    return 2 * _OF_A_KIND + zlib.crc32(path.encode()) % _OF_A_KIND


class SiteFolder:
    """A site's folder, held by this process alone. Made by `open_site`."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        """Keep what is known of it."""
        self.path = path
        self.manifest = manifest
        self.marks = Marks(path, sound=manifest.complete and manifest.format == _FORMAT)

    def begin(self) -> None:
        """Say that files are being written from now on; each is named first (`Marks.begin`)."""
        if self.manifest.complete:
            # Who was killed before he could say so left no more than this.
            remove_leftovers(self.path / _OWN_FOLDER, below=False)
        else:
            remove_leftovers(self.path)
        self._save(msgspec.structs.replace(self.manifest, format=_FORMAT, complete=False))

    def has(self, path: str) -> bool:
        """Tell whether a file of ours is there, written to its end by an earlier export."""
        return bool(self.marks.get(path)) and (self.path / path).exists()

    def remove(self, path: str) -> None:
        """Remove a file of ours, and the folders that it leaves empty."""
        place = self.path / path
        place.unlink(missing_ok=True)
        self.marks.drop(path)
        for folder in place.parents:
            if folder == self.path:
                break
            try:
                folder.rmdir()
            except OSError:  # not empty, or gone already
                break

    def finish(self, manifest: Manifest) -> None:
        """Record the new state, once everything is written and removed."""
        self.marks.save()
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
    if manifest.format not in _READABLE:
        raise ExportError(
            f"{place} has format {manifest.format}, this program writes {_FORMAT}: "
            f"empty the folder {path} and export again"
        )
    return manifest
