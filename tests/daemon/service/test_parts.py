"""Small parts of the service: liveness, looking, memory, pace, turns of describing, systemd."""

import os
import socket
import threading
import time

import pytest
from PIL import Image

from picturerail_daemon.mirror.plan import Place
from picturerail_daemon.service.checking import Pace
from picturerail_daemon.service.describing import _newest_and_oldest
from picturerail_daemon.service.heart import Heart
from picturerail_daemon.service.looking import Looker, MemoryBudget
from picturerail_daemon.service.notify import notify
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.rendition_store import RenditionStore


def test_who_does_not_get_on_is_named():
    """A part at work that has not beaten for too long is stuck; one at rest is not."""
    heart = Heart(patience_seconds=0.0)
    heart.beat("mirror")
    heart.beat("follower")
    heart.rest("follower")
    while not heart.stuck():
        pass  # the clock moves on
    assert heart.stuck() == ["mirror"]
    assert Heart(patience_seconds=60).stuck() == []


def test_pictures_are_decoded_side_by_side_as_memory_allows():
    """What does not fit waits; what is larger than all of it is decoded alone."""
    budget = MemoryBudget(100)
    inside = threading.Event()
    with budget.taking(60):
        waiting = threading.Thread(target=lambda: _take(budget, 60, inside))
        waiting.start()
        with budget.taking(40):
            assert not inside.is_set()
    assert inside.wait(20)
    waiting.join()
    with budget.taking(10_000), pytest.raises(AssertionError):
        assert budget._free > 0


def _take(budget, amount, inside):
    with budget.taking(amount):
        inside.set()


def test_a_picture_is_looked_at_once(tmp_path):
    """The one decode gives the renditions, a placeholder, and the mean colour of that."""
    place = Place(1, b"one.png")
    Image.new("RGB", (60, 40), "#3060a0").save(tmp_path / "one.png")
    recipe, store = Recipe(), RenditionStore(tmp_path / "renditions")
    look = Looker({1: bytes(tmp_path)}, store, recipe, 10_000, None, MemoryBudget(1 << 30))
    with (tmp_path / "one.png").open("rb") as file:
        metadata = look(file.fileno(), place, bytes(32))

    assert (metadata.mime, metadata.width, metadata.height) == ("image/png", 60, 40)
    assert metadata.placeholder.startswith("data:image/webp;base64,")
    told = bytes.fromhex(metadata.colour.removeprefix("#"))
    assert all(abs(a - b) <= 12 for a, b in zip(told, (0x30, 0x60, 0xA0), strict=True)), told
    assert store.has(bytes(32), recipe)


def test_reading_keeps_below_its_rate(monkeypatch):
    """After each file it rests as long as it is ahead."""
    now, rests = [100.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", rests.append)
    pace = Pace(10.0, begun=100.0)
    pace.spend(50)
    pace.spend(20)
    assert rests == [5.0]
    now[0] += 7.0
    pace.spend(1)
    assert rests == [5.0]


def test_new_pictures_and_old_ones_are_described_in_turns():
    """Half of a batch is what came last, half what has waited longest; nothing twice."""
    pending = dict.fromkeys(range(10), 0.0) | {3: 99.0}
    assert _newest_and_oldest(pending, 1.0, 4) == [9, 8, 0, 1]
    assert _newest_and_oldest({1: 0.0}, 1.0, 4) == [1]
    assert _newest_and_oldest(pending, 1.0, 1) == [9]
    assert sorted(_newest_and_oldest(pending, 1.0, 100)) == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_a_manager_that_does_not_read_holds_nothing_up(monkeypatch):
    """With the socket full, status is dropped and the daemon goes on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0picturerail-full-" + os.urandom(8).hex())
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + manager.getsockname()[1:].decode())
        begun = time.monotonic()
        for _ in range(5_000):
            notify("STATUS=much to say")
        assert time.monotonic() - begun < 60
