"""A writer and readers, each a process of its own, killed at random moments again and again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from picturerail_native import database
from picturerail_native.database import Database, Mode

ROUNDS = int(os.environ.get("PICTURERAIL_KILL_ROUNDS", "4"))
SEED = 23
CHILD_ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

# Every picture's bytes tell its name, and each name is written before and after what is done.
WRITER = """
import sys
from picturerail_native.database import Database, Mode
from picturerail_native.records import ImageRow, Table
store = Database(sys.argv[1], Mode.CREATE)
held = sorted(row.id for row in store.snapshot().images())
for number in range(100_000):
    name = b"%s-%d.jpg" % (sys.argv[2].encode(), number)
    with store.begin() as transaction:
        row = ImageRow(0, name, b'{"padding": "%s"}' % (b"x" * 500), root=1, path=name)
        held.append(transaction.insert(row, name * 2_000))
        transaction.put(Table.STATE, b"first", name)
        transaction.put(Table.STATE, b"second", name)
    print("there", held[-1], flush=True)
    if number % 3 == 2:
        gone = held.pop(0)
        print("leaving", gone, flush=True)
        store.purge([gone])
        print("gone", gone, flush=True)
    if number % 10 == 4:
        store.checkpoint()
    if number % 10 == 9:
        # Nothing is to be forgotten, but dead bytes are reclaimed.
        store.collect(1)
"""

READER = """
import sys, time
from picturerail_native.database import Database, NotFoundError
from picturerail_native.records import Table
store = None
while store is None:
    try:
        store = Database(sys.argv[1])
    except NotFoundError:
        time.sleep(0.001)
seq = 0
print("open", flush=True)
while True:
    snapshot = store.snapshot()
    assert snapshot.info.seq >= seq, "a reader went back"
    seq = snapshot.info.seq
    assert len(set(dict(snapshot.records(Table.STATE)).values())) <= 1, "half a transaction"
    rows = list(snapshot.images())
    assert len(rows) == snapshot.info.live
    for row in rows[:2] + rows[-2:]:
        with snapshot.open_blob(row.content_hash) as blob:
            assert blob.readall() == row.filename * 2_000, "other bytes"
"""


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a Python program in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-u", "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env=CHILD_ENVIRONMENT,
    )


def kill(process: subprocess.Popen[str]) -> list[str]:
    """Kill a process that had no fault to end with; return what it had printed in whole lines."""
    process.send_signal(signal.SIGKILL)
    # Not `communicate`, which passes over what `readline` has read ahead.
    assert process.stdout is not None
    output = process.stdout.read()
    process.stdout.close()
    assert process.wait(timeout=60) == -signal.SIGKILL
    # The kill may cut the last line.
    return [line for line in output.splitlines(keepends=True) if line.endswith("\n")]


def test_writers_and_readers_are_killed(tmp_path: Path) -> None:
    """Through checkpoints, merges, purges and collections, whoever is killed at whatever moment.

    What the writer had told is there, what it had purged is not; no reader ever saw half of a
    transaction, other bytes or an earlier state; the killed readers leave no file behind, and
    the next writer finds nothing in its way.
    """
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    folder = tmp_path / "store"
    there: set[int] = set()
    leaving: set[int] = set()
    gone: set[int] = set()
    for number in range(ROUNDS):
        writer = start(WRITER, folder, number)
        readers = [start(READER, folder) for _ in range(2)]
        assert writer.stdout is not None
        lines = [writer.stdout.readline()]
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "open\n"
        lines += [writer.stdout.readline() for _ in range(rng.randrange(80))]
        # One reader dies before the writer, which goes on for a while; the other outlives it.
        kill(readers[0])
        lines += [writer.stdout.readline() for _ in range(rng.randrange(40))]
        lines += kill(writer)
        for line in lines:
            what, image_id = line.split()
            {"there": there, "leaving": leaving, "gone": gone}[what].add(int(image_id))

        for mode in (Mode.READ, Mode.WRITE):
            with Database(folder, mode) as store, store.snapshot() as snapshot:
                found = {row.id: row.filename for row in snapshot.images()}
                assert there - leaving <= found.keys()
                assert not gone & found.keys()
                for row in snapshot.images():
                    with snapshot.open_blob(row.content_hash) as blob:
                        assert blob.readall() == row.filename * 2_000
        assert readers[1].poll() is None
        kill(readers[1])
        assert database.check(folder, deep=True) == []
    names = {path.suffix or path.name for path in folder.iterdir()}
    assert names <= {".log", ".run", "MANIFEST", "LOCK", "DURABLE", "RESERVE"}
    assert len(there) > 20 * ROUNDS
    assert gone
