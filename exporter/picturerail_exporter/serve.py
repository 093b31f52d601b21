"""A preview of the site on this machine alone: `picturerail serve`.

Not a server for visitors; any web host is better at that. It answers as a plain static host
does, so what works here works there.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import threading
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from picturerail_exporter import live
from picturerail_exporter.compressed import KINDS


def make_server(site: Path, port: int, *, reload: bool = False) -> ThreadingHTTPServer:
    """Return a server for a site's folder, bound to 127.0.0.1 and not yet started.

    Args:
        site: the folder that `export` wrote.
        port: 0 takes a free one; `server_port` tells which.
        reload: reload pages in browsers when an export changed them (`live`).

    Raises:
        OSError: the port is taken.
    """
    return _Server(("127.0.0.1", port), partial(_Handler, directory=str(site)), reload)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], handler: Any, reload: bool) -> None:
        super().__init__(address, handler)
        self.reload = reload
        self.ending = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a visitor who went on before all had come: browsers always do."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def shutdown(self) -> None:
        self.ending.set()
        super().shutdown()


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "picturerail"
    sys_version = ""
    # The machine's own table of types may lack what the site is made of, or have it wrong.
    extensions_map = {  # noqa: RUF012 - as the base class has it
        "": "application/octet-stream",
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
        ".webmanifest": "application/manifest+json",
        ".webp": "image/webp",
        ".xml": "application/xml",
    }

    def end_headers(self) -> None:
        """Add what makes a preview always show the newest state."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def translate_path(self, path: str) -> str:
        """Return the file for an address; one that cannot exist for what is not the site's."""
        if "%00" in path:
            return str(Path(self.directory, ".nothing"))
        place = super().translate_path(path)
        inside = Path(os.path.realpath(place)).is_relative_to(os.path.realpath(self.directory))
        hidden = any(part.startswith(".") for part in Path(place).relative_to(self.directory).parts)
        slash = "/" if place.endswith("/") else ""
        return place if inside and not hidden else str(Path(self.directory, ".nothing")) + slash

    def send_head(self) -> Any:
        """Answer with the file itself, always: two exports within a second look alike.

        One range of bytes is answered as such (RFC 9110, section 14); several are not, and
        the whole file comes.
        """
        del self.headers["If-Modified-Since"]
        if self._live and self.path == live.SCRIPT_PATH:
            return self._bytes(HTTPStatus.OK, "text/javascript; charset=utf-8", live.SCRIPT)
        if self._live and self.path == live.EVENTS_PATH:
            return self._events()
        asked = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", self.headers.get("Range", ""))
        if asked is None or asked[0] == "bytes=-":
            return self._missing_page() or self._page() or self._twin() or super().send_head()
        place = Path(self.translate_path(self.path))
        if not place.is_file():
            return self._missing_page() or super().send_head()
        size = place.stat().st_size
        if asked[1]:
            first, last = int(asked[1]), min(int(asked[2] or size), size - 1)
        else:
            first, last = max(0, size - int(asked[2])), size - 1
        if first > last:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        with place.open("rb") as file:
            file.seek(first)
            data = file.read(last - first + 1)
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Type", self.guess_type(str(place)))
        self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        return io.BytesIO(data)

    def _missing_page(self) -> Any:
        """Answer with the site's own page for lost visitors, as web hosts do; None if found."""
        place = Path(self.translate_path(self.path))
        lost = Path(self.directory, "404.html")
        there = place.is_file() or (place / "index.html").is_file()
        if there or not lost.is_file():
            return None
        data = lost.read_bytes()
        data = live.with_script(data) if self._live else data
        return self._bytes(HTTPStatus.NOT_FOUND, "text/html; charset=utf-8", data)

    @property
    def _live(self) -> bool:
        return isinstance(self.server, _Server) and self.server.reload

    def _bytes(self, status: HTTPStatus, kind: str, data: bytes, **headers: str) -> io.BytesIO:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        return io.BytesIO(data)

    def _file(self) -> Path | None:
        """Return the file that is asked for; None where the base class answers better."""
        place = Path(self.translate_path(self.path))
        if self.path.partition("?")[0].endswith("/"):
            place /= "index.html"
        return place if place.is_file() else None

    def _page(self) -> Any:
        """Answer with a page that reloads itself; None for all else."""
        place = self._file()
        if not self._live or place is None or place.suffix != ".html":
            return None
        return self._bytes(
            HTTPStatus.OK, self.guess_type(str(place)), live.with_script(place.read_bytes())
        )

    def _twin(self) -> Any:
        """Answer with a compressed twin that the browser takes; None where there is none."""
        place = self._file()
        taken = {
            part.partition(";")[0].strip()
            for part in self.headers.get("Accept-Encoding", "").split(",")
        }
        for ending, name in sorted(KINDS.items(), reverse=True):
            if place is not None and name in taken:
                twin = place.with_name(f"{place.name}.{ending}")
                if twin.is_file():
                    return self._bytes(
                        HTTPStatus.OK,
                        self.guess_type(str(place)),
                        twin.read_bytes(),
                        Content_Encoding=name,
                        Vary="Accept-Encoding",
                    )
        return None

    def _events(self) -> None:
        """Tell of exports for as long as somebody listens."""
        assert isinstance(self.server, _Server)
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        with contextlib.suppress(OSError):  # the page is gone
            for event in live.events(Path(self.directory), self.server.ending):
                self.wfile.write(event)
                self.wfile.flush()

    def list_directory(self, path: str | os.PathLike[str]) -> None:
        """Refuse: what a folder holds is not the visitor's business."""
        del path
        self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Say nothing: the terminal belongs to the command."""
