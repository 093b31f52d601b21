"""`picturerail check`: verifies database, index and site against each other."""

from __future__ import annotations

from pathlib import Path

import click

from picturerail_daemon.cli.context import Context, json_option, pass_context, print_json, printable
from picturerail_daemon.errors import UsageError


@click.command(epilog="Example: picturerail check --deep")
@click.option("--quick", is_flag=True, help="Look only at what opening the database relies on.")
@click.option("--deep", is_flag=True, help="Hash all pictures too, and compare all indexes.")
@click.option(
    "--salvage",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Make a database at DIR of all that can be read of a damaged one.",
)
@json_option
@pass_context
def check(context: Context, quick: bool, deep: bool, salvage: Path | None, as_json: bool) -> int:
    """Verify checksums, and that index and site hold exactly what the database does.

    With `--salvage` the database is only read, and what is lost is told. To go on with what was
    saved, move `database` out of the store's folder and DIR into its place.
    """
    from picturerail_daemon.service.checking import check_all, salvage_database

    if quick + deep + (salvage is not None) > 1:
        raise UsageError("--quick, --deep and --salvage: name one of them")
    if salvage is None:
        problems = check_all(context.layout, context.settings.export, deep=deep, quick=quick)
    else:
        problems = salvage_database(context.layout, salvage)
    if as_json:
        print_json({"ok": not problems, "problems": problems})
    else:
        for problem in problems:
            click.echo(f"{printable(problem['where'])}: {printable(problem['what'])}")
        if not problems:
            click.echo("Sound." if salvage is None else "Nothing is lost.")
    return 1 if problems else 0
