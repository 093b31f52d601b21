"""Carries a plan out: reads files side by side, commits each under its identity.

Order matters for identity: moves known by inode first (all in one transaction, so that
swaps and chains never collide), then files that must be read (which may claim rows whose
file is gone), and deletions last.
"""

from __future__ import annotations

import itertools
import math
import os
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

import msgspec

from picturerail_daemon.failpoints import failpoint
from picturerail_daemon.mirror import folders, sidecars
from picturerail_daemon.mirror.folders import Agreed, folder_of, recall, remember
from picturerail_daemon.mirror.identity import Registrar
from picturerail_daemon.mirror.listed import (
    VOLUME_PREFIX,
    foreign_roots,
    listed_failures,
    listed_rows,
    on_disk,
    tells_of_folder,
)
from picturerail_daemon.mirror.listing import Arm, Kind, Listing, Rules, Scope, list_scopes
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
from picturerail_daemon.priority import yield_to_others
from picturerail_native.database import ConflictError, Database, Snapshot
from picturerail_native.records import (
    Failure,
    ImageRow,
    Table,
    encode_record,
    failure_key,
    root_key,
)

Progress = Callable[[int, int], None]
"""Called with (files read, files to read)."""

ArmRoot = Callable[[int, bytes, int], None]
"""Called with (root id, folder, its open descriptor) before a folder is listed."""


ROOT_STATES = (folders.PREFIX, sidecars.PREFIX, VOLUME_PREFIX)
"""What table `state` keeps of a root begins with one of these and the root's key."""


@dataclass(frozen=True)
class MirrorOptions:
    """How the mirror works; `workers` is the number of files read side by side."""

    settle_seconds: float
    keep_originals: bool
    hold_share: float
    cross_mounts: bool = False
    workers: int = max(1, os.cpu_count() or 1)


@dataclass(slots=True)
class Examination:
    """A look at some places, carried out step by step, so that several can take turns.

    `done` of `total` files were read; `report` is whole once `step` returned False.
    """

    scopes: dict[int, list[Scope]]
    report: Report = field(default_factory=Report)
    listings: dict[int, Listing] = field(default_factory=dict)
    done: int = 0
    total: int = 0
    steps: Iterator[None] = field(default_factory=lambda: iter(()))
    overtaken: set[tuple[int, bytes]] = field(default_factory=set)
    """Folders that another look signed since this one listed them."""

    def step(self) -> bool:
        """Do a little (the listing; one file); return whether there is more to do."""
        return next(self.steps, self) is not self

    def close(self) -> None:
        """Leave it as it is; what was not done is found by the next look."""
        if isinstance(self.steps, Generator):
            self.steps.close()

    @property
    def left(self) -> int:
        """How many files are still to be read."""
        return self.total - self.done


class Mirror:
    """The one writer of `images` from the folders; used by one thread at a time.

    Args:
        database: open for writing.
        folders: the configured roots: id → absolute path.
        former: roots that left the configuration: id → absolute path.
        look: decodes a file, see `reading.Look`; called from several threads.
        kind_of: what a filename says a file is.
        options: how folders are looked at.
        paired: which of a folder's files another one stands for.
    """

    def __init__(
        self,
        database: Database,
        folders: Mapping[int, bytes],
        former: Mapping[int, bytes],
        look: Look,
        kind_of: Callable[[bytes], Kind],
        options: MirrorOptions,
        paired: Callable[[Iterable[bytes]], set[bytes]] = lambda _names: set(),
    ) -> None:
        """Keep what is needed; nothing is read before `examine`."""
        self._database = database
        self._folders = dict(folders)
        self._former = former
        self._kind_of = kind_of
        self._options = options
        self._paired = paired
        self._postponed: dict[int, float] = {}
        self._queued: set[Place] = set()
        self._under_way: list[Examination] = []
        self._read = FileReader(
            database, self._folders, look, options.settle_seconds, options.keep_originals
        )
        self._pool = ThreadPoolExecutor(options.workers, "picture", yield_to_others)
        self.arm: ArmRoot | None = None

    def close(self) -> None:
        """End the reading threads once they are done with what they are in."""
        self._pool.shutdown(cancel_futures=True)

    def arm_all(self) -> None:
        """Pass through every folder of every root, for `arm` alone."""
        for root, folder in self._folders.items():
            list_scopes(folder, [Scope()], self._rules(root, files=False))

    def _rules(
        self, root: int, agreed: Mapping[bytes, Agreed] | None = None, *, files: bool = True
    ) -> Rules:
        arm: Arm | None = None
        if (arm_root := self.arm) is not None:

            def arm(folder: bytes, descriptor: int) -> None:
                arm_root(root, folder, descriptor)

        cross = self._options.cross_mounts
        return Rules(self._kind_of, arm, cross, files, agreed or {}, self._paired)

    def begin(
        self,
        scopes: Mapping[int, list[Scope]] | None = None,
        *,
        accept_deletions: bool = False,
        stop: threading.Event | None = None,
    ) -> Examination:
        """Make ready to make the database agree with the folders, or with parts of them.

        Nothing is done before the first `step`. Stopping early leaves whole pictures behind:
        what was not done is found again.
        """
        scopes = scopes or {root: [Scope()] for root in self._folders}
        look = Examination({root: p for root, p in scopes.items() if root in self._folders})
        look.steps = self._carry_out(look, accept_deletions, stop)
        return look

    def _carry_out(
        self, look: Examination, accept: bool, stop: threading.Event | None
    ) -> Iterator[None]:
        scopes, report = look.scopes, look.report
        with self._database.snapshot() as snapshot:
            known: dict[int, dict[bytes, Agreed]] = {root: {} for root in scopes}
            for root, parts in scopes.items():
                for part in parts:
                    known[root] |= recall(snapshot, root, part.folder, part.recursive)
        listings = look.listings = {
            root: list_scopes(self._folders[root], parts, self._rules(root, known[root]))
            for root, parts in scopes.items()
        }
        absent = frozenset(root for root, listing in listings.items() if not listing.present)
        registrar = Registrar(self._database, self._folders, dict(self._former), absent)
        with self._database.snapshot() as snapshot:
            rows = listed_rows(snapshot, listings, scopes, known)
            failures = {
                place: failure
                for place, failure in listed_failures(snapshot, listings, scopes).items()
                # What could not even be listed has no stat; it stands for what was in its way.
                if folder_of(place.path) not in listings[place.root].as_before
                or failure.ctime_ns == 0
            }
            foreign = foreign_roots(snapshot, listings)
            plan = make_plan(
                on_disk(listings),
                {place: Known(row.id, row.stat) for place, row in rows.items()},
                failures,
                self._strays(snapshot, listings, registrar),
            )
        registrar = replace(registrar, missing=frozenset(d.id for d in plan.deletes))
        report.unchanged = plan.unchanged
        for listing in listings.values():
            report.unchanged += sum(agreed.pictures for agreed in listing.as_before.values())
            for kind, count in listing.left_out.items():
                report.left_out[kind] = report.left_out.get(kind, 0) + count
        report.missing_roots = sorted(absent)
        report.foreign_roots = sorted(foreign)
        reads = [read for read in plan.reads if read.place not in self._queued]
        elsewhere = {read.place for read in plan.reads} & self._queued
        look.total = len(reads)
        fresh: set[int] = set()
        self._queued.update(read.place for read in reads)
        self._under_way.append(look)
        try:
            self._know(plan, known)
            self._move(plan.moves, report)
            yield
            for look.done, outcome in enumerate(self._outcomes(reads, stop), 1):
                self._unsign(outcome, look)
                self._take(outcome, registrar, report, fresh)
                self._queued.discard(outcome.read.place)
                yield
        finally:
            self._queued.difference_update(read.place for read in reads)
            self._under_way = [other for other in self._under_way if other is not look]
        if stop is None or not stop.is_set():
            doubtful = self._delete(plan, rows, registrar, foreign, accept, report)
            self._settle_failures(plan, listings, failures, report)
            report.seq = max(
                report.seq, note_sidecars(self._database, listings, scopes, fresh=fresh)
            )
            self._adopt_volumes(listings, accept, report)
            self._agree(look, known, elsewhere | doubtful)
        report.failed |= self._standing(listings, scopes)

    def _strays(
        self, snapshot: Snapshot, listings: Mapping[int, Listing], registrar: Registrar
    ) -> dict[Place, Known]:
        """Return the pictures that are not where they were when their folder was configured.

        A library whose folder or mount point was renamed comes back as a new root. Its files
        are the old ones, and need not be read again.
        """
        if not self._former or all(
            next(snapshot.images_below(root), None) is not None or not listing.pictures
            for root, listing in listings.items()
        ):
            return {}
        return {
            Place(root, row.path): Known(row.id, row.stat)
            for root in self._former
            for row in snapshot.images_below(root)
            if registrar.has_left(row)
        }

    def _know(self, plan: Plan, known: Mapping[int, Mapping[bytes, Agreed]]) -> None:
        """Record the folders that are about to hold rows, before they do."""
        places = [*(read.place for read in plan.reads), *(move.target for move in plan.moves)]
        theirs = {(place.root, folder_of(place.path)) for place in places}
        new = {key: Agreed() for key in theirs if key[1] not in known[key[0]]}
        if new:
            remember(self._database, new)

    def _unsign(self, outcome: Outcome, look: Examination) -> None:
        """Forget that a folder agreed with its rows before it is given one that was read earlier.

        A look that listed the folder later may have signed it meanwhile: the file may be gone
        since it was read, and no look would miss it.
        """
        key = (outcome.read.place.root, folder_of(outcome.read.place.path))
        if key in look.overtaken and isinstance(outcome, Content | Failed):
            remember(self._database, {key: Agreed()})
            look.overtaken.discard(key)

    def _agree(
        self,
        look: Examination,
        known: Mapping[int, Mapping[bytes, Agreed]],
        elsewhere: set[Place],
    ) -> None:
        """Sign the folders whose rows now agree with their files; forget those that are gone."""
        report = look.report
        open_places = report.waiting.keys() | elsewhere
        unsettled = {(place.root, folder_of(place.path)) for place in open_places}
        new: dict[tuple[int, bytes], Agreed] = {}
        gone: list[tuple[int, bytes]] = []
        for root, listing in look.listings.items():
            if not listing.present or root in report.held:
                continue
            for folder, agreed in listing.signatures.items():
                before = known[root].get(folder)
                if before is None and not agreed.pictures:
                    continue  # nothing is gained by remembering a folder without pictures
                if (root, folder) not in unsettled and before != agreed:
                    new[root, folder] = agreed
            gone += [
                (root, folder)
                for folder in known[root].keys() - listing.folders
                if tells_of_folder(folder, listing, look.scopes[root])
                and (root, folder) not in unsettled
            ]
        if new or gone:
            report.seq = max(report.seq, remember(self._database, new, gone))
        for other in self._under_way:
            other.overtaken |= new.keys()

    def _adopt_volumes(self, listings: Mapping[int, Listing], accept: bool, report: Report) -> None:
        """Remember which file system each root lies on, once its pictures were found there."""
        with self._database.snapshot() as snapshot:
            new = {
                VOLUME_PREFIX + root_key(root): listing.volume.to_bytes(8, "little")
                for root, listing in listings.items()
                if listing.present and (accept or root not in report.held)
            }
            new = {k: v for k, v in new.items() if snapshot.record(Table.STATE, k) != v}
        if new:
            with self._database.begin() as transaction:
                for key, value in new.items():
                    transaction.put(Table.STATE, key, value)
            report.seq = max(report.seq, transaction.seq)

    def _move(self, moves: list[Move], report: Report) -> None:
        """Write the moves in one transaction, so that swaps and chains never collide.

        A picture that another was renamed over goes in the same transaction; should its file
        turn up elsewhere, it comes back under its id.
        """
        if not moves:
            return
        with self._database.snapshot() as snapshot:
            rows = [(move, row) for move in moves if (row := snapshot.get(move.id)) is not None]
            moving = {row.id for _, row in rows}
            standing = [snapshot.find_path(move.target.root, move.target.path) for move, _ in rows]
        displaced = [row for row in standing if row is not None and row.id not in moving]
        now = time.time_ns()
        with self._database.begin() as transaction:
            for row in displaced:
                transaction.delete(row.id, now)
            for move, row in rows:
                placed = msgspec.structs.replace(
                    row,
                    root=move.target.root,
                    path=move.target.path,
                    filename=move.target.path.rpartition(b"/")[2],
                    stat=move.stat,
                )
                transaction.update(placed)
        failpoint("moved")
        report.moved += len(rows)
        report.deleted += len(displaced)
        report.seq = transaction.seq

    def _take(
        self, outcome: Outcome, registrar: Registrar, report: Report, fresh: set[int]
    ) -> None:
        match outcome:
            case Content():
                self._register(outcome, registrar, report, fresh)
            case Failed():
                report.seq = registrar.record_failure(outcome)
            case NotReady():
                report.waiting[outcome.read.place] = outcome.seconds
            case _:
                pass  # gone: the deletions see to its row

    def _outcomes(self, reads: list[Read], stop: threading.Event | None) -> Iterator[Outcome]:
        """Read files side by side, a few ahead of what is being committed."""
        upcoming = iter(reads)
        pending: set[Future[Outcome]] = {
            self._pool.submit(self._read, read)
            for read in itertools.islice(upcoming, 2 * self._options.workers)
        }
        while pending:
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                yield future.result()
                if stop is not None and stop.is_set():
                    continue
                if (read := next(upcoming, None)) is not None:
                    pending.add(self._pool.submit(self._read, read))

    @staticmethod
    def _register(content: Content, registrar: Registrar, report: Report, fresh: set[int]) -> None:
        try:
            done = registrar.register(content)
        except ConflictError:
            report.waiting[content.read.place] = RETRY_SECONDS
            return
        report.seq = done.seq
        if done.look_at is not None:
            report.waiting[done.look_at] = 0.0
        if content.metadata is not None and done.verdict in {"added", "changed"}:
            fresh.add(done.id)  # its sidecars were read along
        match done.verdict:
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
        foreign: frozenset[int],
        accept: bool,
        report: Report,
    ) -> set[Place]:
        """Delete what is gone; return what a listing lacked though its name still leads to it.

        FUSE and network file systems go on finding a removed name for a moment.
        """
        doubtful: set[Place] = set()
        doomed: dict[int, list[ImageRow]] = {}
        with self._database.snapshot() as snapshot:
            for delete in plan.deletes:
                row = snapshot.get(delete.id)
                still = row is not None and not row.deleted
                if row is not None and still and Place(row.root, row.path) == delete.place:
                    doomed.setdefault(row.root, []).append(row)
            remaining = {
                root: self._remaining(snapshot, root, len(gone)) for root, gone in doomed.items()
            }
        now = time.monotonic()
        for gone in doomed.values():
            for row in gone:
                self._postponed.setdefault(row.id, now)
        accepted: list[ImageRow] = []
        for root, gone in doomed.items():
            if root in registrar.absent:
                report.held[root] = len(gone)
                continue
            truly = [row for row in gone if registrar.has_left(row)]
            left = {row.id for row in truly}
            doubtful |= {Place(row.root, row.path) for row in gone if row.id not in left}
            if not accept and (
                (truly and root in foreign)
                or must_hold(len(truly), remaining[root], self._options.hold_share)
            ):
                report.held[root] = len(truly)
            else:
                accepted += truly
        accepted = self._without_postponed(accepted, report)
        if accepted:
            report.seq = registrar.delete(accepted)
            report.deleted += len(accepted)
        for root in registrar.absent - doomed.keys():
            report.held[root] = sum(1 for place in rows if place.root == root)
        return doubtful

    def _remaining(self, snapshot: Snapshot, root: int, vanished: int) -> int:
        """Count a root's pictures that are still there, no further than `must_hold` asks."""
        share = self._options.hold_share
        enough = None if share == 0 else 2 + math.ceil(vanished / share)
        return sum(1 for _ in itertools.islice(snapshot.images_below(root), enough)) - vanished

    def _without_postponed(self, rows: list[ImageRow], report: Report) -> list[ImageRow]:
        """Put deletions off, for a moment, while files wait to be read.

        One of those may be the very picture, copied before it was deleted here: then it has
        moved, and nobody should see it gone in between.
        """
        if not report.waiting:
            self._postponed.clear()
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
            failures = listed_failures(snapshot, listings, scopes)
            return {place: failure.reason for place, failure in failures.items()}
