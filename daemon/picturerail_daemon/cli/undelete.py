"""`picturerail undelete`: brings a deleted picture's bytes back."""

from __future__ import annotations

from pathlib import Path

import click

from picturerail_daemon.cli.context import IMAGE_ID, Context, pass_context
from picturerail_daemon.cli.get import output_option, write_original


@click.command(epilog="Example: picturerail undelete 7 -o ~/Pictures/cat.jpg")
@click.argument("image_id", metavar="ID", type=IMAGE_ID)
@output_option
@pass_context
def undelete(context: Context, image_id: int, output: Path) -> None:
    """Write a deleted picture's bytes to a file.

    Put back into a watched folder, the picture regains its id, tags and corrections.
    `picturerail deleted` lists what can be recovered.
    """
    from picturerail_daemon.service import views
    from picturerail_daemon.service.reading import reading

    with reading(context.layout) as snapshot:
        write_original(snapshot, views.find(snapshot, str(image_id), deleted=True), output)
