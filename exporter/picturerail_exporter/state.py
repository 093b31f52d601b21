"""What the site shows, kept between exports so that one change finds only what it touches.

An SQLite file in the store (never on the site): each published picture by id, by its place in
time, by folder and by content; each album with its count and cover; where listings are cut
into pages. All of it can be made again from the database, and is whenever it does not stand
exactly at the transaction, the store and the options that the site's manifest names: so it is
written without waiting for the disk, and a lost or damaged file costs one full computation.

Tables::

    photo    id, time (seconds), folder, content (hash), data (`Photo` as MessagePack)
    album    folder, parent, count, time and id of its cover
    month    listing (NUL, year, hyphen, month), count
    section  listing (b"" of all pictures, a folder, or a month), time and id of its oldest picture
    skipped  id, path, reason of pictures that could not be shown; tried again each time
    note     name, value: where the state stands, and the index's files

A folder is written as its names joined by NUL, which no name contains.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from picturerail_exporter.collection import Album, Photo, Skipped, slug_of
from picturerail_native.fields import readable

_SHAPE = "1"
"""To be raised when the tables or what is in them change: the file is then made anew."""

Key = tuple[int, int]
"""A picture's place in time: (seconds, id). The newest has the greatest."""

Folder = tuple[bytes, ...]

_TABLES = """
CREATE TABLE IF NOT EXISTS photo(
  id INTEGER PRIMARY KEY, time INTEGER, folder BLOB, content BLOB, data BLOB);
CREATE INDEX IF NOT EXISTS photo_time ON photo(time, id);
CREATE INDEX IF NOT EXISTS photo_folder ON photo(folder, time, id);
CREATE INDEX IF NOT EXISTS photo_content ON photo(content);
CREATE TABLE IF NOT EXISTS album(
  folder BLOB PRIMARY KEY, parent BLOB, count INTEGER, time INTEGER, cover INTEGER);
CREATE INDEX IF NOT EXISTS album_parent ON album(parent, time, cover);
CREATE TABLE IF NOT EXISTS section(
  listing BLOB, time INTEGER, id INTEGER, PRIMARY KEY(listing, time, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS month(name BLOB PRIMARY KEY, count INTEGER);
CREATE TABLE IF NOT EXISTS skipped(id INTEGER PRIMARY KEY, path TEXT, reason TEXT);
CREATE TABLE IF NOT EXISTS note(name TEXT PRIMARY KEY, value TEXT);
"""

_decoder = msgspec.msgpack.Decoder(Photo)
_encoder = msgspec.msgpack.Encoder()


class SiteState:
    """The state of one site; made by `open_state`. Changes last once `commit` was called."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use an open database with the tables in it."""
        self._db = connection

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
        for table in ("photo", "album", "month", "section", "skipped", "note"):
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

    def count(self) -> int:
        """Return how many pictures there are."""
        return int(self._db.execute("SELECT COUNT(*) FROM photo").fetchone()[0])

    def put(self, photo: Photo) -> None:
        """Add a picture, or replace the one with its id."""
        self._db.execute(
            "INSERT OR REPLACE INTO photo VALUES (?, ?, ?, ?, ?)",
            (
                photo.id,
                photo.order,
                folder_key(photo.folder),
                photo.content_hash,
                _encoder.encode(photo),
            ),
        )

    def drop(self, number: int) -> None:
        """Take a picture out."""
        self._db.execute("DELETE FROM photo WHERE id = ?", (number,))

    def newer(self, key: Key) -> Photo | None:
        """Return the picture right after a place in time."""
        return self._one("WHERE (time, id) > (?, ?) ORDER BY time, id LIMIT 1", *key)

    def older(self, key: Key) -> Photo | None:
        """Return the picture right before a place in time."""
        return self._one("WHERE (time, id) < (?, ?) ORDER BY time DESC, id DESC LIMIT 1", *key)

    def holds_content(self, content: bytes) -> bool:
        """Tell whether any picture has this content."""
        found = self._db.execute("SELECT 1 FROM photo WHERE content = ? LIMIT 1", (content,))
        return found.fetchone() is not None

    def listed(self, listing: bytes, since: Key | None, before: Key | None) -> list[Photo]:
        """Return a listing's pictures from one place in time up to another, the newest first."""
        where, values = _range(listing, since, before)
        return list(self._all(f"{where} ORDER BY time DESC, id DESC", *values))

    def keys(self, listing: bytes, since: Key | None) -> Iterator[Key]:
        """Yield the places in time of a listing's pictures, the oldest first."""
        where, values = _range(listing, since, None)
        query = f"SELECT time, id FROM photo {where} ORDER BY time, id"  # noqa: S608 - made here
        yield from self._db.execute(query, values)

    def stands(self, listing: bytes, key: Key) -> bool:
        """Tell whether a listing has a picture at exactly this place in time."""
        row = self._db.execute("SELECT time, folder FROM photo WHERE id = ?", (key[1],)).fetchone()
        if row is None or row[0] != key[0]:
            return False
        return listing in {b"", row[1], month_of(key[0])}

    # ---- where listings are cut ----

    def starts(self, listing: bytes, since: Key | None = None) -> Iterator[Key]:
        """Yield the oldest place of each of a listing's sections, from a place on."""
        yield from self._db.execute(
            "SELECT time, id FROM section WHERE listing = ? AND (time, id) >= (?, ?)"
            " ORDER BY time, id",
            (listing, *(since or (-(2**63), 0))),
        )

    def starts_back(self, listing: bytes, upto: Key) -> Iterator[Key]:
        """Yield the oldest place of each of a listing's sections, backwards from a place."""
        yield from self._db.execute(
            "SELECT time, id FROM section WHERE listing = ? AND (time, id) <= (?, ?)"
            " ORDER BY time DESC, id DESC",
            (listing, *upto),
        )

    def add_start(self, listing: bytes, key: Key) -> None:
        """Let a section begin at a place."""
        self._db.execute("INSERT OR REPLACE INTO section VALUES (?, ?, ?)", (listing, *key))

    def drop_start(self, listing: bytes, key: Key) -> None:
        """Let no section begin at a place."""
        self._db.execute(
            "DELETE FROM section WHERE listing = ? AND time = ? AND id = ?", (listing, *key)
        )

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
        return sorted(
            (
                Month(int(name[1:-3]), int(name[-2:]), count)
                for name, count in self._db.execute("SELECT name, count FROM month")
            ),
            key=lambda month: (month.year, month.month),
            reverse=True,
        )

    def newest_in(self, listing: bytes) -> Photo:
        """Return the newest picture of a listing that has one."""
        where, values = _range(listing, None, None)
        return next(self._all(f"{where} ORDER BY time DESC, id DESC LIMIT 1", *values))

    # ---- albums ----

    def recount(self, differences: Mapping[Folder, int]) -> None:
        """Count pictures into albums and those above, or out, and choose their covers anew.

        Called once the pictures themselves stand as they are now; a folder whose pictures
        changed places in time is named with a difference of 0.
        """
        every: dict[Folder, int] = {}
        for folder, difference in differences.items():
            for depth in range(len(folder), 0, -1):
                every[folder[:depth]] = every.get(folder[:depth], 0) + difference
        for folder in sorted(every, key=len, reverse=True):
            self._recount(folder, every[folder])

    def _recount(self, folder: Folder, difference: int) -> None:
        key = folder_key(folder)
        row = self._album(folder)
        count = (row[0] if row else 0) + difference
        if count == 0:
            self._db.execute("DELETE FROM album WHERE folder = ?", (key,))
            return
        newest = [
            self._db.execute(query, (key,)).fetchone()
            for query in (
                "SELECT time, id FROM photo WHERE folder = ? ORDER BY time DESC, id DESC LIMIT 1",
                "SELECT time, cover FROM album WHERE parent = ?"
                " ORDER BY time DESC, cover DESC LIMIT 1",
            )
        ]
        cover = max(filter(None, newest))
        self._db.execute(
            "INSERT OR REPLACE INTO album VALUES (?, ?, ?, ?, ?)",
            (key, folder_key(folder[:-1]), count, *cover),
        )

    def folders(self) -> Iterator[Folder]:
        """Yield every album's folder, parents before children."""
        for (key,) in self._db.execute("SELECT folder FROM album ORDER BY folder"):
            yield tuple(key.split(b"\0"))

    def album(self, folder: Folder) -> Album | None:
        """Return an album with its parents, and the albums right below it by title."""
        row = self._album(folder)
        if row is None:
            return None
        count, cover = row
        album = self.named(folder)
        album.count, album.cover = count, self.photo(cover)
        album.albums = self.albums_below(folder, album)
        return album

    @staticmethod
    def named(folder: Folder) -> Album:
        """Return a folder's album with titles and ways up, but nothing that is counted."""
        parents: tuple[Album, ...] = ()
        for depth in range(1, len(folder)):
            parents = (*parents, _named(folder[:depth], parents))
        return _named(folder, parents)

    def albums_below(self, folder: Folder, above: Album | None = None) -> list[Album]:
        """Return the albums right below a folder, by title; without one, the outermost."""
        parents = (*above.parents, above) if above else ()
        found = []
        for key, count, cover in self._db.execute(
            "SELECT folder, count, cover FROM album WHERE parent = ?", (folder_key(folder),)
        ).fetchall():
            album = _named(tuple(key.split(b"\0")), parents)
            album.count, album.cover = count, self.photo(cover)
            found.append(album)
        return sorted(found, key=lambda album: (album.title.casefold(), album.slug))

    def _album(self, folder: Folder) -> tuple[int, int] | None:
        row: tuple[int, int] | None = self._db.execute(
            "SELECT count, cover FROM album WHERE folder = ?", (folder_key(folder),)
        ).fetchone()
        return row

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


_MONTH = b"\0"


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the timeline, and how many pictures it has."""

    year: int
    month: int
    count: int

    @property
    def listing(self) -> bytes:
        """Its listing."""
        return _MONTH + b"%04d-%02d" % (self.year, self.month)


def month_of(time: int) -> bytes:
    """Return the listing of the month that a time lies in."""
    moment = _EPOCH + dt.timedelta(seconds=time)
    return Month(moment.year, moment.month, 0).listing


def _bounds(listing: bytes) -> tuple[int, int]:
    year, month = int(listing[1:-3]), int(listing[-2:])
    first = dt.datetime(year, month, 1)
    after = (first + dt.timedelta(days=31)).replace(day=1) if (year, month) < (9999, 12) else None
    end = 2**62 if after is None else _seconds(after)
    return _seconds(first), end


def _seconds(moment: dt.datetime) -> int:
    return int((moment - _EPOCH).total_seconds())


_EPOCH = dt.datetime(1970, 1, 1)


def folder_key(folder: Folder) -> bytes:
    """Return how a folder is written; b"" is what holds the outermost ones."""
    return b"\0".join(folder)


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
    connection.executescript(_TABLES)
    state = SiteState(connection)
    if state.note("shape") != _SHAPE:
        for table in ("photo", "album", "month", "section", "skipped"):
            connection.execute(f"DROP TABLE {table}")
        connection.executescript("DELETE FROM note;")
        connection.executescript(_TABLES)
        state.set_note("shape", _SHAPE)
        connection.commit()
    return connection


def _range(listing: bytes, since: Key | None, before: Key | None) -> tuple[str, list[object]]:
    terms: list[str] = []
    values: list[object] = []
    if listing.startswith(_MONTH):
        terms.append("time >= ? AND time < ?")
        values += _bounds(listing)
    elif listing:
        terms.append("folder = ?")
        values.append(listing)
    if since is not None:
        terms.append("(time, id) >= (?, ?)")
        values += since
    if before is not None:
        terms.append("(time, id) < (?, ?)")
        values += before
    return ("WHERE " + " AND ".join(terms) if terms else ""), values


def _named(folder: Folder, parents: tuple[Album, ...]) -> Album:
    return Album("/".join(map(slug_of, folder)), readable(folder[-1]), parents)
