"""Subjects for describers, and a service on loopback that answers as told."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from picturerail_daemon.describe.budget import Budget
from picturerail_daemon.describe.client import Client
from picturerail_daemon.describe.interface import Beside, Embedded, Subject


@pytest.fixture
def subject():
    """Make a subject out of an image and metadata."""

    def subject(image=None, *, exif=b"", xmp=b"", iptc=None, sidecars=(), name=b"a.jpg"):
        image = image or Image.new("RGB", (320, 240), "grey")
        return Subject(
            filename=name,
            embedded=lambda: Embedded(exif, xmp, iptc or {}),
            sidecars=lambda: tuple(
                each if isinstance(each, Beside) else Beside(".xmp", each) for each in sidecars
            ),
            small=lambda: image,
            large=lambda: image,
        )

    return subject


class Service(ThreadingHTTPServer):
    """Answers as told, one reply a request, the last one for ever; remembers what it got."""

    daemon_threads = True

    def __init__(self):
        """Listen on a free port of loopback."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies = []
        self.requests = []

    @property
    def endpoint(self):
        """The address to configure."""
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def will(self, *replies):
        """Answer so from now on."""
        self.replies = list(replies)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers), body))
        replies = self.server.replies
        status, headers, content = replies.pop(0) if len(replies) > 1 else replies[0]
        if status is None:
            return  # cut off without an answer
        self.send_response(status)
        usual = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        for name, value in {**usual, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    """Run the service on loopback."""
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def pauses():
    """Gather the pauses instead of sleeping."""
    return []


@pytest.fixture
def client(pauses, tmp_path):
    """Make a client of a service; `most` is its daily budget."""

    def client(most=0, timeout=1.0, now=None):
        budget = Budget(most, tmp_path / "budget.json", *([now] if now else []))
        headers = {"Ocp-Apim-Subscription-Key": "secret"}
        return Client(headers, timeout_seconds=timeout, budget=budget, pause=pauses.append)

    return client
