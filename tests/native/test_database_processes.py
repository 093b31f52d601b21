"""The database under several threads and processes, forks, kills and closing in mid-use."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from picturerail_native import database
from picturerail_native.database import Database, Mode
from picturerail_native.records import ImageRow, Table

CHILD_ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a Python program in a process of its own, with pipes to talk to it."""
    return subprocess.Popen(
        [sys.executable, "-u", "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=CHILD_ENVIRONMENT,
    )


def end(process: subprocess.Popen[str]) -> None:
    """Close the pipes and wait."""
    process.communicate(timeout=60)


HOLD = """
import sys
from picturerail_native.database import Database, Mode
store = Database(sys.argv[1], Mode.CREATE)
print("open")
sys.stdin.readline()
"""


def test_a_second_writer_is_refused_with_the_first_ones_pid(tmp_path: Path) -> None:
    """While one process writes another cannot, learns its pid, and can once that is killed."""
    first = start(HOLD, tmp_path)
    assert first.stdout is not None
    assert first.stdout.readline() == "open\n"
    with pytest.raises(database.LockedError, match=str(first.pid)) as refusal:
        Database(tmp_path, Mode.WRITE)
    assert first.pid == refusal.value.pid
    Database(tmp_path).close()
    first.kill()
    end(first)

    Database(tmp_path, Mode.WRITE).close()


def test_a_second_writer_in_the_same_process_is_refused(tmp_path: Path) -> None:
    """The lock holds within a process too, and ends with the store."""
    with Database(tmp_path, Mode.CREATE), pytest.raises(database.LockedError) as refusal:
        Database(tmp_path, Mode.WRITE)
    assert os.getpid() == refusal.value.pid
    Database(tmp_path, Mode.WRITE).close()


READ = """
import sys
from picturerail_native.database import Database
from picturerail_native.records import Table
store = Database(sys.argv[1])
last = rounds = 0
while last < int(sys.argv[2]):
    snapshot = store.snapshot()
    values = {value for _, value in snapshot.records(Table.STATE)}
    rows = list(snapshot.images())
    assert len(values) <= 1, values
    assert len(rows) == snapshot.info.live
    for row in rows[-3:]:
        assert snapshot.open_blob(row.content_hash).read() == row.filename * 1000
    assert snapshot.info.seq >= last, (snapshot.info.seq, last)
    last = snapshot.info.seq
    rounds += 1
print(rounds)
"""


def test_readers_see_whole_transactions_while_a_writer_commits(tmp_path: Path) -> None:
    """Readers in other processes only ever see whole transactions, and in the end all of them.

    Among the commits are purges and collections, which replace files under the readers.
    """
    commits = 300
    with Database(tmp_path, Mode.CREATE) as store:
        readers = [start(READ, tmp_path, commits) for _ in range(2)]
        ids: list[int] = []
        seq = 0
        while seq < commits:
            if seq % 50 == 49:
                seq = store.purge([ids.pop(0)])
                store.collect(before_ns=1)
                continue
            with store.begin() as transaction:
                name = b"%d.jpg" % seq
                writer = store.blob_writer()
                writer.write(name * 1000)
                row = ImageRow(0, name, b'{"padding": "%s"}' % (b"x" * 200))
                ids.append(transaction.insert(row, writer))
                for key in (b"a", b"b", b"c"):
                    transaction.put(Table.STATE, key, b"%d" % seq)
            seq = transaction.seq
        for reader in readers:
            output, _ = reader.communicate(timeout=60)
            assert reader.returncode == 0
            assert int(output) > 0


def test_readers_see_a_commit_at_once(tmp_path: Path) -> None:
    """A snapshot that is opened after a commit has returned shows it, also over new segments."""
    with Database(tmp_path, Mode.CREATE) as store, Database(tmp_path) as reader:
        for number in range(1, 150):
            writer = store.blob_writer()
            writer.write(random.Random(number).randbytes(1_000_000))
            with store.begin() as transaction:
                transaction.insert(ImageRow(0, b"a.jpg", b"{}"), writer)

            assert transaction.seq == reader.snapshot().info.seq
            with Database(tmp_path) as fresh:
                assert transaction.seq == fresh.snapshot().info.seq
        assert len(list(tmp_path.glob("*.log"))) > 2


def test_threads_share_a_store(tmp_path: Path) -> None:
    """Threads commit and read at the same time; every commit of each is there, none twice."""
    failures: list[BaseException] = []

    def work(store: Database, thread: int) -> None:
        try:
            for number in range(40):
                name = b"%d-%d.jpg" % (thread, number)
                writer = store.blob_writer()
                writer.write(name * 5000)
                with store.begin() as transaction:
                    image_id = transaction.insert(ImageRow(0, name, b"{}"), writer)
                snapshot = store.snapshot()
                row = snapshot.get(image_id)
                assert row is not None
                assert name * 5000 == snapshot.open_blob(row.content_hash).read()
        except BaseException as failure:
            failures.append(failure)

    with Database(tmp_path, Mode.CREATE) as store:
        threads = [threading.Thread(target=work, args=(store, n)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        snapshot = store.snapshot()
        names = sorted(row.filename for row in snapshot.images())
        assert sorted(b"%d-%d.jpg" % (t, n) for t in range(6) for n in range(40)) == names
        assert snapshot.info.seq == 240
    assert database.check(tmp_path, deep=True) == []


def test_a_lost_update_is_impossible(tmp_path: Path) -> None:
    """Threads that read, add one and write with the row's seq never undo each other."""
    with Database(tmp_path, Mode.CREATE) as store:
        with store.begin() as transaction:
            image_id = transaction.insert(ImageRow(0, b"a.jpg", b"0"))

        def count() -> None:
            for _ in range(25):
                while True:
                    row = store.snapshot().get(image_id)
                    assert row is not None
                    value = b"%d" % (int(row.metadata_json) + 1)
                    try:
                        with store.begin() as transaction:
                            transaction.update(ImageRow(image_id, b"a.jpg", value, seq=row.seq))
                        break
                    except database.ConflictError:
                        continue

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        row = store.snapshot().get(image_id)
        assert row is not None
        assert row.metadata_json == b"100"


def test_python_runs_on_during_a_call(tmp_path: Path) -> None:
    """While one thread is in the engine another runs, though nobody hands the interpreter over."""
    # Sparse: read and hashed for a good while, and on no disk.
    source = tmp_path / "large"
    with source.open("wb") as file:
        file.truncate(1 << 30)
    begun = threading.Event()
    ended: list[int] = []

    def work() -> None:
        with source.open("rb") as file:
            begun.set()
            ended.append(database.hash_file(file.fileno())[1])

    interval = sys.getswitchinterval()
    # Only who gives the interpreter up lets others run.
    sys.setswitchinterval(3600)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        begun.wait()
        during = not ended
        thread.join()
    finally:
        sys.setswitchinterval(interval)

    assert during
    assert ended == [1 << 30]


def test_closing_during_use_raises(tmp_path: Path) -> None:
    """A store closed under its users gives them ClosedError; snapshots read on."""
    store = Database(tmp_path, Mode.CREATE)
    with store.begin() as transaction:
        writer = store.blob_writer()
        writer.write(b"bytes")
        image_id = transaction.insert(ImageRow(0, b"a.jpg", b"{}"), writer)
    snapshot, late, late_writer = store.snapshot(), store.begin(), store.blob_writer()
    late.insert(ImageRow(0, b"b.jpg", b"{}"))
    outcomes: list[str] = []
    running = threading.Event()

    def work() -> None:
        try:
            while True:
                with store.begin() as transaction:
                    transaction.put(Table.STATE, b"key", b"value")
                running.set()
        except database.ClosedError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    running.wait()
    store.close()
    store.close()
    for thread in threads:
        thread.join()

    assert len(outcomes) == 4
    for act in (store.snapshot, store.begin, store.blob_writer, late.commit):
        with pytest.raises(database.ClosedError):
            act()
    with pytest.raises(database.ClosedError):
        late_writer.write(b"x" * 2_000_000)
    row = snapshot.get(image_id)
    assert row is not None
    assert snapshot.open_blob(row.content_hash).read() == b"bytes"
    Database(tmp_path, Mode.WRITE).close()


FORK = """
import os, sys
from picturerail_native import database
from picturerail_native.database import Database, Mode
from picturerail_native.records import ImageRow
store = Database(sys.argv[1], Mode.CREATE)
snapshot, transaction = store.snapshot(), store.begin()
pid = os.fork()
if pid == 0:
    refused = 0
    for act in (store.snapshot, store.begin, lambda: snapshot.get(1), transaction.commit):
        try:
            act()
        except database.ClosedError as error:
            assert "fork" in str(error)
            refused += 1
    store.close()
    del snapshot, transaction
    sys.exit(refused)
_, status = os.waitpid(pid, 0)
transaction.insert(ImageRow(0, b"a.jpg", b"{}"))
transaction.commit()
print(os.waitstatus_to_exitcode(status), store.snapshot().info.live)
"""


def test_a_forked_child_is_refused(tmp_path: Path) -> None:
    """In a child everything opened before the fork raises, and the parent writes on."""
    output, _ = start(FORK, tmp_path).communicate(timeout=60)

    assert output == "4 1\n"


LARGE = """
import os, resource, sys
from picturerail_native.database import Database, Mode, hash_file
from picturerail_native.records import ImageRow
with Database(sys.argv[1], Mode.CREATE) as store, open(sys.argv[2], "rb") as file:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    writer = store.blob_writer()
    writer.write_file(file.fileno())
    digest, length = writer.digest()
    with store.begin() as transaction:
        transaction.insert(ImageRow(0, b"large.tiff", b"{}"), writer)
    assert hash_file(file.fileno()) == (digest, length)
    with store.snapshot().open_blob(digest) as blob:
        buffer = bytearray(1 << 20)
        total = 0
        while count := blob.readinto(buffer):
            total += count
    assert total == length
    print(length, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_large_picture_is_streamed(tmp_path: Path) -> None:
    """200 MB go in, are hashed and come out again in less than 24 MB of memory."""
    source = tmp_path / "large"
    with source.open("wb") as file:
        block = random.Random(1).randbytes(1 << 20)
        for number in range(200):
            file.write(number.to_bytes(4, "big") + block)
    output, _ = start(LARGE, tmp_path / "store", source).communicate(timeout=120)

    length, kilobytes = map(int, output.split())
    assert source.stat().st_size == length
    assert kilobytes < 24_000


WRITE = """
import sys
from picturerail_native.database import Database, Mode
from picturerail_native.records import ImageRow
with Database(sys.argv[1], Mode.CREATE) as store:
    for number in range(10_000):
        name = b"%s-%d.jpg" % (sys.argv[2].encode(), number)
        writer = store.blob_writer()
        writer.write(name * 3000)
        with store.begin() as transaction:
            image_id = transaction.insert(ImageRow(0, name, b"{}"), writer)
        print(image_id, name.decode())
        if number % 7 == 3:
            store.purge([image_id])
            print("purged", image_id)
"""


def test_acknowledged_rows_survive_kills(tmp_path: Path) -> None:
    """Whatever a writer printed before it was killed is there; what it purged is not."""
    seed = 4
    print(f"seed {seed}")
    rng = random.Random(seed)
    expected: dict[int, bytes] = {}
    purged: set[int] = set()
    for round_number in range(8):
        process = start(WRITE, tmp_path, round_number)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(rng.randrange(1, 60))]
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate(timeout=60)
        # The kill may cut the last line.
        lines += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        for first, second in (line.split() for line in lines):
            if first == "purged":
                purged.add(int(second))
            else:
                expected[int(first)] = second.encode()
        with Database(tmp_path) as reader:
            verify(reader, expected, purged)
        with Database(tmp_path, Mode.WRITE) as store:
            verify(store, expected, purged)
        assert database.check(tmp_path, deep=True) == []
    assert len(expected) > 100
    assert purged


def verify(store: Database, expected: dict[int, bytes], purged: set[int]) -> None:
    """Compare a store with what its writers have said."""
    snapshot = store.snapshot()
    found = {row.id: row for row in snapshot.images()}
    for image_id, name in expected.items():
        if image_id in purged:
            assert image_id not in found
        elif image_id in found:
            assert name == found[image_id].filename
            assert name * 3000 == snapshot.open_blob(found[image_id].content_hash).read()
        else:
            # Purged, and killed before it could say so.
            assert int(name.partition(b"-")[2].removesuffix(b".jpg")) % 7 == 3


def test_a_killed_reader_leaves_nothing_behind(tmp_path: Path) -> None:
    """A reader killed with snapshots open holds up neither commit nor purge nor reopening."""
    program = """
import sys
from picturerail_native.database import Database
held = Database(sys.argv[1]).snapshot()
print("open")
sys.stdin.readline()
"""
    with Database(tmp_path, Mode.CREATE) as store:
        with store.begin() as transaction:
            image_id = transaction.insert(ImageRow(0, b"a.jpg", b"{}"))
        files = {path.name for path in tmp_path.iterdir()}
        reader = start(program, tmp_path)
        assert reader.stdout is not None
        assert reader.stdout.readline() == "open\n"
        reader.kill()
        end(reader)
        assert files == {path.name for path in tmp_path.iterdir()}
        store.purge([image_id])
    Database(tmp_path, Mode.WRITE).close()


def test_a_refused_write_ends_the_writing_and_is_survived(tmp_path: Path) -> None:
    """A write that the system refuses (here: of a file too large) poisons the handle at once.

    What was committed before stays readable and is there after opening again.
    """
    program = """
import resource, signal, sys
from picturerail_native import database
from picturerail_native.database import Database, Mode
from picturerail_native.records import ImageRow
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Database(sys.argv[1], Mode.CREATE)
with store.begin() as transaction:
    transaction.insert(ImageRow(0, b"a.jpg", b"{}"))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    writer = store.blob_writer()
    writer.write(b"x" * 2_000_000)
    print("written")
except database.StorageError as error:
    print(type(error).__name__, store.snapshot().info.live)
try:
    store.begin()
except database.PoisonedError:
    print("refused")
"""
    output, _ = start(program, tmp_path).communicate(timeout=60)

    assert output == "PoisonedError 1\nrefused\n"
    with Database(tmp_path, Mode.WRITE) as store:
        assert store.snapshot().info.live == 1
