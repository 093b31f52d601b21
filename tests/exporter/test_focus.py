"""Going through the pages by the keyboard: in the order of reading, and always to be seen where."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from .helpers import begin_scrolling
from .test_browser import hits, visit
from .test_every_page import site

__all__ = ["site", "visit"]  # fixtures

pytestmark = pytest.mark.browser

SIZES = {"phone": (390, 844), "desktop": (1366, 860)}
VIEWS = {
    "grid": "index.html",
    "album": "album/Pictures/index.html",
    "photo": "photo/4/index.html",
    "search": "index.html?q=cat",
}
OUTSIDE = 6
"""Pixels around an element where it is to show that it has the focus; or as many inside of it."""

REACHABLE = """() => {
  const all = "a[href], button, input, select, summary, textarea, [tabindex]";
  globalThis.reachable = [...document.querySelectorAll(all)].filter(e => e.checkVisibility());
  return reachable.map(e => e.outerHTML.slice(0, 90));
}"""
FOCUSED = """() => {
  const e = document.activeElement;
  const { left, top, right, bottom } = e.getBoundingClientRect();
  let [along, down] = [0, 0];  // what is scrolled, of the page and of what is drawn along in it
  for (let each = e; each && !each.matches(".rail, .bar, .skip"); each = each.parentElement) {
    [along, down] = [along + each.scrollLeft, down + each.scrollTop];
  }
  return {
    at: reachable.indexOf(e), text: e.outerHTML.slice(0, 90), rail: Boolean(e.closest(".rail")),
    box: [left, top, right, bottom],
    place: [left + along, top + down, right + along, bottom + down],
  };
}"""


def opened(page, origin, view):
    """Open a view and wait until nothing more comes."""
    page.goto(origin + VIEWS[view], wait_until="networkidle")
    if view == "search":
        hits(page)
    if view == "grid":
        begin_scrolling(page)
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", VIEWS)
def test_focus_goes_as_one_reads(site, serve, visit, view, size):
    """Tab reaches everything in the page's order, which is that of reading: on, or further down."""
    origin = serve(site)
    page = visit(origin, viewport=dict(zip(("width", "height"), SIZES[size], strict=True)))
    opened(page, origin, view)
    reachable = page.evaluate(REACHABLE)
    reached = []
    for _ in reachable:
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUSED))

    assert reachable[0].startswith('<a class="skip"')
    assert [each["at"] for each in reached] == list(range(len(reachable)))
    assert len(reached) >= 12
    assert all(each["rail"] for each in reached if "rail" in each["text"])
    following = [each for each in reached[1:] if not each["rail"]]  # which stands beside them all
    for one, other in itertools.pairwise(following):
        (left, _, _, bottom), (next_left, next_top, _, _) = one["place"], other["place"]
        assert next_top >= bottom - 4 or next_left >= left, (one["text"], other["text"])


@pytest.mark.parametrize("view", VIEWS)
def test_focus_is_seen(site, serve, visit, view):
    """What has the focus looks otherwise around its edge than without, on the screen itself."""
    origin = serve(site)
    page = visit(origin, viewport={"width": 1000, "height": 800})
    opened(page, origin, view)
    unseen = []
    for _ in page.evaluate(REACHABLE):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        left, top, right, bottom = (round(edge) for edge in focused["box"])
        corner = max(0, left - OUTSIDE), max(0, top - OUTSIDE)
        with_focus = shot(page, *corner, right + OUTSIDE, bottom + OUTSIDE)
        page.evaluate("document.activeElement.blur()")  # the next Tab goes on from here
        without = shot(page, *corner, right + OUTSIDE, bottom + OUTSIDE)
        changed = np.abs(with_focus - without).max(axis=2) > 40
        changed[2 * OUTSIDE : -2 * OUTSIDE, 2 * OUTSIDE : -2 * OUTSIDE] = False
        if changed.sum() < (right - left) + (bottom - top):  # half of a line around it
            unseen.append((focused["text"], int(changed.sum())))

    assert unseen == []


def shot(page, left, top, right, bottom):
    """Return what a part of the window shows, as numbers."""
    part = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    with Image.open(io.BytesIO(page.screenshot(clip=part))) as image:
        return np.asarray(image.convert("RGB"), np.int16)
