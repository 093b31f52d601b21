"""Named places where a test may have this process die, as a power cut would have it.

`PICTURERAIL_FAIL_AT=NAME:N` kills the process when it comes to the place NAME for the Nth
time. Without that variable a place costs one comparison.
"""

from __future__ import annotations

import os
import signal

PLACES = (
    "blob-written",  # the bytes are in the log, the row is not
    "registered",  # the row is committed, the report does not know
    "moved",  # the moves are committed, the reads have not begun
    "deleted",  # the deletions are committed
    "described",  # a describer's answer is committed
    "indexed",  # the index has committed, the site has not followed
    "exported",  # the site is current
)

_name, _, _count = os.environ.get("PICTURERAIL_FAIL_AT", "").partition(":")
_left = [int(_count) if _count.isdecimal() else 1]


def failpoint(name: str) -> None:
    """Die here, if this is the place and the time."""
    if name != _name:
        return
    assert name in PLACES, name
    _left[0] -= 1
    if _left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
