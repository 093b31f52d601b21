"""Open models by name: what there is, and bringing one, checked, only when somebody asks.

A download goes on where it was cut off: bytes gather in `NAME.part`, and a file gets its name only
once its digest is the one that was registered.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import requests
import tomli

from picturerail_daemon.errors import PicturerailError, UsageError

_CHUNK = 1 << 18
_TIMEOUT_SECONDS = 30.0

Progress = Callable[[str, int, int], None]


class ModelFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of a model; `bytes` is 0 where its length is not registered."""

    name: str
    url: str
    sha256: str
    bytes: int = 0


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model that can be fetched."""

    about: str
    license: str
    files: tuple[ModelFile, ...]

    @property
    def bytes(self) -> int:
        """How much there is to fetch, as far as that is registered."""
        return sum(file.bytes for file in self.files)


def registered(more: Path | None = None) -> dict[str, Model]:
    """Return the models by name: the built-in ones, and those of a registry of the user's.

    Raises:
        UsageError: the user's registry cannot be read.
    """
    builtin = importlib.resources.files("picturerail_daemon.describe") / "models.toml"
    models = msgspec.convert(tomli.loads(builtin.read_text("utf-8")), dict[str, Model])
    if more is None:
        return models
    try:
        return models | msgspec.convert(tomli.loads(more.read_text("utf-8")), dict[str, Model])
    except OSError as error:
        raise UsageError(f"{more}: the registry cannot be read: {error.strerror}") from error
    except (tomli.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"{more}: no registry of models: {error}") from error


def find(models: Mapping[str, Model], name: str) -> Model:
    """Return a model by its name.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in models:
        raise UsageError(f"{name}: no such model; known are {', '.join(models)}")
    return models[name]


def is_whole(model: Model, folder: Path) -> bool:
    """Tell whether all files are there with the bytes that are meant."""
    return all(_digest(folder / file.name) == file.sha256 for file in model.files)


def fetch(model: Model, folder: Path, progress: Progress) -> None:
    """Bring what is missing of a model into a folder.

    Args:
        model: what to bring.
        folder: where to; made if it is not there.
        progress: told (a file's name, bytes there, bytes in all).

    Raises:
        PicturerailError: a file cannot be had, or is not what was registered. What came is kept
            where it may be a beginning, and the next call goes on from there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in model.files:
        if Path(file.name).name != file.name:
            raise UsageError(f"{file.name}: a model's file must lie in its own folder")
        if _digest(folder / file.name) != file.sha256:
            _fetch(file, folder, progress)


def _fetch(file: ModelFile, folder: Path, progress: Progress) -> None:
    part = folder / f"{file.name}.part"
    have = part.stat().st_size if part.is_file() else 0
    if file.bytes and have > file.bytes:
        have = 0
    if not (file.bytes and have == file.bytes):
        try:
            _download(file, part, have, progress)
        except requests.RequestException as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise PicturerailError(
                f"{file.url}: cannot be fetched: {reason}; run the command again to go on"
            ) from error
        except OSError as error:
            raise PicturerailError(f"{part}: cannot be written: {error.strerror}") from error
    found = _digest(part)
    if found != file.sha256:
        part.unlink(missing_ok=True)
        raise PicturerailError(
            f"{file.url}: not the file that was registered: its SHA-256 is {found}, not "
            f"{file.sha256}; nothing was installed"
        )
    part.replace(folder / file.name)


def _download(file: ModelFile, part: Path, have: int, progress: Progress) -> None:
    headers = {"Range": f"bytes={have}-"} if have else {}
    with requests.get(file.url, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS) as response:
        if response.status_code == 416:  # there is nothing behind what is there
            return
        response.raise_for_status()
        goes_on = have and response.status_code == 206 and _begins_at(response, have)
        if not goes_on:
            have = 0
        total = file.bytes or have + int(response.headers.get("Content-Length") or 0)
        if shutil.disk_usage(part.parent).free < total - have:
            raise OSError(28, f"no room for {total - have:,} bytes")
        with part.open("ab" if goes_on else "wb") as out:
            for chunk in response.iter_content(_CHUNK):
                out.write(chunk)
                have += len(chunk)
                progress(file.name, have, total)
                if file.bytes and have > file.bytes:
                    break  # its digest will tell that it is another file
        if file.bytes and have < file.bytes:
            raise requests.ConnectionError(f"cut off after {have:,} of {file.bytes:,} bytes")


def _begins_at(response: requests.Response, offset: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {offset}-")


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""
