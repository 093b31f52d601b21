"""Remembers what each folder looked like when the database last agreed with it.

A folder's signature is a digest of its entries' names and stats. Where it is as it was, none
of its rows need be read: so a look at a whole library costs what listing it costs. The
signatures lie in table `state` beside the rows they speak of, so a store that is restored, or
that a crash took back, never has one without the other. They say nothing of what is below.

A folder is known there, with no signature, before its first picture is written, so that the
pictures of a folder that went away are found by the record alone.
"""

from __future__ import annotations

import hashlib
import marshal
import os
from collections.abc import Iterable, Mapping

import msgspec

from picturerail_native.database import Database, Snapshot
from picturerail_native.records import Table, root_key

PREFIX = b"folder\0"

Entry = tuple[str, os.stat_result]
"""A name and its stat, links not followed."""


class Agreed(msgspec.Struct, frozen=True, array_like=True):
    """How a folder was when rows and files agreed: `signature` is empty if they never did."""

    signature: bytes = b""
    pictures: int = 0
    left_out: dict[str, int] = msgspec.field(default_factory=dict)


_decoder = msgspec.msgpack.Decoder(Agreed)
_encoder = msgspec.msgpack.Encoder()


def folder_of(path: bytes) -> bytes:
    """Return the folder that a path below a root lies in, empty for the root itself."""
    return path.rpartition(b"/")[0]


def signature(entries: list[Entry], volume: int) -> bytes:
    """Return the digest of a folder's entries (without folders), in whatever order they came."""
    parts = sorted(
        [
            (name, s.st_mode, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino)
            for name, s in entries
        ]
    )
    # The key changes with what is taken for a picture, so that every folder is looked at again.
    # Version 2 writes equal values as equal bytes; later ones depend on who else holds them.
    return hashlib.blake2b(
        marshal.dumps(parts, 2), digest_size=16, key=volume.to_bytes(8, "little") + b"\2"
    ).digest()


def recall(snapshot: Snapshot, root: int, folder: bytes, recursive: bool) -> dict[bytes, Agreed]:
    """Return what is remembered of a root's folder, with those below it or alone, by path."""
    start = PREFIX + root_key(root)
    if not recursive:
        value = snapshot.record(Table.STATE, start + folder)
        return {} if value is None else {folder: _decoder.decode(value)}
    found = {}
    for key, value in snapshot.records(Table.STATE, start + folder):
        path = key[len(start) :]
        # A sibling whose name begins like the folder's stands among them too.
        if not folder or path == folder or path.startswith(folder + b"/"):
            found[path] = _decoder.decode(value)
    return found


def remember(
    database: Database,
    new: Mapping[tuple[int, bytes], Agreed],
    gone: Iterable[tuple[int, bytes]] = (),
) -> int:
    """Write how folders are, and forget folders that are gone; return the transaction."""
    with database.begin() as transaction:
        for (root, folder), agreed in new.items():
            key = PREFIX + root_key(root) + folder
            transaction.put(Table.STATE, key, _encoder.encode(agreed))
        for root, folder in gone:
            transaction.remove(Table.STATE, PREFIX + root_key(root) + folder)
    return transaction.seq
