"""A visitor's way through the gallery: on phone, tablet, desktop, without scripts, from files."""

import io

import pytest

from picturerail_exporter import sections
from picturerail_exporter.pixels import decode
from picturerail_exporter.renditions import placeholder
from picturerail_exporter.site import SiteOptions, export

from .helpers import VECTORS, MemorySource, begin_scrolling, encoded, photograph
from .test_browser import loaded, swipe, visit

__all__ = ["visit"]  # a fixture

pytestmark = pytest.mark.browser

SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1366, 860)}
NAMES = ("astronaut", "chelsea", "coffee", "rocket")


@pytest.fixture(scope="module")
def journey(tmp_path_factory):
    """A site of 240 photographs over ten years, in an album a year."""
    source = MemorySource()
    source.root(1, "Pictures")
    files = [encoded(photograph(name).resize((640, 480)), quality=70) for name in NAMES]
    tiny = [placeholder(decode(io.BytesIO(data))) for data in files]
    for at in range(240):
        year, kind = 2010 + at // 24, at % 4
        source.add(
            f"{year}/{at:03}.jpg",
            files[kind],
            taken=f"{year}-{at % 12 + 1:02}-{at % 24 // 12 + 3:02}T10:00:00",
            caption=f"Picture {at}",
            tags=(NAMES[kind], f"tag{at % 9}"),
            placeholder=tiny[kind],
        )
    folder = tmp_path_factory.mktemp("journey")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sections, "PER_PAGE", 16)
        export(source, SiteOptions(folder / "site", folder / "renditions", vectors_version=VECTORS))
    return folder / "site"


@pytest.mark.parametrize("size", SIZES)
def test_a_whole_visit(journey, serve, visit, size):
    """Open, go to 2014, look, turn, zoom, back to the same place, share, search, tag, album."""
    width, height = SIZES[size]
    touch = size != "desktop"
    origin = serve(journey)
    how = {"viewport": {"width": width, "height": height}, "has_touch": touch, "is_mobile": touch}
    page = visit(origin, **how)
    page.goto(origin)
    begin_scrolling(page)
    page.locator(".rail a", has_text="2014").dispatch_event("click")
    first = page.locator(".line .tile[data-photo-id='120']")  # the last of 2014
    first.wait_for()
    place = first.bounding_box()
    assert 0 <= place["y"] < height / 2

    first.click()
    page.wait_for_url("**/photo/120/index.html")
    assert page.inner_text("main h1") == "Picture 119"
    assert loaded(page)[1] == 0  # and the transition is over: fingers belong to it until then
    if touch:
        swipe(page, 300, 80)
    else:
        page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: "/photo/" in url and "/photo/120/" not in url)
    shared = page.url
    assert loaded(page)[1] == 0
    fits = page.locator(".stage .picture").bounding_box()["width"]
    page.click("#zoom")
    assert page.locator(".stage .picture").bounding_box()["width"] > 1.5 * fits
    page.click("#zoom")
    page.go_back()
    page.wait_for_selector("html[data-scroll=ready] .line .tile[data-photo-id='120']")
    assert abs(first.bounding_box()["y"] - place["y"]) < 40

    friend = visit(origin, viewport={"width": 500, "height": 700})
    friend.goto(shared)
    assert friend.inner_text("main h1").startswith("Picture ")
    assert loaded(friend)[1] == 0

    page.goto(shared)
    page.fill("input[name=q]", "chelsea tag4")
    page.wait_for_url("**?q=chelsea+tag4")
    page.wait_for_selector("html[data-search=ready] #results .tile")
    assert page.evaluate("document.documentElement.dataset.results") == "7"
    page.locator("#results .tile").first.click()
    page.wait_for_url("**/photo/*/index.html")
    page.click(".tags >> text=tag4")
    page.wait_for_selector("html[data-search=ready] #results .tile")
    page.go_back()
    page.wait_for_url("**/photo/*/index.html")
    page.locator("dl a", has_text="20").last.click()
    page.wait_for_url("**/album/Pictures/20*/index.html")
    assert page.locator("main .tile").count() >= 16
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert loaded(page)[1] == 0


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_a_visit_by_links_alone(journey, serve, visit, scheme):
    """Without scripts, and from files, years, pictures, tags and albums are reached by links."""
    origin = serve(journey) if scheme == "http" else journey.as_uri() + "/"
    page = visit(origin if scheme == "http" else "file://", java_script_enabled=scheme == "file")
    page.goto(f"{origin}index.html")
    assert loaded(page)[1] == 0
    page.click("nav >> text=Timeline")
    page.click("#y2014 ~ .covers a >> nth=0")
    page.wait_for_url("**/timeline/2014/12/index.html")
    page.locator("main .tile").first.click()
    page.wait_for_url("**/photo/*/index.html")
    assert loaded(page)[1] == 0
    page.click("a[rel=next]")
    page.wait_for_url("**/photo/*/index.html")
    page.click(".tags >> text=/^(astronaut|chelsea|coffee|rocket)$/")
    page.wait_for_url("**/tag/*/index.html")
    assert page.locator("main .tile").count() >= 16
    page.click("a[rel=next]")
    page.wait_for_url("**/tag/*/page/*/index.html")
    page.click("nav >> text=Albums")
    page.locator("main .cover").first.click()
    page.wait_for_url("**/album/Pictures/index.html")
    page.locator("main .cover", has_text="2013").click()
    page.wait_for_url("**/album/Pictures/2013/index.html")
    assert loaded(page)[1] == 0


def test_nothing_shows_around_a_small_picture(journey, serve, visit):
    """The placeholder is gone once its picture is there, which may be smaller than its stage."""
    origin = serve(journey)
    page = visit(origin, viewport={"width": 1366, "height": 860})
    page.goto(f"{origin}photo/7/index.html")
    page.wait_for_selector(".stage:not(:has(.placeholder)) .picture")
    assert loaded(page)[1] == 0
