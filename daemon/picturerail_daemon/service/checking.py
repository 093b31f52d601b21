"""Verifies what is on disk: database, index and site against each other, and originals."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from picturerail_config.settings import Export
from picturerail_daemon.errors import PicturerailError
from picturerail_daemon.mirror.reading import open_below
from picturerail_daemon.priority import DESCRIBING, yield_to_others
from picturerail_daemon.service import views
from picturerail_daemon.service.places import Layout
from picturerail_daemon.service.reading import reading
from picturerail_daemon.service.roots import known_roots
from picturerail_daemon.service.site_options import site_rules
from picturerail_exporter.check import check_site
from picturerail_exporter.theme import Theme
from picturerail_native import database, search
from picturerail_native.records import ImageChange, Metadata, encode_metadata

Problem = dict[str, str]


@dataclass(slots=True)
class Pace:
    """Keeps reading below a rate, by resting after each file for as long as it is ahead."""

    bytes_per_second: float
    begun: float = field(default_factory=time.monotonic)
    spent: int = 0

    def spend(self, amount: int) -> None:
        """Count bytes that are about to be read; rest first if they would come too early."""
        early = self.begun + self.spent / self.bytes_per_second - time.monotonic()
        if early > 0:
            time.sleep(early)
        self.spent += amount


def check_all(layout: Layout, export: Export, *, deep: bool, quick: bool = False) -> list[Problem]:
    """Return everything that is wrong; nothing means that all is sound."""
    site, rules = export.path, site_rules(export)
    theme = (data.decode() for _, data in Theme(export.theme).sources()) if export.theme else ()
    albums = (text for album in export.albums for text in (album.title, album.description))
    texts = (export.title, export.base_url, *albums, *theme)
    problems = [
        {"where": f"database: {problem.where}", "what": problem.what}
        for problem in database.check(layout.database, deep=deep, quick=quick)
    ]
    if problems:
        return problems
    problems += _check_index(layout)
    with reading(layout) as snapshot:
        problems += [
            {"where": f"site: {where}", "what": what}
            for where, what in check_site(snapshot, site, deep=deep, rules=rules, own_texts=texts)
        ]
    return problems


def salvage_database(layout: Layout, folder: Path) -> list[Problem]:
    """Make a database of all that can be read of a damaged one; return what is lost."""
    # No more is known of a picture whose metadata is lost until its file is read again.
    unknown = Metadata(mime="application/octet-stream", width=0, height=0)
    try:
        lost = database.salvage(layout.database, folder, encode_metadata(unknown))
    except database.DatabaseError as error:
        raise PicturerailError(str(error)) from error
    return [{"where": f"database: {problem.where}", "what": problem.what} for problem in lost]


def _check_index(layout: Layout) -> list[Problem]:
    """The index must be whole and hold exactly the live pictures as of its own transaction."""
    try:
        search.check(layout.index)
        with search.Reader(layout.index) as reader, reading(layout) as snapshot:
            indexed = set(reader.documents())
            behind = snapshot.changes(reader.info.seq)
            changed = {change.id for change in behind if isinstance(change, ImageChange)}
            live = {row.id for row in snapshot.images()}
            missing = sorted(live - indexed - changed)
            extra = sorted(indexed - live - changed)
            foreign = reader.info.uuid != snapshot.info.uuid
    except search.NoIndexError:
        return [{"where": "index", "what": "there is none; `picturerail sync` builds it"}]
    except search.SearchError as error:
        return [{"where": "index", "what": f"{error}; `picturerail sync` builds it again"}]
    problems = [
        {"where": f"index: picture {number}", "what": "is not found by search"}
        for number in missing
    ]
    problems += [
        {"where": f"index: picture {number}", "what": "is found though it is deleted"}
        for number in extra
    ]
    if foreign:
        problems.append({"where": "index", "what": "belongs to another store"})
    return problems


def scrub_originals(
    layout: Layout, progress: Callable[[str, int, int], None], bytes_per_second: float
) -> dict[str, Any]:
    """Hash every original whose stat is as it was mirrored, and compare.

    Nothing is written anywhere. The folders are read at no more than the given rate, at the
    lowest priority.
    """
    yield_to_others(DESCRIBING)
    pace = Pace(bytes_per_second)
    checked = 0
    rotten = []
    with reading(layout) as snapshot:
        roots = known_roots(snapshot)
        rows = [row for row in snapshot.images() if row.root in roots]
        for done, row in enumerate(rows, 1):
            progress("Reading", done, len(rows))
            reason = ""
            try:
                descriptor = open_below(os.fsencode(roots[row.root].folder), row.path)
            except FileNotFoundError:
                continue  # the mirror's business
            except OSError as error:
                reason = f"cannot be opened: {(error.strerror or '').lower()}"
            else:
                try:
                    found = os.fstat(descriptor)
                    if (found.st_size, found.st_mtime_ns) != (row.stat.size, row.stat.mtime_ns):
                        continue  # changed since; the mirror's business too
                    checked += 1
                    pace.spend(found.st_size)
                    if database.hash_file(descriptor)[0] != row.content_hash:
                        reason = "its bytes changed under an unchanged modification time"
                except (OSError, database.DatabaseError) as error:
                    reason = f"cannot be read: {error}"
                finally:
                    os.close(descriptor)
            if reason:
                path = views.absolute_path(roots, row.root, row.path)
                rotten.append(
                    {
                        "id": row.id,
                        **views.path_json(path),
                        "reason": reason,
                        "recoverable": row.has_data,
                    }
                )
    return {"checked": checked, "rotten": rotten}
