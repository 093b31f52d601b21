"""The photo database: durable transactions, consistent snapshots, a change feed.

Every method releases the interpreter's lock while the engine works. A `Database` may be used
by any number of threads at once, a `Snapshot` too; transactions, blobs and blob writers
belong to one thread at a time. What was opened before a fork raises `ClosedError` in the child.

Errors::

    DatabaseError
    ├── NotFoundError          no such store, row, key or stored bytes
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
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from picturerail_native._database import ffi, lib
from picturerail_native._database_archives import read_archive, write_archive
from picturerail_native._database_blobs import (
    Blob,
    BlobReads,
    BlobWriter,
    hash_argument,
    hash_file,
    view_blob,
)
from picturerail_native._database_calls import (
    ClosedError,
    ConflictError,
    CorruptError,
    DatabaseError,
    FeedExpiredError,
    Handle,
    InternalError,
    InvalidArgumentError,
    LockedError,
    NotFoundError,
    OutcomeUnknownError,
    PoisonedError,
    Process,
    ReadOnlyError,
    StorageError,
    StorageFullError,
    UnsupportedFormatError,
    call,
    copied,
    room,
    succeed,
    text,
)
from picturerail_native._database_rows import (
    LookUps,
    change,
    cursor,
    entries,
    pack_row,
)
from picturerail_native._database_rows import (
    rows as listed_rows,
)
from picturerail_native.records import Change, ImageRow, Table

__all__ = [
    "Blob",
    "BlobWriter",
    "ClosedError",
    "ConflictError",
    "CorruptError",
    "Database",
    "DatabaseError",
    "FeedExpiredError",
    "Info",
    "InternalError",
    "InvalidArgumentError",
    "LockedError",
    "Mode",
    "NotFoundError",
    "OutcomeUnknownError",
    "PoisonedError",
    "Problem",
    "ReadOnlyError",
    "Rows",
    "Snapshot",
    "StorageError",
    "StorageFullError",
    "Transaction",
    "UnsupportedFormatError",
    "check",
    "hash_file",
    "restore",
    "salvage",
]


Bytes = BlobWriter | bytes | bytearray | memoryview
"""A picture's bytes: written to the store already, or in memory."""


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
    dead_bytes: int
    format: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault that `check` found: where and what."""

    where: str
    what: str


class Database:
    """An open store. A context manager that closes it."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        mode: Mode = Mode.READ,
        *,
        force: bool = False,
        cache_bytes: int = 0,
    ) -> None:
        """Open the store in the folder `path`; recovery is part of opening.

        A network file system is refused unless `force` is set: locks and syncs may not hold.
        What was read stays in memory up to `cache_bytes`; 0 stands for 64 MiB.
        """
        how = int(mode) | (lib.PRDB_FORCE if force else 0)
        self._handle = Handle(
            "prdb_store", lib.prdb_close, lib.prdb_open, os.fsencode(path), how, cache_bytes
        )
        # Transactions that are over, to be filled anew.
        self._idle: list[Handle] = []

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Close; snapshots made from it stay valid. A second call does nothing.

        Calls that other threads are in come to their end first.
        """
        self._handle.close()
        self._idle.clear()

    def snapshot(self) -> Snapshot:
        """Pin the newest durable state."""
        return Snapshot(self._handle)

    def begin(self) -> Transaction:
        """Begin a transaction; used as a context manager it commits unless an error passes."""
        return Transaction(self._handle, self._idle)

    def blob_writer(self) -> BlobWriter:
        """Begin to store bytes that a transaction will name."""
        return BlobWriter(self._handle)

    def checkpoint(self) -> None:
        """Put what only the log holds into sorted files now; it happens by itself in time."""
        call(lib.prdb_checkpoint, self._handle.pointer)

    def purge(self, ids: Sequence[int]) -> int:
        """Delete rows and the bytes only they have, truly and at once; return the seq."""
        seq = ffi.new("uint64_t *")
        call(lib.prdb_purge, self._handle.pointer, ffi.new("uint64_t[]", ids), len(ids), seq)
        return int(seq[0])

    def collect(self, before_ns: int) -> int:
        """Forget what was deleted or replaced before `before_ns`; return the bytes freed."""
        freed = ffi.new("uint64_t *")
        call(lib.prdb_collect, self._handle.pointer, before_ns, freed)
        return int(freed[0])


class Snapshot(LookUps, BlobReads):
    """An immutable view of the store at one transaction. A context manager."""

    info: Info

    def __init__(self, store: Handle) -> None:
        """Use `Database.snapshot`."""
        self._handle = Handle(
            "prdb_snapshot", lib.prdb_snapshot_close, lib.prdb_snapshot_open, store.pointer
        )
        info = ffi.new("prdb_info *")
        call(lib.prdb_snapshot_info, self._handle.pointer, info)
        self.info = Info(
            uuid=bytes(ffi.buffer(info.uuid)),
            seq=info.seq,
            live=info.live,
            deleted=info.deleted,
            blobs=info.blobs,
            blob_bytes=info.blob_bytes,
            disk_bytes=info.disk_bytes,
            dead_bytes=info.dead_bytes,
            format=info.format,
        )

    def __enter__(self) -> Self:
        """Return the snapshot itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Give the state up; blobs and iterators made from it stay valid."""
        self._handle.close()

    def find_content(self, content_hash: bytes, rows: Rows = Rows.LIVE) -> list[ImageRow]:
        """Return the rows with this content, in id order."""
        return list(
            listed_rows(
                lib.prdb_find_content, self._handle.pointer, hash_argument(content_hash), int(rows)
            )
        )

    def images(self, after: int = 0, rows: Rows = Rows.LIVE) -> Iterator[ImageRow]:
        """Yield the rows with a greater id than `after`, in id order."""
        return listed_rows(lib.prdb_images, self._handle.pointer, after, int(rows))

    def versions(self, image_id: int = 0) -> Iterator[ImageRow]:
        """Yield what one picture, or each, was before other bytes took its own ones' place.

        By id and transaction (`seq`); `deleted_ns` is when they did. `open_blob` has the bytes.
        """
        return listed_rows(lib.prdb_versions, self._handle.pointer, image_id)

    def images_below(self, root: int, prefix: bytes = b"") -> Iterator[ImageRow]:
        """Yield the live rows of a root whose path begins with `prefix`, in path order."""
        return listed_rows(lib.prdb_images_below, self._handle.pointer, root, text(prefix))

    def images_inside(self, root: int, folder: bytes = b"") -> Iterator[ImageRow]:
        """Yield the live rows directly in a root's folder (empty: the root), in path order."""
        prefix = folder + b"/" if folder else b""
        return listed_rows(lib.prdb_images_inside, self._handle.pointer, root, text(prefix))

    def records(self, table: Table, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) of a table other than `IMAGES`, in key order."""
        listing = cursor(lib.prdb_records, self._handle.pointer, int(table), text(prefix))
        return ((copied(entry.key), copied(entry.value)) for entry in entries(listing))

    def record(self, table: Table, key: bytes) -> bytes | None:
        """Return one record's value."""
        # The key itself comes first among those that begin with it.
        first = next(self.records(table, key), None)
        return first[1] if first is not None and first[0] == key else None

    def changes(self, since: int) -> Iterator[Change]:
        """Yield the latest state of everything changed after transaction `since`, in order.

        `since` 0 yields everything and never expires.

        Raises:
            FeedExpiredError: the feed no longer reaches back so far.
        """
        listing = cursor(lib.prdb_changes, self._handle.pointer, since)
        return map(change, entries(listing))

    def open_blob(self, content_hash: bytes) -> Blob:
        """Open stored bytes for reading, in ranges."""
        return Blob(self._handle, content_hash)

    def view_blob(self, content_hash: bytes) -> memoryview:
        """Return stored bytes where they are, read-only: in the store's files, mapped into memory.

        They stay readable while the view lives, whatever becomes of snapshot, store and files,
        also in a forked child. What a store of format 3 or older keeps in pieces, as it did above
        1 MiB, is a copy. A disk that fails under a view ends the process: where that may not be,
        use `read_blob`, which raises an error.
        """
        return view_blob(self._handle, content_hash)

    def backup(self, path: str | os.PathLike[str], *, links: bool = False) -> None:
        """Copy this state to a new or empty folder, durably.

        With `links` files that never change again are hard links where the file system allows
        it: that takes no space, but is no second copy.
        """
        call(lib.prdb_backup, self._handle.pointer, os.fsencode(path), int(links))

    def archive(self, file: BinaryIO, scratch: str | os.PathLike[str]) -> None:
        """Write this state to a file as a compressed archive, front to back.

        `scratch` is a folder on the store's disk; for a while hard links to its files lie there.
        """
        with tempfile.TemporaryDirectory(prefix="backup-", dir=scratch) as folder:
            self.backup(folder, links=True)
            write_archive(Path(folder), file)


class Transaction:
    """Changes that become durable together or not at all.

    A context manager: leaving it commits, unless an error passes through. After that `seq`
    is the transaction's number.
    """

    seq: int

    def __init__(self, store: Handle, idle: list[Handle]) -> None:
        """Use `Database.begin`."""
        pointer = store.pointer
        try:
            # Where a write has failed the engine is to say whether one may begin.
            self._handle = _begun(pointer) if Process.failures else idle.pop()
        except IndexError:
            self._handle = _begun(pointer)
        self._idle = idle

    def __enter__(self) -> Self:
        """Return the transaction itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commit, or roll back if an error passes."""
        if kind is None:
            self.commit()
        else:
            self.rollback()

    def insert(self, row: ImageRow, data: Bytes | None = None) -> int:
        """Add a row (its id and seq are ignored) and return its new id.

        With `data` the row's bytes and content hash are that, or what was written there;
        without it and with `row.has_data` it shares what is stored under its content hash.
        """
        source, length, writer = _brought(data)
        packed = pack_row(row)
        image_id, error = room.number
        pointer = self._handle.pointer
        status = _c_insert(pointer, packed, len(packed), source, length, writer, image_id, error)
        if status:
            succeed(status, error)
        return int(image_id[0])

    def update(self, row: ImageRow, data: Bytes | None = None) -> None:
        """Replace a row wholly; a deleted one is live again.

        Where `row.seq` is not 0, the commit raises ConflictError unless the row is still at
        that transaction.
        """
        source, length, writer = _brought(data)
        packed = pack_row(row)
        pointer = self._handle.pointer
        call(lib.prdb_update, pointer, packed, len(packed), source, length, writer)

    def delete(self, image_id: int, when_ns: int) -> None:
        """Turn a live row into a tombstone."""
        call(lib.prdb_delete, self._handle.pointer, image_id, when_ns)

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        """Set a record of a table other than `IMAGES`."""
        call(lib.prdb_put, self._handle.pointer, int(table), text(key), text(value))

    def remove(self, table: Table, key: bytes) -> None:
        """Remove a record; one that is not there is no error."""
        call(lib.prdb_remove, self._handle.pointer, int(table), text(key))

    def commit(self) -> int:
        """Make the changes durable and return the transaction's number."""
        handle, self._handle = self._handle, _ENDED
        seq, error = room.number
        status = _c_commit(handle.pointer, seq, error)
        if status:
            succeed(status, error)
        self.seq = seq[0]
        self._idle.append(handle)
        return self.seq

    def rollback(self) -> None:
        """Forget the changes; one that is over is left as it is."""
        handle, self._handle = self._handle, _ENDED
        # In a forked child it is the parent's.
        if handle.held is not None and handle.forks == Process.forks:
            lib.prdb_rollback(handle.held)
            self._idle.append(handle)


_NULL = ffi.NULL
_c_insert, _c_commit = lib.prdb_insert, lib.prdb_commit
_ENDED = Handle.ended("prdb_transaction")


def _begun(store: Any) -> Handle:
    return Handle("prdb_transaction", lib.prdb_transaction_close, lib.prdb_begin, store)


def _brought(data: Bytes | None) -> tuple[Any, int, Any]:
    """Return bytes with their length, and a writer, as the engine takes what a row brings."""
    if data is None:
        return _NULL, 0, _NULL
    if isinstance(data, BlobWriter):
        return _NULL, 0, data.consume()
    source = data if isinstance(data, bytes) else ffi.from_buffer("uint8_t[]", data)
    return source, len(source), _NULL


def check(
    path: str | os.PathLike[str], *, deep: bool = False, quick: bool = False
) -> list[Problem]:
    """Verify every checksum of a store; no problem means that it is sound.

    `quick` looks only at what opening relies on; `deep` also compares rows and indexes both
    ways, counts and space, and all stored bytes with the hashes that name them.
    """
    level = lib.PRDB_CHECK_QUICK if quick else lib.PRDB_CHECK_FULL
    listing = cursor(lib.prdb_check, os.fsencode(path), lib.PRDB_CHECK_DEEP if deep else level)
    return _problems(listing)


def salvage(
    source: str | os.PathLike[str], path: str | os.PathLike[str], metadata_json: bytes
) -> list[Problem]:
    """Make a store at a new or empty folder of all that can be read of a damaged one.

    The damaged store is only read. Returns what is lost. A row whose metadata is lost gets
    `metadata_json` and a stat of zeros, one whose bytes are lost is kept without them.
    """
    listing = cursor(lib.prdb_salvage, os.fsencode(source), os.fsencode(path), text(metadata_json))
    return _problems(listing)


def _problems(listing: Handle) -> list[Problem]:
    return [
        Problem(copied(entry.key).decode(), copied(entry.value).decode())
        for entry in entries(listing)
    ]


def restore(backup: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Make a store at a new or empty folder from a backup; its uuid is new.

    `backup` is a folder, or a file that `Snapshot.archive` wrote, which is unpacked beside `path`
    meanwhile.
    """
    if not Path(backup).is_file():
        call(lib.prdb_restore, os.fsencode(backup), os.fsencode(path))
        return
    with (
        Path(backup).open("rb") as file,
        tempfile.TemporaryDirectory(prefix="restore-", dir=Path(path).parent) as folder,
    ):
        read_archive(file, Path(folder))
        call(lib.prdb_restore, os.fsencode(folder), os.fsencode(path))
