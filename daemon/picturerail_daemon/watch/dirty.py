"""The bounded, coalescing set of folders to look at again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MOST_FOLDERS = 4_096
"""Past so many dirty folders of a root, one look at the whole root is cheaper and bounded."""


@dataclass(slots=True)
class Batch:
    """Places that are due: folders by root, to be looked at alone or with what is below.

    Whoever called `mark_all` and got an epoch up to `epoch` is served by this batch.
    """

    folders: dict[int, dict[bytes, bool]] = field(default_factory=dict)
    epoch: int = 0

    def add(self, root: int, folder: bytes, recursive: bool) -> None:
        """Add a folder; once recursive stays recursive."""
        held = self.folders.setdefault(root, {})
        if held.get(b""):
            return
        held[folder] = held.get(folder, False) or recursive
        if len(held) > MOST_FOLDERS or held.get(b""):
            self.folders[root] = {b"": True}


class DirtySet:
    """Gathers hints from any thread; one thread takes what is due.

    A hint becomes due a settle time after the first one of its batch, not after the last, so
    that a folder that never rests is looked at too. Whether a file is at rest is decided
    where it is read.
    """

    def __init__(self, settle_seconds: float) -> None:
        """Start empty."""
        self._settle = settle_seconds
        self._changed = threading.Condition()
        self._batch = Batch()
        self._due: float | None = None
        self._later: dict[tuple[int, bytes, bool], float] = {}
        self._hints = 0
        self._epoch = 0
        self._closed = False

    def mark(self, root: int, folder: bytes = b"", *, recursive: bool = False) -> None:
        """Look at a folder again, soon."""
        self.mark_many({root: {folder: recursive}})

    def mark_many(self, hints: Mapping[int, Mapping[bytes, bool]]) -> None:
        """Look at folders again, soon, all in one batch: by root, each with what is below or not.

        What one buffer of events tells of (both ends of a move, say) is seen in one look.
        """
        with self._changed:
            for root, folders in hints.items():
                self._hints += len(folders)
                for folder, recursive in folders.items():
                    self._batch.add(root, folder, recursive)
            if self._due is None:
                self._due = time.monotonic() + self._settle
                self._changed.notify_all()

    def mark_all(self, roots: Iterable[int]) -> int:
        """Look at everything at once; return the epoch of the batch that will hold it."""
        with self._changed:
            self._epoch += 1
            for root in roots:
                self._batch.add(root, b"", recursive=True)
            self._due = time.monotonic()
            self._changed.notify_all()
            return self._epoch

    def mark_later(
        self, root: int, folder: bytes, seconds: float, *, recursive: bool = False
    ) -> None:
        """Look at a folder again after so many seconds, or when that was promised before."""
        with self._changed:
            key = (root, folder, recursive)
            moment = time.monotonic() + seconds
            self._later[key] = min(moment, self._later.get(key, moment))
            self._changed.notify_all()

    def close(self) -> None:
        """Let `take` return None from now on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, timeout: float | None) -> Batch | None:
        """Wait for what is due and take it; an empty batch after `timeout` seconds, if given.

        Returns None once closed.
        """
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                for key in [key for key, moment in self._later.items() if moment <= now]:
                    del self._later[key]
                    self._batch.add(*key)
                    self._due = now
                if self._due is not None and self._due <= now:
                    batch, self._batch, self._due = self._batch, Batch(), None
                    batch.epoch = self._epoch
                    return batch
                moments = [m for m in (end, self._due) if m is not None]
                moments += self._later.values()
                if end is not None and end <= now:
                    return Batch()
                self._changed.wait(max(0.0, min(moments) - now) if moments else None)
            return None

    @property
    def hints(self) -> int:
        """How many hints came so far."""
        return self._hints

    @property
    def size(self) -> int:
        """How many folders wait to be looked at now; what was put off does not count."""
        with self._changed:
            return sum(map(len, self._batch.folders.values()))
