"""The values that travel between database, daemon, index and site.

RECORDS.md beside this package describes every stored JSON shape; `METADATA_SHAPE` is the
version that it gives the metadata.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

METADATA_SHAPE = 1

USER = "user"
"""The source of what the user corrected by hand; it outranks every describer."""

SIDECAR = "sidecar"
"""The source of what people wrote into or beside the file; it outranks every other describer."""


class Table(enum.IntEnum):
    """The database's tables; the numbers are part of its format."""

    IMAGES = 1
    NEIGHBOURS = 2
    VECTORS = 3
    ROOTS = 4
    FAILURES = 5
    STATE = 6


class Tag(msgspec.Struct, frozen=True, omit_defaults=True):
    """A word that a source gave a picture; `confidence` lies in 0..1."""

    name: str
    confidence: float = 1.0


class SourcedTag(msgspec.Struct, frozen=True):
    """A tag as people see it: with the source that it came from."""

    name: str
    confidence: float
    source: str


class Description(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one source said of a picture, or why it said nothing.

    `state` is "done", "waiting" (to be tried again; `reason` says why) or "failed" (not to
    be tried again before the picture, the source's version or its settings change).
    `text` is what is written in the picture, `people` are names, `rating` is 0..5 stars (-1:
    rejected). `taken` and `gps` are what the source knows of them, in `Metadata`'s form.
    """

    version: str
    state: Literal["done", "waiting", "failed"] = "done"
    reason: str = ""
    caption: str = ""
    tags: tuple[Tag, ...] = ()
    text: str = ""
    people: tuple[str, ...] = ()
    rating: int | None = None
    taken: str | None = None
    gps: tuple[float, float] | None = None


class Corrections(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the user changed by hand; no describer ever writes here."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    hidden: bool = False


class Exposure(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the picture was taken: seconds, f-number, ISO speed, millimetres."""

    seconds: float | None = None
    aperture: float | None = None
    iso: int | None = None
    focal_length: float | None = None


class Metadata(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything known of a picture beside its name, place and bytes.

    `width` and `height` are in pixels as shown, after `orientation` (the EXIF value, 1..8)
    was applied. `taken` is ISO 8601 local time, with its offset from UTC where known.
    `gps` is (latitude, longitude) in degrees. `placeholder` is a tiny picture as a `data:`
    address, `colour` its mean as "#rrggbb". `descriptions` holds what each source said, by the
    source's name. `taken_from` and `gps_from` name the source that those two came from, "" for
    the file itself. `fingerprint` is a perceptual hash, 16 hexadecimal digits; "" until the
    picture was described. `revision` is how often the content under this id was another one
    before.
    """

    mime: str
    width: int
    height: int
    shape: int = METADATA_SHAPE
    orientation: int = 1
    taken: str | None = None
    camera: str = ""
    lens: str = ""
    exposure: Exposure | None = None
    gps: tuple[float, float] | None = None
    placeholder: str = ""
    colour: str = ""
    taken_from: str = ""
    gps_from: str = ""
    fingerprint: str = ""
    revision: int = 0
    descriptions: dict[str, Description] = msgspec.field(default_factory=dict)
    corrections: Corrections = Corrections()

    @property
    def tags(self) -> tuple[SourcedTag, ...]:
        """The tags in force: the user's first, then by confidence; one of each name."""
        removed = {name.casefold() for name in self.corrections.removed}
        best: dict[str, SourcedTag] = {}
        for source, description in self.descriptions.items():
            for tag in description.tags:
                key = tag.name.casefold()
                held = best.get(key)
                if key not in removed and (held is None or held.confidence < tag.confidence):
                    best[key] = SourcedTag(tag.name, tag.confidence, source)
        for name in self.corrections.added:
            best[name.casefold()] = SourcedTag(name, 1.0, USER)
        return tuple(
            sorted(best.values(), key=lambda tag: (tag.source != USER, -tag.confidence, tag.name))
        )

    @property
    def caption(self) -> str:
        """The caption in force: what people wrote into or beside the file before all others."""
        return next((said.caption for said in self._ranked if said.caption), "")

    @property
    def text(self) -> str:
        """What is written in the picture."""
        return next((said.text for said in self._ranked if said.text), "")

    @property
    def people(self) -> tuple[str, ...]:
        """The names of those who are in it, as people wrote them."""
        names = {name.casefold(): name for said in self._ranked for name in said.people}
        return tuple(sorted(names.values()))

    @property
    def rating(self) -> int | None:
        """The stars that it was given, -1 for a rejected one."""
        return next((said.rating for said in self._ranked if said.rating is not None), None)

    @property
    def _ranked(self) -> list[Description]:
        ranked = sorted(self.descriptions.items(), key=lambda item: (item[0] != SIDECAR, item[0]))
        return [said for _, said in ranked]


_metadata_decoder = msgspec.json.Decoder(Metadata)
_encoder = msgspec.json.Encoder(order="deterministic")


def with_description(metadata: Metadata, source: str, said: Description) -> Metadata:
    """Return metadata with what a source says; when and where it was taken only fill a gap.

    A source that is waiting to say more keeps what it said before.
    """
    held = metadata.descriptions.get(source)
    if said.state == "waiting" and held is not None:
        said = msgspec.structs.replace(
            held, version=said.version, state=said.state, reason=said.reason
        )
    changed: dict[str, Any] = {"descriptions": {**metadata.descriptions, source: said}}
    if metadata.taken is None or metadata.taken_from == source:
        changed |= {"taken": said.taken, "taken_from": source if said.taken else ""}
    if metadata.gps is None or metadata.gps_from == source:
        changed |= {"gps": said.gps, "gps_from": source if said.gps else ""}
    return msgspec.structs.replace(metadata, **changed)


def encode_metadata(metadata: Metadata) -> bytes:
    """Return the stored form: JSON in UTF-8, the same bytes for the same value."""
    return _encoder.encode(metadata)


def decode_metadata(data: bytes) -> Metadata:
    """Read the stored form.

    Raises:
        msgspec.ValidationError: the bytes are JSON of another shape.
        msgspec.DecodeError: the bytes are no JSON.
    """
    return _metadata_decoder.decode(data)


class FileStat(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a mirrored file looked like when its bytes were read.

    `volume` identifies the file system across mounts and reboots; times are nanoseconds
    since 1970 UTC.
    """

    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0
    volume: int = 0


class ImageRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A row of the table `images`, without its bytes. `msgspec.structs.replace` changes one.

    `path` is relative to the root, `/` between its parts, any byte but NUL in them.
    `content_hash` is the BLAKE3 of the bytes, 32 bytes; they are stored if `has_data`.
    `deleted_ns` is 0 while the row is live. The database hands rows out as MessagePack arrays of
    these fields, in this order.
    """

    id: int
    filename: bytes
    metadata_json: bytes
    root: int = 0
    path: bytes = b""
    content_hash: bytes = bytes(32)
    stat: FileStat = FileStat()
    seq: int = 0
    has_data: bool = False
    data_length: int = 0
    deleted_ns: int = 0

    @property
    def metadata(self) -> Metadata:
        """The metadata, decoded anew at each call."""
        return decode_metadata(self.metadata_json)

    @property
    def deleted(self) -> bool:
        """Whether the row is a tombstone."""
        return self.deleted_ns != 0


@dataclass(frozen=True, slots=True)
class ImageChange:
    """The latest state of a picture: its row, or None once it is deleted or purged."""

    seq: int
    id: int
    row: ImageRow | None


@dataclass(frozen=True, slots=True)
class RecordChange:
    """The latest state of another table's record: its value, or None once removed."""

    seq: int
    table: Table
    key: bytes
    value: bytes | None


Change = ImageChange | RecordChange


class Root(msgspec.Struct, frozen=True):
    """A mirrored folder: the value of table `roots`, whose key is the root's id.

    `folder` is its absolute path; `configured` is False once the folder left the
    configuration, which hides its pictures from the site but keeps them.
    """

    name: str
    folder: str
    configured: bool = True


class Failure(msgspec.Struct, frozen=True):
    """Why a file could not be mirrored: the value of table `failures`.

    The numbers are the file's when it was tried; it is tried again once they change.
    """

    reason: str
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0


class Neighbours(msgspec.Struct, frozen=True):
    """A tag's nearest words with their cosine similarity, nearest first.

    `reach` is what a query may come to the tag by: words with a weight in 0..1 below that of
    the tag itself, heaviest first.
    """

    words: tuple[tuple[str, float], ...]
    reach: tuple[tuple[str, float], ...] = ()


def root_key(root: int) -> bytes:
    """Return the key of a root's record."""
    return root.to_bytes(4, "big")


def failure_key(root: int, path: bytes) -> bytes:
    """Return the key of a file's failure."""
    return root_key(root) + path


def neighbours_key(vectors_version: str, tag: str) -> bytes:
    """Return the key of a tag's neighbours in one set of word vectors."""
    return vectors_version.encode() + b"\0" + tag.encode()


def vector_key(image_id: int, space: str) -> bytes:
    """Return the key of a picture's vector in a space."""
    return image_id.to_bytes(8, "big") + space.encode()


def encode_record(value: Root | Failure | Neighbours) -> bytes:
    """Return a record's stored form: JSON in UTF-8."""
    return _encoder.encode(value)


def decode_root(data: bytes) -> Root:
    """Read the value of table `roots`."""
    return msgspec.json.decode(data, type=Root)


def decode_failure(data: bytes) -> Failure:
    """Read the value of table `failures`."""
    return msgspec.json.decode(data, type=Failure)


def decode_neighbours(data: bytes) -> Neighbours:
    """Read the value of table `neighbours`."""
    return msgspec.json.decode(data, type=Neighbours)
