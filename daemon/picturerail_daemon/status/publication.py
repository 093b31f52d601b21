"""The daemon's published state: written beside and renamed, so a reader sees a whole one."""

from __future__ import annotations

import errno
from pathlib import Path

import msgspec

FILE = "status.json"

ROOM_BYTES = 16 << 10
"""What the file takes at least, so that a full disk can be told in the room that it has."""


class WatchReport(msgspec.Struct, frozen=True):
    """How one root is watched; `looked_at` is when all of it was last looked at (unix time)."""

    folder: str
    tier: str
    fault: str = ""
    present: bool = True
    foreign: bool = False
    held: int = 0
    looked_at: float = 0.0


class DaemonState(msgspec.Struct, frozen=True):
    """A running daemon's state; `pending` counts files, `undescribed` pictures, to be done."""

    pid: int = 0
    state: str = "stopped"
    since: float = 0.0
    pending: int = 0
    seconds_left: float | None = None
    undescribed: int = 0
    waiting_reason: str = ""
    roots: tuple[WatchReport, ...] = ()
    left_out: dict[str, int] = msgspec.field(default_factory=dict)
    hints: int = 0
    overflows: int = 0
    watcher_restarts: int = 0
    audits_failed: int = 0
    watches: int = 0
    site_error: str = ""
    last_error: str = ""


def publish(store: Path, state: DaemonState) -> None:
    """Replace the published state. It is advice, so it is not synced to disk.

    On a full disk it is written over instead; who reads in that moment may find none.
    """
    content = msgspec.json.encode(state).ljust(ROOM_BYTES)
    temporary = store / (FILE + ".new")
    try:
        temporary.write_bytes(content)
        temporary.replace(store / FILE)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        with (store / FILE).open("r+b") as file:
            file.write(content)
            file.truncate()


def read(store: Path) -> DaemonState:
    """Return the published state; the default one where there is none or it is unreadable."""
    try:
        return msgspec.json.decode((store / FILE).read_bytes(), type=DaemonState)
    except (OSError, msgspec.DecodeError):
        return DaemonState()
