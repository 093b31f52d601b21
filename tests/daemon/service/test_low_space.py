"""The warning that the store's disk is filling up."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from picturerail_daemon.service import space, views
from picturerail_daemon.service.places import Layout
from picturerail_native.database import Database, Mode


class Usage(NamedTuple):
    """What the system says of a disk."""

    total: int
    used: int
    free: int


@pytest.mark.parametrize("free", [space.LOW_SPACE_BYTES - 1, space.LOW_SPACE_BYTES])
def test_little_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """The status says how much room there is, and warns of too little."""
    layout = Layout(tmp_path / "store")
    layout.make()
    Database(layout.database, Mode.CREATE).close()
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(2 * free, free, free))

    shown = views.overview(layout, tmp_path / "site")

    assert (free, free < space.LOW_SPACE_BYTES) == (shown["free_bytes"], shown["low_space"])


def test_the_log_warns_once_each_time_that_room_becomes_scarce(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Who watches the log learns of it when it happens, not with every look, and anew later."""
    low, enough = space.LOW_SPACE_BYTES - 1, space.LOW_SPACE_BYTES
    rooms = iter([enough, low, low, enough, low])
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(2 * enough, 0, next(rooms)))
    watch = space.SpaceWatch(tmp_path)
    warned = []
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            caplog.clear()
            watch.look()
            warned.append(len(caplog.records))
            assert all(str(tmp_path) in record.getMessage() for record in caplog.records)

    assert warned == [0, 1, 0, 0, 1]
