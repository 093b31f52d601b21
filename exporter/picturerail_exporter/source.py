"""What the site reads: any consistent view of the database with these members.

`picturerail_native.database.Snapshot` is one.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Protocol

from picturerail_native.records import Change, ImageRow, Table


class Position(Protocol):
    """Which database, and which of its transactions."""

    @property
    def uuid(self) -> bytes:
        """The database's own name."""

    @property
    def seq(self) -> int:
        """The last transaction in the view."""


class Source(Protocol):
    """A consistent view of rows, records and stored bytes."""

    @property
    def info(self) -> Position:
        """Which state this is."""

    def images(self) -> Iterator[ImageRow]:
        """Yield the live rows in id order."""

    def get(self, image_id: int) -> ImageRow | None:
        """Return a row by its id, whether live or deleted."""

    def changes(self, since: int) -> Iterator[Change]:
        """Yield the latest state of everything that changed after a transaction.

        Raises:
            FeedExpiredError: the feed no longer reaches back so far.
        """

    def records(self, table: Table, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) of a table other than `IMAGES`, in key order."""

    def open_blob(self, content_hash: bytes) -> io.RawIOBase:
        """Open stored bytes for reading."""
