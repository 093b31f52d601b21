"""`picturerail config`: is it right, and what is in force?"""

from __future__ import annotations

from typing import Any

import click
import msgspec

from picturerail_daemon.cli.context import Context, json_option, pass_context, print_json


@click.group(epilog="Example: picturerail config show")
def config() -> None:
    """Check the configuration, or show what is in force."""


@config.command("check")
@json_option
@pass_context
def check(context: Context, as_json: bool) -> None:
    """Check the file; a fault is one line with file, line and key."""
    from picturerail_daemon.service.library import check_settings

    check_settings(context.settings, context.layout)
    if as_json:
        print_json({"ok": True, "file": str(context.loaded.file)})
    else:
        click.echo(f"{context.loaded.file}: all right")


@config.command("show")
@json_option
@pass_context
def show(context: Context, as_json: bool) -> None:
    """Show every setting with where it came from."""
    loaded = context.loaded
    flat = _flatten(msgspec.to_builtins(loaded.settings, enc_hook=str))
    rows = {
        key: {"value": value, "from": str(loaded.file) if key in loaded.keys else "default"}
        for key, value in flat.items()
    }
    if as_json:
        print_json(rows)
        return
    for key, row in rows.items():
        value = msgspec.json.encode(row["value"]).decode()
        click.echo(f"{key} = {value}   # {row['from']}")


def _flatten(value: Any, above: str = "") -> dict[str, Any]:
    if isinstance(value, dict) and (value or not above):
        return {
            key: inner
            for name, item in value.items()
            for key, inner in _flatten(item, f"{above}{name}.").items()
        }
    return {above[:-1]: value}
