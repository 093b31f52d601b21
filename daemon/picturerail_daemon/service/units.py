"""Writes the systemd unit with access to what the configuration names and nothing else."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from picturerail_config import Settings
from picturerail_daemon.errors import NotThereError, PicturerailError, UsageError
from picturerail_daemon.service.library import check_folders

NAME = "picturerail.service"


def _template(user: bool) -> str:
    # Installed they lie inside the package, in a checkout beside it.
    name = "picturerail-user.service" if user else NAME
    here = Path(__file__).resolve()
    places = (here.parents[1] / "units" / name, here.parents[3] / "systemd" / name)
    return next(place for place in places if place.is_file()).read_text(encoding="utf-8")


def _folder(user: bool, into: Path | None) -> Path:
    if into is not None:
        return into
    if user:
        base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
        return Path(base).expanduser() / "systemd" / "user"
    return Path("/etc/systemd/system")


def install_unit(
    settings: Settings, config: Path, *, user: bool, into: Path | None = None
) -> tuple[Path, list[str]]:
    """Write the unit; return where, and the commands that start it.

    Raises:
        UsageError: a folder cannot be read, or store or site cannot be written, by whom the
            service will run as.
    """
    check_folders(settings.library.folders)
    for folder in settings.library.folders:
        if not os.access(folder, os.R_OK | os.X_OK):
            raise UsageError(
                f"{folder}: cannot be read; give read access, or run the service as its owner"
            )
    for key, path in (("store.path", settings.store.path), ("export.path", settings.export.path)):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"`{key}` {path}: cannot be made ({error.strerror}); choose another place"
            ) from error
        if not os.access(path, os.W_OK):
            raise UsageError(f"`{key}` {path}: cannot be written; choose another place")
    text = _template(user)
    text = text.replace("@EXECUTABLE@", _executable()).replace("@CONFIG@", quoted(config.resolve()))
    lines = [f"ReadOnlyPaths={quoted(folder)}" for folder in settings.library.folders]
    lines += [
        f"ReadWritePaths={quoted(path)}" for path in (settings.store.path, settings.export.path)
    ]
    owner = settings.library.folders[0].stat()
    text = text.replace("@PATHS@", "\n".join(lines)).replace("@UID@", str(owner.st_uid))
    text = text.replace("@GID@", str(owner.st_gid))
    text = text.replace("@MOUNTS@", " ".join(quoted(f) for f in settings.library.folders))
    target = _folder(user, into) / NAME
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(NAME + ".new")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    except PermissionError as error:
        raise PicturerailError(
            f"{target}: cannot be written; run this with sudo, or add --user"
        ) from error
    control = "systemctl --user" if user else "systemctl"
    commands = [f"{control} daemon-reload", f"{control} enable --now {NAME}"]
    if user:
        commands.append("loginctl enable-linger   # keeps it running while you are logged out")
    return target, commands


def uninstall_unit(*, user: bool, into: Path | None = None) -> tuple[Path, list[str]]:
    """Remove the unit; return where it was, and the commands to run."""
    target = _folder(user, into) / NAME
    if not target.is_file():
        raise NotThereError(f"{target}: no such unit")
    try:
        target.unlink()
    except PermissionError as error:
        raise PicturerailError(f"{target}: cannot be removed; run this with sudo") from error
    control = "systemctl --user" if user else "systemctl"
    return target, [f"{control} stop {NAME}", f"{control} daemon-reload"]


def _executable() -> str:
    beside = Path(sys.executable).with_name("picturerail")
    found = str(beside) if beside.is_file() else shutil.which("picturerail")
    if found is None:
        raise PicturerailError("the program `picturerail` is not on the PATH; install it first")
    return quoted(Path(found))


def quoted(path: Path) -> str:
    """Return a path as a unit file spells it: quoted, with `%` doubled."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"'
