"""`picturerail synonyms`: which words would match, and why."""

from __future__ import annotations

import click

from picturerail_daemon.cli.context import Context, json_option, pass_context, print_json, printable


@click.command(epilog="Example: picturerail synonyms grass")
@click.argument("word")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
@json_option
@pass_context
def synonyms(context: Context, word: str, limit: int, as_json: bool) -> None:
    """Show the words by which a picture tagged WORD is also found, nearest first."""
    from picturerail_daemon.meaning.words import WordVectors

    vectors = WordVectors(context.settings.meaning.vectors, limit)
    found = vectors.neighbours(word)
    if as_json:
        print_json(
            {
                "word": word,
                "vectors": vectors.version,
                "neighbours": [{"word": w, "similarity": round(s, 4)} for w, s in found],
            }
        )
        return
    for near, similarity in found:
        click.echo(f"{similarity:.3f}  {printable(near)}")
    if not found:
        click.echo(f"{printable(word)}: not in the word vectors; it is found by itself.", err=True)
