"""The kernel's events as hints, with the ways in which they mislead."""

import ctypes
import errno
import os
import shutil
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from picturerail_daemon.watch.dirty import DirtySet
from picturerail_daemon.watch.inotify import FolderWatches
from picturerail_daemon.watch.watcher import BackOff, Watcher

SECONDS = 20
EXCHANGE = 2  # renameat2(2), RENAME_EXCHANGE
AT_FDCWD = -100


class Hints:
    """Gathers hints; waits for those that a test expects."""

    def __init__(self):
        """Begin with none."""
        self.changed = threading.Condition()
        self.folders = {}
        self.overflows = 0

    def take(self, hints):
        """Take hints as the dirty set does."""
        with self.changed:
            for root, folders in hints.items():
                for folder, recursive in folders.items():
                    held = self.folders.get((root, folder), False)
                    self.folders[root, folder] = held or recursive
            self.changed.notify_all()

    def overflow(self):
        """Count an overflow."""
        with self.changed:
            self.overflows += 1
            self.changed.notify_all()

    def expect(self, *folders, root=1):
        """Wait until each of these was told, and forget everything told so far."""
        wanted = {(root, folder) for folder in folders}
        with self.changed:
            assert self.changed.wait_for(lambda: wanted <= self.folders.keys(), SECONDS), (
                wanted,
                self.folders,
            )
            told, self.folders = self.folders, {}
        return told


@contextmanager
def watching():
    """Run the reading thread for the length of a block; yields (watches, hints)."""
    hints = Hints()
    watches = FolderWatches(hints.take, hints.overflow, lambda: None, lambda: None)
    watches.start()
    try:
        yield watches, hints
    finally:
        watches.stop()
        watches.join(SECONDS)


def arm(watches, path, folder=b"", root=1):
    """Watch a folder as a listing would."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert watches.arm(root, folder, descriptor) == 0
    finally:
        os.close(descriptor)


def exchange(one, two):
    """Swap two names in one step."""
    libc = ctypes.CDLL(None, use_errno=True)
    names = (os.fsencode(one), os.fsencode(two))
    if libc.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], EXCHANGE) != 0:
        pytest.skip(f"no RENAME_EXCHANGE here: {os.strerror(ctypes.get_errno())}")


def test_what_happens_to_files_marks_their_folder(tmp_path):
    """Creating, writing, moving, changing rights and removing each mark the folder alone."""
    with watching() as (watches, hints):
        arm(watches, tmp_path)
        file = tmp_path / "a.jpg"
        steps = [
            lambda: file.write_bytes(b"x"),
            lambda: file.chmod(0o600),
            lambda: file.rename(tmp_path / "b.jpg"),
            (tmp_path / "b.jpg").unlink,
        ]
        for step in steps:
            step()
            assert hints.expect(b"") == {(1, b""): False}


def test_what_happens_to_folders_marks_all_below(tmp_path):
    """A folder that comes, moves or goes is looked at with everything below it."""
    with watching() as (watches, hints):
        arm(watches, tmp_path)
        (tmp_path / "new").mkdir()
        assert hints.expect(b"new")[1, b"new"]
        (tmp_path / "new").rename(tmp_path / "other")
        told = hints.expect(b"new", b"other")
        assert told[1, b"new"]
        assert told[1, b"other"]
        (tmp_path / "other").rmdir()
        assert hints.expect(b"other")[1, b"other"]


def test_a_watch_follows_its_folder_not_its_name(tmp_path):
    """After `mkdir a; mv a b; mkdir a` and a look, writes in either are told as what they are."""
    with watching() as (watches, hints):
        arm(watches, tmp_path)
        (tmp_path / "a").mkdir()
        arm(watches, tmp_path / "a", b"a")
        (tmp_path / "a").rename(tmp_path / "b")
        (tmp_path / "a").mkdir()
        hints.expect(b"a", b"b")
        arm(watches, tmp_path / "b", b"b")  # what a look at these hints does
        arm(watches, tmp_path / "a", b"a")
        watches.forget_others(1, {b"", b"a", b"b"})

        (tmp_path / "b" / "1.jpg").write_bytes(b"x")
        assert (1, b"b") in hints.expect(b"b")
        (tmp_path / "a" / "2.jpg").write_bytes(b"x")
        assert (1, b"a") in hints.expect(b"a")


def test_exchanged_folders_are_told_by_both_names_until_looked_at(tmp_path):
    """RENAME_EXCHANGE of watched folders loses nothing, and ends no thread."""
    with watching() as (watches, hints):
        arm(watches, tmp_path)
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            arm(watches, tmp_path / name, name.encode())
        hints.expect(b"a", b"b")
        exchange(tmp_path / "a", tmp_path / "b")
        told = hints.expect(b"a", b"b")
        assert told == {(1, b"a"): True, (1, b"b"): True}
        for name in ("a", "b"):
            arm(watches, tmp_path / name, name.encode())
        (tmp_path / "b" / "real.jpg").write_bytes(b"x")
        hints.expect(b"b")
        shutil.rmtree(tmp_path / "a")
        shutil.rmtree(tmp_path / "b")
        hints.expect(b"a", b"b")
        (tmp_path / "after.jpg").write_bytes(b"x")
        hints.expect(b"")
        assert watches.is_alive()


def test_the_root_itself_renamed_or_removed_marks_everything(tmp_path):
    """Events of the root's own inode are a look at the whole root."""
    root = tmp_path / "root"
    root.mkdir()
    with watching() as (watches, hints):
        arm(watches, root)
        root.rename(tmp_path / "renamed")
        assert hints.expect(b"")[1, b""]
        (tmp_path / "renamed").rmdir()
        assert hints.expect(b"")[1, b""]


def test_an_unmount_marks_everything(tmp_path):
    """A file system that goes away under a watched root is told."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "none", tmp_path], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with watching() as (watches, hints):
            arm(watches, tmp_path)
            subprocess.run(["umount", tmp_path], check=True)
            assert hints.expect(b"")[1, b""]
    finally:
        subprocess.run(["umount", tmp_path], check=False, capture_output=True)


def test_an_overflow_is_told(tmp_path):
    """When the kernel's queue is full, that is told, and reading goes on."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    hints = Hints()
    watches = FolderWatches(hints.take, hints.overflow, lambda: None, lambda: None)
    arm(watches, tmp_path)
    for number in range(limit // 2 + 10):
        # Two files in turn: the kernel folds equal events that follow each other.
        os.close(os.open(tmp_path / str(number % 2), os.O_CREAT | os.O_WRONLY))
        os.unlink(tmp_path / str(number % 2))
    watches.start()
    try:
        with hints.changed:
            assert hints.changed.wait_for(lambda: hints.overflows, SECONDS)
        (tmp_path / "after").mkdir()
        hints.expect(b"after")
    finally:
        watches.stop()
        watches.join(SECONDS)


def test_the_audit_finds_what_the_kernel_does_not_have(tmp_path):
    """A watch that is gone without a word is noticed by comparing with the kernel's list."""
    dirty = DirtySet(0.0)
    watcher = Watcher({1: os.fsencode(tmp_path)}, dirty, "inotify", 30)
    watcher.start()
    try:
        descriptor = os.open(tmp_path, os.O_RDONLY)
        watcher.arm(1, b"", descriptor)
        os.close(descriptor)
        assert watcher.audit()
        watcher._watches._places[1 << 20] = (1, b"gone")  # a watch that the kernel does not have
        assert not watcher.audit()
        assert dirty.take(SECONDS).folders == {1: {b"": True}}
        assert watcher.audits_failed == 1
        assert watcher.audit()
    finally:
        watcher.stop()


def test_a_refused_watch_is_told_with_what_to_do_and_made_up_for(tmp_path, monkeypatch):
    """Past the limit of watches the root is looked at from time to time, and says why."""
    dirty = DirtySet(0.0)
    watcher = Watcher({1: os.fsencode(tmp_path)}, dirty, "inotify", 0.05)
    watcher.start()
    try:
        monkeypatch.setattr(watcher._watches, "arm", lambda *_: errno.ENOSPC)
        watcher.arm(1, b"", 0)
        watcher.looked(1, {b""})
        assert "sysctl fs.inotify.max_user_watches" in watcher.states[1].fault
        assert "looked at every" in watcher.states[1].tier
        assert dirty.take(SECONDS).folders == {1: {b"": True}}
        monkeypatch.undo()
        descriptor = os.open(tmp_path, os.O_RDONLY)
        watcher.arm(1, b"", descriptor)
        os.close(descriptor)
        assert watcher.states[1].fault == ""
        assert watcher.suffices(1)
    finally:
        watcher.stop()


def test_a_dead_reader_is_started_again(tmp_path):
    """A defect in the reading thread is noticed, and everything is looked at."""
    dirty = DirtySet(0.0)
    trouble = threading.Event()
    watcher = Watcher({1: os.fsencode(tmp_path)}, dirty, "inotify", 30, trouble.set)
    watcher.start()
    try:
        descriptor = os.open(tmp_path, os.O_RDONLY)
        watcher.arm(1, b"", descriptor)
        os.close(descriptor)
        watcher._watches._on_hints = None  # not callable: the next event is a defect
        (tmp_path / "a").mkdir()
        assert trouble.wait(SECONDS)
        watcher._watches.join(SECONDS)
        assert not watcher.alive
        watcher.tend()
        assert watcher.alive
        assert watcher.restarts == 1
        assert dirty.take(SECONDS).folders == {1: {b"": True}}
    finally:
        watcher.stop()


def test_a_polled_root_is_promised_its_next_look(tmp_path):
    """Where events do not suffice, each look promises the next."""
    dirty = DirtySet(0.0)
    watcher = Watcher({1: os.fsencode(tmp_path)}, dirty, "polling", 0.05)
    watcher.start()
    try:
        assert "looked at every" in watcher.states[1].tier
        watcher.looked(1, {b""})
        assert dirty.take(SECONDS).folders == {1: {b"": True}}
    finally:
        watcher.stop()


def test_pauses_grow_while_trouble_goes_on():
    """Overflow after overflow is not answered by scan after scan."""
    pauses = BackOff()
    first = [pauses.next(0.1) for _ in range(12)]
    assert first[:4] == [0.1, 0.2, 0.4, 0.8]
    assert first[-1] == 60.0
    pauses.last -= 1000
    assert pauses.next(0.1) == 0.1
