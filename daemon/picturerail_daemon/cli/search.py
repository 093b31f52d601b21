"""`picturerail search`: finds pictures in the terminal, with why each matched."""

from __future__ import annotations

from typing import Any

import click

from picturerail_daemon.cli.context import (
    IMAGE_ID,
    Context,
    json_option,
    pass_context,
    print_json,
    printable,
)
from picturerail_daemon.describe.interface import TextEncoder
from picturerail_daemon.errors import UsageError


@click.command(
    # "-dog" is a part of the query.
    context_settings={"ignore_unknown_options": True},
    epilog="Examples: picturerail search beach 2019 — picturerail search '\"hot dog\" -mustard' — "
    "picturerail search 'tag:beach (cat OR dog) 2019..2021-06' — picturerail search --similar 7",
)
@click.argument("query", nargs=-1)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000))
@click.option(
    "--sort",
    default="score",
    show_default=True,
    type=click.Choice(["score", "newest", "oldest", "name"]),
    help="What comes first.",
)
@click.option(
    "--facets",
    is_flag=True,
    help="Count what the pictures found have in common: tags, folders, years, cameras.",
)
@click.option("--strict", is_flag=True, help="Refuse a query that is not well formed.")
@click.option("--words", "by_words", is_flag=True, help="By words alone, not by meaning.")
@click.option("--similar", type=IMAGE_ID, metavar="ID", help="Pictures that look like this one.")
@json_option
@pass_context
def search(
    context: Context,
    query: tuple[str, ...],
    limit: int,
    sort: str,
    facets: bool,
    strict: bool,
    by_words: bool,
    similar: int | None,
    as_json: bool,
) -> int:
    """Find pictures by the words in their names, folders, tags and captions.

    Every word must match, or any where none has all; a word also finds words that it begins
    and tags near to it, and, where no picture has it, what is nearly it. "Quoted words" must
    stand side by side; -word excludes; word* only completes; a OR b; (groups); tag:word,
    name:, folder:, camera:, caption:, place:, people:, rating:; dates as 2019..2021-06 or
    date:2019-07. After the pictures that bear the words come those nearest in meaning.

    With --facets, JSON is {"hits": [...], "total": N, "facets": {field: [[value, count], ...]}}.
    """
    from picturerail_daemon.service import views

    for word in query:
        if word.startswith("--"):
            raise UsageError(f"there is no option {word}; `picturerail search --help` lists them")
    words = " ".join(query)
    if similar is not None and not words:
        hits = views.similar(context.layout, similar, limit)
    elif words and similar is None:
        weights = context.settings.search.weights
        encoders = () if by_words else _encoders(context)
        hits = views.search(
            context.layout, words, limit, weights, encoders=encoders, sort=sort, strict=strict
        )
    else:
        raise UsageError("give either words to search for or --similar ID")
    counts = None
    if facets:
        if similar is not None:
            raise UsageError("--facets counts what words find; it does not go with --similar")
        counts = views.facets(context.layout, words, context.settings.search.weights)
    if as_json:
        print_json(hits if counts is None else {"hits": hits, **counts})
    else:
        for hit in hits:
            click.echo(f"{hit['id']:>6}  {hit['score']:8.3f}  {printable(hit['path'])}")
            if hit["matched"]:
                click.echo(" " * 18 + "; ".join(_why(match) for match in hit["matched"]))
        if not hits:
            click.echo("Nothing found.", err=True)
        if counts is not None:
            click.echo(f"{counts['total']} found")
            for name, values in counts["facets"].items():
                told = ", ".join(f"{printable(value)} ({count})" for value, count in values)
                click.echo(f"{name:>8}  {told or '-'}")
    return 0


def _encoders(context: Context) -> list[TextEncoder]:
    from picturerail_daemon.meaning.words import WordVectors
    from picturerail_daemon.service.describers import text_encoders

    meaning = context.settings.meaning
    words = WordVectors(meaning.vectors, meaning.neighbours, context.layout.models)
    return [*text_encoders(context.settings, context.layout), words]


def _why(match: dict[str, Any]) -> str:
    if match["field"] == "meaning":
        return f"near in meaning ({match['similarity']:.2f})"
    word = printable(match["word"])
    if match["via"]:
        return f"{word} through {printable(match['via'])} ({match['similarity']:.2f})"
    return f"{word} in {match['field']}"
