"""`picturerail service`: the systemd unit for the configured folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from picturerail_daemon.cli.context import Context, json_option, pass_context, print_json

if TYPE_CHECKING:
    from picturerail_daemon.service.units import Installed


def _json(done: Installed) -> dict[str, Any]:
    return {
        "unit": str(done.unit),
        "files": [str(file) for file in done.files],
        "next": list(done.commands),
    }


@click.group(epilog="Example: picturerail service install --user")
def service() -> None:
    """Install or remove the systemd service."""


@service.command("install")
@click.option("--user", is_flag=True, help="For this user, without root.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    help="Write the unit here instead of where systemd looks.",
)
@json_option
@pass_context
def install(context: Context, user: bool, directory: Path | None, as_json: bool) -> None:
    """Write a unit that may reach exactly what the configuration names.

    Tests first that the folders can be read, the program be run, and store and site be written.
    """
    from picturerail_daemon.service.units import install_unit

    done = install_unit(context.settings, context.loaded.file, user=user, into=directory)
    if as_json:
        print_json(_json(done))
        return
    for path in (done.unit, *done.files):
        click.echo(f"Wrote {path}")
    click.echo("Next:")
    for command in done.commands:
        click.echo(f"  {command}")


@service.command("uninstall")
@click.option("--user", is_flag=True, help="The user's own service.")
@click.option("--directory", type=click.Path(path_type=Path), help="Where the unit was written.")
@json_option
@pass_context
def uninstall(context: Context, user: bool, directory: Path | None, as_json: bool) -> None:
    """Remove the unit; store, site and configuration stay."""
    from picturerail_daemon.service.units import uninstall_unit

    del context
    done = uninstall_unit(user=user, into=directory)
    if as_json:
        print_json(_json(done))
        return
    for path in (done.unit, *done.files):
        click.echo(f"Removed {path}")
    for command in done.commands:
        click.echo(f"  {command}")
