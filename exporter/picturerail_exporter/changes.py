"""From the change feed to what of a site is touched: pictures, albums, ways, sections, old files.

Where nothing is known every picture is new (`everything`), and all of the site is touched (`fill`).
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from picturerail_exporter.album_text import AlbumText, Texts, read_text, stamp_of
from picturerail_exporter.collection import (
    Photo,
    Roots,
    Skipped,
    Way,
    public_roots,
    publish,
)
from picturerail_exporter.listings import (
    BEGINNING,
    Folder,
    Key,
    folder_key,
    folder_named,
    month_of,
    place_by,
    way_listing,
)
from picturerail_exporter.rules import Rules
from picturerail_exporter.sections import front_of, recut
from picturerail_exporter.similar_codes import codes_of
from picturerail_exporter.similar_tries import Coded
from picturerail_exporter.source import Source
from picturerail_exporter.state import SiteState
from picturerail_exporter.way_state import letter_of
from picturerail_native.database import FeedExpiredError
from picturerail_native.records import ImageChange, Table

AT_ONCE = 256
"""Pictures that are looked at together where all are."""


@dataclass(frozen=True, slots=True)
class News:
    """What is new since the state: each picture that differs, as it was and as it is to be.

    `near` are the keys of what tags are near to, where that changed. `codes` are what similarity is
    told by, of each picture for which that may be new; None where there is none.
    """

    pictures: dict[int, tuple[Photo | None, Photo | None]]
    skipped: list[Skipped]
    tried: list[int]
    near: frozenset[bytes] = frozenset()
    codes: dict[int, Coded | None] = field(default_factory=dict)


@dataclass(slots=True)
class Touched:
    """What may not be on the site as it should be.

    `photos` are ids, and may be gone; `albums` folders, and may be gone, `parts` those of which all
    pages with more albums are meant; `ways` the listings of
    ways in, and `letters` those letters of their indexes, by kind, which may be gone; `sections`
    the starts of sections, old and new, by listing; `months` the listings of months, which may
    be gone; `contents` the hashes of contents that came or went, `originals` those of copied
    originals, with their kind; `tiles` the pictures that changed, as they were and as they are.
    """

    photos: set[int] = field(default_factory=set)
    parts: set[Folder] = field(default_factory=set)
    albums: set[Folder] = field(default_factory=set)
    ways: set[bytes] = field(default_factory=set)
    letters: dict[str, set[str]] = field(default_factory=dict)
    sections: dict[bytes, set[Key]] = field(default_factory=dict)
    months: set[bytes] = field(default_factory=set)
    contents: dict[bytes, Photo] = field(default_factory=dict)
    originals: dict[tuple[bytes, str], Photo] = field(default_factory=dict)
    tiles: Mapping[int, tuple[Photo | None, Photo | None]] = field(default_factory=dict)

    def whole(self, state: SiteState, listing: bytes) -> None:
        """Take every page of a listing as touched."""
        self.sections.setdefault(listing, set()).update(state.starts(listing))


def everything(source: Source, rules: Rules) -> Iterator[News]:
    """Yield all pictures of a source as new, some at a time: all at once would not fit."""
    roots = public_roots(source)
    images, vectors = source.images(), _Ahead(source.records(Table.VECTORS))
    while rows := list(itertools.islice(images, AT_ONCE)):
        shown = {row.id: publish(row, roots, rules) for row in rows}
        after = {number: photo for number, photo in shown.items() if isinstance(photo, Photo)}
        yield News(
            {number: (None, photo) for number, photo in after.items()},
            [skip for skip in shown.values() if isinstance(skip, Skipped)],
            list(shown),
            codes=_coded(after, vectors.up_to(rows[-1].id)),
        )


def news(source: Source, state: SiteState, since: int, rules: Rules) -> News | None:
    """Return what changed since a transaction; None where everything must be looked at."""
    ids = {skip.id for skip in state.skipped()}
    looks: set[int] = set()
    near: set[bytes] = set()
    try:
        for change in source.changes(since):
            if isinstance(change, ImageChange):
                ids.add(change.id)
            elif change.table == Table.ROOTS:
                return None
            elif change.table == Table.NEIGHBOURS:
                near.add(change.key)
            elif change.table == Table.VECTORS:
                looks.add(int.from_bytes(change.key[:8], "big"))
    except FeedExpiredError:
        return None
    roots = public_roots(source)
    found: dict[int, tuple[Photo | None, Photo | None]] = {}
    skipped = []
    for number in sorted(ids):
        row = source.get(number)
        shown = None if row is None else publish(row, roots, rules)
        before = state.photo(number)
        if isinstance(shown, Skipped):
            skipped.append(shown)
            shown = None
        if before != shown:
            found[number] = (before, shown)
    now = {n: state.photo(n) for n in looks} | {n: after for n, (_, after) in found.items()}
    vectors = (
        record
        for number in now
        for record in source.records(Table.VECTORS, number.to_bytes(8, "big"))
    )
    return News(found, skipped, sorted(ids), frozenset(near), _coded(now, vectors))


class _Ahead:
    """Records whose keys begin with a picture's id, taken from the front."""

    def __init__(self, records: Iterator[tuple[bytes, bytes]]) -> None:
        self._records = records
        self._next = next(records, None)

    def up_to(self, last: int) -> Iterator[tuple[bytes, bytes]]:
        """Yield those of the next pictures, up to the one with this id."""
        while self._next is not None and int.from_bytes(self._next[0][:8], "big") <= last:
            yield self._next
            self._next = next(self._records, None)


def _coded(
    photos: Mapping[int, Photo | None], vectors: Iterable[tuple[bytes, bytes]]
) -> dict[int, Coded | None]:
    """Return what similarity is told by, of each picture; None where there is no vector.

    Args:
        photos: by id.
        vectors: (key, value) of the table, those of one picture together. A picture has a vector
            in more than one space only after its model was changed; the first one counts.
    """
    coded: dict[int, Coded | None] = dict.fromkeys(photos)
    batches: dict[tuple[str, int], dict[int, bytes]] = {}
    seen = 0
    for key, vector in vectors:
        number, space = int.from_bytes(key[:8], "big"), key[8:].decode()
        if number == seen or photos.get(number) is None or not vector or len(vector) % 2:
            continue
        seen = number
        batch = batches.setdefault((space, len(vector)), {})
        batch[number] = vector
        if len(batch) == AT_ONCE:
            _code(batch, space, photos, coded)
            batch.clear()
    for (space, _), batch in batches.items():
        _code(batch, space, photos, coded)
    return coded


def _code(
    batch: Mapping[int, bytes],
    space: str,
    photos: Mapping[int, Photo | None],
    coded: dict[int, Coded | None],
) -> None:
    for number, code in zip(batch, codes_of(list(batch.values())), strict=True):
        photo = photos[number]
        assert photo is not None
        coded[number] = Coded(space, photo.content_hash, code) if code else None


def apply(state: SiteState, new: News, texts: Texts, most_similar: int = 0) -> Touched:
    """Bring the state up to date; return what of the site that touches.

    Args:
        state: what was shown.
        new: what is new.
        texts: where those of albums come from.
        most_similar: how many similar pictures are shown beside one.
    """
    touched = Touched(tiles=new.pictures)
    places: dict[bytes, set[Key]] = {b"": set()}
    folders: dict[Folder, int] = {}
    months: dict[bytes, int] = {}
    titles: dict[bytes, str] = {}
    others: list[int] = []  # pictures that look different on pages of others
    listings = {
        listing
        for photo in itertools.chain.from_iterable(new.pictures.values())
        if photo is not None
        for listing, _ in _listed(state, photo)
    }
    fronts = {listing: front_of(state, listing) for listing in listings}
    for number, (before, after) in new.pictures.items():
        touched.photos.add(number)
        stays: set[tuple[bytes, Key]] = set()
        if before is not None and after is not None and before.shown == after.shown:
            # Only its own page shows the difference, and listings that it comes to or leaves.
            stays = set(_listed(state, before)).intersection(_listed(state, after))
        else:
            others.append(number)
        if before is not None:
            for listing, key in _member_of(state, before):
                state.drop_member(listing, key)
        if after is None:
            state.drop(number)
        else:
            state.put(after)
            for listing, key in _member_of(state, after):
                state.add_member(listing, key)
        for photo, difference in ((before, -1), (after, 1)):
            if photo is not None:
                month = month_of(photo.order)
                months[month] = months.get(month, 0) + difference
                folders[photo.folder] = folders.get(photo.folder, 0) + difference
                for listing, key in _listed(state, photo):
                    if (listing, key) not in stays:
                        places.setdefault(listing, set()).add(key)
                for way in photo.ways:
                    _count_way(state, way, difference, touched, titles)
                touched.contents[photo.content_hash] = photo
                if photo.original:
                    touched.originals[photo.content_hash, photo.original] = photo
    state.albums.recount(folders)
    for month, difference in months.items():
        state.recount_month(month, difference)
    for listing, keys in places.items():
        touched.sections[listing] = recut(state, listing, keys, fronts.get(listing))
    for folder in folders:
        touched.albums.update(folder[:depth] for depth in range(1, len(folder) + 1))
    touched.months.update(months)
    for listing, title in titles.items():
        if state.ways.title(listing) != title:
            touched.whole(state, listing)  # how most write it stands on each of its pages
    if most_similar:
        for number in others:
            touched.photos |= state.similar.showing(number, most_similar)
        touched.photos |= state.similar.change(new.codes, most_similar)
    touched.photos |= _beside(state, (photo for n in others for photo in new.pictures[n]))
    state.set_skipped(new.skipped, new.tried)
    for folder, (stamp, text) in changed_texts(state, texts).items():
        _set_text(state, folder, stamp, text, touched)
    return touched


def fill(state: SiteState, batches: Iterable[News], texts: Texts, most_similar: int = 0) -> None:
    """Fill a state that was cleared with everything; as `apply`, but with all of it touched.

    What is held in memory meanwhile grows with the folders, not with the pictures.
    """
    folders: dict[Folder, int] = {}
    months: dict[bytes, int] = {}
    for new in batches:
        for _, photo in new.pictures.values():
            if photo is None:
                continue
            state.put(photo)
            for listing, key in _member_of(state, photo):
                state.add_member(listing, key)
            for way in photo.ways:
                state.ways.recount(way, 1)
            month = month_of(photo.order)
            months[month] = months.get(month, 0) + 1
            folders[photo.folder] = folders.get(photo.folder, 0) + 1
        state.set_skipped(new.skipped, new.tried)
        if most_similar:
            state.similar.add(new.codes)
    state.albums.recount(folders)
    for month, count in months.items():
        state.recount_month(month, count)
    for listing in (b"", *months, *map(folder_key, folders), *state.ways.listings()):
        recut(state, listing, [BEGINNING])
    if most_similar:
        state.similar.compute(most_similar)
    for folder, (stamp, text) in changed_texts(state, texts).items():
        _set_text(state, folder, stamp, text, Touched())


def changed_texts(state: SiteState, texts: Texts) -> dict[Folder, tuple[str, AlbumText]]:
    """Return the albums' texts that are not what the state knows, with their stamps."""
    known = state.albums.stamps()
    by_key = {folder_key(folder): text for folder, text in texts.given.items()}
    places = {name: os.fsencode(home) for name, home in texts.homes.items()}
    found = {}
    for key in state.albums.folder_keys():
        root, _, below = key.partition(b"\0")
        place = places.get(root)
        if place is not None:
            if below:
                place += b"/" + below.replace(b"\0", b"/")
            stamp = stamp_of(place)
            given = by_key.get(key)
            if stamp != known.get(key, "" if given is None else None):
                given = given or AlbumText()
                text = read_text(Path(os.fsdecode(place)), given) if stamp else given
                found[folder_named(key)] = (stamp, text)
    return found


def homes_of(roots: Roots) -> dict[bytes, Path]:
    """Return where the watched folders lie, by name."""
    return {
        root.name.encode(errors="surrogateescape"): Path(root.folder) for root in roots.values()
    }


def key_of(photo: Photo) -> Key:
    """Return a picture's place in time."""
    return photo.order, photo.id


def _listed(state: SiteState, photo: Photo) -> Iterator[tuple[bytes, Key]]:
    """Yield every listing that a picture stands in, with its place there."""
    for listing in (b"", month_of(photo.order)):
        yield listing, key_of(photo)
    yield from _member_of(state, photo)


def _member_of(state: SiteState, photo: Photo) -> Iterator[tuple[bytes, Key]]:
    """Yield a picture's folder and ways as listings, with its place in each."""
    place = place_by(state.albums.text(photo.folder).order, photo)
    yield folder_key(photo.folder), (place, photo.id)
    for way in photo.ways:
        yield way_listing(way), key_of(photo)


def _count_way(
    state: SiteState, way: Way, difference: int, touched: Touched, titles: dict[bytes, str]
) -> None:
    listing = way_listing(way)
    titles.setdefault(listing, state.ways.title(listing))
    state.ways.recount(way, difference)
    touched.ways.add(listing)
    touched.letters.setdefault(way.kind, set()).add(letter_of(way.key))


def _set_text(
    state: SiteState, folder: Folder, stamp: str, text: AlbumText, touched: Touched
) -> None:
    """Take over an album's text, and touch all that shows it."""
    before = state.albums.text(folder)
    state.albums.set_text(folder, stamp, text)
    if before == text:
        return
    listing = folder_key(folder)
    if before.order != text.order:
        touched.whole(state, listing)
        for start in list(state.starts(listing)):
            state.drop_start(listing, start)
        keys = set()
        for photo in state.in_folder(listing):
            state.drop_member(listing, (place_by(before.order, photo), photo.id))
            key = (place_by(text.order, photo), photo.id)
            state.add_member(listing, key)
            keys.add(key)
        touched.sections[listing] |= recut(state, listing, keys)
    touched.albums.update(folder[:depth] for depth in range(1, len(folder) + 1))
    touched.parts.add(folder)
    touched.whole(state, listing)
    if before.title != text.title:
        # The way up from everything below it bears its title.
        for below in state.albums.below(folder):
            touched.albums.add(below)
            touched.parts.add(below)
            touched.whole(state, folder_key(below))
        touched.photos.update(state.below(listing))


def _beside(state: SiteState, photos: Iterable[Photo | None]) -> set[int]:
    """Return the pictures beside others in time: their pages lead to what is there."""
    found: set[int] = set()
    for photo in filter(None, photos):
        beside = (state.newer(photo), state.older(photo))
        found.update(each.id for each in beside if each is not None)
    return found
