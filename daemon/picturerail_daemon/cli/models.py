"""`picturerail models`: open models that can be brought when somebody wants them."""

from __future__ import annotations

from pathlib import Path

import click

from picturerail_daemon.cli.context import (
    Context,
    json_option,
    pass_context,
    print_json,
    printable,
    progress_bar,
)

_registry = click.option(
    "--registry",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Models beside the built-in list: a TOML file of the same form.",
)


@click.group(epilog="Example: picturerail models fetch clip-vit-b32")
def models() -> None:
    """List and fetch open models; nothing is ever fetched unasked."""


@models.command("list")
@_registry
@json_option
@pass_context
def list_models(context: Context, registry: Path | None, as_json: bool) -> None:
    """Show which models there are, how large they are, and which are here."""
    from picturerail_daemon.describe.models import is_whole, registered

    rows = [
        {
            "name": name,
            "about": model.about,
            "license": model.license,
            "bytes": model.bytes,
            "here": is_whole(model, context.layout.models / name),
        }
        for name, model in registered(registry).items()
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        here = "here" if row["here"] else f"{int(str(row['bytes'])) / 1e6:.0f} MB"
        text = f"{row['name']:20} {here:>8}  {row['license']:12} {row['about']}"
        click.echo(printable(text))


@models.command(epilog="Example: picturerail models fetch clip-vit-b32")
@click.argument("name")
@_registry
@pass_context
def fetch(context: Context, name: str, registry: Path | None) -> None:
    """Download a model into the store; a download that was cut off goes on.

    Every file's SHA-256 must be the registered one. Afterwards `describe.onnx.clip` may name it.
    """
    from picturerail_daemon.describe import models as known

    model = known.find(known.registered(registry), name)
    context.layout.make()
    folder = context.layout.models / name
    with progress_bar() as progress:
        known.fetch(model, folder, progress)
    click.echo(f"{name} ({model.license}) lies in {printable(str(folder))}")
