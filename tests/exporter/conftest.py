"""Fixtures of the exporter's tests: a source, a site, a server, a browser."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import picturerail_exporter
from picturerail_exporter import assets, bring, changes, site_folder
from picturerail_exporter.serve import make_server
from picturerail_exporter.site import ExportReport, SiteOptions, export

from .helpers import VECTORS, MemorySource


@pytest.fixture
def source() -> MemorySource:
    """An empty database with one configured folder."""
    memory = MemorySource()
    memory.root(1, "Pictures")
    return memory


@pytest.fixture
def options(tmp_path: Path) -> SiteOptions:
    """A site and a rendition store below the test's own folder."""
    return SiteOptions(
        path=tmp_path / "site",
        renditions=tmp_path / "store" / "renditions",
        vectors_version=VECTORS,
        workers=1,
    )


@pytest.fixture
def publish(source: MemorySource, options: SiteOptions) -> Callable[..., ExportReport]:
    """Export the source with the options, or with others."""

    def run(chosen: SiteOptions = options, **how: object) -> ExportReport:
        return export(source, chosen, **how)  # type: ignore[arg-type]

    return run


@pytest.fixture
def few_at_a_time() -> Iterator[None]:
    """Let an export do a few at a time, as it does with many pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bring, "_AT_ONCE", 5)
        patch.setattr(changes, "AT_ONCE", 3)
        patch.setattr(site_folder, "_MOST_HELD", 20)
        yield


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """Serve folders until the test ends; gives a folder's address, ending in a slash."""
    yield from _serving(reload=False)


@pytest.fixture
def serve_live() -> Iterator[Callable[[Path], str]]:
    """Serve folders with live reload."""
    yield from _serving(reload=True)


def _serving(*, reload: bool) -> Iterator[Callable[[Path], str]]:
    servers = []

    def start(site: Path) -> str:
        server = make_server(site, 0, reload=reload)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def node() -> Callable[..., Any]:
    """Node, which runs the site's scripts; CI must have it."""
    found = shutil.which("node")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("no node on PATH")
        pytest.skip("no node on PATH")
    package = Path(picturerail_exporter.__file__).parent
    scripts = [package / path for path in assets.SEARCH_SCRIPTS if not path.endswith("/worker.js")]

    def run(folder: Path | str, tasks: list[object]) -> Any:
        done = subprocess.run(
            [found, str(Path(__file__).with_name("search_in_node.js")), str(folder), *scripts],
            input=json.dumps(tasks),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
