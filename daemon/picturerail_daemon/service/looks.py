"""Turns hints into looks at the folders, and lets the small ones pass the large ones.

One new photo does not wait behind an import of 100,000: looks are carried out in turns, a
file at a time, mostly of the one with the least left to do. A place that one look is going to
read is not read by another too; so a look is done, for whoever waits, once it and all that were
under way at its end are over. What an older one read may be gone when a later one lists, and be
written down after that: where somebody waits for the later one, the older one's places are looked
at once more.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from picturerail_daemon.errors import PicturerailError
from picturerail_daemon.mirror.listing import Scope
from picturerail_daemon.mirror.mirror import Examination
from picturerail_daemon.service.library import Library
from picturerail_daemon.watch.dirty import Batch, DirtySet
from picturerail_native.database import StorageFullError

log = logging.getLogger(__name__)

STORE_RETRY_SECONDS = 5.0
"""When to look again after the store could not be written."""

TURNS_OF_THE_LARGEST = 4
"""Every so many turns the look with the most left has one, so that it comes to an end."""


@dataclass(slots=True, eq=False)
class _Entry:
    scopes: dict[int, list[Scope]]
    epoch: int
    look: Examination
    older: set[_Entry] = field(default_factory=set)
    """Looks that were under way when this one began."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Files read and to be read by the looks under way, and seconds left (None: not known)."""

    done: int = 0
    total: int = 0
    seconds_left: float | None = None


class Looks:
    """The mirror thread's work.

    Args:
        library: what is looked at and written to.
        dirty: where the hints come from.
        rescan_seconds: how often everything is looked at without a hint.
        ending: set when the daemon stops.
        beat: called when something was got on with.
        rest: called before waiting for the next hint.
        on_end: called after looks have ended.
    """

    def __init__(
        self,
        library: Library,
        dirty: DirtySet,
        rescan_seconds: float,
        ending: threading.Event,
        *,
        beat: Callable[[], None],
        rest: Callable[[], None],
        on_end: Callable[[], None],
    ) -> None:
        """Begin with nothing to do."""
        self._library = library
        self._dirty = dirty
        self._rescan_seconds = rescan_seconds
        self._ending = ending
        self._beat, self._rest, self._on_end = beat, rest, on_end
        self._entries: list[_Entry] = []
        self._over: list[tuple[_Entry, set[_Entry]]] = []
        self._turn = 0
        self._begun = 0.0
        self.done_epoch = 0
        self.trouble = ""

    def run(self) -> None:
        """Work until the daemon stops."""
        roots = self._library.roots.configured
        next_scan = time.monotonic() + self._rescan_seconds
        while True:
            if not self._entries:
                self._rest()
            wait = 0.0 if self._entries else max(0.0, next_scan - time.monotonic())
            batch = self._dirty.take(wait)
            if batch is None or self._ending.is_set():
                self._close()
                return
            self._beat()
            if time.monotonic() >= next_scan:
                self._dirty.mark_all(roots)
                next_scan = time.monotonic() + self._rescan_seconds
            if batch.folders:
                self._begin(batch)
            if self._entries:
                self._step(self._next())

    def _begin(self, batch: Batch) -> None:
        scopes = {
            root: [Scope(folder, recursive) for folder, recursive in folders.items()]
            for root, folders in batch.folders.items()
        }
        if not self._entries:
            self._begun = time.monotonic()
        self._add(scopes, batch.epoch)

    def _add(self, scopes: dict[int, list[Scope]], epoch: int) -> _Entry:
        look = self._library.begin_look(scopes, stop=self._ending)
        entry = _Entry(scopes, epoch, look, set(self._entries))
        self._entries.append(entry)
        return entry

    def _next(self) -> _Entry:
        self._turn += 1
        choose = max if self._turn % TURNS_OF_THE_LARGEST == 0 else min
        return choose(self._entries, key=lambda entry: entry.look.left)

    def _step(self, entry: _Entry) -> None:
        try:
            if self._library.step_look(entry.look):
                return
            self.trouble = ""
            if self._is_whole(entry):
                self._library.collect()
        except (PicturerailError, StorageFullError) as error:
            # Nobody is told that all is in before these places were looked at with success.
            if self.trouble != str(error):
                log.error("%s", error)
            self.trouble = str(error)
            entry.look = self._library.begin_look(entry.scopes, stop=self._ending)
            self._on_end()
            self._ending.wait(STORE_RETRY_SECONDS)
            return
        self._entries.remove(entry)
        self._look_again(entry)
        for _, others in self._over:
            others.discard(entry)
        self._over.append((entry, set(self._entries)))
        done = [over.epoch for over, others in self._over if not others]
        self._over = [(over, others) for over, others in self._over if others]
        self.done_epoch = max([self.done_epoch, *done])
        self._on_end()

    def _look_again(self, ended: _Entry) -> None:
        """Where somebody waits for a whole look that began meanwhile, look there once more."""
        waited = [(entry, None) for entry in self._entries] + self._over
        later = [
            (entry, others)
            for entry, others in waited
            if ended in entry.older and entry.epoch > self.done_epoch and self._is_whole(entry)
        ]
        if not later:
            return
        again = self._add(ended.scopes, 0)
        for entry, others in later:
            entry.older.discard(ended)
            if others is not None:
                others.add(again)

    def _is_whole(self, entry: _Entry) -> bool:
        return entry.scopes.keys() == self._library.roots.configured.keys() and all(
            parts == [Scope()] for parts in entry.scopes.values()
        )

    def _close(self) -> None:
        for entry in self._entries:
            entry.look.close()

    @property
    def under_way(self) -> int:
        """How many looks are not over."""
        return len(self._entries)

    def progress(self) -> Progress:
        """Return how far the looks under way are."""
        looks = [entry.look for entry in self._entries]
        done, total = sum(look.done for look in looks), sum(look.total for look in looks)
        elapsed = time.monotonic() - self._begun
        left = elapsed * (total - done) / done if done >= 10 and elapsed > 1 else None
        return Progress(done, total, left)
