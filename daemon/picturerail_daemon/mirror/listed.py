"""What the database holds of the places that a look has listed. Nothing is written here."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from picturerail_daemon.mirror.folders import Agreed
from picturerail_daemon.mirror.listing import Listing, Scope
from picturerail_daemon.mirror.plan import Place
from picturerail_native.database import Snapshot
from picturerail_native.records import (
    Failure,
    FileStat,
    ImageRow,
    Table,
    decode_failure,
    root_key,
)

VOLUME_PREFIX = b"volume\0"
"""Where table `state` keeps the file system that a root was last seen on, by the root's id."""


def on_disk(listings: Mapping[int, Listing]) -> dict[Place, FileStat]:
    """Return every picture file that was listed, but for those of folders that are as before."""
    return {
        Place(root, path): found
        for root, listing in listings.items()
        for path, found in listing.pictures.items()
    }


def foreign_roots(snapshot: Snapshot, listings: Mapping[int, Listing]) -> frozenset[int]:
    """Return the roots that lie on another file system than when they were last looked at."""
    foreign = set()
    for root, listing in listings.items():
        known = snapshot.record(Table.STATE, VOLUME_PREFIX + root_key(root))
        if listing.present and known and int.from_bytes(known, "little") != listing.volume:
            foreign.add(root)
    return frozenset(foreign)


def tells_of(path: bytes, listing: Listing, parts: list[Scope]) -> bool:
    """Return whether a listing tells about a path: listed, and not below what it could not read."""
    return any(scope.covers(path) for scope in parts) and not any(
        not folder or path.startswith(folder + b"/") for folder in listing.unlisted
    )


def tells_of_folder(folder: bytes, listing: Listing, parts: list[Scope]) -> bool:
    """Return whether a listing tells about what lies directly in a folder."""
    return tells_of(folder + b"/file" if folder else b"file", listing, parts)


def listed_rows(
    snapshot: Snapshot,
    listings: Mapping[int, Listing],
    scopes: Mapping[int, list[Scope]],
    known: Mapping[int, Mapping[bytes, Agreed]],
) -> dict[Place, ImageRow]:
    """Return the live rows that the listings tell about, but for folders that are as before.

    Where no folder changed and none is gone, no row is read.
    """
    rows: dict[Place, ImageRow] = {}
    for root, listing in listings.items():
        parts = scopes[root]
        changed = {
            folder
            for folder in (listing.folders | known[root].keys()) - listing.as_before.keys()
            if tells_of_folder(folder, listing, parts)
        }
        if not listing.present or not known[root]:
            held = (
                snapshot.images_below(root, part.folder + b"/" if part.folder else b"")
                for part in parts
            )
        else:
            held = (snapshot.images_inside(root, folder) for folder in changed)
        for row in itertools.chain.from_iterable(held):
            if row.path not in listing.faults and tells_of(row.path, listing, parts):
                rows[Place(root, row.path)] = row
    return rows


def listed_failures(
    snapshot: Snapshot, listings: Mapping[int, Listing], scopes: Mapping[int, list[Scope]]
) -> dict[Place, Failure]:
    """Return the recorded failures that the listings tell about."""
    failures: dict[Place, Failure] = {}
    for root, listing in listings.items():
        for key, value in snapshot.records(Table.FAILURES, root_key(root)):
            path = key[4:]
            if tells_of(path, listing, scopes[root]) or path in listing.faults:
                failures[Place(root, path)] = decode_failure(value)
    return failures
