import http.client

import pytest


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


def get(address, path):
    """Ask for exactly this path, with nothing tidied up on the way."""
    connection = http.client.HTTPConnection(address.removeprefix("http://").rstrip("/"))
    connection.putrequest("GET", path, skip_accept_encoding=True)
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
