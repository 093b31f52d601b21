"""What kind of file system a folder lies on, and which one it is across mounts and reboots.

A device number changes at every mount, and `f_fsid` is one on some file systems (xfs, vfat);
so a file system's own UUID is asked for first (FS_IOC_GETFSUUID, Linux 6.9).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")

_REMOTE = frozenset({"nfs", "cifs", "smb3", "9p", "afs", "ceph", "glusterfs", "lustre"})

# _IOR(0x15, 0, struct fsuuid2), whose 17 bytes are a length and up to 16 bytes of UUID.
_GET_UUID = 0x80111500


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the kernel's list of mounts."""

    point: bytes
    device: bytes
    kind: str


def parse_mounts(lines: Iterable[bytes]) -> list[Mount]:
    """Read `/proc/self/mountinfo` (proc_pid_mountinfo(5)), in the order of mounting."""
    mounts = []
    for line in lines:
        before, _, after = line.partition(b" - ")
        parts = before.split()
        point = parts[4].decode("unicode_escape").encode("latin-1")
        kind = after.split()[0].decode()
        mounts.append(Mount(point, parts[2], {"nfs4": "nfs", "smb3": "cifs"}.get(kind, kind)))
    return mounts


def mounts() -> list[Mount]:
    """Return what is mounted now."""
    with MOUNTS.open("rb") as lines:
        return parse_mounts(lines)


def is_inside(path: bytes, folder: bytes) -> bool:
    """Return whether a path is a folder or lies below it."""
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def file_system_of(folder: bytes) -> str:
    """Return the type of the file system that a folder lies on."""
    real = os.path.realpath(folder)
    best, kind = b"", ""
    for mount in mounts():
        if is_inside(real, mount.point) and len(mount.point) >= len(best):
            best, kind = mount.point, mount.kind
    return kind


def is_remote(kind: str) -> bool:
    """Return whether changes made elsewhere make no events here.

    The inode numbers of such file systems are not to be trusted either: servers and FUSE
    programs make them up, and hand them out again.
    """
    return kind in _REMOTE or kind.startswith("fuse")


def volume_of(descriptor: int) -> int:
    """Return 64 bits that tell a file system from every other, across mounts and reboots.

    Args:
        descriptor: any open file or folder on it.
    """
    buffer = bytearray(17)
    try:
        fcntl.ioctl(descriptor, _GET_UUID, buffer)
    except OSError:
        return os.fstatvfs(descriptor).f_fsid & (2**64 - 1)
    digest = hashlib.blake2b(buffer[1 : 1 + buffer[0]], digest_size=8).digest()
    return int.from_bytes(digest, "little")
