"""The index follows the database: it takes the feed from where it stands.

Start-up, recovery after a crash and the normal run are this same code. An index that cannot
be used is removed and built again from the database; that is counted, since a rebuild that
nobody asked for would hide a lost update.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from picturerail_daemon.index.rebuilds import count_rebuild
from picturerail_exporter.collection import order_of
from picturerail_exporter.places import NoPlacesError, place_words
from picturerail_native.database import Database, FeedExpiredError, Snapshot
from picturerail_native.fields import FIELDS_VERSION, searched_fields
from picturerail_native.records import (
    Change,
    ImageChange,
    ImageRow,
    Metadata,
    Table,
    decode_neighbours,
    decode_root,
    root_key,
)
from picturerail_native.search import OlderIndexError, RebuildError, Writer, destroy

log = logging.getLogger(__name__)

_MADE_WITH = "vectors-version"
"""The file beside the index that says what its words were made with."""

BATCH = 5_000
"""Changes after which a commit is made at the next transaction's border."""


class Words(Protocol):
    """What the follower asks of the word vectors."""

    @property
    def version(self) -> str:
        """Names the set that neighbours are kept of."""

    @property
    def space(self) -> str:
        """Names the space of the texts' vectors."""

    def encode_picture(
        self, tags: Iterable[tuple[str, float]], caption: str
    ) -> npt.NDArray[np.float32] | None:
        """Return a picture's vector by what is said of it; None where nothing known is."""


class IndexFollower:
    """The one writer of the index; used by one thread at a time.

    Args:
        database: what is followed.
        path: the index's folder; made if there is none.
        words: the word vectors whose neighbours are used, and that give texts their vectors.
        language: of the texts, as the search engine knows it; another than before has the
            index built anew.
    """

    def __init__(
        self, database: Database, path: Path, words: Words, language: str = "english"
    ) -> None:
        """Open the index, building it anew if it is damaged or not this database's."""
        self._database = database
        self._path = path
        self._words = words
        self._language = language
        self._made_with = f"{words.version} {words.space} {FIELDS_VERSION}"
        if language != "english":  # which is not named, as it was not when there was no other
            self._made_with += f" {language}"
        self._places = True
        self._roots: dict[int, str] = {}
        with database.snapshot() as snapshot:
            self._uuid = snapshot.info.uuid
            behind = snapshot.info.seq
        made_with = path / _MADE_WITH
        existed = made_with.exists()
        changed = existed and made_with.read_text() != self._made_with
        try:
            self._writer = Writer(path, self._uuid, language=language)
            if self._writer.seq > behind:
                raise RebuildError("it has seen more than the database holds")
        except RebuildError as error:
            # Another language than before is asked for: that hides nothing.
            asked = changed and isinstance(error, OlderIndexError)
            self._rebuild(f"it cannot be used: {error}", counted=not asked)
        else:
            if not existed:
                self._note_version()
            elif changed:
                self._rebuild("the words that pictures are found by have changed", counted=False)

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
            if version.decode() == self._words.version:
                words = decode_neighbours(change.value).reach if change.value else ()
                self._writer.set_neighbours(tag.decode(), words)
        elif change.table is Table.VECTORS:
            row = snapshot.get(int.from_bytes(change.key[:8], "big"))
            if row is not None and not row.deleted:
                self._put_vector(change.key, change.value or b"")

    def _put(self, row: ImageRow, snapshot: Snapshot) -> None:
        metadata = row.metadata
        fields = searched_fields(
            row.path or row.filename,
            metadata,
            root_name=self._root_name(row.root, snapshot),
            places=self._places_of(metadata),
            south=metadata.gps is not None and metadata.gps[0] < 0,
        )
        self._writer.put(row.id, fields, order=order_of(row, metadata))
        self._put_text_vector(row.id, metadata)
        # The engine forgot the vectors of a picture that comes back from the dead.
        for key, value in snapshot.records(Table.VECTORS, row.id.to_bytes(8, "big")):
            self._put_vector(key, value)

    def _put_vector(self, key: bytes, value: bytes) -> None:
        values = np.frombuffer(value, "<f2").astype(np.float32)
        self._writer.put_vector(int.from_bytes(key[:8], "big"), key[8:].decode(), values.data)

    def _put_text_vector(self, image_id: int, metadata: Metadata) -> None:
        tags = [(tag.name, tag.confidence) for tag in metadata.tags]
        said = bool(tags or metadata.caption)  # else the vectors need not even be loaded
        vector = self._words.encode_picture(tags, metadata.caption) if said else None
        self._writer.put_vector(image_id, self._words.space, () if vector is None else vector.data)

    def _places_of(self, metadata: Metadata) -> tuple[str, ...]:
        if metadata.gps is None or not self._places:
            return ()
        try:
            return place_words(metadata.gps, "exact")
        except NoPlacesError as error:
            log.warning("pictures are not found by where they were taken: %s", error)
            self._places = False
            return ()

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
        self._writer = Writer(self._path, self._uuid, language=self._language)
        self._note_version()

    def _note_version(self) -> None:
        temporary = self._path / f"{_MADE_WITH}.new"
        temporary.write_text(self._made_with)
        temporary.replace(self._path / _MADE_WITH)
