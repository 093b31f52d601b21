"""A page of every kind: valid markup, accessible at every size with scripts and without, silent."""

import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from picturerail_exporter import album_state, pages, sections
from picturerail_exporter.pixels import decode
from picturerail_exporter.renditions import placeholder
from picturerail_exporter.rules import Allowed, Rules
from picturerail_exporter.site import SiteOptions, export

from .helpers import VECTORS, MemorySource, encoded, photograph, violations
from .test_browser import hits, visit

__all__ = ["visit"]  # a fixture

SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1366, 860), "enlarged": (640, 360)}
"""The last is a window of 1280 x 720 whose text is twice as large."""
KINDS = {
    "grid": "index.html",
    "further page of the grid": "page/*/index.html",
    "albums": "album/index.html",
    "album of albums": "album/Pictures/index.html",
    "more of its albums": "album/Pictures/page/albums-*/index.html",
    "album": "album/Pictures/2003/index.html",
    "tags": "tag/index.html",
    "tags of a letter": "tag/-/*/index.html",
    "tag": "tag/cat/index.html",
    "cameras": "camera/index.html",
    "camera": "camera/*/index.html",
    "places": "place/index.html",
    "place": "place/portugal/lisbon/index.html",
    "timeline": "timeline/index.html",
    "month": "timeline/2003/05/index.html",
    "picture": "photo/4/index.html",
    "missing": "404.html",
}
"""A page of each kind, or where one is found."""

CONFIG = Path(pages.__file__).parents[1] / ".htmlvalidate.json"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site that has pages of every kind."""
    source = MemorySource()
    source.root(1, "Pictures")
    names = ("chelsea", "coffee", "rocket", "astronaut")
    files = [encoded(photograph(name).resize((320, 240)), quality=70) for name in names]
    tiny = [placeholder(decode(io.BytesIO(data))) for data in files]
    for at in range(24):
        source.add(
            f"{2000 + at}/{at}.jpg",
            files[at % 4],
            taken=f"{2000 + at}-05-05T10:00:00",
            caption="" if at % 5 else "An “odd” <caption> & more",
            tags=("cat", f"{'abcde'[at % 5]} tag {at}"),
            placeholder=tiny[at % 4],
            camera=("Leica M6", "NIKON Z 6")[at % 2],
            gps=((38.7223, -9.1393), (52.52, 13.405))[at % 2],
        )
        source.looks(at + 1, [1, 2, 3, -1, at % 2, -5])
    folder = tmp_path_factory.mktemp("every")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sections, "PER_PAGE", 4)
        patch.setattr(album_state, "LEAST_ALBUMS", 4)
        patch.setattr(pages, "MOST_WAYS", 5)
        options = SiteOptions(
            folder / "site",
            folder / "store" / "renditions",
            rules=Rules(Allowed(place="town", originals="stripped")),
            vectors_version=VECTORS,
        )
        export(source, options)
    return options.path


def kinds(site):
    """Return the address of a page of each kind."""
    found = {kind: min(site.glob(where), default=None) for kind, where in KINDS.items()}
    assert [kind for kind, page in found.items() if page is None] == []
    return {kind: page.relative_to(site).as_posix() for kind, page in found.items()}


def test_markup_is_valid(site):
    """html-validate finds no error in any page."""
    validate = ["npx", "--offline", "--yes", "html-validate@10"]
    if (
        shutil.which("npx") is None
        or subprocess.run([*validate, "--version"], capture_output=True, check=False).returncode
    ):
        if os.environ.get("CI"):
            pytest.fail("html-validate is not there: make validate-html SITE=…")
        pytest.skip("html-validate is not there: `make validate-html SITE=…` fetches it")
    kinds(site)

    command = [*validate, "--config", str(CONFIG), "--ext", "html", str(site)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_is_accessible(site, serve, visit, size, scripts):
    """Axe finds nothing against WCAG 2.2 A and AA, and no page says or asks anything unseemly."""
    width, height = SIZES[size]
    origin = serve(site)
    page = visit(origin, viewport={"width": width, "height": height})
    if not scripts:
        # Axe is a script itself: the pages are left without theirs.
        empty = {"content_type": "text/javascript", "body": ""}
        page.route("**/static/*.js", lambda route: route.fulfill(**empty))
    views = [*kinds(site).values(), *(["index.html?q=cat"] if scripts else [])]
    for view in views:
        page.goto(origin + view)
        if "?" in view:
            hits(page)
        assert (view, []) == (view, violations(page))
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert (view, 0) == (view, max(0, overflow))
