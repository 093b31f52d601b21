"""`picturerail up`: the first five minutes in one command."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from picturerail_config.load import user_config
from picturerail_daemon.cli.context import (
    Context,
    pass_context,
    perform,
)
from picturerail_daemon.cli.init import write_config
from picturerail_daemon.cli.serve import open_server
from picturerail_daemon.cli.sync import print_report
from picturerail_daemon.errors import UsageError
from picturerail_daemon.logs import start_logging


@click.command(epilog="Example: picturerail up ~/Pictures")
@click.argument("folders", metavar="[FOLDER]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@pass_context
def up(context: Context, folders: tuple[Path, ...], port: int) -> None:
    """Mirror FOLDERs, export the gallery, and show it on loopback while watching.

    Writes a configuration if there is none; Ctrl-C ends it.
    """
    from picturerail_daemon.service.daemon import Daemon

    file = context.config or user_config()
    if file.exists():
        if folders:
            raise UsageError(
                f"{file}: there is a configuration already; add the folders to it, or leave "
                "them out here"
            )
    else:
        write_config(file, folders or (Path("~/Pictures"),))
        click.echo(f"Wrote {file}")
    context.config = file
    start_logging()
    print_report(perform(context, "sync", {}))
    site = context.settings.export.path
    perform(context, "export", {"full": False, "dry_run": False, "site": str(site)})
    with open_server(site, port) as server:
        threading.Thread(target=server.serve_forever, name="preview", daemon=True).start()
        click.echo(f"Your gallery: http://127.0.0.1:{server.server_address[1]}/")
        click.echo("Watching. Drop pictures into the folders; Ctrl-C ends this.")
        daemon = Daemon(context.settings, file)
        daemon.install_signals()
        daemon.run()
        server.shutdown()
