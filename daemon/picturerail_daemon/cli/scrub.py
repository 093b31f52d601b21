"""`picturerail scrub`: finds originals that rotted under an unchanged modification time."""

from __future__ import annotations

import click

from picturerail_daemon.cli.context import (
    Context,
    json_option,
    pass_context,
    print_json,
    printable,
    progress_bar,
)


@click.command(epilog="Example: picturerail scrub --rate 20")
@click.option(
    "--rate",
    type=click.FloatRange(0, 100_000, min_open=True),
    metavar="MB",
    default=100.0,
    show_default=True,
    help="Read no more than so many megabytes a second.",
)
@json_option
@pass_context
def scrub(context: Context, rate: float, as_json: bool) -> int:
    """Read every original again and compare it with what was mirrored.

    Nothing is changed; `picturerail get ID -o FILE` gives the mirrored bytes back.
    """
    from picturerail_daemon.service.checking import scrub_originals

    with progress_bar() as progress:
        report = scrub_originals(context.layout, progress, rate * 1e6)
    if as_json:
        print_json(report)
    else:
        for rotten in report["rotten"]:
            click.echo(f"{printable(rotten['path'])}: {rotten['reason']}")
            if rotten["recoverable"]:
                click.echo(f"    the mirrored bytes: picturerail get {rotten['id']} -o FILE")
        click.echo(f"{report['checked']} read, {len(report['rotten'])} damaged")
    return 1 if report["rotten"] else 0
