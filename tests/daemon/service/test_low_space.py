"""The warning that the store's disk is filling up."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from picturerail_daemon.service import views
from picturerail_daemon.service.places import Layout
from picturerail_native.database import Database, Mode


class Usage(NamedTuple):
    """What the system says of a disk."""

    total: int
    used: int
    free: int


@pytest.mark.parametrize("free", [views.LOW_SPACE_BYTES - 1, views.LOW_SPACE_BYTES])
def test_little_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """The status says how much room there is, and warns of too little."""
    layout = Layout(tmp_path / "store")
    layout.make()
    Database(layout.database, Mode.CREATE).close()
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(2 * free, free, free))

    shown = views.overview(layout, tmp_path / "site")

    assert (free, free < views.LOW_SPACE_BYTES) == (shown["free_bytes"], shown["low_space"])
