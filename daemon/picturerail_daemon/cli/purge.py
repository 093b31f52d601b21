"""`picturerail purge`: deletes a picture truly."""

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


@click.command(epilog="Example: picturerail purge 7")
@click.argument("image_id", metavar="ID", type=IMAGE_ID)
@json_option
@pass_context
def purge(context: Context, image_id: int, as_json: bool) -> None:
    """Delete a picture truly and at once; nothing brings it back."""
    result = perform(context, "purge", {"id": image_id})
    if as_json:
        print_json(result)
    else:
        click.echo(f"{image_id} is gone from the store. Its page goes with the next export.")
