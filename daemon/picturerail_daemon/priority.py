"""Makes a thread give way to everything else on the machine: bulk work has time."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform

MIRRORING = 5
DESCRIBING = 10
"""Niceness: mirroring and thumbnails come before describing, and everything else before both."""

_WHO_PROCESS = 1  # ioprio_set(2): with id 0, the calling thread
_BEST_EFFORT_LOWEST = 2 << 13 | 7
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}


def yield_to_others(niceness: int = MIRRORING) -> None:
    """Lower the calling thread's priority for processor and disk; a refusal is no fault.

    Threads that it starts later inherit it.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, max(niceness, os.getpriority(os.PRIO_PROCESS, 0)))
    number = _IOPRIO_SET.get(platform.machine())
    if number is not None:
        ctypes.CDLL(None).syscall(number, _WHO_PROCESS, 0, _BEST_EFFORT_LOWEST)
