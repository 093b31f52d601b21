"""`picturerail serve`: previews the site on this machine alone."""

from __future__ import annotations

from http.server import ThreadingHTTPServer
from pathlib import Path

import click

from picturerail_daemon.cli.context import Context, pass_context
from picturerail_daemon.errors import NotThereError, UsageError


def open_server(site: Path, port: int) -> ThreadingHTTPServer:
    """Listen on a port of loopback."""
    from picturerail_exporter.serve import make_server

    try:
        return make_server(site, port, reload=True)
    except OSError as error:
        raise UsageError(
            f"port {port} of 127.0.0.1 cannot be used: {(error.strerror or '').lower()}; "
            "choose another with --port"
        ) from error


@click.command(epilog="Example: picturerail serve --port 8000")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@pass_context
def serve(context: Context, port: int) -> None:
    """Preview the site on loopback; pages reload when an export changed them. Ctrl-C ends it."""
    site = context.settings.export.path
    if not (site / "index.html").is_file():
        raise NotThereError(f"{site}: no site yet; `picturerail export` makes it")
    with open_server(site, port) as server:
        click.echo(f"http://127.0.0.1:{server.server_address[1]}/")
        server.serve_forever()
