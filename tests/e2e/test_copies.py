"""Backups as folders and as files, back again, and what is saved of a damaged database."""

from __future__ import annotations

import shutil

from PIL import Image


def fill(home):
    """Mirror a few pictures, one of them deleted and one changed."""
    home.configure(sources='["sidecar"]')
    for number in range(4):
        Image.new("RGB", (40, 30), (number, 9, 9)).save(home.photos / f"{number}.png")
    home.run("sync")
    (home.photos / "0.png").unlink()
    Image.new("RGB", (40, 30), "red").save(home.photos / "1.png")
    home.run("sync")


def shown(home):
    """Return what the command line tells of everything."""
    listing = [home.json("deleted"), home.json("deleted", "--versions")]
    return listing + [home.json("show", str(path)) for path in sorted(home.photos.iterdir())]


def test_an_archive_restores_everything(home):
    """A backup as one file makes the same store again; a second one does not replace it."""
    fill(home)
    before = shown(home)
    archive = home.folder / "backup.tar.zst"
    assert home.json("backup", str(archive))["photos"] == 3
    home.run("backup", str(archive), code=2)
    assert archive.read_bytes()[:4] == b"\x28\xb5\x2f\xfd"
    assert home.run("backup", "-").stdout[:4] == b"\x28\xb5\x2f\xfd"
    shutil.rmtree(home.store)
    damaged = home.folder / "damaged.tar.zst"
    damaged.write_bytes(archive.read_bytes()[:-20])
    refused = home.run("restore", str(damaged), code=1)
    assert b"damaged.tar.zst" in refused.stderr
    home.run("restore", str(archive))

    assert before == shown(home)
    home.run("sync")
    assert home.json("check", "--deep") == {"ok": True, "problems": []}


def test_a_linked_backup_restores_everything(home):
    """A backup that shares files makes the same store again."""
    fill(home)
    before = shown(home)
    home.run("backup", "--link", str(home.folder / "backup"))
    shutil.rmtree(home.store)
    home.run("restore", str(home.folder / "backup"))

    assert before == shown(home)


def test_a_damaged_database_is_salvaged(home):
    """What can be read of a damaged database makes a new one, with which everything goes on."""
    fill(home)
    (log,) = (home.store / "database").glob("*.log")
    data = bytearray(log.read_bytes())
    data[data.index(b"PRf\x1a", 64 + 4)] ^= 1
    log.write_bytes(data)
    home.run("sync", code=1)
    saved = home.folder / "saved"
    told = home.json("check", "--salvage", str(saved), code=1)

    assert not told["ok"]
    assert log.read_bytes() == data
    shutil.rmtree(home.store / "database")
    saved.rename(home.store / "database")
    home.run("sync")
    home.run("export")
    assert home.json("status")["photos"] == 3
    assert home.json("check", "--deep") == {"ok": True, "problems": []}
