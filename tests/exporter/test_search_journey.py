"""A visitor's search, typed by hand in Chromium."""

import re

import pytest
from playwright.sync_api import expect

from .helpers import encoded, photograph

pytestmark = pytest.mark.browser

READY = "html[data-search=ready]"
FILES = re.compile(r"/search/[0-9a-f]{12}\.bin$")


@pytest.fixture
def gallery(source, publish, options, serve):
    """A gallery of some journeys; gives its address."""
    picture = encoded(photograph("coffee").resize((60, 40)))
    for number, (folder, caption, tags, taken) in enumerate(
        [
            ("Lisbon", "Sunset on the beach", ("beach", "sea"), "2019-07-14T20:10:00"),
            ("Lisbon", "Breakfast on the beach", ("beach",), "2019-07-15T08:00:00"),
            ("Lisbon", "Sunset over the roofs", ("roof",), "2019-07-16T20:00:00"),
            ("Oslo", "Sunset on the beach", ("beach", "fjord"), "2021-06-20T22:00:00"),
            ("Oslo", "A tram", ("tram",), "2021-06-21T12:00:00"),
        ],
        1,
    ):
        source.add(
            f"{folder}/IMG_{2040 + number}.jpg", picture, caption=caption, tags=tags, taken=taken
        )
    publish()
    return serve(options.path)


def ids(page):
    """Return the ids of the hits that are shown, in order."""
    page.wait_for_selector(READY)
    hits = page.locator("#results [data-photo-id]")
    return [int(hit.get_attribute("data-photo-id")) for hit in hits.all()]


def typed(page, text):
    """Type as a hand does, and wait until the results are those of all of it."""
    page.get_by_role("searchbox").first.press_sequentially(text, delay=60)
    expect(page).to_have_title(re.compile(f"^{re.escape(text)}"))
    page.wait_for_selector(READY)


def test_a_misspelt_wish_is_understood_and_shared(gallery, chromium):
    """It finds the sunset on the beach in Lisbon, says what it took for what, and is shared."""
    complaints = []
    page = chromium.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(gallery)
    typed(page, "sunst beech lisbon 2019")

    assert ids(page) == [1]
    note = page.inner_text("#results-note")
    assert "“sunst”; shown for “sunset”" in note
    assert "“beech”; shown for “beach”" in note
    hit = page.locator("#results [data-photo-id]").first
    assert {"sunset", "beach", "lisbon", "2019"} <= set(hit.get_attribute("data-matched").split())
    assert hit.locator("img.picture").get_attribute("alt") == "Sunset on the beach"

    other = chromium.new_context().new_page()
    other.goto(page.url)
    assert ids(other) == [1]
    assert other.get_by_role("searchbox").first.input_value() == "sunst beech lisbon 2019"
    assert other.inner_text("#results-note") == note

    page.go_back()
    page.wait_for_selector("html:not([data-search])")
    page.go_forward()
    assert ids(page) == [1]
    assert complaints == []
    page.close()
    other.context.close()


def test_the_whole_language_is_understood(gallery, chromium):
    """Phrases, exclusions, either, fields and dates narrow as the engine has it."""
    page = chromium.new_page()
    for text, expected in (
        ('"sunset on the beach"', {1, 4}),
        ("sunset -beach", {3}),
        ("tram OR roofs", {5, 3}),
        ("tag:fjord", {4}),
        ("folder:oslo tram", {5}),
        ("beach date:2019-07", {1, 2}),
        ("sunset 2020..", {4}),
        ("-(sunset OR tram)", {2}),
        ("IMG_2045", {5}),
        ("sun*", {1, 3, 4}),
    ):
        page.goto(f"{gallery}?" + page.evaluate("q => String(new URLSearchParams({q}))", text))
        assert set(ids(page)) == expected, text
    page.close()


def test_hits_are_sorted_as_wished(gallery, chromium):
    """The best, the newest or the oldest first; the address says which, and so does the page."""
    page = chromium.new_page()
    page.goto(f"{gallery}?q=sunset+beach")
    best = ids(page)
    page.get_by_label("Sort by").select_option("the newest first")
    page.wait_for_url("**sort=newest*")
    assert ids(page) == [4, 1]
    page.get_by_label("Sort by").select_option("the oldest first")
    page.wait_for_url("**sort=oldest*")
    assert ids(page) == [1, 4]
    page.goto(f"{gallery}?q=beach&sort=newest")
    assert ids(page) == [4, 2, 1]
    assert page.get_by_label("Sort by").input_value() == "newest"
    page.goto(f"{gallery}?q=sunset+beach&sort=nonsense")
    assert ids(page) == best
    page.close()


def test_a_host_that_fails_is_told_and_tried_again(gallery, chromium):
    """Whatever a host answers for a file is told, and the search works once the host does."""
    page = chromium.new_page()
    page.goto(gallery)

    def fail(route):
        status = {"0": 404, "1": 500}.get(route.request.url[-5], 200)
        route.fulfill(status=status, body="<html>sorry</html>", content_type="text/html")

    page.route(FILES, fail)
    typed(page, "sunset")
    assert ids(page) == []
    assert "could not be read" in page.inner_text("#results-note")
    page.unroute(FILES)
    page.route("**/search/root.bin", fail)
    page.goto(f"{gallery}?q=sunset")
    page.wait_for_selector("html[data-search=unavailable]")
    page.unroute("**/search/root.bin")
    page.get_by_role("searchbox").first.press("Enter")
    assert set(ids(page)) == {1, 3, 4}
    page.close()


def test_results_are_narrowed_step_by_step(gallery, chromium):
    """What pictures share narrows them, one step in the history each, and is shared by address."""
    page = chromium.new_page()
    page.goto(f"{gallery}?q=beach")
    assert set(ids(page)) == {1, 2, 4}
    page.get_by_text("Narrow down").click()
    page.get_by_role("group", name="Year").get_by_role("button", name="2019 2").click()
    page.wait_for_url("**year=2019*")
    page.wait_for_selector(f"{READY}[data-results='2']")
    assert set(ids(page)) == {1, 2}
    page.get_by_role("group", name="Tag").get_by_role("button", name="sea 1").click()
    page.wait_for_selector(f"{READY}[data-results='1']")
    assert ids(page) == [1]

    other = chromium.new_context().new_page()
    other.goto(page.url)
    assert ids(other) == [1]
    other.context.close()

    page.go_back()
    page.wait_for_selector(f"{READY}[data-results='2']")
    page.get_by_role("button", name="Not only “2019”").click()
    page.wait_for_selector(f"{READY}[data-results='3']")
    assert "year" not in page.url
    page.goto(f"{gallery}?folder=Oslo")
    assert ids(page) == [5, 4]
    assert page.inner_text("#results-title") == "2 pictures"
    page.close()


def test_words_are_offered_and_taken(gallery, chromium):
    """What is being typed is completed by the site's words, with the keys or the pointer."""
    page = chromium.new_page()
    page.goto(gallery)
    box = page.get_by_role("searchbox").first
    box.press_sequentially("breakfast b", delay=60)
    option = page.get_by_role("option", name="beach")
    option.wait_for()
    assert "beach 3" in " ".join(option.first.inner_text().split())
    box.press("ArrowDown")
    chosen = page.locator("[role=option][aria-selected=true]")
    assert box.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    assert box.input_value() == "breakfast b"
    box.press("Enter")
    assert box.input_value() == "breakfast beach"
    page.wait_for_url("**q=breakfast+beach")
    assert ids(page) == [2]
    assert not page.get_by_role("option").count()

    box.fill("su")
    page.get_by_role("option", name="sunset").click()
    page.wait_for_url("**q=sunset")
    assert set(ids(page)) == {1, 3, 4}
    box.fill("tra")
    page.get_by_role("option", name="tram").wait_for()
    box.press("Escape")
    assert not page.get_by_role("option").count()
    assert box.input_value() == "tra"
    page.close()


def test_tags_are_offered_as_they_are_written(source, publish, options, serve, chromium):
    """Typed without accents a tag is offered with them, and finds what bears it."""
    picture = encoded(photograph("coffee").resize((60, 40)))
    source.add("one.jpg", picture, tags=("Zürich", "Zürcher See"), caption="At the lake")
    source.add("two.jpg", picture, tags=("Zürich",), caption="In zurich")
    source.add("three.jpg", picture, caption="Züge")
    publish()
    page = chromium.new_page()
    page.goto(serve(options.path))
    box = page.get_by_role("searchbox").first
    box.press_sequentially("zu", delay=60)
    page.get_by_role("option").first.wait_for()
    offered = [
        " ".join(each.split())
        for each in page.locator("#completions [role=option]").all_inner_texts()
    ]
    assert offered == ["Zürich 2", "zuge 1", "zurcher 1", "Zürcher See 1"], offered
    page.get_by_role("option", name="Zürich").click()
    assert box.input_value() == "Zürich"
    page.wait_for_url("**q=Z%C3%BCrich")
    assert set(ids(page)) == {1, 2}
    page.close()


@pytest.mark.parametrize("colour", ["#305080", "#b08050", "#404048", "#e0e0e0"])
def test_results_have_the_colour_of_their_picture(
    source, publish, options, serve, chromium, colour
):
    """Until a picture is there its place is about as light and as blue or red."""
    picture = encoded(photograph("coffee").resize((60, 40)))
    source.add("one.jpg", picture, caption="Lake", colour=colour)
    publish()
    page = chromium.new_page()
    page.goto(f"{serve(options.path)}?q=lake")
    assert ids(page) == [1]
    shown = page.locator("#results [data-photo-id]").evaluate("each => each.style.backgroundColor")
    found = [int(part) for part in re.findall(r"\d+", shown)]
    wanted = bytes.fromhex(colour[1:])
    assert all(abs(a - b) <= 30 for a, b in zip(wanted, found, strict=True)), (colour, found)
    page.close()


def test_typing_does_not_wait_for_a_slow_host(gallery, chromium):
    """Over a slow line letters appear at once, and what is shown at last is for all of them."""
    page = chromium.new_page()
    page.goto(gallery)
    client = page.context.new_cdp_session(page)
    client.send(
        "Network.emulateNetworkConditions",
        # Slow 3G, as the browser's own tools have it.
        {
            "offline": False,
            "latency": 2000,
            "downloadThroughput": 50_000,
            "uploadThroughput": 50_000,
        },
    )
    held = []
    free = []
    page.route("**/search/*.bin", lambda route: route.continue_() if free else held.append(route))
    box = page.get_by_role("searchbox").first
    with page.expect_request("**/search/root.bin"):
        box.press_sequentially("sunset lisbon")
    assert box.input_value() == "sunset lisbon"
    assert page.evaluate("document.documentElement.dataset.search") == "busy"
    free.append(True)
    for route in held:
        route.continue_()
    assert ids(page) == [3, 1]
    assert page.title().startswith("sunset lisbon")
    page.close()
