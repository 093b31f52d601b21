"""Opens a view of the store for commands that only read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from picturerail_daemon.errors import NotThereError, PicturerailError
from picturerail_daemon.service.places import Layout
from picturerail_native.database import Database, DatabaseError, Mode, Snapshot


@contextlib.contextmanager
def reading(layout: Layout) -> Iterator[Snapshot]:
    """Open a consistent view of the store without waiting for any writer.

    Raises:
        NotThereError: there is no store yet.
    """
    if not layout.database.is_dir():
        raise NotThereError(f"{layout.store}: nothing is mirrored yet; `picturerail sync` does it")
    try:
        with Database(layout.database, Mode.READ) as database, database.snapshot() as snapshot:
            yield snapshot
    except DatabaseError as error:
        raise PicturerailError(str(error)) from error
