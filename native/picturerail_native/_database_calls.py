"""Calling the database's C interface: errors become exceptions, handles end by themselves.

Used by `database.py` alone, whose docstring draws the error tree.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from picturerail_native._database import ffi, lib


class DatabaseError(Exception):
    """The database refused or failed; the message names the file or row and the reason."""


class NotFoundError(DatabaseError):
    """There is no such store, row, key or stored bytes."""


class InvalidArgumentError(DatabaseError):
    """An argument breaks a documented rule."""


class StorageError(DatabaseError):
    """The operating system refused a read or write."""


class StorageFullError(StorageError):
    """No space is left; nothing was written."""


class PoisonedError(StorageError):
    """An earlier write failed: close the store and open it again."""


class OutcomeUnknownError(StorageError):
    """The sync failed: committed or not, ask after reopening."""


class CorruptError(DatabaseError):
    """Bytes on disk are not what was written; the message names file and offset."""


class LockedError(DatabaseError):
    """Another process has the store open for writing."""

    def __init__(self, message: str, pid: int) -> None:
        """Keep the writer's process id."""
        super().__init__(message)
        self.pid = pid


class UnsupportedFormatError(DatabaseError):
    """The store is newer than this program."""


class FeedExpiredError(DatabaseError):
    """The feed no longer reaches back so far: rebuild."""


class ReadOnlyError(DatabaseError):
    """The store was opened for reading."""


class ClosedError(DatabaseError):
    """The store, or what was used of it, was closed meanwhile."""


class ConflictError(DatabaseError):
    """A row changed since it was read: read again and redo."""


class InternalError(DatabaseError):
    """A defect of the engine."""


_ERRORS: dict[int, type[DatabaseError]] = {
    lib.PRDB_NOT_FOUND: NotFoundError,
    lib.PRDB_INVALID: InvalidArgumentError,
    lib.PRDB_IO: StorageError,
    lib.PRDB_CORRUPT: CorruptError,
    lib.PRDB_FULL: StorageFullError,
    lib.PRDB_POISONED: PoisonedError,
    lib.PRDB_OUTCOME_UNKNOWN: OutcomeUnknownError,
    lib.PRDB_UNSUPPORTED: UnsupportedFormatError,
    lib.PRDB_EXPIRED: FeedExpiredError,
    lib.PRDB_READ_ONLY: ReadOnlyError,
    lib.PRDB_CLOSED: ClosedError,
    lib.PRDB_CONFLICT: ConflictError,
    lib.PRDB_INTERNAL: InternalError,
}

if lib.prdb_abi_version() != lib.PRDB_ABI_VERSION:
    raise ImportError("the database's library and its binding are of different versions")


# Attributes of the module are found faster than those of the library.
_OK, _DONE, _NOT_FOUND = lib.PRDB_OK, lib.PRDB_DONE, lib.PRDB_NOT_FOUND


class Room(threading.local):
    """What a thread's calls write into, made once."""

    def __init__(self) -> None:
        """Make it for this thread."""
        self._found = ffi.new("prdb_room *")
        self.error = ffi.addressof(self._found, "error")
        self.number = (ffi.new("uint64_t *"), self.error)
        """A number to be told, and the error; together, as `rows` are."""
        self.blob = (ffi.new("size_t *"), ctypes.c_ssize_t(), self.error)
        """A length to be told, one to be passed, and the error."""
        self.grow(1 << 16)

    def grow(self, capacity: int) -> None:
        """Make room for rows of `capacity` bytes.

        `rows` is the C structure with the buffer's bytes, together, as looking up a thread's own
        attributes costs more than a small call.
        """
        self._buffer = ffi.new("uint8_t[]", capacity)
        self._found.buffer, self._found.capacity = self._buffer, capacity
        self.rows = (self._found, ffi.buffer(self._buffer))


room = Room()


def call(function: Callable[..., int], *arguments: object) -> int:
    """Call a C function with an error to fill; return PRDB_OK or PRDB_DONE."""
    error = room.error
    status = function(*arguments, error)
    return succeed(status, error) if status else status


def succeed(status: int, error: Any) -> int:
    """Return PRDB_OK or PRDB_DONE; raise what else came of a call."""
    if status > _DONE:
        raise _exception(status, error)
    return status


def is_there(status: int, error: Any) -> bool:
    """Return whether what was looked up is there; raise what else went wrong."""
    if status == _OK:
        return True
    if status == _NOT_FOUND:
        return False
    raise _exception(status, error)


def _exception(status: int, error: Any) -> DatabaseError:
    message = ffi.string(error.message).decode("utf-8", "replace")
    if status in (lib.PRDB_POISONED, lib.PRDB_OUTCOME_UNKNOWN):
        Process.failures += 1
    if status == lib.PRDB_LOCKED:
        return LockedError(message, error.pid)
    return _ERRORS.get(status, InternalError)(message)


def text(data: bytes) -> Any:
    """Return `data` as a C `prdb_bytes`; it stays valid while the result lives."""
    return ffi.from_buffer("uint8_t[]", data), len(data)


def copied(value: Any) -> bytes:
    """Return the bytes of a C `prdb_bytes`."""
    length = value.length
    return bytes(ffi.buffer(value.data, length)) if length else b""


class Process:
    """Counts what has happened to this process that concerns handles."""

    forks = 0
    """Forks between the first process and this one."""
    failures = 0
    """Calls that told of a write that has failed."""


def _count_fork() -> None:
    Process.forks += 1


os.register_at_fork(after_in_child=_count_fork)


def _end(function: Callable[[Any], None], forks: int, pointer: Any) -> None:
    # In a forked child the handle belongs to the parent, whose locks may be held for ever.
    if forks == Process.forks:
        function(pointer)


class Handle:
    """A C handle that is ended once it is closed and the last call with it has returned.

    A call holds the pointer while it runs, so closing from another thread never takes it away.
    """

    __slots__ = ("_what", "forks", "held")

    forks: int
    """In which process it was made."""
    held: Any
    """The C pointer; None once it was given up. To be had by `pointer`, or where a property costs
    too much by looking at both of these as that does."""

    def __init__(
        self, what: str, end: Callable[[Any], None], make: Callable[..., int], *arguments: object
    ) -> None:
        """Make the handle with a C function whose last result is the pointer to it."""
        out = ffi.new(f"{what} **")
        call(make, *arguments, out)
        self.forks = Process.forks
        self._what = what
        self.held = ffi.gc(out[0], partial(_end, end, self.forks))

    @classmethod
    def ended(cls, what: str) -> Handle:
        """Return a handle of a kind that was given up already."""
        handle = cls.__new__(cls)
        handle.forks, handle._what, handle.held = 0, what, None
        return handle

    @property
    def pointer(self) -> Any:
        """The C pointer, for one call.

        Raises:
            ClosedError: it was closed, or belongs to the process that this one was forked from.
        """
        pointer = self.held
        if pointer is None:
            raise ClosedError(f"the {self._what.removeprefix('prdb_')} was closed")
        if self.forks != Process.forks:
            raise ClosedError("the store was opened before a fork: open it in this process")
        return pointer

    def close(self) -> None:
        """Give it up; a second call does nothing."""
        self.held = None

    def consume(self) -> Any:
        """Return the pointer for a call that ends the handle itself."""
        pointer = self.pointer
        self.held = None
        ffi.gc(pointer, None)
        return pointer
