"""`picturerail accept-deletions`: the user's word that a mass deletion was meant."""

from __future__ import annotations

import click

from picturerail_daemon.cli.context import Context, json_option, pass_context, perform, print_json
from picturerail_daemon.cli.sync import print_report


@click.command("accept-deletions", epilog="Example: picturerail accept-deletions")
@json_option
@pass_context
def accept_deletions(context: Context, as_json: bool) -> None:
    """Carry out deletions that were held because too many pictures vanished at once.

    Deleted pictures stay recoverable for `keep_deleted_days`.
    """
    report = perform(context, "accept-deletions", {})
    if as_json:
        print_json(report)
    else:
        print_report(report)
