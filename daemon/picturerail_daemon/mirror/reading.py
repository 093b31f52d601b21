"""Reads one file: is it done, what is it, what does it hold. No database is written here."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from picturerail_daemon.failpoints import failpoint
from picturerail_daemon.mirror.listing import file_stat
from picturerail_daemon.mirror.plan import Place, Read
from picturerail_daemon.mirror.readiness import is_being_written, seconds_until_quiet
from picturerail_native.database import BlobWriter, Database, Rows, hash_file
from picturerail_native.records import FileStat, ImageRow, Metadata

RETRY_SECONDS = 1.0
"""When to look again at a file that was being written."""


class UnreadablePicture(Exception):  # noqa: N818  what it says is not an error of the program
    """The bytes are no picture; the message says why, for the user."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The file is not there any more, or no regular file."""

    read: Read


@dataclass(frozen=True, slots=True)
class NotReady:
    """Its writer is not done; look again after so many seconds."""

    read: Read
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """It cannot be mirrored as it is."""

    read: Read
    stat: FileStat
    reason: str


@dataclass(frozen=True, slots=True)
class Content:
    """Its bytes: known ones, or new ones with their metadata and, if kept, a blob writer."""

    read: Read
    stat: FileStat
    content_hash: bytes
    metadata: Metadata | None
    data: BlobWriter | None


Outcome = Gone | NotReady | Failed | Content

Look = Callable[[int, Place, bytes], Metadata]
"""Decodes the open file once: (descriptor, place, content hash) → metadata, with the
renditions stored on the way. Raises UnreadablePicture."""


@dataclass(frozen=True)
class FileReader:
    """Reads files of the roots whose folders are given; used by several threads at once."""

    database: Database
    folders: dict[int, bytes]
    look: Look
    settle_seconds: float
    keep_originals: bool

    def __call__(self, read: Read) -> Outcome:
        """Read a file: stat, hash, decode if the content is new, stat again."""
        wait = seconds_until_quiet(read.stat, self.settle_seconds)
        if wait > 0:
            return NotReady(read, wait)
        try:
            descriptor = open_below(self.folders[read.place.root], read.place.path)
        except FileNotFoundError:
            return Gone(read)
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENOTDIR}:
                return Gone(read)
            return Failed(read, read.stat, f"cannot be opened: {(error.strerror or '').lower()}")
        try:
            return self._read(read, descriptor)
        except OSError as error:
            return Failed(read, read.stat, f"cannot be read: {(error.strerror or '').lower()}")
        finally:
            os.close(descriptor)

    def _read(self, read: Read, descriptor: int) -> Outcome:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            return Gone(read)
        found = file_stat(before, read.stat.volume)
        if read.stat.inode == 0:  # inodes mean nothing where it lies
            found = msgspec.structs.replace(found, inode=0)
        wait = seconds_until_quiet(found, self.settle_seconds)
        if wait > 0 or is_being_written(descriptor):
            return NotReady(read, wait or RETRY_SECONDS)
        if before.st_size == 0:
            return Failed(read, found, "the file is empty")
        content_hash, _ = hash_file(descriptor)
        metadata: Metadata | None = None
        data: BlobWriter | None = None
        try:
            if not self._is_known(content_hash):
                try:
                    metadata = self.look(descriptor, read.place, content_hash)
                except UnreadablePicture as error:
                    if self._changed(descriptor, before):
                        return NotReady(read, RETRY_SECONDS)
                    return Failed(read, found, str(error))
                if self.keep_originals:
                    data = self.database.blob_writer()
                    data.write_file(descriptor)
                    content_hash, _ = data.digest()
                    failpoint("blob-written")
            if self._changed(descriptor, before):
                if data is not None:
                    data.abandon()
                return NotReady(read, RETRY_SECONDS)
        except BaseException:
            if data is not None:
                data.abandon()
            raise
        return Content(read, found, content_hash, metadata, data)

    def _is_known(self, content_hash: bytes) -> bool:
        with self.database.snapshot() as snapshot:
            return any(map(self._suffices, snapshot.find_content(content_hash, Rows.ALL)))

    def _suffices(self, row: ImageRow) -> bool:
        return row.has_data or not self.keep_originals

    @staticmethod
    def _changed(descriptor: int, before: os.stat_result) -> bool:
        """A hash counts only for a file that stayed as it was while it was read."""
        after = os.fstat(descriptor)
        return (after.st_size, after.st_mtime_ns, after.st_ctime_ns) != (
            before.st_size,
            before.st_mtime_ns,
            before.st_ctime_ns,
        )


def open_below(root: bytes, path: bytes) -> int:
    """Open a file below a root for reading, following no link on the way."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        *parts, name = path.split(b"/")
        for part in parts:
            inner = os.open(
                part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder
            )
            os.close(folder)
            folder = inner
        return os.open(
            name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
        )
    finally:
        os.close(folder)
