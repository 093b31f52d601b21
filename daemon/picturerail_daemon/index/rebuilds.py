"""Counts how often an index had to be built again, in a file beside it."""

from __future__ import annotations

from pathlib import Path

_FILE = "rebuilds"


def count_rebuilds(path: Path) -> int:
    """Return how often an index was built again because it could not be used."""
    try:
        return int((path / _FILE).read_text())
    except (OSError, ValueError):
        return 0


def count_rebuild(path: Path) -> None:
    """Count one more."""
    (path / _FILE).write_text(str(count_rebuilds(path) + 1))
