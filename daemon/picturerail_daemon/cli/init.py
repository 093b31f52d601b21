"""`picturerail init`: writes a configuration and says what it will cost."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import click

from picturerail_config import ConfigError, Settings
from picturerail_config.example import example_text
from picturerail_config.load import load, user_config
from picturerail_daemon.cli.context import Context, json_option, pass_context, print_json
from picturerail_daemon.errors import PicturerailError, UsageError

# What 12-megapixel photographs take at most, as a rule: the three renditions and the pages, and one
# core's time for a picture.
SITE_BYTES_PER_PICTURE = 480_000
SECONDS_PER_PICTURE = 0.35
RECORD_BYTES_PER_PICTURE = 12_000


@dataclass(frozen=True)
class Estimate:
    """What mirroring some folders takes; sizes in bytes, time in seconds."""

    pictures: int
    store_bytes: int
    site_bytes: int
    seconds: float


@click.command(epilog="Example: picturerail init ~/Pictures")
@click.argument("folders", metavar="[FOLDER]...", nargs=-1, type=click.Path(path_type=Path))
@json_option
@pass_context
def init(context: Context, folders: tuple[Path, ...], as_json: bool) -> None:
    """Write a commented configuration for FOLDERs (default: ~/Pictures).

    Counts the pictures, estimates what store and site will take, and refuses where there is
    no room for them.
    """
    file = context.config or user_config()
    if file.exists():
        raise UsageError(f"{file}: there is a configuration already; change it, or remove it first")
    estimate, settings = write_config(file, folders or (Path("~/Pictures"),))
    if as_json:
        print_json(
            {
                "config": str(file),
                "pictures": estimate.pictures,
                "store_bytes": estimate.store_bytes,
                "site_bytes": estimate.site_bytes,
                "seconds": round(estimate.seconds),
            }
        )
        return
    click.echo(f"Wrote {file}")
    click.echo(
        f"{estimate.pictures} pictures: about {_size(estimate.store_bytes)} in "
        f"{settings.store.path}, {_size(estimate.site_bytes)} in {settings.export.path}, "
        f"and {_duration(estimate.seconds)} the first time"
    )
    click.echo("Next: picturerail sync, or picturerail run")


def write_config(file: Path, folders: tuple[Path, ...]) -> tuple[Estimate, Settings]:
    """Write a configuration; none is left behind if it could not work."""
    try:
        absolute = [Path(os.path.abspath(folder.expanduser())) for folder in folders]  # noqa: PTH100
    except RuntimeError as error:
        raise UsageError(f"{folders[0]}: there is no such user") from error
    for folder in absolute:
        if not folder.is_dir():
            raise UsageError(f"{folder}: this folder does not exist")
        try:
            str(folder).encode()
        except UnicodeEncodeError:
            raise UsageError(
                f"{os.fsencode(folder)!r}: the name of a watched folder must be UTF-8; "
                "names below it may be anything"
            ) from None
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(file.name + ".new")
    temporary.write_text(example_text(absolute), encoding="utf-8")
    try:
        settings = load(temporary).settings
        estimate = estimate_cost(settings)
        refuse_without_room(settings, estimate)
        temporary.replace(file)
    except ConfigError as error:
        raise UsageError(str(error).replace(str(temporary), str(file))) from error
    finally:
        temporary.unlink(missing_ok=True)
    return estimate, settings


def estimate_cost(settings: Settings) -> Estimate:
    """Count the pictures of the configured folders and guess what they take."""
    from picturerail_daemon.mirror.listing import Rules, Scope, list_scopes
    from picturerail_exporter.formats import kind, paired

    pictures = original_bytes = 0
    for folder in settings.library.folders:
        rules = Rules(lambda name: kind(name).value, paired=paired)
        listing = list_scopes(os.fsencode(folder), [Scope()], rules)
        pictures += len(listing.pictures)
        original_bytes += sum(found.size for found in listing.pictures.values())
    site = pictures * SITE_BYTES_PER_PICTURE
    kept = original_bytes if settings.store.keep_originals else 0
    return Estimate(
        pictures,
        kept + site + pictures * RECORD_BYTES_PER_PICTURE,
        site,
        pictures * SECONDS_PER_PICTURE / (os.cpu_count() or 1),
    )


def refuse_without_room(settings: Settings, estimate: Estimate) -> None:
    """Raise UsageError where store or site would not fit."""
    wanted: dict[int, int] = {}
    for path, size in (
        (settings.store.path, estimate.store_bytes),
        (settings.export.path, estimate.site_bytes),
    ):
        there = next(p for p in (path, *path.parents) if p.exists())
        device = there.stat().st_dev
        wanted[device] = wanted.get(device, 0) + size
        free = shutil.disk_usage(there).free
        if wanted[device] > free:
            raise PicturerailError(
                f"{path}: {_size(wanted[device])} are needed there and {_size(free)} are free; "
                "name another place, or set `store.keep_originals` to false"
            )


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
