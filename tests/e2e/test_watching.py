"""The ways in which file events mislead, each ending in agreement that nobody asked for.

One daemon watches three folders for all of these; it must notice by itself.
"""

import ctypes
import mmap
import os
import random
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest
from PIL import Image

from .agreement import comes_to_agree, in_store, on_disk, paint
from .conftest import Daemon

SEED = 7301
QUICK = "[watch]\nsettle_seconds = 0.1\nhold_deletions_above = 1\n"
EXCHANGE, AT_FDCWD = 2, -100


class Watched:
    """A running daemon with three folders: `photos`, `second` and `third`."""

    def __init__(self, home):
        """Make the folders and start the daemon."""
        self.home = home
        self.rng = random.Random(SEED)
        self.roots = [home.photos, home.folder / "second", home.folder / "third"]
        for root in self.roots[1:]:
            root.mkdir()
        for root in self.roots:
            # So that no folder is ever left empty at once, which would hold the deletions.
            for number in range(3):
                paint(self.rng, root / f"stays-{number}.png")
        home.configure(
            sources="[]",
            folders=("photos", "second", "third"),
            more="automatic = false\n" + QUICK,
        )
        self.daemon = Daemon(home.config)
        self.agree()

    def agree(self):
        """Wait until store and folders agree; return path → (id, digest)."""
        return comes_to_agree(self.home, *self.roots)

    def paint(self, path):
        """Save a picture like no other."""
        return paint(self.rng, path)

    def paused(self):
        """Stop the daemon's process for the length of a block, as a busy machine may."""
        return _Paused(self.daemon.process)

    def id_of(self, path):
        """Return a mirrored picture's id."""
        return in_store(self.home)[os.fsencode(path)][0]


class _Paused:
    def __init__(self, process):
        self.process = process

    def __enter__(self):
        self.process.send_signal(signal.SIGSTOP)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def watched(shared_home):
    """Run the daemon for all tests of this module; it must live through them and end well."""
    watched = Watched(shared_home)
    yield watched
    assert watched.daemon.process.poll() is None, "the daemon ended by itself"
    assert watched.daemon.stop() == 0


@pytest.fixture
def here(watched, request):
    """Make a folder of the test's own in the first root."""
    folder = watched.roots[0] / request.node.name
    folder.mkdir()
    return folder


def exchange(one, two):
    """Swap two names in one step."""
    libc = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(two)
    if libc.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], EXCHANGE) != 0:
        pytest.skip(f"no RENAME_EXCHANGE here: {os.strerror(ctypes.get_errno())}")


def mounted(*arguments):
    """Mount something, or leave the test out where that is not allowed."""
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode
    ):
        pytest.skip("mounting is not allowed here")


def test_a_name_taken_again_while_nobody_read(watched, here):
    """`mkdir a; mv a b; mkdir a` told late: what is written in either afterwards is seen."""
    with watched.paused():
        (here / "a").mkdir()
        (here / "a").rename(here / "b")
        (here / "a").mkdir()
    watched.paint(here / "b" / "in_b.png")
    watched.paint(here / "a" / "in_a.png")
    watched.agree()
    watched.paint(here / "b" / "late.png")
    watched.agree()
    watched.paint(here / "a" / "late.png")
    watched.agree()


def test_a_tree_moved_out_is_gone_and_stays_gone(watched, here):
    """What leaves the root is deleted; what is written there later is nobody's business."""
    watched.paint(here / "d" / "e" / "f.png")
    watched.agree()
    outside = watched.home.folder / "outside"
    (here / "d").rename(outside)
    watched.agree()
    watched.paint(outside / "e" / "ghost.png")
    watched.paint(here / "after.png")
    assert not any(b"ghost" in path for path in watched.agree())


def test_a_burst_while_stalled(watched, here):
    """2,000 files while the daemon does not run are all found, in new folders too."""
    with watched.paused():
        for number in range(2_000):
            watched.paint(here / f"{number}.png")
        watched.paint(here / "late" / "z.png")
    watched.agree()
    shutil.rmtree(here)
    watched.agree()


def test_a_rename_across_two_roots_keeps_the_id(watched, here):
    """A picture and a whole tree move from one watched folder into another."""
    watched.paint(here / "a.png")
    watched.paint(here / "tree" / "deep" / "b.png")
    watched.agree()
    one, two = watched.id_of(here / "a.png"), watched.id_of(here / "tree" / "deep" / "b.png")

    (here / "a.png").rename(watched.roots[1] / "a.png")
    (here / "tree").rename(watched.roots[1] / "tree")
    watched.agree()

    assert one == watched.id_of(watched.roots[1] / "a.png")
    assert two == watched.id_of(watched.roots[1] / "tree" / "deep" / "b.png")


def test_a_root_that_is_mounted_goes_and_comes_back(watched):
    """A file system mounted over a root shows its pictures; unmounted, nothing is deleted."""
    root = watched.roots[2]
    before = watched.agree()
    mounted("-t", "tmpfs", "none", str(root))
    try:
        watched.home.run("wait", "--timeout", "60")
        status = watched.home.json("status")
        (third,) = [r for r in status["watch"]["roots"] if r["folder"] == str(root)]
        assert third["held"] == 3
        assert third["foreign"]
        assert before == in_store(watched.home)
    finally:
        subprocess.run(["umount", root], check=True)
    watched.home.run("wait", "--timeout", "60")
    assert watched.home.json("status")["held"] == 0
    assert before == watched.agree()
    watched.paint(root / "after-unmount.png")
    watched.agree()


def test_a_root_renamed_and_back(watched):
    """While a root has another name its pictures are kept; back again it is watched again."""
    root = watched.roots[2]
    before = watched.agree()
    away = watched.home.folder / "renamed"
    root.rename(away)
    watched.paint(away / "n.png")
    watched.home.run("wait", "--timeout", "60")
    assert before == in_store(watched.home)
    away.rename(root)
    watched.agree()
    watched.paint(root / "again.png")
    watched.agree()


def test_a_root_deleted_and_made_again(watched):
    """A root that is removed holds its pictures; made again with others, it is watched again."""
    root = watched.roots[2]
    before = watched.agree()
    kept = watched.home.folder / "kept"
    shutil.copytree(root, kept, copy_function=shutil.copy2)
    shutil.rmtree(root)
    watched.home.run("wait", "--timeout", "60")
    assert before == in_store(watched.home)
    shutil.copytree(kept, root, copy_function=shutil.copy2)
    assert {path: number for path, (number, _) in before.items()} == {
        path: number for path, (number, _) in watched.agree().items()
    }
    watched.paint(root / "back.png")
    watched.agree()


def test_an_atomic_save_is_one_changed_picture(watched, here):
    """A temporary file renamed over the picture is the same picture with new bytes."""
    path = watched.paint(here / "p.png")
    watched.agree()
    number = watched.id_of(path)
    watched.paint(here / ".p.png.tmp").rename(path)
    watched.agree()
    assert number == watched.id_of(path)


def test_reading_makes_no_work(watched, here):
    """The daemon's own reading, or anybody's, hints at nothing."""
    paths = [watched.paint(here / f"{number}.png") for number in range(100)]
    watched.agree()
    watched.home.run("wait", "--timeout", "60")
    hints = watched.home.json("status")["watch"]["hints"]
    for path in paths:
        path.read_bytes()
    list(here.iterdir())
    watched.home.run("wait", "--timeout", "60")
    assert hints == watched.home.json("status")["watch"]["hints"]


def test_a_write_through_a_mapping(watched, here):
    """Bytes changed through mmap after the file was closed are mirrored."""
    path = watched.paint(here / "m.png")
    other = watched.paint(here / "other.png").read_bytes()
    watched.agree()
    with path.open("r+b") as file:
        file.truncate(len(other))
        mapping = mmap.mmap(file.fileno(), len(other))
    mapping[:] = other
    mapping.flush()
    mapping.close()
    watched.agree()


def test_a_write_by_a_name_outside(watched, here):
    """A hard link's other name makes no event here; the next look finds the change."""
    outside = paint(watched.rng, watched.home.folder / "linked.png")
    os.link(outside, here / "h.png")
    watched.agree()
    paint(watched.rng, outside)
    watched.home.run("wait", "--timeout", "60")
    watched.agree()


@pytest.mark.parametrize("where", ["standing", "new"])
def test_half_a_file_is_never_stored(watched, here, where):
    """A writer that takes its time is waited for, in a folder made a moment ago too."""
    content = paint(watched.rng, watched.home.folder / "whole.png", big=True).read_bytes()
    folder = here if where == "standing" else here / "n"
    folder.mkdir(exist_ok=True)
    with (folder / "slow.png").open("wb") as file:
        file.write(content[: len(content) // 2])
        file.flush()
        watched.paint(folder / "meanwhile.png")
        watched.agree()  # the half is on disk, and nobody took it for a picture
        assert watched.home.json("status")["failed"] == 0
        file.write(content[len(content) // 2 :])
    assert os.fsencode(folder / "slow.png") in watched.agree()


def test_a_mount_over_a_watched_folder(watched, here):
    """What a mount hides is kept as it is, and looked at again once it is gone."""
    (here / "sub").mkdir()
    hidden = watched.paint(here / "sub" / "hidden.png")
    watched.agree()
    source = watched.home.folder / "source"
    paint(watched.rng, source / "b.png")
    mounted("--bind", str(source), str(here / "sub"))
    subprocess.run(["mount", "-t", "tmpfs", "none", here / "sub"], check=True)
    try:
        watched.paint(here / "beside.png")
        watched.home.run("wait", "--timeout", "60")
        assert os.fsencode(hidden) in in_store(watched.home)
    finally:
        subprocess.run(["umount", here / "sub"], check=True)
        subprocess.run(["umount", here / "sub"], check=True)
    hidden.unlink()
    watched.agree()


def test_exchanged_folders(watched, here):
    """Two folders that swap names keep their pictures' ids, and are both watched on."""
    watched.paint(here / "a" / "1.png")
    watched.paint(here / "b" / "2.png")
    watched.agree()
    one, two = watched.id_of(here / "a" / "1.png"), watched.id_of(here / "b" / "2.png")
    exchange(here / "a", here / "b")
    watched.paint(here / "b" / "real_b.png")
    watched.agree()
    assert (one, two) == (watched.id_of(here / "b" / "1.png"), watched.id_of(here / "a" / "2.png"))
    shutil.rmtree(here / "a")
    shutil.rmtree(here / "b")
    watched.paint(here / "after.png")
    watched.agree()


def test_a_folder_renamed_over_an_empty_one(watched, here):
    """The watch of the folder that was replaced is no trap."""
    (here / "a").mkdir()
    (here / "b").mkdir()
    watched.paint(here / "a" / "1.png")
    watched.agree()
    (here / "a").rename(here / "b")
    watched.paint(here / "b" / "n.png")
    watched.agree()
    shutil.rmtree(here / "b")
    watched.paint(here / "after.png")
    watched.agree()


def test_names_that_are_no_text(watched, here):
    """Any bytes may stand in a name, of files and of folders."""
    odd = os.fsencode(here) + b"/\xff\xfe"
    os.mkdir(odd)
    paint(watched.rng, here / "x.png").rename(os.fsdecode(odd + b"/\xfe\n'.png"))
    watched.agree()


def test_hidden_folders_are_nobodys_business(watched, here):
    """What appears and changes in a hidden folder is never mirrored."""
    watched.paint(here / ".trash" / "t.png")
    watched.paint(here / "seen.png")
    watched.agree()
    watched.paint(here / ".trash" / "u.png")
    watched.paint(here / "seen2.png")
    assert not any(b".trash" in path for path in watched.agree())


def test_rights_taken_and_given_back(home):
    """A folder that cannot be read keeps its pictures; readable again it is watched again."""
    if os.geteuid() != 0:
        pytest.skip("changing the user needs root")
    rng = random.Random(SEED)
    home.configure(sources="[]", more="automatic = false\n" + QUICK)
    path = paint(rng, home.photos / "d" / "1.png")
    paint(rng, home.photos / "2.png")
    for folder in (home.folder, *home.folder.parents):
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)
    subprocess.run(["chown", "-R", "65534:65534", home.folder], check=True)
    as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    probe = subprocess.run(
        [*as_nobody, "test", "-x", str(home.photos)], check=False, capture_output=True
    )
    if probe.returncode:
        pytest.skip("the temporary folder is not reachable for others")
    home.config.with_name("daemon.log").touch(mode=0o666)
    with home.daemon(prefix=as_nobody):
        before = comes_to_agree(home, home.photos)
        path.parent.chmod(0)
        home.run("wait", "--timeout", "60")
        assert before == in_store(home)
        assert home.json("status")["failed"] == 1
        path.parent.chmod(0o755)
        paint(rng, path.parent / "3.png")
        comes_to_agree(home, home.photos)
        home.run("wait", "--timeout", "60")
        assert home.json("status")["failed"] == 0


def test_too_few_watches(home):
    """With fewer watches than folders every picture is found, and what to do is said."""
    limited = (
        "unshare", "-U", "-r", "sh", "-c",
        'echo 20 >/proc/sys/user/max_inotify_watches; exec "$@"', "sh",
    )  # fmt: skip
    if subprocess.run([*limited, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespaces here")
    rng = random.Random(SEED)
    home.configure(sources="[]", more="automatic = false\n" + QUICK + "polling_seconds = 0.3\n")
    for number in range(50):
        paint(rng, home.photos / f"d{number}" / "0.png")
    with home.daemon(prefix=limited):
        comes_to_agree(home, home.photos)
        for number in range(50):
            paint(rng, home.photos / f"d{number}" / "1.png")
        assert len(comes_to_agree(home, home.photos)) == 100
        home.run("wait", "--timeout", "60")
        (root,) = home.json("status")["watch"]["roots"]
        assert "sysctl fs.inotify.max_user_watches" in root["fault"]
        assert "looked at every 0.3 s" in root["tier"]


def test_a_queue_that_is_full(home):
    """With the kernel's queue full from the start, a storm is found whole, and counted."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    rng = random.Random(SEED)
    home.configure(sources="[]", more="automatic = false\n" + QUICK)
    standing = home.photos / "standing"
    with home.daemon() as daemon:
        paint(rng, standing / "first.png")
        comes_to_agree(home, home.photos)
        daemon.process.send_signal(signal.SIGSTOP)
        for number in range(limit // 2 + 10):
            # Two files in turn: the kernel folds equal events that follow each other.
            os.close(os.open(standing / f"{number % 2}.part", os.O_CREAT | os.O_WRONLY))
            os.unlink(standing / f"{number % 2}.part")
        for number in range(300):
            paint(rng, standing / f"{number}.png")
            paint(rng, home.photos / f"n{number % 20}" / f"{number}.png")
        daemon.process.send_signal(signal.SIGCONT)
        assert len(comes_to_agree(home, home.photos)) == 601
        home.run("wait", "--timeout", "60")
        assert home.json("status")["watch"]["overflows"] >= 1
        assert on_disk(home.photos).keys() == in_store(home).keys()


def test_a_new_photo_passes_an_import(home):
    """One picture elsewhere is mirrored before an import that began earlier is over."""
    rng = random.Random(SEED)
    home.configure(sources="[]", more="automatic = false\n" + QUICK)
    (home.photos / "other").mkdir()
    (home.folder / "import").mkdir()
    for number in range(150):
        pixels = rng.randbytes(600 * 400 * 3)
        Image.frombytes("RGB", (600, 400), pixels).save(home.folder / "import" / f"{number}.bmp")
    with home.daemon():
        home.run("wait", "--timeout", "60")
        # All at once, so that none is mirrored while others are still being written.
        (home.folder / "import").rename(home.photos / "import")
        bulk = os.fsencode(home.photos / "import")
        while not any(path.startswith(bulk) for path in in_store(home)):
            pass  # until the import is under way
        single = paint(rng, home.photos / "other" / "single.png")
        while os.fsencode(single) not in (stored := in_store(home)):
            pass
        assert sum(path.startswith(bulk) for path in stored) < 150
        home.run("wait", "--timeout", "90")
        assert len(in_store(home)) == 151
