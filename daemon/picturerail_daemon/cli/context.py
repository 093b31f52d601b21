"""What every command shares: the configuration, asking the daemon, and printing."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import click

from picturerail_config import Loaded, Settings, find_config, load
from picturerail_daemon.service.places import Layout

Progress = Callable[[str, int, int], None]
F = TypeVar("F", bound=Callable[..., Any])


class Context:
    """The state of one invocation."""

    def __init__(self, config: Path | None) -> None:
        """Keep which configuration was asked for; it is read when first needed."""
        self.config = config

    @cached_property
    def loaded(self) -> Loaded:
        """The configuration, read and checked."""
        return load(find_config(self.config))

    @property
    def settings(self) -> Settings:
        """The effective settings."""
        return self.loaded.settings

    @property
    def layout(self) -> Layout:
        """Where things lie in the store."""
        return Layout(self.settings.store.path)


IMAGE_ID = click.IntRange(1, 2**64 - 1)
"""The type of an argument that names a picture by its id."""

pass_context = click.make_pass_decorator(Context)


def json_option(command: F) -> F:
    """Add `--json`: exactly one JSON document on stdout."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)


def perform(context: Context, command: str, arguments: dict[str, Any]) -> Any:
    """Have a writing command done: by the running daemon, or else here under our own lock."""
    from picturerail_daemon.service.control import ask

    with progress_bar() as progress:
        answered, result = ask(context.layout, command, arguments, progress)
        if answered:
            return result
        from picturerail_daemon.service.library import Library
        from picturerail_daemon.service.operations import OPERATIONS

        with Library(context.settings) as library:
            return OPERATIONS[command](library, arguments, progress)


@contextlib.contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show progress with the time left on a terminal; elsewhere show nothing."""
    if not sys.stderr.isatty():
        yield lambda _what, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import (
        Progress as Bar,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what)
            bar.update(tasks[what], completed=done, total=total)

        yield show


def print_json(document: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def printable(text: str) -> str:
    """Return a name that cannot disturb a terminal: control characters are escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
