"""Themes: a user's files go before the program's own, and mistakes are named."""

import gzip
import json
import re
from dataclasses import replace

import pytest
import zstandard

from picturerail_exporter.site_folder import ExportError
from picturerail_exporter.theme import Theme

from .helpers import broken_links, encoded, photograph, plain, public


@pytest.fixture
def theme(tmp_path, options):
    """Write a theme's files; gives the options that use it."""

    def write(**files):
        for name, text in files.items():
            place = tmp_path / "theme" / name.replace("__", "/").replace("_dot_", ".")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        return replace(options, theme=Theme(tmp_path / "theme"))

    return write


def test_a_style_of_ones_own(source, publish, theme):
    """A theme's style sheet comes after the site's own, and only what it has is replaced."""
    source.add("a.jpg", plain((1, 2, 3)))
    options = theme(static__theme_dot_css=":root{--paper:#000}", static__logo_dot_svg="<svg/>")
    publish(options)

    page = (options.path / "index.html").read_text()
    assert page.index("static/site.css") < page.index("static/theme.css")
    assert (options.path / "static/theme.css").read_text() == ":root{--paper:#000}"
    assert (options.path / "static/logo.svg").read_text() == "<svg/>"
    assert (options.path / "static/page.js").stat().st_size > 1000
    assert broken_links(options.path) == []

    theme(static__theme_dot_css=":root{--paper:#fff}")
    report = publish(options)
    assert tuple(report.changed_files) == ("static/theme.css",)
    publish(replace(options, theme=Theme()))
    assert not (options.path / "static/theme.css").exists()
    assert not (options.path / "static/logo.svg").exists()
    assert "theme.css" not in (options.path / "index.html").read_text()


def test_scripts_are_shortened(source, publish, options, theme):
    """Comments go, and of what searches names, too; one with a mistake keeps these."""
    source.add("a.jpg", plain((1, 2, 3)))
    publish()
    short = (options.path / "static/search.js").read_text()
    narrowing = (options.path / "static/facets.js").read_text()
    assert not re.search(r"\b_[a-z]\w{3}", short)
    assert "yearsOf" not in short + narrowing
    own = "// says little\nwindow.own = 1;"
    mistaken = "// says little\nconst = ;"

    publish(theme(static__own_dot_js=own, static__meaning_dot_js=mistaken))

    assert (options.path / "static/own.js").read_text() == "window.own=1;"
    long = (options.path / "static/search.js").read_text()
    assert "says little" not in long
    assert "const=;" in long
    for text, there in ((short, False), (long, True)):
        assert ("FORM_SHARE" in text) == there
        assert "// " not in text
        assert "Picturerail" in text


def test_a_template_and_texts_of_ones_own(source, publish, theme):
    """A theme replaces single templates and texts, and may bring another language."""
    source.add("a.jpg", plain((1, 2, 3)))
    options = theme(
        templates__404_dot_html='{% extends "base.html" %}{% block content %}Ratlos{% endblock %}',
        languages_dot_json=json.dumps(
            {"fr": {"timeline": "Chronologie"}, "en": {"albums": "Sets"}}
        ),
    )
    publish(options)
    assert "Ratlos" in (options.path / "404.html").read_text()
    assert ">Sets</a>" in (options.path / "index.html").read_text()
    assert ">Timeline</a>" in (options.path / "index.html").read_text()

    publish(replace(options, language="fr"))
    page = (options.path / "index.html").read_text()
    assert '<html lang="fr">' in page
    assert ">Chronologie</a>" in page
    assert ">Albums</a>" in page


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"templates__404_dot_html": "a\nb\n{{ x }}"}, r"404\.html:3: 'x' is undefined"),
        ({"templates__404_dot_html": "a\n{% if %}"}, r"404\.html:2: Expected an expression"),
        ({"templates__404_dot_htm": "a"}, r"404\.htm: no template has this name"),
        ({"languages_dot_json": "{"}, r"languages\.json: not valid JSON"),
        ({"languages_dot_json": '{"en": {"tags": 3}}'}, r"languages\.json: `en`: “tags” must be"),
        ({"languages_dot_json": '{"en": {"tgas": "x"}}'}, r"`en`: there is no text “tgas”"),
        ({"readme": "x"}, r"theme: no theme: it has neither of languages\.json, static"),
    ],
)
def test_mistakes_are_named(source, publish, theme, options, files, complaint):
    """A mistake in a theme is one line with its file, and the site stays as it was."""
    source.add("a.jpg", plain((1, 2, 3)))
    publish()
    before = public(options.path)

    with pytest.raises(ExportError, match=complaint) as caught:
        publish(theme(**files))

    assert "\n" not in str(caught.value)
    assert public(options.path) == before


def test_no_such_theme_or_language(publish, options, tmp_path):
    """A theme or a language that is not there is named."""
    with pytest.raises(ExportError, match=r"nowhere: the folder in `export\.theme` does not exist"):
        publish(replace(options, theme=Theme(tmp_path / "nowhere")))
    with pytest.raises(ExportError, match="there is no “tlh”; known: de, en"):
        publish(replace(options, language="tlh"))


def test_links_in_a_theme_are_left_out(source, publish, theme, tmp_path):
    """A link in a theme, which may lead anywhere, puts nothing on the site."""
    (tmp_path / "secret.txt").write_text("secret")
    options = theme(static__theme_dot_css="a{}")
    (tmp_path / "theme/static/x.txt").symlink_to(tmp_path / "secret.txt")
    source.add("a.jpg", plain((1, 2, 3)))
    publish(options)

    assert not (options.path / "static/x.txt").exists()


def test_compressed_twins(source, publish, options, tmp_path):
    """Every text has the twins asked for, equal to it, through changes, and none is left behind."""
    both = replace(options, precompress=("gz", "zst"))
    for at in range(3):
        source.add(f"{at}.jpg", plain((1, 2, at)), tags=(f"t{at}",))
    publish(both)
    source.delete(2)
    source.add("x.jpg", plain((9, 2, 9)))
    report = publish(both)

    files = public(both.path)
    packed = (".bin", ".gz", ".zst", ".webp")
    texts = [name for name in files if not name.endswith(packed)]
    assert "index.html" in texts
    for name in texts:
        assert gzip.decompress(files[f"{name}.gz"]) == files[name]
        assert zstandard.decompress(files[f"{name}.zst"]) == files[name]
    alone = [name for name in files if name.endswith((".bin", ".webp"))]
    assert len(files) == 3 * len(texts) + len(alone)
    order = [name for name in report.changed_files if "photo/3" in name]
    assert order == [f"photo/3/index.html{end}" for end in ("", ".gz", ".zst")]
    fresh = replace(both, path=tmp_path / "fresh")
    publish(fresh)
    assert public(fresh.path) == files

    publish(options)
    assert not [name for name in public(options.path) if name.endswith((".gz", ".zst"))]


HEBREW = {"he": {"dir": "rtl", "timeline": "ציר הזמן", "albums": "אלבומים", "search": "חיפוש"}}


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1366])
def test_from_right_to_left(source, publish, theme, serve, chromium, width):
    """In a language written from the right all is mirrored: bar, rows, keys; nothing overflows."""
    for at, name in enumerate(["coffee", "chelsea", "rocket", "astronaut"]):
        source.add(f"{at}.jpg", encoded(photograph(name)), taken=f"2020-01-0{at + 1}T10:00:00")
    options = theme(languages_dot_json=json.dumps(HEBREW, ensure_ascii=False))
    publish(replace(options, language="he"))
    page = chromium.new_page(viewport={"width": width, "height": 800})
    origin = serve(options.path)
    page.goto(origin)

    assert page.evaluate("getComputedStyle(document.body).direction") == "rtl"
    brand, search = (page.locator(each).bounding_box() for each in (".brand", ".search input"))
    assert brand["x"] + brand["width"] > width * 0.8
    assert search["x"] < width * 0.2
    tiles = page.eval_on_selector_all(
        "main .tile", "all => all.map(e => e.getBoundingClientRect()).map(b => [b.top, b.left])"
    )
    row = [left for top, left in tiles if top == tiles[0][0]]
    assert row == sorted(row, reverse=True)
    for view in ("", "timeline/index.html", "album/index.html", "photo/2/index.html"):
        page.goto(origin + view)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**/photo/1/index.html")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/photo/2/index.html")
    page.dblclick(".stage .picture", position={"x": 20, "y": 20})
    box = page.locator(".stage .picture").bounding_box()
    stage = page.locator(".stage").bounding_box()
    assert abs(box["x"] - stage["x"]) < 40  # the corner that was pointed at is still in sight
    page.close()
