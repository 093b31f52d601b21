"""Knows of every thread whether it gets on; what systemd's watchdog is told rests on it."""

from __future__ import annotations

import threading
import time

PATIENCE_SECONDS = 300.0
"""So long may one step take (a large file on a slow disk, a service that does not answer)."""


class Heart:
    """Beats are cheap and may come from any thread."""

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Begin with nobody at work."""
        self._patience = patience_seconds
        self._busy: dict[str, float] = {}
        self._lock = threading.Lock()

    def beat(self, name: str) -> None:
        """Say that this part is at work and got on just now."""
        with self._lock:
            self._busy[name] = time.monotonic()

    def rest(self, name: str) -> None:
        """Say that this part has nothing to do and waits to be woken."""
        with self._lock:
            self._busy.pop(name, None)

    def stuck(self) -> list[str]:
        """Return the parts that are at work and have not got on for too long."""
        due = time.monotonic() - self._patience
        with self._lock:
            return sorted(name for name, moment in self._busy.items() if moment < due)
