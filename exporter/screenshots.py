"""Pictures of the gallery's views, made in headless Chromium: `make screenshots`.

    python exporter/screenshots.py SITE FOLDER

Every view of an exported site at phone, tablet and desktop size, light and dark, as PNG files
in FOLDER, to be looked at; and, as WebP files there, those that the README shows.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from picturerail_exporter.serve import make_server

SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1366, 860)}
SHOWN = {
    "screenshot": (1366, 590, "light"),
    "screenshot-photo": (1100, 720, "dark"),
    "screenshot-phone": (390, 720, "dark"),
}
"""What the README shows of the demonstration (`make run`): size in pixels, scheme."""


def views(site: Path) -> dict[str, tuple[str, Callable[[Page], None]]]:
    """Return each view's address on a site, and what is done there."""
    photos = sorted((site / "photo").iterdir(), key=lambda path: int(path.name))
    months = sorted((site / "timeline").glob("*/*/index.html"))
    albums = sorted((site / "album").glob("*/**/index.html"), key=lambda path: len(path.parts))
    parts = [path for path in albums if path.parent.name.startswith("albums-")]
    albums = [path for path in albums if "page" not in path.relative_to(site).parts]
    tags = sorted((site / "tag").glob("*/index.html"), key=lambda path: -path.stat().st_size)
    photo = f"photo/{photos[len(photos) // 3].name}/index.html"
    word = tags[0].parent.name if tags else "photo"
    ways = {f"{kind}s": f"{kind}/index.html" for kind in ("tag", "camera", "place")}
    plain = {
        "grid": "index.html",
        "timeline": "timeline/index.html",
        "month": str(months[0].relative_to(site)),
        "albums": "album/index.html",
        "album": str(albums[0].relative_to(site)),
        "inner": str(albums[-1].relative_to(site)),
        **{name: path for name, path in ways.items() if (site / path).is_file()},
        **({"part": str(parts[0].relative_to(site))} if parts else {}),
        **({"tag": str(tags[0].relative_to(site))} if tags else {}),
        "photo": photo,
        "search": f"index.html?q={word}",
        "nothing": "index.html?q=qwertzuiop",
        "missing": "404.html",
    }
    return {
        **{name: (path, lambda _page: None) for name, path in plain.items()},
        "about": (photo, lambda page: page.keyboard.press("i")),
        "keys": (photo, lambda page: page.keyboard.press("?")),
        "zoomed": (photo, lambda page: page.keyboard.press("z")),
        "scrolled": ("index.html", _scroll),
        "narrowed": (plain["search"], lambda page: page.click("#results-narrow summary")),
        "completed": ("index.html", _type),
    }


def _scroll(page: Page) -> None:
    page.mouse.move(200, 300)
    page.wait_for_selector("html[data-scroll=ready]", timeout=3000)
    page.mouse.wheel(0, 2500)
    page.wait_for_timeout(800)


def _type(page: Page) -> None:
    page.click("input[type=search]")
    page.keyboard.type("ha", delay=30)
    page.wait_for_timeout(500)


def main() -> None:
    """Take them all."""
    site, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    server = make_server(site, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"),
                args=["--no-sandbox"] if os.geteuid() == 0 else [],
            )
            for size, (width, height) in SIZES.items():
                for scheme in ("light", "dark"):
                    page = browser.new_page(
                        viewport={"width": width, "height": height}, color_scheme=scheme
                    )
                    for view, (path, act) in views(site).items():
                        page.goto(f"http://127.0.0.1:{server.server_port}/{path}")
                        page.wait_for_load_state("networkidle")
                        act(page)
                        page.wait_for_load_state("networkidle")
                        page.screenshot(path=folder / f"{view}-{size}-{scheme}.png")
                    page.close()
            for name, (width, height, scheme) in SHOWN.items():
                page = browser.new_page(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                page.goto(f"http://127.0.0.1:{server.server_port}/")
                if "photo" in name:
                    page.click(".tile >> nth=0")
                page.wait_for_load_state("networkidle")
                with Image.open(io.BytesIO(page.screenshot())) as image:
                    image.convert("RGB").save(folder / f"{name}.webp", quality=78, method=6)
                page.close()
            browser.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    main()
