"""Fetching open models, from a server on loopback."""

import contextlib
import hashlib
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from picturerail_daemon.describe.models import Model, ModelFile, fetch, is_whole, registered
from picturerail_daemon.errors import PicturerailError, UsageError

CONTENT = bytes(range(256)) * 4000


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        begin = 0
        given = self.headers.get("Range")
        server.ranges.append(given)
        if server.status != 200:
            self.send_error(server.status)
            return
        if given and server.knows_ranges:
            begin = int(given.removeprefix("bytes=").rstrip("-"))
        body = server.content[begin:]
        self.send_response(206 if begin else 200)
        if begin:
            size = len(server.content)
            self.send_header("Content-Range", f"bytes {begin}-{size - 1}/{size}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut, server.cut = server.cut, None
        self.wfile.write(body[:cut])
        if cut:
            self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    """Serve CONTENT; `cut` bytes of it once, then all."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.content, server.cut, server.status = CONTENT, None, 200
        server.knows_ranges, server.ranges = True, []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def model(server):
    """Register the file."""
    url = f"http://127.0.0.1:{server.server_address[1]}/model.onnx"
    digest = hashlib.sha256(CONTENT).hexdigest()
    return Model("a model", "MIT", (ModelFile("vision.onnx", url, digest, len(CONTENT)),))


silent = partial(lambda *_: None)


def test_a_model_is_fetched_once(server, model, tmp_path):
    """Its bytes are the registered ones; a second call asks nobody; progress ends at the end."""
    told = []
    fetch(model, tmp_path / "m", lambda *what: told.append(what))
    fetch(model, tmp_path / "m", silent)

    assert (tmp_path / "m" / "vision.onnx").read_bytes() == CONTENT
    assert is_whole(model, tmp_path / "m")
    assert told[-1] == ("vision.onnx", len(CONTENT), len(CONTENT))
    assert len(server.ranges) == 1


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_what_was_cut_off_goes_on(server, model, tmp_path, knows_ranges):
    """The second call asks for the rest; a server without ranges sends all again."""
    server.cut, server.knows_ranges = 300_000, knows_ranges
    with pytest.raises(PicturerailError, match="run the command again"):
        fetch(model, tmp_path, silent)
    assert not (tmp_path / "vision.onnx").exists()
    assert (tmp_path / "vision.onnx.part").stat().st_size > 0

    fetch(model, tmp_path, silent)

    assert (tmp_path / "vision.onnx").read_bytes() == CONTENT
    assert server.ranges[0] is None
    assert server.ranges[1].startswith("bytes=")
    assert [path.name for path in tmp_path.iterdir()] == ["vision.onnx"]


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"?", CONTENT + b"more", b"<html>"])
def test_other_bytes_are_not_installed(server, model, tmp_path, content):
    """The digest is what counts; what came instead is thrown away in the end."""
    server.content = content
    with pytest.raises(PicturerailError):
        fetch(model, tmp_path, silent)
    assert not (tmp_path / "vision.onnx").exists()

    server.content = CONTENT
    for _ in range(2):  # the first may go on from a wrong beginning, and finds that out
        with contextlib.suppress(PicturerailError):
            fetch(model, tmp_path, silent)
    assert is_whole(model, tmp_path)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_server_that_refuses_is_named(server, model, tmp_path, status):
    """One line with the address."""
    server.status = status
    with pytest.raises(PicturerailError, match=r"127\.0\.0\.1.*cannot be fetched"):
        fetch(model, tmp_path, silent)


def test_no_file_lands_outside_of_its_folder(tmp_path):
    """A registry cannot name another place."""
    model = Model("bad", "MIT", (ModelFile("../x", "http://127.0.0.1:1/", "0" * 64),))
    with pytest.raises(UsageError, match="own folder"):
        fetch(model, tmp_path, silent)


def test_the_built_in_registry_and_ones_own(tmp_path):
    """Every built-in file has a digest, and a licence; a user's file adds to them."""
    builtin = registered()
    assert all(len(f.sha256) == 64 for m in builtin.values() for f in m.files)
    assert all(m.license and m.about for m in builtin.values())
    own = tmp_path / "own.toml"
    own.write_text(
        '[mine]\nabout = "a"\nlicense = "MIT"\n'
        '[[mine.files]]\nname = "x"\nurl = "http://localhost/x"\nsha256 = "00"\n'
    )
    assert registered(own).keys() == builtin.keys() | {"mine"}
    own.write_text("[mine]\nabout = 7\n")
    with pytest.raises(UsageError, match="no registry"):
        registered(own)
