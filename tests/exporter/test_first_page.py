"""What the first page of an album costs a visitor: counted in a browser, never timed."""

import io
import random

import pytest

from picturerail_exporter import sections
from picturerail_exporter.pixels import decode
from picturerail_exporter.renditions import placeholder
from picturerail_exporter.site import SiteOptions, export

from .helpers import VECTORS, MemorySource, encoded, photograph

pytestmark = pytest.mark.browser

REQUESTS = 30
BYTES = 200_000
PHOTOGRAPHS = 3 * sections.PER_PAGE - 1
"""The most that a listing's newest page may hold."""
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
        taken = f"{2000 + at % 40}-05-05T10:00:00"
        source.add(
            f"photograph-{at:03}.jpg",
            data,
            placeholder=tiny,
            taken=taken,
            tags=(f"tag{at % 60}",),
        )
    folder = tmp_path_factory.mktemp("first-page")
    options = SiteOptions(folder / "site", folder / "renditions", vectors_version=VECTORS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sections, "PER_PAGE", PHOTOGRAPHS)  # all on one page
        export(source, options)
    return options.path


@pytest.mark.parametrize("view", ["", "album/Pictures/", "timeline/", "tag/"])
@pytest.mark.parametrize(
    ("width", "height", "density"),
    [(390, 844, 1), (390, 844, 3), (1366, 768, 1)],
    ids=["phone", "dense-phone", "desktop"],
)
def test_first_page_fits_the_budget(gallery, serve, chromium, width, height, density, view):
    """At most 30 requests and 200 kB, headers included, with all that is in sight there."""
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
    context.close()
    sizes = [lengths[key] for key in wanted]

    print(
        f"/{view} {width}x{height}@{density}: {len(sizes)} requests, {sum(sizes):,} bytes,"
        f" {len(in_sight)} pictures in sight"
    )
    assert all(in_sight)
    assert len(in_sight) >= (1 if view in {"tag/", "timeline/"} else 6)
    assert len(sizes) <= REQUESTS
    assert sum(sizes) <= BYTES
