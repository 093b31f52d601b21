"""Without scripts: what a visitor reaches from the first page by following links, which is all."""

from collections import deque
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from picturerail_exporter.rendition_store import original_ending

from .test_every_page import kinds, site

__all__ = ["site"]  # a fixture

SILENT = {"template", "dialog", "script"}
"""What is in these is not shown without a script."""


class Ways(HTMLParser):
    """Collects where the `<a href>` of a page lead, but for those that only a script shows."""

    def __init__(self, text):
        """Read a page."""
        super().__init__()
        self.found, self._silent = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Keep a link's address; go into what is not shown."""
        attributes = dict(attrs)
        if self._silent:
            self._silent += [tag] * (tag == self._silent[0])
        elif tag in SILENT or "hidden" in attributes:
            self._silent = [tag]
        elif tag == "a" and "href" in attributes:
            self.found.append(attributes["href"])

    def handle_endtag(self, tag):
        """Come out of what is not shown."""
        if self._silent and tag == self._silent[0]:
            self._silent.pop()


def reached(site, start="index.html"):
    """Return every file of a site to which links lead from a page, with itself."""
    seen, ahead = {start}, deque([start])
    while ahead:
        here = ahead.popleft()
        if not here.endswith(".html"):
            continue
        for address in Ways((site / here).read_text()).found:
            target = unquote(urlsplit(urljoin("/" + here, address)).path).lstrip("/")
            assert (site / target).is_file(), f"{here} leads to {address}"
            if target not in seen:
                seen.add(target)
                ahead.append(target)
    return seen


def test_links_alone_lead_to_every_page(site):
    """Every picture, album, tag, camera, place, year and month, and every file to download."""
    found = reached(site)

    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert set(kinds(site).values()) <= pages
    assert len([page for page in pages if page.startswith("photo/")]) == 24
    assert pages - found == {"404.html"}  # which a server shows
    ending = original_ending("stripped", "image/jpeg")
    originals = {path.relative_to(site).as_posix() for path in site.glob(f"media/*/*-{ending}")}
    assert len(originals) == 4  # of the same contents, which 24 pictures share
    assert originals <= found


@pytest.mark.parametrize("kind", ["picture", "album", "tag", "camera", "place", "month"])
def test_from_every_page_links_lead_on(site, kind):
    """Who comes by an address that was shared reaches all that the first page leads to."""
    assert reached(site, kinds(site)[kind]) == reached(site)
