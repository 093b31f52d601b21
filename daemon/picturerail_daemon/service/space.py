"""Room on the store's disk: told of while there is time to make some."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

log = logging.getLogger(__name__)

LOW_SPACE_BYTES = 1 << 30
"""With less room on the store's disk people are told. The store refuses what does not fit, and
keeps a reserve of its own by which deletions and collecting go on; this comes long before."""


def free_bytes(store: Path) -> int:
    """Return how much room is left for whoever writes the store."""
    return shutil.disk_usage(store).free


def is_low(free: int) -> bool:
    """Return whether people are to be told."""
    return free < LOW_SPACE_BYTES


class SpaceWatch:
    """Warns in the log once each time that room becomes scarce."""

    def __init__(self, store: Path) -> None:
        """Watch the disk that the folder `store` lies on."""
        self._store = store
        self._told = False

    def look(self) -> None:
        """Ask how much room there is; costs one system call."""
        free = free_bytes(self._store)
        if is_low(free) and not self._told:
            log.warning(
                "only %d MB are free on the disk of %s: make room soon; once it is full new "
                "pictures are refused",
                free >> 20,
                os.fspath(self._store),
            )
        self._told = is_low(free)
