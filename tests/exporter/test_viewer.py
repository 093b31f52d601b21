"""A picture's own page: what stands around the picture stays in sight, in any direction."""

import json
from dataclasses import replace

import pytest

from picturerail_exporter.theme import Theme

from .helpers import encoded, photograph
from .test_browser import loaded, swipe, visit

__all__ = ["visit"]  # a fixture

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
DESKTOP = {"viewport": {"width": 1366, "height": 860}}


@pytest.fixture
def pictures(source, options, publish):
    """A site of a portrait, a landscape and a panorama."""
    image = photograph("chelsea")
    for at, size in enumerate([(300, 450), (450, 300), (450, 90)]):
        data = encoded(image.resize(size), quality=80)
        source.add(f"{at}44.jpg", data, caption="The cat", camera="Leica M6")
    publish()
    return options.path


@pytest.mark.parametrize("how", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_tools_stay_in_sight(pictures, serve, visit, how, number):
    """Whatever a picture's shape, and zoomed or not, the way on is in the window."""
    page = visit(origin := serve(pictures), **how)
    page.goto(f"{origin}photo/{number}/")
    for _ in range(2):
        page.wait_for_load_state("networkidle")
        foot, height = page.evaluate(
            "[document.querySelector('.turn').getBoundingClientRect().bottom, innerHeight]"
        )
        assert foot <= height
        page.click("#zoom")


def test_a_zoomed_picture_is_in_the_middle(pictures, serve, visit):
    """What is lower than the stage when it is zoomed is centred, and all of it can be reached."""
    page = visit(origin := serve(pictures), **PHONE)
    page.goto(f"{origin}photo/3/")
    page.wait_for_load_state("networkidle")
    page.click("#zoom")

    above, below = page.evaluate(
        "(() => { const stage = document.querySelector('.stage').getBoundingClientRect();"
        " const picture = document.querySelector('.picture').getBoundingClientRect();"
        " return [picture.top - stage.top, stage.bottom - picture.bottom]; })()"
    )
    assert above == pytest.approx(below, abs=1)
    assert above > 100
    first = page.evaluate(
        "(() => { const stage = document.querySelector('.stage'); stage.scrollTo(0, 0);"
        " return document.querySelector('.picture').getBoundingClientRect().left"
        " - stage.getBoundingClientRect().left; })()"
    )
    assert first == pytest.approx(0, abs=1)


def test_information_needs_no_script(pictures, serve, visit):
    """A link leads down to what is said of the picture."""
    page = visit(origin := serve(pictures), java_script_enabled=False, **DESKTOP)
    page.goto(f"{origin}photo/2/")
    page.click(".tools a")

    assert page.url.endswith("#about")
    top = page.evaluate("document.querySelector('#about h1').getBoundingClientRect().top")
    assert 60 <= top < 860
    assert page.locator("#zoom").is_hidden()


def test_names_read_as_they_are_written_from_the_right(
    pictures, publish, options, serve, visit, tmp_path
):
    """On a page that is written from the right a filename still begins with its beginning."""
    theme = tmp_path / "theme"
    theme.mkdir()
    (theme / "languages.json").write_text(json.dumps({"ar": {"dir": "rtl"}}))
    publish(replace(options, language="ar", theme=Theme(theme)))
    page = visit(origin := serve(pictures), **DESKTOP)
    page.goto(f"{origin}photo/2/")

    name, lefts = page.evaluate(
        "(() => { const name = [...document.querySelectorAll('dd bdi')]"
        "   .find((each) => each.textContent.endsWith('.jpg')).firstChild;"
        " return [name.data, [...name.data].map((_, at) => { const range = new Range();"
        "   range.setStart(name, at); range.setEnd(name, at + 1);"
        "   return range.getBoundingClientRect().left; })]; })()"
    )
    assert name == "144.jpg"
    assert lefts == sorted(lefts)
    assert page.evaluate("document.documentElement.dir") == "rtl"


def test_fingers_scale_the_page(pictures, serve, visit):
    """Two fingers that part make the page larger, and turn nothing."""
    page = visit(origin := serve(pictures), **PHONE)
    page.goto(f"{origin}photo/2/")
    assert loaded(page)[1] == 0
    box = page.locator(".stage .picture").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)
    for way in [*range(60, 125, 5), None]:
        places = [] if way is None else [x - way, x + way]
        points = [{"x": at, "y": y, "id": number} for number, at in enumerate(places)]
        kind = {60: "touchStart", None: "touchEnd"}.get(way, "touchMove")
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.evaluate("new Promise((done) => requestAnimationFrame(done))")

    assert page.evaluate("visualViewport.scale") > 1.5
    assert page.url.endswith("/photo/2/")


def test_a_swipe_over_a_scaled_page_turns_nothing(pictures, serve, visit):
    """It looks around in the picture; once all of the page is in sight it turns to the next."""
    page = visit(origin := serve(pictures), **PHONE)
    page.goto(f"{origin}photo/2/")
    assert loaded(page)[1] == 0
    scaled = page.context.new_cdp_session(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    for scale in (1.3, 1):
        scaled.send("Emulation.setPageScaleFactor", {"pageScaleFactor": scale})
        page.evaluate(FRAMES)
        assert page.evaluate("visualViewport.scale") == pytest.approx(scale, abs=0.01)
        assert asked == []
        page.evaluate(
            "globalThis.lifted = new Promise((done) => document.querySelector('.stage')"
            ".addEventListener('touchend', () => setTimeout(done), { once: true })), 0"
        )
        swipe(page, 300, 80)
        if scale > 1:
            page.evaluate("lifted")
    page.wait_for_url("**/photo/1/index.html")
