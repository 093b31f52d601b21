"""All pictures of a listing scrolled as one, over shards of which a change touches few."""

import datetime as dt
import gzip
import hashlib
import json
import random

import pytest

from picturerail_exporter import sections
from picturerail_exporter.collection import Photo
from picturerail_exporter.listings import BEGINNING
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.scroll import scroll_of
from picturerail_exporter.state import open_state
from picturerail_native.records import Exposure

from .helpers import begin_scrolling, plain, public

READY = "html[data-scroll=ready]"
SHAPES = [(60, 40), (40, 60), (90, 30), (50, 50)]


@pytest.fixture
def long(source, publish, options, monkeypatch):
    """A site of 900 pictures over nine years, on pages of 20; gives its folder."""
    monkeypatch.setattr(sections, "PER_PAGE", 20)
    for at in range(900):
        taken = f"{2010 + at // 100}-{at // 9 % 11 + 1:02}-01T10:00:{at % 9:02}"
        content = plain((at % 9 * 20, 90, 90), SHAPES[at % 4])
        source.add(f"{at}.jpg", content, taken=taken, caption=f"Picture {at}")
    publish()
    return options.path


def scrolled(site):
    """Return the ids of the pictures that the front page's shards hold, in order."""
    root = json.loads((site / "page/scroll.json").read_bytes())
    shards = [json.loads((site / "page" / name).read_bytes()) for name, _ in root["shards"]]
    for (_, runs), shard in zip(root["shards"], shards, strict=True):
        assert sum(count for _, count, _ in runs) == len(shard)
    return [entry[0] for shard in shards for entry in shard], root


def test_shards_hold_what_the_page_does_not(long, source):
    """The page's own pictures and its shards' are all there are, each once, the newest first."""
    held, root = scrolled(long)
    hung = sum(count for _, count, _ in root["front"])

    newest = sorted(source.rows.values(), key=lambda row: (row.metadata.taken, row.id))
    assert [row.id for row in reversed(newest)][hung:] == held
    assert hung >= 20


def test_a_change_touches_few_shards(long, source, publish):
    """One more picture makes one or two shards of each of its listings anew."""
    before = public(long)
    source.add("new.jpg", plain((9, 9, 9)), taken="2014-05-05T10:00:00")
    report = publish()

    new = [name for name in report.added_files if name.startswith("page/") and ".json" in name]
    assert 1 <= len(new) <= 3
    assert "page/scroll.json" in report.changed_files
    source.delete(901)
    publish()
    assert before == public(long)


@pytest.mark.browser
@pytest.mark.parametrize("size", [(390, 844), (820, 1180), (1366, 860)])
def test_to_a_year_and_back(long, serve, chromium, size):
    """The scrubber leads to a year; rows fill the window; back from a picture is the same place."""
    page = chromium.new_page(viewport={"width": size[0], "height": size[1]})
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(serve(long))
    begin_scrolling(page)
    page.locator(".rail a", has_text="2014").dispatch_event("click")
    page.wait_for_selector("html[data-scroll=ready] .line .tile img[alt='Picture 494']")
    box = page.locator(".line .tile", has=page.locator("img[alt='Picture 494']")).bounding_box()
    assert 0 <= box["y"] < 300
    high = page.eval_on_selector_all(
        ".line",
        "all => all.map(e => [e.getBoundingClientRect().height, e.scrollWidth - innerWidth])",
    )
    row = float(
        page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--row')")[:-2]
    )
    assert all(row * 0.5 < height < row * 1.81 and over <= 0 for height, over in high)
    assert page.locator("main .tile").count() < 400
    page.wait_for_url("**#2014-*")

    page.click(".line .tile:has(img[alt='Picture 494'])")
    page.wait_for_url("**/photo/495/index.html")
    page.go_back()
    page.wait_for_selector(READY)
    page.wait_for_selector(".line .tile img[alt='Picture 494']")
    again = page.locator(".line .tile", has=page.locator("img[alt='Picture 494']")).bounding_box()
    assert abs(again["y"] - box["y"]) < 40
    page.close()
    assert complaints == []


@pytest.mark.browser
def test_it_begins_by_itself_where_the_end_is_in_sight(long, serve, chromium):
    """What grows with the listing is read once a visitor is there, or sees the page's end."""
    page = chromium.new_page(viewport={"width": 1366, "height": 500})
    asked = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.goto(serve(long), wait_until="networkidle")
    page.locator("input[name=q]").focus()
    page.keyboard.type("nothing")  # is no sign of scrolling
    page.wait_for_selector("html[data-search=ready]")
    assert not {"scroll.json", "scroll.js", "rows.js"}.intersection(asked)

    page.set_viewport_size({"width": 1366, "height": 5000})
    page.goto(serve(long))
    page.wait_for_selector(READY)
    page.close()


@pytest.mark.browser
def test_an_address_leads_to_a_month(long, serve, chromium):
    """An address with a month shows that month's pictures at once."""
    page = chromium.new_page()
    page.goto(f"{serve(long)}#2012")
    page.wait_for_selector(".line .tile img[alt='Picture 296']")
    page.close()


@pytest.mark.browser
def test_a_year_is_a_step_back(long, serve, chromium):
    """After a year of the scrubber was followed, "back" leads to where the visitor was."""
    page = chromium.new_page()
    page.goto(f"{serve(long)}#2016")
    page.wait_for_selector(".line .tile img[alt='Picture 692']")
    before = page.evaluate("scrollY")
    page.locator(".rail a", has_text="2012").dispatch_event("click")
    page.wait_for_selector(".line .tile img[alt='Picture 296']")
    assert page.evaluate("scrollY") > before + 1000

    page.go_back()
    page.wait_for_selector(".line .tile img[alt='Picture 692']")

    page.wait_for_url("**#2016-*")
    assert abs(page.evaluate("scrollY") - before) < 40
    page.close()


@pytest.mark.browser
def test_a_search_has_no_scrubber(long, serve, chromium):
    """The scrubber is gone while what it scrolls is hidden by a search, and then there again."""
    page = chromium.new_page(viewport={"width": 1366, "height": 860})
    page.goto(serve(long))
    begin_scrolling(page)
    assert page.locator(".rail").is_visible()

    page.locator("input[name=q]").fill("picture")
    page.wait_for_selector("html[data-search=ready]")
    assert not page.locator(".rail").is_visible()

    page.locator("input[name=q]").fill("")
    page.wait_for_selector("html:not([data-search])")
    assert page.locator(".rail").is_visible()
    page.close()


def nth(number, width, height, minutes):
    """A picture, so long after the first of all."""
    moment = dt.datetime(2005, 1, 1) + dt.timedelta(minutes=minutes)
    return Photo(
        id=number,
        content_hash=hashlib.sha256(b"%d" % number).digest(),
        filename=f"{number}.jpg",
        path=f"{number}.jpg",
        folder=(b"Pictures",),
        width=width,
        height=height,
        order=int(moment.replace(tzinfo=dt.UTC).timestamp()),
        taken=moment,
        caption="",
        tags=(),
        camera="",
        lens="",
        exposure=Exposure(),
        placeholder="",
        fields=(),
    )


def lists_of(state, touched):
    """Make a listing's files, and return its list of all."""
    made = scroll_of(state, b"", sections.Listing(state, b"", ""), "newest", Recipe(), touched)
    return dict(made.written)["page/scroll.json"]()


@pytest.mark.parametrize("seed", range(4))
def test_a_change_cuts_as_all_would_be_cut(seed, monkeypatch):
    """Wherever pictures come and go, the shards are those that all would be cut into anew."""
    print(f"seed {seed}")
    monkeypatch.setattr(sections, "PER_PAGE", 4)
    chance = random.Random(seed)
    held = {}
    with open_state(None) as state:
        for step in range(30):
            places = set()
            front = sections.front_of(state, b"")
            for _ in range(700 if step == 0 else chance.choice([1, 1, 2, 30])):
                number = chance.randrange(1, 1000)
                if number in held:
                    gone = held.pop(number)
                    state.drop(number)
                    places.add((gone.order, number))
                else:
                    width, height = chance.choice([(3000, 2000), (2000, 3000)])
                    # Mostly one after the other, now and then at the very end or beginning.
                    when = chance.choice([number, number, number, 0, 5000])
                    held[number] = nth(number, width, height, when)
                    state.put(held[number])
                    places.add((held[number].order, number))
            now = lists_of(state, sections.recut(state, b"", places, front))

            with open_state(None) as fresh:
                for photo in held.values():
                    fresh.put(photo)
                assert lists_of(fresh, sections.recut(fresh, b"", [BEGINNING])) == now


def test_the_list_of_very_many_is_small():
    """What a browser reads of 100,000 pictures before it knows how long all is: 20 kB at most."""
    chance = random.Random(100_000)
    with open_state(None) as state:
        for number in range(1, 100_001):
            width, height = chance.choice([(3000, 2000), (2000, 3000), (4000, 3000), (1600, 900)])
            state.put(nth(number, width, height, 105 * number))
        sections.recut(state, b"", [BEGINNING])
        listing = sections.Listing(state, b"", "")
        path, made = scroll_of(state, b"", listing, "newest", Recipe(), set()).written[-1]
        root = made()

    assert path == "page/scroll.json"
    told = json.loads(root)
    runs = [*told["front"], *(run for _, of_shard in told["shards"] for run in of_shard)]
    assert sum(count for _, count, _ in runs) == 100_000
    assert len({month for month, _, _ in runs}) >= 12 * 19
    packed = len(gzip.compress(root, 6))
    print(f"{len(told['shards'])} shards: {len(root):,} bytes, {packed:,} compressed")
    assert packed < 20_000
