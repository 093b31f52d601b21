"""Files that appear whole or not at all."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path

_MARK = ".picturerail-tmp"
_counter = itertools.count()


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file beside its place and rename it there; folders are made as needed.

    A reader sees the old bytes or the new ones. It is not forced to disk: what is written
    so can be made again, and is verified before it is relied on.
    """
    beside = _beside(path)
    try:
        try:
            beside.write_bytes(data)
        except FileNotFoundError:  # most folders are there, so they are not asked about
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(data)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def link_or_copy(source: Path, path: Path) -> None:
    """Make `path` the same file as `source`, or a copy of it on another file system."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(path)
    try:
        try:
            os.link(source, beside)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, beside)
        beside.replace(path)
    finally:
        # Renaming a file onto another name of itself does nothing, and leaves both.
        beside.unlink(missing_ok=True)


def remove_leftovers(folder: Path, *, below: bool = True) -> None:
    """Remove what interrupted writes left in a folder and, if wanted, anywhere below it."""
    every = f".*{_MARK}"
    for path in folder.rglob(every) if below else folder.glob(every):
        path.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    # Of another process or thread at the same file, each has a name of its own.
    return path.with_name(f".{path.name[:80]}.{os.getpid()}.{next(_counter)}{_MARK}")
