"""Reads what lies in a watched folder: names and stats, no contents.

Folders are opened relative to each other without following links, so nothing outside the
root is ever read, and every name is bytes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from picturerail_daemon.filesystems import file_system_of, is_remote, volume_of
from picturerail_daemon.mirror import names
from picturerail_daemon.mirror.folders import Agreed, Entry, signature
from picturerail_native.records import FileStat

Kind = Literal["picture", "video", "raw", "other"]

Arm = Callable[[bytes, int], None]
"""Called with each folder, relative to the root, and its open descriptor before it is read;
whoever watches it from then on misses nothing."""


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
    `volume` is the root's own file system. `as_before` are folders whose entries are just as
    they were when the database agreed with them; of those nothing else is told. `signatures` are
    those of the others, where they can have one.
    """

    present: bool = True
    volume: int = 0
    pictures: dict[bytes, FileStat] = field(default_factory=dict)
    sidecars: dict[bytes, FileStat] = field(default_factory=dict)
    faults: dict[bytes, str] = field(default_factory=dict)
    unlisted: list[bytes] = field(default_factory=list)
    folders: set[bytes] = field(default_factory=set)
    left_out: dict[str, int] = field(default_factory=dict)
    as_before: dict[bytes, Agreed] = field(default_factory=dict)
    signatures: dict[bytes, Agreed] = field(default_factory=dict)

    def count(self, kind: str) -> None:
        """Count one entry that is left out."""
        self.left_out[kind] = self.left_out.get(kind, 0) + 1


@dataclass(frozen=True, slots=True)
class Rules:
    """How folders are listed.

    Args:
        kind_of: what a filename says a file is.
        arm: told of each folder before it is read.
        cross_mounts: whether file systems mounted below a root belong to it.
        files: False passes through the folders only, as `arm` needs it and nothing more.
        agreed: how folders were when the database agreed with them.
        paired: which of a folder's files another one stands for, as a JPEG does for its RAW file.
    """

    kind_of: Callable[[bytes], Kind]
    arm: Arm | None = None
    cross_mounts: bool = False
    files: bool = True
    agreed: Mapping[bytes, Agreed] = field(default_factory=dict)
    paired: Callable[[Iterable[bytes]], set[bytes]] = lambda _names: set()


@dataclass(frozen=True, slots=True)
class _Volume:
    """A file system: its device number of now, its identity, and whether inodes mean anything."""

    device: int
    identity: int
    inodes: bool

    @classmethod
    def of(cls, descriptor: int) -> _Volume:
        kind = file_system_of(os.fsencode(f"/proc/self/fd/{descriptor}"))
        return cls(os.fstat(descriptor).st_dev, volume_of(descriptor), not is_remote(kind))

    def stat(self, found: os.stat_result) -> FileStat:
        stat = file_stat(found, self.identity)
        return stat if self.inodes else msgspec.structs.replace(stat, inode=0)


def list_scopes(root: bytes, scopes: list[Scope], rules: Rules) -> Listing:
    """List the given scopes of a root; overlapping ones are listed once each.

    Args:
        root: the root's absolute path.
        scopes: what to list.
        rules: how.
    """
    listing = Listing()
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        listing.present = False
        return listing
    try:
        volume = _Volume.of(descriptor)
        listing.volume = volume.identity
        for scope in scopes:
            with _opened(descriptor, scope.folder, listing) as folder:
                if folder is None:
                    continue
                if os.fstat(folder).st_dev != volume.device:
                    if not rules.cross_mounts:
                        _leave_out_mount(listing, scope.folder)
                        continue
                    inner = _Volume.of(folder)
                else:
                    inner = volume
                _list(folder, scope.folder, scope.recursive, inner, listing, rules)
    finally:
        os.close(descriptor)
    return listing


@contextlib.contextmanager
def _opened(root: int, folder: bytes, listing: Listing) -> Iterator[int | None]:
    """Open a folder part by part, so that no link on the way is followed."""
    current = os.dup(root)
    try:
        for part in folder.split(b"/") if folder else ():
            if names.is_skipped_folder(part):
                yield None
                return
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
    volume: _Volume,
    listing: Listing,
    rules: Rules,
) -> None:
    listing.folders.add(folder)
    if rules.arm is not None:
        rules.arm(folder, descriptor)
    below: list[bytes] = []
    entries: list[Entry] = []
    links = False
    try:
        with os.scandir(descriptor) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    name = os.fsencode(entry.name)
                    if not names.is_skipped_folder(name):
                        below.append(name)
                elif rules.files:
                    try:
                        entries.append((entry.name, entry.stat(follow_symlinks=False)))
                    except FileNotFoundError:
                        continue  # gone since: the next look will find it gone
                    except OSError as error:
                        path = os.fsencode(entry.name)
                        listing.faults[folder + b"/" + path if folder else path] = _reason(error)
                        links = True
                    else:
                        links = links or entry.is_symlink()
    except OSError as error:
        _cannot_list(listing, folder, error)
        return
    if rules.files:
        _take_files(descriptor, folder, entries, links, volume, listing, rules)
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
            if os.fstat(inner).st_dev == volume.device:
                _list(inner, path, True, volume, listing, rules)
            elif rules.cross_mounts:
                _list(inner, path, True, _Volume.of(inner), listing, rules)
            else:
                _leave_out_mount(listing, path)
        finally:
            os.close(inner)


def _leave_out_mount(listing: Listing, path: bytes) -> None:
    """What is mounted below a root is not looked at, and what it hides is left as it is."""
    listing.count("mount")
    listing.unlisted.append(path)


def _take_files(
    descriptor: int,
    folder: bytes,
    entries: list[Entry],
    links: bool,
    volume: _Volume,
    listing: Listing,
    rules: Rules,
) -> None:
    """Note a folder's files, or that they are all as they were.

    Where a link lies, what it leads to may change without a trace here, so such a folder has
    no signature.
    """
    digest = b""
    if not links:
        digest = signature(entries, volume.identity)
        before = rules.agreed.get(folder)
        if before is not None and before.signature == digest:
            listing.as_before[folder] = before
            for kind, count in before.left_out.items():
                listing.left_out[kind] = listing.left_out.get(kind, 0) + count
            return
    counted = dict(listing.left_out)
    pictures = len(listing.pictures)
    paired = rules.paired(
        os.fsencode(text) for text, found in entries if stat.S_ISREG(found.st_mode)
    )
    for text, found in entries:
        name = os.fsencode(text)
        if name in paired:
            listing.count("raw")
            continue
        path = folder + b"/" + name if folder else name
        try:
            if stat.S_ISLNK(found.st_mode):
                _list_link(descriptor, name, path, listing)
            elif not names.is_temporary(name):
                _list_file(name, path, found, volume, listing, rules)
        except FileNotFoundError:
            continue
        except OSError as error:
            listing.faults[path] = _reason(error)
    if digest:
        listing.signatures[folder] = Agreed(
            digest,
            len(listing.pictures) - pictures,
            {
                kind: count - counted.get(kind, 0)
                for kind, count in listing.left_out.items()
                if count != counted.get(kind, 0)
            },
        )


def _list_file(
    name: bytes,
    path: bytes,
    found: os.stat_result,
    volume: _Volume,
    listing: Listing,
    rules: Rules,
) -> None:
    if names.is_sidecar(name):
        listing.sidecars[path] = volume.stat(found)
        return
    kind = rules.kind_of(name)
    if kind != "picture":
        listing.count(kind)
    elif stat.S_ISREG(found.st_mode):
        listing.pictures[path] = volume.stat(found)
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


def file_stat(found: os.stat_result, volume: int) -> FileStat:
    """Return the part of a stat that tells whether a file changed."""
    return FileStat(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, volume)


def _cannot_list(listing: Listing, folder: bytes, error: OSError) -> None:
    listing.unlisted.append(folder)
    listing.faults[folder or b"."] = f"folder cannot be read: {_reason(error)}"


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
