"""The exporter killed while its site is served: visitors see the old site or the new one, whole."""

import contextlib
import io
import os
import shutil
import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin

import pytest
from PIL import Image

from picturerail_exporter.rules import Allowed, Rules
from picturerail_exporter.site import SiteOptions

from .helpers import Links, plain, tree

EVERY = int(os.environ.get("PICTURERAIL_KILL_EVERY", "3"))
"""At which of the exporter's writes it is killed, or interrupted; 1 tries them all."""


def killed_at(stop: int, export: Callable[[], object]) -> bool:
    """Export in a process that is killed in place of its nth write or removal."""
    child = os.fork()
    if child == 0:
        left = [stop]

        def deadly(real):
            def step(path, *more, **how):
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(path, *more, **how)

            return step

        for name in ("replace", "unlink", "write_bytes", "rmdir"):
            setattr(Path, name, deadly(getattr(Path, name)))
        os.link = deadly(os.link)
        with contextlib.suppress(BaseException):
            export()
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


def visited(origin: str) -> int:
    """Follow every link from the front page; all pages are there, all pictures whole."""
    ahead, seen = [origin], set()
    pictures = 0
    while ahead:
        address = ahead.pop()
        if address in seen:
            continue
        seen.add(address)
        try:
            with urllib.request.urlopen(address) as answer:  # noqa: S310 - loopback
                data, kind = answer.read(), answer.headers["Content-Type"]
        except urllib.error.HTTPError as error:
            # A page may lead to one that is only just gone, never to a picture or the front page.
            assert error.code == 404
            assert not address.endswith((".webp", ".jpg", ".css", ".js")), address
            assert address != origin
            continue
        if kind.startswith("text/html"):
            links = (urljoin(address, each) for each in Links(data.decode()).found)
            ahead += [each.partition("#")[0] for each in links if each.startswith(origin)]
        elif kind.startswith("image/webp"):
            with Image.open(io.BytesIO(data)) as image:
                image.load()
            pictures += 1
    return pictures


class Standing:
    """A site with what its next export goes by, kept aside to be put back in place."""

    def __init__(self, options: SiteOptions, aside: Path) -> None:
        """Copy it aside."""
        self._site, self._states = options.path, options.renditions.parent / "sites"
        self._aside = aside
        self._copy(self._site, aside / "site")
        self._copy(self._states, aside / "sites")

    def restore(self, *, state: bool) -> None:
        """Put it back, with the state that tells what a change touches, or without any."""
        self._copy(self._aside / "site", self._site)
        self._copy(self._aside / "sites", self._states)
        if not state:
            shutil.rmtree(self._states)

    @staticmethod
    def _copy(source: Path, to: Path) -> None:
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(source, to)


@pytest.mark.usefixtures("few_at_a_time")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("state", [True, False], ids=["what changed", "everything"])
def test_killed_at_any_write(source, options, publish, serve, tmp_path, state):
    """Killed anywhere, the served site has no broken picture, and the next export mends it."""
    everything = replace(options, rules=Rules(Allowed(originals="stripped")))
    for at in range(5):
        source.add(f"old/{at}.jpg", plain((at * 40, 40, 90), (40 + at, 30)), tags=("old",))
    publish(everything)
    standing = Standing(everything, tmp_path / "aside")
    source.delete(1)
    source.move(2, "moved/2.jpg")
    source.add("old/3.jpg", plain((3, 200, 3), (44, 30)), number=3, tags=("old", "edited"))
    source.add("new/n.jpg", plain((9, 99, 9)), tags=("new",))
    wanted = replace(everything, path=tmp_path / "wanted")
    publish(wanted)
    expected = tree(wanted.path)

    kills = 0
    for stop in (1, *range(0, 10_000, EVERY)):  # 1: in place of the first file's renaming
        standing.restore(state=state)
        killed = killed_at(stop, lambda: publish(everything))
        assert visited(serve(everything.path)) >= 4
        publish(everything)
        assert tree(everything.path) == expected
        if not killed:
            break
        kills += 1
    assert kills > (40 if state else 60) // EVERY  # else it was hardly ever killed
