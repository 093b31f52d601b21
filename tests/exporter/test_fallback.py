"""A browser that cannot show WebP, and a site that has JPEG files beside."""

from dataclasses import replace

import pytest

from picturerail_exporter import sections

from .helpers import begin_scrolling, encoded, nth_day, photograph

BROKEN = """all => all.filter(i => i.currentSrc && i.complete && !i.naturalWidth)
  .map(i => i.currentSrc)"""
SHOWN = "all => all.filter(i => i.complete && i.naturalWidth).map(i => i.currentSrc)"


def until(page, condition, argument):
    """Wait in the page, whose policy forbids to evaluate text again and again from outside."""
    again = "await new Promise(requestAnimationFrame)"
    page.evaluate(f"async given => {{ while (!({condition})(given)) {again}; }}", argument)


@pytest.mark.browser
@pytest.mark.parametrize("density", [1, 2])
def test_pictures_everywhere_without_webp(
    source, publish, options, serve, chromium, monkeypatch, density
):
    """Page, picture, scrolled shards and search show JPEGs where WebP cannot be shown."""
    monkeypatch.setattr(sections, "PER_PAGE", 4)
    picture = photograph("coffee")
    for at in range(40):
        crop = picture.crop((at, 0, at + 540, 360))
        source.add(f"{at}.jpg", encoded(crop), taken=nth_day(at), tags=("coffee",))
    publish(replace(options, recipe=replace(options.recipe, more=("jpeg",))))
    origin = serve(options.path)
    context = chromium.new_context(
        viewport={"width": 1200, "height": 900}, device_scale_factor=density
    )
    page = context.new_page()
    tools = context.new_cdp_session(page)
    tools.send("Emulation.setDisabledImageTypes", {"imageTypes": ["webp", "avif"]})

    def shown(within, least):
        until(
            page,
            "([within, least]) => [...document.querySelectorAll(`${within} img.picture`)]"
            ".filter(i => i.complete && i.naturalWidth).length >= least",
            [within, least],
        )
        names = page.eval_on_selector_all(f"{within} img.picture", SHOWN)
        assert all(name.endswith(".jpeg") for name in names)
        # Until it is fetched as a JPEG, a picture is broken for a moment.
        images = "[...document.querySelectorAll(`${within} img.picture`)]"
        until(page, f"within => !({BROKEN})({images}).length", within)

    page.goto(origin)
    begin_scrolling(page)
    shown("main .grid", 4)
    page.mouse.move(600, 450)
    page.mouse.wheel(0, 1200)
    shown("#scroll", 4)
    page.goto(f"{origin}?q=coffee")
    page.wait_for_selector("html[data-search=ready]")
    shown("#results", 4)
    page.goto(f"{origin}photo/3/")
    shown("main", 1)
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize(("disabled", "ending"), [([], ".avif"), (["avif"], ".webp")])
def test_neighbours_come_as_they_will_be_shown(
    source, publish, options, serve, chromium, disabled, ending
):
    """What is fetched ahead is what the next page shows, where there are several formats."""
    for at in range(3):
        picture = encoded(photograph("coffee").crop((at, 0, at + 540, 360)))
        source.add(f"{at}.jpg", picture, taken=nth_day(at))
    publish(replace(options, recipe=replace(options.recipe, more=("avif",))))
    origin = serve(options.path)
    context = chromium.new_context()
    page = context.new_page()
    tools = context.new_cdp_session(page)
    tools.send("Emulation.setDisabledImageTypes", {"imageTypes": disabled})
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{origin}photo/2/index.html")
    page.wait_for_load_state("networkidle")
    ahead = {url for url in asked if "/media/" in url}

    assert len(ahead) == 3
    assert {url[url.rindex(".") :] for url in ahead} == {ending}
    page.goto(f"{origin}photo/1/index.html")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.querySelector('.picture').currentSrc") in ahead
    context.close()
