"""Tells whether a file's writer is done with it."""

from __future__ import annotations

import errno
import fcntl
import signal
import time

from picturerail_native.records import FileStat

_NO_LEASES = {errno.EACCES, errno.EINVAL, errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK}


def seconds_until_quiet(found: FileStat, settle_seconds: float, now_ns: int | None = None) -> float:
    """Return how long a file must still rest before it may be read; 0 when it may be.

    A modification time in the future proves nothing about now, so the change time, which the
    kernel sets, decides together with it.
    """
    now_ns = time.time_ns() if now_ns is None else now_ns
    newest = found.ctime_ns if found.mtime_ns > now_ns else max(found.mtime_ns, found.ctime_ns)
    return max(0.0, settle_seconds - (now_ns - newest) / 1e9)


def is_being_written(descriptor: int) -> bool:
    """Return whether some process has the file open for writing, as far as can be known.

    A read lease is granted only while nobody has the file open for writing (fcntl(2),
    F_SETLEASE). It needs the file's owner or CAP_LEASE and a file system with leases; where
    it is refused for such a reason the answer is no, and quiet alone decides. The lease is
    given back at once, so nobody is ever slowed by it.
    """
    try:
        take_lease(descriptor)
    except OSError as error:
        if error.errno == errno.EAGAIN:
            return True
        if error.errno in _NO_LEASES:
            return False
        raise
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def take_lease(descriptor: int) -> None:
    """Take a read lease on an open file.

    Whoever opens the file for writing meanwhile makes the kernel send us a signal: SIGIO by
    default, which would end the process. SIGURG is ignored unless somebody asks for it.
    """
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
