"""`picturerail backup`: a consistent copy while everything runs."""

from __future__ import annotations

from pathlib import Path

import click

from picturerail_daemon.cli.context import Context, json_option, pass_context, print_json


@click.command(epilog="Example: picturerail backup /mnt/backup/pictures-2026-11")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@json_option
@pass_context
def backup(context: Context, folder: Path, as_json: bool) -> None:
    """Copy the database, pictures included, to a new or empty folder.

    Index and site are not copied: they are made again from the database.
    """
    from picturerail_daemon.service.reading import reading

    with reading(context.layout) as snapshot:
        snapshot.backup(folder)
        info = snapshot.info
    if as_json:
        print_json({"backup": str(folder), "seq": info.seq, "photos": info.live})
    else:
        click.echo(f"{info.live} photos copied to {folder}, as of transaction {info.seq}")
