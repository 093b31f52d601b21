"""What a site's search is sent of languages: the rules of its own texts', and no other's."""

from dataclasses import replace
from typing import get_args

import pytest
from playwright.sync_api import expect

from picturerail_config.settings import SearchLanguage
from picturerail_exporter.compressed import KINDS
from picturerail_native.search import stem

from .helpers import plain, tree

LANGUAGES = get_args(SearchLanguage)
SAID = {
    "english": b'"a about after all also',
    "german": b'"aber alle als also am',
}
"""How the words begin that say little in a language, as its script has them."""

BEARING = {
    "english": {"hobbies": [1], "haeuser": [], "the hills": [3]},
    "german": {"hobbies": [], "haeuser": [2], "der Fluss": [4]},
    "none": {"hobbies": [], "haeuser": [], "Haus": [2]},
}
"""What is found by other forms of its words, or beside words that say little, by language."""


def captioned(source):
    """Add pictures that say something in two languages."""
    for number, caption in enumerate(["A hobby", "Ein Haus", "Some hill", "Am Fluss"], 1):
        source.add(f"{number}.jpg", plain((1, 2, number)), number=number, caption=caption)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_site_has_the_rules_of_its_language_alone(language, source, options, publish):
    """No script holds the words and endings of a language that the site's texts are not in."""
    captioned(source)
    publish(replace(options, search_language=language))

    scripts = {path: data for path, data in tree(options.path).items() if path.endswith(".js")}
    holding = {
        each: [path for path, data in scripts.items() if said in data]
        for each, said in SAID.items()
    }
    assert {each: ["static/search.js"] if each == language else [] for each in SAID} == holding
    assert (b"regionOf" in scripts["static/search.js"]) == (language != "none")


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_forms_of_words_are_found_in_each_language(
    language, source, options, publish, serve, chromium
):
    """A visitor finds other forms of a word as the site's language has them, and of no other."""
    captioned(source)
    publish(replace(options, search_language=language))
    site = serve(options.path)
    page = chromium.new_page()

    for query, found in BEARING[language].items():
        page.goto(f"{site}?q={query}")
        expect(page.locator("html")).to_have_attribute("data-search", "ready")
        hits = page.locator("#results [data-photo-id]").all()
        assert [int(hit.get_attribute("data-photo-id")) for hit in hits] == found, query
        # Nothing is to be explained: no word was given up for these.
        assert page.locator("#results-note").is_hidden() == bool(found)

    page.goto(site)
    page.add_script_tag(url=f"{site}static/search.js")
    for word in ("hobbies", "haeuser"):
        told = page.evaluate(
            "([name, word]) => Picturerail.languageOf(name).stem(word)", [language, word]
        )
        assert told == stem(word, language)
    page.close()


def test_a_change_of_language_is_told(source, options, publish, tmp_path):
    """A site whose texts' language changes becomes the one that is made anew, its twins, too."""
    options = replace(options, precompress=tuple(KINDS))
    captioned(source)
    publish(replace(options, search_language=LANGUAGES[-1]))
    for step, language in enumerate(LANGUAGES):
        chosen = replace(options, search_language=language)
        report = publish(chosen)
        fresh = replace(chosen, path=tmp_path / f"fresh{step}")
        publish(fresh)

        assert tree(fresh.path) == tree(options.path)
        script = "static/search.js"
        assert {script, *(f"{script}.{kind}" for kind in KINDS)} <= set(report.changed_files)
        assert publish(chosen).changed == 0
