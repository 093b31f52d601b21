"""`picturerail undelete`: brings a deleted picture's bytes back."""

from __future__ import annotations

from pathlib import Path

import click

from picturerail_daemon.cli.context import IMAGE_ID, Context, pass_context
from picturerail_daemon.cli.get import output_option, write_original


@click.command(epilog="Example: picturerail undelete 7 -o ~/Pictures/cat.jpg")
@click.argument("image_id", metavar="ID", type=IMAGE_ID)
@click.option("--version", type=int, help="What the picture was before it was changed.")
@output_option
@pass_context
def undelete(context: Context, image_id: int, version: int | None, output: Path) -> None:
    """Write the bytes of a deleted picture, or of an earlier version of one, to a file.

    Put back into a watched folder, a deleted picture regains its id, tags and corrections.
    `picturerail deleted` lists what can be recovered, with `--versions` the earlier versions.
    """
    from picturerail_daemon.service import views
    from picturerail_daemon.service.reading import reading

    with reading(context.layout) as snapshot:
        if version is None:
            row = views.find(snapshot, str(image_id), deleted=True)
        else:
            row = views.find_version(snapshot, image_id, version)
        write_original(snapshot, row, output)
