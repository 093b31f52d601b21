"""Rows, changes and listings between Python and C: used by `database.py` alone."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

from picturerail_native._database import ffi, lib
from picturerail_native._database_blobs import hash_argument
from picturerail_native._database_calls import Handle, call, copied, is_there, room, text
from picturerail_native.records import Change, FileStat, ImageChange, ImageRow, RecordChange, Table


def image_argument(row: ImageRow) -> tuple[Any, object]:
    """Return the C form of a row, valid until this thread's next, and what must stay alive."""
    kept = text(row.path), text(row.filename), text(row.metadata_json)
    image, stat = room.image, row.stat
    image.id = row.id
    image.seq = row.seq
    image.root = row.root
    image.flags = _HAS_DATA if row.has_data else 0
    image.path, image.filename, image.metadata = kept
    image.stat = (stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode, stat.volume)
    ffi.memmove(image.content_hash, hash_argument(row.content_hash), lib.PRDB_HASH_BYTES)
    return image, kept


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


_PACKED = struct.Struct("<IIQQqQ32sQqqQQIIII")
_FIXED: int = lib.PRDB_PACKED_BYTES
_HAS_DATA: int = lib.PRDB_HAS_DATA
_DONE: int = lib.PRDB_DONE
assert _PACKED.size == _FIXED, "the header draws another row"


_unpack_fixed = _PACKED.unpack_from
# Attributes of the module are found faster than those of the library.
_c_get, _c_find_path, _c_find_filename = lib.prdb_get, lib.prdb_find_path, lib.prdb_find_filename


def _unpack(data: Any, at: int) -> tuple[ImageRow, int]:
    """Return the packed row at `at`, and where the next one begins."""
    (total, flags, image_id, seq, deleted_ns, data_length, digest, size, mtime_ns, ctime_ns,
     inode, volume, root, path, filename, metadata) = _unpack_fixed(data, at)  # fmt: skip
    begin = at + _FIXED
    name = begin + path
    rest = name + filename
    # By position: listings make one of these for every row.
    row = ImageRow(
        image_id,
        data[name:rest],
        data[rest : rest + metadata],
        root,
        data[begin:name],
        digest,
        FileStat(size, mtime_ns, ctime_ns, inode, volume),
        seq,
        flags & _HAS_DATA != 0,
        data_length,
        deleted_ns,
    )
    return row, at + total


def _unpack_all(data: Any, end: int) -> Iterator[ImageRow]:
    at = 0
    while at < end:
        row, at = _unpack(data, at)
        yield row


def get(snapshot: Handle, image_id: int) -> ImageRow | None:
    """Return the row with this id; None if there is none."""
    buffer, capacity, length, error, data = room.rows
    status = _c_get(snapshot.pointer, image_id, buffer, capacity, length, error)
    if status and not is_there(status, error):
        return None
    if length[0] > capacity:
        room.grow(length[0])
        return get(snapshot, image_id)
    return _unpack(data, 0)[0]


def find_path(snapshot: Handle, root: int, path: bytes) -> ImageRow | None:
    """Return the live row at a path; None if there is none."""
    buffer, capacity, length, error, data = room.rows
    status = _c_find_path(snapshot.pointer, root, path, len(path), buffer, capacity, length, error)
    if status and not is_there(status, error):
        return None
    if length[0] > capacity:
        room.grow(length[0])
        return find_path(snapshot, root, path)
    return _unpack(data, 0)[0]


def find_filename(snapshot: Handle, filename: bytes) -> list[ImageRow]:
    """Return all live rows of a filename, in id order."""
    rows: list[ImageRow] = []
    count, after = room.count, 0
    while True:
        buffer, capacity, length, error, data = room.rows
        status = _c_find_filename(
            snapshot.pointer,
            filename,
            len(filename),
            after,
            buffer,
            capacity,
            length,
            count,
            error,
        )
        if status > _DONE:
            is_there(status, error)
        found = count[0]
        if found == 1:
            rows.append(_unpack(data, 0)[0])
        elif found:
            rows += _unpack_all(data, length[0])
        if status == _DONE:
            return rows
        if found:
            after = rows[-1].id
        else:
            room.grow(length[0])


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
        buffer, capacity, length, _, data = room.rows
        count = room.count
        if call(lib.prdb_cursor_rows, listing.pointer, buffer, capacity, length, count):
            return
        if count[0]:
            # Copied, since the consumer may read other rows between two of these.
            copied_rows = data[: length[0]]
            yield from _unpack_all(copied_rows, len(copied_rows))
        else:
            room.grow(length[0])


def change(entry: Any) -> Change:
    """Return an entry of the feed."""
    deleted = bool(entry.flags & lib.PRDB_DELETED)
    if entry.table == Table.IMAGES:
        return ImageChange(entry.seq, entry.image.id, None if deleted else row_of(entry.image))
    value = None if deleted else copied(entry.value)
    return RecordChange(entry.seq, Table(entry.table), copied(entry.key), value)
