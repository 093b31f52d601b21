"""`picturerail get`: a picture's original bytes, out of the database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

import click

from picturerail_daemon.cli.context import Context, pass_context
from picturerail_daemon.errors import PicturerailError, UsageError
from picturerail_native.database import Blob, Snapshot
from picturerail_native.records import ImageRow

CHUNK = 1 << 20

output_option = click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="A file, or - for stdout.",
)


@click.command(epilog="Example: picturerail get 7 -o cat.jpg")
@click.argument("what")
@output_option
@pass_context
def get(context: Context, what: str, output: Path) -> None:
    """Write a mirrored picture's original bytes to a file."""
    from picturerail_daemon.service import views
    from picturerail_daemon.service.reading import reading

    with reading(context.layout) as snapshot:
        write_original(snapshot, views.find(snapshot, what), output)


def write_original(snapshot: Snapshot, row: ImageRow, output: Path) -> None:
    """Write a row's bytes; a file appears whole or not at all.

    What is no file, as a device or a pipe, is written into and never replaced.
    """
    if not row.has_data:
        raise PicturerailError(
            f"{row.id}: its bytes are not stored, since `store.keep_originals` was false"
        )
    with snapshot.open_blob(row.content_hash) as blob:
        if str(output) == "-":
            _copy(blob, sys.stdout.buffer)
            return
        target = output.resolve()
        if target.is_dir():
            raise UsageError(f"{output}: is a folder; name a file in it")
        if target.exists() and not target.is_file():
            with target.open("wb") as file:
                _copy(blob, file)
            return
        temporary = target.with_name(target.name + ".picturerail-part")
        try:
            with temporary.open("wb") as file:
                _copy(blob, file)
            temporary.replace(target)
        except OSError as error:
            raise PicturerailError(f"{output}: cannot be written: {error.strerror}") from error
        finally:
            temporary.unlink(missing_ok=True)


def _copy(source: Blob, target: BinaryIO) -> None:
    while chunk := source.read(CHUNK):
        target.write(chunk)
