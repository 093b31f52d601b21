"""What the site shows, kept between exports so that one change finds only what it touches.

An SQLite file in the store (never on the site): each published picture by id, by its place in
each listing, by folder and by content; each album, month, tag, camera and place with its count;
where listings are cut into pages. All of it can be made again from the database, and is whenever
it does not stand exactly at the transaction, the store and the options that the site's manifest
names: so it is written without waiting for the disk, and a lost or damaged file costs one full
computation.

Tables::

    photo    id, time (seconds), folder, name (of its file), content (hash), data (`Photo` as
             MessagePack)
    member   listing (a folder or a way in), place and id of each picture in it
    section  listing, place and id of the last picture on each of its pages
    month    listing, count
    shards   listing, what it is scrolled by (`scroll`)
    skipped  id, path, reason of pictures that could not be shown; tried again each time
    note     name, value: where the state stands, and the index's files

Those of albums are described in `album_state`, those of ways in in `way_state`, those of similar
pictures in `similar_state`. `listings` says how a listing is named.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from picturerail_exporter.album_state import AlbumState
from picturerail_exporter.collection import Photo, Skipped
from picturerail_exporter.listings import (
    BEGINNING,
    Key,
    Month,
    folder_key,
    is_month,
    month_bounds,
    month_named,
    month_of,
)
from picturerail_exporter.similar_state import SimilarState
from picturerail_exporter.way_state import WayState

if TYPE_CHECKING:
    from picturerail_exporter.search_state import SearchState

_SHAPE = "17"
"""To be raised when the tables or what is in them change: the file is then made anew."""

_TABLES = """
CREATE TABLE IF NOT EXISTS photo(
  id INTEGER PRIMARY KEY, time INTEGER, folder BLOB, name TEXT, content BLOB, data BLOB);
CREATE INDEX IF NOT EXISTS photo_time ON photo(time, id);
CREATE INDEX IF NOT EXISTS photo_folder ON photo(folder, time, id);
CREATE INDEX IF NOT EXISTS photo_content ON photo(content);
CREATE TABLE IF NOT EXISTS member(
  listing BLOB, place, id INTEGER, PRIMARY KEY(listing, place, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS section(
  listing BLOB, place, id INTEGER, PRIMARY KEY(listing, place, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS month(name BLOB PRIMARY KEY, count INTEGER);
CREATE TABLE IF NOT EXISTS shards(listing BLOB PRIMARY KEY, kept BLOB);
CREATE TABLE IF NOT EXISTS skipped(id INTEGER PRIMARY KEY, path TEXT, reason TEXT);
CREATE TABLE IF NOT EXISTS note(name TEXT PRIMARY KEY, value TEXT);
"""

_decoder = msgspec.msgpack.Decoder(Photo)
_encoder = msgspec.msgpack.Encoder()


class SiteState:
    """The state of one site; made by `open_state`. Changes last once `commit` was called.

    `albums`, `ways`, `similar` and `search` are the parts of it that tell of folders, of tags,
    cameras and places, of what looks alike, and of what the search's index is made of.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use an open database with the tables in it."""
        self._db = connection
        self.albums = AlbumState(connection, self.photo, self.named)
        self.ways = WayState(connection)
        self.similar = SimilarState(connection)

    @functools.cached_property
    def search(self) -> SearchState:
        """What the search's index is made of; its arithmetic is loaded where it is asked for."""
        from picturerail_exporter.search_state import SearchState

        return SearchState(self._db)

    # ---- where it stands ----

    def note(self, name: str) -> str:
        """Return a note, empty where there is none."""
        row = self._db.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchone()
        return row[0] if row else ""

    def set_note(self, name: str, value: str) -> None:
        """Keep a note."""
        self._db.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, value))

    def clear(self) -> None:
        """Forget everything."""
        for table in _table_names(self._db):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from here
        self.set_note("shape", _SHAPE)

    def commit(self) -> None:
        """Make all changes since `open_state` last."""
        self._db.commit()

    # ---- pictures ----

    def photo(self, number: int) -> Photo | None:
        """Return a picture by its id."""
        return self._one("WHERE id = ?", number)

    def photos(self) -> Iterator[Photo]:
        """Yield all pictures in id order."""
        return self._all("ORDER BY id")

    def newest(self) -> Iterator[Photo]:
        """Yield all pictures, the newest first."""
        return self._all("ORDER BY time DESC, id DESC")

    def ids(self) -> Iterator[int]:
        """Yield the ids of all pictures, ascending."""
        found = self._db.execute("SELECT id FROM photo ORDER BY id")
        return (number for (number,) in found)

    def contents(self) -> Iterator[list[Photo]]:
        """Yield the pictures by their content: copies of one together."""
        by_content = itertools.groupby(
            self._all("INDEXED BY photo_content ORDER BY content"), _content
        )
        return (list(copies) for _, copies in by_content)

    def count(self) -> int:
        """Return how many pictures there are."""
        return int(self._db.execute("SELECT COUNT(*) FROM photo").fetchone()[0])

    def put(self, photo: Photo) -> None:
        """Add a picture, or replace the one with its id."""
        self._db.execute(
            "INSERT OR REPLACE INTO photo VALUES (?, ?, ?, ?, ?, ?)",
            (
                photo.id,
                photo.order,
                folder_key(photo.folder),
                photo.filename,
                photo.content_hash,
                _encoder.encode(photo),
            ),
        )

    def drop(self, number: int) -> None:
        """Take a picture out."""
        self._db.execute("DELETE FROM photo WHERE id = ?", (number,))

    def newer(self, photo: Photo) -> Photo | None:
        """Return the picture right after another in time."""
        return self._one(
            "WHERE (time, id) > (?, ?) ORDER BY time, id LIMIT 1", photo.order, photo.id
        )

    def older(self, photo: Photo) -> Photo | None:
        """Return the picture right before another in time."""
        return self._one(
            "WHERE (time, id) < (?, ?) ORDER BY time DESC, id DESC LIMIT 1", photo.order, photo.id
        )

    def named(self, folder: bytes, name: str) -> Photo | None:
        """Return the newest picture of a filename right in a folder."""
        return self._one(
            "WHERE folder = ? AND name = ? ORDER BY time DESC, id DESC LIMIT 1", folder, name
        )

    def in_folder(self, folder: bytes) -> list[Photo]:
        """Return the pictures right in a folder."""
        return list(self._all("WHERE folder = ?", folder))

    def below(self, folder: bytes) -> list[int]:
        """Return the ids of the pictures in a folder and all folders below it."""
        query = "SELECT id FROM photo WHERE folder = ? OR (folder >= ? AND folder < ?)"
        found = self._db.execute(query, (folder, folder + b"\0", folder + b"\1"))
        return [number for (number,) in found]

    def holds_content(self, content: bytes) -> bool:
        """Tell whether any picture has this content."""
        found = self._db.execute("SELECT 1 FROM photo WHERE content = ? LIMIT 1", (content,))
        return found.fetchone() is not None

    def holds_original(self, content: bytes, kind: str) -> bool:
        """Tell whether the original of this content may be downloaded from any picture."""
        return any(photo.original == kind for photo in self._all("WHERE content = ?", content))

    # ---- listings ----

    def add_member(self, listing: bytes, key: Key) -> None:
        """Put a picture into a folder's or way's listing."""
        self._db.execute("INSERT OR REPLACE INTO member VALUES (?, ?, ?)", (listing, *key))

    def drop_member(self, listing: bytes, key: Key) -> None:
        """Take a picture out of a folder's or way's listing."""
        self._db.execute(
            "DELETE FROM member WHERE listing = ? AND place = ? AND id = ?", (listing, *key)
        )

    def listed(self, listing: bytes, since: Key | None, before: Key | None) -> list[Photo]:
        """Return a listing's pictures from one place up to another, the greatest first."""
        return list(self._listed(_range(listing, since, before), ""))

    def first_of(self, listing: bytes) -> Photo | None:
        """Return the picture with a listing's greatest place."""
        return next(self._listed(_range(listing, None, None), "LIMIT 1"), None)

    def number_listed(self, listing: bytes, since: Key, before: Key | None) -> int:
        """Return how many pictures a listing has from one place up to another."""
        within = _range(listing, since, before)
        tables = within.tables.partition(" ")[0]  # the pictures themselves are not asked for
        query = f"SELECT COUNT(*) FROM {tables} {within.where}"  # noqa: S608 - made here
        return int(self._db.execute(query, within.values).fetchone()[0])

    def _listed(self, within: _Range, end: str) -> Iterator[Photo]:
        order = f"ORDER BY {within.place} DESC, {within.number} DESC {end}"
        query = f"SELECT photo.data FROM {within.tables} {within.where} {order}"  # noqa: S608
        return (_decoder.decode(data) for (data,) in self._db.execute(query, within.values))

    def keys(self, listing: bytes, since: Key | None) -> Iterator[Key]:
        """Yield the places of a listing's pictures, the least first."""
        place, number, tables, where, values = _range(listing, since, None)
        tables = tables.partition(" ")[0]  # the pictures themselves are not asked for
        query = f"SELECT {place}, {number} FROM {tables} {where}"  # noqa: S608 - made here
        yield from self._db.execute(f"{query} ORDER BY {place}, {number}", values)

    def stands(self, listing: bytes, key: Key) -> bool:
        """Tell whether a listing has a picture at exactly this place."""
        if not listing or is_month(listing):
            row = self._db.execute("SELECT time FROM photo WHERE id = ?", (key[1],)).fetchone()
            return row is not None and row[0] == key[0] and listing in {b"", month_of(row[0])}
        query = "SELECT 1 FROM member WHERE listing = ? AND place = ? AND id = ?"
        return self._db.execute(query, (listing, *key)).fetchone() is not None

    # ---- where listings are cut ----

    def starts(self, listing: bytes, since: Key | None = None) -> Iterator[Key]:
        """Yield the least place of each of a listing's sections, from a place on."""
        yield from self._db.execute(
            "SELECT place, id FROM section WHERE listing = ? AND (place, id) >= (?, ?)"
            " ORDER BY place, id",
            (listing, *(since or BEGINNING)),
        )

    def starts_back(self, listing: bytes, upto: Key) -> Iterator[Key]:
        """Yield the least place of each of a listing's sections, backwards from a place."""
        yield from self._db.execute(
            "SELECT place, id FROM section WHERE listing = ? AND (place, id) <= (?, ?)"
            " ORDER BY place DESC, id DESC",
            (listing, *upto),
        )

    def add_start(self, listing: bytes, key: Key) -> None:
        """Let a section begin at a place."""
        self._db.execute("INSERT OR REPLACE INTO section VALUES (?, ?, ?)", (listing, *key))

    def drop_start(self, listing: bytes, key: Key) -> None:
        """Let no section begin at a place."""
        self._db.execute(
            "DELETE FROM section WHERE listing = ? AND place = ? AND id = ?", (listing, *key)
        )

    def pages(self) -> int:
        """Return how many sections all listings have together."""
        return int(self._db.execute("SELECT COUNT(*) FROM section").fetchone()[0])

    def shards(self, listing: bytes) -> bytes:
        """Return what is kept of the shards that a listing is scrolled by; b"" for none."""
        query = "SELECT kept FROM shards WHERE listing = ?"
        row = self._db.execute(query, (listing,)).fetchone()
        return row[0] if row else b""

    def set_shards(self, listing: bytes, kept: bytes) -> None:
        """Keep what a listing is scrolled by."""
        self._db.execute("DELETE FROM shards WHERE listing = ?", (listing,))
        if kept:
            self._db.execute("INSERT INTO shards VALUES (?, ?)", (listing, kept))

    # ---- months ----

    def recount_month(self, listing: bytes, difference: int) -> None:
        """Count pictures into a month, or out."""
        count = self.in_month(listing) + difference
        if count:
            self._db.execute("INSERT OR REPLACE INTO month VALUES (?, ?)", (listing, count))
        else:
            self._db.execute("DELETE FROM month WHERE name = ?", (listing,))

    def in_month(self, listing: bytes) -> int:
        """Return how many pictures a month has."""
        row = self._db.execute("SELECT count FROM month WHERE name = ?", (listing,)).fetchone()
        return row[0] if row else 0

    def months(self) -> list[Month]:
        """Return the months that have pictures, the newest first."""
        found = self._db.execute("SELECT name, count FROM month")
        months = (month_named(name, count) for name, count in found)
        return sorted(months, key=lambda month: (month.year, month.month), reverse=True)

    # ---- the files of an export that brings all; forgotten at its end ----

    def want(self, paths: Iterable[str]) -> None:
        """Remember paths as wanted."""
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS wanted(path PRIMARY KEY) WITHOUT ROWID")
        rows = ((path,) for path in paths)
        self._db.executemany("INSERT OR IGNORE INTO wanted VALUES (?)", rows)

    def is_wanted(self, path: str) -> bool:
        """Tell whether a path was remembered."""
        found = self._db.execute("SELECT 1 FROM temp.wanted WHERE path = ?", (path,))
        return found.fetchone() is not None

    # ---- what could not be shown ----

    def skipped(self) -> list[Skipped]:
        """Return the pictures that could not be shown, in id order."""
        return [Skipped(*row) for row in self._db.execute("SELECT * FROM skipped ORDER BY id")]

    def set_skipped(self, skipped: Iterable[Skipped], tried: Iterable[int]) -> None:
        """Replace what is known of the pictures that were tried."""
        self._db.executemany("DELETE FROM skipped WHERE id = ?", ((number,) for number in tried))
        self._db.executemany(
            "INSERT OR REPLACE INTO skipped VALUES (?, ?, ?)",
            ((skip.id, skip.path, skip.reason) for skip in skipped),
        )

    def _one(self, where: str, *values: object) -> Photo | None:
        return next(self._all(where, *values), None)

    def _all(self, where: str, *values: object) -> Iterator[Photo]:
        query = f"SELECT data FROM photo {where}"  # noqa: S608 - from the methods above
        return (_decoder.decode(data) for (data,) in self._db.execute(query, values))


@contextlib.contextmanager
def open_state(path: Path | None) -> Iterator[SiteState]:
    """Open a site's state, an empty one where it is not there or damaged.

    What is not committed is forgotten. Without a path it lives in memory.
    """
    connection = _open(path)
    try:
        yield SiteState(connection)
    finally:
        connection.rollback()
        connection.close()


def _open(path: Path | None) -> sqlite3.Connection:
    if path is None:
        return _prepared(sqlite3.connect(":memory:"))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    try:
        return _prepared(connection)
    except sqlite3.DatabaseError:
        connection.close()
        for end in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        return _prepared(sqlite3.connect(path))


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA secure_delete = ON")  # a purged picture's words are gone at once
    names = _table_names(connection)
    note = "SELECT value FROM note WHERE name = 'shape'"
    shape = connection.execute(note).fetchone() if "note" in names else None
    if shape is not None and shape[0] == _SHAPE:
        return connection
    from picturerail_exporter import search_state

    for name in names:
        connection.execute(f"DROP TABLE {name}")
    tables = (AlbumState.TABLES, WayState.TABLES, SimilarState.TABLES, search_state.tables())
    connection.executescript(_TABLES + "".join(tables))
    connection.execute("INSERT OR REPLACE INTO note VALUES ('shape', ?)", (_SHAPE,))
    connection.commit()
    return connection


def _content(photo: Photo) -> bytes:
    return photo.content_hash


def _table_names(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return [name for (name,) in found]


class _Range(NamedTuple):
    """The SQL of a listing between two places: columns, tables, condition, values."""

    place: str
    number: str
    tables: str
    where: str
    values: list[object]


def _range(listing: bytes, since: Key | None, before: Key | None) -> _Range:
    values: list[object] = []
    if not listing or is_month(listing):
        place, number, tables = "photo.time", "photo.id", "photo"
        terms = ["photo.time >= ? AND photo.time < ?"] if listing else []
        values += month_bounds(listing) if listing else ()
    else:
        place, number = "member.place", "member.id"
        tables = "member CROSS JOIN photo ON photo.id = member.id"
        terms = ["member.listing = ?"]
        values.append(listing)
    if since is not None:
        terms.append(f"({place}, {number}) >= (?, ?)")
        values += since
    if before is not None:
        terms.append(f"({place}, {number}) < (?, ?)")
        values += before
    return _Range(place, number, tables, f"WHERE {' AND '.join(terms)}" if terms else "", values)
