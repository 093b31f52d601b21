"""What `bench_database.py` measures: the project's database, SQLite, LMDB and the disk itself."""

from __future__ import annotations

import os
import sqlite3
import struct
import time
from pathlib import Path
from typing import Any, Protocol

import lmdb

from picturerail_native._database import lib
from picturerail_native._database_calls import room
from picturerail_native._database_rows import _decode_row as decode_row
from picturerail_native._database_rows import cursor
from picturerail_native.database import Database, Mode, Rows, Snapshot
from picturerail_native.records import ImageRow

BLOB_BYTES = 60_000
CACHE_BYTES = 1 << 30
"""What each store may hold in memory of what it has read; LMDB leaves that to the kernel."""
SEED = 20_261_123


class Engine(Protocol):
    """What is measured; a picture is (filename, metadata, bytes)."""

    name: str

    def commit(self, pictures: list[Picture]) -> None:
        """Store pictures durably, in one transaction."""

    def get(self, image_id: int) -> object:
        """Return a row without its bytes."""

    def find(self, filename: bytes) -> object:
        """Return the rows of a filename."""

    def read(self, image_id: int) -> bytes:
        """Return a picture's bytes."""

    def scan(self) -> int:
        """Read every row without its bytes; return their number."""

    def reopen(self) -> None:
        """Close, open, read one row."""

    def close(self) -> None:
        """Close."""


Picture = tuple[bytes, bytes, bytes]


class Ours:
    """The engine of this project."""

    name = "picturerail"

    def __init__(self, folder: Path) -> None:
        """Make a store."""
        self.folder = folder / "picturerail"
        self.store = Database(self.folder, Mode.CREATE, cache_bytes=CACHE_BYTES)
        self.view: Snapshot = self.store.snapshot()

    def freshen(self) -> None:
        """Read from a snapshot with all that was committed."""
        self.view = self.store.snapshot()

    def commit(self, pictures: list[Picture]) -> None:
        """Store pictures durably, in one transaction."""
        with self.store.begin() as transaction:
            for filename, metadata, data in pictures:
                row = ImageRow(0, filename, metadata, root=1, path=b"album/" + filename)
                transaction.insert(row, data or None)

    def timed_commit(self, picture: Picture) -> dict[str, float]:
        """Commit a picture; return the seconds of bringing and of committing it."""
        filename, metadata, data = picture
        processor = time.thread_time()
        times = [time.perf_counter()]
        transaction = self.store.begin()
        row = ImageRow(0, filename, metadata, root=1, path=b"album/" + filename)
        transaction.insert(row, data)
        times.append(time.perf_counter())
        transaction.commit()
        times.append(time.perf_counter())
        processor = time.thread_time() - processor
        return {
            "bring": times[1] - times[0],
            "commit": times[2] - times[1],
            "processor": processor,
        }

    def idle_transaction(self, picture: Picture) -> None:
        """Do all that Python does for a commit, with nothing to be written."""
        filename, metadata, _ = picture
        transaction = self.store.begin()
        transaction.insert(ImageRow(0, filename, metadata, root=1, path=b"album/" + filename))
        transaction.rollback()

    def commit_all(self, batches: list[list[Picture]]) -> None:
        """Commit batches one after the other, as one thread of many."""
        for batch in batches:
            self.commit(batch)

    @classmethod
    def existing(cls, path: Path, cache_bytes: int = CACHE_BYTES) -> Ours:
        """Open a store, and read one row."""
        engine = cls.__new__(cls)
        engine.folder = path
        engine.store = Database(path, Mode.WRITE, cache_bytes=cache_bytes)
        engine.freshen()
        assert engine.get(1) is not None
        return engine

    def get(self, image_id: int) -> object:
        """Return a row without its bytes."""
        return self.view.get(image_id)

    def call(self, ids: list[int]) -> None:
        """Have the engine hand out rows, and make nothing of them."""
        pointer, (found, _) = self.view._handle.pointer, room.rows
        for image_id in ids:
            lib.prdb_get(pointer, image_id, found)

    def call_by_name(self, names: list[bytes]) -> None:
        """Have the engine hand out the rows of filenames, and make nothing of them."""
        pointer, (found, _) = self.view._handle.pointer, room.rows
        for name in names:
            lib.prdb_find_filename(pointer, name, len(name), 0, found)

    def decode(self, image_id: int, count: int) -> None:
        """Make an object of the same row several times."""
        self.call([image_id])
        found, data = room.rows
        packed = data[: found.length]
        for _ in range(count):
            decode_row(packed)

    def find(self, filename: bytes) -> object:
        """Return the rows of a filename."""
        return self.view.find_filename(filename)

    def read(self, image_id: int) -> bytes:
        """Return a picture's bytes, verified when first read."""
        row = self.view.get(image_id)
        assert row is not None
        return self.copy(row)

    def copy(self, row: ImageRow) -> bytes:
        """Return a row's bytes, verified when first read."""
        return self.view.read_blob(row.content_hash, row.data_length)

    def find_bytes(self, row: ImageRow) -> None:
        """Have the engine find a row's bytes, and read none of them."""
        taken, _, error = room.blob
        pointer = self.view._handle.pointer
        lib.prdb_blob_copy(pointer, row.content_hash, b"", 0, taken, error)

    def scan(self) -> int:
        """Read every row without its bytes; return their number."""
        return sum(1 for _ in self.view.images())

    def scan_packed(self) -> None:
        """Have the engine hand out every row, and make nothing of them."""
        handle = self.view._handle
        listing = cursor(lib.prdb_images, handle.pointer, 0, int(Rows.LIVE))
        found, _ = room.rows
        while lib.prdb_cursor_rows(listing.pointer, found) == lib.PRDB_OK:
            pass

    def reopen(self) -> None:
        """Close, open, read one row."""
        self.store.close()
        self.store = Database(self.folder, Mode.WRITE, cache_bytes=CACHE_BYTES)
        self.freshen()
        assert self.view.get(1) is not None

    def close(self) -> None:
        """Close."""
        self.store.close()


class SQLite:
    """SQLite with the durability that ours has; the bytes lie in a table of their own."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        """Make a database."""
        self.path = folder / "sqlite.db"
        self._open()
        self.db.executescript(
            """
            CREATE TABLE images (id INTEGER PRIMARY KEY, root INTEGER, path BLOB, filename BLOB,
                hash BLOB, size INTEGER, mtime INTEGER, inode INTEGER, metadata BLOB);
            CREATE TABLE bytes (id INTEGER PRIMARY KEY, data BLOB);
            CREATE INDEX by_filename ON images (filename);
            CREATE UNIQUE INDEX by_path ON images (root, path);
            CREATE INDEX by_hash ON images (hash);
            """
        )

    def _open(self, cache_bytes: int = CACHE_BYTES) -> None:
        self.db = sqlite3.connect(self.path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.execute(f"PRAGMA cache_size = -{cache_bytes >> 10}")

    @classmethod
    def existing(cls, path: Path, cache_bytes: int = CACHE_BYTES) -> SQLite:
        """Open a store, and read one row."""
        engine = cls.__new__(cls)
        engine.path = path
        engine._open(cache_bytes)
        assert engine.get(1) is not None
        return engine

    def commit(self, pictures: list[Picture]) -> None:
        """Store pictures durably, in one transaction; the hash is given to it for nothing."""
        self.db.execute("BEGIN IMMEDIATE")
        for filename, metadata, data in pictures:
            cursor = self.db.execute(
                "INSERT INTO images (root, path, filename, hash, size, mtime, inode, metadata)"
                " VALUES (1, ?, ?, ?, 0, 0, 0, ?)",
                (b"album/" + filename, filename, data[:32], metadata),
            )
            if data:
                self.db.execute("INSERT INTO bytes VALUES (?, ?)", (cursor.lastrowid, data))
        self.db.execute("COMMIT")

    def get(self, image_id: int) -> object:
        """Return a row without its bytes."""
        return self.db.execute("SELECT * FROM images WHERE id = ?", (image_id,)).fetchone()

    def find(self, filename: bytes) -> object:
        """Return the rows of a filename."""
        sql = "SELECT * FROM images WHERE filename = ? ORDER BY id"
        return self.db.execute(sql, (filename,)).fetchall()

    def read(self, image_id: int) -> bytes:
        """Return a picture's bytes, not verified."""
        sql = "SELECT data FROM bytes WHERE id = ?"
        return bytes(self.db.execute(sql, (image_id,)).fetchone()[0])

    def scan(self) -> int:
        """Read every row without its bytes; return their number."""
        return sum(1 for _ in self.db.execute("SELECT * FROM images ORDER BY id"))

    def reopen(self) -> None:
        """Close, open, read one row."""
        self.db.close()
        self._open()
        assert self.get(1) is not None

    def close(self) -> None:
        """Close."""
        self.db.close()


class LMDB:
    """LMDB as it comes, durable; a row is packed into one value, an index is a table."""

    name = "lmdb"
    _fixed = struct.Struct("<QIHHI32s3Q")

    def __init__(self, folder: Path) -> None:
        """Make an environment."""
        self.path = folder / "lmdb"
        self._open()

    def _open(self) -> None:
        self.env = lmdb.open(str(self.path), map_size=1 << 38, max_dbs=5)
        self.rows, self.bytes = self.env.open_db(b"rows"), self.env.open_db(b"bytes")
        self.names = self.env.open_db(b"names", dupsort=True, dupfixed=True)
        self.paths = self.env.open_db(b"paths")
        self.hashes = self.env.open_db(b"hashes", dupsort=True, dupfixed=True)
        with self.env.begin() as view:
            last = next(view.cursor(self.rows).iterprev(values=False), None)
        self.next = 1 + (int.from_bytes(last, "big") if last else 0)

    @classmethod
    def existing(cls, path: Path, _cache_bytes: int = CACHE_BYTES) -> LMDB:
        """Open a store, and read one row."""
        engine = cls.__new__(cls)
        engine.path = path
        engine._open()
        assert engine.get(1) is not None
        return engine

    def commit(self, pictures: list[Picture]) -> None:
        """Store pictures durably, in one transaction; the hash is given to it for nothing."""
        with self.env.begin(write=True) as change:
            for filename, metadata, data in pictures:
                key, digest = self.next.to_bytes(8, "big"), data[:32].ljust(32, b"\0")
                self.next += 1
                path = b"album/" + filename
                lengths = len(path), len(filename), len(metadata)
                fixed = self._fixed.pack(0, 1, *lengths, digest, 0, 0, 0)
                value = b"".join((fixed, path, filename, metadata))
                change.put(key, value, db=self.rows, append=True)
                change.put(filename, key, db=self.names)
                change.put(path, key, db=self.paths)
                change.put(digest, key, db=self.hashes)
                if data:
                    change.put(key, data, db=self.bytes, append=True)

    def _row(self, value: Any) -> object:
        fields = self._fixed.unpack_from(value)
        at = self._fixed.size
        names = at + fields[2]
        rest = names + fields[3]
        return (*fields, value[at:names], value[names:rest], value[rest : rest + fields[4]])

    def get(self, image_id: int) -> object:
        """Return a row without its bytes."""
        with self.env.begin() as view:
            return self._row(view.get(image_id.to_bytes(8, "big"), db=self.rows))

    def find(self, filename: bytes) -> object:
        """Return the rows of a filename."""
        with self.env.begin() as view:
            cursor = view.cursor(self.names)
            if not cursor.set_key(filename):
                return []
            return [self._row(view.get(key, db=self.rows)) for key in cursor.iternext_dup()]

    def read(self, image_id: int) -> bytes:
        """Return a picture's bytes, not verified."""
        with self.env.begin() as view:
            return bytes(view.get(image_id.to_bytes(8, "big"), db=self.bytes))

    def scan(self) -> int:
        """Read every row without its bytes; return their number."""
        with self.env.begin() as view:
            return sum(1 for _ in map(self._row, view.cursor(self.rows).iternext(keys=False)))

    def reopen(self) -> None:
        """Close, open, read one row."""
        self.env.close()
        self._open()
        assert self.get(1) is not None

    def close(self) -> None:
        """Close."""
        self.env.close()


class Floor:
    """One write and one fdatasync a commit, in files filled with zeros ahead, as ours are.

    Their filling is counted: it happens in the commit that needs the next file.
    """

    name = "floor"
    _bytes = 64 << 20

    def __init__(self, folder: Path) -> None:
        """Make the first file."""
        self.folder, self.number, self.at = folder, 0, 0
        self._fill()

    def _fill(self) -> None:
        path = self.folder / f"floor-{self.number}"
        self.fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        for _ in range(self._bytes >> 20):
            os.write(self.fd, bytes(1 << 20))
        os.fdatasync(self.fd)
        self.at = 0

    def commit(self, pictures: list[Picture]) -> None:
        """Write pictures durably."""
        self._write(pictures)
        os.fdatasync(self.fd)

    def timed_commit(self, picture: Picture) -> dict[str, float]:
        """Write a picture durably; return the seconds of the write and of the sync."""
        times = [time.perf_counter()]
        self._write([picture])
        times.append(time.perf_counter())
        os.fdatasync(self.fd)
        times.append(time.perf_counter())
        return {"write": times[1] - times[0], "sync": times[2] - times[1]}

    def _write(self, pictures: list[Picture]) -> None:
        parts = [part for picture in pictures for part in picture if part]
        length = sum(map(len, parts))
        if self.at + length > self._bytes:
            os.close(self.fd)
            self.number += 1
            self._fill()
        for start in range(0, len(parts), 1000):
            os.pwritev(self.fd, parts[start : start + 1000], self.at)
            self.at += sum(map(len, parts[start : start + 1000]))
