"""Where the system gives less than is hoped for: events, room, files, sensible times."""

import contextlib
import os
import random
import shutil
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from .agreement import PATIENCE_SECONDS, comes_to_agree, in_store, on_disk, paint

SEED = 9_106
UNCACHED = "attr_timeout=0,entry_timeout=0,negative_timeout=0"
CACHED = "attr_timeout=2,entry_timeout=2,negative_timeout=0"
QUICK = "automatic = false\n[watch]\nsettle_seconds = 0.1\nhold_deletions_above = 1\n"


@contextlib.contextmanager
def cleaned_up(point, unmount):
    """Unmount what a test may have left mounted, whatever happened."""
    try:
        yield
    finally:
        if os.path.ismount(point):
            subprocess.run([*unmount, point], check=True)


@contextlib.contextmanager
def store_of_its_own(home, size):
    """Put the store on a file system of that size for the length of a block."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    home.store.mkdir(mode=0o700)
    with cleaned_up(home.store, ["umount"]):
        options = f"size={size},mode=0700"
        command = ["mount", "-t", "tmpfs", "-o", options, "none", home.store]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mounting is not allowed here: {done.stderr}")
        yield


def comes_true(true, what):
    """Wait for what the daemon says of itself to become true."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)  # between two looks at another process


def the_root(home):
    """Return what `status` says of the only root."""
    (root,) = home.json("status")["watch"]["roots"]
    return root


def mount_fuse(folder, point, options=UNCACHED):
    """Mount a folder a second time by a FUSE program, which makes no events for the first."""
    for needed in ("bindfs", "fusermount"):
        if shutil.which(needed) is None:
            pytest.skip(f"there is no {needed} here")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("/dev/fuse may not be used here")
    done = subprocess.run(
        ["bindfs", "--no-allow-other", "-o", options, folder, point],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no FUSE mount can be made here: {done.stderr}")


def unmounted(folder):
    """Try to take a FUSE file system away; return whether it is gone."""
    return subprocess.run(["fusermount", "-u", folder], check=False).returncode == 0


def test_a_fuse_mount_is_looked_at_every_so_often(home):
    """Without events all is mirrored, ids are kept, and an unmount deletes nothing."""
    rng = random.Random(SEED)
    beneath = home.folder / "beneath"
    beneath.mkdir()
    home.configure(sources="[]", more=QUICK + "polling_seconds = 0.3\n")
    with cleaned_up(home.photos, ["fusermount", "-u"]):
        mount_fuse(beneath, home.photos)
        with home.daemon():
            assert the_root(home)["tier"].startswith("looked at every 0.3 s (fuse")

            paint(rng, home.photos / "above.png")
            comes_to_agree(home, home.photos)
            paint(rng, beneath / "folder" / "beneath.png")
            before = comes_to_agree(home, home.photos)
            assert len(before) == 2

            (home.photos / "above.png").rename(home.photos / "folder" / "renamed.png")
            (beneath / "folder" / "beneath.png").rename(beneath / "moved.png")
            after = comes_to_agree(home, home.photos)
            path = os.fsencode(home.photos)
            assert after == {
                path + b"/folder/renamed.png": before[path + b"/above.png"],
                path + b"/moved.png": before[path + b"/folder/beneath.png"],
            }

            looked_at = the_root(home)["looked_at"]
            comes_true(lambda: the_root(home)["looked_at"] > looked_at, "not looked at again")

            # It is busy while the daemon looks at it.
            comes_true(lambda: unmounted(home.photos), "it is never let go")
            comes_true(lambda: the_root(home)["held"] == 2, "deletions are not held")
            assert after == in_store(home)
            assert home.json("status")["photos"] == 2

            mount_fuse(beneath, home.photos)
            comes_true(lambda: the_root(home)["held"] == 0, "deletions are still held")
            (beneath / "moved.png").unlink()
            paint(rng, beneath / "new.png")
            last = comes_to_agree(home, home.photos)
            assert last.keys() == {path + b"/folder/renamed.png", path + b"/new.png"}
            assert last[path + b"/folder/renamed.png"] == after[path + b"/folder/renamed.png"]


def test_a_deletion_that_a_cache_hides_is_found_later(home):
    """A name that is listed no more, but still leads to its file for a while, is asked again."""
    rng = random.Random(SEED)
    beneath = home.folder / "beneath"
    beneath.mkdir()
    home.configure(sources="[]", more=QUICK + "polling_seconds = 0.3\n")
    with cleaned_up(home.photos, ["fusermount", "-u"]):
        mount_fuse(beneath, home.photos, CACHED)
        for name in ("stays", "goes"):
            paint(rng, beneath / f"{name}.png")
        with home.daemon():
            before = comes_to_agree(home, home.photos)
            gone = home.photos / "goes.png"
            gone.stat()
            (beneath / "goes.png").unlink()
            # Else this says nothing: the kernel answers from what it remembers.
            assert gone.name not in os.listdir(home.photos)
            assert gone.exists()
            after = comes_to_agree(home, home.photos)
    assert after == {p: held for p, held in before.items() if p != os.fsencode(gone)}
    assert len(after) == 1


def test_a_full_store_loses_nothing(home):
    """Without room the daemon says so and keeps what it has; with room again it goes on."""
    rng = random.Random(SEED)
    home.configure(sources="[]", more=QUICK)
    with store_of_its_own(home, "24m"):
        with home.daemon():
            for number in range(10):
                paint(rng, home.photos / f"{number}.png", big=True)
            before = comes_to_agree(home, home.photos)

            # Something else takes the room that is left.
            filling = home.store / "filling"
            with filling.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while file.write(bytes(1 << 16)):
                    pass
            for number in range(10, 40):
                paint(rng, home.photos / f"{number}.png", big=True)
            comes_true(
                lambda: "No space left" in home.json("status")["last_error"],
                "the full disk is not told",
            )
            stored = in_store(home)
            assert before.items() <= stored.items()

            filling.unlink()
            after = comes_to_agree(home, home.photos)
            assert len(after) == 40
            assert stored.items() <= after.items()
            home.run("wait", "--timeout", "60")
            assert home.json("status")["last_error"] == ""
        home.run("check", "--deep")


def test_little_room_is_warned_of_before_the_store_is_full(home):
    """While everything still goes well, the log warns once and the status says so."""
    home.configure(sources="[]", more=QUICK)
    rng = random.Random(SEED)
    with store_of_its_own(home, "200m"), home.daemon():
        for name in ("one", "another"):
            paint(rng, home.photos / f"{name}.png")
            comes_to_agree(home, home.photos)

        shown = home.json("status")
        assert shown["low_space"]
        assert 0 < shown["free_bytes"] < 200 << 20
        assert b"make room soon" in home.run("status").stderr
        log = home.config.with_name("daemon.log").read_text()
        assert log.count("make room soon") == 1, log


def test_a_store_that_turns_read_only_loses_nothing(home):
    """What cannot be written is told; started again on a writable store, the daemon makes up."""
    rng = random.Random(SEED)
    home.configure(sources="[]", more=QUICK)
    with store_of_its_own(home, "200m"):
        home.run("sync")
        paint(rng, home.photos / "before.png")
        home.run("sync")
        before = in_store(home)
        assert len(before) == 1

        subprocess.run(["mount", "-o", "remount,ro", home.store], check=True)
        paint(rng, home.photos / "meanwhile.png")
        said = home.run("sync", code=1).stderr
        assert b"Read-only file system" in said
        assert os.fsencode(home.store) in said
        assert before == in_store(home)

        subprocess.run(["mount", "-o", "remount,rw", home.store], check=True)
        with home.daemon():
            after = comes_to_agree(home, home.photos)
        assert before.items() <= after.items()
        assert len(after) == 2
        home.run("check", "--deep")


def test_few_file_descriptors(home):
    """With room for 64 open files, 200 new folders and what is in them are mirrored."""
    if shutil.which("prlimit") is None:
        pytest.skip("there is no prlimit here")
    rng = random.Random(SEED)
    home.configure(sources="[]", more=QUICK)
    with home.daemon(prefix=("prlimit", "--nofile=64:64")) as daemon:
        limit = Path(f"/proc/{daemon.process.pid}/limits").read_text()
        assert "Max open files            64 " in limit
        for number in range(200):
            paint(rng, home.photos / f"a{number % 20}" / f"b{number}" / "c" / f"{number}.png")
        assert len(comes_to_agree(home, home.photos)) == 200
        home.run("wait", "--timeout", "60")
        status = home.json("status")
        assert (status["last_error"], status["failed"]) == ("", 0)


@pytest.mark.parametrize("year", [1970, 2100])
def test_times_that_cannot_be(home, year):
    """A picture from the epoch or from the future is mirrored, and so is each change of it."""
    rng = random.Random(SEED)
    home.configure(sources="[]", more=QUICK)
    path = home.photos / "p.png"
    moment = 0 if year == 1970 else datetime(year, 1, 1, tzinfo=UTC).timestamp()
    with home.daemon():
        paint(rng, home.folder / "p.png")
        os.utime(home.folder / "p.png", (moment, moment))
        (home.folder / "p.png").rename(path)
        one = comes_to_agree(home, home.photos)

        # The same size, written in place, at the same time as before: only the ctime tells.
        content = bytearray(path.read_bytes())
        other = paint(rng, home.folder / "p.png").read_bytes()
        assert len(content) == len(other)
        with path.open("r+b") as file:
            file.write(other)
        os.utime(path, (moment, moment))
        assert path.stat().st_mtime == moment
        two = comes_to_agree(home, home.photos)
        assert on_disk(home.photos).keys() == two.keys()
        ((id_before, digest_before),) = one.values()
        ((id_after, digest_after),) = two.values()
        assert id_before == id_after
        assert digest_before != digest_after
