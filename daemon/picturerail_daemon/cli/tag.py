"""`picturerail tag`: the user's own words."""

from __future__ import annotations

import click

from picturerail_daemon.cli.context import (
    IMAGE_ID,
    Context,
    json_option,
    pass_context,
    perform,
    print_json,
    printable,
)
from picturerail_daemon.errors import UsageError


@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog='Examples: picturerail tag 7 +holiday -dock — picturerail tag 7 "+hot dog"',
)
@click.argument("image_id", metavar="ID", type=IMAGE_ID)
@click.argument("words", metavar="[+WORD] [-WORD]", nargs=-1, type=click.UNPROCESSED)
@json_option
@pass_context
def tag(context: Context, image_id: int, words: tuple[str, ...], as_json: bool) -> None:
    """Add (+) or remove (-) tags of a picture; no describer overwrites them."""
    wrong = [word for word in words if len(word) < 2 or word[0] not in "+-"]
    if wrong or not words:
        raise UsageError(f"{wrong[0] if wrong else 'tag'}: give words as +word or -word")
    for word in words:
        if not word[1:].strip() or not word[1:].isprintable():
            raise UsageError(f"{word!r}: a tag is a word or words, in printable letters")
    added = [word[1:].strip() for word in words if word[0] == "+"]
    removed = [word[1:].strip() for word in words if word[0] == "-"]
    record = perform(context, "tag", {"id": image_id, "added": added, "removed": removed})
    if as_json:
        print_json(record)
    else:
        click.echo(", ".join(printable(t["name"]) for t in record["metadata"]["tags"]))
