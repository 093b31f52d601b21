"""Pictures' bytes, in and out: used by `database.py`, which is where to import them from."""

from __future__ import annotations

import io
import os
from typing import Any

from picturerail_native._database import ffi, lib
from picturerail_native._database_calls import Handle, InvalidArgumentError, call

_uncleared = ffi.new_allocator(should_clear_after_alloc=False)


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
        room = _uncleared("uint8_t[]", max(0, self.length - self._position))
        return bytes(ffi.buffer(room, self._fill(room)))

    def close(self) -> None:
        """Close; a second call does nothing."""
        # The base class closes also what could not be opened.
        if hasattr(self, "_handle"):
            self._handle.close()
        super().close()


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
    if len(content_hash) != lib.PRDB_HASH_BYTES:
        raise InvalidArgumentError(
            f"a content hash has {lib.PRDB_HASH_BYTES} bytes, not {len(content_hash)}"
        )
    return ffi.from_buffer("uint8_t[]", content_hash)


def _digest(function: Any, source: object) -> tuple[bytes, int]:
    digest, length = ffi.new("uint8_t[32]"), ffi.new("uint64_t *")
    call(function, source, digest, length)
    return bytes(ffi.buffer(digest)), int(length[0])
