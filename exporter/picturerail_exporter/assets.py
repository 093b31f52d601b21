"""A site's files that no picture changes: style sheets, scripts, and what a theme has beside."""

from __future__ import annotations

from collections.abc import Iterator

from picturerail_exporter.media import shapes_css
from picturerail_exporter.minified import with_short_names, without_comments
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.theme import Theme

SEARCH_SCRIPT = "static/search.js"
SEARCH_SCRIPTS = tuple(
    f"static/{name}.js"
    for name in (
        "apart",
        "analyse",
        "language",
        "region",
        "english",
        "german",
        "range",
        "lean",
        "records",
        "files",
        "directory",
        "beside",
        "words",
        "told",
        "postings",
        "query",
        "documents",
        "distance",
        "worth",
        "lists",
        "sources",
        "phrase",
        "nearness",
        "together",
        "either",
        "facets",
        "meaning",
        "logic",
        "reading",
        "ranking",
        "find",
        "completions",
        "worker",
    )
)
"""What searches, in the order in which it runs; of languages a site has its own alone."""

SENT_ALONE = ("static/either.js", "static/facets.js", "static/phrase.js")
"""These are sent alone, to those that ask for one or another word, narrow a search, or ask for
phrases."""

_OF_LANGUAGES = {
    "none": frozenset[str](),
    "english": frozenset({"static/region.js", "static/english.js"}),
    "german": frozenset({"static/region.js", "static/german.js"}),
}
_OF_ANY = frozenset().union(*_OF_LANGUAGES.values())


def search_scripts(language: str) -> tuple[str, ...]:
    """Return what searches texts of a language, named as the engine does, in order: one script."""
    others = _OF_ANY - _OF_LANGUAGES[language] | set(SENT_ALONE)
    return tuple(path for path in SEARCH_SCRIPTS if path not in others)


def static_files(
    theme: Theme, recipe: Recipe, search_language: str = "english"
) -> Iterator[tuple[str, bytes]]:
    """Yield the style sheets, scripts, icon, and what else a theme has, as (path, bytes).

    `search_language` is that of the texts, as the engine knows it: another's rules are not sent.
    """
    scripts: dict[str, bytes] = {}
    for path, data in theme.static_files():
        if path == "static/fallback.js" and "jpeg" not in recipe.formats:
            continue
        # The shapes ride along: a file of its own would be one more request.
        if path == "static/site.css":
            yield path, data + shapes_css()
        elif path in SENT_ALONE:
            yield path, with_short_names(data)
        elif path in SEARCH_SCRIPTS:
            scripts[path] = data
        elif path.endswith(".js"):
            if path != SEARCH_SCRIPT:
                yield path, without_comments(data)
        else:
            yield path, data
    # What searches is one script, for the same reason.
    search = b"\n".join(scripts[path] for path in search_scripts(search_language))
    yield SEARCH_SCRIPT, with_short_names(search)
