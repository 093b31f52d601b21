"""Looks at the folders that overlap: who waits for one is told when nothing older is left."""

import os
import threading

import pytest
from PIL import Image

from picturerail_config.load import load
from picturerail_daemon.mirror.listing import Scope
from picturerail_daemon.service.library import Library
from picturerail_daemon.service.looks import Looks
from picturerail_daemon.watch.dirty import DirtySet


@pytest.mark.parametrize("count", [4, 6])
def test_what_an_older_look_read_is_looked_at_again(count, tmp_path):
    """A file that went after it was read is in no row once a later whole look is done.

    Four are read at once: of six some are gone before they are.
    """
    photos = tmp_path / "photos"
    photos.mkdir()
    config = tmp_path / "picturerail.toml"
    config.write_text(
        f'[library]\nfolders = ["{photos}"]\n[store]\npath = "{tmp_path / "store"}"\n'
        "[describe]\nsources = []\n"
        "[watch]\nsettle_seconds = 0\nworkers = 2\nhold_deletions_above = 1\n"
    )
    for number in range(count):
        path = photos / f"{number}.png"
        Image.new("RGB", (8, 8), (number, 0, 0)).save(path)
        os.utime(path, (1_600_000_000, 1_600_000_000))
    with Library(load(config).settings) as library:
        ended = threading.Event()
        dirty = DirtySet(0)
        looks = Looks(
            library,
            dirty,
            3600,
            threading.Event(),
            beat=lambda: None,
            rest=lambda: None,
            on_end=ended.set,
        )
        (root,) = library.roots.configured
        older = looks._add({root: [Scope()]}, 0)
        library.step_look(older.look)  # lists
        library.step_look(older.look)  # reads all, and writes one down
        left = [path for path in photos.iterdir() if path.name not in in_store(library)]
        epoch = dirty.mark_all([root])
        for path in left:
            path.unlink()
        whole = looks._add({root: [Scope()]}, epoch)
        while whole in looks._entries:
            looks._step(whole)
        assert looks.done_epoch < epoch, "the older look is under way"
        while looks._entries:
            assert looks.done_epoch < epoch
            looks._step(looks._entries[0])
        assert looks.done_epoch == epoch
        assert left
        assert in_store(library) == {path.name for path in photos.iterdir()}


def in_store(library):
    """Return the names of the live pictures."""
    with library.database.snapshot() as snapshot:
        return {os.fsdecode(row.filename) for row in snapshot.images()}
