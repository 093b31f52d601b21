"""Reads what lies in a watched folder: names and stats, no contents.

Folders are opened relative to each other without following links, so nothing outside the
root is ever read, and every name is bytes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from picturerail_daemon.mirror import names
from picturerail_native.records import FileStat

Kind = Literal["picture", "video", "raw", "other"]


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of a root to be listed: a folder, with everything below it or alone.

    `folder` is relative to the root, without a slash at either end; empty for the root.
    """

    folder: bytes = b""
    recursive: bool = True

    def covers(self, path: bytes) -> bool:
        """Return whether a path lies in this scope."""
        if self.folder and not path.startswith(self.folder + b"/"):
            return False
        rest = path[len(self.folder) + 1 :] if self.folder else path
        return self.recursive or b"/" not in rest


@dataclass(slots=True)
class Listing:
    """What was found in some scopes of one root.

    `present` is False when the root itself could not be opened; then nothing else counts.
    `unlisted` are folders that could not be read: what was known below them stays as it is.
    `left_out` counts what is no picture, by kind ("video", "raw", "other", "link", "mount").
    """

    present: bool = True
    volume: int = 0
    pictures: dict[bytes, FileStat] = field(default_factory=dict)
    sidecars: dict[bytes, FileStat] = field(default_factory=dict)
    faults: dict[bytes, str] = field(default_factory=dict)
    unlisted: list[bytes] = field(default_factory=list)
    folders: set[bytes] = field(default_factory=set)
    left_out: dict[str, int] = field(default_factory=dict)

    def count(self, kind: str) -> None:
        """Count one entry that is left out."""
        self.left_out[kind] = self.left_out.get(kind, 0) + 1


def list_scopes(root: bytes, scopes: list[Scope], kind_of: Callable[[bytes], Kind]) -> Listing:
    """List the given scopes of a root.

    Args:
        root: the root's absolute path.
        scopes: overlapping ones are listed once each, which costs time and nothing else.
        kind_of: what a filename says a file is.
    """
    listing = Listing()
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        listing.present = False
        return listing
    try:
        device = os.fstat(descriptor).st_dev
        listing.volume = os.fstatvfs(descriptor).f_fsid & (2**64 - 1)
        for scope in scopes:
            with _opened(descriptor, scope.folder, listing) as folder:
                if folder is not None:
                    _list(folder, scope.folder, scope.recursive, device, listing, kind_of)
    finally:
        os.close(descriptor)
    return listing


@contextlib.contextmanager
def _opened(root: int, folder: bytes, listing: Listing) -> Iterator[int | None]:
    """Open a folder part by part, so that no link on the way is followed."""
    current = os.dup(root)
    try:
        for part in folder.split(b"/") if folder else ():
            try:
                following = _open_folder(part, current)
            except OSError as error:
                if error.errno not in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
                    _cannot_list(listing, folder, error)
                # What is no folder any more holds nothing: rows below it are missing.
                yield None
                return
            os.close(current)
            current = following
        yield current
    finally:
        os.close(current)


def _open_folder(name: bytes, parent: int) -> int:
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)


def _list(
    descriptor: int,
    folder: bytes,
    recursive: bool,
    device: int,
    listing: Listing,
    kind_of: Callable[[bytes], Kind],
) -> None:
    listing.folders.add(folder)
    below: list[bytes] = []
    try:
        with os.scandir(descriptor) as entries:
            for entry in entries:
                name = os.fsencode(entry.name)
                path = folder + b"/" + name if folder else name
                try:
                    if entry.is_dir(follow_symlinks=False):
                        if not names.is_skipped_folder(name):
                            below.append(name)
                    elif entry.is_symlink():
                        _list_link(descriptor, name, path, listing)
                    elif not names.is_temporary(name):
                        _list_file(descriptor, name, path, listing, kind_of)
                except FileNotFoundError:
                    continue  # gone since: the next look will find it gone
                except OSError as error:
                    listing.faults[path] = _reason(error)
    except OSError as error:
        _cannot_list(listing, folder, error)
        return
    for name in below if recursive else ():
        path = folder + b"/" + name if folder else name
        try:
            inner = _open_folder(name, descriptor)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            _cannot_list(listing, path, error)
            continue
        try:
            if os.fstat(inner).st_dev == device:
                _list(inner, path, True, device, listing, kind_of)
            else:
                listing.count("mount")
                listing.unlisted.append(path)
        finally:
            os.close(inner)


def _list_file(
    descriptor: int, name: bytes, path: bytes, listing: Listing, kind_of: Callable[[bytes], Kind]
) -> None:
    if names.is_sidecar(name):
        listing.sidecars[path] = file_stat(_stat(descriptor, name), listing.volume)
        return
    kind = kind_of(name)
    if kind != "picture":
        listing.count(kind)
        return
    found = _stat(descriptor, name)
    if stat.S_ISREG(found.st_mode):
        listing.pictures[path] = file_stat(found, listing.volume)
    else:
        listing.count("other")


def _list_link(descriptor: int, name: bytes, path: bytes, listing: Listing) -> None:
    """Links are not followed, since what they name is mirrored where it lies, or not ours.

    A link that leads nowhere, or back to a folder that holds it, is a mistake worth telling.
    """
    try:
        target = os.stat(name, dir_fd=descriptor)
    except OSError as error:
        if error.errno == errno.ELOOP:
            listing.faults[path] = "symbolic link loop"
        elif error.errno == errno.ENOENT:
            listing.faults[path] = "symbolic link to nothing"
        else:
            listing.faults[path] = _reason(error)
        return
    here = os.fstat(descriptor)
    if stat.S_ISDIR(target.st_mode) and _holds(target, here, descriptor):
        listing.faults[path] = "symbolic link loop: it leads to a folder that holds it"
    else:
        listing.count("link")


def _holds(target: os.stat_result, here: os.stat_result, descriptor: int) -> bool:
    """Return whether `target` is `here` or a folder above it."""
    steps = b"."
    while True:
        if (target.st_dev, target.st_ino) == (here.st_dev, here.st_ino):
            return True
        steps += b"/.."
        above = os.stat(steps, dir_fd=descriptor)
        if (above.st_dev, above.st_ino) == (here.st_dev, here.st_ino):
            return False  # the top: it is its own parent
        here = above


def _stat(descriptor: int, name: bytes) -> os.stat_result:
    return os.stat(name, dir_fd=descriptor, follow_symlinks=False)


def file_stat(found: os.stat_result, volume: int) -> FileStat:
    """Return the part of a stat that tells whether a file changed."""
    return FileStat(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, volume)


def _cannot_list(listing: Listing, folder: bytes, error: OSError) -> None:
    listing.unlisted.append(folder)
    listing.faults[folder or b"."] = f"folder cannot be read: {_reason(error)}"


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
