import http.client
import socket
import struct
import threading
from urllib.parse import urlsplit

import pytest

from .helpers import plain


@pytest.fixture
def site(tmp_path):
    """A folder that looks like a site, with a secret beside it."""
    folder = tmp_path / "site"
    (folder / "album").mkdir(parents=True)
    (folder / ".picturerail").mkdir()
    (folder / ".picturerail" / "manifest.json").write_text("{}")
    (folder / "index.html").write_text("<title>x</title>")
    (folder / "a.webp").write_bytes(b"RIFF")
    (folder / "search.json").write_text("{}")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "escape").symlink_to(tmp_path / "secret.txt")
    return folder


def get(address, path, **headers):
    """Ask for exactly this path, with nothing tidied up on the way."""
    connection = http.client.HTTPConnection(address.removeprefix("http://").rstrip("/"))
    connection.putrequest("GET", path, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html?q=cat", "text/html; charset=utf-8"),
        ("/a.webp", "image/webp"),
        ("/search.json", "application/json"),
    ],
)
def test_types_and_caching(serve, site, path, kind):
    """Each file comes with its type, and is never kept by the browser unasked."""
    answer, _ = get(serve(site), path)

    assert (200, kind) == (answer.status, answer.getheader("Content-Type"))
    assert answer.getheader("Cache-Control") == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "//etc/passwd",
        "/escape",
        "/album/",
        "/.picturerail/manifest.json",
        "/nothing",
    ],
)
def test_what_is_not_the_sites(serve, site, path):
    """Nothing outside the site is served, nor its bookkeeping, nor a list of a folder."""
    answer, body = get(serve(site), path)

    assert answer.status == 404
    assert b"secret" not in body


def test_loopback_only(serve, site):
    """The preview listens on this machine alone."""
    assert serve(site).startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("asked", "status", "body", "told"),
    [
        ("bytes=0-1", 206, b"RI", "bytes 0-1/4"),
        ("bytes=2-", 206, b"FF", "bytes 2-3/4"),
        ("bytes=-3", 206, b"IFF", "bytes 1-3/4"),
        ("bytes=1-99", 206, b"IFF", "bytes 1-3/4"),
        ("bytes=9-", 416, b"", "bytes */4"),
        ("bytes=0-0,2-2", 200, b"RIFF", None),
        ("lines=1-2", 200, b"RIFF", None),
    ],
)
def test_ranges(serve, site, asked, status, body, told):
    """A range of bytes comes alone, one beyond the end is refused, another kind is ignored."""
    answer, got = get(serve(site), "/a.webp", Range=asked)

    assert (status, body, told) == (answer.status, got, answer.getheader("Content-Range"))


def test_lost_visitors_see_the_sites_own_page(serve, site):
    """Where nothing is, the site's own page is shown, with the status that says so."""
    (site / "404.html").write_text("<title>lost</title>")
    address = serve(site)

    for path in ("/nothing", "/../secret.txt", "/album/"):
        answer, body = get(address, path)
        assert (answer.status, body) == (404, b"<title>lost</title>")


def test_twins_are_served_to_who_takes_them(serve, site):
    """A compressed twin goes to a browser that says it takes it, the file itself to all others."""
    (site / "index.html.gz").write_bytes(b"twin")
    (site / "index.html.zst").write_bytes(b"smaller twin")
    address = serve(site)

    for takes, body, told in (
        ("gzip, deflate", b"twin", "gzip"),
        ("gzip, zstd;q=0.9", b"smaller twin", "zstd"),
        ("identity", b"<title>x</title>", None),
    ):
        answer, got = get(address, "/", **{"Accept-Encoding": takes})
        assert (got, told) == (body, answer.getheader("Content-Encoding"))
        assert answer.getheader("Content-Type") == "text/html; charset=utf-8"


def test_pages_are_as_they_are_unless_asked(serve, site):
    """Without live reload nothing is put into pages, and its addresses lead nowhere."""
    address = serve(site)

    assert get(address, "/index.html")[1] == b"<title>x</title>"
    assert get(address, "/.picturerail/live")[0].status == 404
    assert get(address, "/.picturerail/live.js")[0].status == 404


def test_nothing_is_said_of_visitors_who_leave(serve, site, capfd):
    """Who goes before all has come, as browsers do when they scroll on, leaves no traceback."""
    (site / "large.bin").write_bytes(bytes(30_000_000))
    address = urlsplit(serve(site))
    for _ in range(3):
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.sendall(b"GET /large.bin HTTP/1.1\r\nHost: here\r\n\r\n")
            assert connection.recv(100)
            # Closed at once, with what has come unread: the next write is refused.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    busy = [thread for thread in threading.enumerate() if "process_request" in thread.name]
    for thread in busy:
        thread.join(30)

    assert capfd.readouterr().err == ""


@pytest.mark.browser
def test_live_reload(source, publish, options, serve_live, chromium):
    """An open page shows what an export changed, soon and by itself; other pages stay."""
    source.add("a.jpg", plain((1, 2, 3)), caption="Before", taken="2001-01-01")
    source.add("b.jpg", plain((1, 2, 4)), caption="Another", taken="1999-01-01")
    source.add("c.jpg", plain((1, 2, 5)), caption="Third", taken="1998-01-01")
    source.add("d.jpg", plain((1, 2, 6)), caption="Fourth", taken="1997-01-01")
    publish()
    origin = serve_live(options.path)
    complaints = []
    page, other = chromium.new_page(), chromium.new_page()
    for each, number in ((page, 1), (other, 4)):
        each.on("console", lambda message: complaints.append(message.text))
        with each.expect_response("**/.picturerail/live"):
            each.goto(f"{origin}photo/{number}/index.html")
    other.evaluate("document.documentElement.dataset.stays = 'yes'")

    source.add("a.jpg", plain((1, 2, 3)), caption="After", taken="2001-01-01", number=1)
    publish()

    page.wait_for_selector("h1:has-text('After')")
    assert other.evaluate("document.documentElement.dataset.stays") == "yes"
    assert complaints == []
    page.close()
    other.close()
