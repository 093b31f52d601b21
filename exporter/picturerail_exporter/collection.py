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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from picturerail_exporter.source import Source
from picturerail_native.fields import readable, searched_fields
from picturerail_native.records import Exposure, ImageRow, Metadata, Root, Table, decode_root


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
    """A folder that holds published pictures, directly (`photos`) or below (`albums`).

    `slug` is its path on the site below `album/`. `cover` is its newest picture, `count`
    counts those below it too.
    """

    slug: str
    title: str
    parents: tuple[Album, ...]
    photos: list[Photo] = field(default_factory=list)
    albums: list[Album] = field(default_factory=list)
    cover: Photo | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class Skipped:
    """A picture that could not be published, and why."""

    id: int
    path: str
    reason: str


def published(source: Source) -> tuple[list[Photo], list[Skipped]]:
    """Return the pictures that may be shown, newest first, and those that cannot be.

    Hidden pictures, and those of folders that are no longer configured or of no folder,
    are in neither.
    """
    roots = {
        int.from_bytes(key, "big"): root
        for key, value in source.records(Table.ROOTS)
        if (root := decode_root(value)).configured
    }
    photos: list[Photo] = []
    skipped: list[Skipped] = []
    for row in source.images():
        home = roots.get(row.root)
        if home is None or row.deleted:
            continue
        metadata = row.metadata
        if metadata.corrections.hidden:
            continue
        if metadata.width < 1 or metadata.height < 1:
            skipped.append(Skipped(row.id, readable(row.path), "its size is not known"))
            continue
        photos.append(_photo(row, metadata, home))
    photos.sort(key=lambda photo: (photo.order, photo.id), reverse=True)
    return photos, skipped


def order_of(row: ImageRow, metadata: Metadata) -> int:
    """Return where a picture stands in time: taken, or else its file's last change.

    The wall clock counts, not the instant: a day's pictures stay together across zones.
    """
    taken = _moment(metadata.taken)
    if taken is None:
        return row.stat.mtime_ns // 1_000_000_000
    return int(taken.replace(tzinfo=dt.UTC).timestamp())


def albums(photos: Iterable[Photo]) -> list[Album]:
    """Return the albums of the folders that hold these pictures, parents before children.

    Pictures keep their order; albums stand by title within their parent.
    """
    by_folder: dict[tuple[bytes, ...], Album] = {}
    for photo in photos:
        album = _album(by_folder, photo.folder)
        album.photos.append(photo)
        for above in (*album.parents, album):
            above.count += 1
            above.cover = above.cover or photo
    tops = [album for folder, album in by_folder.items() if len(folder) == 1]
    return list(_in_order(tops))


def _album(by_folder: dict[tuple[bytes, ...], Album], folder: tuple[bytes, ...]) -> Album:
    album = by_folder.get(folder)
    if album is None:
        above = _album(by_folder, folder[:-1]) if len(folder) > 1 else None
        parents = (*above.parents, above) if above else ()
        slug = "/".join(slug_of(part) for part in folder)
        album = by_folder[folder] = Album(slug, readable(folder[-1]), parents)
        if above:
            above.albums.append(album)
    return album


def _in_order(siblings: list[Album]) -> Iterator[Album]:
    siblings.sort(key=lambda album: (album.title.casefold(), album.slug))
    for album in siblings:
        yield album
        yield from _in_order(album.albums)


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
