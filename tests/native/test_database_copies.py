"""Backups of every kind while somebody writes, and back again; salvage of damaged stores."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest

from picturerail_native import database
from picturerail_native.database import Database, Mode, Rows, Snapshot
from picturerail_native.records import FileStat, ImageRow, Table


def fill(store: Database) -> None:
    """Commit pictures over several files, deleted and changed ones and records among them."""
    for number in range(120):
        writer = store.blob_writer()
        writer.write(b"%d " % number * 9_000)
        with store.begin() as transaction:
            name = b"%d.jpg" % number
            row = ImageRow(0, name, b"{}", root=1, path=b"a/" + name, stat=FileStat(size=number))
            image_id = transaction.insert(row, writer)
            transaction.put(Table.STATE, b"%d" % number, name * 20)
        if number % 10 == 0:
            with store.begin() as transaction:
                transaction.delete(image_id, when_ns=500)
        if number % 10 == 1:
            writer = store.blob_writer()
            writer.write(b"other %d " % number * 9_000)
            with store.begin() as transaction:
                transaction.update(ImageRow(image_id, name, b'{"n": 1}'), writer)


def everything(snapshot: Snapshot) -> object:
    """Return all that a snapshot holds, bytes included."""

    def with_bytes(row: ImageRow) -> tuple[ImageRow, bytes]:
        with snapshot.open_blob(row.content_hash) as blob:
            return row, blob.readall()

    return (
        [with_bytes(row) for row in snapshot.images(rows=Rows.ALL)],
        [with_bytes(row) for row in snapshot.versions()],
        [list(snapshot.records(table)) for table in Table if table != Table.IMAGES],
        list(snapshot.changes(0)),
        snapshot.info.seq,
    )


@pytest.mark.parametrize("kind", ["folder", "links", "archive"])
def test_a_backup_under_writing_restores_everything(tmp_path: Path, kind: str) -> None:
    """A copy taken while others commit, purge and collect restores exactly its snapshot."""
    copy, restored = tmp_path / "copy", tmp_path / "restored"
    with Database(tmp_path / "store", Mode.CREATE) as store:
        fill(store)
        stop = threading.Event()
        failures: list[BaseException] = []

        def work() -> None:
            try:
                number = 0
                while not stop.is_set():
                    number += 1
                    writer = store.blob_writer()
                    writer.write(b"later %d" % number * 20_000)
                    with store.begin() as transaction:
                        image_id = transaction.insert(ImageRow(0, b"later.jpg", b"{}"), writer)
                    if number % 3 == 0:
                        store.purge([image_id])
                        store.collect(before_ns=1)
            except BaseException as failure:
                failures.append(failure)

        worker = threading.Thread(target=work)
        worker.start()
        snapshot = store.snapshot()
        if kind == "archive":
            with copy.open("wb") as file:
                snapshot.archive(file, tmp_path)
        else:
            snapshot.backup(copy, links=kind == "links")
        stop.set()
        worker.join()
        assert failures == []
        expected = everything(snapshot)
        shared = [path for path in copy.glob("*.run") if path.stat().st_nlink > 1]
        assert bool(shared) == (kind == "links" and any(copy.glob("*.run")))
    database.restore(copy, restored)

    assert database.check(restored, deep=True) == []
    with Database(restored) as found:
        view = found.snapshot()
        assert expected == everything(view)
        assert view.info.uuid != snapshot.info.uuid
    assert {path.name for path in tmp_path.iterdir()} == {"store", "copy", "restored"}


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    """An archive with a flipped bit or a missing end makes no store, and says which file it is."""
    with Database(tmp_path / "store", Mode.CREATE) as store:
        fill(store)
        whole = io.BytesIO()
        store.snapshot().archive(whole, tmp_path)
    data = bytearray(whole.getvalue())
    for name, broken in {
        "cut": data[:-400],
        "flipped": data[:-200] + bytes([data[-200] ^ 1]) + data[-199:],
        "rubbish": b"no archive",
        "empty": b"",
    }.items():
        path = tmp_path / name
        path.write_bytes(broken)
        with pytest.raises(database.DatabaseError, match=name):
            database.restore(path, tmp_path / "restored")
        assert not (tmp_path / "restored").exists()


def test_a_checkpoint_gives_space_back(tmp_path: Path) -> None:
    """What is put into sorted files takes less space, and nothing of it is missing afterwards."""
    with Database(tmp_path, Mode.CREATE) as store:
        with store.begin() as transaction:
            for number in range(4_000):
                metadata = b'{"caption": "what is said of number %d"}' % number
                transaction.insert(ImageRow(0, b"%d.jpg" % number, metadata * 6))
        before = store.snapshot()
        store.checkpoint()
        after = store.snapshot()
        assert after.info.disk_bytes * 3 < before.info.disk_bytes
        assert list(before.images()) == list(after.images())


def test_checks_look_as_deep_as_asked(tmp_path: Path) -> None:
    """Damaged picture bytes are found by a full check, which a quick one passes over."""
    with Database(tmp_path, Mode.CREATE) as store:
        fill(store)
    log = next(tmp_path.glob("*.log"))
    data = bytearray(log.read_bytes())
    at = data.index(b"5 5 5 5 ")
    data[at] ^= 1
    log.write_bytes(data)
    assert database.check(tmp_path, quick=True) == []
    assert [log.name in problem.where for problem in database.check(tmp_path)] == [True]
    assert len(database.check(tmp_path, deep=True)) >= 1


def test_a_damaged_store_is_salvaged(tmp_path: Path) -> None:
    """A store that refuses to open for damage gives all its sound pictures to a new one."""
    with Database(tmp_path / "store", Mode.CREATE) as store:
        fill(store)
    log = next((tmp_path / "store").glob("*.log"))
    data = bytearray(log.read_bytes())
    # The header of some frame in the middle, and some bytes of a picture.
    at = data.index(b"PRf\x1a", len(data) // 2)
    data[at] ^= 1
    data[data.index(b"7 7 7 7 ")] ^= 1
    log.write_bytes(data)
    with pytest.raises(database.CorruptError):
        Database(tmp_path / "store", Mode.WRITE)

    lost = database.salvage(tmp_path / "store", tmp_path / "saved", b"{}")

    assert 1 <= len(lost) <= 4, lost
    assert database.check(tmp_path / "saved", deep=True) == []
    with Database(tmp_path / "saved") as saved:
        snapshot = saved.snapshot()
        rows = list(snapshot.images(rows=Rows.ALL))
        assert len(rows) >= 119
        assert {row.id for row in rows} <= set(range(1, 121))
        without = [row.id for row in rows if not row.has_data]
        assert 8 in without
        assert len(without) <= 2
    assert log.read_bytes() == data
