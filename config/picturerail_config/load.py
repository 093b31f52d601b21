"""Finds, reads and checks a configuration file.

Errors::

    ConfigError    one line naming file, key and, where known, line, with what to do
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import tomli

from picturerail_config.settings import Describe, Section, Settings

SYSTEM_CONFIG = Path("/etc/picturerail/picturerail.toml")


class ConfigError(Exception):
    """The configuration cannot be used; the message is one line for its author."""


@dataclass(frozen=True)
class Loaded:
    """Settings with the file that they came from and the dotted keys that it set."""

    settings: Settings
    file: Path
    keys: frozenset[str]


def user_config() -> Path:
    """Return where a user's own configuration lies."""
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "picturerail" / "picturerail.toml"


def find_config(given: Path | None = None) -> Path:
    """Return the configuration file to use.

    Raises:
        ConfigError: there is none.
    """
    if given is not None:
        if not given.is_file():
            raise ConfigError(f"{given}: no such configuration file; `picturerail init` writes one")
        return given
    for candidate in (user_config(), SYSTEM_CONFIG):
        if candidate.is_file():
            return candidate
    raise ConfigError(
        f"no configuration at {user_config()} or {SYSTEM_CONFIG}: "
        "`picturerail init FOLDER` writes one, `--config FILE` names another"
    )


def load(file: Path) -> Loaded:
    """Read and check a file; paths come back absolute, relative ones from the file's folder.

    Raises:
        ConfigError: it cannot be read, is no TOML, or says something that is not allowed.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"{file}: cannot be read: {reason}") from error
    try:
        table = tomli.loads(text)
    except RecursionError as error:
        raise ConfigError(f"{file}: nested too deep to be a configuration") from error
    except tomli.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from error
    _refuse_unknown_keys(table, Settings, file, text, ())
    try:
        settings = msgspec.convert(table, Settings, dec_hook=_path, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(error, file, text)) from error
    base = file.absolute().parent
    settings = _with_absolute_paths(settings, base)
    _check_overlaps(settings, file, text)
    return Loaded(settings, file, frozenset(_dotted(table)))


def _path(kind: type, value: Any) -> Any:
    if kind is Path:
        if isinstance(value, str) and value and "\0" not in value:
            try:
                return Path(value).expanduser()
            except RuntimeError as error:
                raise ValueError(f"{value}: there is no such user") from error
        raise ValueError("expected a path")
    raise NotImplementedError(kind)


def _refuse_unknown_keys(
    table: dict[str, Any], section: type[Section], file: Path, text: str, above: tuple[str, ...]
) -> None:
    known = {field.name: field for field in msgspec.structs.fields(section)}
    for key, value in table.items():
        if key not in known:
            dotted = ".".join((*above, key))
            near = difflib.get_close_matches(key, known, n=1)
            advice = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(known)}"
            raise ConfigError(
                f"{_place(file, text, (*above, key))}: unknown key `{dotted}`; {advice}"
            )
        kind = known[key].type
        if isinstance(kind, type) and issubclass(kind, Section):
            if not isinstance(value, dict):
                raise ConfigError(
                    f"{_place(file, text, (*above, key))}: `{key}` must be a table, as in [{key}]"
                )
            _refuse_unknown_keys(value, kind, file, text, (*above, key))


def _explain(error: msgspec.ValidationError, file: Path, text: str) -> str:
    message, _, where = str(error).partition(" - at `$")
    keys = tuple(re.findall(r"\.(\w+)", where))
    if missing := re.search(r"missing required field `(\w+)`", message):
        keys = (*keys, missing[1])
        message = "must be given"
        if keys in {("library",), ("library", "folders")}:
            return f'{file}: `library.folders` must be given, as in folders = ["~/Pictures"]'
    message = message[:1].lower() + message[1:]
    return f"{_place(file, text, keys)}: `{'.'.join(keys)}`: {message}"


def _place(file: Path, text: str, keys: tuple[str, ...]) -> str:
    """Return `file:line` where the key's line can be found, else `file`.

    tomli keeps no positions, so this looks for the table's header and the key after it.
    """
    if not keys:
        return str(file)
    line_of_table = 0
    lines = text.splitlines()
    header = re.compile(r"\s*\[\s*" + r"\s*\.\s*".join(map(re.escape, keys[:-1])) + r"\s*\]")
    own_header = re.compile(r"\s*\[\s*" + r"\s*\.\s*".join(map(re.escape, keys)) + r"[\s.\]]")
    if len(keys) > 1:
        line_of_table = next((n for n, line in enumerate(lines) if header.match(line)), 0)
    for number, line in enumerate(lines[line_of_table:], line_of_table + 1):
        if re.match(rf"\s*[\"']?{re.escape(keys[-1])}[\"']?\s*[=.]", line) or own_header.match(
            line
        ):
            return f"{file}:{number}"
    return str(file)


def _with_absolute_paths(settings: Settings, base: Path) -> Settings:
    def absolute(path: Path) -> Path:
        return Path(os.path.abspath(base / path.expanduser()))  # noqa: PTH100  keeps symlinks

    vectors = settings.meaning.vectors
    return msgspec.structs.replace(
        settings,
        library=msgspec.structs.replace(
            settings.library, folders=tuple(absolute(f) for f in settings.library.folders)
        ),
        store=msgspec.structs.replace(settings.store, path=absolute(settings.store.path)),
        export=msgspec.structs.replace(
            settings.export,
            path=absolute(settings.export.path),
            theme=(theme := settings.export.theme) and absolute(theme),
        ),
        describe=_with_absolute_describers(settings.describe, absolute),
        meaning=msgspec.structs.replace(
            settings.meaning,
            vectors=vectors if vectors == "builtin" else str(absolute(Path(vectors))),
        ),
    )


def _with_absolute_describers(describe: Describe, absolute: Callable[[Path], Path]) -> Describe:
    def perhaps(path: Path | None) -> Path | None:
        return path and absolute(path)

    replace, onnx = msgspec.structs.replace, describe.onnx
    is_folder = "/" in onnx.clip
    return replace(
        describe,
        azure=replace(describe.azure, key_file=perhaps(describe.azure.key_file)),
        openai=replace(describe.openai, key_file=perhaps(describe.openai.key_file)),
        onnx=replace(
            onnx,
            model=perhaps(onnx.model),
            labels=perhaps(onnx.labels),
            clip=str(absolute(Path(onnx.clip))) if is_folder else onnx.clip,
        ),
    )


def _check_overlaps(settings: Settings, file: Path, text: str) -> None:
    folders = settings.library.folders
    place = _place(file, text, ("library", "folders"))
    for number, folder in enumerate(folders):
        for other in folders[number + 1 :]:
            if _overlap(folder, other):
                raise ConfigError(
                    f"{place}: `library.folders`: {folder} and {other} overlap; "
                    "name only the outer one"
                )
    own = {"store.path": settings.store.path, "export.path": settings.export.path}
    for key, path in own.items():
        for folder in folders:
            if _overlap(path, folder):
                raise ConfigError(
                    f"{_place(file, text, tuple(key.split('.')))}: `{key}` {path} overlaps the "
                    f"watched folder {folder}; choose a place outside of it"
                )
    store, site = settings.store.path, settings.export.path
    if _overlap(store, site):
        raise ConfigError(
            f"{_place(file, text, ('export', 'path'))}: `export.path` {site} and "
            f"`store.path` {store} must lie apart"
        )


def _overlap(one: Path, other: Path) -> bool:
    """Return whether one folder is the other or lies inside it, whatever links lead there."""
    a, b = (Path(os.path.realpath(path)) for path in (one, other))
    return a == b or a in b.parents or b in a.parents


def _dotted(table: dict[str, Any], above: str = "") -> list[str]:
    keys: list[str] = []
    for key, value in table.items():
        keys += _dotted(value, f"{above}{key}.") if isinstance(value, dict) else [above + key]
    return keys
