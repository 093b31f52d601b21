"""Live reload of a preview: pages are told when an export has finished, and look again.

Only `picturerail serve` hands this out; nothing of it is on the site. The script is a file of the
server's own origin, so the pages' content security policy allows it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from picturerail_exporter.site_folder import ExportError, read_manifest

SCRIPT_PATH = "/.picturerail/live.js"
EVENTS_PATH = "/.picturerail/live"
POLL_SECONDS = 0.25
_HEARTBEAT = 60
"""After so many looks without news a comment is sent: whoever is gone is noticed so."""

SCRIPT = b"""// Reloads this page when an export changed it. Part of the preview, not of the site.
"use strict";

(() => {
  const read = async () => (await fetch(location.href, { cache: "no-store" })).text();
  const shown = read();
  const events = new EventSource("/.picturerail/live");
  events.addEventListener("exported", async () => {
    const scrolled = document.getElementById("scroll") || document.documentElement.dataset.search;
    if (scrolled || (await read()) !== (await shown)) {
      location.reload();
    }
  });
  addEventListener("pagehide", () => events.close());
})();
"""


def with_script(page: bytes) -> bytes:
    """Return a page that asks for the script."""
    tag = f'<script defer src="{SCRIPT_PATH}"></script>\n</head>'.encode()
    return page.replace(b"</head>", tag, 1)


def events(site: Path, ending: threading.Event) -> Iterator[bytes]:
    """Yield what a page is sent (server-sent events, WHATWG HTML): one event for each export."""
    seen = _state(site)
    yield b"retry: 1000\n\n"
    quiet = 0
    while not ending.wait(POLL_SECONDS):
        now = _state(site)
        quiet += 1
        if now and now != seen:
            seen, quiet = now, 0
            yield b"event: exported\ndata: \n\n"
        elif quiet % _HEARTBEAT == 0:
            yield b":\n\n"


def _state(site: Path) -> str:
    """Name the export that a site shows; "" while one is under way."""
    try:
        manifest = read_manifest(site)
    except (ExportError, OSError):
        return ""
    return f"{manifest.uuid} {manifest.seq} {manifest.options}" if manifest.complete else ""
