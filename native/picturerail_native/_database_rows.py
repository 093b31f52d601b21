"""Rows, changes and listings between Python and C: used by `database.py` alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from picturerail_native._database import ffi, lib
from picturerail_native._database_blobs import hash_argument
from picturerail_native._database_calls import Handle, call, copied, text
from picturerail_native.records import Change, FileStat, ImageChange, ImageRow, RecordChange, Table


def image_argument(row: ImageRow) -> tuple[Any, object]:
    """Return the C form of a row, and what must stay alive as long as it is used."""
    kept = text(row.path), text(row.filename), text(row.metadata_json)
    stat = row.stat
    image = ffi.new(
        "prdb_image *",
        {
            "id": row.id,
            "seq": row.seq,
            "root": row.root,
            "flags": lib.PRDB_HAS_DATA if row.has_data else 0,
            "path": kept[0],
            "filename": kept[1],
            "metadata": kept[2],
            "stat": (stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode, stat.volume),
        },
    )
    image.content_hash[0 : lib.PRDB_HASH_BYTES] = hash_argument(row.content_hash)
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


def taken(image: Any, row: Any) -> ImageRow:
    """Copy a row out of the C row that owns it, and free that."""
    try:
        return row_of(image)
    finally:
        lib.prdb_row_free(row[0])


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
    listing = cursor(function, *arguments)
    return (row_of(entry.image) for entry in entries(listing))


def change(entry: Any) -> Change:
    """Return an entry of the feed."""
    deleted = bool(entry.flags & lib.PRDB_DELETED)
    if entry.table == Table.IMAGES:
        return ImageChange(entry.seq, entry.image.id, None if deleted else row_of(entry.image))
    value = None if deleted else copied(entry.value)
    return RecordChange(entry.seq, Table(entry.table), copied(entry.key), value)
