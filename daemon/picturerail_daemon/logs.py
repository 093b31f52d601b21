"""The daemon's own words: as entries with fields to systemd's journal, as lines to a terminal.

The journal's native protocol is a datagram of `KEY=value` lines to its socket; a value with a
newline is given by its length instead (systemd.io/JOURNAL_NATIVE_PROTOCOL).
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
from pathlib import Path

JOURNAL = Path("/run/systemd/journal/socket")

_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_MOST_BYTES = 64_000
"""What a datagram surely takes; a longer message loses its end."""


class JournalHandler(logging.Handler):
    """Sends each record to the journal with its fields; falls back to stderr if it is away."""

    def __init__(self, address: Path = JOURNAL) -> None:
        """Connect to the journal's socket.

        Raises:
            OSError: nobody listens there.
        """
        super().__init__()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.connect(str(address))
        except OSError:
            self._socket.close()
            raise

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        try:
            self._socket.send(journal_entry(record, self.format(record)))
        except OSError:
            sys.stderr.write(self.format(record) + "\n")

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        super().close()


def journal_entry(record: logging.LogRecord, message: str) -> bytes:
    """Return a record in the journal's native form."""
    priority = next((number for level, number in _PRIORITIES if record.levelno >= level), 7)
    fields = {
        "MESSAGE": message,
        "PRIORITY": str(priority),
        "SYSLOG_IDENTIFIER": "picturerail",
        "LOGGER": record.name,
        "THREAD_NAME": record.threadName or "",
        "CODE_FILE": record.pathname,
        "CODE_LINE": str(record.lineno),
        "CODE_FUNC": record.funcName or "",
    }
    return b"".join(
        _field(key, value.encode("utf-8", "replace")[:_MOST_BYTES]) for key, value in fields.items()
    )


def _field(key: str, value: bytes) -> bytes:
    if b"\n" in value:
        return key.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
    return key.encode() + b"=" + value + b"\n"


def start_logging(level: int = logging.INFO) -> None:
    """Let the daemon's own words through, to the journal if systemd listens, else to stderr."""
    handler: logging.Handler | None = None
    if "JOURNAL_STREAM" in os.environ:
        try:
            handler = JournalHandler()
            # Level and logger are fields of their own there.
            handler.setFormatter(logging.Formatter("%(message)s"))
        except OSError:
            handler = None
    if handler is None:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("picturerail_daemon").setLevel(level)
