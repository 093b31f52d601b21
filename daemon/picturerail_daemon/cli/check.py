"""`picturerail check`: verifies database, index and site against each other."""

from __future__ import annotations

import click

from picturerail_daemon.cli.context import Context, json_option, pass_context, print_json, printable


@click.command(epilog="Example: picturerail check --deep")
@click.option("--deep", is_flag=True, help="Read and hash every stored byte too.")
@json_option
@pass_context
def check(context: Context, deep: bool, as_json: bool) -> int:
    """Verify checksums, and that index and site hold exactly what the database does."""
    from picturerail_daemon.service.checking import check_all

    problems = check_all(context.layout, context.settings.export, deep=deep)
    if as_json:
        print_json({"ok": not problems, "problems": problems})
    else:
        for problem in problems:
            click.echo(f"{printable(problem['where'])}: {printable(problem['what'])}")
        if not problems:
            click.echo("Sound.")
    return 1 if problems else 0
