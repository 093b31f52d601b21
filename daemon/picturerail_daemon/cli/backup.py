"""`picturerail backup`: a consistent copy while everything runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from picturerail_daemon.cli.context import Context, json_option, pass_context, print_json
from picturerail_daemon.errors import PicturerailError, UsageError
from picturerail_native.database import Snapshot

ARCHIVE = ".tar.zst"


@click.command(epilog="Example: picturerail backup /mnt/backup/pictures-2026-11.tar.zst")
@click.argument("target", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--link", is_flag=True, help="Share files by hard links; no second copy of them.")
@json_option
@pass_context
def backup(context: Context, target: Path, link: bool, as_json: bool) -> None:
    """Copy the database, pictures included, to a new or empty folder.

    A name that ends in .tar.zst is one compressed file instead, and - is stdout. Index and site
    are not copied: they are made again from the database.
    """
    from picturerail_daemon.service.reading import reading

    archive = target.name.endswith(ARCHIVE) or str(target) == "-"
    if link and archive:
        raise UsageError("--link: an archive cannot share files; name a folder")
    if as_json and str(target) == "-":
        raise UsageError("--json: stdout is the archive's")
    with reading(context.layout) as snapshot:
        info = snapshot.info
        if str(target) == "-":
            snapshot.archive(sys.stdout.buffer, context.layout.store)
        elif archive:
            _write(snapshot, target, context.layout.store)
        else:
            snapshot.backup(target, links=link)
    if as_json:
        print_json({"backup": str(target), "seq": info.seq, "photos": info.live})
    else:
        click.echo(
            f"{info.live} photos copied to {target}, as of transaction {info.seq}", err=archive
        )


def _write(snapshot: Snapshot, target: Path, scratch: Path) -> None:
    """Write an archive; it appears whole and durable or not at all."""
    if target.exists():
        raise UsageError(f"{target}: is there already; name another file")
    part = target.with_name(target.name + ".picturerail-part")
    try:
        with part.open("wb") as file:
            snapshot.archive(file, scratch)
            file.flush()
            os.fsync(file.fileno())
        part.rename(target)
        folder = os.open(target.resolve().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise PicturerailError(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
