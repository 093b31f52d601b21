"""Decides how each root is watched, finds out when that fails, and makes up for it.

A root is watched by inotify, or looked at every so often where changes may make no events
here (network and FUSE file systems). Whatever is lost, refused or unknown marks the root for
a look, is counted, and is said in `states`.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from picturerail_daemon.filesystems import Mount, file_system_of, is_inside, is_remote, mounts
from picturerail_daemon.watch.dirty import DirtySet
from picturerail_daemon.watch.inotify import FolderWatches

log = logging.getLogger(__name__)

Backend = Literal["auto", "inotify", "polling"]

LONGEST_BACK_OFF_SECONDS = 60.0
CALM_SECONDS = 60.0
"""After so long without trouble the next trouble is answered at once again."""


@dataclass(frozen=True, slots=True)
class WatchState:
    """How a root is watched: by which tier, and what is wrong ("" when nothing is)."""

    tier: str
    fault: str = ""


@dataclass(slots=True)
class BackOff:
    """Growing pauses while trouble goes on; back to the shortest once it was calm."""

    pause: float = 0.0
    last: float = field(default=-1e9)

    def next(self, shortest: float) -> float:
        """Return how long to wait before doing something about the trouble of now."""
        now = time.monotonic()
        calm = now - self.last > CALM_SECONDS + self.pause
        self.pause = shortest if calm else min(2 * self.pause, LONGEST_BACK_OFF_SECONDS)
        self.last = now
        return self.pause


class Watcher:
    """Watches roots until stopped.

    Args:
        folders: root id → absolute path.
        dirty: gets the hints.
        backend: "auto" takes inotify, and polling for network and FUSE file systems.
        polling_seconds: how often a root that is not, or not wholly, watched is looked at.
        on_trouble: called, from any thread, when `tend` has something to do.
    """

    def __init__(
        self,
        folders: Mapping[int, bytes],
        dirty: DirtySet,
        backend: Backend,
        polling_seconds: float,
        on_trouble: Callable[[], None] = lambda: None,
    ) -> None:
        """Keep what is needed; nothing is watched before `start`."""
        self._folders = dict(folders)
        self._dirty = dirty
        self._backend = backend
        self._polling_seconds = polling_seconds
        self._on_trouble = on_trouble
        self._lock = threading.Lock()
        self._watches: FolderWatches | None = None
        self._stopping = False
        self._polled: dict[int, str] = {}
        self._refused: dict[int, dict[bytes, int]] = {root: {} for root in folders}
        self._no_instance = ""
        self._overflow_pauses = BackOff()
        self._restart_pauses = BackOff()
        self._mounts: list[Mount] = []
        self.overflows = 0
        self.restarts = 0
        self.audits_failed = 0

    # ---- life ----

    def start(self) -> None:
        """Decide the tiers and open inotify; whoever lists a folder arms its watch by `arm`."""
        self._mounts = mounts()
        for root, folder in self._folders.items():
            kind = file_system_of(folder)
            if self._backend == "polling":
                self._polled[root] = kind if is_remote(kind) else ""
            elif self._backend == "auto" and is_remote(kind):
                self._polled[root] = kind
        if len(self._polled) < len(self._folders):
            self._open()

    def _open(self) -> bool:
        try:
            watches = FolderWatches(
                self._dirty.mark_many, self._note_overflow, self._note_mounts, self._note_end
            )
        except OSError as error:
            self._no_instance = _explain(error.errno or 0)
            log.error("%s; looking at every folder from time to time instead", self._no_instance)
            return False
        self._no_instance = ""
        watches.start()
        self._watches = watches
        return True

    def stop(self) -> None:
        """Stop watching."""
        self._stopping = True
        watches, self._watches = self._watches, None
        if watches is not None:
            watches.stop()
            if watches is not threading.current_thread():
                watches.join(5)

    # ---- what the listing tells ----

    def arm(self, root: int, folder: bytes, descriptor: int) -> None:
        """Watch a folder that is about to be listed; called with its open descriptor."""
        watches = self._watches
        if watches is None or root in self._polled:
            return
        refusal = watches.arm(root, folder, descriptor)
        refused = self._refused[root]
        if refusal == 0:
            if refused:
                refused.pop(folder, None)
            return
        if refusal not in {errno.ENOENT, errno.EBADF, errno.ENOTDIR}:
            if not refused:
                log.error("%s: %s", os.fsdecode(self._folders[root]), _explain(refusal))
            refused[folder] = refusal

    def looked(self, root: int, folders: set[bytes]) -> None:
        """Learn that a whole root was looked at, and which folders it has.

        Watches of what is no longer there are dropped, those that should be there are compared
        with the kernel's list, and the next look is promised where events do not suffice.
        """
        refused = self._refused[root]
        for folder in refused.keys() - folders:
            del refused[folder]
        if self._watches is not None and root not in self._polled:
            self._watches.forget_others(root, folders)
            self.audit()
        if not self.suffices(root):
            self._dirty.mark_later(root, b"", self._polling_seconds, recursive=True)

    def suffices(self, root: int) -> bool:
        """Return whether every change of a root makes an event here."""
        return root not in self._polled and not self._refused[root] and self._watches is not None

    # ---- trouble ----

    def audit(self) -> bool:
        """Compare our account of the watches with the kernel's own list.

        Returns False where they differed; then the roots concerned are looked at again, which
        arms what is missing.
        """
        watches = self._watches
        lost = set() if watches is None else watches.missing()
        for root in lost:
            log.warning("%s: watches were lost; looking at it", os.fsdecode(self._folders[root]))
            self.audits_failed += 1
            self._dirty.mark(root, recursive=True)
        return not lost

    def tend(self) -> None:
        """Start again what died, after a pause that grows while it goes on dying."""
        watches = self._watches
        if self._stopping or (watches is not None and watches.is_alive()):
            return
        if watches is not None:
            self.restarts += 1
            log.warning("the file watcher died; starting it again and looking at every folder")
            watches.stop()
        elif not self._no_instance:
            return  # nothing is watched by events
        self._watches = None
        self._mark_watched(self._restart_pauses.next(0.0 if self._open() else 1.0))

    def _note_overflow(self) -> None:
        self.overflows += 1
        pause = self._overflow_pauses.next(0.1)
        if pause < 0.2:
            log.warning("the kernel dropped file events; looking at every folder")
        self._mark_watched(pause)

    def _mark_watched(self, pause: float) -> None:
        for root in self._folders.keys() - self._polled.keys():
            self._dirty.mark_later(root, b"", pause, recursive=True)

    def _note_mounts(self) -> None:
        """Look at every root above, below or on which something was mounted or unmounted."""
        before, self._mounts = self._mounts, mounts()
        points = {m.point for m in set(before) ^ set(self._mounts)}
        for root, folder in self._folders.items():
            real = os.path.realpath(folder)
            if any(is_inside(real, point) or is_inside(point, real) for point in points):
                self._dirty.mark(root, recursive=True)

    def _note_end(self) -> None:
        if not self._stopping:
            self._on_trouble()

    # ---- what is told ----

    @property
    def alive(self) -> bool:
        """Whether the thread that reads events lives, where there should be one."""
        return self._watches is None or self._watches.is_alive()

    @property
    def states(self) -> dict[int, WatchState]:
        """How each root is watched now."""
        return {root: self._state(root) for root in self._folders}

    def _state(self, root: int) -> WatchState:
        interval = f"{self._polling_seconds:g} s"
        if root in self._polled:
            kind = self._polled[root]
            return WatchState(f"looked at every {interval}" + (f" ({kind})" if kind else ""))
        if self._watches is None:
            return WatchState(f"looked at every {interval}", self._no_instance)
        refused = dict(self._refused[root])
        if refused:
            some = next(iter(refused.values()))
            return WatchState(
                f"inotify, and looked at every {interval}",
                f"{len(refused)} of its folders: {_explain(some)}",
            )
        return WatchState("inotify")

    def watches(self) -> int:
        """Return how many folders the kernel watches for us."""
        return 0 if self._watches is None else self._watches.size


def _explain(number: int) -> str:
    if number == errno.ENOSPC:
        return (
            "the limit of watched folders is reached; raise it with "
            "`sudo sysctl fs.inotify.max_user_watches=1048576`"
        )
    if number == errno.EMFILE:
        return (
            "the limit of inotify instances or of open files is reached; raise it with "
            "`sudo sysctl fs.inotify.max_user_instances=1024` or `ulimit -n`"
        )
    return f"cannot be watched: {os.strerror(number).lower()}"
