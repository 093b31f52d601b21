"""For machines: the feed holds what RFC 4287 demands, sitemaps hold every picture."""

import datetime as dt
import re
from dataclasses import replace
from urllib.parse import urlsplit

import defusedxml.ElementTree
import pytest

from picturerail_native.records import Corrections

from .helpers import plain, public

ADDRESS = "https://example.org/photos/"
ATOM = "{http://www.w3.org/2005/Atom}"
XHTML = "{http://www.w3.org/1999/xhtml}"
MAY_STAND = {
    "feed": "author category contributor generator icon id link logo rights subtitle title updated",
    "entry": "author category content contributor id link published rights source summary title"
    " updated",
}
"""The elements of RFC 4287, sections 4.1.1 and 4.1.2, beside a feed's entries."""


@pytest.fixture
def published(options):
    """Options of a site whose address is known."""
    return replace(options, base_url=ADDRESS, title="Ada & Söhne")


def feed_of(options):
    """Return a site's feed."""
    return defusedxml.ElementTree.parse(options.path / "feed.xml").getroot()


def only(element, name):
    """Return the text of the one child of a name; there must be exactly one."""
    (child,) = element.findall(ATOM + name)
    return "".join(child.itertext())


def moment(text):
    """Read a date as RFC 3339 writes it, with a zone."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    return dt.datetime.fromisoformat(text)


def links(element, relation):
    """Return the addresses and types of an element's links of a relation; all are absolute."""
    found = [each.attrib for each in element.findall(f"{ATOM}link")]
    assert all(urlsplit(each["href"]).scheme == "https" for each in found)
    return [
        (each["href"], each["type"]) for each in found if each.get("rel", "alternate") == relation
    ]


def assert_of_rfc_4287(feed, site):
    """Assert what the RFC says that a feed and its entries MUST hold, and that links lead on."""
    assert feed.tag == f"{ATOM}feed"
    entries = feed.findall(f"{ATOM}entry")
    assert links(feed, "self") == [(f"{ADDRESS}feed.xml", "application/atom+xml")]
    assert links(feed, "alternate") == [(ADDRESS, "text/html")]
    (author,) = feed.findall(f"{ATOM}author")  # which holds for entries that name none
    assert only(author, "name").strip()
    for kind, element in [("feed", feed), *(("entry", entry) for entry in entries)]:
        known = {ATOM + name for name in MAY_STAND[kind].split()}
        assert {child.tag for child in element} - known <= {f"{ATOM}entry"}
        assert urlsplit(only(element, "id")).scheme == "https"
        assert only(element, "title")
        moment(only(element, "updated"))
    ids = [only(each, "id") for each in (feed, *entries)]
    assert len(set(ids)) == len(ids)
    for entry in entries:
        (content,) = entry.findall(f"{ATOM}content")
        assert content.attrib == {"type": "xhtml"}
        assert [child.tag for child in content] == [f"{XHTML}div"]  # and nothing beside it
        assert not (content.text or "").strip()
        for image in content.iter(f"{XHTML}img"):
            assert (site / image.attrib["src"].removeprefix(ADDRESS)).is_file()
            assert image.attrib["alt"]
        ((page, kind),) = links(entry, "alternate")
        assert kind == "text/html"
        assert (site / page.removeprefix(ADDRESS) / "index.html").is_file()
    newest = [moment(only(entry, "updated")) for entry in entries]
    assert newest == sorted(newest, reverse=True)
    if entries:
        assert moment(only(feed, "updated")) == newest[0]


def test_feed_is_valid_atom(source, published, publish):
    """The feed is one, with pictures and without any; the pages lead to it."""
    publish(published)
    assert_of_rfc_4287(feed_of(published), published.path)
    for at in range(40):
        taken = f"20{at % 4 + 10}-0{at % 3 + 1}-01T10:00:{at:02}"
        source.add(f"{at}.jpg", plain((1, 2, at)), taken=taken, caption="<A> & b" * (at % 2))
    publish(published)

    feed = feed_of(published)
    assert_of_rfc_4287(feed, published.path)
    titles = [only(entry, "title") for entry in feed.findall(f"{ATOM}entry")]
    assert len(titles) == 30
    assert "<A> & b" in titles
    page = (published.path / "photo/1/index.html").read_text()
    wanted = (
        r'<link rel="alternate" type="application/atom\+xml" title="[^"]+" href="../../feed.xml">'
    )
    assert re.search(wanted, page)


def test_ids_of_the_feed_stay(source, published, publish):
    """What an entry is known by stays when the picture moves, is described, or another one goes."""
    for at in range(5):
        source.add(f"{at}.jpg", plain((1, 2, at)), taken=f"2020-01-0{at + 1}T10:00:00")
    publish(published)
    before = [only(entry, "id") for entry in feed_of(published).findall(f"{ATOM}entry")]

    source.move(3, "elsewhere/other.jpg")
    source.change(4, corrections=Corrections(added=("sea",)))
    source.delete(1)
    publish(published)

    feed = feed_of(published)
    assert_of_rfc_4287(feed, published.path)
    assert [only(entry, "id") for entry in feed.findall(f"{ATOM}entry")] == before[:-1]


def test_sitemaps(source, published, publish):
    """Every picture is in a sitemap, and they in the list of all, which `robots.txt` names."""
    for at in range(40):
        taken = f"20{at % 4 + 10}-0{at % 3 + 1}-01T10:00:00"
        source.add(f"{at}.jpg", plain((1, 2, at)), taken=taken)
    publish(published)

    def addresses(name):
        root = defusedxml.ElementTree.parse(published.path / name).getroot()
        return [element.text for element in root.iter() if element.tag.endswith("}loc")]

    maps = addresses("sitemap.xml")
    pictures = [of for name in maps for of in addresses(name.removeprefix(ADDRESS))]
    assert sorted(f"{ADDRESS}photo/{number}/" for number in source.rows) == sorted(pictures)
    assert f"Sitemap: {ADDRESS}sitemap.xml" in (published.path / "robots.txt").read_text()
    lost = (published.path / "404.html").read_text()
    assert 'href="/photos/static/site.css"' in lost

    source.delete(1)
    publish(published)
    assert b"photo/1/" not in b"".join(public(published.path).values())
