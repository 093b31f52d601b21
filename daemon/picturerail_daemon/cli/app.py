"""The command `picturerail`: global options, the list of commands, and how errors end."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from pathlib import Path
from typing import Any

import click

from picturerail_config import ConfigError
from picturerail_daemon.cli.context import Context
from picturerail_daemon.errors import PicturerailError, UsageError
from picturerail_native.database import DatabaseError
from picturerail_native.search import SearchError

COMMANDS = {
    "up": "up",
    "init": "init",
    "run": "run",
    "sync": "sync",
    "export": "export",
    "search": "search",
    "show": "show",
    "get": "get",
    "tag": "tag",
    "hide": "hide",
    "unhide": "hide",
    "deleted": "deleted",
    "undelete": "undelete",
    "purge": "purge",
    "forget": "forget",
    "accept-deletions": "accept_deletions",
    "synonyms": "synonyms",
    "status": "status",
    "wait": "wait",
    "check": "check",
    "scrub": "scrub",
    "models": "models",
    "duplicates": "duplicates",
    "backup": "backup",
    "restore": "restore",
    "serve": "serve",
    "service": "service",
    "config": "config",
}
"""Every command and the module it stands in, imported only when it is used."""


class Commands(click.Group):
    """Finds commands by name without importing the others."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Return a command, importing its module."""
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"picturerail_daemon.cli.{COMMANDS[name]}")
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with: picturerail up ~/Pictures",
)
@click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path),
    help="The configuration file. Default: $XDG_CONFIG_HOME/picturerail/picturerail.toml, "
    "then /etc/picturerail/picturerail.toml.",
)
@click.version_option(package_name="picturerail")
@click.pass_context
def picturerail(ctx: click.Context, config: Path | None) -> None:
    """Mirror photo folders durably and hang them in a searchable static gallery."""
    ctx.obj = Context(config)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    try:
        result: Any = picturerail.main(arguments, standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        return 130
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "picturerail"
        return _complain(f"{error.format_message().rstrip('.')}; see `{command} --help`", 2)
    except (ConfigError, UsageError) as error:
        return _complain(error, 2)
    except PicturerailError as error:
        return _complain(error, error.exit_code)
    except (DatabaseError, SearchError) as error:
        return _complain(error, 1)
    except BrokenPipeError:
        # Whoever read our output has seen enough; say nothing more, also not at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        return _complain(f"{where}{error.strerror or error}", 1)
    return result if isinstance(result, int) else 0


def _complain(error: Exception | str, code: int) -> int:
    """Print one line on stderr, whatever the message's names contain."""
    line = str(error).replace("\n", "\\n").encode("utf-8", "replace").decode()
    click.echo(f"picturerail: {line}", err=True)
    return code
