"""`picturerail status`: health and counts."""

from __future__ import annotations

import time

import click

from picturerail_daemon.cli.context import Context, json_option, pass_context, print_json, printable


@click.command(epilog="Example: picturerail status --json | jq .pending")
@json_option
@pass_context
def status(context: Context, as_json: bool) -> None:
    """Show whether the daemon runs, what it holds and what it waits for."""
    from picturerail_daemon.service import views
    from picturerail_daemon.service.reading import reading

    shown = views.overview(context.layout, context.settings.export.path)
    if as_json:
        print_json(shown)
        return
    pid = f" (process {shown['pid']})" if shown["pid"] else ""
    click.echo(f"{shown['state']}{pid}: {shown['photos']} photos, {shown['deleted']} recoverable")
    click.echo(
        f"transaction {shown['seq']}, index at {shown['index_seq']}, site at {shown['site_seq']}"
    )
    if shown["pending"] or shown["undescribed"]:
        left = shown["seconds_left"]
        time_left = "" if left is None else f", about {max(1, round(left / 60))} min left"
        click.echo(
            f"{shown['pending']} places to look at, {shown['undescribed']} to describe{time_left}"
        )
    for root in shown["watch"]["roots"]:
        trouble = root["fault"]
        if not root["present"]:
            trouble = "not there; deletions are held"
        elif root["foreign"]:
            trouble = "another file system lies there than before; deletions are held"
        held = f", {root['held']} deletions held" if root["held"] else ""
        age = f", last looked at {_ago(root['looked_at'])}" if root["looked_at"] else ""
        line = f"{printable(root['folder'])}: {root['tier']}{age}{held}"
        click.echo(line + (f"; {trouble}" if trouble else ""))
    if shown["failed"]:
        with reading(context.layout) as snapshot:
            for failure in views.failures(snapshot):
                click.echo(f"Left out: {printable(failure['path'])}: {failure['reason']}")
    if shown["low_space"]:
        click.echo(
            f"Only {shown['free_bytes'] >> 20} MB are free on the store's disk: make room soon",
            err=True,
        )
    for trouble in (shown["waiting_reason"], shown["last_error"]):
        if trouble:
            click.echo(printable(trouble), err=True)


def _ago(moment: float) -> str:
    """Return how long ago a moment was, as people say it."""
    seconds = max(0.0, time.time() - moment)
    if seconds < 90:
        return f"{seconds:.0f} s ago"
    return f"{seconds / 60:.0f} min ago" if seconds < 5400 else f"{seconds / 3600:.0f} h ago"
