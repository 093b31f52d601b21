"""The photo database: durable transactions, consistent snapshots, a change feed.

Every method releases the interpreter's lock while the engine works. A `Database` may be used
by any number of threads at once, a `Snapshot` too; transactions, blobs and blob writers
belong to one thread at a time.

Errors::

    DatabaseError
    ├── NotFoundError          no such row, key or stored bytes
    ├── InvalidArgumentError   an argument breaks a documented rule
    ├── StorageError           the operating system refused a read or write
    │   ├── StorageFullError   no space left; nothing was written
    │   ├── PoisonedError      an earlier write failed: close and open again
    │   └── OutcomeUnknownError  the sync failed: committed or not, ask after reopening
    ├── CorruptError           bytes on disk are not what was written
    ├── LockedError            another process writes; `pid` says which
    ├── UnsupportedFormatError the store is newer than this program
    ├── FeedExpiredError       the feed no longer reaches back so far: rebuild
    ├── ReadOnlyError          the store was opened for reading
    ├── ClosedError            the store was closed meanwhile
    ├── ConflictError          a row changed since it was read: read again and redo
    └── InternalError          a defect of the engine
"""

from __future__ import annotations

import enum
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from picturerail_native.records import Change, ImageRow, Table


class DatabaseError(Exception):
    """The database refused or failed; the message names the file or row and the reason."""


class LockedError(DatabaseError):
    """Another process has the store open for writing."""

    def __init__(self, message: str, pid: int) -> None:
        """Keep the writer's process id."""
        super().__init__(message)
        self.pid = pid


class Mode(enum.IntEnum):
    """How to open a store."""

    READ = 0
    WRITE = 1
    CREATE = 2


class Rows(enum.IntFlag):
    """Which rows a listing yields."""

    LIVE = 1
    DELETED = 2
    ALL = 3


@dataclass(frozen=True, slots=True)
class Info:
    """A snapshot's counts; see `prdb_info` in the C header."""

    uuid: bytes
    seq: int
    live: int
    deleted: int
    blobs: int
    blob_bytes: int
    disk_bytes: int
    format: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault that `check` found: where and what."""

    where: str
    what: str


class Database:
    """An open store. A context manager that closes it."""

    def __init__(self, path: str | os.PathLike[str], mode: Mode = Mode.READ) -> None:
        """Open the store in the folder `path`; recovery is part of opening."""
        raise NotImplementedError

    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None: ...
    def close(self) -> None:
        """Close; snapshots made from it stay valid. A second call does nothing."""

    def snapshot(self) -> Snapshot:
        """Pin the newest durable state."""

    def begin(self) -> Transaction:
        """Begin a transaction; used as a context manager it commits unless an error passes."""

    def blob_writer(self) -> BlobWriter:
        """Begin to store bytes that a transaction will name."""

    def purge(self, ids: Sequence[int]) -> int:
        """Delete rows and the bytes only they have, truly and at once; return the seq."""

    def collect(self, before_ns: int) -> int:
        """Forget tombstones older than `before_ns`, reclaim space; return the bytes freed."""


class Snapshot:
    """An immutable view of the store at one transaction. A context manager."""

    info: Info

    def close(self) -> None: ...
    def get(self, image_id: int) -> ImageRow | None:
        """Return the row, live or deleted."""

    def find_path(self, root: int, path: bytes) -> ImageRow | None:
        """Return the live row at a path."""

    def find_filename(self, filename: bytes) -> list[ImageRow]:
        """Return the live rows with exactly this filename, in id order."""

    def find_content(self, content_hash: bytes, rows: Rows = Rows.LIVE) -> list[ImageRow]:
        """Return the rows with this content, in id order."""

    def images(self, after: int = 0, rows: Rows = Rows.LIVE) -> Iterator[ImageRow]:
        """Yield the rows with a greater id than `after`, in id order."""

    def images_below(self, root: int, prefix: bytes = b"") -> Iterator[ImageRow]:
        """Yield the live rows of a root whose path begins with `prefix`, in path order."""

    def records(self, table: Table, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) of a table other than `IMAGES`, in key order."""

    def record(self, table: Table, key: bytes) -> bytes | None:
        """Return one record's value."""

    def changes(self, since: int) -> Iterator[Change]:
        """Yield the latest state of everything changed after transaction `since`, in order.

        Raises:
            FeedExpiredError: the feed no longer reaches back so far.
        """

    def open_blob(self, content_hash: bytes) -> Blob:
        """Open stored bytes for reading."""

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Copy this state to a new or empty folder, durably."""


class Blob(io.RawIOBase):
    """Stored bytes as a seekable, read-only binary file; every read is verified."""

    length: int


class BlobWriter:
    """Takes bytes; nothing of them is kept unless a transaction names this writer."""

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append bytes."""

    def write_file(self, fd: int) -> None:
        """Append everything in an open file, from its start, in bounded memory."""

    def digest(self) -> tuple[bytes, int]:
        """Return the content hash and length of what was written so far."""

    def abandon(self) -> None:
        """Give the bytes up."""


class Transaction:
    """Changes that become durable together or not at all.

    A context manager: leaving it commits, unless an error passes through. After that `seq`
    is the transaction's number.
    """

    seq: int

    def insert(self, row: ImageRow, data: BlobWriter | None = None) -> int:
        """Add a row (its id and seq are ignored) and return its new id.

        With `data` the row's bytes and content hash are what was written there; without it
        and with `row.has_data` it shares what is stored under its content hash.
        """

    def update(self, row: ImageRow, data: BlobWriter | None = None) -> None:
        """Replace a row wholly; a deleted one is live again.

        Where `row.seq` is not 0, the commit raises ConflictError unless the row is still at
        that transaction.
        """

    def delete(self, image_id: int, when_ns: int) -> None:
        """Turn a live row into a tombstone."""

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        """Set a record of a table other than `IMAGES`."""

    def remove(self, table: Table, key: bytes) -> None:
        """Remove a record; one that is not there is no error."""

    def commit(self) -> int:
        """Make the changes durable and return the transaction's number."""

    def rollback(self) -> None:
        """Forget the changes."""


def hash_file(fd: int) -> tuple[bytes, int]:
    """Return the content hash and length of an open file, read from its start."""


def check(path: str | os.PathLike[str], *, deep: bool = False) -> list[Problem]:
    """Verify a store; no problem means that it is sound."""


def restore(backup: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Make a store at a new or empty folder from a backup; its uuid is new."""
