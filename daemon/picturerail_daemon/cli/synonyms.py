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
    """Show the words by which a picture tagged WORD is also found, with weight and reason."""
    from picturerail_daemon.meaning.wordnet import WordNet
    from picturerail_daemon.meaning.words import WordVectors

    meaning = context.settings.meaning
    vectors = WordVectors(meaning.vectors, meaning.neighbours, context.layout.models)
    near = vectors.neighbours(word)
    similar = dict(near)
    found = vectors.reach(word, near)
    wordnet = WordNet()
    rows = [
        {
            "word": other,
            "weight": weight,
            "why": wordnet.relation(other, word.lower())[0].value,
            "similarity": similar.get(other),
        }
        for other, weight in found[:limit]
    ]
    if as_json:
        print_json(
            {
                "word": word,
                "vectors": vectors.version,
                "neighbours": [{"word": w, "similarity": round(s, 4)} for w, s in near],
                "reached_by": rows,
            }
        )
        return
    for row in rows:
        near_by = "" if row["similarity"] is None else f", similarity {row['similarity']:.2f}"
        click.echo(f"{row['weight']:.3f}  {printable(str(row['word']))}  ({row['why']}{near_by})")
    if not rows:
        click.echo(f"{printable(word)}: not in the word vectors; it is found by itself.", err=True)
