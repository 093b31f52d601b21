"""`picturerail deleted`: what can still be recovered."""

from __future__ import annotations

import click

from picturerail_daemon.cli.context import Context, json_option, pass_context, print_json, printable


@click.command(epilog="Example: picturerail deleted --versions")
@click.option("--versions", is_flag=True, help="List earlier versions of changed pictures instead.")
@json_option
@pass_context
def deleted(context: Context, versions: bool, as_json: bool) -> None:
    """List deleted pictures that `undelete` can bring back, and until when."""
    from picturerail_daemon.service import views
    from picturerail_daemon.service.reading import reading

    with reading(context.layout) as snapshot:
        list_rows = views.earlier_versions if versions else views.deleted_rows
        rows = list_rows(snapshot, context.settings.store.keep_deleted_days)
    if as_json:
        print_json(rows)
        return
    for row in rows if versions else ():
        until, name = row["until"][:10], printable(row["path"])
        click.echo(f"{row['id']:>6}  version {row['version']}  until {until}  {name}")
    if versions:
        if not rows:
            click.echo("No picture has an earlier version.", err=True)
        return
    for row in rows:
        note = "" if row["recoverable"] else "  (bytes were not kept)"
        click.echo(f"{row['id']:>6}  until {row['until'][:10]}  {printable(row['path'])}{note}")
    if not rows:
        click.echo("Nothing is deleted.", err=True)
