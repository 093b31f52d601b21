"""The database against SQLite (WAL, synchronous=FULL), LMDB and the disk itself.

All run interleaved in one process, in rounds whose order is shuffled, so that the load of the
machine meets them alike; read the ratios. What reads from memory alone is measured in processor
time. The floor is one write and one fdatasync of the same
bytes into files that were filled ahead, the filling counted. All stores keep the same columns
with the same indexes (filename; root and path; content hash), their caches hold everything,
look-ups are uniform.

    python tests/bench/bench_database.py [--quick | --full] [--rows N] [--sustained GB]
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import platform
import random
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import lmdb
from database_engines import (
    BLOB_BYTES,
    CACHE_BYTES,
    LMDB,
    SEED,
    Engine,
    Floor,
    Ours,
    Picture,
    SQLite,
)


def pictures(rng: random.Random, blob_bytes: int = BLOB_BYTES) -> Iterator[Picture]:
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
        yield name, json.dumps(metadata).encode(), rng.randbytes(blob_bytes)


@contextmanager
def stopwatch(times: list[float], clock: Callable[[], float] = time.perf_counter) -> Iterator[None]:
    """Append the seconds that the block takes."""
    begin = clock()
    yield
    times.append(clock() - begin)


def interleaved(
    rng: random.Random,
    rounds: int,
    subjects: Mapping[str, Callable[[], object]],
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Run each subject once a round in shuffled order; return the median seconds of each."""
    times: dict[str, list[float]] = {name: [] for name in subjects}
    order = list(subjects)
    gc.disable()
    for _ in range(rounds):
        rng.shuffle(order)
        for name in order:
            with stopwatch(times[name], clock):
                subjects[name]()
    gc.enable()
    return {name: statistics.median(values) for name, values in times.items()}


PLACES = {"picturerail": "picturerail", "sqlite": "sqlite.db", "lmdb": "lmdb"}
NAMES = ("picturerail", "sqlite", "lmdb", "floor")


def print_head() -> None:
    """Print what the columns are."""
    print(f"{'':38} {'':8}" + "".join(f"{name:>13}" for name in NAMES), end="")
    print(f"{'x sqlite':>10}{'x lmdb':>8}{'x floor':>8}")


def print_row(what: str, unit: str, count: float, medians: dict[str, float]) -> None:
    """Print one line: each one's rate, and how ours compares."""
    ours = medians["picturerail"]
    cells = [f"{what:38} {unit:8}"]
    cells += [
        f"{count / medians[name]:13,.0f}" if name in medians else f"{'':13}" for name in NAMES
    ]
    for name, width in (("sqlite", 9), ("lmdb", 7), ("floor", 7)):
        ratio = f"{medians[name] / ours:.2f}" if name in medians else ""
        cells.append(f"{ratio:>{width}} ")
    print("".join(cells), flush=True)


def resident() -> int:
    """Return the process's memory in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def print_written(stores: Sequence[Engine | Floor], batches: list[list[Picture]]) -> None:
    """Commit to one store after the other, and print what was written for each byte given.

    Not side by side: what is filled ahead is written by a thread beside.
    """
    given = sum(len(part) for batch in batches for picture in batch for part in picture)
    print(
        f"    bytes written for one given of {given / 1e6:,.0f} MB, zeros filled ahead counted:",
        end="",
    )
    for store in stores:
        before = written()
        for batch in batches:
            store.commit(batch)
        print(f" {store.name} {(written() - before) / given:.2f}", end="")
    print(flush=True)


def written() -> int:
    """Return the bytes that this process has passed to write calls."""
    return counted("wchar")


def write_calls() -> int:
    """Return how many write calls this thread has made."""
    return counted("syscw", "thread-self")


def counted(what: str, whose: str = "self") -> int:
    """Return one of the kernel's counts of this process's or thread's reads and writes."""
    lines = Path(f"/proc/{whose}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what))


@contextmanager
def at_once() -> Iterator[None]:
    """Have this thread run as soon as the disk answers, where that is permitted.

    On a busy machine every sync otherwise lasts until the next tick of the scheduler, whatever
    was written.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        print("    not permitted to run at once: syncs may wait for the scheduler")
        yield
    else:
        yield
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def commit_next(store: Engine | Floor, batches: Iterator[list[Picture]]) -> None:
    """Commit the next batch."""
    store.commit(next(batches))


def commits(
    engines: list[Engine], floor: Floor, source: Iterator[Picture], rng: random.Random, rounds: int
) -> None:
    """Durable commits of one row and of a hundred, from one thread and from 32."""
    stores: list[Engine | Floor] = [*engines, floor]
    # The first segment of a store is never filled ahead; what counts is how it goes on.
    for _ in range(16):
        batch = list(islice(source, 100))
        for store in stores:
            store.commit(batch)
    for size in (1, 100):
        here = rounds if size == 1 else max(4, rounds // 8)
        batches = [[next(source) for _ in range(size)] for _ in range(here)]
        subjects = {s.name: partial(commit_next, s, iter(batches)) for s in stores}
        medians = interleaved(rng, here, subjects)
        print_row(f"durable commit, {size} row(s) of 60 kB", "rows/s", size, medians)
    ours = next(store for store in stores if isinstance(store, Ours))
    broken_down(ours, floor, source, rounds)

    last = [list(islice(source, 100)) for _ in range(20)]
    print_written(stores, last)


def broken_down(ours: Ours, floor: Floor, source: Iterator[Picture], rounds: int) -> None:
    """Print what a commit of one row takes, step by step, beside the floor's write and sync."""
    steps: dict[str, list[float]] = {}
    for picture in islice(source, rounds):
        with stopwatch(steps.setdefault("calls", [])):
            ours.idle_transaction(picture)
        for name, seconds in {**ours.timed_commit(picture), **floor.timed_commit(picture)}.items():
            steps.setdefault(name, []).append(seconds)
    us = {name: statistics.median(seconds) * 1e6 for name, seconds in steps.items()}
    at_least = us["write"] + us["sync"]
    print(
        f"    one row: {us['bring'] + us['commit']:,.0f} us, {us['processor']:,.0f} of processor: "
        f"{us['bring']:,.0f} to bring it (copied to the log and hashed; Python and its calls take "
        f"{us['calls']:,.0f}), {us['commit']:,.0f} to commit it (frame, sync, mark, state); "
        f"the floor writes for {us['write']:,.0f} and syncs for {us['sync']:,.0f}, which with "
        f"Python's calls alone, without hashing, would be "
        f"{at_least / (at_least + us['calls']):.2f} of the floor"
    )


def many_threads(
    ours: Ours, floor: Floor, source: Iterator[Picture], rng: random.Random, rounds: int
) -> None:
    """Commits of one row from 32 threads and from one, and what processors and disk would allow.

    Not at once: threads that come before all others keep the kernel from writing.
    """
    count = 640
    spent: list[float] = []
    gathered: list[float] = []
    slept: list[float] = []
    calls: list[int] = []

    def commit_part(part: list[list[Picture]]) -> None:
        before = write_calls()
        ours.commit_all(part)
        calls.append(write_calls() - before)

    def commit_from(threads: int) -> None:
        batches = next(pending)
        parts = [batches[number::threads] for number in range(threads)]
        runs = [threading.Thread(target=commit_part, args=(part,)) for part in parts]
        calls.clear()
        begin, sleeps = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
        for run_ in runs:
            run_.start()
        for run_ in runs:
            run_.join()
        if threads > 1:
            spent.append(time.process_time() - begin)
            slept.append(resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - sleeps)
            # Two writes a row, and one of the mark for each sync.
            gathered.append(count / max(1, sum(calls) - 2 * count))

    pending = iter([[[next(source)] for _ in range(count)] for _ in range(2 * rounds)])
    medians = interleaved(
        rng, rounds, {"one": partial(commit_from, 1), "many": partial(commit_from, 32)}
    )
    each = statistics.median(spent) / count
    cores = len(os.sched_getaffinity(0))
    group = max(1, round(statistics.median(gathered)))
    alone: list[float] = []
    for _ in range(10 * rounds):
        batch = list(islice(source, group))
        with stopwatch(alone):
            floor.commit(batch)
    print(
        f"    32 threads, 1 row of 60 kB each: {count / medians['many']:,.0f} rows/s, "
        f"{medians['one'] / medians['many']:.2f}x one thread ({count / medians['one']:,.0f}); "
        f"a sync takes {statistics.median(gathered):,.1f} rows. "
        f"A row takes {each * 1e6:,.0f} us of processor (hashing, copying, checksums, Python), "
        f"so {cores} cores allow {cores / each:,.0f} at most, "
        f"{medians['one'] / count * cores / each:.1f}x one thread; the floor writes and syncs "
        f"groups of {group} at {group / statistics.median(alone):,.0f} rows/s. For a row threads "
        f"are put to sleep {statistics.median(slept) / count:.1f} times, by disk, locks and the "
        "interpreter, and woken again",
        flush=True,
    )


def sustained(
    stores: list[Engine | Floor], source: Iterator[Picture], rng: random.Random, gigabytes: float
) -> None:
    """Print the rate of commits of 100 rows until each store has grown by so much.

    What each writes and fills meanwhile, and every checkpoint, is counted. The same thousand
    pictures come again and again under other names, their first bytes changed: making new ones
    would take longer than storing them.
    """
    rounds = max(1, round(gigabytes * 1e9 / (100 * BLOB_BYTES)))
    seconds: dict[str, list[float]] = {store.name: [] for store in stores}
    pool = list(islice(source, 1000))

    def next_batch(number: int) -> list[Picture]:
        return [
            (b"%d-%s" % (number, name), metadata, b"%016d" % number + data[16:])
            for name, metadata, data in rng.sample(pool, 100)
        ]

    for number in range(rounds):
        batch = next_batch(number)
        for store in rng.sample(stores, len(stores)):
            with stopwatch(seconds[store.name]):
                store.commit(batch)
    print_row(
        f"sustained, 100 rows, {gigabytes:g} GB each",
        "rows/s",
        rounds * 100,
        {name: sum(times) for name, times in seconds.items()},
    )
    for name, times in seconds.items():
        fifth = max(1, len(times) // 5)
        parts = [times[at : at + fifth] for at in range(0, fifth * 5, fifth)]
        rates = ", ".join(f"{len(part) * 100 / sum(part):,.0f}" for part in parts if part)
        print(
            f"    {name}: rows/s of each fifth {rates}; slowest commit {max(times) * 1e3:,.0f} ms",
            flush=True,
        )
    print_written(stores, [next_batch(rounds + number) for number in range(max(1, rounds // 10))])


def for_each(act: Callable[[Any], object], subjects: list[Any]) -> None:
    """Call `act` with each and keep nothing."""
    for subject in subjects:
        act(subject)


def keep_freed_memory() -> None:
    """Have the C library keep what is freed for what is allocated next.

    Else it gives a large copy's memory back to the system between two of them or not, by what else
    happens to be allocated, and having it again takes longer than the copy.
    """
    # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h; the second has this upper limit.
    library = ctypes.CDLL(None)
    for parameter, value in ((-1, 1 << 30), (-3, 32 << 20)):
        if not library.mallopt(parameter, value):
            print("    the C library gives freed memory back: large copies may take twice as long")


def blobs(folder: Path, rng: random.Random, rounds: int) -> None:
    """Print what a copy of stored bytes costs beside one in memory, and what a view of them."""
    keep_freed_memory()
    ours = Ours(folder)
    for size, count in ((60_000, 256), (1_000_000, 64), (4_000_000, 16)):
        name = f"{size / 1e6:g} MB" if size >= 1_000_000 else f"{size // 1000} kB"
        data = [rng.randbytes(size) for _ in range(count)]
        ours.commit(
            [(b"%d-%d.jpg" % (size, index), b"{}", each) for index, each in enumerate(data)]
        )
        ours.freshen()
        view = ours.view
        rows = list(view.images(view.info.live - count))
        hashes = [row.content_hash for row in rows]
        path = folder / f"plain-{size}"
        path.write_bytes(b"".join(data))
        plain = os.open(path, os.O_RDONLY)
        subjects = {
            "picturerail": partial(for_each, ours.copy, rows),
            "floor": partial(for_each, bytes, [memoryview(each) for each in data]),
            "view": partial(for_each, view.view_blob, hashes),
            "find": partial(for_each, ours.find_bytes, rows),
            "read": partial(for_each, partial(os.pread, plain, size), range(0, size * count, size)),
        }
        medians = interleaved(rng, rounds, subjects, time.thread_time)
        os.close(plain)
        seen, found = medians.pop("view") / count, medians.pop("find") / count
        read = medians.pop("read")
        print_row(f"copy {name} by content hash", "MB/s", size * count / 1e6, medians)
        copied, in_memory = medians["picturerail"], medians["floor"]
        print(
            f"    a copy of {name}: {copied / count * 1e6:,.1f} us, finding it among the rest "
            f"{found * 1e6:,.1f}; "
            f"{read / count * 1e6:,.1f} where the kernel reads it from a plain file "
            f"({read / copied:.2f}x), the most where a disk that fails is to be an error: one that "
            f"is mapped ends the process; {in_memory / count * 1e6:,.1f} in memory, which the "
            f"kernel's reading alone is {in_memory / read:.2f} of; "
            f"a view: {seen * 1e6:,.1f} us, at any size but for its mapping"
        )
    ours.close()
    shutil.rmtree(folder / PLACES["picturerail"])


def after_kill(folder: Path, *, quick: bool) -> None:
    """Open a store whose writer was killed with 1 GB that only its log holds."""
    count = 500 if quick else 170
    size = 1 if quick else 100
    seconds = {}
    for engine in (Ours, SQLite, LMDB):
        home = folder / f"killed-{engine.name}"
        home.mkdir()
        script = (
            "import os, random, sys, pathlib; sys.path.insert(0, sys.argv[1])\n"
            "from itertools import islice\n"
            "from bench_database import pictures\n"
            f"from database_engines import {engine.__name__} as Engine\n"
            "engine = Engine(pathlib.Path(sys.argv[2]))\n"
            "if engine.name == 'sqlite': engine.db.execute('PRAGMA wal_autocheckpoint = 0')\n"
            "source = pictures(random.Random(1))\n"
            f"for _ in range({count}): engine.commit(list(islice(source, {size})))\n"
            "os._exit(0)\n"
        )
        here = str(Path(__file__).parent)
        subprocess.run([sys.executable, "-c", script, here, str(home)], check=True)
        times: list[float] = []
        with stopwatch(times):
            store = engine.existing(home / PLACES[engine.name])
        seconds[engine.name] = times[0]
        store.close()
    print_row(f"open after a kill, {count * size * 0.06:,.0f} MB", "times/s", 1, seconds)


def run(folder: Path, *, quick: bool, rows: int, gigabytes: float) -> None:
    """Measure and print the table."""
    rng = random.Random(SEED)
    source = pictures(rng)
    rounds = 16 if quick else 160
    print(f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, {folder}")
    print(f"SQLite {sqlite3.sqlite_version}; LMDB {lmdb.version()}; seed {SEED}")
    print(f"cache {CACHE_BYTES >> 20} MB each; LMDB's is the kernel's")
    print(f"{rows:,} rows\n")
    print_head()
    (folder / "blobs").mkdir()
    blobs(folder / "blobs", rng, 3 if quick else 9)
    ours = Ours(folder)
    engines: list[Engine] = [ours, SQLite(folder), LMDB(folder)]
    floor = Floor(folder)
    with at_once():
        commits(engines, floor, source, rng, rounds)
        if gigabytes:
            sustained([*engines, floor], source, rng, gigabytes)
    many_threads(ours, floor, source, rng, 1 if quick else 3)

    before_sizes = {engine.name: size_of(folder, engine) for engine in engines}
    loading: dict[str, float] = {}
    small = list(islice(pictures(rng, 0), rows))
    for engine in engines:
        times: list[float] = []
        with stopwatch(times):
            for start in range(0, rows, 10_000):
                engine.commit(small[start : start + 10_000])
        loading[engine.name] = times[0]
    print_row("metadata only, 10,000 a commit", "rows/s", rows, loading)
    for engine in engines:
        grown = (size_of(folder, engine) - before_sizes[engine.name]) / 1e6
        print(
            f"    disk for {rows:,} metadata rows behind pictures, {engine.name}: {grown:,.1f} MB"
        )
    alone(folder / "alone", small[:100_000])

    count = 200 if quick else 4_000
    ids = [rng.randrange(1, rows) for _ in range(count)]
    names = [rng.choice(small)[0] for _ in range(count)]
    with_bytes = [rng.randrange(1, 1_600) for _ in range(count // 4)]
    megabytes = count // 4 * BLOB_BYTES / 1e6
    reads: list[tuple[str, str, float, Callable[[Engine], object]]] = [
        ("get by id", "rows/s", count, lambda e: [e.get(i) for i in ids]),
        ("get by filename", "rows/s", count, lambda e: [e.find(n) for n in names]),
        ("read 60 kB", "MB/s", megabytes, lambda e: [e.read(i) for i in with_bytes]),
        ("scan", "rows/s", rows, lambda e: e.scan()),
    ]
    ours.freshen()
    for what, unit, amount, act in reads:
        actions = {engine.name: partial(act, engine) for engine in engines}
        medians = interleaved(rng, 3 if quick else 7, actions, time.thread_time)
        print_row(what, unit, amount, medians)
    packed = interleaved(rng, 3, {"engine": ours.scan_packed}, time.thread_time)["engine"]
    print(f"    scan without Python's objects: {packed / rows * 1e9:,.0f} ns a row")
    parts = {
        "same": partial(ours.call, ids[:1] * count),
        "call": partial(ours.call, ids),
        "same name": partial(ours.call_by_name, names[:1] * count),
        "name": partial(ours.call_by_name, names),
        "decode": partial(ours.decode, ids[0], count),
    }
    each = {
        name: took / count * 1e9
        for name, took in interleaved(rng, 7, parts, time.thread_time).items()
    }
    print(
        f"    get by id, floor: {each['same']:,.0f} ns a call that brings the same row each time, "
        f"{each['decode']:,.0f} ns for Python's object; a call for any row {each['call']:,.0f} ns"
    )
    print(
        f"    get by filename, floor: {each['same name']:,.0f} ns a call for the same name each "
        f"time and {each['decode']:,.0f} ns for Python's object; for any name "
        f"{each['name']:,.0f} ns: what is between is waiting for memory, for a key and then "
        "for its row"
    )
    reopening = {engine.name: partial(type(engine).reopen, engine) for engine in engines}
    # Nobody writes, so nobody waits for the disk.
    medians = interleaved(rng, 5, reopening, time.thread_time)
    print_row("close, open, read one row", "times/s", 1, medians)
    for engine in engines:
        engine.close()
    without_python("lookups", folder / PLACES["picturerail"], CACHE_BYTES >> 20)
    without_python("commits", folder / "commits", 1, 32)
    for engine in engines:
        code = (
            "import sys, pathlib; sys.path.insert(0, sys.argv[1])\n"
            "from bench_database import resident\n"
            f"from database_engines import {type(engine).__name__} as Engine\n"
            "before = resident(); engine = Engine.existing(pathlib.Path(sys.argv[2]), 64 << 20)\n"
            f"for i in range(100_000): engine.get(1 + 7919 * i % {rows})\n"
            "print(resident() - before)\n"
        )
        path = folder / PLACES[engine.name]
        command = [sys.executable, "-c", code, str(Path(__file__).parent), str(path)]
        grown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        print(
            f"    memory once open and read, cache 64 MB: {engine.name} {int(grown) / 1e6:,.0f} MB",
            flush=True,
        )
    after_kill(folder, quick=quick)


def without_python(example: str, folder: Path, *arguments: int) -> None:
    """Print what one of the crate's examples measures in a folder."""
    crate = Path(__file__).parents[2] / "native" / "database" / "Cargo.toml"
    command = ["cargo", "run", "--release", "--quiet", "--locked", "--example", example]
    command += ["--manifest-path", str(crate), "--", str(folder), *map(str, arguments)]
    measured = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    print(f"    without Python, {example}: {'; '.join(measured.splitlines())}", flush=True)


def alone(folder: Path, small: list[Picture]) -> None:
    """Print what stores of nothing but metadata take on disk."""
    folder.mkdir()
    for engine in (Ours(folder), SQLite(folder), LMDB(folder)):
        for start in range(0, len(small), 10_000):
            engine.commit(small[start : start + 10_000])
        taken = size_of(folder, engine) / 1e6
        engine.close()
        print(f"    disk for {len(small):,} metadata rows alone, {engine.name}: {taken:,.1f} MB")
    shutil.rmtree(folder)


def size_of(folder: Path, engine: Engine) -> int:
    """Return the bytes of a store's files that hold something."""
    path = folder / PLACES[engine.name]
    if isinstance(engine, Ours):
        engine.store.checkpoint()
        return engine.store.snapshot().info.disk_bytes
    if isinstance(engine, SQLite):
        engine.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_blocks * 512 for file in files)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes")
    parser.add_argument("--full", action="store_true", help="a million rows, 10 GB sustained")
    parser.add_argument("--rows", type=int, help="rows that are looked up (default: 100,000)")
    parser.add_argument("--sustained", type=float, metavar="GB", help="grow each store by so much")
    parser.add_argument("--folder", type=Path, help="on the disk to measure (default: TMPDIR)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-database-", dir=options.folder) as folder:
        rows = options.rows or (2_000 if options.quick else 1_000_000 if options.full else 100_000)
        gigabytes = options.sustained if options.sustained is not None else 10 * options.full
        run(Path(folder), quick=options.quick, rows=rows, gigabytes=gigabytes)


if __name__ == "__main__":
    main()
