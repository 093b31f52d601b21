"""How often the content under an id was another one: counted by changes, kept by all else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from picturerail_config.load import load
from picturerail_daemon.service import operations
from picturerail_daemon.service.library import Library, no_progress
from picturerail_native.database import Rows
from picturerail_native.records import ImageRow

_times = iter(range(1_600_000_000, 1_700_000_000))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder that is mirrored."""
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture
def library(tmp_path: Path, photos: Path) -> Iterator[Library]:
    """A library of that folder, described by what is written."""
    config = tmp_path / "picturerail.toml"
    config.write_text(
        f'[library]\nfolders = ["{photos}"]\n[store]\npath = "{tmp_path / "store"}"\n'
        '[describe]\nsources = ["sidecar"]\n'
        "[watch]\nsettle_seconds = 0\nworkers = 1\nhold_deletions_above = 1\n"
    )
    with Library(load(config).settings) as opened:
        yield opened


def paint(path: Path, colour: str) -> None:
    """Save a picture of one colour."""
    Image.new("RGB", (8, 8), colour).save(path)
    past(path)


def past(path: Path) -> None:
    """Let a file be as old as no other one."""
    moment = next(_times)
    os.utime(path, (moment, moment))


def seen(library: Library) -> dict[str, ImageRow]:
    """Mirror and describe; return the live rows by filename."""
    library.mirror()
    library.describe()
    with library.database.snapshot() as snapshot:
        return {os.fsdecode(row.filename): row for row in snapshot.images()}


def revisions(library: Library) -> dict[str, int]:
    """Mirror and describe; return the revisions by filename."""
    return {name: row.metadata.revision for name, row in seen(library).items()}


def test_each_change_counts_and_so_does_one_back(library: Library, photos: Path) -> None:
    """Two changes are two, and what comes back under the same id by a change is one more."""
    found = []
    for colour in ("blue", "red", "blue", "blue", "green"):
        paint(photos / "a.png", colour)
        found.append(revisions(library))

    assert [{"a.png": number} for number in (0, 1, 2, 2, 3)] == found


def test_all_else_keeps_it(library: Library, photos: Path) -> None:
    """A move, words beside it, a correction, a deletion and a return change no content."""
    path = photos / "a.png"
    for colour in ("blue", "red", "green"):
        paint(path, colour)
        number = seen(library)["a.png"].id
    path = path.rename(photos / "b.png")
    assert revisions(library) == {"b.png": 2}

    (photos / "b.txt").write_text("The beach")
    past(photos / "b.txt")
    row = seen(library)["b.png"]
    assert (row.metadata.caption, row.metadata.revision) == ("The beach", 2)

    tagged = {"id": number, "added": ["sea"], "removed": []}
    operations.tag(library, tagged, no_progress)
    operations.hide(library, {"id": number, "hidden": True}, no_progress)
    row = seen(library)["b.png"]
    assert (row.metadata.corrections.added, row.metadata.revision) == (("sea",), 2)

    aside = shutil.move(path, photos.parent / "aside.png")
    assert seen(library) == {}
    shutil.copyfile(aside, photos / "c.png")
    row = seen(library)["c.png"]
    assert (number, 2) == (row.id, row.metadata.revision)
    paint(photos / "c.png", "navy")
    assert revisions(library) == {"c.png": 3}


def test_a_copy_begins_anew(library: Library, photos: Path) -> None:
    """It has an id of its own; and what becomes another's copy counts its own changes."""
    for colour in ("blue", "red", "green"):
        paint(photos / "a.png", colour)
        seen(library)
    shutil.copyfile(photos / "a.png", photos / "b.png")
    paint(photos / "c.png", "white")
    assert revisions(library) == {"a.png": 2, "b.png": 0, "c.png": 0}

    shutil.copyfile(photos / "a.png", photos / "c.png")
    assert revisions(library) == {"a.png": 2, "b.png": 0, "c.png": 1}


def test_exchanged_and_displaced_pictures_keep_it(library: Library, photos: Path) -> None:
    """Where names are exchanged, or one is renamed over another, contents stay with their ids."""
    a, b = photos / "a.png", photos / "b.png"
    paint(b, "white")
    for colour in ("blue", "red"):
        paint(a, colour)
        seen(library)
    a.rename(photos / "aside")
    b.rename(a)
    (photos / "aside").rename(b)
    assert revisions(library) == {"a.png": 0, "b.png": 1}

    b.rename(a)
    assert revisions(library) == {"a.png": 1}
    paint(photos / "d.png", "white")
    assert revisions(library) == {"a.png": 1, "d.png": 0}


def test_no_id_and_revision_name_two_contents(library: Library, photos: Path) -> None:
    """Whatever is done to a few files, what an id and a revision were first is what they are."""
    a, b = photos / "a.png", photos / "b.png"
    steps = (
        lambda: paint(a, "blue"),
        lambda: shutil.copyfile(a, b),
        lambda: paint(a, "red"),
        lambda: b.rename(a),
        lambda: paint(b, "red"),
        lambda: paint(a, "red"),
        b.unlink,
        lambda: paint(a, "blue"),
        a.unlink,
        lambda: paint(b, "blue"),
        lambda: paint(b, "red"),
        lambda: paint(a, "blue"),
    )
    named: dict[tuple[int, int], bytes] = {}
    for step in steps:
        step()
        seen(library)
        with library.database.snapshot() as snapshot:
            for row in snapshot.images(rows=Rows.ALL):
                key = row.id, row.metadata.revision
                assert row.content_hash == named.setdefault(key, row.content_hash)
    assert len(named) > 4
