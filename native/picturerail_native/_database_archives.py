"""Backups as one file: a tar archive compressed by Zstandard, written and read front to back.

Used by `database.py` alone.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path
from typing import BinaryIO

import zstandard

from picturerail_native._database_calls import CorruptError, InvalidArgumentError

LAST = "MANIFEST"
"""Without this file the others are no store, so it comes last."""


def write_archive(folder: Path, file: BinaryIO) -> None:
    """Write a backup's files to an archive. The file stays open."""
    compressor = zstandard.ZstdCompressor(write_checksum=True)
    with (
        compressor.stream_writer(file, closefd=False) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(folder.iterdir(), key=lambda path: (path.name == LAST, path.name)):
            archive.add(path, arcname=path.name, recursive=False, filter=_anonymous)


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    # A link to a file that was added before would be stored as such.
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def read_archive(file: BinaryIO, folder: Path) -> None:
    """Unpack an archive into an empty folder.

    Raises:
        InvalidArgumentError: the file is no archive of a store.
        CorruptError: it is damaged or cut short.
    """
    name = getattr(file, "name", "the archive")
    try:
        with (
            zstandard.ZstdDecompressor().stream_reader(file, closefd=False) as stream,
            tarfile.open(fileobj=stream, mode="r|") as archive,
        ):
            for entry in archive:
                source = archive.extractfile(entry) if entry.isreg() else None
                if source is None or entry.name != Path(entry.name).name:
                    raise InvalidArgumentError(f"{name}: {entry.name!r} is no file of a store")
                with (folder / entry.name).open("xb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
                    os.fchmod(target.fileno(), 0o600)
            # What follows the last entry belongs to what the checksum is of.
            while stream.read(1 << 20):
                pass
    except (zstandard.ZstdError, tarfile.TarError, EOFError) as error:
        raise CorruptError(f"{name}: it is no whole archive of a store: {error}") from error
    if not (folder / LAST).exists():
        raise CorruptError(f"{name}: it was cut short, {LAST} is missing")
