"""Pictures' bytes through the database's Python face: brought whole, read by copy and by view."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from picturerail_native import database
from picturerail_native.database import Database, Mode
from picturerail_native.records import ImageRow


def new_row(name: bytes, image_id: int = 0) -> ImageRow:
    """Return a row of root 1 as a caller hands it in."""
    return ImageRow(image_id, name, b"{}", root=1, path=name)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("length", [0, 1, 1 << 20, (2 << 20) + 5])
def test_bytes_in_memory_are_stored(
    tmp_path: Path, kind: Callable[[bytes], bytes], length: int
) -> None:
    """A row has the bytes that were handed over with it, by insertion and by update."""
    first, second = bytes(length), b"second" * (length // 6 + 1)
    with Database(tmp_path / "store", Mode.CREATE) as store:
        with store.begin() as transaction:
            image_id = transaction.insert(new_row(b"a.jpg"), kind(first))
        for data in (first, second):
            snapshot = store.snapshot()
            row = snapshot.get(image_id)
            assert row is not None
            assert row.has_data
            assert row.data_length == len(data)
            with snapshot.open_blob(row.content_hash) as blob:
                assert blob.readall() == data
            with store.begin() as transaction:
                transaction.update(new_row(b"a.jpg", image_id), kind(second))


def test_bytes_of_a_transaction_that_is_rolled_back_are_not_kept(tmp_path: Path) -> None:
    """What was handed over with a row is gone with it."""
    with Database(tmp_path / "store", Mode.CREATE) as store:
        transaction = store.begin()
        transaction.insert(new_row(b"a.jpg"), b"never")
        transaction.rollback()
        assert store.snapshot().info.blobs == 0
        with pytest.raises(database.ClosedError):
            transaction.insert(new_row(b"a.jpg"), b"never")


@pytest.mark.parametrize("length", [0, 5, 4_096, 4_097, 60_000, (2 << 20) + 5])
def test_bytes_are_whole_whatever_length_is_expected(tmp_path: Path, length: int) -> None:
    """A copy has all bytes and no others, also where fewer or more were expected, or none said."""
    data = bytes(range(256)) * (length // 256 + 1)
    data = data[:length]
    with Database(tmp_path / "store", Mode.CREATE) as store:
        with store.begin() as transaction:
            transaction.insert(new_row(b"a.jpg"), data)
        snapshot = store.snapshot()
        (row,) = snapshot.images()
        for expected in (None, 0, 1, length // 2, row.data_length, length + 1, 4_097, 1 << 20):
            assert data == snapshot.read_blob(row.content_hash, expected)
        for expected in (None, 60_000):
            with pytest.raises(database.NotFoundError):
                snapshot.read_blob(bytes(32), expected)


def test_a_row_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """A hash of another length, a root or an id out of their range are the caller's mistake."""
    row = new_row(b"a.jpg")
    wrong = [
        ImageRow(0, b"a.jpg", b"{}", content_hash=bytes(31)),
        ImageRow(0, b"a.jpg", b"{}", root=1 << 32, path=b"a.jpg"),
        ImageRow(-1, b"a.jpg", b"{}"),
    ]
    with Database(tmp_path / "store", Mode.CREATE) as store, store.begin() as transaction:
        for each in wrong:
            with pytest.raises(database.InvalidArgumentError):
                transaction.insert(each, b"bytes")
        transaction.insert(row, b"bytes")
    assert database.check(tmp_path / "store", deep=True) == []
