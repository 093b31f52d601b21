"""The commands that write, as functions of an open library: one table serves both ways.

A command runs in the daemon when there is one and in the asking process otherwise; either
way it is one of these functions, with arguments and results that JSON can carry.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import msgspec

from picturerail_daemon.errors import NotThereError, PicturerailError, UsageError
from picturerail_daemon.mirror.mirror import ROOT_STATES
from picturerail_daemon.mirror.plan import Place
from picturerail_daemon.mirror.report import Report
from picturerail_daemon.service import views
from picturerail_daemon.service.library import Library, Progress
from picturerail_daemon.service.roots import known_roots
from picturerail_exporter.site import ExportReport
from picturerail_native.database import Rows
from picturerail_native.fields import readable
from picturerail_native.records import (
    Corrections,
    ImageRow,
    Table,
    encode_metadata,
    root_key,
)

Json = dict[str, Any]
Operation = Callable[[Library, Json, Progress], Any]


def sync(library: Library, _arguments: Json, progress: Progress) -> Json:
    """Mirror, describe and index everything; return what the look came to."""
    report = mirror_until_settled(library, progress)
    library.describe(progress)
    library.follow()
    library.collect()
    return sync_json(library, report)


def mirror_until_settled(
    library: Library, progress: Progress, *, accept_deletions: bool = False
) -> Report:
    """Look once at everything, and again at what was still being written a moment ago.

    A file that is being written for long is left for the next look.
    """
    report = library.mirror(progress=progress, accept_deletions=accept_deletions)
    for _ in range(3):
        if not report.waiting:
            break
        time.sleep(min(max(report.waiting.values()), 5.0))
        again = library.mirror(progress=progress, accept_deletions=accept_deletions)
        report = Report(
            added=report.added + again.added,
            changed=report.changed + again.changed,
            moved=report.moved + again.moved,
            deleted=report.deleted + again.deleted,
            # What the looks before this one wrote is as it was by now, and counted there.
            unchanged=again.unchanged - report.added - report.changed - report.moved,
            held=again.held,
            missing_roots=again.missing_roots,
            failed=again.failed,
            waiting=again.waiting,
            left_out=again.left_out,
        )
    return report


def sync_json(library: Library, report: Report) -> Json:
    """Return a report in the command line's shape."""
    with library.database.snapshot() as snapshot:
        roots = known_roots(snapshot)
        seq = snapshot.info.seq

    def shown(place: Place) -> Json:
        return views.path_json(views.absolute_path(roots, place.root, place.path))

    return {
        "added": report.added,
        "changed": report.changed,
        "moved": report.moved,
        "deleted": report.deleted,
        "unchanged": report.unchanged,
        "held": sum(report.held.values()),
        "failed": [
            {**shown(place), "reason": reason} for place, reason in sorted(report.failed.items())
        ],
        "waiting": [shown(place) for place in sorted(report.waiting)],
        "left_out": report.left_out,
        "missing": [roots[root].folder for root in report.missing_roots],
        "undescribed": library.queue.backlog().pictures,
        "waiting_reason": library.queue.backlog().reason,
        "seq": seq,
    }


def export(library: Library, arguments: Json, progress: Progress) -> Json:
    """Bring the site up to date."""
    site = library.settings.export.path
    if arguments["site"] != str(site):
        raise UsageError(
            f"the running daemon exports to {site}, not to {arguments['site']}; "
            "change its configuration and reload it, or stop it"
        )
    report = library.export(full=arguments["full"], dry_run=arguments["dry_run"], progress=progress)
    shown = export_json(report)
    if arguments.get("files"):
        # In the order of an upload that never shows a broken page.
        shown["files"] = {
            "added": list(report.added_files),
            "changed": list(report.changed_files),
            "removed": list(report.removed_files),
        }
    return shown


def export_json(report: ExportReport) -> Json:
    """Return an export's report in the command line's shape."""
    return {
        "site": str(report.site),
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "problems": list(report.problems),
        "unchanged": report.unchanged,
        "seq": report.seq,
        "skipped": [
            {"id": skipped.id, "path": skipped.path, "reason": skipped.reason}
            for skipped in report.skipped
        ],
    }


def tag(library: Library, arguments: Json, _progress: Progress) -> Json:
    """Add and remove words by hand; they outlast every describer."""
    added, removed = arguments["added"], arguments["removed"]

    def change(row: ImageRow) -> ImageRow:
        held = row.metadata.corrections
        plus = _without(held.added, added + removed) + tuple(added)
        minus = _without(held.removed, added + removed) + tuple(removed)
        return _corrected(row, Corrections(plus, minus, held.hidden))

    return _edit(library, arguments["id"], change)


def _without(names: tuple[str, ...], others: list[str]) -> tuple[str, ...]:
    folded = {other.casefold() for other in others}
    return tuple(name for name in names if name.casefold() not in folded)


def hide(library: Library, arguments: Json, _progress: Progress) -> Json:
    """Take a picture off the site, or put it back."""

    def change(row: ImageRow) -> ImageRow:
        corrections = row.metadata.corrections
        return _corrected(row, msgspec.structs.replace(corrections, hidden=arguments["hidden"]))

    return _edit(library, arguments["id"], change)


def _corrected(row: ImageRow, corrections: Corrections) -> ImageRow:
    metadata = msgspec.structs.replace(row.metadata, corrections=corrections)
    return msgspec.structs.replace(row, metadata_json=encode_metadata(metadata))


def _edit(library: Library, image_id: int, change: Callable[[ImageRow], ImageRow]) -> Json:
    library.edit(image_id, change)
    library.describe_unless_busy()
    library.follow()
    with library.database.snapshot() as snapshot:
        return views.record(snapshot, views.find(snapshot, str(image_id)))


def purge(library: Library, arguments: Json, _progress: Progress) -> Json:
    """Delete a picture truly; one whose file still lies in its folder would come back."""
    with library.database.snapshot() as snapshot:
        row = views.find(snapshot, str(arguments["id"]), deleted=True)
        roots = known_roots(snapshot)
        path = views.absolute_path(roots, row.root, row.path)
    if not row.deleted and os.path.lexists(path):
        raise PicturerailError(
            f"{row.id}: its file is still there and would be mirrored again: "
            f"{readable(path)}; delete the file first, or `hide` the picture"
        )
    seq = library.purge([row.id])
    return {"purged": [row.id], "seq": seq}


def forget(library: Library, arguments: Json, _progress: Progress) -> Json:
    """Delete truly all that came from a folder that left the configuration."""
    folder = arguments["folder"]
    with library.database.snapshot() as snapshot:
        roots = known_roots(snapshot)
        matching = [number for number, root in roots.items() if folder in {root.folder, root.name}]
        if not matching:
            names = ", ".join(root.folder for root in roots.values()) or "none"
            raise NotThereError(f"{folder}: nothing is mirrored from this folder; known: {names}")
        number = matching[0]
        if roots[number].configured:
            raise UsageError(
                f"{folder}: the folder is still in `library.folders`; take it out there first"
            )
        ids = [row.id for row in snapshot.images(rows=Rows.ALL) if row.root == number]
        failures = [key for key, _ in snapshot.records(Table.FAILURES, root_key(number))]
        states = [
            key
            for prefix in ROOT_STATES
            for key, _ in snapshot.records(Table.STATE, prefix + root_key(number))
        ]
    seq = library.purge(ids) if ids else 0
    with library.database.begin() as transaction:
        for key in failures:
            transaction.remove(Table.FAILURES, key)
        for key in states:
            transaction.remove(Table.STATE, key)
        transaction.remove(Table.ROOTS, root_key(number))
    library.roots.former.pop(number, None)
    library.follow()
    return {"purged": ids, "seq": max(seq, transaction.seq)}


def accept_deletions(library: Library, _arguments: Json, progress: Progress) -> Json:
    """Carry out the deletions that were held because too many pictures vanished at once."""
    report = mirror_until_settled(library, progress, accept_deletions=True)
    library.follow()
    return sync_json(library, report)


OPERATIONS: dict[str, Operation] = {
    "sync": sync,
    "export": export,
    "tag": tag,
    "hide": hide,
    "purge": purge,
    "forget": forget,
    "accept-deletions": accept_deletions,
}
"""Every writing command by the name that travels over the socket."""

LOOKING = frozenset({"sync", "accept-deletions"})
"""Those that look at the folders themselves."""
