"""The database against SQLite (WAL, synchronous=FULL) and against the disk itself.

All run interleaved in one process, in rounds whose order is shuffled, so that the load of the
machine meets them alike; read the ratios. The floor is one write and one fdatasync of the same
bytes at the end of a growing file. Both stores keep the same columns with the same indexes
(filename; root and path; content hash), their caches hold everything, look-ups are uniform.

    python tests/bench/bench_database.py [--quick] [--folder DIR]
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol

from picturerail_native.database import Database, Mode
from picturerail_native.records import ImageRow

BLOB_BYTES = 60_000
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
        self.store = Database(self.folder, Mode.CREATE)
        self.view = self.store.snapshot()

    def commit(self, pictures: list[Picture]) -> None:
        """Store pictures durably, in one transaction."""
        with self.store.begin() as transaction:
            for filename, metadata, data in pictures:
                writer = None
                if data:
                    writer = self.store.blob_writer()
                    writer.write(data)
                row = ImageRow(0, filename, metadata, root=1, path=b"album/" + filename)
                transaction.insert(row, writer)
        self.view = self.store.snapshot()

    def get(self, image_id: int) -> object:
        """Return a row without its bytes."""
        return self.view.get(image_id)

    def find(self, filename: bytes) -> object:
        """Return the rows of a filename."""
        return self.view.find_filename(filename)

    def read(self, image_id: int) -> bytes:
        """Return a picture's bytes, verified."""
        row = self.view.get(image_id)
        assert row is not None
        with self.view.open_blob(row.content_hash) as blob:
            return blob.readall()

    def scan(self) -> int:
        """Read every row without its bytes; return their number."""
        return sum(1 for _ in self.view.images())

    def reopen(self) -> None:
        """Close, open, read one row."""
        self.store.close()
        self.store = Database(self.folder, Mode.WRITE)
        self.view = self.store.snapshot()
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

    def _open(self) -> None:
        self.db = sqlite3.connect(self.path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.execute("PRAGMA cache_size = -1000000")

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


class Floor:
    """One write and one fdatasync a commit."""

    name = "floor"

    def __init__(self, folder: Path) -> None:
        """Make a file."""
        self.fd = os.open(folder / "floor", os.O_CREAT | os.O_WRONLY, 0o600)

    def commit(self, pictures: list[Picture]) -> None:
        """Write pictures durably."""
        os.writev(self.fd, [part for picture in pictures for part in picture if part])
        os.fdatasync(self.fd)


def pictures(rng: random.Random) -> Iterator[Picture]:
    """Yield pictures of unlike names and bytes with some 400 bytes of metadata."""
    words = ["beach", "sea", "sand", "summer", "sun", "dog", "espresso", "alpine", "meadow"]
    number = 0
    while True:
        number += 1
        tags = [{"name": rng.choice(words), "confidence": round(rng.random(), 4)} for _ in range(6)]
        metadata = {
            "shape": 1,
            "mime": "image/jpeg",
            "width": 4000,
            "height": 3000,
            "descriptions": {"local": {"version": "1", "caption": "A picture", "tags": tags}},
        }
        name = f"IMG_{rng.randrange(10**9):09d}_{number}.jpg".encode()
        yield name, json.dumps(metadata).encode(), rng.randbytes(BLOB_BYTES)


@contextmanager
def stopwatch(times: list[float]) -> Iterator[None]:
    """Append the seconds that the block takes."""
    begin = time.perf_counter()
    yield
    times.append(time.perf_counter() - begin)


def interleaved(
    rng: random.Random, rounds: int, subjects: Mapping[str, Callable[[], object]]
) -> dict[str, float]:
    """Run each subject once a round in shuffled order; return the median seconds of each."""
    times: dict[str, list[float]] = {name: [] for name in subjects}
    order = list(subjects)
    gc.disable()
    for _ in range(rounds):
        rng.shuffle(order)
        for name in order:
            with stopwatch(times[name]):
                subjects[name]()
    gc.enable()
    return {name: statistics.median(values) for name, values in times.items()}


def print_row(what: str, unit: str, count: int, medians: dict[str, float]) -> None:
    """Print one line: each one's rate, and how ours compares."""
    ours = medians["picturerail"]
    cells = [f"{what:34}", f"{unit:10}"]
    cells += [
        f"{count / medians[name]:12,.0f}" if name in medians else f"{'':12}"
        for name in ("picturerail", "sqlite", "floor")
    ]
    cells.append(f"{medians['sqlite'] / ours:8.2f}x")
    cells.append(f"{medians['floor'] / ours:8.2f}" if "floor" in medians else "")
    print(" ".join(cells))


def resident() -> int:
    """Return the process's memory in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def commit_next(store: Engine | Floor, batches: Iterator[list[Picture]]) -> None:
    """Commit the next batch."""
    store.commit(next(batches))


def run(folder: Path, *, quick: bool) -> None:
    """Measure and print the table."""
    rng = random.Random(SEED)
    source = pictures(rng)
    rounds, rows = (10, 2_000) if quick else (60, 100_000)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, {folder}")
    print(f"SQLite {sqlite3.sqlite_version}, page cache 1 GB; seed {SEED}; {rows:,} rows\n")
    print(
        f"{'':34} {'':10} {'picturerail':>12} {'sqlite':>12} {'floor':>12} {'x sqlite':>9} "
        f"{'x floor':>8}"
    )
    engines: list[Engine] = [Ours(folder), SQLite(folder)]
    floor = Floor(folder)

    for size in (1, 100):
        batches = iter([[next(source) for _ in range(size)] for _ in range(3 * rounds)])
        stores: list[Engine | Floor] = [*engines, floor]
        subjects = {store.name: partial(commit_next, store, batches) for store in stores}
        rounds_here = rounds if size == 1 else max(3, rounds // 6)
        medians = interleaved(rng, rounds_here, subjects)
        print_row(f"durable commit, {size} row(s) of 60 kB", "rows/s", size, medians)

    small = [(name, metadata, b"") for name, metadata, _ in islice(source, rows)]
    loading: dict[str, float] = {}
    for engine in engines:
        times: list[float] = []
        before = resident()
        with stopwatch(times):
            for start in range(0, rows, 10_000):
                engine.commit(small[start : start + 10_000])
        loading[engine.name] = times[0]
        print(
            f"{'':4}memory for {rows:,} rows, {engine.name}: {(resident() - before) / 1e6:,.0f} MB"
        )
    print_row("metadata only, 10,000 a commit", "rows/s", rows, loading)

    count = 200 if quick else 2_000
    ids = [rng.randrange(1, rows) for _ in range(count)]
    names = [rng.choice(small)[0] for _ in range(count)]
    with_bytes = [rng.randrange(1, rounds) for _ in range(count)]
    reads: list[tuple[str, str, int, Callable[[Engine], object]]] = [
        ("get by id", "rows/s", count, lambda e: [e.get(i) for i in ids]),
        ("get by filename", "rows/s", count, lambda e: [e.find(n) for n in names]),
        (
            "read 60 kB",
            "MB/s",
            count * BLOB_BYTES // 10**6,
            lambda e: [e.read(i) for i in with_bytes],
        ),
        ("scan", "rows/s", rows, lambda e: e.scan()),
        ("close, open, read one row", "times/s", 1, lambda e: e.reopen()),
    ]
    for what, unit, amount, act in reads:
        actions = {engine.name: partial(act, engine) for engine in engines}
        print_row(what, unit, amount, interleaved(rng, 3 if quick else 9, actions))

    for engine in engines:
        engine.close()
    for name in ("picturerail", "sqlite.db"):
        path = folder / name
        files = path.iterdir() if path.is_dir() else [path]
        print(f"{'':4}on disk, {name}: {sum(f.stat().st_size for f in files) / 1e6:,.0f} MB")


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes")
    parser.add_argument("--folder", type=Path, help="on the disk to measure (default: TMPDIR)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-database-", dir=options.folder) as folder:
        run(Path(folder), quick=options.quick)


if __name__ == "__main__":
    main()
