"""`picturerail export`: brings the site up to date."""

from __future__ import annotations

from pathlib import Path

import click

from picturerail_daemon.cli.context import Context, json_option, pass_context, perform, print_json


@click.command(
    epilog="Example: picturerail export && rsync -a --delete ~/picturerail-site/ host:www/"
)
@click.option("--full", is_flag=True, help="Write every page again, whatever is there.")
@click.option("--dry-run", is_flag=True, help="Say what would change and write nothing.")
@json_option
@pass_context
def export(context: Context, full: bool, dry_run: bool, as_json: bool) -> None:
    """Write what changed into the static site and remove what is gone."""
    report = perform(
        context,
        "export",
        {"full": full, "dry_run": dry_run, "site": str(context.settings.export.path)},
    )
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
    click.echo((Path(report["site"]) / "index.html").as_uri())
