"""`kill -9` at random moments loses nothing and leaves nothing half."""

import os
import random
import shutil

import pytest
from PIL import Image

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
        deadline = rng.randrange(5, 60)
        for _ in range(deadline):
            change_something(rng, home.photos, number)
            number += 1
            if rng.random() < 0.2:
                home_settles = daemon.process.poll()
                assert home_settles is None
        daemon.kill()

    with home.daemon():
        home.run("wait", "--timeout", "90")
        assert 0 == home.json("status")["index_rebuilds"]
        home.run("export")
        compare(home)
    assert {"ok": True, "problems": []} == home.json("check", "--deep")


def compare(home):
    """Compare everything with an independent walk."""
    walked = {
        os.path.join(folder, name)
        for folder, _, names in os.walk(home.photos)
        for name in names
    }
    status = home.json("status")
    assert len(walked) == status["photos"]
    assert status["seq"] == status["index_seq"] == status["site_seq"]
    pages = {path.parent.name for path in home.site.glob("photo/*/index.html")}
    ids = set()
    for path in walked:
        record = home.json("show", path)
        ids.add(str(record["id"]))
        home.run("get", path, "-o", str(home.folder / "copy"))
        assert (home.folder / "copy").read_bytes() == open(path, "rb").read()  # noqa: SIM115
        name = os.path.splitext(os.path.basename(path))[0]
        assert record["id"] in {hit["id"] for hit in home.json("search", name)}
    assert ids == pages


@pytest.mark.parametrize("moment", [0.0, 0.05, 0.2, 0.6])
def test_killed_while_importing(home, photographs, moment):
    """Killed so many seconds into an import, the next start goes on where it was."""
    for number in range(12):
        shutil.copy(photographs["rocket"], home.photos / f"{number}.jpg")
        with (home.photos / f"{number}.jpg").open("ab") as file:
            file.write(b"%d" % number)
    home.configure(sources="[]", more="[watch]\nsettle_seconds = 0\n")
    daemon = Daemon(home.config)
    try:
        daemon.process.wait(moment)
    except TimeoutError:
        pass
    except Exception as error:  # noqa: BLE001
        assert "TimeoutExpired" in type(error).__name__
    daemon.kill()

    with home.daemon():
        home.run("wait", "--timeout", "90")
        status = home.json("status")
        assert (12, 0) == (status["photos"], status["index_rebuilds"])
    assert {"ok": True, "problems": []} == home.json("check", "--deep")
