"""`picturerail restore`: a store from a backup."""

from __future__ import annotations

from pathlib import Path

import click

from picturerail_daemon.cli.context import Context, json_option, pass_context, print_json
from picturerail_daemon.errors import BusyError, PicturerailError


@click.command(epilog="Example: picturerail restore /mnt/backup/pictures-2026-11")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@json_option
@pass_context
def restore(context: Context, folder: Path, as_json: bool) -> None:
    """Make the configured store from a backup, a folder or a .tar.zst file.

    The store must be new or empty.

    The next `sync` or `run` builds index and site again from it.
    """
    from picturerail_daemon.service.control import is_listening
    from picturerail_native.database import Database, DatabaseError, Mode
    from picturerail_native.database import restore as restore_database

    layout = context.layout
    if layout.store.exists() and is_listening(layout):
        raise BusyError(f"{layout.store}: a daemon runs for this store; stop it first")
    if layout.database.is_dir() and any(layout.database.iterdir()):
        raise PicturerailError(
            f"{layout.database}: there is a store already; move it away first, or name another "
            "place in `store.path`"
        )
    layout.make()
    try:
        restore_database(folder, layout.database)
    except DatabaseError as error:
        raise PicturerailError(str(error)) from error
    with Database(layout.database, Mode.READ) as database, database.snapshot() as snapshot:
        info = snapshot.info
    if as_json:
        print_json({"store": str(layout.store), "seq": info.seq, "photos": info.live})
    else:
        click.echo(f"{info.live} photos restored to {layout.store}")
