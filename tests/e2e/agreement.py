"""The independent oracle of the mirror: a walk of the folders, byte by byte."""

import hashlib
import os
import time
from pathlib import Path

from PIL import Image

from picturerail_native.database import Database, Mode

PATIENCE_SECONDS = 60


def paint(rng, path, *, big=False):
    """Save a picture like no other."""
    size = (200, 150) if big else (16, 12)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.frombytes("RGB", size, rng.randbytes(size[0] * size[1] * 3)).save(path, "PNG")
    return path


def is_picture(content):
    """Return whether bytes are one of `paint`'s pictures, whole."""
    return content.startswith(b"\x89PNG") and content.endswith(b"IEND\xaeB`\x82")


def on_disk(*folders):
    """Return path → digest of every whole picture below the folders, hidden folders left out."""
    found = {}
    for folder in folders:
        for here, below, names in os.walk(os.fsencode(folder)):
            below[:] = [name for name in below if not name.startswith(b".")]
            device = os.stat(here).st_dev
            below[:] = [
                name for name in below if os.lstat(os.path.join(here, name)).st_dev == device
            ]
            for name in names:
                path = os.path.join(here, name)
                if not name.endswith(b".png") or os.path.islink(path):
                    continue
                content = Path(os.fsdecode(path)).read_bytes()
                if is_picture(content):
                    found[path] = hashlib.sha256(content).hexdigest()
    return found


def in_store(home):
    """Return path → (id, digest of the stored bytes) of every live picture."""
    from picturerail_native.records import Table, decode_root

    with Database(home.store / "database", Mode.READ) as store, store.snapshot() as snapshot:
        roots = {
            int.from_bytes(key, "big"): os.fsencode(decode_root(value).folder)
            for key, value in snapshot.records(Table.ROOTS)
        }
        found = {}
        for row in snapshot.images():
            with snapshot.open_blob(row.content_hash) as blob:
                digest = hashlib.sha256(blob.readall()).hexdigest()
            found[roots[row.root] + b"/" + row.path] = (row.id, digest)
    return found


def digests(stored):
    """Return path → digest of what the store holds."""
    return {path: digest for path, (_, digest) in stored.items()}


def comes_to_agree(home, *folders):
    """Watch the store until it agrees with the folders, asking the daemon for nothing.

    Returns path → (id, digest). Nobody may ask by `wait` here, since that looks at everything:
    what is proved is that the daemon noticed by itself.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        stored = in_store(home)
        found = on_disk(*folders)
        if digests(stored) == found:
            return stored
        if time.monotonic() > end:
            assert found == digests(stored)
        time.sleep(0.05)  # between two looks at another process's store
