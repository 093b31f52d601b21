"""The bounded, coalescing set of folders to look at again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
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
        self._later: list[tuple[float, int, bytes, bool]] = []
        self._hints = 0
        self._epoch = 0
        self._closed = False

    def mark(self, root: int, folder: bytes = b"", *, recursive: bool = False) -> None:
        """Look at a folder again, soon."""
        with self._changed:
            self._hints += 1
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
        """Look at a folder again after so many seconds."""
        with self._changed:
            self._later.append((time.monotonic() + seconds, root, folder, recursive))
            self._changed.notify_all()

    def close(self) -> None:
        """Let `take` return None from now on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, timeout: float) -> Batch | None:
        """Wait for what is due and take it; an empty batch after `timeout` seconds.

        Returns None once closed.
        """
        end = time.monotonic() + timeout
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                for item in [item for item in self._later if item[0] <= now]:
                    self._later.remove(item)
                    self._batch.add(*item[1:])
                    self._due = now
                if self._due is not None and self._due <= now:
                    batch, self._batch, self._due = self._batch, Batch(), None
                    batch.epoch = self._epoch
                    return batch
                moments = [end, *(item[0] for item in self._later)]
                if self._due is not None:
                    moments.append(self._due)
                if end <= now:
                    return Batch()
                self._changed.wait(max(0.0, min(moments) - now))
            return None

    @property
    def hints(self) -> int:
        """How many hints came so far."""
        return self._hints

    @property
    def size(self) -> int:
        """How many folders wait to be looked at."""
        with self._changed:
            return sum(map(len, self._batch.folders.values())) + len(self._later)
