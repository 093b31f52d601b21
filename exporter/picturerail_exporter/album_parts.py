"""The pages on which a folder's albums stand, where there are more than one page has room for.

The album's own page shows the first part of the albums below it (`album_state`); the others have
pages of their own, named by their first album, and each leads to those beside it. What they were
is kept in the state, so a change makes those anew that show it, and where the parts' bounds moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from picturerail_exporter import addresses
from picturerail_exporter.changes import Touched
from picturerail_exporter.collection import Album
from picturerail_exporter.listings import Folder, folder_key
from picturerail_exporter.state import SiteState

_Kept = dict[str, tuple[bytes, ...]]
"""The folders on each page, by its path, in order."""


@dataclass(frozen=True, slots=True)
class Parts:
    """An album's further pages, in order: the folders on each; those to be written, and to go.

    `first` are the folders on its own page.
    """

    first: Sequence[Folder]
    pages: Mapping[str, Sequence[Folder]]
    written: Sequence[str]
    gone: Sequence[str]


def parts_of(state: SiteState, folder: Folder, album: Album, touched: Touched | None) -> Parts:
    """Return the further pages of an album, and keep what they are.

    Args:
        state: of the site.
        folder: the album's.
        album: its names.
        touched: what a change touches; None for everything.
    """
    first, *below = state.albums.parts(folder) or [[]]
    now = {addresses.album_part_path(album, part[0]): part for part in below}
    key = b"\0\0\0" + folder_key(folder)
    kept = state.shards(key)
    if not now and not kept:
        return Parts(first, {}, [], [])
    before = msgspec.msgpack.decode(kept, type=_Kept) if kept else {}
    told = {path: tuple(map(folder_key, part)) for path, part in now.items()}
    state.set_shards(key, msgspec.msgpack.encode(told) if told else b"")

    def neighbours(path: str, among: Sequence[str]) -> Sequence[str]:
        at = among.index(path)
        return among[max(0, at - 1) : at + 2]

    written = [
        path
        for path, part in now.items()
        if touched is None
        or folder in touched.parts
        or told[path] != before.get(path)
        or neighbours(path, list(told)) != neighbours(path, list(before))
        or not touched.albums.isdisjoint(part)
    ]
    return Parts(first, now, written, [path for path in before if path not in now])
