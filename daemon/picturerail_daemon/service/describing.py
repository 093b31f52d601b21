"""Describes what is not described yet, and finds the neighbours of new tags.

What is to be done is read off the change feed, so nothing is queued that could be lost: a
picture needs a source if the source has said nothing, said it in an older version, or asked
to be asked again. Every answer is a transaction of its own, so a slow source delays none.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import msgspec
import numpy as np

from picturerail_daemon.describe.interface import (
    Answer,
    Describer,
    DescriberUnavailable,
    Subject,
)
from picturerail_daemon.errors import UsageError
from picturerail_daemon.failpoints import failpoint
from picturerail_native.database import (
    ConflictError,
    Database,
    FeedExpiredError,
    NotFoundError,
    Snapshot,
)
from picturerail_native.records import (
    ImageChange,
    ImageRow,
    Metadata,
    Neighbours,
    Table,
    encode_metadata,
    encode_record,
    neighbours_key,
    vector_key,
    with_description,
)

log = logging.getLogger(__name__)

SHORTEST_PAUSE_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 3600.0
"""A source that cannot be asked is asked again after pauses that double from one to the other."""


class WordNeighbours(Protocol):
    """Word vectors: `version` names the set, whatever was asked of it included."""

    version: str

    def neighbours(self, tag: str) -> Sequence[tuple[str, float]]:
        """Return the words nearest to a tag with their similarity, nearest first."""
        ...

    def reach(
        self, tag: str, neighbours: Sequence[tuple[str, float]]
    ) -> Sequence[tuple[str, float]]:
        """Return the words that a query may reach it by, with their weights, heaviest first."""
        ...


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is still to be done: pictures, tags without neighbours, and why it waits."""

    pictures: int
    tags: int
    reason: str = ""

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.pictures == 0 and self.tags == 0


class DescribeQueue:
    """Asks the describers; used by one thread at a time, `backlog` by any.

    Args:
        database: open for writing.
        describers: the configured sources.
        words: gives neighbours; None gives none.
        subject_of: makes a subject of a row.
        may: tells whether a source may be asked about a picture.
    """

    def __init__(
        self,
        database: Database,
        describers: Sequence[Describer],
        words: WordNeighbours | None,
        subject_of: Callable[[ImageRow], Subject],
        may: Callable[[ImageRow, str], bool],
    ) -> None:
        """Read nothing yet; `refresh` does."""
        self._database = database
        self._describers = {describer.name: describer for describer in describers}
        self._words = words
        self._subject_of = subject_of
        self._may = may
        self._seq = 0
        self._pending: dict[str, dict[int, float]] = {name: {} for name in self._describers}
        self._unavailable: dict[str, tuple[float, str]] = {}
        self._pauses: dict[str, float] = {}
        self._tags: set[str] = set()
        self._answered: set[str] | None = None

    def refresh(self) -> None:
        """Read from the feed what there is to do."""
        with self._database.snapshot() as snapshot:
            if self._answered is None:
                version = self._words.version if self._words else ""
                prefix = neighbours_key(version, "")
                records = snapshot.records(Table.NEIGHBOURS, prefix) if self._words else ()
                self._answered = {key[len(prefix) :].decode() for key, _ in records}
            if self._seq == snapshot.info.seq:
                return
            try:
                self._read(snapshot)
            except FeedExpiredError:
                self._seq = 0
                self._read(snapshot)

    def _read(self, snapshot: Snapshot) -> None:
        # From the beginning, `images` is the cheaper list; tombstones need nothing.
        changes = (
            snapshot.changes(self._seq)
            if self._seq
            else (ImageChange(row.seq, row.id, row) for row in snapshot.images())
        )
        for change in changes:
            if isinstance(change, ImageChange):
                self._note(change.id, change.row)
        self._seq = snapshot.info.seq

    def _note(self, image_id: int, row: ImageRow | None) -> None:
        metadata = row.metadata if row is not None else None
        for name, describer in self._describers.items():
            needs = row is not None and metadata is not None and _needs(metadata, describer)
            if needs and row is not None and self._may(row, name):
                self._pending[name].setdefault(image_id, 0.0)
            else:
                self._pending[name].pop(image_id, None)
        if metadata is not None and self._words is not None and self._answered is not None:
            self._tags.update({tag.name for tag in metadata.tags} - self._answered)

    def backlog(self) -> Backlog:
        """Return what was still to be done at the last `refresh`."""
        pictures: set[int] = set().union(*self._pending.values())
        reasons = [reason for _, reason in self._unavailable.values()]
        return Backlog(len(pictures), len(self._tags), "; ".join(reasons))

    def work(
        self,
        stop: threading.Event | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> int:
        """Do what can be done now; return how many answers were given.

        Sources are asked in turn, a batch each, so that a slow one holds up no other.
        `progress` is told now and then (answers given, answers wanted).
        """
        answered = 0
        self.refresh()
        while stop is None or not stop.is_set():
            self._find_neighbours(stop)
            batches = [self._ask(describer) for describer in self._describers.values()]
            answered += sum(batches)
            if progress is not None and answered:
                progress(answered, answered + sum(map(len, self._pending.values())))
            if not any(batches):
                break
            self.refresh()
        return answered

    def seconds_until_retry(self) -> float | None:
        """Return when something that waits may be tried again; None when nothing waits."""
        now = time.monotonic()
        moments = [
            max(moment, self._unavailable.get(name, (0.0, ""))[0])
            for name, pending in self._pending.items()
            for moment in pending.values()
        ]
        return max(0.0, min(moments) - now) if moments else None

    def _ask(self, describer: Describer) -> int:
        now = time.monotonic()
        if self._unavailable.get(describer.name, (0.0, ""))[0] > now:
            return 0
        pending = self._pending[describer.name]
        batch = _newest_and_oldest(pending, now, describer.batch)
        with self._database.snapshot() as snapshot:
            rows = [
                row
                for image_id in batch
                if (row := snapshot.get(image_id)) is not None and not row.deleted
            ]
        for image_id in set(batch) - {row.id for row in rows}:
            pending.pop(image_id)
        if not rows:
            return 0
        try:
            answers = describer.describe([self._subject_of(row) for row in rows])
        except DescriberUnavailable as error:
            reason = f"{describer.name}: {error}"
            if self._unavailable.get(describer.name, (0.0, ""))[1] != reason:
                log.error("%s", reason)
            pause = self._pauses.get(describer.name, SHORTEST_PAUSE_SECONDS / 2) * 2
            self._pauses[describer.name] = min(pause, LONGEST_PAUSE_SECONDS)
            wait = self._pauses[describer.name] if error.seconds is None else error.seconds
            self._unavailable[describer.name] = (now + wait, reason)
            return 0
        self._unavailable.pop(describer.name, None)
        self._pauses.pop(describer.name, None)
        for row, answer in zip(rows, answers, strict=True):
            self._write(row, describer.name, answer)
            if answer.description.state == "waiting":
                pending[row.id] = time.monotonic() + answer.retry_seconds
            else:
                pending.pop(row.id, None)
        return sum(answer.description.state != "waiting" for answer in answers)

    def _write(self, row: ImageRow, source: str, answer: Answer) -> None:
        """Add a source's answer to the row as it stands by now."""
        while True:
            with self._database.snapshot() as snapshot:
                current = snapshot.get(row.id)
            if current is None or current.deleted or current.content_hash != row.content_hash:
                return  # the feed tells what to do about it
            metadata = with_description(current.metadata, source, answer.description)
            if answer.fingerprint:
                metadata = msgspec.structs.replace(metadata, fingerprint=answer.fingerprint)
            try:
                with self._database.begin() as transaction:
                    transaction.update(
                        msgspec.structs.replace(current, metadata_json=encode_metadata(metadata))
                    )
                    for space, vector in answer.vectors.items():
                        value = np.asarray(vector, dtype="<f2").tobytes()
                        transaction.put(Table.VECTORS, vector_key(row.id, space), value)
            except ConflictError:
                continue
            except NotFoundError:
                return  # purged meanwhile
            failpoint("described")
            return

    def _find_neighbours(self, stop: threading.Event | None) -> None:
        if self._words is None or not self._tags or self._answered is None:
            return
        found: dict[str, Neighbours] = {}
        try:
            for tag in sorted(self._tags):
                if stop is not None and stop.is_set():
                    return
                near = tuple(self._words.neighbours(tag))
                found[tag] = Neighbours(near, tuple(self._words.reach(tag, near)))
        except UsageError as error:
            log.error("%s", error)
            self._unavailable["meaning"] = (math.inf, str(error))
            self._words = None
            return
        with self._database.begin() as transaction:
            for tag, neighbours in found.items():
                key = neighbours_key(self._words.version, tag)
                transaction.put(Table.NEIGHBOURS, key, encode_record(neighbours))
        self._answered |= found.keys()
        self._tags -= found.keys()


def _newest_and_oldest(pending: dict[int, float], now: float, size: int) -> list[int]:
    """Choose what to ask for next: half of what came last, half of what has waited longest.

    So a new photo does not wait behind an import, and the import comes to its end.

    Args:
        pending: the moment from which each picture may be asked for, in the order they came.
        now: what is due by then may be chosen.
        size: how many to choose at most.
    """
    newest = (image_id for image_id in reversed(pending) if pending[image_id] <= now)
    chosen = dict.fromkeys(islice(newest, (size + 1) // 2))
    oldest = (
        image_id for image_id, moment in pending.items() if moment <= now and image_id not in chosen
    )
    return [*chosen, *islice(oldest, size - len(chosen))]


def _needs(metadata: Metadata, describer: Describer) -> bool:
    said = metadata.descriptions.get(describer.name)
    return said is None or said.version != describer.version or said.state == "waiting"
