"""Matches the configured folders with the roots that the database knows."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from picturerail_native.database import Database, Snapshot
from picturerail_native.records import Root, Table, decode_root, encode_record, root_key


@dataclass(frozen=True, slots=True)
class Roots:
    """The known roots by id: absolute paths of those configured and of those no longer so.

    `names` are those of all of them.
    """

    configured: dict[int, bytes]
    former: dict[int, bytes]
    names: dict[int, str]


def known_roots(snapshot: Snapshot) -> dict[int, Root]:
    """Return every root that the database knows."""
    return {
        int.from_bytes(key, "big"): decode_root(value)
        for key, value in snapshot.records(Table.ROOTS)
    }


def ensure_roots(database: Database, folders: Iterable[Path]) -> Roots:
    """Give every configured folder an id, and mark those that left the configuration."""
    with database.snapshot() as snapshot:
        known = known_roots(snapshot)
    by_folder = {root.folder: number for number, root in known.items()}
    wanted = {str(folder) for folder in folders}
    changed: dict[int, Root] = {}
    for number, root in known.items():
        if root.configured != (root.folder in wanted):
            changed[number] = Root(root.name, root.folder, not root.configured)
    names = {root.name for root in known.values()}
    following = max(known, default=0) + 1
    for folder in sorted(wanted - by_folder.keys()):
        name = _unique(Path(folder).name or "root", names)
        names.add(name)
        changed[following] = Root(name, folder)
        following += 1
    if changed:
        with database.begin() as transaction:
            for number, root in changed.items():
                transaction.put(Table.ROOTS, root_key(number), encode_record(root))
    known |= changed
    paths = {number: os.fsencode(root.folder) for number, root in known.items()}
    return Roots(
        {number: path for number, path in paths.items() if known[number].configured},
        {number: path for number, path in paths.items() if not known[number].configured},
        {number: root.name for number, root in known.items()},
    )


def _unique(name: str, taken: set[str]) -> str:
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name} {number}", number + 1
    return candidate
