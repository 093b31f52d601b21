"""Reads inotify through watchdog's own layer, a whole buffer at a time, into folders to look at.

watchdog's `InotifyFD` owns the descriptor, its thread and its end. What it lacks for a mirror
is added here: a watch belongs to a folder's inode, not to a path that may have been renamed
meanwhile; an overflow, a refused watch and an unmount are told instead of swallowed; and no
event is made into an object, so a burst is read as fast as the kernel writes it.

Nothing is watched by path. Whoever lists a folder hands its open descriptor to `arm` first,
so a folder is watched before it is read: what changes later makes an event, what changed
before is seen by the reading. A wrong or late event costs a look at the wrong folder, no more.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import select
import struct
from collections.abc import Callable
from pathlib import Path

from watchdog.observers.inotify_c import (
    InotifyConstants,
    InotifyFD,
    WatchDescriptor,
    inotify_add_watch,
    inotify_rm_watch,
)

from picturerail_daemon.filesystems import MOUNTS

log = logging.getLogger(__name__)

Hints = dict[int, dict[bytes, bool]]
"""Folders to look at by root, each alone (False) or with everything below it (True)."""

BUFFER_BYTES = 1 << 20

_EVENT = struct.Struct("iIII")  # watch descriptor, mask, cookie, length of the name: inotify(7)

# Reads, opens and single writes are not asked for: a file is done when it is closed, moved in
# or at rest, and the mirror's own reading would come back as events.
_MASK = (
    InotifyConstants.IN_CREATE
    | InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_MOVED_FROM
    | InotifyConstants.IN_MOVED_TO
    | InotifyConstants.IN_DELETE
    | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_DELETE_SELF
    | InotifyConstants.IN_MOVE_SELF
    | InotifyConstants.IN_ONLYDIR
    | InotifyConstants.IN_EXCL_UNLINK
)
_SELF = InotifyConstants.IN_DELETE_SELF | InotifyConstants.IN_MOVE_SELF
_UNUSUAL = (
    InotifyConstants.IN_ISDIR
    | InotifyConstants.IN_UNMOUNT
    | InotifyConstants.IN_Q_OVERFLOW
    | InotifyConstants.IN_IGNORED
    | _SELF
)


class FolderWatches(InotifyFD):
    """The inotify watches of every folder of every root, on one descriptor, read by one thread.

    Args:
        on_hints: told which folders to look at; called from the reading thread.
        on_overflow: told that the kernel dropped events.
        on_mounts: told that something was mounted or unmounted somewhere.
        on_end: told that the thread ended, by `stop` or by a defect.

    Raises:
        OSError: EMFILE, no further inotify instance (or descriptor) is to be had.
    """

    def __init__(
        self,
        on_hints: Callable[[Hints], None],
        on_overflow: Callable[[], None],
        on_mounts: Callable[[], None],
        on_end: Callable[[], None],
    ) -> None:
        """Open the descriptor; `start` begins to read it."""
        super().__init__()
        self._on_hints = on_hints
        self._on_overflow = on_overflow
        self._on_mounts = on_mounts
        self._on_end = on_end
        self._places: dict[int, tuple[int, bytes]] = {}
        self._also: dict[int, set[tuple[int, bytes]]] = {}
        self._mounts = MOUNTS.open("rb")
        assert self._poller is not None, "Linux has poll"
        self._poller.register(self._mounts, select.POLLPRI | select.POLLERR)

    # ---- watching ----

    def arm(self, root: int, folder: bytes, descriptor: int) -> int:
        """Watch an open folder; return 0, or the number of the error that refused it.

        A folder that is watched already, under this name or another, is known by this name
        from now on.
        """
        with self._lock:
            if self._closed:
                return errno.EBADF
            wd = inotify_add_watch(self._inotify_fd, b"/proc/self/fd/%d" % descriptor, _MASK)
            if wd == -1:
                return ctypes.get_errno()
            place = (root, folder)
            before = self._places.get(wd)
            if before is not None and before != place:
                # Renamed, or one folder mounted at two places: until the next whole look
                # nobody knows, so both are looked at.
                self._also.setdefault(wd, set()).add(before)
            self._places[wd] = place
        return 0

    def forget_others(self, root: int, folders: set[bytes]) -> None:
        """Drop the watches of a root's folders that a look at the whole root did not find."""
        with self._lock:
            for wd in [
                wd
                for wd, (r, folder) in self._places.items()
                if r == root and folder not in folders
            ]:
                self._drop(wd)
            for wd in list(self._also):
                kept = {p for p in self._also[wd] if p[0] != root or p[1] in folders}
                self._also[wd] = kept - {self._places.get(wd, (0, b""))}
                if not self._also[wd]:
                    del self._also[wd]

    def forget_root(self, root: int) -> None:
        """Drop every watch of a root."""
        self.forget_others(root, set())

    def _drop(self, wd: int) -> None:
        self._places.pop(wd, None)
        self._also.pop(wd, None)
        if not self._closed:
            inotify_rm_watch(self._inotify_fd, WatchDescriptor(wd))

    @property
    def size(self) -> int:
        """How many folders are watched, by our own account."""
        return len(self._places)

    def missing(self) -> set[int]:
        """Compare with the kernel's own list; return the roots with watches it does not have.

        What is missing is forgotten, so that the next look arms it again.
        """
        with self._lock:
            if self._closed:
                return set()
            kernel = kernel_watches(self._inotify_fd)
            lost = [wd for wd in self._places if wd not in kernel]
            roots = {self._places[wd][0] for wd in lost}
            for wd in lost:
                self._drop(wd)
        return roots

    # ---- reading ----

    def run(self) -> None:
        """Read until stopped; a defect ends the thread, is logged, and is told."""
        try:
            while self.should_keep_running():
                buffer = self._read_event_buffer(BUFFER_BYTES)
                if buffer:
                    self._understand(buffer)
        except Exception:
            log.exception("reading file events failed")
        finally:
            self._on_end()

    def _check_inotify_fd(self) -> bool:
        assert self._poller is not None, "Linux has poll"
        ready = {descriptor for descriptor, _ in self._poller.poll()}
        if self._mounts.fileno() in ready:
            self._on_mounts()
        return self._inotify_fd in ready

    def _understand(self, buffer: bytes) -> None:
        hints: Hints = {}
        places = self._places
        last = -2
        offset, end = 0, len(buffer)
        while offset < end:
            wd, mask, _, length = _EVENT.unpack_from(buffer, offset)
            name_at = offset + _EVENT.size
            offset = name_at + length
            if not mask & _UNUSUAL:
                if wd != last:
                    last = wd
                    for root, folder in self._named(wd, places):
                        hints.setdefault(root, {}).setdefault(folder, False)
                continue
            if mask & InotifyConstants.IN_Q_OVERFLOW:
                self._on_overflow()
                continue
            if mask & InotifyConstants.IN_IGNORED:  # the end of a watch whose reason came before
                with self._lock:
                    places.pop(wd, None)
                    self._also.pop(wd, None)
                continue
            name = buffer[name_at:offset].rstrip(b"\0")
            for root, folder in self._named(wd, places):
                held = hints.setdefault(root, {})
                if name:  # a folder came, went, or changed its rights
                    held[folder + b"/" + name if folder else name] = True
                elif mask & InotifyConstants.IN_UNMOUNT or (mask & _SELF and not folder):
                    held[b""] = True  # the root went away, or a file system below it did
                else:
                    held.setdefault(folder, False)
        if hints:
            self._on_hints(hints)

    def _named(
        self, wd: int, places: dict[int, tuple[int, bytes]]
    ) -> tuple[tuple[int, bytes], ...]:
        """Return the places that a watch stands for; none once it is forgotten."""
        place = places.get(wd)
        if place is None:
            return ()
        if wd in self._also:
            with self._lock:
                return (place, *self._also.get(wd, ()))
        return (place,)

    def _close_resources(self) -> None:
        super()._close_resources()
        self._mounts.close()


def kernel_watches(descriptor: int) -> set[int]:
    """Return the watch descriptors that the kernel lists for one of our inotify instances."""
    lines = Path(f"/proc/self/fdinfo/{descriptor}").read_bytes().split(b"\n")
    return {
        int(line.split(b" ", 2)[1].removeprefix(b"wd:"), 16)
        for line in lines
        if line.startswith(b"inotify wd:")
    }
