"""The gallery in a real browser: looking, searching, keys, and what the page must never do."""

import io
from dataclasses import replace

import pytest

from picturerail_exporter import sections
from picturerail_exporter.pixels import decode
from picturerail_exporter.renditions import placeholder
from picturerail_exporter.rules import Allowed, Rules
from picturerail_exporter.search_file import rows_of, unpacked

from .helpers import encoded, photograph, violations

pytestmark = pytest.mark.browser

# The page's own policy forbids `wait_for_function`, which evaluates text; selectors do not.
READY = "html[data-search=ready]"


@pytest.fixture
def gallery(source, options, publish, monkeypatch):
    """A site of six photographs in two folders; gives its folder."""
    monkeypatch.setattr(sections, "PER_PAGE", 2)
    pictures = [
        ("2019/Lisbon/meadow-walk.jpg", "grass", ("cat", "park", "grass", "sun"), ""),
        ("2019/Lisbon/car.jpg", "gravel", ("car",), ""),
        ("2020/espresso.jpg", "coffee", ("espresso", "food"), "An espresso by the window"),
        ("2020/chelsea.jpg", "chelsea", ("cat", "animal"), "Chelsea the cat"),
        ("2020/cat.jpg", "astronaut", (), "<img src=x onerror=alert(1)> & friends"),
        ("2021/cat.jpg", "rocket", ("catapult",), ""),
    ]
    rules = Rules(Allowed(originals="stripped"))
    for year, (path, name, tags, caption) in enumerate(pictures, 2015):
        data = encoded(photograph(name), quality=80)
        tiny = placeholder(decode(io.BytesIO(data)))
        taken = f"{year}-05-05T10:00:00"
        source.add(path, data, tags=tags, caption=caption, placeholder=tiny, taken=taken)
        if year - 2014 in {1, 2, 4}:
            source.looks(year - 2014, [1, 2, 3, -1, year % 2, -5])
    source.near("grass", ("meadow", 0.61), ("meadows", 0.6), ("field", 0.5), ("fields", 0.5))
    publish(replace(options, title="Ada's pictures", rules=rules))
    return options.path


@pytest.fixture
def visit(chromium):
    """Open pages; at the end nothing may have been logged, refused, or asked of others."""
    contexts, complaints = [], []

    def start(origin, expect_complaints=False, **how):
        context = chromium.new_context(**how)
        contexts.append(context)
        page = context.new_page()

        def complain(text):
            if not expect_complaints:
                complaints.append(text)

        def requested(request):
            if not request.url.startswith((origin, "data:")):
                complaints.append(f"foreign request: {request.url}")

        def failed(request):
            if request.failure != "net::ERR_ABORTED":  # what a click on a link does
                complain(f"failed: {request.url} {request.failure}")

        page.on("console", lambda message: complain(f"console: {message.text}"))
        page.on("pageerror", lambda error: complain(f"error: {error}"))
        page.on("requestfailed", failed)
        page.on("request", requested)
        page.on("response", lambda answer: answer.status >= 400 and complain(answer.url))
        return page

    yield start
    for context in contexts:
        context.close()
    assert complaints == []


def hits(page):
    """Wait for the results; return (picture's id, matched words, visible reason) of each."""
    page.wait_for_selector(READY)
    found = page.eval_on_selector_all(
        "#results [data-photo-id]",
        "all => all.map(e => [+e.dataset.photoId, e.dataset.matched, e.innerText.trim()])",
    )
    results = page.evaluate("document.documentElement.dataset.results")
    assert str(len(found)) == results
    return [tuple(hit) for hit in found]


def loaded(page):
    """Return how many of the page's pictures in sight have arrived, and how many are broken."""
    page.wait_for_load_state("networkidle")
    return page.evaluate(
        "[...document.querySelectorAll('main img')].reduce(([ok, bad], i) =>"
        " i.complete ? (i.naturalWidth ? [ok + 1, bad] : [ok, bad + 1]) : [ok, bad], [0, 0])"
    )


def test_a_visit_without_search(gallery, serve, visit):
    """From the grid to a picture, to the next by key, to its album: all shown, none broken."""
    origin = serve(gallery)
    page = visit(origin)
    page.goto(origin)
    page.wait_for_selector("main [data-photo-id='1']")
    assert page.eval_on_selector_all(
        "main [data-photo-id]", "all => all.map(e => e.dataset.photoId)"
    ) == ["6", "5", "4", "3", "2", "1"]
    assert loaded(page)[0] >= 2
    assert loaded(page)[1] == 0

    page.click("main [data-photo-id='6']")
    page.wait_for_url("**/photo/6/index.html")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/photo/5/index.html")
    assert page.inner_text("main h1") == "<img src=x onerror=alert(1)> & friends"
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/photo/4/index.html")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**/photo/5/index.html")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/photo/4/index.html")
    assert loaded(page)[1] == 0

    page.click("dl a >> text=2020")
    page.wait_for_url("**/album/Pictures/2020/index.html")
    assert page.inner_text("main h1") == "2020"
    assert loaded(page)[1] == 0


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("cat", [(4, "cat"), (5, "cat"), (6, "cat"), (1, "cat")]),
        ("espresso window", [(3, "espresso window")]),
        ("ESPRÉSSO", [(3, "espresso")]),
        ("espr", [(3, "espresso")]),
        ("meadows", [(1, "meadow")]),  # its filename bears another form of the word
        ("field", [(1, "field grass")]),
        ("fields", [(1, "fields grass")]),
        ('"the cat"', [(4, "the cat")]),
        ("watermelon", []),
    ],
)
def test_search_by_address(gallery, serve, visit, query, expected):
    """`?q=` finds words, beginnings, phrases, and tags through their neighbours, and says why."""
    origin = serve(gallery)
    page = visit(origin)

    page.goto(f"{origin}?q={query}")

    found = hits(page)
    assert sorted(expected) == sorted((number, matched) for number, matched, _ in found)
    assert page.is_hidden("main")
    if not expected:
        assert f"Nothing found for “{query}”" == page.inner_text("#results-title")
        assert "fewer words" in page.inner_text("#results-note")


def test_neighbours_are_explained(gallery, serve, visit):
    """A picture found through a neighbour says so, below those that bear the word itself."""
    origin = serve(gallery)
    page = visit(origin)

    page.goto(f"{origin}?q=meadow")
    assert hits(page) == [(1, "meadow", "meadow")]  # its filename bears the word

    page.goto(f"{origin}?q=field")
    assert hits(page) == [(1, "field grass", "field, through grass")]


def test_any_word_where_none_has_all(gallery, serve, visit):
    """Where no picture bears all words those with some are shown, and the page says so."""
    origin = serve(gallery)
    page = visit(origin)

    page.goto(f"{origin}?q=espresso+rocket+car")

    assert {2, 3} == {number for number, _, _ in hits(page)}
    assert "all of these words" in page.inner_text("#results-note")


def test_search_by_filename(gallery, serve, visit):
    """`?name=` shows every picture of exactly that filename."""
    origin = serve(gallery)
    page = visit(origin)

    page.goto(f"{origin}?name=cat.jpg")

    assert [number for number, _, _ in hits(page)] == [6, 5]
    assert page.inner_text("#results-title") == "2 pictures named cat.jpg"


@pytest.mark.parametrize("start", ["", "photo/3/index.html", "album/Pictures/2020/index.html"])
def test_typing_and_going_back(gallery, serve, visit, start):
    """Results follow the typing on every page, the address follows, and back leads out."""
    origin = serve(gallery)
    page = visit(origin)
    page.goto(origin + start)

    page.keyboard.press("/")
    page.keyboard.type("esp")
    page.wait_for_url("**?q=esp")
    assert [number for number, _, _ in hits(page)] == [3]
    page.keyboard.type("resso")
    page.wait_for_url("**?q=espresso")
    page.click("#results [data-photo-id='3']")
    page.wait_for_url("**/photo/3/index.html")
    page.go_back()
    assert [number for number, _, _ in hits(page)] == [3]
    assert page.input_value("input[name=q]") == "espresso"

    page.go_back()
    page.wait_for_selector("html:not([data-search])")
    assert origin + start == page.url
    assert page.is_visible("main")
    assert page.is_hidden("#results")
    assert not page.input_value("input[name=q]")
    page.go_forward()
    assert [number for number, _, _ in hits(page)] == [3]


def test_a_tag_is_a_search(gallery, serve, visit):
    """A tag on a picture's page leads to the pictures that bear it."""
    origin = serve(gallery)
    page = visit(origin)
    page.goto(f"{origin}photo/3/index.html")

    page.click(".tags >> text=food")

    assert [number for number, _, _ in hits(page)] == [3]


def test_from_a_sub_path(gallery, serve, visit):
    """The site works below any address."""
    origin = serve(gallery.parent)
    page = visit(origin)

    page.goto(f"{origin}{gallery.name}/album/Pictures/2020/index.html?q=espr")
    assert [number for number, _, _ in hits(page)] == [3]
    page.click("#results [data-photo-id='3']")
    page.wait_for_url(f"**/{gallery.name}/photo/3/index.html")
    assert tuple(loaded(page)) == (1, 0)


def test_without_javascript(gallery, serve, visit):
    """Without scripts every picture is reached by links, and the search box says what it needs."""
    origin = serve(gallery)
    page = visit(origin, java_script_enabled=False)
    page.goto(origin)
    seen = set()
    while True:
        tiles = page.locator("main [data-photo-id]")
        seen |= {tiles.nth(at).get_attribute("data-photo-id") for at in range(tiles.count())}
        older = page.locator("main a[rel=next]")
        if not older.count():
            break
        with page.expect_navigation():
            older.click()

    assert set("123456") == seen
    assert "needs JavaScript" in page.inner_text("body")
    page.goto(f"{origin}photo/4/index.html")
    assert page.get_attribute("main img.picture", "alt") == "Chelsea the cat"


def test_from_a_file(gallery, visit):
    """Opened as files, browsing works, and a search says plainly what it needs."""
    page = visit("file://")
    page.goto((gallery / "index.html").as_uri())
    assert tuple(loaded(page)) == (4, 0)
    page.click("main [data-photo-id='6']")
    page.wait_for_url("**/photo/6/index.html")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/photo/5/index.html")
    assert tuple(loaded(page)) == (1, 0)

    page.fill("input[name=q]", "cat")
    page.keyboard.press("Enter")
    page.wait_for_url("**/index.html?q=cat")
    page.wait_for_selector("html[data-search=unavailable]")
    assert "picturerail serve" in page.inner_text("#results")


def test_damaged_index(gallery, serve, visit):
    """With a part of the index gone a search shows the rest and says so; with all, says that."""
    origin = serve(gallery)
    for file in (gallery / "search").glob("[0-9a-f]*.bin"):
        rows = list(rows_of(unpacked(file.read_bytes())))
        if rows[0][1][:2] in (b"[[", b'{"'):
            file.unlink()  # what is said of single pictures
    page = visit(origin, expect_complaints=True)
    page.goto(f"{origin}?q=espresso")
    assert [number for number, _, _ in hits(page)] == [3]
    assert "could not be read" in page.inner_text("#results-note")

    (gallery / "search" / "root.bin").write_text("{")
    page.goto(f"{origin}?q=espresso")
    page.wait_for_selector("html[data-search=unavailable]")
    assert "not available" in page.inner_text("#results-title")


def test_more_results(source, publish, options, serve, visit):
    """A long list of results is shown part by part, and its number is told at once."""
    for at in range(70):
        source.add(f"{at}.png", encoded(photograph("coffee").crop((at, 0, at + 30, 20)), "PNG"))
    publish()
    origin = serve(options.path)
    page = visit(origin)
    page.goto(f"{origin}?q=png")
    page.wait_for_selector(READY)
    assert page.evaluate("document.documentElement.dataset.results") == "70"
    assert page.locator("#results [data-photo-id]").count() == 60

    page.click("#results-more")
    page.wait_for_selector("#results [data-photo-id]:nth-child(70)")

    assert page.is_hidden("#results-more")


@pytest.mark.parametrize("width", [390, 820, 1366])
def test_rows_are_justified(gallery, serve, visit, width):
    """Tiles of a row are equally high, keep their pictures' shapes, and nothing overflows."""
    origin = serve(gallery)
    page = visit(origin, viewport={"width": width, "height": 800})
    page.goto(f"{origin}?q=pictures")
    hits(page)
    boxes = page.eval_on_selector_all(
        "#results .tile",
        "all => all.map(e => { const b = e.getBoundingClientRect();"
        " const i = e.querySelector('.picture');"
        " return [b.top, b.height, b.width / b.height, i.width / i.height,"
        " i.getAttribute('width') / i.getAttribute('height')] })",
    )

    rows = {}
    for top, height, shape, _, wanted in boxes:
        rows.setdefault(round(top), []).append(height)
        assert abs(shape / wanted - 1) < 0.03
    assert all(max(heights) - min(heights) < 1.5 for heights in rows.values())
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("size", [(390, 844), (1366, 860)])
def test_nothing_moves_when_a_photograph_arrives(gallery, serve, visit, size):
    """Its placeholder lies where a photograph will be, and what is below stays where it is."""
    held = []
    origin = serve(gallery)
    page = visit(origin, viewport={"width": size[0], "height": size[1]})
    page.route("**/media/**", lambda route: held.append(route))  # noqa: PLW0108 - no builtin
    page.goto(f"{origin}photo/3/index.html", wait_until="domcontentloaded")
    page.wait_for_selector(".stage .placeholder")
    tiny = page.locator(".stage .placeholder").bounding_box()
    below = page.locator(".turn").bounding_box()
    for route in held:
        route.continue_()
    page.unroute("**/media/**")
    page.wait_for_load_state()
    photograph = page.locator(".stage .picture").bounding_box()

    assert below == page.locator(".turn").bounding_box()
    for side, edge in photograph.items():
        assert abs(edge - tiny[side]) <= 0.021 * max(photograph["width"], photograph["height"])
    assert photograph["height"] > 200


def test_zoom_and_keys(gallery, serve, visit):
    """A double click zooms to the point and out again; `?` opens the keys, Escape closes them."""
    origin = serve(gallery)
    page = visit(origin)
    page.goto(f"{origin}photo/3/index.html")
    fits = page.locator(".stage .picture").bounding_box()["width"]
    page.dblclick(".stage .picture")
    assert page.locator(".stage .picture").bounding_box()["width"] > 1.5 * fits
    assert page.get_attribute("#zoom", "aria-pressed") == "true"
    page.keyboard.press("z")
    assert fits == page.locator(".stage .picture").bounding_box()["width"]

    page.keyboard.press("?")
    assert page.is_visible("#keys")
    page.keyboard.press("Escape")
    assert page.is_hidden("#keys")


def swipe(page, start, end):
    """Move a finger over the picture."""
    box = page.locator(".stage .picture").bounding_box()
    y = box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [{"x": start, "y": y}]),
        ("touchMove", [{"x": end, "y": y}]),
        ("touchEnd", []),
    ):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_swipe(gallery, serve, visit):
    """On a touch screen a swipe leads to the next picture, a double tap zooms."""
    origin = serve(gallery)
    page = visit(origin, has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    page.goto(f"{origin}photo/3/index.html")

    swipe(page, 300, 80)
    page.wait_for_url("**/photo/2/index.html")
    swipe(page, 80, 300)
    page.wait_for_url("**/photo/3/index.html")

    box = page.locator(".stage .picture").bounding_box()
    y = box["y"] + box["height"] / 2
    page.touchscreen.tap(195, y)
    page.touchscreen.tap(195, y)
    page.wait_for_selector(".stage.zoomed")


def test_neighbours_are_fetched_ahead(gallery, serve, visit):
    """While a picture is looked at the large renditions of those beside it arrive."""
    origin = serve(gallery)
    page = visit(origin)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{origin}photo/3/index.html")
    page.wait_for_load_state("networkidle")

    for to in ("prev", "next"):
        wanted = page.get_attribute(f"link[rel={to}]", "data-picture").removeprefix("../../")
        assert origin + wanted in asked


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("en-US", "May 5, 2018"), ("en-GB", "5 May 2018"), ("de-DE", "May 5, 2018")],
)
def test_dates_in_the_visitors_form(gallery, serve, visit, locale, expected):
    """Dates stand as the visitor writes them, in the page's language, by the camera's clock."""
    page = visit(origin := serve(gallery), locale=locale, timezone_id="Asia/Tokyo")
    page.goto(f"{origin}photo/4/index.html")

    text = page.inner_text("dl time")
    assert text.startswith(expected)
    assert "10:00" in text


REVEALED = """
addEventListener("pagereveal", (event) => {
  document.documentElement.dataset.reveal = String(Boolean(event.viewTransition));
});
"""


def test_a_tile_becomes_the_picture(gallery, serve, visit):
    """From grid to picture and back the browser is given a transition of the same picture."""
    page = visit(origin := serve(gallery))
    page.add_init_script(REVEALED)
    page.goto(origin)
    page.click("main [data-photo-id='6']")
    page.wait_for_url("**/photo/6/index.html")
    page.wait_for_selector("html[data-reveal=true]")
    assert (
        page.evaluate(
            "getComputedStyle(document.querySelector('.stage .picture')).viewTransitionName"
        )
        == "picture"
    )
    page.go_back()
    page.wait_for_selector("html[data-reveal=true] .tile[data-photo-id='6'] .picture[style]")

    still = visit(origin, reduced_motion="reduce")
    still.add_init_script(REVEALED)
    still.goto(origin)
    still.click("main [data-photo-id='6']")
    still.wait_for_selector("html[data-reveal=false]")


AXE_VIEWS = [
    "index.html",
    "album/index.html",
    "album/Pictures/2020/index.html",
    "tag/index.html",
    "tag/cat/index.html",
    "timeline/index.html",
    "timeline/2018/05/index.html",
    "photo/3/index.html",
    "photo/4/index.html",
    "index.html?q=cat",
    "404.html",
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1366])
def test_accessible(gallery, serve, visit, scheme, width):
    """Axe finds nothing against WCAG 2.2 A and AA in any view, light and dark, narrow and wide."""
    origin = serve(gallery)
    page = visit(origin, color_scheme=scheme, viewport={"width": width, "height": 844})
    for view in AXE_VIEWS:
        page.goto(origin + view)
        if "?" in view:
            hits(page)
        assert (view, []) == (view, violations(page))
