"""The index follows the database: it takes the feed from where it stands.

Start-up, recovery after a crash and the normal run are this same code. An index that cannot
be used is removed and built again from the database; that is counted, since a rebuild that
nobody asked for would hide a lost update.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from picturerail_daemon.index.rebuilds import count_rebuild
from picturerail_exporter.collection import order_of
from picturerail_native.database import Database, FeedExpiredError, Snapshot
from picturerail_native.fields import searched_fields
from picturerail_native.records import (
    Change,
    ImageChange,
    ImageRow,
    Table,
    decode_neighbours,
    decode_root,
    root_key,
)
from picturerail_native.search import RebuildError, Writer, destroy

log = logging.getLogger(__name__)

BATCH = 5_000
"""Changes after which a commit is made at the next transaction's border."""


class IndexFollower:
    """The one writer of the index; used by one thread at a time.

    Args:
        database: what is followed.
        path: the index's folder; made if there is none.
        vectors_version: the word vectors whose neighbours are used.
    """

    def __init__(self, database: Database, path: Path, vectors_version: str) -> None:
        """Open the index, building it anew if it is damaged or not this database's."""
        self._database = database
        self._path = path
        self._version = vectors_version
        self._roots: dict[int, str] = {}
        with database.snapshot() as snapshot:
            self._uuid = snapshot.info.uuid
            behind = snapshot.info.seq
        existed = (path / "vectors-version").exists()
        try:
            self._writer = Writer(path, self._uuid)
            if self._writer.seq > behind:
                raise RebuildError("it has seen more than the database holds")
        except RebuildError as error:
            self._rebuild(f"it cannot be used: {error}", counted=True)
        else:
            if not existed:
                self._note_version()
            elif (path / "vectors-version").read_text() != vectors_version:
                self._rebuild("the word vectors were exchanged", counted=False)

    def close(self) -> None:
        """Close the index; what was committed stays."""
        self._writer.close()

    @property
    def seq(self) -> int:
        """The transaction that the index has reached, durably."""
        return self._writer.seq

    def catch_up(self) -> int:
        """Take everything that the database has; return the transaction reached."""
        with self._database.snapshot() as snapshot:
            if self._writer.seq >= snapshot.info.seq:
                return self._writer.seq
            try:
                self._follow(snapshot)
            except FeedExpiredError:
                self._rebuild("it fell behind what the database remembers", counted=True)
                self._follow(snapshot)
            return self._writer.seq

    def compact(self) -> None:
        """Leave nothing of removed pictures in the index's files."""
        self._writer.compact()

    def _follow(self, snapshot: Snapshot) -> None:
        self._roots.clear()
        last, taken = self._writer.seq, 0
        for change in snapshot.changes(last):
            if taken >= BATCH and change.seq > last:
                self._writer.commit(last)
                taken = 0
            self._take(change, snapshot)
            last, taken = change.seq, taken + 1
        self._writer.commit(snapshot.info.seq)

    def _take(self, change: Change, snapshot: Snapshot) -> None:
        if isinstance(change, ImageChange):
            if change.row is None:
                self._writer.remove(change.id)
            else:
                self._put(change.row, snapshot)
        elif change.table is Table.NEIGHBOURS:
            version, _, tag = change.key.partition(b"\0")
            if version.decode() == self._version:
                words = decode_neighbours(change.value).reach if change.value else ()
                self._writer.set_neighbours(tag.decode(), words)
        elif change.table is Table.VECTORS:
            row = snapshot.get(int.from_bytes(change.key[:8], "big"))
            if row is not None and not row.deleted:
                self._put_vector(change.key, change.value or b"")

    def _put(self, row: ImageRow, snapshot: Snapshot) -> None:
        metadata = row.metadata
        fields = searched_fields(
            row.path or row.filename, metadata, root_name=self._root_name(row.root, snapshot)
        )
        self._writer.put(row.id, fields, order=order_of(row, metadata))
        # The engine forgot the vectors of a picture that comes back from the dead.
        for key, value in snapshot.records(Table.VECTORS, row.id.to_bytes(8, "big")):
            self._put_vector(key, value)

    def _put_vector(self, key: bytes, value: bytes) -> None:
        values = np.frombuffer(value, "<f2").astype(np.float32)
        self._writer.put_vector(int.from_bytes(key[:8], "big"), key[8:].decode(), values.data)

    def _root_name(self, root: int, snapshot: Snapshot) -> str:
        if root not in self._roots:
            value = snapshot.record(Table.ROOTS, root_key(root))
            self._roots[root] = decode_root(value).name if value else ""
        return self._roots[root]

    def _rebuild(self, reason: str, *, counted: bool) -> None:
        log.warning("the search index is built anew: %s", reason)
        if counted:
            count_rebuild(self._path)
        if hasattr(self, "_writer"):
            self._writer.close()
        destroy(self._path)
        self._writer = Writer(self._path, self._uuid)
        self._note_version()

    def _note_version(self) -> None:
        temporary = self._path / "vectors-version.new"
        temporary.write_text(self._version)
        temporary.replace(self._path / "vectors-version")
