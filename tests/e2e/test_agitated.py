"""A tree under constant change, events that lie, and crashes: the end is always agreement."""

import ctypes
import os
import random
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from picturerail_daemon.failpoints import PLACES

from .agreement import digests, in_store, is_picture, on_disk, paint
from .conftest import XMP, Daemon

SEEDS = [int(seed) for seed in os.environ.get("PICTURERAIL_SEEDS", "11,12,13").split(",")]
ROUNDS = 6
EXCHANGE, AT_FDCWD = 2, -100
PERVERSE = (sys.executable, str(Path(__file__).with_name("perverse_daemon.py")))


class Agitator:
    """Does to two folders what people, editors and sync programs do."""

    def __init__(self, rng, roots):
        """Keep the seeded generator and the folders."""
        self.rng = rng
        self.roots = roots
        self.number = 0

    def some(self, pattern):
        """Return one of what there is, or None."""
        found = sorted(
            path
            for root in self.roots
            for path in root.rglob(pattern)
            if not path.is_symlink() and path.name != "stays.png"
        )
        return self.rng.choice(found) if found else None

    def name(self):
        """Return a new name in a random place, whose folder exists."""
        self.number += 1
        folder = self.rng.choice(self.roots)
        for _ in range(self.rng.randrange(3)):
            folder /= f"d{self.rng.randrange(3)}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"n{self.number}.png"

    def act(self):
        """Do one thing."""
        acts = [self.add] * 4 + [
            self.move, self.move, self.move_folder, self.swap, self.swap_folders, self.link,
            self.copy, self.save, self.spoil, self.mend, self.remove, self.remove_tree, self.storm,
        ]  # fmt: skip
        self.rng.choice(acts)()

    def add(self):
        """A new picture."""
        paint(self.rng, self.name())

    def move(self):
        """One picture, anywhere."""
        if path := self.some("*.png"):
            path.rename(self.name())

    def move_folder(self):
        """A whole tree, into either root."""
        if path := self.some("d?"):
            self.number += 1
            target = self.rng.choice(self.roots) / f"moved{self.number}"
            path.rename(target)

    def swap(self):
        """Two pictures exchange their names."""
        self._exchange(self.some("*.png"), self.some("*.png"))

    def swap_folders(self):
        """Two folders exchange their names, unless one holds the other."""
        one, two = self.some("d?"), self.some("d?")
        if one and two and one not in two.parents and two not in one.parents:
            self._exchange(one, two)

    def _exchange(self, one, two):
        if one and two and one != two:
            names = os.fsencode(one), os.fsencode(two)
            ctypes.CDLL(None).renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], EXCHANGE)

    def link(self):
        """A second name of the same file."""
        if path := self.some("*.png"):
            os.link(path, self.name())

    def copy(self):
        """The same bytes in another file; now and then the first is deleted."""
        if path := self.some("*.png"):
            shutil.copy(path, self.name())
            if self.rng.random() < 0.5:
                path.unlink()

    def save(self):
        """An editor's save: new bytes over the old name, in one step."""
        if path := self.some("*.png"):
            paint(self.rng, path.with_name(".save.png.tmp")).replace(path)

    def spoil(self):
        """Half of the bytes are lost."""
        if path := self.some("*.png"):
            os.truncate(path, path.stat().st_size // 2)

    def mend(self):
        """New bytes in place."""
        if path := self.some("*.png"):
            paint(self.rng, path)

    def remove(self):
        """One picture."""
        if path := self.some("*.png"):
            path.unlink()

    def remove_tree(self):
        """A folder with all below it."""
        if path := self.some("d?"):
            shutil.rmtree(path)

    def storm(self):
        """Many new folders at once, with a picture at the end of each."""
        self.number += 1
        for number in range(5):
            paint(self.rng, self.roots[0] / f"s{self.number}" / "x" / str(number) / "deep.png")


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_they_agree(home, seed):
    """After any changes, lies and crashes, `wait` tells the truth and identities are kept."""
    print("seed", seed)
    rng = random.Random(seed)
    second = home.folder / "second"
    second.mkdir()
    for root in (home.photos, second):
        paint(rng, root / "stays.png")
    home.configure(
        sources='["sidecar"]',
        folders=("photos", "second"),
        more="[watch]\nsettle_seconds = 0.05\nhold_deletions_above = 1\n",
    )
    agitator = Agitator(rng, [home.photos, second])
    for number in range(ROUNDS):
        place = PLACES[rng.randrange(len(PLACES))]
        crash = f"{place}:{rng.randrange(1, 12)}" if number % 2 else ""
        print("round", number, crash)
        daemon = Daemon(
            home.config,
            program=PERVERSE,
            doomed=bool(crash),
            PICTURERAIL_PERVERSE=str(rng.randrange(10**6)),
            PICTURERAIL_FAIL_AT=crash,
        )
        for _ in range(rng.randrange(10, 40)):
            agitator.act()
            time.sleep(rng.random() * 0.01)  # spreads the changes over the daemon's work
        if crash:
            daemon.kill()
            continue
        before = settled(home, agitator.roots)
        moves_only(agitator)
        after = settled(home, agitator.roots)
        same_identities(before, after)
        assert daemon.stop() == 0

    with home.daemon():
        settled(home, agitator.roots)
        assert home.json("status")["index_rebuilds"] == 0
        home.run("export")
    assert home.json("check", "--deep") == {"ok": True, "problems": []}
    assert home.json("sync")["failed"] == [
        {"path": os.fsdecode(path), "reason": reason}
        for path, reason in failures(home)
        if not is_picture(Path(os.fsdecode(path)).read_bytes())
    ]


def settled(home, roots):
    """Ask whether all is in, and hold the answer against an independent walk."""
    home.run("wait", "--timeout", "90")
    stored = in_store(home)
    assert on_disk(*roots) == {
        path: digest
        for path, digest in digests(stored).items()
        if is_picture(Path(os.fsdecode(path)).read_bytes())
    }
    return stored


def failures(home):
    """Return (path, reason) of everything that the store says could not be read."""
    from picturerail_daemon.service.places import Layout
    from picturerail_daemon.service.reading import reading
    from picturerail_daemon.service.views import failures as told

    with reading(Layout(home.store)) as snapshot:
        return sorted((os.fsencode(item["path"]), item["reason"]) for item in told(snapshot))


def moves_only(agitator):
    """Change places and nothing else."""
    for _ in range(agitator.rng.randrange(3, 12)):
        agitator.rng.choice([agitator.move, agitator.move_folder, agitator.swap])()


def same_identities(before, after):
    """Pictures whose content lies at one place keep their ids wherever they went."""

    def unique(stored):
        counts = Counter(digest for _, digest in stored.values())
        return {digest: number for number, digest in stored.values() if counts[digest] == 1}

    one, two = unique(before), unique(after)
    assert {d: one[d] for d in one.keys() & two.keys()} == {
        d: two[d] for d in one.keys() & two.keys()
    }


@pytest.mark.parametrize("place", PLACES)
def test_a_crash_at_every_named_place(home, place):
    """Killed at each named place, the next start makes up for it: no more, no less."""
    rng = random.Random(5)
    for number in range(6):
        paint(rng, home.photos / "a" / f"{number}.png")
    home.configure(
        sources='["sidecar"]',
        more="[watch]\nsettle_seconds = 0\nhold_deletions_above = 1\n",
    )
    with home.daemon():
        home.run("wait", "--timeout", "60")
        before = in_store(home)
    (home.photos / "a").rename(home.photos / "b")
    (home.photos / "b" / "0.png").unlink()
    (home.photos / "b" / "1.png.xmp").write_text(XMP.format("<rdf:li>harbour</rdf:li>"))
    for number in range(4):
        paint(rng, home.photos / f"new{number}.png")

    daemon = Daemon(home.config, doomed=True, PICTURERAIL_FAIL_AT=f"{place}:1")
    assert daemon.join() == -9, f"{place} was never come to"

    with home.daemon():
        home.run("wait", "--timeout", "60")
        home.run("wait", "--described", "--timeout", "60")
        after = settled(home, [home.photos])
        status = home.json("status")
        assert (status["photos"], status["deleted"]) == (9, 1)
        assert status["index_rebuilds"] == 0
        assert home.found("harbour") == ["1.png"]
        home.run("export")
    kept = {os.path.basename(path): number for path, (number, _) in before.items()}
    for path, (number, _) in after.items():
        assert kept.get(os.path.basename(path), number) == number
    assert len({number for number, _ in after.values()}) == 9
    assert home.json("check", "--deep") == {"ok": True, "problems": []}
