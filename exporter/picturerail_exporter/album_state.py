"""What the state keeps of albums: counts, covers, and the texts that lie beside the pictures.

Tables::

    album    folder, parent, count, time and id of its newest picture, those below it included
    text     folder, stamp of its `album.toml`, what that says (`AlbumText` as MessagePack)
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from picturerail_exporter.album_text import AlbumText
from picturerail_exporter.collection import Album, Photo, slug_of
from picturerail_exporter.listings import Folder, folder_key, folder_named
from picturerail_native.fields import readable

LEAST_ALBUMS = 60
"""A page shows at least so many of the albums below one, and at most twice as many."""

_decoder = msgspec.msgpack.Decoder(AlbumText)
_encoder = msgspec.msgpack.Encoder()


class AlbumState:
    """The albums of a site's state."""

    TABLES = """
CREATE TABLE IF NOT EXISTS album(
  folder BLOB PRIMARY KEY, parent BLOB, count INTEGER, time INTEGER, cover INTEGER);
CREATE INDEX IF NOT EXISTS album_parent ON album(parent, time, cover);
CREATE TABLE IF NOT EXISTS text(folder BLOB PRIMARY KEY, stamp TEXT, said BLOB);
"""

    def __init__(
        self,
        connection: sqlite3.Connection,
        photo: Callable[[int], Photo | None],
        named: Callable[[bytes, str], Photo | None],
    ) -> None:
        """Use an open database, and ways to find a picture by id, or by folder and filename."""
        self._db, self._photo, self._named_photo = connection, photo, named

    def recount(self, differences: Mapping[Folder, int]) -> None:
        """Count pictures into albums and those above, or out, and choose their covers anew.

        Called once the pictures themselves stand as they are now; a folder whose pictures
        changed places in time is named with a difference of 0.
        """
        every: dict[Folder, int] = {}
        for folder, difference in differences.items():
            for depth in range(len(folder), 0, -1):
                every[folder[:depth]] = every.get(folder[:depth], 0) + difference
        for folder in sorted(every, key=len, reverse=True):
            self._recount(folder, every[folder])

    def _recount(self, folder: Folder, difference: int) -> None:
        key = folder_key(folder)
        row = self._album(folder)
        count = (row[0] if row else 0) + difference
        if count == 0:
            self._db.execute("DELETE FROM album WHERE folder = ?", (key,))
            self._db.execute("DELETE FROM text WHERE folder = ?", (key,))
            return
        newest = [
            self._db.execute(query, (key,)).fetchone()
            for query in (
                "SELECT time, id FROM photo WHERE folder = ? ORDER BY time DESC, id DESC LIMIT 1",
                "SELECT time, cover FROM album WHERE parent = ?"
                " ORDER BY time DESC, cover DESC LIMIT 1",
            )
        ]
        cover = max(filter(None, newest))
        self._db.execute(
            "INSERT OR REPLACE INTO album VALUES (?, ?, ?, ?, ?)",
            (key, folder_key(folder[:-1]), count, *cover),
        )

    def folder_keys(self) -> list[bytes]:
        """Return every album's folder as a key, parents before children."""
        return [key for (key,) in self._db.execute("SELECT folder FROM album ORDER BY folder")]

    def folders(self) -> Iterator[Folder]:
        """Yield every album's folder, parents before children."""
        yield from map(folder_named, self.folder_keys())

    def below(self, folder: Folder) -> list[Folder]:
        """Return the folders of the albums below one."""
        key = folder_key(folder)
        query = "SELECT folder FROM album WHERE folder >= ? AND folder < ?"
        found = self._db.execute(query, (key + b"\0", key + b"\1"))
        return [folder_named(below) for (below,) in found]

    def exists(self, folder: Folder) -> bool:
        """Tell whether a folder holds published pictures, or one below it does."""
        return self._album(folder) is not None

    def album(self, folder: Folder, below: Iterable[Folder] = ()) -> Album | None:
        """Return an album with its parents, and some of the albums right below it."""
        row = self._album(folder)
        if row is None:
            return None
        album = self.named(folder)
        album.count, album.cover = row[0], self._cover(folder, row[1])
        album.albums = self.covered(below, album)
        return album

    def named(self, folder: Folder) -> Album:
        """Return a folder's album with titles and ways up, but nothing that is counted."""
        parents: tuple[Album, ...] = ()
        for depth in range(1, len(folder)):
            parents = (*parents, self._named(folder[:depth], parents))
        return self._named(folder, parents)

    def parts(self, folder: Folder) -> list[list[Folder]]:
        """Return the albums right below a folder in their order, as they are parted into pages.

        Those that the folder's text names come first, the others by title. A part ends where the
        checksum of its last album says so, as a listing's page does (`sections`).
        """
        ranks = {name: rank for rank, name in enumerate(self.text(folder).albums)}
        query = (
            "SELECT album.folder, text.said FROM album LEFT JOIN text USING (folder)"
            " WHERE album.parent = ?"
        )
        found = []
        for key, said in self._db.execute(query, (folder_key(folder),)):
            name = readable(key.rpartition(b"\0")[2])
            title = (_decoder.decode(said).title if said else "") or name
            found.append((ranks.get(name, len(ranks)), title.casefold(), key))
        parts: list[list[Folder]] = []
        ended = True
        for *_, key in sorted(found):
            if ended:
                parts.append([])
            parts[-1].append(folder_named(key))
            held = len(parts[-1])
            ended = held >= 2 * LEAST_ALBUMS or (
                held >= LEAST_ALBUMS and zlib.crc32(key) % LEAST_ALBUMS == 0
            )
        return parts

    def covered(self, folders: Iterable[Folder], above: Album | None = None) -> list[Album]:
        """Return albums as those above show them, by their covers."""
        parents = (*above.parents, above) if above else ()
        albums = []
        for folder in folders:
            row = self._album(folder)
            assert row is not None
            album = self._named(folder, parents)
            album.count, album.cover = row[0], self._cover(folder, row[1])
            albums.append(album)
        return albums

    # ---- texts ----

    def text(self, folder: Folder) -> AlbumText:
        """Return what a folder's `album.toml` says."""
        row = self._db.execute(
            "SELECT said FROM text WHERE folder = ?", (folder_key(folder),)
        ).fetchone()
        return _decoder.decode(row[0]) if row else AlbumText()

    def stamps(self) -> dict[bytes, str]:
        """Return the stamps of the texts that were read, by the folder's key."""
        return dict(self._db.execute("SELECT folder, stamp FROM text").fetchall())

    def set_text(self, folder: Folder, stamp: str, text: AlbumText) -> None:
        """Keep a folder's text; an empty stamp tells that it has no file."""
        key = folder_key(folder)
        self._db.execute("DELETE FROM text WHERE folder = ?", (key,))
        if stamp or text != AlbumText():
            said = _encoder.encode(text)
            self._db.execute("INSERT INTO text VALUES (?, ?, ?)", (key, stamp, said))

    def problems(self) -> list[str]:
        """Return what is wrong with the texts, in the folders' order, a line each."""
        texts = self._db.execute("SELECT said FROM text ORDER BY folder")
        return [text.problem for (said,) in texts if (text := _decoder.decode(said)).problem]

    def _named(self, folder: Folder, parents: tuple[Album, ...]) -> Album:
        text = self.text(folder)
        return Album(
            "/".join(map(slug_of, folder)),
            text.title or readable(folder[-1]),
            parents,
            description=text.description,
            order=text.order,
        )

    def _cover(self, folder: Folder, newest: int) -> Photo | None:
        wanted = self.text(folder).cover
        if wanted:
            *below, name = wanted.split("/")
            inside = folder_key((*folder, *(part.encode() for part in below)))
            chosen = self._named_photo(inside, name)
            if chosen is not None:
                return chosen
        return self._photo(newest)

    def _album(self, folder: Folder) -> tuple[int, int] | None:
        row: tuple[int, int] | None = self._db.execute(
            "SELECT count, cover FROM album WHERE folder = ?", (folder_key(folder),)
        ).fetchone()
        return row
