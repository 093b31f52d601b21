"""Pictures' bytes, in and out: used by `database.py`, which is where to import them from."""

from __future__ import annotations

import ctypes
import io
import os
from functools import partial
from typing import Any

from picturerail_native._database import ffi, lib
from picturerail_native._database_calls import (
    Handle,
    InvalidArgumentError,
    Process,
    call,
    room,
    succeed,
)

# Bytes that are not cleared first, to be filled before anybody else has them: the one way to make
# such an object without a further copy, and one that Python's C interface documents. What is passed
# has its C type already, as finding that out takes longer than the call.
_uncleared = ctypes.pythonapi.PyBytes_FromStringAndSize
_uncleared.restype = ctypes.py_object

_HASH_BYTES: int = lib.PRDB_HASH_BYTES
_c_copy = lib.prdb_blob_copy
_SHORT = 4096
"""Bytes that are rather copied twice than asked for twice."""


class Blob(io.RawIOBase):
    """Stored bytes as a seekable, read-only binary file; every read is verified."""

    length: int

    def __init__(self, snapshot: Handle, content_hash: bytes) -> None:
        """Use `Snapshot.open_blob`."""
        super().__init__()
        length = ffi.new("uint64_t *")

        def make(pointer: object, digest: object, out: object, error: object) -> int:
            return lib.prdb_blob_open(pointer, digest, out, length, error)

        self._handle = Handle(
            "prdb_blob", lib.prdb_blob_close, make, snapshot.pointer, hash_argument(content_hash)
        )
        self.length = length[0]
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position, also past the end; return it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.length}
        if whence not in base or base[whence] + offset < 0:
            raise ValueError(f"cannot seek to {offset} from {whence}")
        self._position = base[whence] + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a writable buffer from the position; return the number of bytes read."""
        return self._fill(ffi.from_buffer("uint8_t[]", buffer, require_writable=True))

    def _fill(self, room: Any) -> int:
        if self.closed:
            raise ValueError("the blob is closed")
        count = ffi.new("size_t *")
        pointer = self._handle.pointer
        call(lib.prdb_blob_read, pointer, self._position, room, len(room), count)
        self._position += count[0]
        return int(count[0])

    def readall(self) -> bytes:
        """Return everything from the position to the end."""
        data: bytes = _uncleared(None, ctypes.c_ssize_t(max(0, self.length - self._position)))
        count = self._fill(ffi.from_buffer("uint8_t[]", data))
        return data[:count]

    def close(self) -> None:
        """Close; a second call does nothing."""
        # The base class closes also what could not be opened.
        if hasattr(self, "_handle"):
            self._handle.close()
        super().close()


class BlobReads:
    """How a snapshot hands out stored bytes whole, by copy; without a further call in between."""

    _handle: Handle

    def read_blob(self, content_hash: bytes, length: int | None = None) -> bytes:
        """Return stored bytes, as a copy; sooner where a row's `data_length` is given."""
        taken, size, error = room.blob
        handle = self._handle
        pointer = handle.held
        if pointer is None or handle.forks != Process.forks:
            pointer = handle.pointer
        digest: Any = content_hash
        if type(content_hash) is not bytes or len(content_hash) != _HASH_BYTES:
            digest = hash_argument(content_hash)
        if length is None or length <= _SHORT:
            found, data = room.rows
            call(_c_copy, pointer, digest, found.buffer, _SHORT, taken)
            length = taken[0]
            if length <= _SHORT:
                short: bytes = data[:length]
                return short
        size.value = length
        whole: bytes = _uncleared(None, size)
        status = _c_copy(pointer, digest, whole, length, taken, error)
        if status:
            succeed(status, error)
        # Bytes under a hash never change, so what is asked for once more is as long as was told.
        return whole if taken[0] == length else self.read_blob(content_hash, taken[0])


def view_blob(snapshot: Handle, content_hash: bytes) -> memoryview:
    """Return the stored bytes of a content hash where they are."""
    shown = ffi.new("prdb_bytes *")

    def make(pointer: object, digest: object, out: object, error: object) -> int:
        return lib.prdb_blob_view(pointer, digest, out, shown, error)

    digest = hash_argument(content_hash)
    view = Handle("prdb_view", lib.prdb_view_close, make, snapshot.pointer, digest)
    # The memoryview keeps the buffer, that the pointer, and that, as what ends it, the view.
    data = ffi.gc(shown.data, partial(_let_go, view))
    return memoryview(ffi.buffer(data, shown.length)).toreadonly()


def _let_go(view: Handle, _: object) -> None:
    view.close()


class BlobWriter:
    """Takes bytes; nothing of them is kept unless a transaction names this writer."""

    def __init__(self, store: Handle) -> None:
        """Use `Database.blob_writer`."""
        self._handle = Handle(
            "prdb_blob_writer", lib.prdb_blob_abandon, lib.prdb_blob_begin, store.pointer
        )

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append bytes."""
        source = ffi.from_buffer("uint8_t[]", data)
        call(lib.prdb_blob_write, self._handle.pointer, source, len(source))
        return len(source)

    def write_file(self, fd: int) -> None:
        """Append everything in an open file, from its start, in bounded memory."""
        call(lib.prdb_blob_write_file, self._handle.pointer, fd)

    def digest(self) -> tuple[bytes, int]:
        """Return the content hash and length of what was written so far."""
        return _digest(lib.prdb_blob_hash, self._handle.pointer)

    def abandon(self) -> None:
        """Give the bytes up."""
        self._handle.close()

    def consume(self) -> Any:
        """Return the C pointer for the call that takes the bytes over."""
        return self._handle.consume()


def hash_file(fd: int) -> tuple[bytes, int]:
    """Return the content hash and length of an open file, read from its start."""
    return _digest(lib.prdb_hash_file, fd)


def hash_argument(content_hash: bytes) -> Any:
    """Return a content hash as a C function takes it."""
    if len(content_hash) != _HASH_BYTES:
        raise InvalidArgumentError(
            f"a content hash has {_HASH_BYTES} bytes, not {len(content_hash)}"
        )
    return (
        content_hash if type(content_hash) is bytes else ffi.from_buffer("uint8_t[]", content_hash)
    )


def _digest(function: Any, source: object) -> tuple[bytes, int]:
    digest, length = ffi.new("uint8_t[32]"), ffi.new("uint64_t *")
    call(function, source, digest, length)
    return bytes(ffi.buffer(digest)), int(length[0])
