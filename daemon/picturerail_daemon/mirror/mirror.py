"""Carries a plan out: reads files side by side, commits each under its identity.

Order matters for identity: moves known by inode first (all in one transaction, so that
swaps and chains never collide), then files that must be read (which may claim rows whose
file is gone), and deletions last.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import msgspec

from picturerail_daemon.mirror.identity import Registrar
from picturerail_daemon.mirror.listing import Kind, Listing, Scope, list_scopes
from picturerail_daemon.mirror.plan import Known, Move, Place, Plan, Read, make_plan, must_hold
from picturerail_daemon.mirror.reading import (
    RETRY_SECONDS,
    Content,
    Failed,
    FileReader,
    Look,
    NotReady,
    Outcome,
)
from picturerail_daemon.mirror.report import Report
from picturerail_daemon.mirror.sidecars import note_sidecars
from picturerail_native.database import ConflictError, Database, Snapshot
from picturerail_native.records import (
    Failure,
    FileStat,
    ImageRow,
    Table,
    decode_failure,
    encode_record,
    failure_key,
    root_key,
)

Progress = Callable[[int, int], None]
"""Called with (files read, files to read)."""


@dataclass(frozen=True)
class MirrorOptions:
    """How the mirror works; `workers` is the number of files read side by side."""

    settle_seconds: float
    keep_originals: bool
    hold_share: float
    workers: int = max(1, os.cpu_count() or 1)


class Mirror:
    """The one writer of `images` from the folders; used by one thread at a time.

    Args:
        database: open for writing.
        folders: the configured roots: id → absolute path.
        former: roots that left the configuration: id → absolute path.
        look: decodes a file, see `reading.Look`; called from several threads.
        kind_of: what a filename says a file is.
    """

    def __init__(
        self,
        database: Database,
        folders: Mapping[int, bytes],
        former: Mapping[int, bytes],
        look: Look,
        kind_of: Callable[[bytes], Kind],
        options: MirrorOptions,
    ) -> None:
        """Keep what is needed; nothing is read before `examine`."""
        self._database = database
        self._folders = dict(folders)
        self._former = dict(former)
        self._kind_of = kind_of
        self._options = options
        self._postponed: dict[int, float] = {}
        self._read = FileReader(
            database, self._folders, look, options.settle_seconds, options.keep_originals
        )

    def examine(
        self,
        scopes: Mapping[int, list[Scope]] | None = None,
        *,
        accept_deletions: bool = False,
        progress: Progress | None = None,
        stop: threading.Event | None = None,
    ) -> Report:
        """Make the database agree with the folders, or with the given parts of them.

        Stopping early leaves whole pictures behind: what was not done is found again.
        """
        scopes = scopes or {root: [Scope()] for root in self._folders}
        report = Report()
        listings = {
            root: list_scopes(self._folders[root], parts, self._kind_of)
            for root, parts in scopes.items()
            if root in self._folders
        }
        absent = frozenset(root for root, listing in listings.items() if not listing.present)
        registrar = Registrar(self._database, self._folders, self._former, absent)
        with self._database.snapshot() as snapshot:
            disk = _disk(listings)
            rows = _rows(snapshot, listings, scopes)
            failures = _failures(snapshot, listings, scopes)
            plan = make_plan(
                disk,
                {place: Known(row.id, row.stat) for place, row in rows.items()},
                failures,
            )
        report.unchanged = plan.unchanged
        for listing in listings.values():
            for kind, count in listing.left_out.items():
                report.left_out[kind] = report.left_out.get(kind, 0) + count
        report.missing_roots = sorted(absent)

        self._move(plan.moves, report)
        read_ids = self._read_all(plan.reads, registrar, report, progress, stop)
        if stop is None or not stop.is_set():
            self._delete(plan, rows, registrar, accept_deletions, report)
            self._settle_failures(plan, listings, failures, report)
            report.seq = max(
                report.seq,
                note_sidecars(self._database, listings, scopes, fresh=read_ids),
            )
        report.failed |= self._standing(listings, scopes)
        return report

    def _move(self, moves: list[Move], report: Report) -> None:
        if not moves:
            return
        with self._database.snapshot() as snapshot:
            rows = [(move, row) for move in moves if (row := snapshot.get(move.id)) is not None]
        with self._database.begin() as transaction:
            for move, row in rows:
                placed = msgspec.structs.replace(
                    row,
                    root=move.target.root,
                    path=move.target.path,
                    filename=move.target.path.rpartition(b"/")[2],
                    stat=move.stat,
                )
                transaction.update(placed)
        report.moved += len(rows)
        report.seq = transaction.seq

    def _read_all(
        self,
        reads: list[Read],
        registrar: Registrar,
        report: Report,
        progress: Progress | None,
        stop: threading.Event | None,
    ) -> set[int]:
        fresh: set[int] = set()
        for done, outcome in enumerate(self._outcomes(reads, stop), 1):
            match outcome:
                case Content():
                    self._register(outcome, registrar, report, fresh)
                case Failed():
                    report.seq = registrar.record_failure(outcome)
                case NotReady():
                    report.waiting[outcome.read.place] = outcome.seconds
                case _:
                    pass  # gone: the deletions see to its row
            if progress is not None:
                progress(done, len(reads))
        return fresh

    def _outcomes(self, reads: list[Read], stop: threading.Event | None) -> Iterator[Outcome]:
        """Read files side by side, a few ahead of what is being committed."""
        window = 2 * self._options.workers
        upcoming = iter(reads)
        with ThreadPoolExecutor(self._options.workers, "picture") as pool:
            pending: set[Future[Outcome]] = {
                pool.submit(self._read, read) for read in itertools.islice(upcoming, window)
            }
            while pending:
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
                    if (stop is None or not stop.is_set()) and (
                        read := next(upcoming, None)
                    ) is not None:
                        pending.add(pool.submit(self._read, read))

    @staticmethod
    def _register(content: Content, registrar: Registrar, report: Report, fresh: set[int]) -> None:
        try:
            verdict, image_id, seq = registrar.register(content)
        except ConflictError:
            report.waiting[content.read.place] = RETRY_SECONDS
            return
        report.seq = seq
        if content.metadata is not None and verdict in {"added", "changed"}:
            fresh.add(image_id)  # its sidecars were read along
        match verdict:
            case "added":
                report.added += 1
            case "changed":
                report.changed += 1
            case "moved":
                report.moved += 1
            case "unchanged":
                report.unchanged += 1

    def _delete(
        self,
        plan: Plan,
        rows: Mapping[Place, ImageRow],
        registrar: Registrar,
        accept: bool,
        report: Report,
    ) -> None:
        doomed: dict[int, list[ImageRow]] = {}
        with self._database.snapshot() as snapshot:
            for delete in plan.deletes:
                row = snapshot.get(delete.id)
                still = row is not None and not row.deleted
                if row is not None and still and Place(row.root, row.path) == delete.place:
                    doomed.setdefault(row.root, []).append(row)
            remaining = {
                root: sum(1 for _ in snapshot.images_below(root)) - len(gone)
                for root, gone in doomed.items()
            }
        self._postponed = {
            row.id: self._postponed.get(row.id, time.monotonic())
            for gone in doomed.values()
            for row in gone
        }
        accepted: list[ImageRow] = []
        for root, gone in doomed.items():
            if root in registrar.absent:
                report.held[root] = len(gone)
                continue
            truly = [row for row in gone if registrar.has_left(row)]
            if not accept and must_hold(len(truly), remaining[root], self._options.hold_share):
                report.held[root] = len(truly)
            else:
                accepted += truly
        accepted = self._without_postponed(accepted, report)
        if accepted:
            report.seq = registrar.delete(accepted)
            report.deleted += len(accepted)
        for root in registrar.absent - doomed.keys():
            report.held[root] = sum(1 for place in rows if place.root == root)

    def _without_postponed(self, rows: list[ImageRow], report: Report) -> list[ImageRow]:
        """Put deletions off, for a moment, while files wait to be read.

        One of those may be the very picture, copied before it was deleted here: then it has
        moved, and nobody should see it gone in between.
        """
        if not report.waiting:
            return rows
        patience = self._options.settle_seconds + RETRY_SECONDS
        due = time.monotonic() - patience
        for row in rows:
            if self._postponed[row.id] > due:
                report.waiting[Place(row.root, row.path)] = self._options.settle_seconds
        return [row for row in rows if self._postponed[row.id] <= due]

    def _settle_failures(
        self,
        plan: Plan,
        listings: Mapping[int, Listing],
        failures: Mapping[Place, Failure],
        report: Report,
    ) -> None:
        """Record what could not even be listed; forget failures whose file is gone."""
        faults = {
            Place(root, path): reason
            for root, listing in listings.items()
            for path, reason in listing.faults.items()
        }
        new = {
            place: reason
            for place, reason in faults.items()
            if place not in failures or failures[place].reason != reason
        }
        cured = [place for place in plan.cured if place not in faults]
        if not new and not cured:
            return
        with self._database.begin() as transaction:
            for place, reason in new.items():
                key = failure_key(place.root, place.path)
                transaction.put(Table.FAILURES, key, encode_record(Failure(reason)))
            for place in cured:
                transaction.remove(Table.FAILURES, failure_key(place.root, place.path))
        report.seq = transaction.seq

    def _standing(
        self, listings: Mapping[int, Listing], scopes: Mapping[int, list[Scope]]
    ) -> dict[Place, str]:
        with self._database.snapshot() as snapshot:
            failures = _failures(snapshot, listings, scopes)
            return {place: failure.reason for place, failure in failures.items()}


def _disk(listings: Mapping[int, Listing]) -> dict[Place, FileStat]:
    return {
        Place(root, path): found
        for root, listing in listings.items()
        for path, found in listing.pictures.items()
    }


def _covered(path: bytes, listing: Listing, parts: list[Scope]) -> bool:
    """Return whether a listing tells about a path: listed, and not below what it could not read."""
    return any(scope.covers(path) for scope in parts) and not any(
        not folder or path.startswith(folder + b"/") for folder in listing.unlisted
    )


def _rows(
    snapshot: Snapshot, listings: Mapping[int, Listing], scopes: Mapping[int, list[Scope]]
) -> dict[Place, ImageRow]:
    """Return the live rows that the listings tell about.

    A folder that was listed alone but is gone takes everything below it along: its rows
    count too, so that a removed or renamed tree needs no listing of what is not there.
    """
    rows: dict[Place, ImageRow] = {}
    for root, listing in listings.items():
        parts = scopes[root]
        for scope in parts:
            prefix = scope.folder + b"/" if scope.folder else b""
            for row in snapshot.images_below(root, prefix):
                if row.path not in listing.faults and _covered(row.path, listing, parts):
                    rows[Place(root, row.path)] = row
    return rows


def _failures(
    snapshot: Snapshot, listings: Mapping[int, Listing], scopes: Mapping[int, list[Scope]]
) -> dict[Place, Failure]:
    failures: dict[Place, Failure] = {}
    for root, listing in listings.items():
        for key, value in snapshot.records(Table.FAILURES, root_key(root)):
            path = key[4:]
            if _covered(path, listing, scopes[root]) or path in listing.faults:
                failures[Place(root, path)] = decode_failure(value)
    return failures
