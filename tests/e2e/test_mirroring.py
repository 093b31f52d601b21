"""Identity and safety: moves, copies, deletions, sidecars, a vanished folder."""

import os
import shutil
import tempfile
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image


@pytest.fixture
def quick(home):
    """Describe by what is written only."""
    home.configure(sources='["sidecar"]')
    return home


def paint(path, colour="navy"):
    """Save a small picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), colour).save(path)
    return path


def id_of(home, path):
    """Return a mirrored picture's id."""
    return home.json("show", str(path))["id"]


def counts(report):
    """Return what a look did."""
    return tuple(report[k] for k in ("added", "changed", "moved", "deleted", "unchanged"))


def test_a_move_of_a_tree_while_stopped_keeps_every_id(quick):
    """Renamed folders are moves, found at the next start, with no picture read again."""
    paths = [paint(quick.photos / "a" / f"{n}.png", (n, 0, 0)) for n in range(5)]
    quick.run("sync")
    ids = [id_of(quick, path) for path in paths]

    (quick.photos / "a").rename(quick.photos / "b")
    report = quick.json("sync")

    assert counts(report) == (0, 0, 5, 0, 0)
    assert ids == [id_of(quick, quick.photos / "b" / path.name) for path in paths]


def test_an_exchange_of_names_keeps_both_ids(quick):
    """Two pictures that swapped names keep their ids, and no row is lost."""
    one, two = paint(quick.photos / "1.png", "red"), paint(quick.photos / "2.png", "blue")
    quick.run("sync")
    first, second = id_of(quick, one), id_of(quick, two)

    one.rename(quick.photos / "t")
    two.rename(one)
    (quick.photos / "t").rename(two)
    report = quick.json("sync")

    assert counts(report) == (0, 0, 2, 0, 0)
    assert (second, first) == (id_of(quick, one), id_of(quick, two))


def test_a_copy_then_delete_is_a_move_and_a_copy_is_a_picture_of_its_own(quick):
    """Content decides where names and inodes cannot."""
    one = paint(quick.photos / "1.png")
    quick.run("sync")
    first = id_of(quick, one)

    shutil.copy(one, quick.photos / "2.png")
    one.unlink()
    assert counts(quick.json("sync")) == (0, 0, 1, 0, 0)
    assert first == id_of(quick, quick.photos / "2.png")

    shutil.copy(quick.photos / "2.png", quick.photos / "3.png")
    assert counts(quick.json("sync")) == (1, 0, 0, 0, 1)
    assert first != id_of(quick, quick.photos / "3.png")


def test_a_changed_picture_keeps_its_id_and_the_users_words(quick):
    """Saved over, in place or atomically, a picture is the same one with new bytes."""
    path = paint(quick.photos / "1.png", "red")
    quick.run("sync")
    number = id_of(quick, path)
    quick.run("tag", number, "+mine")

    paint(quick.photos / "new.png", "green").replace(path)
    assert counts(quick.json("sync")) == (0, 1, 0, 0, 0)

    record = quick.json("show", str(path))
    assert number == record["id"]
    assert [tag["name"] for tag in record["metadata"]["tags"]] == ["mine"]
    quick.run("get", number, "-o", quick.folder / "copy.png")
    assert path.read_bytes() == (quick.folder / "copy.png").read_bytes()


def test_deleted_is_recoverable_and_returns_under_its_id(quick):
    """A deleted picture is listed, its bytes come back, and put back it is the same picture."""
    path = paint(quick.photos / "1.png")
    other = paint(quick.photos / "2.png", "red")
    bytes_before = path.read_bytes()
    quick.run("sync")
    number = id_of(quick, path)
    quick.run("tag", number, "+mine")

    path.unlink()
    assert quick.json("sync")["deleted"] == 1
    assert quick.found("mine") == []
    (gone,) = quick.json("deleted")
    assert (number, str(path), True) == (gone["id"], gone["path"], gone["recoverable"])
    quick.run("undelete", number, "-o", quick.photos / "back.png")
    assert bytes_before == (quick.photos / "back.png").read_bytes()
    assert quick.json("sync")["added"] == 1
    assert number == id_of(quick, quick.photos / "back.png")
    assert quick.found("mine") == ["back.png"]
    assert other.exists()


def test_deletions_are_forgotten_after_their_time(quick):
    """Past `keep_deleted_days` a deleted picture is truly gone, and everything still agrees."""
    text = quick.config.read_text()
    quick.config.write_text(text.replace('"store"\n', '"store"\nkeep_deleted_days = 0\n'))
    path = paint(quick.photos / "zanzibar.png", "purple")
    paint(quick.photos / "other.png", "red")
    quick.run("sync")
    number = id_of(quick, path)
    path.unlink()

    assert quick.json("sync")["deleted"] == 1

    assert quick.json("deleted") == []
    quick.run("show", number, code=1)
    for file in (quick.store / "database").iterdir():
        assert b"zanzibar" not in file.read_bytes(), file
    assert quick.found("zanzibar") == []
    assert quick.json("check", "--deep") == {"ok": True, "problems": []}
    quick.run("sync")
    assert quick.json("status")["index_rebuilds"] == 0


def test_purged_is_gone_truly(quick):
    """After `purge` neither bytes nor words of the picture are in any file of store or site."""
    path = quick.photos / "zanzibar.png"
    paint(path, "purple")
    paint(quick.photos / "other.png", "red")
    original = path.read_bytes()
    quick.run("sync")
    quick.run("export")
    number = id_of(quick, path)
    quick.run("purge", number, code=1)  # its file would be mirrored again
    path.unlink()
    quick.run("sync")

    quick.run("purge", number)
    quick.run("export")

    assert quick.json("deleted") == []
    quick.run("show", number, code=1)
    for folder in (quick.store, quick.site):
        for file in folder.rglob("*"):
            if file.is_file():
                content = file.read_bytes()
                assert b"zanzibar" not in content, file
                assert original not in content, file
    assert quick.json("check", "--deep") == {"ok": True, "problems": []}


def test_an_emptied_folder_holds_its_deletions(quick):
    """All pictures gone at once wait for the user; back again nothing happened."""
    for number in range(3):
        paint(quick.photos / f"{number}.png", (number, 9, 9))
    quick.run("sync")
    away = quick.folder / "away"
    quick.photos.rename(away)
    quick.photos.mkdir()

    report = quick.json("sync")
    assert (report["deleted"], report["held"]) == (0, 3)
    assert quick.json("status")["photos"] == 3

    quick.photos.rmdir()
    away.rename(quick.photos)
    assert counts(quick.json("sync")) == (0, 0, 0, 0, 3)

    for path in quick.photos.iterdir():
        path.unlink()
    assert quick.json("sync")["held"] == 3
    assert quick.json("accept-deletions")["deleted"] == 3
    assert tuple(quick.json("status")[k] for k in ("photos", "deleted")) == (0, 3)


@pytest.mark.parametrize("what", ["folder", "link", "pipe"])
def test_a_picture_replaced_by_what_is_none_is_gone(quick, what):
    """A folder, link or pipe of the same name does not keep the picture alive."""
    path = paint(quick.photos / "1.png")
    paint(quick.photos / "2.png", "red")
    quick.run("sync")
    path.unlink()
    if what == "folder":
        path.mkdir()
    elif what == "link":
        path.symlink_to("2.png")
    else:
        os.mkfifo(path)

    assert quick.json("sync")["deleted"] == 1
    assert quick.json("status")["photos"] == 1


def test_deletions_accepted_through_the_daemon_are_not_held_any_more(quick):
    """`status` follows what a command did."""
    for number in range(3):
        paint(quick.photos / f"{number}.png", (number, 9, 9))
    with quick.daemon():
        quick.run("wait", "--timeout", "60")
        for path in quick.photos.iterdir():
            path.unlink()
        quick.run("wait", "--timeout", "60")
        assert quick.json("status")["held"] == 3
        quick.run("accept-deletions")
        status = quick.json("status")
        assert (status["held"], status["photos"], status["deleted"]) == (0, 0, 3)


def test_a_folder_that_vanishes_under_the_daemon_holds(quick):
    """A running daemon keeps the pictures of a folder that is gone, says so, and goes on."""
    for number in range(3):
        paint(quick.photos / f"{number}.png", (number, 9, 9))
    with quick.daemon():
        quick.run("wait", "--timeout", "60")
        quick.photos.rename(quick.folder / "away")
        quick.run("wait", "--timeout", "60")
        status = quick.json("status")
        assert (status["photos"], status["held"]) == (3, 3)
        assert not status["watch"]["roots"][0]["present"]

        paint(quick.folder / "away" / "deep" / "new.png", "red")
        (quick.folder / "away").rename(quick.photos)
        # Without being asked, the daemon finds the folder and what is new below it.
        statuses = (quick.json("status") for _ in range(300))
        assert any(s["photos"] == 4 and s["held"] == 0 for s in statuses)
        quick.run("wait", "--timeout", "60")
        assert quick.json("status")["deleted"] == 0


def test_a_sidecar_that_comes_changes_and_goes_changes_the_words(quick, tagged):
    """Tags follow the `.xmp` file beside a picture, without the picture being read again."""
    path = tagged(quick.photos / "1.png", "harbour")
    quick.run("sync")
    assert quick.found("harbour") == ["1.png"]

    tagged(path, "spaghetti")
    quick.run("sync")
    assert (quick.found("spaghetti"), quick.found("harbour")) == (["1.png"], [])

    path.with_name("1.png.xmp").unlink()
    quick.run("sync")
    assert quick.found("spaghetti") == []


def test_a_folder_taken_out_of_the_configuration_leaves_the_site_not_the_store(quick):
    """Rows stay until `forget`; the site shows only what is configured."""
    other = quick.folder / "other"
    paint(quick.photos / "1.png")
    paint(other / "2.png", "red")
    text = quick.config.read_text()
    quick.config.write_text(text.replace('["photos"]', '["photos", "other"]'))
    quick.run("sync")
    quick.run("export")
    two = id_of(quick, other / "2.png")
    assert (quick.site / "photo" / str(two)).is_dir()

    quick.config.write_text(text)
    quick.run("sync")
    quick.run("export")
    assert not (quick.site / "photo" / str(two)).exists()
    assert two == id_of(quick, other / "2.png")
    assert quick.json("status")["photos"] == 2

    quick.run("forget", quick.photos, code=2)
    assert [two] == quick.json("forget", str(other))["purged"]
    quick.run("show", two, code=1)


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "gif", "tiff", "bmp", "heic", "avif"])
def test_every_kind_of_picture_is_mirrored_and_shown(quick, kind):
    """JPEG, PNG, WebP, GIF, TIFF, BMP, HEIC and AVIF go from the folder to the site."""
    pillow_heif.register_heif_opener()
    path = paint(quick.photos / f"shot.{kind}", "orange")

    assert counts(quick.json("sync")) == (1, 0, 0, 0, 0)

    record = quick.json("show", str(path))
    assert (record["metadata"]["width"], record["metadata"]["height"]) == (40, 30)
    quick.run("export")
    page = (quick.site / "photo" / str(record["id"]) / "index.html").read_text()
    assert f"shot.{kind}" in page


def test_hard_links_are_two_pictures_that_share_their_bytes(quick):
    """A second name for the same file is a second row and no second copy."""
    path = paint(quick.photos / "1.png")
    noise = Image.frombytes("RGB", (300, 300), os.urandom(270_000))
    noise.save(path)
    quick.run("sync")
    before = quick.json("status")["disk_bytes"]

    os.link(path, quick.photos / "2.png")
    assert quick.json("sync")["added"] == 1

    assert id_of(quick, path) != id_of(quick, quick.photos / "2.png")
    assert quick.json("status")["disk_bytes"] - before < path.stat().st_size // 4


def test_a_rename_over_another_keeps_one_and_deletes_the_other(quick):
    """`mv b a`: the picture that was b lies at a under its id; what was a can be recovered."""
    a, b = paint(quick.photos / "a.png", "red"), paint(quick.photos / "b.png", "blue")
    quick.run("sync")
    first, second = id_of(quick, a), id_of(quick, b)

    b.replace(a)
    report = quick.json("sync")

    assert counts(report) == (0, 0, 1, 1, 0)
    assert second == id_of(quick, a)
    assert [first] == [gone["id"] for gone in quick.json("deleted")]


def test_a_library_that_is_found_elsewhere_keeps_everything(quick, tagged):
    """The folder got another name, and the configuration with it: every picture has moved."""
    (quick.photos / "a").mkdir()
    paths = [tagged(quick.photos / "a" / f"{n}.png", f"word{n}") for n in range(3)]
    quick.run("sync")
    ids = [id_of(quick, path) for path in paths]
    quick.run("tag", ids[0], "+mine")

    quick.photos.rename(quick.folder / "pictures")
    quick.configure(sources='["sidecar"]', folders=("pictures",))
    report = quick.json("sync")

    assert counts(report) == (0, 0, 3, 0, 0)
    assert ids == [id_of(quick, quick.folder / "pictures" / "a" / path.name) for path in paths]
    assert quick.found("mine") == quick.found("word0") == ["0.png"]


def test_a_library_copied_to_another_disk_keeps_everything(quick):
    """Other inodes on another file system with the same bytes are the same pictures."""
    other = Path(tempfile.mkdtemp(dir="/dev/shm"))
    try:
        paths = [paint(quick.photos / f"{n}.png", (n, 0, 0)) for n in range(3)]
        quick.run("sync")
        ids = [id_of(quick, path) for path in paths]

        shutil.copytree(quick.photos, other, dirs_exist_ok=True)
        shutil.rmtree(quick.photos)
        quick.photos.symlink_to(other)
        report = quick.json("sync")

        assert counts(report) == (0, 0, 0, 0, 3)
        assert report["held"] == 0
        assert ids == [id_of(quick, path) for path in paths]
        paths[0].unlink()
        assert quick.json("sync")["deleted"] == 1
    finally:
        shutil.rmtree(other)


def test_another_file_system_in_place_of_the_folder_holds_even_one_deletion(quick):
    """A disk that is not the one from before deletes nothing without the user's word."""
    other = Path(tempfile.mkdtemp(dir="/dev/shm"))
    try:
        paths = [paint(quick.photos / f"{n}.png", (n, 0, 0)) for n in range(3)]
        quick.run("sync")
        shutil.copytree(quick.photos, other, dirs_exist_ok=True)
        (other / "0.png").unlink()
        quick.photos.rename(quick.folder / "away")
        quick.photos.symlink_to(other)

        report = quick.json("sync")

        assert (report["deleted"], report["held"]) == (0, 1)
        assert quick.json("accept-deletions")["deleted"] == 1
        paths[1].unlink()
        assert quick.json("sync")["deleted"] == 1
    finally:
        shutil.rmtree(other)
