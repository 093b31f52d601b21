"""`kill -9` at random moments loses nothing and leaves nothing half."""

import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

from picturerail_native.database import Database, Mode
from picturerail_native.search import Reader

from .conftest import Daemon

SEED = int(os.environ.get("PICTURERAIL_SEED", "20191"))
ROUNDS = 6


def change_something(rng, photos, number):
    """Add, change, move or delete a picture."""
    there = sorted(photos.rglob("*.png"))
    what = rng.choice(["add", "add", "add", "move", "change", "delete"])
    if what == "add" or not there:
        folder = photos / f"d{rng.randrange(4)}"
        folder.mkdir(exist_ok=True)
        paint(rng, folder / f"n{number}.png")
    elif what == "move":
        target = photos / f"d{rng.randrange(4)}" / f"m{number}.png"
        target.parent.mkdir(exist_ok=True)
        rng.choice(there).rename(target)
    elif what == "change":
        paint(rng, rng.choice(there))
    else:
        rng.choice(there).unlink()


def paint(rng, path):
    """Save a picture like no other."""
    image = Image.frombytes("RGB", (32, 24), rng.randbytes(32 * 24 * 3))
    image.save(path)


def test_killed_at_random_it_converges(home):
    """After kills while files change, folders, database, index and site agree; no rebuild."""
    print("seed", SEED)
    rng = random.Random(SEED)
    home.configure(sources="[]", more="[watch]\nsettle_seconds = 0.05\nhold_deletions_above = 1\n")
    number = 0
    for _ in range(ROUNDS):
        daemon = Daemon(home.config)
        for _ in range(rng.randrange(5, 60)):
            change_something(rng, home.photos, number)
            number += 1
            assert daemon.process.poll() is None, "the daemon ended by itself"
            time.sleep(rng.random() * 0.02)  # spreads the changes over the daemon's work
        daemon.kill()

    with home.daemon():
        home.run("wait", "--timeout", "90")
        assert home.json("status")["index_rebuilds"] == 0
        home.run("export")
        compare(home)
    assert home.json("check", "--deep") == {"ok": True, "problems": []}


def compare(home):
    """Compare database, index and site with an independent walk, byte by byte."""
    walked = {
        os.path.join(folder, name) for folder, _, names in os.walk(home.photos) for name in names
    }
    status = home.json("status")
    assert len(walked) == status["photos"]
    assert status["seq"] == status["index_seq"] == status["site_seq"]
    prefix = os.fsencode(home.photos) + b"/"
    with (
        Database(home.store / "database", Mode.READ) as database,
        database.snapshot() as snapshot,
        Reader(home.store / "index") as reader,
    ):
        rows = list(snapshot.images())
        assert walked == {os.fsdecode(prefix + row.path) for row in rows}
        for row in rows:
            with snapshot.open_blob(row.content_hash) as blob:
                assert Path(os.fsdecode(prefix + row.path)).read_bytes() == blob.readall()
            name = os.path.splitext(os.fsdecode(row.filename))[0]
            assert row.id in {hit.id for hit in reader.search(name, limit=1000).hits}
        ids = {row.id for row in rows}
        assert ids == set(reader.documents())
    assert ids == {int(path.parent.name) for path in home.site.glob("photo/*/index.html")}


@pytest.mark.parametrize("moment", [0.0, 0.05, 0.2, 0.6])
def test_killed_while_importing(home, photographs, moment):
    """Killed so many seconds into an import, the next start goes on where it was."""
    for number in range(12):
        shutil.copy(photographs["rocket"], home.photos / f"{number}.jpg")
        with (home.photos / f"{number}.jpg").open("ab") as file:
            file.write(b"%d" % number)
    home.configure(sources="[]", more="[watch]\nsettle_seconds = 0\n")
    daemon = Daemon(home.config)
    with pytest.raises(subprocess.TimeoutExpired):
        daemon.process.wait(moment)
    daemon.kill()

    with home.daemon():
        home.run("wait", "--timeout", "90")
        status = home.json("status")
        assert (status["photos"], status["index_rebuilds"]) == (12, 0)
    assert home.json("check", "--deep") == {"ok": True, "problems": []}
