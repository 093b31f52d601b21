"""`picturerail run`: the daemon in the foreground."""

from __future__ import annotations

import click

from picturerail_daemon.cli.context import Context, pass_context
from picturerail_daemon.logs import start_logging


@click.command(
    epilog="Example: picturerail run   (Ctrl-C ends it; systemd: `picturerail service install`)"
)
@pass_context
def run(context: Context) -> None:
    """Watch the folders and keep everything current until told to stop.

    SIGTERM and Ctrl-C finish what is in hand; SIGHUP reads the configuration again.
    """
    from picturerail_daemon.service.daemon import Daemon

    start_logging()
    daemon = Daemon(context.settings, context.loaded.file)
    daemon.install_signals()
    daemon.run()
