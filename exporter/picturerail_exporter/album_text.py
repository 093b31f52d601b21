r"""`album.toml`: what a folder says of itself as an album, in a small file beside its pictures.

    title = "A week in Lisbon"
    description = "Hills, trams and tiles.\n\nThe second paragraph."
    cover = "IMG_0815.jpg"          # a picture of the folder, or below it: "day 2/IMG_0816.jpg"
    order = "oldest"                # of its pictures: "newest" (first), "oldest" or "name"
    albums = ["day 2", "day 1"]     # folders below it that come first, in this order

Every key may be left out; what the site's own options say of the folder (`Texts.given`) stands in
for it. A file that cannot be used is named, with what is wrong and where, and its folder is shown
as if it had none.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec
import tomli

from picturerail_exporter.listings import Folder

NAME = "album.toml"
_FILE = b"/" + NAME.encode()
MOST_BYTES = 64_000


class _File(msgspec.Struct, forbid_unknown_fields=True):
    title: str = ""
    description: str = ""
    cover: str = ""
    order: Literal["", "newest", "oldest", "name"] = ""
    albums: tuple[str, ...] = ()


class AlbumText(msgspec.Struct, frozen=True):
    """What a folder says of itself; `problem` is why its file could not be used."""

    title: str = ""
    description: str = ""
    cover: str = ""
    order: str = "newest"
    albums: tuple[str, ...] = ()
    problem: str = ""


_NOTHING = AlbumText()


@dataclass(frozen=True, slots=True)
class Texts:
    """Where texts come from.

    `homes` is where the watched folders lie, by name; `given` what the options say of folders
    that have no file, or one that leaves something out.
    """

    homes: Mapping[bytes, Path]
    given: Mapping[Folder, AlbumText] = field(default_factory=dict)


def stamp_of(folder: bytes) -> str:
    """Return what changes whenever a folder's file does; "" where it has none."""
    try:
        found = os.lstat(folder + _FILE)
    except (OSError, ValueError):
        return ""
    return f"{found.st_mtime_ns} {found.st_ctime_ns} {found.st_size} {found.st_ino}"


def read_text(folder: Path, given: AlbumText = _NOTHING) -> AlbumText:
    """Read a folder's file. Never raises: what is wrong is in `problem`.

    What it leaves out is as `given`.
    """
    said = _read(folder)
    if isinstance(said, str):
        return msgspec.structs.replace(given, problem=said)
    told = {name: value for name in _File.__struct_fields__ if (value := getattr(said, name))}
    return msgspec.structs.replace(given, **told)


def _read(folder: Path) -> _File | str:
    """Return what a folder's file says, or why it cannot be used."""
    place = folder / NAME
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            return f"{place}: larger than {MOST_BYTES} bytes"
        return msgspec.convert(tomli.loads(data.decode("utf-8-sig")), _File)
    except UnicodeDecodeError:
        return f"{place}: not UTF-8"
    except (tomli.TOMLDecodeError, RecursionError) as error:
        return f"{place}: not valid TOML: {error}"
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$")
        key = f"`{where.strip('.`')}`: " if where else ""
        known = f" (known: {', '.join(_File.__struct_fields__)})" if "unknown" in message else ""
        return f"{place}: {key}{message[:1].lower()}{message[1:]}{known}"
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR}:
            return _File()
        reason = "a link, which is not followed" if error.errno == errno.ELOOP else error.strerror
        return f"{place}: cannot be read: {reason}"
