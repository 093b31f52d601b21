"""`picturerail hide` and `unhide`: off the site and on it again."""

from __future__ import annotations

import click

from picturerail_daemon.cli.context import (
    IMAGE_ID,
    Context,
    json_option,
    pass_context,
    perform,
    print_json,
)


@click.command(epilog="Example: picturerail hide 7")
@click.argument("image_id", metavar="ID", type=IMAGE_ID)
@json_option
@pass_context
def hide(context: Context, image_id: int, as_json: bool) -> None:
    """Keep a picture off the site; it stays mirrored and searchable here."""
    _set(context, image_id, True, as_json)


@click.command(epilog="Example: picturerail unhide 7")
@click.argument("image_id", metavar="ID", type=IMAGE_ID)
@json_option
@pass_context
def unhide(context: Context, image_id: int, as_json: bool) -> None:
    """Put a hidden picture on the site again."""
    _set(context, image_id, False, as_json)


def _set(context: Context, image_id: int, hidden: bool, as_json: bool) -> None:
    record = perform(context, "hide", {"id": image_id, "hidden": hidden})
    if as_json:
        print_json(record)
    else:
        where = "off" if hidden else "on"
        click.echo(f"{image_id} is {where} the site from the next export on.")
