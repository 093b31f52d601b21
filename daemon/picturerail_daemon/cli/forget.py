"""`picturerail forget`: deletes truly what came from a folder no longer configured."""

from __future__ import annotations

import os

import click

from picturerail_daemon.cli.context import Context, json_option, pass_context, perform, print_json


@click.command(epilog="Example: picturerail forget ~/OldPictures")
@click.argument("folder")
@json_option
@pass_context
def forget(context: Context, folder: str, as_json: bool) -> None:
    """Delete truly all that was mirrored from a folder that left the configuration."""
    if "/" in folder or os.path.isdir(folder):  # noqa: PTH112
        folder = os.path.abspath(folder)  # noqa: PTH100  follows no links
    result = perform(context, "forget", {"folder": folder})
    if as_json:
        print_json(result)
    else:
        click.echo(f"{len(result['purged'])} pictures are gone from the store.")
