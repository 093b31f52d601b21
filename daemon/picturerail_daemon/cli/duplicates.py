"""`picturerail duplicates`: pictures that are the same, nearly the same, or of one burst."""

from __future__ import annotations

import click

from picturerail_daemon.cli.context import Context, json_option, pass_context, print_json, printable

_TITLES = {
    "same": "the same bytes",
    "near": "nearly the same picture",
    "burst": "one burst",
}


@click.command(epilog="Example: picturerail duplicates --distance 3")
@click.option(
    "--distance",
    type=click.IntRange(0, 16),
    default=6,
    show_default=True,
    help="Bits of 64 that two pictures' perceptual hashes may differ in.",
)
@json_option
@pass_context
def duplicates(context: Context, distance: int, as_json: bool) -> None:
    """Show pictures that belong together: copies, other sizes and edits, and bursts.

    Nothing is changed. The local describer sees what looks alike; without it only copies are found.
    """
    from picturerail_daemon.service.duplicates import duplicates as find

    groups = find(context.layout, distance)
    if as_json:
        print_json(groups)
        return
    for group in groups:
        click.echo(f"{_TITLES[group['kind']]}:")
        for picture in group["pictures"]:
            click.echo(f"{picture['id']:>6}  {printable(picture['path'])}")
    if not groups:
        click.echo("No picture is there twice.", err=True)
