"""What the first page of an album costs a visitor: counted in a browser, never timed."""

import io
import json
import random

import pytest

from picturerail_exporter import sections
from picturerail_exporter.pixels import decode
from picturerail_exporter.renditions import placeholder
from picturerail_exporter.site import SiteOptions, export

from .helpers import VECTORS, MemorySource, begin_scrolling, encoded, photograph

pytestmark = pytest.mark.browser

REQUESTS = 30
BYTES = 200_000
HUNG = 5 * sections.PER_PAGE // 2 - 1
"""The most that a listing's newest page may hold."""
PHOTOGRAPHS = 354
"""Of so many the newest page holds as many."""
ALL = 100_000
"""So many the listings then tell of."""
SHAPES = [(3, 2), (3, 2), (3, 2), (4, 3), (2, 3), (16, 9), (1, 1)]


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    """A site of photographs in one album: different parts of real ones, larger than tiles."""
    chance = random.Random(5)
    whole = [photograph(name) for name in ("astronaut", "chelsea", "coffee", "rocket")]
    source = MemorySource()
    source.root(1, "Pictures")
    files = []
    for at in range(60):
        image = whole[at % len(whole)]
        width, height = SHAPES[at % len(SHAPES)]
        scale = 0.9 * min(image.width / width, image.height / height)
        wide, high = int(width * scale), int(height * scale)
        left, top = chance.randint(0, image.width - wide), chance.randint(0, image.height - high)
        part = image.crop((left, top, left + wide, top + high))
        files.append(encoded(part.resize((part.width * 900 // part.height, 900)), quality=90))
    for at in range(PHOTOGRAPHS):
        data = files[-at % len(files)]
        tiny = placeholder(decode(io.BytesIO(data)))
        taken = f"{2000 + at // 10}-05-{at % 10 + 1:02}T10:00:00"
        source.add(
            f"photograph-{at:03}.jpg",
            data,
            placeholder=tiny,
            taken=taken,
            tags=(f"tag{at % 60}",),
        )
    folder = tmp_path_factory.mktemp("first-page")
    options = SiteOptions(folder / "site", folder / "renditions", vectors_version=VECTORS)
    export(source, options)
    assert (options.path / "index.html").read_text().count("data-photo-id") == HUNG
    for listing in ("", "album/Pictures/"):
        lengthen(options.path / listing / "page/scroll.json")
    return options.path


def lengthen(place):
    """Let a listing's shards follow each other until they are those of very many pictures."""
    root = json.loads(place.read_bytes())
    held = sum(count for _, runs in root["shards"] for _, count, _ in runs)
    place.write_text(json.dumps({**root, "shards": root["shards"] * (ALL // held + 1)}))


@pytest.mark.parametrize("view", ["", "album/Pictures/", "timeline/", "tag/"])
@pytest.mark.parametrize(
    ("width", "height", "density"),
    [(390, 844, 1), (390, 844, 3), (1366, 768, 1), (1440, 900, 1)],
    ids=["phone", "dense-phone", "small-desktop", "desktop"],
)
def test_first_page_fits_the_budget(gallery, serve, chromium, width, height, density, view):
    """At most 30 requests and 200 kB, headers included, with all that is in sight there.

    Nothing is asked for that grows with the number of pictures: the list of all is read when the
    visitor gives a sign of going there.
    """
    context = chromium.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=density
    )
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    addresses, lengths = {}, {}

    def asked(request):
        addresses[request["requestId"]] = request["request"]["url"]

    def arrived(answer):
        lengths[answer["requestId"]] = answer["encodedDataLength"]

    network.on("Network.requestWillBeSent", asked)
    network.on("Network.loadingFinished", arrived)
    page.goto(serve(gallery) + view, wait_until="networkidle")
    in_sight = page.eval_on_selector_all(
        "main .picture",
        "all => all.filter(e => e.closest('a').getBoundingClientRect().top < innerHeight)"
        ".map(e => e.complete && e.naturalWidth > 0)",
    )
    # Placeholders are in the page itself.
    wanted = [key for key, url in addresses.items() if not url.startswith("data:")]
    for _ in range(500):
        if lengths.keys() >= set(wanted):
            break
        page.wait_for_timeout(20)  # hears of what a busy machine brings late
    sizes = [lengths[key] for key in wanted]

    print(
        f"/{view} {width}x{height}@{density}: {len(sizes)} requests, {sum(sizes):,} bytes,"
        f" {len(in_sight)} pictures in sight"
    )
    assert all(in_sight)
    assert len(in_sight) >= (1 if view in {"tag/", "timeline/"} else 6)
    assert len(sizes) <= REQUESTS
    assert sum(sizes) <= BYTES
    if view in {"", "album/Pictures/"}:  # and all are there as soon as they are wanted
        begin_scrolling(page)
        assert page.evaluate("document.documentElement.scrollHeight") > ALL * 10
    context.close()
