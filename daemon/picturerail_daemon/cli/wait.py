"""`picturerail wait`: the barrier."""

from __future__ import annotations

import math

import click

from picturerail_daemon.cli.context import Context, json_option, pass_context, print_json
from picturerail_daemon.errors import PicturerailError, UsageError


@click.command(epilog="Example: cp cat.jpg ~/Pictures && picturerail wait --timeout 30")
@click.option(
    "--timeout", type=click.FloatRange(0, 10_000_000), metavar="S", help="Give up after S seconds."
)
@click.option("--described", is_flag=True, help="Wait for the describers too.")
@json_option
@pass_context
def wait(context: Context, timeout: float | None, described: bool, as_json: bool) -> None:
    """Return when everything that happened before now is durable and found by `search`."""
    from picturerail_daemon.service.control import ask

    if timeout is not None and math.isnan(timeout):
        raise UsageError("--timeout must be a number of seconds")

    answered, result = ask(
        context.layout,
        "wait",
        {"timeout": timeout, "described": described},
        lambda _what, _done, _total: None,
    )
    if not answered:
        raise PicturerailError(
            f"{context.layout.store}: no daemon runs for this store; start `picturerail run`, "
            "or use `picturerail sync`"
        )
    if as_json:
        print_json(result)
