"""Pictures' bytes in place, through the database's Python face: what keeps them alive."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import pytest

from picturerail_native import database
from picturerail_native.database import Database, Mode
from picturerail_native.records import ImageRow

MEBIBYTE = 1 << 20


def add(store: Database, name: bytes, data: bytes) -> tuple[int, bytes]:
    """Store a picture; return its id and content hash."""
    with store.begin() as transaction:
        image_id = transaction.insert(ImageRow(0, name, b"{}", root=1, path=name), data)
    row = store.snapshot().get(image_id)
    assert row is not None
    return image_id, row.content_hash


def mapped(folder: Path) -> list[str]:
    """Return the log files that this process has mapped."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return [line for line in lines if f"{folder}/" in line and ".log" in line]


@pytest.mark.parametrize(
    "length", [0, 1, 4096, 60_000, MEBIBYTE, MEBIBYTE + 1, 5 * MEBIBYTE + 12_345]
)
def test_a_view_is_the_files_own_memory(tmp_path: Path, length: int) -> None:
    """Bytes of any length are shown, read-only, out of mapped files; the last user unmaps them."""
    data = random.Random(length).randbytes(length)
    with Database(tmp_path / "store", Mode.CREATE) as store:
        add(store, b"before.jpg", b"something odd")
        _, content_hash = add(store, b"a.jpg", data)
        snapshot = store.snapshot()

        view = snapshot.view_blob(content_hash)
        part = view[length // 2 :]

        assert view.readonly
        assert view.nbytes == length
        assert view == data
        assert snapshot.read_blob(content_hash) == data
        assert bool(mapped(tmp_path)) == (length > 0)
        del view
        assert part == data[length // 2 :]
        del part
        assert not mapped(tmp_path)


def test_views_outlive_purge_collection_and_store(tmp_path: Path) -> None:
    """A view reads on though the picture was purged, the files are gone and the store is closed."""
    data = [random.Random(seed).randbytes(2 * MEBIBYTE + 5) for seed in range(4)]
    store = Database(tmp_path / "store", Mode.CREATE)
    added = [add(store, b"%d.jpg" % index, each) for index, each in enumerate(data)]
    snapshot = store.snapshot()
    views = [snapshot.view_blob(content_hash) for _, content_hash in added]
    snapshot.close()
    store.purge([image_id for image_id, _ in added[:3]])
    store.collect(1 << 62)
    store.close()
    gone = mapped(tmp_path)

    assert gone
    assert all(line.endswith("(deleted)") for line in gone)
    assert all(view == each for view, each in zip(views, data, strict=True))


def test_views_outlive_the_cutting_off_of_what_was_filled_ahead(tmp_path: Path) -> None:
    """The zeros behind the last picture are cut off at closing; its view does not reach there."""
    # The second segment is filled ahead, as the first is more than half full before.
    data = [random.Random(seed).randbytes(7 * MEBIBYTE + 77) for seed in range(10)]
    store = Database(tmp_path / "store", Mode.CREATE)
    hashes = [add(store, b"%d.jpg" % index, each)[1] for index, each in enumerate(data)]
    snapshot = store.snapshot()
    views = [snapshot.view_blob(content_hash) for content_hash in hashes]
    logs = sorted((tmp_path / "store").glob("*.log"))
    lengths = [log.stat().st_size for log in logs]
    store.close()

    assert len(logs) == 2
    assert logs[1].stat().st_size < lengths[1]
    assert all(view == each for view, each in zip(views, data, strict=True))


def test_a_forked_child_reads_a_view_of_its_parent(tmp_path: Path) -> None:
    """The mapping is the child's too; its end there takes nothing from the parent."""
    data = random.Random(1).randbytes(3 * MEBIBYTE)
    with Database(tmp_path / "store", Mode.CREATE) as store:
        _, content_hash = add(store, b"a.jpg", data)
        view = store.snapshot().view_blob(content_hash)
        child = os.fork()
        if child == 0:
            right = view == data
            del view
            os._exit(0 if right else 1)
        _, status = os.waitpid(child, 0)

        assert status == 0
        assert view == data


def test_threads_view_while_pictures_come_and_go(tmp_path: Path) -> None:
    """Views that threads take and keep show the right bytes while others purge and collect."""
    wrong: list[str] = []
    done = threading.Event()
    with Database(tmp_path / "store", Mode.CREATE) as store:
        data = {
            add(store, b"kept-%d" % seed, each := random.Random(seed).randbytes(MEBIBYTE + seed))[
                1
            ]: each
            for seed in range(6)
        }

        def look(seed: int) -> None:
            rng = random.Random(seed)
            held: list[tuple[memoryview, bytes]] = []
            while not done.is_set():
                content_hash = rng.choice(list(data))
                held = [*held[-3:], (store.snapshot().view_blob(content_hash), content_hash)]
                if any(view != data[content_hash] for view, content_hash in held):
                    wrong.append(content_hash.hex())
                    return

        threads = [threading.Thread(target=look, args=(seed,)) for seed in range(3)]
        for thread in threads:
            thread.start()
        for seed in range(100, 112):
            image_id, _ = add(store, b"gone-%d" % seed, random.Random(seed).randbytes(MEBIBYTE))
            store.purge([image_id])
            store.collect(0)
        done.set()
        for thread in threads:
            thread.join()

    assert not wrong
    assert not mapped(tmp_path)


def test_a_view_of_nothing_is_refused(tmp_path: Path) -> None:
    """A content hash without bytes, one that is none, and a closed snapshot raise errors."""
    with Database(tmp_path / "store", Mode.CREATE) as store:
        snapshot = store.snapshot()
        for read in (snapshot.view_blob, snapshot.read_blob):
            with pytest.raises(database.NotFoundError):
                read(bytes(32))
            with pytest.raises(database.InvalidArgumentError):
                read(b"short")
        snapshot.close()
        for read in (snapshot.view_blob, snapshot.read_blob):
            with pytest.raises(database.ClosedError):
                read(bytes(32))
