"""Writes the systemd unit with access to what the configuration names and nothing else.

The system-wide service runs as the folders' owner. Where that is root it runs under an account
of its own (`picturerail`, by systemd-sysusers), which must be able to read the folders; that is
tried as that account before anything is written.
"""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from picturerail_config import Settings
from picturerail_daemon.errors import NotThereError, PicturerailError, UsageError
from picturerail_daemon.service.access import NOBODY, Account, first_complaint, first_unreadable
from picturerail_daemon.service.library import check_folders

NAME = "picturerail.service"
ACCOUNT = "picturerail"
_FILES = {
    # what is installed for the own account: template → folder where systemd looks for it
    "picturerail.sysusers.conf": Path("/etc/sysusers.d"),
    "picturerail.tmpfiles.conf": Path("/etc/tmpfiles.d"),
}
_SERVICES_ON_THE_NETWORK = {"azure", "openai"}


@dataclass(frozen=True, slots=True)
class Installed:
    """What was written, and the commands that come next."""

    unit: Path
    files: tuple[Path, ...]
    commands: tuple[str, ...]


def _template(name: str) -> str:
    # Installed they lie inside the package, in a checkout beside it.
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


def service_account(settings: Settings) -> Account:
    """Return whom the system-wide service runs as: the folders' owner, or its own account.

    Raises:
        UsageError: the folders belong to several people, and no single account can be chosen.
    """
    owners = {folder.stat().st_uid for folder in settings.library.folders}
    groups = tuple(sorted({folder.stat().st_gid for folder in settings.library.folders} - {0}))
    if owners == {0} or len(owners) > 1:
        try:
            entry = pwd.getpwnam(ACCOUNT)
        except KeyError:
            return Account(ACCOUNT, ACCOUNT, NOBODY, NOBODY, groups)
        return Account(ACCOUNT, ACCOUNT, entry.pw_uid, entry.pw_gid, groups)
    owner = owners.pop()
    group = settings.library.folders[0].stat().st_gid
    return Account(str(owner), str(group), owner, group, tuple(g for g in groups if g != group))


def install_unit(
    settings: Settings, config: Path, *, user: bool, into: Path | None = None
) -> Installed:
    """Write the unit and what belongs to it.

    Raises:
        UsageError: a folder cannot be read, the program with its configuration cannot be run,
            or store or site cannot be written, by whom the service will run as.
    """
    check_folders(settings.library.folders)
    account = None if user else service_account(settings)
    for folder in settings.library.folders:
        _check_readable(folder, account)
    for key, path in (("store.path", settings.store.path), ("export.path", settings.export.path)):
        _make_writable(key, path, account)
    program = _executable()
    _check_runs(program, config, account)
    text = _template("picturerail-user.service" if user else NAME)
    text = text.replace("@EXECUTABLE@", quoted(program)).replace(
        "@CONFIG@", quoted(config.resolve())
    )
    lines = [f"ReadOnlyPaths={quoted(folder)}" for folder in settings.library.folders]
    lines += [
        f"ReadWritePaths={quoted(path)}" for path in (settings.store.path, settings.export.path)
    ]
    text = text.replace("@PATHS@", "\n".join(lines)).replace("@NETWORK@", _network(settings))
    text = text.replace("@MOUNTS@", " ".join(quoted(f) for f in settings.library.folders))
    if account is not None:
        names = " ".join(_group_name(group) for group in account.groups)
        text = text.replace("@USER@", account.user).replace("@GROUP@", account.group)
        text = text.replace("@GROUPS@", f"SupplementaryGroups={names}")
    target = _folder(user, into) / NAME
    files = []
    if account is not None and account.user == ACCOUNT:
        for name, place in _FILES.items():
            files.append((into or place) / name)
            _write(files[-1], _template(name))
    _write(target, text)
    control = "systemctl --user" if user else "systemctl"
    commands = [f"{control} daemon-reload", f"{control} enable --now {NAME}"]
    if files:
        commands[:0] = ["systemd-sysusers", "systemd-tmpfiles --create"]
        commands[2:2] = [
            f"chown -R {ACCOUNT}:{ACCOUNT} {quoted(path)}"
            for path in (settings.store.path, settings.export.path)
        ]
    if user:
        commands.append("loginctl enable-linger   # keeps it running while you are logged out")
    return Installed(target, tuple(files), tuple(commands))


def _network(settings: Settings) -> str:
    """Give the network only to who sends pictures to a service."""
    if _SERVICES_ON_THE_NETWORK & set(settings.describe.sources):
        return "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"
    return "RestrictAddressFamilies=AF_UNIX\nPrivateNetwork=yes\nIPAddressDeny=any"


def _check_readable(folder: Path, account: Account | None) -> None:
    """Try to read a folder, as whom the service will be."""
    if account is None or os.geteuid() != 0:
        if not os.access(folder, os.R_OK | os.X_OK):
            raise UsageError(
                f"{folder}: cannot be read; give read access, or run the service as its owner"
            )
        return
    refused = first_unreadable(folder, account)
    if refused is not None:
        raise UsageError(
            f"{refused}: the service would run as `{account.user}`, who cannot read it; "
            f"`chmod o+rX` or `setfacl -R -m u:{account.user}:rX` {folder} gives it access"
        )


def _make_writable(key: str, path: Path, account: Account | None) -> None:
    made = not path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
        if made and account is not None and os.geteuid() == 0 and account.uid != NOBODY:
            os.chown(path, account.uid, account.gid)
    except OSError as error:
        raise UsageError(
            f"`{key}` {path}: cannot be made ({error.strerror}); choose another place"
        ) from error
    if not os.access(path, os.W_OK):
        raise UsageError(f"`{key}` {path}: cannot be written; choose another place")


def _group_name(group: int) -> str:
    try:
        return grp.getgrgid(group).gr_name
    except KeyError:
        return str(group)


def _write(target: Path, text: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(target.name + ".new")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    except PermissionError as error:
        raise PicturerailError(
            f"{target}: cannot be written; run this with sudo, or add --user"
        ) from error


def uninstall_unit(*, user: bool, into: Path | None = None) -> Installed:
    """Remove what `install_unit` wrote; store, site and configuration stay.

    Raises:
        NotThereError: no unit is installed there.
    """
    target = _folder(user, into) / NAME
    if not target.is_file():
        raise NotThereError(f"{target}: no such unit")
    own = [] if user else [(into or place) / name for name, place in _FILES.items()]
    files = [file for file in own if file.is_file()]
    # What `systemctl enable` linked; it could not do that itself once the unit is gone.
    files += [link for link in target.parent.glob(f"*.wants/{NAME}") if link.is_symlink()]
    try:
        for file in (target, *files):
            file.unlink()
    except PermissionError as error:
        raise PicturerailError(f"{target}: cannot be removed; run this with sudo") from error
    control = "systemctl --user" if user else "systemctl"
    return Installed(target, tuple(files), (f"{control} stop {NAME}", f"{control} daemon-reload"))


def _executable() -> Path:
    beside = Path(sys.executable).with_name("picturerail")
    found = str(beside) if beside.is_file() else shutil.which("picturerail")
    if found is None:
        raise PicturerailError("the program `picturerail` is not on the PATH; install it first")
    return Path(found)


def _check_runs(program: Path, config: Path, account: Account | None) -> None:
    """Try to run the program with its configuration, as whom the service will be."""
    if account is None or os.geteuid() != 0:
        return
    for command, remedy in (
        (
            [str(program), "--version"],
            "install the program where every account may run it, such as below /opt",
        ),
        (
            [str(program), "--config", str(config.resolve()), "config", "show"],
            f"let the account read {config.resolve()} and the folders it lies in",
        ),
    ):
        complaint = first_complaint(command, account)
        if complaint is not None:
            raise UsageError(
                f"the service would run as `{account.user}`, who cannot run "
                f"`{shlex.join(command)}` ({complaint}); {remedy}"
            )


def quoted(path: Path) -> str:
    """Return a path as a unit file spells it: quoted, with `%` doubled."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"'
