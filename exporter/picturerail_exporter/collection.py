"""What is published: the pictures and albums of a site, as plain values.

The one place where rows become public. `Photo` lists by name what of a picture may be seen;
what has no member there (place, serial numbers, file times, other users' corrections) cannot
reach a page, an index or a file name.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import unicodedata
from dataclasses import dataclass, field

from picturerail_exporter.source import Source
from picturerail_native.fields import readable, searched_fields
from picturerail_native.records import Exposure, ImageRow, Metadata, Root, Table, decode_root

_FIRST, _LAST = -62_135_596_800, 253_402_300_799
"""The first second of the year 1 and the last of 9999."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A published picture. Everything in here may be seen by everybody.

    `path` is below the root, `folder` holds the root's name and the folders below it.
    `order` is the wall-clock time when it was taken, in seconds since 1970; the newest
    picture has the highest.
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

    @property
    def title(self) -> str:
        """The caption, or the filename without its suffix."""
        return self.caption or self.filename.rpartition(".")[0] or self.filename

    @property
    def alt(self) -> str:
        """What a visitor is told who cannot see the picture."""
        return self.caption or ", ".join(self.tags[:4]) or self.title


@dataclass(slots=True)
class Album:
    """A folder that holds published pictures, directly or in the `albums` right below it.

    `slug` is its path on the site below `album/`. `cover` is its newest picture, `count`
    counts those below it too. Of an album that stands for a way up (in `parents`) only slug
    and title are given.
    """

    slug: str
    title: str
    parents: tuple[Album, ...]
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


def publish(row: ImageRow, roots: Roots) -> Photo | Skipped | None:
    """Return what of a row is shown; why it cannot be; or None where it must not be.

    Hidden pictures, and those of folders that are no longer configured or of no folder, must
    not be shown.
    """
    home = roots.get(row.root)
    if home is None or row.deleted:
        return None
    metadata = row.metadata
    if metadata.corrections.hidden:
        return None
    if metadata.width < 1 or metadata.height < 1:
        return Skipped(row.id, readable(row.path), "its size is not known")
    return _photo(row, metadata, home)


def published(source: Source) -> tuple[list[Photo], list[Skipped]]:
    """Return all pictures that may be shown, newest first, and those that cannot be."""
    roots = public_roots(source)
    found = [publish(row, roots) for row in source.images()]
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


def _photo(row: ImageRow, metadata: Metadata, root: Root) -> Photo:
    fields = searched_fields(row.path, metadata, root_name=root.name)
    root_name = root.name.encode(errors="surrogateescape")
    tiny = metadata.placeholder
    return Photo(
        id=row.id,
        content_hash=row.content_hash,
        filename=readable(row.filename),
        path=readable(row.path),
        folder=(root_name, *(part for part in row.path.split(b"/")[:-1] if part)),
        width=metadata.width,
        height=metadata.height,
        order=order_of(row, metadata),
        taken=_moment(metadata.taken),
        caption=metadata.caption,
        tags=tuple(tag.name for tag in metadata.tags),
        camera=metadata.camera,
        lens=metadata.lens,
        exposure=metadata.exposure or Exposure(),
        placeholder=tiny if tiny.startswith("data:image/") and len(tiny) <= 400 else "",
        fields=tuple(fields),
    )


def _moment(taken: str | None) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(taken) if taken else None
    except ValueError:
        return None
