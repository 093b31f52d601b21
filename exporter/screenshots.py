"""Pictures of the gallery's views, made in headless Chromium: `make screenshots`.

    python exporter/screenshots.py SITE FOLDER

Every view of an exported site at phone, tablet and desktop size, light and dark, as PNG files
in FOLDER, to be looked at; and `screenshot.webp` there, the front page for the README.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import threading
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from picturerail_exporter.serve import make_server

SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1366, 860)}


def main() -> None:
    """Take them all."""
    site, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    photo = min((site / "photo").iterdir(), key=lambda path: int(path.name))
    month = next((site / "timeline").glob("*/*/index.html"))
    albums = sorted((site / "album").glob("*/**/index.html"), key=lambda path: len(path.parts))
    views = {
        "grid": "index.html",
        "timeline": "timeline/index.html",
        "month": str(month.relative_to(site)),
        "albums": "album/index.html",
        "album": str(albums[0].relative_to(site)),
        "inner": str(albums[-1].relative_to(site)),
        "tags": "tag/index.html",
        "photo": f"photo/{photo.name}/index.html",
        "search": "index.html?q=animal",
        "missing": "404.html",
    }
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
                    for view, path in views.items():
                        page.goto(f"http://127.0.0.1:{server.server_port}/{path}")
                        page.wait_for_load_state("networkidle")
                        data = page.screenshot()
                        (folder / f"{view}-{size}-{scheme}.png").write_bytes(data)
                        if (view, size, scheme) == ("grid", "desktop", "light"):
                            with Image.open(io.BytesIO(data)) as image:
                                image.save(folder / "screenshot.webp", quality=80, method=6)
                    page.close()
            browser.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    main()
