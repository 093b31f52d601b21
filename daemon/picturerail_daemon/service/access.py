"""Finds out what another account may read and run, by trying it as that account."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NOBODY = 65534
"""Stands for an account that does not exist yet: it may do what everybody may."""

MOST_ENTRIES = 20_000
"""So many names are tried at most; who may read so many will hardly stumble over the next."""


RUN_SECONDS = 60
"""A program that has not answered by then is taken for one that does not run."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a service runs as; `groups` are those it gets beside its own."""

    user: str
    group: str
    uid: int
    gid: int
    groups: tuple[int, ...] = ()


def first_unreadable(folder: Path, account: Account) -> str | None:
    """Return the first path below a folder (or on the way to it) that an account cannot read.

    It is tried in a child process that becomes the account, so only root may ask.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        found = b""
        try:
            os.close(reading)
            os.setgroups(list(account.groups))
            os.setgid(account.gid)
            os.setuid(account.uid)
            found = _try(os.fsencode(folder)) or b""
        except OSError as error:
            found = os.fsencode(error.filename or folder)
        finally:
            os.write(writing, found[:4000])
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return os.fsdecode(answer) or None


def first_complaint(command: Sequence[str], account: Account) -> str | None:
    """Return what a command says last when an account cannot run it; None if it can.

    It runs in `/` with nothing of this process's environment, so only root may ask.
    """
    try:
        done = subprocess.run(
            command,
            user=account.uid,
            group=account.gid,
            extra_groups=account.groups,
            cwd="/",
            env={"PATH": os.defpath, "HOME": "/"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=RUN_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return said[-1] if said else f"it ended with code {done.returncode}"


def _try(folder: bytes) -> bytes | None:
    left = MOST_ENTRIES
    waiting = [folder]
    while waiting and left > 0:
        here = waiting.pop()
        try:
            entries = list(os.scandir(here))
        except OSError:
            return here
        for entry in entries:
            left -= 1
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode) and not os.access(
                entry.path, os.R_OK
            ):
                return entry.path
    return None
