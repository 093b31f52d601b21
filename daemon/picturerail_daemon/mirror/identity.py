"""Decides which row a file's content belongs to, and writes it in one transaction.

A content that lay elsewhere and is gone from there has moved; one that was deleted while it
can still be brought back returns under its old id; one that lies elsewhere too is a copy,
which shares bytes and description.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import msgspec

from picturerail_daemon.failpoints import failpoint
from picturerail_daemon.mirror.plan import Place
from picturerail_daemon.mirror.reading import Content, Failed
from picturerail_native.database import ConflictError, Database, Rows
from picturerail_native.records import (
    Corrections,
    Failure,
    ImageRow,
    Metadata,
    Table,
    encode_metadata,
    encode_record,
    failure_key,
)

Verdict = Literal["added", "changed", "moved", "unchanged"]

MOST_ASKED = 32
"""So many pictures with the same content are asked for on disk beside those known to be gone."""

OWN_WORDS = "sidecar"
"""The describer whose words depend on what lies beside the file, not on its bytes alone."""


@dataclass(frozen=True, slots=True)
class Registered:
    """What a content came to: the row's id, and the transaction.

    `look_at`: its coming displaced another picture, whose file may lie there by now.
    """

    verdict: Verdict
    id: int
    seq: int
    look_at: Place | None = None


@dataclass(frozen=True)
class Registrar:
    """Writes pictures into the database under the right identity.

    `folders` are the roots that are mirrored now; `absent` those that are configured but not
    there at the moment, whose rows have lost nothing. `missing` are the rows whose files this
    look did not find.
    """

    database: Database
    folders: dict[int, bytes]
    former: dict[int, bytes]
    absent: frozenset[int]
    missing: frozenset[int] = frozenset()

    def register(self, content: Content) -> Registered:
        """Write a content and return what it came to.

        Raises:
            ConflictError: a row changed five times while it was being written, which only
                happens when something else is wrong.
        """
        for attempt in range(5):
            try:
                return self._register(content)
            except ConflictError:
                if attempt == 4 or content.data is not None:
                    raise
        raise AssertionError("unreachable")

    def _register(self, content: Content) -> Registered:
        place = content.read.place
        verdict: Verdict
        with self.database.snapshot() as snapshot:
            at_place = snapshot.find_path(place.root, place.path)
            same = snapshot.find_content(content.content_hash, Rows.ALL)
            came = self._came_here(content, at_place, same)
            if came is not None:
                verdict = "added" if came.deleted else "moved"
                row = self._placed(came, content)
            else:
                verdict, row = self._decide(content, at_place, same)
            failure = snapshot.record(Table.FAILURES, failure_key(place.root, place.path))
        with self.database.begin() as transaction:
            if came is not None and at_place is not None:
                # Its own file is elsewhere by now; read there, it is the same picture again.
                transaction.delete(at_place.id, time.time_ns())
            if row.id == 0:
                image_id = transaction.insert(row, content.data)
            else:
                image_id = row.id
                transaction.update(row, content.data)
            if failure is not None:
                transaction.remove(Table.FAILURES, failure_key(place.root, place.path))
        failpoint("registered")
        look_at = Place(came.root, came.path) if came is not None else None
        return Registered(verdict, image_id, transaction.seq, look_at)

    def _came_here(
        self, content: Content, at_place: ImageRow | None, same: list[ImageRow]
    ) -> ImageRow | None:
        """Return the row whose very file this is, if that is not where the row says.

        So pictures that exchanged their names keep their identities, even where only one of
        the two places is being looked at, and even where one was taken for deleted meanwhile.
        """
        inode = (content.stat.volume, content.stat.inode)
        if content.stat.inode == 0:
            return None
        if at_place is not None and at_place.content_hash == content.content_hash:
            return None
        for row in same:
            if (
                (at_place is None or row.id != at_place.id)
                and (row.stat.volume, row.stat.inode) == inode
                and (row.deleted or self._is_elsewhere(row))
            ):
                return row
        return None

    def _is_elsewhere(self, row: ImageRow) -> bool:
        """Return whether a row's place is empty, or another file lies there."""
        if row.root in self.absent or row.root not in self.folders:
            return False
        try:
            found = self._at_place(row)
        except OSError:
            return False
        return found is None or found.st_ino != row.stat.inode

    def _decide(
        self,
        content: Content,
        at_place: ImageRow | None,
        same: list[ImageRow],
    ) -> tuple[Verdict, ImageRow]:
        if at_place is not None:
            if at_place.content_hash == content.content_hash:
                return "unchanged", msgspec.structs.replace(at_place, stat=content.stat)
            row = self._new_row(content, same, at_place)
            return "changed", msgspec.structs.replace(row, seq=at_place.seq)
        live = [row for row in same if not row.deleted]
        gone = [row for row in live if row.id in self.missing]
        others = (row for row in live if row.id not in self.missing)
        for row in (*gone, *islice(others, MOST_ASKED)):
            if self.has_left(row):
                return "moved", self._placed(row, content)
        buried = [row for row in same if row.deleted]
        if buried:
            return "added", self._placed(max(buried, key=lambda row: row.deleted_ns), content)
        return "added", self._new_row(content, same, None)

    def has_left(self, row: ImageRow) -> bool:
        """Return whether a row's file is certainly not where the row says."""
        if row.root in self.absent:
            return False
        try:
            found = self._at_place(row)
        except OSError:
            return False
        return found is None or not stat.S_ISREG(found.st_mode)

    def _at_place(self, row: ImageRow) -> os.stat_result | None:
        """Return the stat of what lies where a row says, None for nothing.

        Raises:
            OSError: that cannot be known now.
        """
        folder = self.folders.get(row.root) or self.former.get(row.root)
        if folder is None:
            raise FileNotFoundError("nobody knows where the root lies")
        try:
            return os.lstat(folder + b"/" + row.path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _placed(self, row: ImageRow, content: Content) -> ImageRow:
        place = content.read.place
        return msgspec.structs.replace(
            row, root=place.root, path=place.path, filename=_filename(place), stat=content.stat
        )

    def _new_row(self, content: Content, same: list[ImageRow], before: ImageRow | None) -> ImageRow:
        """Return a content's own row, or what becomes of the row that had another one before."""
        place = content.read.place
        held = None if before is None else before.metadata
        metadata = msgspec.structs.replace(
            content.metadata or self._shared(same),
            corrections=held.corrections if held else Corrections(),
            revision=held.revision + 1 if held else 0,
        )
        return ImageRow(
            id=before.id if before else 0,
            filename=_filename(place),
            metadata_json=encode_metadata(metadata),
            root=place.root,
            path=place.path,
            content_hash=content.content_hash,
            stat=content.stat,
            has_data=content.data is not None or any(row.has_data for row in same),
        )

    @staticmethod
    def _shared(same: list[ImageRow]) -> Metadata:
        """Return the description of a copy, without the words that lay beside the original."""
        if not same:
            raise ConflictError("the content was purged while it was being written")
        metadata = same[0].metadata
        kept = {k: v for k, v in metadata.descriptions.items() if k != OWN_WORDS}
        return msgspec.structs.replace(metadata, descriptions=kept)

    def record_failure(self, failed: Failed) -> int:
        """Remember why a file could not be read, so that it is tried again once it changes."""
        place, stat = failed.read.place, failed.stat
        failure = Failure(failed.reason, stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode)
        with self.database.begin() as transaction:
            transaction.put(
                Table.FAILURES, failure_key(place.root, place.path), encode_record(failure)
            )
        return transaction.seq

    def delete(self, rows: list[ImageRow]) -> int:
        """Turn rows into tombstones, all at once."""
        now = time.time_ns()
        with self.database.begin() as transaction:
            for row in rows:
                transaction.delete(row.id, now)
        failpoint("deleted")
        return transaction.seq


def _filename(place: Place) -> bytes:
    return place.path.rpartition(b"/")[2]
