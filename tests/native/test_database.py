"""The database through its Python face: rows, look-ups, feed, care, errors."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from picturerail_native import database
from picturerail_native.database import Database, Mode, Rows
from picturerail_native.records import (
    FileStat,
    ImageChange,
    ImageRow,
    RecordChange,
    Table,
    vector_key,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where a test's store lies."""
    return tmp_path / "store"


@pytest.fixture
def store(folder: Path) -> Iterator[Database]:
    """Return a new store, open for writing."""
    with Database(folder, Mode.CREATE) as opened:
        yield opened


def new_row(path: bytes, *, metadata: bytes = b"{}", **more: object) -> ImageRow:
    """Return a row of root 1 as a caller hands it in."""
    values: dict[str, object] = {"id": 0, "metadata_json": metadata, "root": 1, "path": path}
    return ImageRow(filename=path.rpartition(b"/")[2], **(values | more))  # type: ignore[arg-type]


def add(store: Database, path: bytes, data: bytes | None = None, **more: object) -> int:
    """Insert one row in a transaction of its own and return its id."""
    writer = None
    if data is not None:
        writer = store.blob_writer()
        writer.write(data)
    with store.begin() as transaction:
        return transaction.insert(new_row(path, **more), writer)  # type: ignore[arg-type]


def stored(snapshot: database.Snapshot, image_id: int) -> bytes:
    """Return a row's bytes."""
    row = snapshot.get(image_id)
    assert row is not None
    with snapshot.open_blob(row.content_hash) as blob:
        return blob.read()


def test_a_thousand_random_strings_survive_two_reopenings(folder: Path) -> None:
    """1,000 random 2 kB strings read back equal; a deleted one is gone, its neighbour stays."""
    seed = 20261
    print(f"seed {seed}")
    rng = random.Random(seed)
    contents = [rng.randbytes(2000) for _ in range(1000)]
    with Database(folder, Mode.CREATE) as store:
        ids = []
        for start in range(0, 1000, 100):
            with store.begin() as transaction:
                for number in range(start, start + 100):
                    writer = store.blob_writer()
                    writer.write(contents[number])
                    ids.append(transaction.insert(new_row(b"%d.jpg" % number), writer))
        with store.begin() as transaction:
            transaction.delete(ids[500], when_ns=1)

    for _ in range(2):
        with Database(folder, Mode.WRITE) as store, store.snapshot() as snapshot:
            live = [row.id for row in snapshot.images()]

            assert ids[:500] + ids[501:] == live
            assert snapshot.find_filename(b"500.jpg") == []
            assert contents == [stored(snapshot, image_id) for image_id in ids]
    assert database.check(folder, deep=True) == []


def test_every_member_of_a_row_comes_back(store: Database) -> None:
    """All that is handed in with a row is read back, names that are not UTF-8 included."""
    path = b"holiday \xff\n\"'/sea\xfe.jpg"
    row = new_row(
        path,
        metadata='{"caption": "Strand — été"}'.encode() + b" " * 5000,
        root=0xFFFFFFFF,
        stat=FileStat(1, -2, 3, 2**64 - 1, 5),
    )
    writer = store.blob_writer()
    writer.write(b"picture")
    digest, length = writer.digest()
    with store.begin() as transaction:
        image_id = transaction.insert(row, writer)

    expected = ImageRow(
        image_id,
        b"sea\xfe.jpg",
        row.metadata_json,
        root=row.root,
        path=path,
        content_hash=digest,
        stat=row.stat,
        seq=transaction.seq,
        has_data=True,
        data_length=length,
    )
    snapshot = store.snapshot()
    assert expected == snapshot.get(image_id)
    assert expected == snapshot.find_path(row.root, path)
    assert [expected] == snapshot.find_filename(b"sea\xfe.jpg")
    assert [expected] == snapshot.find_content(digest)
    assert [expected] == list(snapshot.images())
    assert [expected] == list(snapshot.images_below(row.root, b"holiday"))
    assert [ImageChange(1, image_id, expected)] == list(snapshot.changes(0))
    assert snapshot.get(image_id + 1) is None
    assert snapshot.find_path(row.root, b"holiday") is None


def test_listings_are_ordered_and_bounded(store: Database) -> None:
    """Listings that span many batches keep their order, prefixes and ends."""
    rng = random.Random(3)
    paths = [b"%s/%d.jpg" % (rng.choice([b"a", b"a2", b"b"]), n) for n in range(500)]
    with store.begin() as transaction:
        ids = {transaction.insert(new_row(path)): path for path in paths}
    snapshot = store.snapshot()

    assert sorted(ids) == [row.id for row in snapshot.images()]
    assert sorted(ids)[300:] == [row.id for row in snapshot.images(after=sorted(ids)[299])]
    below = [row.path for row in snapshot.images_below(1, b"a/")]
    assert sorted(path for path in paths if path.startswith(b"a/")) == below
    assert list(snapshot.images_below(2)) == []
    assert [row.path for row in snapshot.images_inside(1, b"a")] == below
    assert list(snapshot.images_inside(1)) == []
    assert list(ids) == [change.id for change in snapshot.changes(0)]  # type: ignore[union-attr]


def test_rows_directly_in_a_folder_are_told_from_deeper_ones(store: Database) -> None:
    """Names that sort between a folder's and what is in it are neither missed nor doubled."""
    rng = random.Random(11)
    names = [b"a", b"a!", b"a.b", b"a0", b"b", b"\xff", b"\xff\xff"]
    paths = {b"/".join(rng.choices(names, k=rng.randint(1, 4))) + b".jpg" for _ in range(900)}
    with store.begin() as transaction:
        for path in sorted(paths):
            transaction.insert(new_row(path))
        transaction.insert(new_row(b"a/else.jpg", root=2))
    snapshot = store.snapshot()

    for folder in {path.rpartition(b"/")[0] for path in paths} | {b"none"}:
        expected = sorted(path for path in paths if path.rpartition(b"/")[0] == folder)
        assert expected == [row.path for row in snapshot.images_inside(1, folder)]


def test_rows_of_any_size_and_number_are_read(store: Database) -> None:
    """Rows that exceed the buffer between the engine and Python arrive whole and in order."""
    sizes = [10, 70_000, 40_000, 40_000, 300_000, 0, 65_536, 1]
    with store.begin() as transaction:
        ids = [
            transaction.insert(new_row(b"%d/same.jpg" % n, metadata=b"m" * size))
            for n, size in enumerate(sizes)
        ]
    with store.snapshot() as snapshot:
        by_name = snapshot.find_filename(b"same.jpg")
        assert [(row.id, len(row.metadata_json)) for row in by_name] == list(
            zip(ids, sizes, strict=True)
        )
        assert list(snapshot.images()) == by_name
        for row in by_name:
            assert snapshot.get(row.id) == row
            assert snapshot.find_path(1, row.path) == row


def test_rows_may_be_read_while_others_are_listed(store: Database) -> None:
    """A look-up or another listing between two rows of a listing does not disturb it."""
    with store.begin() as transaction:
        ids = [transaction.insert(new_row(b"a/%04d.jpg" % n)) for n in range(1500)]
    with store.snapshot() as snapshot:
        seen = []
        for row in snapshot.images():
            other = snapshot.get(ids[-1 - len(seen)])
            assert other is not None
            assert other.id == ids[-1 - len(seen)]
            assert next(snapshot.images(after=row.id - 1)) == row
            seen.append(row.id)

        assert seen == ids


def test_a_damaged_row_is_told_after_those_before_it(folder: Path) -> None:
    """A listing yields the rows before a damaged one, and then says which file is damaged."""
    with Database(folder, Mode.CREATE) as writer:
        with writer.begin() as transaction:
            for n in range(640):
                transaction.insert(
                    new_row(b"a/%d.jpg" % n, metadata=os.urandom(100).hex().encode())
                )
            victim = transaction.insert(new_row(b"a/victim.jpg"))
        # Purging makes a checkpoint, so rows stand in a run from now on.
        writer.purge([victim])
    with Database(folder) as reader, reader.snapshot() as snapshot:
        run = next(folder.glob("01-*.run"))
        content = bytearray(run.read_bytes())
        content[len(content) // 2] ^= 1
        run.write_bytes(content)
        listing = snapshot.images()
        before = []
        with pytest.raises(database.CorruptError, match=run.name):
            for row in listing:
                before.append(row.path)  # noqa: PERF401 - what came before the error counts

        assert before == [b"a/%d.jpg" % n for n in range(len(before))]
        assert 0 < len(before) < 640


def test_rows_share_content(store: Database) -> None:
    """A copy shares the stored bytes, which stay until the last row that has them goes."""
    first = add(store, b"a.jpg", b"same")
    row = store.snapshot().get(first)
    assert row is not None
    shared = add(store, b"b.jpg", content_hash=row.content_hash, has_data=True)
    written_twice = add(store, b"c.jpg", b"same")
    without = add(store, b"d.jpg", content_hash=row.content_hash)

    snapshot = store.snapshot()
    assert snapshot.info.blobs == 1
    assert snapshot.info.blob_bytes == 4
    found = [(row.id, row.has_data) for row in snapshot.find_content(row.content_hash)]
    expected = [(first, True), (shared, True), (written_twice, True), (without, False)]
    assert expected == found
    store.purge([first, written_twice])
    assert stored(store.snapshot(), shared) == b"same"
    store.purge([shared])
    with pytest.raises(database.NotFoundError, match=row.content_hash.hex()):
        store.snapshot().open_blob(row.content_hash)


def test_unknown_content_cannot_be_shared(store: Database) -> None:
    """A row that claims bytes which are not stored is refused, and nothing is committed."""
    with pytest.raises(database.NotFoundError, match="ab" * 32), store.begin() as transaction:
        transaction.put(Table.STATE, b"key", b"value")
        transaction.insert(new_row(b"a.jpg", content_hash=b"\xab" * 32, has_data=True))

    assert store.snapshot().info.seq == 0


def test_a_path_is_taken_once(store: Database) -> None:
    """No two live rows share root and path; a deleted or moved one leaves its place."""
    first = add(store, b"a.jpg")
    with pytest.raises(database.ConflictError, match=r"a\.jpg"):
        add(store, b"a.jpg")
    with store.begin() as transaction:
        transaction.delete(first, when_ns=5)
        second = transaction.insert(new_row(b"a.jpg"))
    with store.begin() as transaction:
        transaction.update(new_row(b"b.jpg", id=second))
        third = transaction.insert(new_row(b"a.jpg"))
        loose = [transaction.insert(ImageRow(0, b"a.jpg", b"{}")) for _ in range(2)]

    snapshot = store.snapshot()
    assert [second, third] == [
        row.id for row in (snapshot.find_path(1, b"b.jpg"), snapshot.find_path(1, b"a.jpg")) if row
    ]
    assert [third, *loose] == [row.id for row in snapshot.find_filename(b"a.jpg")]
    with pytest.raises(database.ConflictError), store.begin() as transaction:
        transaction.update(new_row(b"a.jpg", id=first))


def test_updates_can_demand_what_they_read(store: Database) -> None:
    """An update of a row that changed since it was read is refused; one of its own seq is not."""
    image_id = add(store, b"a.jpg")
    read = store.snapshot().get(image_id)
    assert read is not None
    with store.begin() as transaction:
        transaction.update(new_row(b"a.jpg", metadata=b'{"by": 1}', id=image_id, seq=read.seq))
    with pytest.raises(database.ConflictError, match="read it again"), store.begin() as late:
        late.update(new_row(b"a.jpg", metadata=b'{"by": 2}', id=image_id, seq=read.seq))

    row = store.snapshot().get(image_id)
    assert row is not None
    assert row.metadata_json == b'{"by": 1}'


def test_deleted_rows_can_be_brought_back(store: Database) -> None:
    """A tombstone keeps row and bytes; an update makes it live again under its id."""
    image_id = add(store, b"a.jpg", b"bytes")
    with store.begin() as transaction:
        transaction.delete(image_id, when_ns=77)
    snapshot = store.snapshot()
    row = snapshot.get(image_id)

    assert row is not None
    assert row.deleted_ns == 77
    assert (snapshot.info.live, snapshot.info.deleted) == (0, 1)
    assert stored(snapshot, image_id) == b"bytes"
    assert list(snapshot.images()) == []
    assert [row] == list(snapshot.images(rows=Rows.DELETED))
    assert [row] == snapshot.find_content(row.content_hash, Rows.ALL)
    assert [ImageChange(2, image_id, None)] == list(snapshot.changes(1))
    with pytest.raises(database.NotFoundError), store.begin() as transaction:
        transaction.delete(image_id, when_ns=78)
    with store.begin() as transaction:
        transaction.update(row)
    assert [image_id] == [row.id for row in store.snapshot().find_filename(b"a.jpg")]
    assert stored(store.snapshot(), image_id) == b"bytes"


def test_the_feed_shows_each_key_once_with_its_latest_state(store: Database) -> None:
    """Changes come in transaction order, only the latest of a key, tombstones included."""
    first = add(store, b"a.jpg")
    second = add(store, b"b.jpg")
    with store.begin() as transaction:
        transaction.put(Table.ROOTS, b"\0\0\0\1", b"{}")
        transaction.put(Table.STATE, b"gone", b"1")
    with store.begin() as transaction:
        transaction.update(new_row(b"c.jpg", id=first))
        transaction.remove(Table.STATE, b"gone")
        transaction.remove(Table.STATE, b"never there")
    snapshot = store.snapshot()

    changes = list(snapshot.changes(0))
    assert [change.seq for change in changes] == [2, 3, 4, 4]
    assert [second, first] == [c.id for c in changes if isinstance(c, ImageChange)]
    records = [change for change in changes if isinstance(change, RecordChange)]
    assert [
        RecordChange(3, Table.ROOTS, b"\0\0\0\1", b"{}"),
        RecordChange(4, Table.STATE, b"gone", None),
    ] == records
    assert changes[2:] == list(snapshot.changes(3))
    assert list(snapshot.changes(4)) == []
    assert list(snapshot.changes(2**64 - 1)) == []


def test_records_are_listed_by_prefix(store: Database) -> None:
    """Records come in key order below a prefix, of any bytes and size, without removed ones."""
    with store.begin() as transaction:
        for key in (b"b", b"a\xff", b"a", b"a\0", b"c"):
            transaction.put(Table.FAILURES, key, key * 1000)
        transaction.put(Table.STATE, b"a", b"")
    with store.begin() as transaction:
        transaction.remove(Table.FAILURES, b"a\0")
    snapshot = store.snapshot()

    expected = [(key, key * 1000) for key in (b"a", b"a\xff")]
    assert expected == list(snapshot.records(Table.FAILURES, b"a"))
    assert [key for key, _ in snapshot.records(Table.FAILURES)] == [b"a", b"a\xff", b"b", b"c"]
    assert snapshot.record(Table.STATE, b"a") == b""
    assert snapshot.record(Table.FAILURES, b"a\0") is None
    with pytest.raises(database.InvalidArgumentError, match="table"):
        snapshot.records(Table.IMAGES)


def test_a_purge_leaves_nothing_in_any_file(store: Database, folder: Path) -> None:
    """After a purge no file holds the picture's bytes, names, metadata, vector or older states."""
    secrets = [b"secret-bytes" * 9000, b"secret-name.jpg", b"secret-folder", b"secret-vector" * 50]
    older = b"older-secret-bytes" * 100
    image_id = add(
        store, b"secret-folder/secret-name.jpg", older, metadata=b'{"a": "older-secret"}'
    )
    kept = add(store, b"kept.jpg", b"kept-bytes" * 100)
    writer = store.blob_writer()
    writer.write(secrets[0])
    with store.begin() as transaction:
        transaction.update(
            new_row(
                b"secret-folder/secret-name.jpg", metadata=b'{"a": "secret-caption"}', id=image_id
            ),
            writer,
        )
        transaction.put(Table.VECTORS, vector_key(image_id, "space"), secrets[3])
        transaction.put(Table.VECTORS, vector_key(kept, "space"), b"kept-vector")
    abandoned = store.blob_writer()
    abandoned.write(b"secret-abandoned" * 100_000)
    abandoned.abandon()
    waiting = store.blob_writer()
    waiting.write(b"waiting" * 300_000)
    before = store.snapshot()
    seq = store.purge([image_id])

    for path in folder.iterdir():
        content = path.read_bytes()
        for secret in (*secrets, older, b"older-secret", b"secret-caption", b"secret-abandoned"):
            assert secret[:16] not in content, f"{path} holds {secret[:16]!r}"
    snapshot = store.snapshot()
    assert snapshot.get(image_id) is None
    key = vector_key(image_id, "space")
    assert [ImageChange(seq, image_id, None), RecordChange(seq, Table.VECTORS, key, None)] == list(
        snapshot.changes(seq - 1)
    )
    assert stored(snapshot, kept) == b"kept-bytes" * 100
    assert snapshot.record(Table.VECTORS, vector_key(kept, "space")) == b"kept-vector"
    assert secrets[0] == stored(before, image_id), "a snapshot from before still shows it"
    with store.begin() as transaction:
        late = transaction.insert(new_row(b"late.jpg"), waiting)
    assert stored(store.snapshot(), late) == b"waiting" * 300_000
    assert database.check(folder, deep=True) == []
    with pytest.raises(database.NotFoundError):
        store.purge([image_id])


def test_collecting_forgets_old_tombstones(store: Database, folder: Path) -> None:
    """Old tombstones go with their space, ids never come back, and late followers are told."""
    doomed = add(store, b"old.jpg", b"x" * 3_000_000)
    young = add(store, b"young.jpg", b"young")
    kept = add(store, b"kept.jpg", b"kept")
    with store.begin() as transaction:
        transaction.delete(doomed, when_ns=100)
    with store.begin() as transaction:
        transaction.delete(young, when_ns=200)
    freed = store.collect(before_ns=150)

    assert freed > 3_000_000
    assert sum(path.stat().st_size for path in folder.iterdir()) < 100_000
    snapshot = store.snapshot()
    assert snapshot.get(doomed) is None
    assert stored(snapshot, young) == b"young"
    with pytest.raises(database.FeedExpiredError, match="rebuild"):
        snapshot.changes(3)
    assert [change.seq for change in snapshot.changes(4)] == [5]
    assert [kept, young] == [c.id for c in snapshot.changes(0) if isinstance(c, ImageChange)]
    store.close()
    with Database(folder, Mode.WRITE) as again:
        assert add(again, b"new.jpg") > kept
        again.collect(before_ns=150)
        assert again.collect(before_ns=150) == 0, "nothing is left to collect"


def test_a_backup_is_a_store_of_its_own(store: Database, folder: Path, tmp_path: Path) -> None:
    """A backup holds its snapshot's state; a restored one has a new uuid and can be written."""
    first = add(store, b"a.jpg", b"bytes" * 500_000)
    snapshot = store.snapshot()
    add(store, b"later.jpg", b"later")
    snapshot.backup(tmp_path / "backup")
    database.restore(tmp_path / "backup", tmp_path / "restored")

    assert database.check(tmp_path / "backup", deep=True) == []
    with Database(tmp_path / "backup") as copy:
        assert (snapshot.info.uuid, 1) == (copy.snapshot().info.uuid, copy.snapshot().info.seq)
    with Database(tmp_path / "restored", Mode.WRITE) as restored:
        assert snapshot.info.uuid != restored.snapshot().info.uuid
        assert stored(restored.snapshot(), first) == b"bytes" * 500_000
        assert add(restored, b"later.jpg") > first
    with pytest.raises(database.InvalidArgumentError, match="not empty"):
        snapshot.backup(folder)


def test_damaged_backups_are_not_restored(store: Database, tmp_path: Path) -> None:
    """A backup with one flipped bit is refused, naming the place, and no store is made."""
    add(store, b"a.jpg", b"bytes" * 1000)
    store.snapshot().backup(tmp_path / "backup")
    (log,) = (tmp_path / "backup").glob("*.log")
    content = bytearray(log.read_bytes())
    content[3000] ^= 4
    log.write_bytes(content)

    with pytest.raises(database.CorruptError, match=rf"{log.name}, byte 64"):
        database.restore(tmp_path / "backup", tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def test_a_flipped_bit_in_the_middle_is_named(folder: Path) -> None:
    """Damaged metadata refuses the opening, damaged bytes their reading; both name the place."""
    with Database(folder, Mode.CREATE) as store:
        image_id = add(store, b"a.jpg", b"bytes" * 1000, metadata=b'{"a": "findme"}')
        add(store, b"b.jpg", b"other")
    (log,) = folder.glob("*.log")
    sound = log.read_bytes()

    def flip(offset: int) -> None:
        log.write_bytes(sound[:offset] + bytes([sound[offset] ^ 1]) + sound[offset + 1 :])

    flip(sound.index(b"findme"))
    (problem,) = database.check(folder)
    assert log.name in problem.where
    for mode in (Mode.READ, Mode.WRITE):
        with pytest.raises(database.CorruptError, match=rf"{log.name} is damaged at byte \d+"):
            Database(folder, mode).close()
    flip(1000)
    assert database.check(folder, quick=True) == []
    for deep in (False, True):
        assert [log.name] == [
            Path(p.where.partition(",")[0]).name for p in database.check(folder, deep=deep)
        ]
    with Database(folder) as reader, pytest.raises(database.CorruptError, match="byte 128"):
        stored(reader.snapshot(), image_id)


def test_blobs_are_files(store: Database, tmp_path: Path) -> None:
    """Stored bytes can be read and sought like a file, over the borders of their pieces."""
    seed = 8
    print(f"seed {seed}")
    rng = random.Random(seed)
    content = rng.randbytes(3_500_000)
    source = tmp_path / "source"
    source.write_bytes(content)
    with source.open("rb") as file:
        digest, length = database.hash_file(file.fileno())
        file.seek(1000)
        writer = store.blob_writer()
        writer.write_file(file.fileno())
        assert file.tell() == 1000
    assert (digest, length) == writer.digest()
    with store.begin() as transaction:
        transaction.insert(new_row(b"a.jpg"), writer)

    with store.snapshot().open_blob(digest) as blob:
        assert len(content) == blob.length
        assert content == blob.read()
        assert blob.read(10) == b""
        for _ in range(100):
            offset, size = rng.randrange(len(content)), rng.randrange(2_000_000)
            blob.seek(offset)
            assert content[offset : offset + size] == blob.read(size)
        assert content[-7:] == (blob.seek(-7, os.SEEK_END), blob.read())[1]
        assert (blob.seek(10, os.SEEK_END), blob.read(5))[1] == b""
    with pytest.raises(ValueError, match="closed"):
        blob.read(1)


def test_empty_content_is_content(store: Database) -> None:
    """A picture of no bytes is stored and read like any other."""
    image_id = add(store, b"a.jpg", b"")

    assert stored(store.snapshot(), image_id) == b""


def test_transactions_are_all_or_nothing(store: Database) -> None:
    """An error inside leaves nothing behind; a transaction without changes has no number."""
    with pytest.raises(RuntimeError, match="midway"), store.begin() as transaction:
        transaction.insert(new_row(b"a.jpg"))
        raise RuntimeError("midway")
    assert store.snapshot().info.seq == 0
    with store.begin() as transaction:
        transaction.remove(Table.STATE, b"nothing")

    assert transaction.seq == 0
    with pytest.raises(database.ClosedError):
        transaction.commit()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (new_row(b"a\0b.jpg"), "NUL"),
        (new_row(b""), "filename"),
        (ImageRow(0, b"b.jpg", b"{}", root=1, path=b"a.jpg"), "last part"),
        (ImageRow(0, b"a.jpg", b"{}", root=1), "has a path"),
        (new_row(b"a.jpg", metadata=b"\xff"), "UTF-8"),
    ],
)
def test_broken_rules_are_named(store: Database, row: ImageRow, reason: str) -> None:
    """A row that breaks a documented rule is refused with the rule's name."""
    with pytest.raises(database.InvalidArgumentError, match=reason):
        store.begin().insert(row)


def test_stores_that_are_not_there(folder: Path, tmp_path: Path) -> None:
    """Only CREATE makes a store; the error names the folder, and none is made."""
    for mode in (Mode.READ, Mode.WRITE):
        with pytest.raises(database.NotFoundError, match=str(folder)):
            Database(folder, mode)
    with pytest.raises(database.NotFoundError, match=str(folder)):
        database.check(folder)
    assert not folder.exists()
    with Database(tmp_path / "new" / "store", Mode.CREATE) as store:
        assert (tmp_path / "new" / "store").stat().st_mode & 0o777 == 0o700
        assert store.snapshot().info.seq == 0


def test_readers_cannot_write(store: Database, folder: Path) -> None:
    """Every way to change something through a reading handle is refused."""
    image_id = add(store, b"a.jpg")
    with Database(folder) as reader:
        for act in (
            reader.begin,
            reader.blob_writer,
            lambda: reader.purge([image_id]),
            lambda: reader.collect(1),
        ):
            with pytest.raises(database.ReadOnlyError):
                act()


def test_newer_formats_are_refused(store: Database, folder: Path) -> None:
    """A store of a later format is refused as such, not called damaged."""
    store.close()
    manifest = bytearray((folder / "MANIFEST").read_bytes())
    manifest[8] = 99
    (folder / "MANIFEST").write_bytes(manifest)

    with pytest.raises(database.UnsupportedFormatError, match="99"):
        Database(folder, Mode.CREATE)
