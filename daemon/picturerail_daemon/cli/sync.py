"""`picturerail sync`: one pass over everything."""

from __future__ import annotations

from typing import Any

import click

from picturerail_daemon.cli.context import (
    Context,
    json_option,
    pass_context,
    perform,
    print_json,
    printable,
)


@click.command(epilog="Example: picturerail sync --json | jq .added")
@json_option
@click.option("--strict", is_flag=True, help="Exit 1 if a picture could not be read.")
@pass_context
def sync(context: Context, as_json: bool, strict: bool) -> int:
    """Look at every folder once: mirror, describe and index what changed, then end."""
    report = perform(context, "sync", {})
    if as_json:
        print_json(report)
    else:
        print_report(report)
    return 1 if strict and report["failed"] else 0


def print_report(report: dict[str, Any]) -> None:
    """Print a look's outcome for people."""
    parts = ("added", "changed", "moved", "deleted", "unchanged")
    click.echo(", ".join(f"{report[part]} {part}" for part in parts))
    for folder in report["missing"]:
        click.echo(f"Not there: {printable(folder)}; its pictures are kept as they are.", err=True)
    if report["held"]:
        click.echo(
            f"{report['held']} pictures vanished at once; their deletion is held until they are "
            "back or `picturerail accept-deletions`.",
            err=True,
        )
    for failure in report["failed"]:
        click.echo(f"Left out: {printable(failure['path'])}: {failure['reason']}", err=True)
    for waiting in report["waiting"]:
        click.echo(f"Still being written: {printable(waiting['path'])}", err=True)
    if report["waiting_reason"]:
        click.echo(
            f"{report['undescribed']} pictures are not described: {report['waiting_reason']}",
            err=True,
        )
    names = {"video": "videos", "raw": "RAW files", "other": "other files", "link": "links"}
    left_out = [f"{n} {names.get(kind, kind)}" for kind, n in sorted(report["left_out"].items())]
    if left_out:
        click.echo("Not pictures, left out: " + ", ".join(left_out))
