"""What the state keeps of the ways in beside time and folders: tags, cameras, places.

Tables::

    way       listing, kind, letter (under which an index lists it), count
    spelling  listing, title, count: how its pictures write it

A way is titled as most of its pictures write it, the least of those where several are equal.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from dataclasses import dataclass

from picturerail_exporter.collection import Way
from picturerail_exporter.listings import way_listing, way_named


@dataclass(frozen=True, slots=True)
class Counted:
    """A way in as an index shows it; `title` is the spelling in use."""

    way: Way
    count: int

    @property
    def listing(self) -> bytes:
        """Its listing."""
        return way_listing(self.way)


class WayState:
    """The ways in of a site's state."""

    TABLES = """
CREATE TABLE IF NOT EXISTS way(listing BLOB PRIMARY KEY, kind TEXT, letter TEXT, count INTEGER);
CREATE INDEX IF NOT EXISTS way_count ON way(kind, count DESC, listing);
CREATE INDEX IF NOT EXISTS way_letter ON way(kind, letter, listing);
CREATE TABLE IF NOT EXISTS spelling(
  listing BLOB, title TEXT, count INTEGER, PRIMARY KEY(listing, title)) WITHOUT ROWID;
"""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use an open database."""
        self._db = connection

    def recount(self, way: Way, difference: int) -> None:
        """Count a picture into a way, or out of it."""
        listing = way_listing(way)
        self._db.execute(
            "INSERT INTO spelling VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + ?",
            (listing, way.title, difference, difference),
        )
        self._db.execute("DELETE FROM spelling WHERE listing = ? AND count = 0", (listing,))
        self._db.execute(
            "INSERT INTO way VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + ?",
            (listing, way.kind, letter_of(way.key), difference, difference),
        )
        self._db.execute("DELETE FROM way WHERE listing = ? AND count = 0", (listing,))

    def title(self, listing: bytes) -> str:
        """Return how a way is written; "" where there is none."""
        row = self._db.execute(
            "SELECT title FROM spelling WHERE listing = ? ORDER BY count DESC, title LIMIT 1",
            (listing,),
        ).fetchone()
        return row[0] if row else ""

    def counted(self, listing: bytes) -> Counted | None:
        """Return a way by its listing."""
        row = self._db.execute("SELECT count FROM way WHERE listing = ?", (listing,)).fetchone()
        return self._counted(listing, row[0]) if row else None

    def listings(self) -> list[bytes]:
        """Return the listings of all ways."""
        return [listing for (listing,) in self._db.execute("SELECT listing FROM way")]

    def number(self, kind: str) -> int:
        """Return how many ways of a kind there are."""
        found = self._db.execute("SELECT COUNT(*) FROM way WHERE kind = ?", (kind,))
        return int(found.fetchone()[0])

    def letters(self, kind: str) -> list[str]:
        """Return the letters of a kind's ways, in order."""
        query = "SELECT DISTINCT letter FROM way WHERE kind = ? ORDER BY letter"
        return [letter for (letter,) in self._db.execute(query, (kind,))]

    def of_letter(self, kind: str, letter: str) -> list[Counted]:
        """Return a kind's ways of a letter, in the order of their keys."""
        query = "SELECT listing, count FROM way WHERE kind = ? AND letter = ? ORDER BY listing"
        found = self._db.execute(query, (kind, letter)).fetchall()
        return [self._counted(listing, count) for listing, count in found]

    def largest(self, kind: str, most: int) -> list[Counted]:
        """Return a kind's ways with the most pictures, those first."""
        query = "SELECT listing, count FROM way WHERE kind = ? ORDER BY count DESC, listing LIMIT ?"
        found = self._db.execute(query, (kind, most)).fetchall()
        return [self._counted(listing, count) for listing, count in found]

    def _counted(self, listing: bytes, count: int) -> Counted:
        kind, key = way_named(listing)
        return Counted(Way(kind, key, self.title(listing)), count)


def letter_of(key: str) -> str:
    """Return the letter under which an index lists a key: its first, without accents; else #."""
    first = unicodedata.normalize("NFKD", key.strip())[:1].casefold()[:1]
    return first if first.isalpha() else "#"
