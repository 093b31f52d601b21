"""What a listing is scrolled by: compact shards of its pictures, and one file that names them.

A listing's newest page hangs its pictures itself, and works without scripts. `static/scroll.js`
lets all others follow below it: `page/scroll.json` in the listing's folder says how many
pictures of which shapes come from which month, so that a browser knows how long it all is and
where each year lies, before it has read any of them. The pictures themselves lie in shards
beside it, JSON files named by their content, of which those in sight are read::

    scroll.json   {"version": 3, "order": "newest", "ending": "-0123abcd-", "suffix": ".webp",
                   "tile": "-0123abcd-4567cdef-tile.webp", "names": ["large", ...],
                   "front": [run, ...],
                   "shards": [[name, [run, ...]], ...]}
    run           [month, pictures, shapes]   month is 201907, 0 where the order is not by time;
                                              shapes is the sum of width / height, in thousandths
    a shard       [[id, shape, width, height, revision, digest, wider, wider name, placeholder,
                    alt], ...]

`shape` is the style sheet's class; width and height are those of the tile, whose file is
`media/ab/{id}-{revision}{tile}`, where `ab` is the id's lowest byte in hexadecimal digits; `wider`
is the width of the next larger file, 0 for none: `media/ab/ab…{ending}{wider name}{suffix}`, with
the whole digest.

A shard holds some whole sections, cut where a section's own checksum says so, as the sections
themselves are cut (`sections`): a change makes one or two of them anew, and the list of all.
"""

from __future__ import annotations

import functools
import itertools
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from picturerail_exporter import media, page_values
from picturerail_exporter.collection import Photo
from picturerail_exporter.listings import Key
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.sections import Listing
from picturerail_exporter.shards import shard_name
from picturerail_exporter.state import SiteState

_VERSION = 3
_SECTIONS = 4
"""A shard holds about so many, and at most twice as many."""
_HELD = 8
"""Of so many new shards of a listing the bytes are kept until they are written."""

Run = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Scroll:
    """A listing's files: those to be written, as (path, what makes them), and those that go."""

    written: Sequence[tuple[str, Callable[[], bytes]]]
    gone: Sequence[str]


def scroll_of(
    state: SiteState,
    name: bytes,
    listing: Listing,
    order: str,
    recipe: Recipe,
    touched: Collection[Key],
) -> Scroll:
    """Return a listing's shards that a change made anew, its list of all, and what goes.

    Args:
        state: of the site, which keeps what the shards are called.
        name: the listing.
        listing: as it is cut now.
        order: which picture comes first: "newest", "oldest" or "name".
        recipe: of the renditions.
        touched: the starts of sections that may not be as they were.
    """
    folder = f"{listing.home}page/"
    held = _kept(state.shards(name))
    before = {(kept.start, kept.end): kept for kept in held}
    ids = {key[1] for key in touched}
    written: list[tuple[str, Callable[[], bytes]]] = []
    make: Callable[[], bytes]
    now: list[Kept] = []
    for group in _groups(state, name, listing, held, touched):
        if isinstance(group, Kept):
            now.append(group)
            continue
        starts, end = group
        kept = before.get((starts[0], end))
        if kept is None or not ids.isdisjoint(start[1] for start in starts):
            photos = state.listed(name, starts[0], end)
            data = _shard(photos, recipe)
            kept = Kept(starts[0], end, shard_name(data), _runs(photos, order))
            if len(written) < _HELD:
                make = functools.partial(bytes, data)
            else:
                # Made once more when it is written: all at once they would not fit.
                make = functools.partial(_shard_of, state, name, starts[0], end, recipe)
            written.append((folder + kept.name, make))
        now.append(kept)
    state.set_shards(name, msgspec.msgpack.encode(now) if now else b"")
    names = {kept.name for kept in now}
    gone = [folder + kept.name for kept in before.values() if kept.name not in names]
    root = f"{folder}scroll.json"
    if not now:
        return Scroll(written, [*gone, root] if before else [])
    front = _runs(state.listed(name, listing.front, None), order)
    told = {
        "version": _VERSION,
        "order": order,
        "ending": f"-{recipe.version}-",
        "suffix": ".webp",
        "tile": media.tile_ending(recipe),
        "names": [size.name for size in recipe.sizes],
        "front": front,
        "shards": [(kept.name, kept.runs) for kept in reversed(now)],
    }
    return Scroll([*written, (root, functools.partial(msgspec.json.encode, told))], gone)


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """What the state keeps of a shard: where it begins and ends, its name, its runs."""

    start: Key
    end: Key
    name: str
    runs: list[Run]


def _kept(data: bytes) -> list[Kept]:
    return msgspec.msgpack.decode(data, type=list[Kept]) if data else []


def _groups(
    state: SiteState,
    name: bytes,
    listing: Listing,
    before: Sequence[Kept],
    touched: Collection[Key],
) -> Iterator[tuple[list[Key], Key] | Kept]:
    """Yield the sections of each shard, from the last on, and where the next one begins.

    Those before the first and behind the last section that was touched are yielded as they were.
    """
    if len({type(place) for place, _ in (*touched, *(kept.start for kept in before))}) > 1:
        before, touched = [], ()  # ordered otherwise now
    first, last = min(touched, default=None), max(touched, default=None)
    sound = [kept for kept in before if first is None or kept.end < first]
    yield from sound
    numbers = {kept.start: number for number, kept in enumerate(before)}
    group: list[Key] = []
    for start in state.starts(name, sound[-1].end if sound else None):
        at_front = start == listing.front
        # Of the checksum's lower bits sections begin where they do (`sections`).
        fit = (zlib.crc32(start[1].to_bytes(8, "big")) >> 20) % _SECTIONS == 0
        if group and (at_front or fit or len(group) == 2 * _SECTIONS):
            yield group, start
            group = []
            if not at_front and start in numbers and last is not None and start > last:
                yield from before[numbers[start] :]
                return
        if at_front:
            return
        group.append(start)


def _shard_of(state: SiteState, name: bytes, start: Key, end: Key, recipe: Recipe) -> bytes:
    return _shard(state.listed(name, start, end), recipe)


def _shard(photos: Sequence[Photo], recipe: Recipe) -> bytes:
    return msgspec.json.encode([_entry(photo, recipe) for photo in photos])


def _runs(photos: Sequence[Photo], order: str) -> list[Run]:
    """Count pictures, and add up their shapes, by month."""
    runs = []
    for month, of_month in itertools.groupby(photos, lambda photo: _month(photo, order)):
        shapes = [media.shape_width(photo.width, photo.height) for photo in of_month]
        runs.append((month, len(shapes), sum(shapes)))
    return runs


def _month(photo: Photo, order: str) -> int:
    if order == "name":
        return 0
    moment = page_values.wall_clock(photo)
    return moment.year * 100 + moment.month


def _entry(photo: Photo, recipe: Recipe) -> Sequence[object]:
    tile, wider = media.tile_and_wider(photo, recipe)
    return (
        photo.id,
        media.shape(photo.width, photo.height),
        tile.width,
        tile.height,
        photo.revision % media.REVISIONS,
        photo.content_hash[: media.DIGEST_BYTES].hex(),
        wider.width if wider else 0,
        wider.name if wider else 0,
        photo.placeholder,
        photo.alt,
    )
