"""Tells systemd how the service is, by the protocol of sd_notify(3): a datagram, no library."""

from __future__ import annotations

import contextlib
import os
import socket
import time

_WAITED_FOR = {"READY", "RELOADING", "STOPPING"}
_PATIENCE_SECONDS = 2.0


def notify(*lines: str) -> None:
    """Send assignments such as `READY=1`; without systemd this does nothing.

    A manager that does not read must not hold up the work: what only informs is dropped when
    its socket is full, what it waits for is tried for a moment.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as connection,
    ):
        waited_for = any(line.partition("=")[0] in _WAITED_FOR for line in lines)
        connection.settimeout(_PATIENCE_SECONDS if waited_for else 0)
        connection.sendto("\n".join(lines).encode(), address)


def reloading() -> None:
    """Say that the configuration is being read again; READY=1 ends it."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1_000}")


def watchdog_seconds() -> float | None:
    """Return how often systemd wants a sign of life, halved for safety; None if it does not."""
    microseconds = os.environ.get("WATCHDOG_USEC")
    wanted_of = os.environ.get("WATCHDOG_PID")
    if not microseconds or not microseconds.isdecimal():
        return None
    if wanted_of and wanted_of != str(os.getpid()):
        return None
    return int(microseconds) / 2_000_000
