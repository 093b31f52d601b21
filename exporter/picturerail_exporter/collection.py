"""What is published: the pictures and albums of a site, as plain values.

The one place where rows become public. `Photo` lists by name what of a picture may be seen;
what has no member there (serial numbers, file times, other users' corrections) cannot
reach a page, an index or a file name. What of it a folder's rules allow is decided here, too.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from picturerail_exporter.formats import STRIPPED
from picturerail_exporter.places import place_of, place_words
from picturerail_exporter.rules import Rules, folder_parts
from picturerail_exporter.source import Source
from picturerail_native.fields import readable, searched_fields
from picturerail_native.records import Exposure, ImageRow, Metadata, Root, Table, decode_root

FORMAT_WORDS = frozenset({"landscape format", "portrait format", "square format"})
"""What the shape of half of all pictures proves: found by a search, but no way in of its own."""

_FIRST, _LAST = -62_135_596_800, 253_402_300_799
"""The first second of the year 1 and the last of 9999."""


_KEYWORDS = frozenset({"tags", "people"})
"""The fields whose values may be private keywords."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way in to some of the pictures: a tag, a camera, a place.

    `kind` is one of `WAYS`; `key` is the same for all that is one, however it is written;
    `title` is how people write it.
    """

    kind: str
    key: str
    title: str

    @property
    def slug(self) -> str:
        """Its path on the site below its kind's."""
        return "/".join(slug_of(part.encode("utf-8", "replace")) for part in self.key.split("\0"))


TAG, CAMERA, PLACE = "tag", "camera", "place"
WAYS = (TAG, CAMERA, PLACE)


@dataclass(frozen=True, slots=True)
class Photo:
    """A published picture. Everything in here may be seen by everybody.

    `path` is below the root, `folder` holds the root's name and the folders below it.
    `order` is the wall-clock time when it was taken, in seconds since 1970; the newest
    picture has the highest. `place` is where, as far as that may be told: the country, then the
    town; `gps` the position itself, only where that is allowed. `original` tells whether its own
    file may be downloaded: "" (no), "stripped" of metadata, "full"; `mime` what that is. `colour`
    is the placeholder's mean, "#rrggbb", "" where there is none. `revision` is how often the
    content under this id was another one before.
    """

    id: int
    content_hash: bytes
    filename: str
    path: str
    folder: tuple[bytes, ...]
    width: int
    height: int
    order: int
    taken: dt.datetime | None
    caption: str
    tags: tuple[str, ...]
    camera: str
    lens: str
    exposure: Exposure
    placeholder: str
    fields: tuple[tuple[str, str], ...]
    place: tuple[str, ...] = ()
    gps: tuple[float, float] | None = None
    original: str = ""
    mime: str = ""
    colour: str = ""
    revision: int = 0

    @property
    def title(self) -> str:
        """The caption, or the filename without its suffix."""
        return self.caption or self.filename.rpartition(".")[0] or self.filename

    @property
    def alt(self) -> str:
        """What a visitor is told who cannot see the picture."""
        return self.caption or ", ".join(self.tags[:4]) or self.title

    @property
    def shown(self) -> tuple[object, ...]:
        """All that the pages of other pictures, and of listings, show of it."""
        tile = self.content_hash, self.revision, self.width, self.height, self.placeholder
        return (*tile, self.alt, self.title, self.order, self.taken)

    @property
    def ways(self) -> Iterator[Way]:
        """Where it is found beside time and folders: its tags, its camera, where it was taken."""
        for tag in self.tags:
            yield Way(TAG, _key(tag), tag)
        if self.camera:
            yield Way(CAMERA, _key(self.camera), self.camera)
        for depth in range(1, len(self.place) + 1):
            inner = self.place[:depth]
            yield Way(PLACE, "\0".join(map(_key, inner)), ", ".join(reversed(inner)))


@dataclass(slots=True)
class Album:
    """A folder that holds published pictures, directly or in the `albums` right below it.

    `slug` is its path on the site below `album/`. `cover` is its newest picture or the one that
    its `album.toml` names, `count` counts those below it too, `order` says which of its own come
    first ("newest", "oldest", "name"). Of an album that stands for a way up (in `parents`) only
    slug and title are given.
    """

    slug: str
    title: str
    parents: tuple[Album, ...]
    description: str = ""
    order: str = "newest"
    albums: list[Album] = field(default_factory=list)
    cover: Photo | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class Skipped:
    """A picture that could not be published, and why."""

    id: int
    path: str
    reason: str


Roots = dict[int, Root]


def public_roots(source: Source) -> Roots:
    """Return the folders whose pictures are published, by id."""
    return {
        int.from_bytes(key, "big"): root
        for key, value in source.records(Table.ROOTS)
        if (root := decode_root(value)).configured
    }


def publish(row: ImageRow, roots: Roots, rules: Rules) -> Photo | Skipped | None:
    """Return what of a row is shown; why it cannot be; or None where it must not be.

    Hidden pictures, and those of folders that are hidden, no longer configured or gone, must
    not be shown.
    """
    home = roots.get(row.root)
    if home is None or row.deleted:
        return None
    folder = folder_of(row, home)
    if not rules.of(folder).show:
        return None
    metadata = row.metadata
    if metadata.corrections.hidden:
        return None
    if metadata.width < 1 or metadata.height < 1:
        return Skipped(row.id, readable(row.path), "its size is not known")
    return _photo(row, metadata, home, folder, rules)


def folder_of(row: ImageRow, root: Root) -> tuple[bytes, ...]:
    """Return the names of the folders that a row lies in, its root's first."""
    return folder_parts(row, root.name)


def published(source: Source, rules: Rules) -> tuple[list[Photo], list[Skipped]]:
    """Return all pictures that may be shown, newest first, and those that cannot be."""
    roots = public_roots(source)
    found = [publish(row, roots, rules) for row in source.images()]
    photos = [shown for shown in found if isinstance(shown, Photo)]
    photos.sort(key=lambda photo: (photo.order, photo.id), reverse=True)
    return photos, [shown for shown in found if isinstance(shown, Skipped)]


def order_of(row: ImageRow, metadata: Metadata) -> int:
    """Return where a picture stands in time: taken, or else its file's last change.

    The wall clock counts, not the instant: a day's pictures stay together across zones.
    """
    taken = _moment(metadata.taken)
    if taken is None:
        # Some file systems give times of no year that a calendar has.
        return min(max(row.stat.mtime_ns // 1_000_000_000, _FIRST), _LAST)
    return int(taken.replace(tzinfo=dt.UTC).timestamp())


def slug_of(name: bytes) -> str:
    """Return an address for a folder's name, whatever its bytes, that no sibling shares.

    A name of plain letters, digits and hyphens is its own address. Others are simplified
    and get a mark of their bytes behind `_`, which no plain name contains; so an address
    depends on the folder alone and never changes because of another one.
    """
    text = name.decode("ascii", "replace")
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,59}", text) and text.lower() != "page":
        return text
    letters = unicodedata.normalize("NFKD", readable(name)).encode("ascii", "ignore").decode()
    simple = re.sub(r"[^A-Za-z0-9]+", "-", letters).strip("-")[:40]
    return f"{simple}_{hashlib.blake2b(name, digest_size=5).hexdigest()}"


def _photo(
    row: ImageRow, metadata: Metadata, root: Root, folder: tuple[bytes, ...], rules: Rules
) -> Photo:
    allowed = rules.of(folder)

    def told(keyword: str) -> bool:
        return allowed.private_keywords or not rules.is_private(keyword)

    gps = metadata.gps if allowed.place != "none" else None
    place = place_of(gps, allowed.place) if gps else ()
    found = searched_fields(
        row.path,
        metadata,
        root_name=root.name,
        places=place_words(gps, allowed.place) if gps else (),
        south=gps is not None and gps[0] < 0,
    )
    fields = [(name, value) for name, value in found if name not in _KEYWORDS or told(value)]
    tiny = metadata.placeholder
    tiny = tiny if tiny.startswith("data:image/") and len(tiny) <= 400 else ""
    return Photo(
        id=row.id,
        content_hash=row.content_hash,
        filename=readable(row.filename),
        path=readable(row.path),
        folder=folder,
        width=metadata.width,
        height=metadata.height,
        order=order_of(row, metadata),
        taken=_moment(metadata.taken),
        caption=metadata.caption,
        tags=tuple(
            tag.name
            for tag in metadata.tags
            if told(tag.name) and not (tag.source == "local" and tag.name in FORMAT_WORDS)
        ),
        camera=metadata.camera,
        lens=metadata.lens,
        exposure=metadata.exposure or Exposure(),
        placeholder=tiny,
        fields=tuple(fields),
        place=place,
        gps=metadata.gps if allowed.place == "exact" else None,
        original=_original(row, metadata.mime, allowed.originals),
        mime=metadata.mime,
        colour=_colour(metadata.colour, tiny),
        revision=metadata.revision,
    )


def _original(row: ImageRow, mime: str, allowed: str) -> str:
    """Return in which form a picture's own file is published."""
    if allowed == "none" or not row.has_data or (allowed == "stripped" and mime not in STRIPPED):
        return ""
    return allowed


def _colour(told: str, placeholder: str) -> str:
    """Return a picture's mean colour, from its placeholder where the row does not tell it."""
    if re.fullmatch("#[0-9a-f]{6}", told):
        return told
    from picturerail_exporter.renditions import mean_colour  # an export mostly does without codecs

    try:
        return mean_colour(placeholder)
    except (OSError, ValueError):
        return ""


def _key(text: str) -> str:
    return " ".join(text.split()).casefold()


def _moment(taken: str | None) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(taken) if taken else None
    except ValueError:
        return None
