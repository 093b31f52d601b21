"""Rows, changes and listings between Python and C: used by `database.py` alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from picturerail_native._database import ffi, lib
from picturerail_native._database_calls import (
    Handle,
    Process,
    call,
    copied,
    is_there,
    room,
    succeed,
)
from picturerail_native.records import Change, FileStat, ImageChange, ImageRow, RecordChange, Table


def row_of(image: Any) -> ImageRow:
    """Copy a C row."""
    stat = image.stat
    # By position: listings make one of these for every row.
    return ImageRow(
        image.id,
        copied(image.filename),
        copied(image.metadata),
        image.root,
        copied(image.path),
        bytes(ffi.buffer(image.content_hash)),
        FileStat(stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode, stat.volume),
        image.seq,
        image.flags & lib.PRDB_HAS_DATA != 0,
        image.data_length,
        image.deleted_ns,
    )


_DONE: int = lib.PRDB_DONE
# Attributes of the module are found faster than those of the library.
_c_get, _c_find_path, _c_find_filename = lib.prdb_get, lib.prdb_find_path, lib.prdb_find_filename
# The header draws rows as arrays of what `ImageRow` has, in its order.
_decode_row = msgspec.msgpack.Decoder(ImageRow).decode
_decode_rows = msgspec.msgpack.Decoder(list[ImageRow]).decode
pack_row: Callable[[ImageRow], bytes] = msgspec.msgpack.Encoder().encode


class LookUps:
    """What a snapshot looks up: single rows, each without a further call in between."""

    _handle: Handle

    def get(self, image_id: int) -> ImageRow | None:
        """Return the row, live or deleted; None if there is none."""
        found, data = room.rows
        handle = self._handle
        pointer = handle.held
        if pointer is None or handle.forks != Process.forks:
            pointer = handle.pointer
        status = _c_get(pointer, image_id, found)
        if status and not is_there(status, found.error):
            return None
        taken = found.length
        if taken > len(data):
            room.grow(taken)
            return self.get(image_id)
        return _decode_row(data[:taken])

    def find_path(self, root: int, path: bytes) -> ImageRow | None:
        """Return the live row at a path; None if there is none."""
        found, data = room.rows
        status = _c_find_path(self._handle.pointer, root, path, len(path), found)
        if status and not is_there(status, found.error):
            return None
        taken = found.length
        if taken > len(data):
            room.grow(taken)
            return self.find_path(root, path)
        return _decode_row(data[:taken])

    def find_filename(self, filename: bytes) -> list[ImageRow]:
        """Return the live rows with exactly this filename, in id order."""
        found, data = room.rows
        handle = self._handle
        pointer = handle.held
        if pointer is None or handle.forks != Process.forks:
            pointer = handle.pointer
        status = _c_find_filename(pointer, filename, len(filename), 0, found)
        if status == _DONE:
            # Mostly these are all.
            return _decode_rows(data[: found.length])
        rows: list[ImageRow] = []
        while True:
            if status > _DONE:
                is_there(status, found.error)
            if found.count or status == _DONE:
                rows += _decode_rows(data[: found.length])
                if status == _DONE:
                    return rows
            else:
                room.grow(found.length)
                found, data = room.rows
            after = rows[-1].id if rows else 0
            status = _c_find_filename(pointer, filename, len(filename), after, found)


def cursor(function: Callable[..., int], *arguments: object) -> Handle:
    """Make a cursor with a C function."""
    return Handle("prdb_cursor", lib.prdb_cursor_close, function, *arguments)


def entries(listing: Handle) -> Iterator[Any]:
    """Yield a cursor's entries; each is valid until the next."""
    entry = ffi.new("prdb_entry *")
    while call(lib.prdb_cursor_next, listing.pointer, entry) == lib.PRDB_OK:
        yield entry


def rows(function: Callable[..., int], *arguments: object) -> Iterator[ImageRow]:
    """Make a cursor over rows and yield them. What is wrong with it is raised at once."""
    return _rows(cursor(function, *arguments))


def _rows(listing: Handle) -> Iterator[ImageRow]:
    while True:
        found, data = room.rows
        status = lib.prdb_cursor_rows(listing.pointer, found)
        if succeed(status, found.error):
            return
        if found.count:
            # All at once, since the consumer may read other rows between two of these.
            yield from _decode_rows(data[: found.length])
        else:
            room.grow(found.length)


def change(entry: Any) -> Change:
    """Return an entry of the feed."""
    deleted = bool(entry.flags & lib.PRDB_DELETED)
    if entry.table == Table.IMAGES:
        return ImageChange(entry.seq, entry.image.id, None if deleted else row_of(entry.image))
    value = None if deleted else copied(entry.value)
    return RecordChange(entry.seq, Table(entry.table), copied(entry.key), value)
