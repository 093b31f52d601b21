"""Transactions one after the other: none leaves anything to the next."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from picturerail_native import database
from picturerail_native.database import Database, Mode
from picturerail_native.records import ImageRow, Table


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    """Return a new store, open for writing."""
    with Database(tmp_path / "store", Mode.CREATE) as opened:
        yield opened


def new_row(name: bytes) -> ImageRow:
    """Return a row of no root."""
    return ImageRow(0, name, b"{}")


def test_a_committed_transaction_is_over(store: Database) -> None:
    """What is asked of it later is refused, also while another one is open."""
    first = store.begin()
    first.insert(new_row(b"first.jpg"))
    seq = first.commit()
    second = store.begin()
    with pytest.raises(database.ClosedError, match="transaction was closed"):
        first.insert(new_row(b"late.jpg"))
    with pytest.raises(database.ClosedError):
        first.commit()
    first.rollback()
    second.insert(new_row(b"second.jpg"))

    assert second.commit() == seq + 1
    assert [row.filename for row in store.snapshot().images()] == [b"first.jpg", b"second.jpg"]


def test_nothing_of_a_committed_transaction_is_committed_again(store: Database) -> None:
    """The next holds its own changes alone: none, if there are none."""
    for number in range(3):
        with store.begin() as transaction:
            transaction.insert(new_row(b"%d.jpg" % number), b"bytes %d" % number)
            transaction.put(Table.STATE, b"key", b"%d" % number)
        with store.begin() as nothing:
            pass

        assert nothing.seq == transaction.seq
    info = store.snapshot().info
    assert (info.live, info.blobs) == (3, 3)


def test_nothing_of_a_refused_transaction_is_committed_later(store: Database) -> None:
    """Neither what came before the change that was refused nor what came after it."""
    for _ in range(3):
        with store.begin() as transaction:
            transaction.put(Table.STATE, b"good", b"")
        refused = store.begin()
        refused.insert(new_row(b"refused.jpg"), b"its bytes")
        refused.delete(99, 1)
        with pytest.raises(database.NotFoundError, match="99"):
            refused.commit()
        with pytest.raises(database.ClosedError):
            refused.commit()
        with store.begin() as transaction:
            transaction.put(Table.STATE, b"good", b"")
    info = store.snapshot().info

    assert (info.live, info.blobs) == (0, 0)


def test_threads_share_no_transaction(store: Database) -> None:
    """Many at once, over and over, each with its own rows."""
    failures: list[BaseException] = []

    def commit(thread: int) -> None:
        try:
            for number in range(50):
                with store.begin() as transaction:
                    for part in range(3):
                        transaction.insert(new_row(b"%d-%d-%d.jpg" % (thread, number, part)))
                ids = [
                    store.snapshot().find_filename(b"%d-%d-%d.jpg" % (thread, number, part))[0]
                    for part in range(3)
                ]
                assert {row.seq for row in ids} == {transaction.seq}
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=commit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert store.snapshot().info.live == 8 * 50 * 3


def test_a_closed_store_begins_none(store: Database) -> None:
    """Not even one that it has begun before."""
    with store.begin() as transaction:
        transaction.insert(new_row(b"a.jpg"))
    open_before = store.begin()
    store.close()
    with pytest.raises(database.ClosedError):
        store.begin()
    with pytest.raises(database.ClosedError):
        open_before.commit()
