"""`picturerail show`: one record."""

from __future__ import annotations

from typing import Any

import click

from picturerail_daemon.cli.context import Context, json_option, pass_context, print_json, printable


@click.command(epilog="Examples: picturerail show 7 — picturerail show ~/Pictures/cat.jpg")
@click.argument("what")
@json_option
@pass_context
def show(context: Context, what: str, as_json: bool) -> None:
    """Show all that is known of a picture: WHAT is an id or a path, which contains a `/`."""
    from picturerail_daemon.service import views
    from picturerail_daemon.service.reading import reading

    with reading(context.layout) as snapshot:
        record = views.record(snapshot, views.find(snapshot, what, deleted=True))
    if as_json:
        print_json(record)
        return
    metadata = record["metadata"]
    for name in ("id", "path", "content_hash", "size", "mtime", "deleted"):
        if record[name] is not None:
            click.echo(f"{name:>13}  {printable(str(record[name]))}")
    for name in ("mime", "width", "height", "taken", "camera", "lens", "caption"):
        if metadata.get(name):
            click.echo(f"{name:>13}  {printable(str(metadata[name]))}")
    if record["hidden"]:
        click.echo(f"{'hidden':>13}  yes, not on the site")
    for tag in metadata["tags"]:
        click.echo(f"{'tag':>13}  {_tag(tag)}")
    for source, said in metadata.get("descriptions", {}).items():
        if said.get("reason"):
            state = said.get("state", "done")
            click.echo(f"{source:>13}  {state}: {printable(said['reason'])}")


def _tag(tag: dict[str, Any]) -> str:
    return f"{printable(tag['name'])} ({tag['confidence']:.2f}, {tag['source']})"
