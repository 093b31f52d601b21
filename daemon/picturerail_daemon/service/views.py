"""What commands report: the JSON shapes of the command line, made from snapshots.

Every function here only reads.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from picturerail_daemon import status
from picturerail_daemon.describe.interface import TextEncoder
from picturerail_daemon.errors import NotThereError, PicturerailError, UsageError
from picturerail_daemon.index.rebuilds import count_rebuilds
from picturerail_daemon.service.control import is_listening
from picturerail_daemon.service.meaning_search import nearest_meaning
from picturerail_daemon.service.places import Layout
from picturerail_daemon.service.reading import reading
from picturerail_daemon.service.roots import known_roots
from picturerail_daemon.service.space import free_bytes, is_low
from picturerail_exporter.check import site_seq
from picturerail_exporter.places import NoPlacesError, place_words
from picturerail_native.database import Rows, Snapshot
from picturerail_native.fields import readable
from picturerail_native.moments import time_words
from picturerail_native.records import ImageRow, Metadata, Root, Table, decode_failure
from picturerail_native.search import (
    Match,
    NoIndexError,
    Reader,
    SearchArgumentError,
    SearchError,
    Sort,
    Via,
)

Json = dict[str, Any]


def absolute_path(roots: dict[int, Root], root: int, path: bytes) -> bytes:
    """Return a row's or failure's path as the user knows it."""
    folder = os.fsencode(roots[root].folder) if root in roots else b""
    return folder + b"/" + path if folder else path


def path_json(path: bytes) -> Json:
    """Return `path`, and `path_base64` beside it where it is not UTF-8."""
    shown: Json = {"path": readable(path)}
    try:
        path.decode()
    except UnicodeDecodeError:
        shown["path_base64"] = base64.b64encode(path).decode()
    return shown


def find(snapshot: Snapshot, what: str, *, deleted: bool = False) -> ImageRow:
    """Return the row that a command line names by id or by path, which contains a `/`."""
    if "/" in what:
        wanted = os.fsencode(os.path.abspath(what))  # noqa: PTH100  follows no links
        for number, root in known_roots(snapshot).items():
            folder = os.fsencode(root.folder).rstrip(b"/") + b"/"
            if wanted.startswith(folder):
                row = snapshot.find_path(number, wanted[len(folder) :])
                if row is not None:
                    return row
        raise NotThereError(f"{what}: no picture is mirrored from this path")
    if not what.isdecimal():
        raise NotThereError(f"{what}: neither an id nor a path; a path contains a `/`")
    row = snapshot.get(int(what)) if int(what) < 2**64 else None
    if row is None or (row.deleted and not deleted):
        state = "is deleted; `undelete` recovers it" if row is not None else "does not exist"
        raise NotThereError(f"{what}: the picture with this id {state}")
    return row


def record(snapshot: Snapshot, row: ImageRow) -> Json:
    """Return all that is known of a picture."""
    roots = known_roots(snapshot)
    metadata = row.metadata
    shown = msgspec.to_builtins(metadata)
    shown["caption"] = metadata.caption
    shown["tags"] = [msgspec.to_builtins(tag) for tag in metadata.tags]
    shown["people"] = list(metadata.people)
    shown["rating"] = metadata.rating
    shown["places"] = list(_places(metadata))
    shown["time_words"] = list(
        time_words(metadata.taken, south=metadata.gps is not None and metadata.gps[0] < 0)
    )
    return {
        "id": row.id,
        **path_json(absolute_path(roots, row.root, row.path)),
        "filename": readable(row.filename),
        "root": roots[row.root].name if row.root in roots else "",
        "content_hash": row.content_hash.hex(),
        "size": row.data_length or row.stat.size,
        "mtime": _time(row.stat.mtime_ns),
        "seq": row.seq,
        "stored": row.has_data,
        "hidden": metadata.corrections.hidden,
        "deleted": _time(row.deleted_ns) if row.deleted else None,
        "metadata": shown,
    }


def _places(metadata: Metadata) -> tuple[str, ...]:
    with contextlib.suppress(NoPlacesError):
        return place_words(metadata.gps, "exact") if metadata.gps else ()
    return ()


def _time(nanoseconds: int) -> str:
    moment = datetime.datetime.fromtimestamp(nanoseconds / 1e9, datetime.UTC)
    return moment.isoformat(timespec="seconds")


def deleted_rows(snapshot: Snapshot, keep_days: int) -> list[Json]:
    """Return what can be recovered, the latest deletion first."""
    roots = known_roots(snapshot)
    rows = sorted(snapshot.images(rows=Rows.DELETED), key=lambda row: -row.deleted_ns)
    return [
        {
            "id": row.id,
            **path_json(absolute_path(roots, row.root, row.path)),
            "deleted": _time(row.deleted_ns),
            "until": _time(row.deleted_ns + keep_days * 86_400 * 10**9),
            "size": row.data_length,
            "recoverable": row.has_data,
        }
        for row in rows
    ]


def earlier_versions(snapshot: Snapshot, keep_days: int) -> list[Json]:
    """Return what pictures were before their bytes were replaced, the latest replacing first."""
    roots = known_roots(snapshot)
    rows = sorted(snapshot.versions(), key=lambda row: -row.deleted_ns)
    return [
        {
            "id": row.id,
            "version": row.seq,
            **path_json(absolute_path(roots, row.root, row.path)),
            "replaced": _time(row.deleted_ns),
            "until": _time(row.deleted_ns + keep_days * 86_400 * 10**9),
            "size": row.data_length,
        }
        for row in rows
    ]


def find_version(snapshot: Snapshot, image_id: int, version: int) -> ImageRow:
    """Return what a picture was at an earlier version.

    Raises:
        NotThereError: it has no such version, or has it no longer.
    """
    for row in snapshot.versions(image_id):
        if row.seq == version:
            return row
    raise NotThereError(
        f"{image_id}: there is no version {version} of this picture; "
        "`picturerail deleted --versions` lists them"
    )


def failures(snapshot: Snapshot) -> list[Json]:
    """Return every standing failure with its path and reason."""
    roots = known_roots(snapshot)
    found = []
    for key, value in snapshot.records(Table.FAILURES):
        path = absolute_path(roots, int.from_bytes(key[:4], "big"), key[4:])
        found.append({**path_json(path), "reason": decode_failure(value).reason})
    return found


@contextlib.contextmanager
def open_index(layout: Layout) -> Any:
    """Open the index for reading."""
    try:
        reader = Reader(layout.index)
    except NoIndexError as error:
        raise NotThereError(
            f"{layout.store}: nothing is indexed yet; `picturerail sync` does it"
        ) from error
    except SearchError as error:
        raise PicturerailError(
            f"{error}; `picturerail sync` builds the index again from the database"
        ) from error
    try:
        with reader:
            yield reader
    except SearchArgumentError as error:
        raise UsageError(str(error)) from error


_SORTS = {
    "score": Sort.SCORE,
    "newest": Sort.NEWEST,
    "oldest": Sort.OLDEST,
    "name": Sort.NAME,
}


def search(
    layout: Layout,
    query: str,
    limit: int,
    weights: dict[str, float],
    *,
    encoders: Sequence[TextEncoder] = (),
    sort: str = "score",
    strict: bool = False,
) -> list[Json]:
    """Return the hits of a query with why each matched.

    Args:
        layout: where the store lies.
        query: in the language of the search engine's QUERY.md.
        limit: how many at most.
        weights: of fields, where not the defaults.
        encoders: what finds the nearest by meaning where the words find too few, the best first.
        sort: `score`, `newest`, `oldest` or `name`, which is the filename's.
        strict: refuse a query that is not well formed.
    """
    with reading(layout) as snapshot, open_index(layout) as reader:
        found = reader.search(
            query, limit=limit, weights=weights or None, strict=strict, sort=_SORTS[sort]
        ).hits
        # Another order than by score knows no place for what is only near in meaning.
        near = nearest_meaning(reader, encoders, query, found, limit) if sort == "score" else []
        return _hits(snapshot, (*found, *near))


FACETS = ("tags", "folder", "year", "camera")


def facets(layout: Layout, query: str, weights: dict[str, float]) -> Json:
    """Return how many pictures a query finds, and how many of them bear which values."""
    with open_index(layout) as reader:
        found = reader.search(query, limit=0, weights=weights or None, explain=False, facets=FACETS)
        return {"total": found.total, "facets": {k: list(v) for k, v in found.facets.items()}}


def similar(layout: Layout, image_id: int, limit: int) -> list[Json]:
    """Return the pictures that look most like one."""
    with reading(layout) as snapshot, open_index(layout) as reader:
        row = find(snapshot, str(image_id))
        spaces = [
            key[8:].decode()
            for key, _ in snapshot.records(Table.VECTORS, row.id.to_bytes(8, "big"))
        ]
        if not spaces:
            raise NotThereError(
                f"{image_id}: this picture has no vector yet; "
                "`local` in `describe.sources` gives it one"
            )
        best = min(spaces, key=_rank_of_space)
        return _hits(snapshot, reader.similar(best, row.id, limit))


def _rank_of_space(space: str) -> int:
    """Return which space to compare pictures in: those trained with texts know more of them."""
    known = ("clip/", "azure/")
    return next((rank for rank, prefix in enumerate(known) if space.startswith(prefix)), len(known))


def _hits(snapshot: Snapshot, hits: Any) -> list[Json]:
    roots = known_roots(snapshot)
    shown = []
    for hit in hits:
        row = snapshot.get(hit.id)
        if row is not None and not row.deleted:
            shown.append(
                {
                    "id": hit.id,
                    **path_json(absolute_path(roots, row.root, row.path)),
                    "filename": readable(row.filename),
                    "score": round(hit.score, 6),
                    "matched": [_match(match) for match in hit.matches],
                }
            )
    return shown


def _match(match: Match) -> Json:
    """`word` is what was asked for where a neighbour led there, else what the picture bears."""
    through = match.via is Via.NEIGHBOUR
    return {
        "field": match.field,
        "word": match.query_word if through else match.word,
        "via": match.word if through else None,
        "similarity": round(match.similarity, 4),
    }


def overview(layout: Layout, site: Path) -> Json:
    """Return health and counts: from the store itself, and from a running daemon's word."""
    told = status.read(layout.store)
    alive = is_listening(layout)
    if not alive:
        told = status.DaemonState()
    with reading(layout) as snapshot:
        info = snapshot.info
        failed = sum(1 for _ in snapshot.records(Table.FAILURES))
    free = free_bytes(layout.store)
    index_seq = 0
    with contextlib.suppress(NotThereError, PicturerailError), open_index(layout) as reader:
        index_seq = reader.info.seq
    return {
        "state": told.state if alive else "stopped",
        "pid": told.pid if alive else None,
        "seq": info.seq,
        "index_seq": index_seq,
        "site_seq": site_seq(site, info.uuid),
        "photos": info.live,
        "deleted": info.deleted,
        "pending": told.pending,
        "seconds_left": told.seconds_left,
        "undescribed": told.undescribed,
        "failed": failed,
        "held": sum(root.held for root in told.roots),
        "waiting_reason": told.waiting_reason,
        "left_out": told.left_out,
        "index_rebuilds": count_rebuilds(layout.index),
        "last_error": told.last_error or told.site_error,
        "disk_bytes": info.disk_bytes,
        "free_bytes": free,
        "low_space": is_low(free),
        "watch": {
            "roots": [msgspec.to_builtins(root) for root in told.roots],
            "hints": told.hints,
            "overflows": told.overflows,
            "restarts": told.watcher_restarts,
            "audits_failed": told.audits_failed,
            "watches": told.watches,
        },
    }
