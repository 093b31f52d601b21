"""Notices when a file that tells of a picture (`.xmp`, `.json`, `.txt`) came, changed or went.

What was last seen of each is kept in the table `state`, so that a change while nothing was
running is noticed too. The pictures concerned have their sidecar description marked as
waiting; whoever describes takes it from there.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from picturerail_daemon.mirror.listing import Listing, Scope
from picturerail_daemon.mirror.names import sidecar_stem, sidecars_of
from picturerail_native.database import Database, Snapshot
from picturerail_native.records import (
    Description,
    FileStat,
    ImageRow,
    Table,
    encode_metadata,
    root_key,
    with_description,
)

PREFIX = b"sidecar\0"
_SOURCE = "sidecar"


def note_sidecars(
    database: Database,
    listings: Mapping[int, Listing],
    scopes: Mapping[int, list[Scope]],
    *,
    fresh: set[int],
) -> int:
    """Mark the pictures whose sidecars changed; return the transaction, 0 for none.

    Args:
        database: open for writing.
        listings: what was found, by root.
        scopes: what was listed of each root.
        fresh: rows written in this look, whose sidecars were read along.
    """
    with database.snapshot() as snapshot:
        changed: dict[bytes, bytes | None] = {}
        rows: dict[int, ImageRow] = {}
        for root, listing in listings.items():
            if not listing.present:
                continue
            paths = _changed_sidecars(snapshot, root, listing, scopes[root], changed)
            for path in paths:
                for row in _pictures_beside(snapshot, root, path):
                    if row.id not in fresh and _SOURCE in row.metadata.descriptions:
                        rows[row.id] = row
    if not changed:
        return 0
    with database.begin() as transaction:
        for key, value in changed.items():
            if value is None:
                transaction.remove(Table.STATE, key)
            else:
                transaction.put(Table.STATE, key, value)
        for row in rows.values():
            transaction.update(_waiting(row))
    return transaction.seq


def _changed_sidecars(
    snapshot: Snapshot,
    root: int,
    listing: Listing,
    parts: list[Scope],
    changed: dict[bytes, bytes | None],
) -> list[bytes]:
    prefix = PREFIX + root_key(root)
    seen = {key[len(prefix) :]: value for key, value in snapshot.records(Table.STATE, prefix)}
    found = {path: _signature(stat) for path, stat in listing.sidecars.items()}
    paths: list[bytes] = []
    for path, signature in found.items():
        if seen.get(path) != signature:
            changed[prefix + path] = signature
            paths.append(path)
    for path in seen.keys() - found.keys():
        as_before = path.rpartition(b"/")[0] in listing.as_before
        if not as_before and any(scope.covers(path) for scope in parts):
            changed[prefix + path] = None
            paths.append(path)
    return paths


def _signature(stat: FileStat) -> bytes:
    return b"%d %d %d" % (stat.size, stat.mtime_ns, stat.inode)


def _pictures_beside(snapshot: Snapshot, root: int, path: bytes) -> list[ImageRow]:
    stem = sidecar_stem(path)
    return [
        row
        for row in snapshot.images_inside(root, path.rpartition(b"/")[0])
        if sidecar_stem(row.path) == stem or row.path == path[:-4] or path in sidecars_of(row.path)
    ]


def _waiting(row: ImageRow) -> ImageRow:
    metadata = row.metadata
    held = metadata.descriptions[_SOURCE]
    waiting = Description(held.version, "waiting", "a file beside it that tells of it changed")
    metadata = with_description(metadata, _SOURCE, waiting)
    return msgspec.structs.replace(row, metadata_json=encode_metadata(metadata))
