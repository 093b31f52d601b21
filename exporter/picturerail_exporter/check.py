"""Verifies a site against its manifest and the database. Only reads."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from picturerail_exporter.collection import published
from picturerail_exporter.compressed import KINDS, unpacked
from picturerail_exporter.leaks import Private, leaks_in, private_of
from picturerail_exporter.places import NoPlacesError
from picturerail_exporter.rules import EVERYTHING, Rules
from picturerail_exporter.site_folder import (
    PICTURE_MARK,
    ExportError,
    Manifest,
    Marks,
    digest,
    read_manifest,
)
from picturerail_exporter.source import Source
from picturerail_exporter.strip import UnstrippableError, strip

_TEXTS = {".bin", ".html", ".json", ".xml", ".txt", ".webmanifest", ".css", ".js", ".svg"}
_PICTURES = {".avif", ".gif", ".jpeg", ".jpg", ".png", ".webp"}
_PRINTED = re.compile(rb"[\w .,:/-]{12,}")
"""What is text in other files: random bytes hardly ever make so many letters in a row."""


def site_seq(path: Path, uuid: bytes) -> int:
    """Return the transaction a site shows; 0 for none, an unfinished or another store's."""
    try:
        manifest = read_manifest(path)
    except (ExportError, OSError):
        return 0
    return manifest.seq if manifest.complete and manifest.uuid == uuid.hex() else 0


def check_site(
    source: Source,
    path: Path,
    *,
    deep: bool,
    rules: Rules = EVERYTHING,
    own_texts: Iterable[str] = (),
) -> list[tuple[str, str]]:
    """Return what is wrong with a site as (where, what); a site never made is not wrong.

    Args:
        source: a consistent view of the database.
        path: the site's folder.
        deep: read and compare every file, instead of asking whether it is there; and look
            through all of them for what must not be there.
        rules: what may be published.
        own_texts: what stands on the site whatever pictures there are, as its title.
    """
    try:
        manifest = read_manifest(path)
    except (ExportError, OSError) as error:
        return [(str(path), str(error))]
    if not manifest.uuid:
        return []
    if manifest.uuid != source.info.uuid.hex():
        return [(str(path), "shows another store; `picturerail export` makes it this one's")]
    if not manifest.complete:
        return [(str(path), "an export was interrupted; `picturerail export` completes it")]
    try:
        marks = dict(Marks(path).items())
    except (ExportError, OSError) as error:
        return [(str(path), str(error))]
    problems = [
        (str(path / name), what)
        for name, mark in marks.items()
        if (what := _fault(path / name, mark, deep=deep))
    ]
    if len(marks) != manifest.count:
        what = f"lists {len(marks)} files of {manifest.count}; `picturerail export --full` mends it"
        problems.append((str(path / ".picturerail"), what))
    if manifest.seq == source.info.seq:
        try:
            problems += _against_pictures(source, path, manifest, marks, rules)
            if deep:
                problems += _leaks(path, marks, private_of(source, rules, own_texts))
        except NoPlacesError as error:
            problems.append((str(path), str(error)))
    return problems


def _fault(place: Path, mark: str, *, deep: bool) -> str:
    try:
        if not deep:
            return "" if place.is_file() else "is missing; `picturerail export --full` mends it"
        data = place.read_bytes()
    except OSError as error:
        return f"cannot be read ({error.strerror}); `picturerail export --full` mends it"
    # A picture's name is made of its content, so it has no digest of its own.
    same = digest(data) == mark if len(mark) == 32 else bool(data)
    if not same:
        return "is not what was written; `picturerail export --full` mends it"
    if mark.startswith(PICTURE_MARK) and (found := _metadata(place, data)):
        return f"holds {found}, which nobody should see; `picturerail export --full` mends it"
    return ""


def _metadata(place: Path, data: bytes) -> str:
    """Name the metadata that a picture's file carries and must not."""
    if place.stem.endswith("-full-original"):
        return ""  # the rules allow all of it
    if place.suffix == ".avif":
        return "EXIF or XMP" if b"Exif" in data[:4096] or b"rdf+xml" in data[:4096] else ""
    if place.suffix == ".webp" and not place.stem.endswith("-original"):
        return _webp_metadata(data)
    try:
        return "" if strip(data) == data else "more than a picture"
    except UnstrippableError as error:
        return f"what cannot be looked at ({error})"


def _webp_metadata(webp: bytes) -> str:
    """Name the metadata that a WebP file carries; its chunks' names tell (RFC 9649)."""
    at = 12
    while at + 8 <= len(webp):
        name, size = webp[at : at + 4], int.from_bytes(webp[at + 4 : at + 8], "little")
        if name in {b"EXIF", b"XMP "}:
            return name.decode().strip()
        at += 8 + size + size % 2
    return ""


def _against_pictures(
    source: Source, path: Path, manifest: Manifest, marks: Collection[str], rules: Rules
) -> list[tuple[str, str]]:
    photos, _ = published(source, rules)
    wanted = {f"photo/{photo.id}/index.html" for photo in photos}
    there = {name for name in marks if name.startswith("photo/")}
    missing = [] if manifest.partial else sorted(wanted - there)
    return [
        (str(path / name), "is missing though its picture is published") for name in missing
    ] + [
        (str(path / name), "is there though its picture is not published")
        for name in sorted(there)
        if _without_twin(name) not in wanted
    ]


def _without_twin(name: str) -> str:
    text, _, kind = name.rpartition(".")
    return text if kind in KINDS else name


def _leaks(path: Path, marks: Mapping[str, str], private: Private) -> list[tuple[str, str]]:
    problems = []
    for name, mark in marks.items():
        # The name of every file tells something, a picture's, too, whose inside was looked at.
        place = path / name
        with contextlib.suppress(OSError):  # named already
            data = b"" if mark.startswith(PICTURE_MARK) else place.read_bytes()
            try:
                text = _readable(path, name, data)
            except ValueError as error:
                problems.append((str(place), str(error)))
                continue
            problems += [(str(place), what) for what in leaks_in(name, text, private)]
    return problems


def _readable(path: Path, name: str, data: bytes) -> bytes:
    """Return what of a file's bytes anybody could read.

    Raises:
        ValueError: it is not what it should be; the message says what.
    """
    place = path / name
    if place.suffix in _TEXTS or not data:
        return data
    if place.suffix.removeprefix(".") in KINDS:
        try:
            text = unpacked(name, data)
        except ValueError as error:
            raise ValueError(f"cannot be unpacked ({error})") from error
        if text != (path / name.removesuffix(place.suffix)).read_bytes():
            raise ValueError(f"holds something else than the file without {place.suffix}")
        return text
    if place.suffix in _PICTURES and (found := _metadata(place, data)):
        raise ValueError(f"holds {found}, which nobody should see; take it out of the theme's file")
    return b"\n".join(_PRINTED.findall(data))
