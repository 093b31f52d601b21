"""Feeds the dirty set from watchdog, and finds out when watchdog has gone deaf.

watchdog tells nobody when the kernel's event queue overflows, and its threads may die while
the observer looks alive; so an overflow marks every root, and `faults` says what is wrong.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

from picturerail_daemon.watch.dirty import DirtySet

log = logging.getLogger(__name__)

Backend = Literal["inotify", "polling"]

# Reads and stats are not asked for: the mirror's own would come back as events.
_WANTED: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]


_REMOTE = frozenset({"nfs", "cifs", "smb3", "9p", "afs", "ceph", "glusterfs", "lustre"})


class _Handler(FileSystemEventHandler):
    """Turns events into hints. It must never raise: watchdog's dispatcher would die of it."""

    def __init__(self, root: int, folder: bytes, dirty: DirtySet) -> None:
        self._root = root
        self._prefix = folder.rstrip(b"/") + b"/"
        self._dirty = dirty

    def on_any_event(self, event: FileSystemEvent) -> None:
        try:
            for path in (event.src_path, getattr(event, "dest_path", "")):
                if path:
                    self._hint(os.fsencode(path), event.is_directory, event)
        except Exception:
            log.exception("an event was not understood; looking at the whole folder")
            self._dirty.mark(self._root, recursive=True)

    def _hint(self, path: bytes, is_folder: bool, event: FileSystemEvent) -> None:
        if not path.startswith(self._prefix):
            # The root itself was touched: moved, deleted or made again.
            self._dirty.mark(self._root, recursive=not is_folder or event.event_type != "modified")
            return
        relative = path[len(self._prefix) :]
        if is_folder and event.event_type != "modified":
            self._dirty.mark(self._root, relative, recursive=True)
        else:
            self._dirty.mark(self._root, relative if is_folder else relative.rpartition(b"/")[0])


class _OverflowListener(logging.Handler):
    """watchdog says only to its log that the kernel dropped events; this hears it."""

    def __init__(self, overflowed: threading.Event) -> None:
        super().__init__(logging.WARNING)
        self._overflowed = overflowed

    def emit(self, record: logging.LogRecord) -> None:
        if "overflow" in record.getMessage().lower():
            self._overflowed.set()


@dataclass(frozen=True, slots=True)
class WatchState:
    """How a root is watched: by which tier, and what is wrong ("" when nothing is)."""

    tier: str
    fault: str = ""


class Watcher:
    """Watches roots until stopped.

    Args:
        folders: root id → absolute path.
        backend: "auto" takes inotify, and polling for network and FUSE file systems.
        polling_seconds: how often a polled root is compared.
    """

    def __init__(
        self,
        folders: Mapping[int, bytes],
        dirty: DirtySet,
        backend: Literal["auto", "inotify", "polling"],
        polling_seconds: float,
    ) -> None:
        """Keep what is needed; nothing is watched before `start`."""
        self._folders = dict(folders)
        self._dirty = dirty
        self._backend = backend
        self._polling_seconds = polling_seconds
        self._observers: dict[Backend, BaseObserver] = {}
        self._overflowed = threading.Event()
        self._listener = _OverflowListener(self._overflowed)
        self.states: dict[int, WatchState] = {}
        self.overflows = 0
        self.restarts = 0

    def start(self) -> None:
        """Arm the watches; what cannot be watched is noted in `states` and scanned instead."""
        logging.getLogger("watchdog").addHandler(self._listener)
        for root, folder in self._folders.items():
            self._arm(root, folder)

    def _arm(self, root: int, folder: bytes) -> None:
        remote = remote_file_system(folder)
        backend: Backend = "inotify" if self._backend != "polling" else "polling"
        if self._backend == "auto" and remote:
            backend = "polling"
        try:
            self._observer(backend).schedule(
                _Handler(root, folder, self._dirty),
                os.fsdecode(folder),
                recursive=True,
                event_filter=_WANTED,
            )
        except OSError as error:
            self.states[root] = WatchState("scans only", _explain(error))
            log.error("%s: %s", os.fsdecode(folder), _explain(error))
        else:
            tier = f"polling every {self._polling_seconds:g} s" if backend == "polling" else backend
            self.states[root] = WatchState(f"{tier} ({remote})" if remote else tier)

    def _observer(self, backend: Backend) -> BaseObserver:
        if backend not in self._observers:
            observer = (
                Observer()
                if backend == "inotify"
                else PollingObserver(timeout=self._polling_seconds)
            )
            observer.start()
            self._observers[backend] = observer
        return self._observers[backend]

    def audit(self) -> None:
        """Mark for a scan what may have been missed, and recover what died."""
        if self._overflowed.is_set():
            self._overflowed.clear()
            self.overflows += 1
            log.warning("the kernel dropped file events; looking at every folder")
            for root in self._folders:
                self._dirty.mark(root, recursive=True)
        if not all(map(_is_alive, self._observers.values())):
            self.restarts += 1
            log.warning("the file watcher died; starting it again and looking at every folder")
            self.stop()
            self.start()
            for root in self._folders:
                self._dirty.mark(root, recursive=True)

    def watches(self) -> int:
        """Return how many inotify watches the kernel holds for this process."""
        return sum(count_watches(path) for path in Path("/proc/self/fdinfo").iterdir())

    def stop(self) -> None:
        """Stop watching."""
        logging.getLogger("watchdog").removeHandler(self._listener)
        for observer in self._observers.values():
            observer.stop()
        for observer in self._observers.values():
            if observer.is_alive():
                observer.join(5)
        self._observers.clear()


def _is_alive(observer: BaseObserver) -> bool:
    return observer.is_alive() and all(emitter.is_alive() for emitter in observer.emitters)


def count_watches(descriptor: Path) -> int:
    """Return the number of watches of an inotify descriptor in fdinfo, 0 for any other."""
    try:
        with descriptor.open(encoding="ascii") as lines:
            return sum(line.startswith("inotify wd") for line in lines)
    except OSError:
        return 0


def remote_file_system(folder: bytes) -> str:
    """Return the kind of a file system whose changes elsewhere make no events here, or ""."""
    kind = file_system_of(folder)
    return kind if kind in _REMOTE or kind.startswith("fuse") else ""


def file_system_of(folder: bytes) -> str:
    """Return the type of the file system that a folder lies on, from the kernel's mount list."""
    real = os.path.realpath(folder)
    best, kind = b"", ""
    with Path("/proc/self/mountinfo").open("rb") as mounts:
        for line in mounts:
            before, _, after = line.partition(b" - ")
            point = before.split()[4].decode("unicode_escape").encode("latin-1")
            inside = real == point or real.startswith(point.rstrip(b"/") + b"/")
            if inside and len(point) >= len(best):
                best, kind = point, after.split()[0].decode()
    return {"nfs4": "nfs", "smb3": "cifs"}.get(kind, kind)


def _explain(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return (
            "the limit of watched folders is reached; raise it with "
            "`sudo sysctl fs.inotify.max_user_watches=1048576`"
        )
    if error.errno == errno.EMFILE:
        return (
            "the limit of inotify instances is reached; raise it with "
            "`sudo sysctl fs.inotify.max_user_instances=1024`"
        )
    return f"cannot be watched: {(error.strerror or str(error)).lower()}"
