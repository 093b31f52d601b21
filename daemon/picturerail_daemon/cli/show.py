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
    for name in ("people", "places", "time_words"):
        if metadata[name]:
            words = printable(", ".join(metadata[name]))
            click.echo(f"{name.replace('_', ' '):>13}  {words}")
    if metadata["rating"] is not None:
        click.echo(f"{'rating':>13}  {metadata['rating']}")
    for source, said in metadata.get("descriptions", {}).items():
        state, reason = said.get("state", "done"), said.get("reason", "")
        why = f": {printable(reason)}" if reason else ""
        click.echo(f"{source:>13}  {state}{why} (version {printable(said['version'])})")
    for name in ("taken", "gps"):
        if metadata.get(f"{name}_from"):
            click.echo(f"{name:>13}  as {metadata[f'{name}_from']} tells")


def _tag(tag: dict[str, Any]) -> str:
    return f"{printable(tag['name'])} ({tag['confidence']:.2f}, {tag['source']})"
