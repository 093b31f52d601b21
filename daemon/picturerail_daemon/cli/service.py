"""`picturerail service`: the systemd unit for the configured folders."""

from __future__ import annotations

from pathlib import Path

import click

from picturerail_daemon.cli.context import Context, json_option, pass_context, print_json


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

    Tests first that the folders can be read and store and site be written.
    """
    from picturerail_daemon.service.units import install_unit

    unit, commands = install_unit(context.settings, context.loaded.file, user=user, into=directory)
    if as_json:
        print_json({"unit": str(unit), "next": commands})
        return
    click.echo(f"Wrote {unit}")
    click.echo("Next:")
    for command in commands:
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
    unit, commands = uninstall_unit(user=user, into=directory)
    if as_json:
        print_json({"unit": str(unit), "next": commands})
        return
    click.echo(f"Removed {unit}")
    for command in commands:
        click.echo(f"  {command}")
