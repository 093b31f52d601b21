"""`picturerail export`: brings the site up to date."""

from __future__ import annotations

import json
from pathlib import Path

import click

from picturerail_daemon.cli.context import (
    Context,
    json_option,
    pass_context,
    perform,
    print_json,
    printable,
)
from picturerail_daemon.errors import UsageError


@click.command(
    epilog="Example: picturerail export && rsync -a --delete-after ~/picturerail-site/ host:www/"
)
@click.option("--full", is_flag=True, help="Write every page again, whatever is there.")
@click.option("--dry-run", is_flag=True, help="Say what would change and write nothing.")
@click.option(
    "--changes",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the paths that were added, changed and removed, in order of upload, as JSON.",
)
@json_option
@pass_context
def export(
    context: Context, full: bool, dry_run: bool, changes: Path | None, as_json: bool
) -> None:
    """Write what changed into the static site and remove what is gone."""
    report = perform(
        context,
        "export",
        {
            "full": full,
            "dry_run": dry_run,
            "site": str(context.settings.export.path),
            "files": changes is not None,
        },
    )
    files = report.pop("files", None)
    if changes is not None:
        try:
            changes.write_text(json.dumps(files, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{changes}: cannot be written: {error.strerror}") from error
    if as_json:
        print_json(report)
        return
    would = "would be " if dry_run else ""
    click.echo(
        f"{report['added']} files {would}added, {report['changed']} changed, "
        f"{report['removed']} removed, {report['unchanged']} unchanged"
    )
    for skipped in report["skipped"]:
        click.echo(f"Left out: picture {skipped['id']}: {skipped['reason']}", err=True)
    for problem in report["problems"]:
        click.echo(printable(problem), err=True)
    click.echo((Path(report["site"]) / "index.html").as_uri())
