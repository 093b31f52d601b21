"""From the change feed to what of a site is touched: pictures, albums, sections, old files.

A full computation is the same with nothing known and every picture new.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from picturerail_exporter.collection import Photo, Skipped, public_roots, publish
from picturerail_exporter.sections import recut
from picturerail_exporter.source import Source
from picturerail_exporter.state import Folder, Key, SiteState, folder_key, month_of
from picturerail_native.database import FeedExpiredError
from picturerail_native.records import ImageChange, Table


@dataclass(frozen=True, slots=True)
class News:
    """What is new since the state: each picture that differs, as it was and as it is to be.

    `words` tells that what tags are near to changed.
    """

    pictures: dict[int, tuple[Photo | None, Photo | None]]
    skipped: list[Skipped]
    tried: list[int]
    words: bool


@dataclass(slots=True)
class Touched:
    """What may not be on the site as it should be.

    `photos` are ids, and may be gone; `albums` folders, and may be gone; `sections` the
    starts of sections, old and new, by listing; `months` the listings of months, which may
    be gone; `contents` the hashes of contents that came or went. `index` tells whether the
    index may differ.
    """

    photos: set[int] = field(default_factory=set)
    albums: set[Folder] = field(default_factory=set)
    sections: dict[bytes, set[Key]] = field(default_factory=dict)
    months: set[bytes] = field(default_factory=set)
    contents: dict[bytes, Photo] = field(default_factory=dict)
    index: bool = False


def everything(source: Source) -> News:
    """Return all pictures of a source as new."""
    roots = public_roots(source)
    shown = {row.id: publish(row, roots) for row in source.images()}
    return News(
        {number: (None, photo) for number, photo in shown.items() if isinstance(photo, Photo)},
        [skip for skip in shown.values() if isinstance(skip, Skipped)],
        list(shown),
        words=True,
    )


def news(source: Source, state: SiteState, since: int) -> News | None:
    """Return what changed since a transaction; None where everything must be looked at."""
    ids = {skip.id for skip in state.skipped()}
    words = False
    try:
        for change in source.changes(since):
            if isinstance(change, ImageChange):
                ids.add(change.id)
            elif change.table == Table.ROOTS:
                return None
            elif change.table == Table.NEIGHBOURS:
                words = True
    except FeedExpiredError:
        return None
    roots = public_roots(source)
    found: dict[int, tuple[Photo | None, Photo | None]] = {}
    skipped = []
    for number in sorted(ids):
        row = source.get(number)
        shown = None if row is None else publish(row, roots)
        before = state.photo(number)
        if isinstance(shown, Skipped):
            skipped.append(shown)
            shown = None
        if before != shown:
            found[number] = (before, shown)
    return News(found, skipped, sorted(ids), words)


def apply(state: SiteState, new: News) -> Touched:
    """Bring the state up to date; return what of the site that touches."""
    touched = Touched(index=bool(new.pictures) or new.words)
    places: dict[bytes, set[Key]] = {b"": set()}
    folders: dict[Folder, int] = {}
    months: dict[bytes, int] = {}
    for number, (before, after) in new.pictures.items():
        touched.photos.add(number)
        if after is None:
            state.drop(number)
        else:
            state.put(after)
        for photo, difference in ((before, -1), (after, 1)):
            if photo is not None:
                month = month_of(photo.order)
                months[month] = months.get(month, 0) + difference
                folders[photo.folder] = folders.get(photo.folder, 0) + difference
                for listing in (b"", folder_key(photo.folder), month):
                    places.setdefault(listing, set()).add(key_of(photo))
                touched.contents[photo.content_hash] = photo
    state.recount(folders)
    for month, difference in months.items():
        state.recount_month(month, difference)
    for listing, keys in places.items():
        touched.sections[listing] = recut(state, listing, keys)
    for folder in folders:
        touched.albums.update(folder[:depth] for depth in range(1, len(folder) + 1))
    touched.months.update(months)
    touched.photos |= _beside(state, places[b""])
    state.set_skipped(new.skipped, new.tried)
    return touched


def key_of(photo: Photo) -> Key:
    """Return a picture's place in time."""
    return photo.order, photo.id


def _beside(state: SiteState, keys: Iterable[Key]) -> set[int]:
    """Return the pictures beside places in time: their pages lead to what is there."""
    found = (photo for key in keys for photo in (state.newer(key), state.older(key)))
    return {photo.id for photo in found if photo is not None}
