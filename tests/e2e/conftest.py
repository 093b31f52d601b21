"""A home with photos, store and site; the real command line, daemon and browser."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import skimage
from PIL import Image

from picturerail_exporter.serve import make_server

COMMAND = [sys.executable, "-m", "picturerail_daemon"]
READY_SECONDS = 60
ANSWER_SECONDS = 120


class Daemon:
    """A running `picturerail run`; ready once this exists."""

    def __init__(
        self,
        config: Path,
        *,
        prefix: tuple[str, ...] = (),
        program: tuple[str, ...] = tuple(COMMAND),
        doomed: bool = False,
        **environment: str,
    ) -> None:
        """Start it and wait for its READY=1, as systemd would.

        Args:
            config: its configuration.
            prefix: what it is started through, as `unshare`.
            program: what is started in place of the command.
            doomed: it is to die at a place that may come before its readiness.
            environment: set for it.
        """
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0picturerail-test-" + os.urandom(8).hex())
        self._socket.settimeout(READY_SECONDS)
        address = "@" + self._socket.getsockname()[1:].decode()
        self.log = config.with_name("daemon.log").open("ab")
        self.process = subprocess.Popen(
            [*prefix, *program, "--config", str(config), "run"],
            env={**os.environ, "NOTIFY_SOCKET": address, **environment},
            stdout=self.log,
            stderr=self.log,
        )
        self.messages: list[str] = []
        if not doomed:
            self.expect("READY=1")

    def expect(self, line: str) -> None:
        """Wait until the daemon has told systemd this line."""
        while not any(line in message.split("\n") for message in self.messages):
            try:
                self.messages.append(self._socket.recv(4096).decode())
            except TimeoutError:
                raise AssertionError(f"no {line}; the daemon said {self.messages}") from None

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()
        self._close()

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.join()

    def join(self) -> int:
        """Wait for its end, and return its exit code."""
        code = self.process.wait(READY_SECONDS)
        self._close()
        return code

    def _close(self) -> None:
        self._socket.close()
        self.log.close()


class Home:
    """A user's home: photos, store, site and configuration in one folder."""

    def __init__(self, folder: Path) -> None:
        """Make the folders and the configuration."""
        self.folder = folder
        self.photos = folder / "photos"
        self.photos.mkdir()
        self.store = folder / "store"
        self.site = folder / "site"
        self.config = folder / "picturerail.toml"
        self.configure()

    def configure(
        self,
        more: str = "",
        sources: str = '["sidecar", "local"]',
        folders: tuple[str, ...] = ("photos",),
    ) -> None:
        """Write the configuration."""
        self.config.write_text(
            f"[library]\nfolders = {json.dumps(folders)}\n"
            f'[store]\npath = "store"\n'
            f"[describe]\nsources = {sources}\n"
            f'[export]\npath = "site"\nquiet_seconds = 0.1\n{more}'
        )

    def run(self, *arguments: str, code: int = 0, prefix: tuple[str, ...] = ()):
        """Run a command and return what it did; its exit code must be as told."""
        done = subprocess.run(
            [*prefix, *COMMAND, "--config", str(self.config), *map(str, arguments)],
            capture_output=True,
            check=False,
            timeout=ANSWER_SECONDS,
        )
        output = done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace")
        assert code == done.returncode, output
        assert "Traceback" not in output, output
        return done

    def json(self, *arguments: str, code: int = 0, prefix: tuple[str, ...] = ()):
        """Run a command with --json and return its document."""
        return json.loads(self.run(*arguments, "--json", code=code, prefix=prefix).stdout)

    def found(self, *query: str) -> list[str]:
        """Return the filenames that a search finds."""
        return [hit["filename"] for hit in self.json("search", *query)]

    @contextlib.contextmanager
    def daemon(self, **options):
        """Run the daemon for the length of a block; it must end well."""
        daemon = Daemon(self.config, **options)
        try:
            yield daemon
        except BaseException:
            daemon.kill()
            print(self.config.with_name("daemon.log").read_text())
            raise
        if daemon.process.poll() is None:
            code = daemon.stop()
            assert code == 0, self.config.with_name("daemon.log").read_text()

    @contextlib.contextmanager
    def served(self):
        """Serve the site on loopback for the length of a block; yields its address."""
        with make_server(self.site, 0) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}/"
            finally:
                server.shutdown()
                thread.join()


@pytest.fixture
def home(tmp_path):
    """Make an empty home."""
    return Home(tmp_path)


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory):
    """Make an empty home for all tests of a module."""
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    """Write real photographs as files and return their paths by name."""
    folder = tmp_path_factory.mktemp("photographs")
    paths = {}
    for name in ("chelsea", "coffee", "rocket", "astronaut"):
        paths[name] = folder / f"{name}.jpg"
        Image.fromarray(getattr(skimage.data, name)()).save(paths[name], quality=90)
    return paths


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag>{}</rdf:Bag>'
    "</dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
)


@pytest.fixture
def tagged():
    """Write a small picture with tags in an `.xmp` file beside it."""

    def tagged(path: Path, *tags: str, colour=(90, 120, 60)) -> Path:
        items = "".join(f"<rdf:li>{tag}</rdf:li>" for tag in tags)
        path.with_name(path.name + ".xmp").write_text(XMP.format(items))
        Image.new("RGB", (64, 48), colour).save(path)
        return path

    return tagged
