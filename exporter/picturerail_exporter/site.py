"""The site follower: brings a folder of static files up to date with the database.

Every file is a pure function of the live pictures and the options, so what an export writes
does not depend on what was there before: an incremental export equals a full one byte by
byte. Files are written in an order in which nothing points to what is not there yet, and
removed last; an export that was interrupted is completed by the next one.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from picturerail_exporter import pages
from picturerail_exporter.browser_index import Analyse
from picturerail_exporter.collection import Photo, Skipped, published
from picturerail_exporter.files import link_or_copy, write_atomically
from picturerail_exporter.pixels import DEFAULT_MAX_PIXELS
from picturerail_exporter.plan import Linked, NearWords, Written, plan
from picturerail_exporter.render_missing import Progress, render_missing
from picturerail_exporter.rendition_store import RenditionStore
from picturerail_exporter.renditions import Recipe
from picturerail_exporter.site_folder import Manifest, SiteFolder, digest, open_site
from picturerail_exporter.source import Source
from picturerail_native.records import Table, decode_neighbours, neighbours_key
from picturerail_native.search import analyse as engine_analyse

_PAGES_VERSION = 1
"""To be raised when the same pictures and options give other pages."""

_PICTURE_MARK = "picture"
"""A picture's mark in the manifest: its name is made of its content, so it needs no digest."""


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """How a site is made.

    `path` is its folder, `renditions` the rendition store's. `base_url` is where it will be
    published, if known: only link previews need it. `vectors_version` names the word vectors
    in use, whose neighbours are searched through. `workers` is how many pictures are
    rendered at once.
    """

    path: Path
    renditions: Path
    title: str = "Pictures"
    base_url: str = ""
    recipe: Recipe = field(default_factory=Recipe)
    vectors_version: str = ""
    max_pixels: int = DEFAULT_MAX_PIXELS
    workers: int = field(default_factory=lambda: min(4, os.cpu_count() or 1))

    @property
    def digest(self) -> str:
        """Names what the site's bytes depend on beside the pictures."""
        what = (_PAGES_VERSION, self.title, self.base_url, self.recipe, self.vectors_version)
        files = [digest(data) for _, data in (*pages.static_files(), *pages.templates())]
        return digest(repr((what, files)).encode())


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export did, in files; and the pictures that it could not show."""

    site: Path
    added: int
    changed: int
    removed: int
    unchanged: int
    seq: int
    skipped: tuple[Skipped, ...] = ()


def export(
    source: Source,
    options: SiteOptions,
    *,
    full: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
    analyse: Analyse = engine_analyse,
) -> ExportReport:
    """Bring the site up to date with `source`.

    Args:
        source: a consistent view of the database.
        options: how the site is made, and where.
        full: verify every file on disk, instead of believing the manifest.
        dry_run: write and render nothing; report what would be written.
        progress: told how far the two stages are, rendering pictures and writing files.
        analyse: the engine's analyser, which cuts texts into words.

    Raises:
        ExportError: the folder cannot be used.
        OSError: a file could not be written; the next export carries on.
    """
    with open_site(options.path, dry_run=dry_run) as folder:
        old = folder.manifest
        new = Manifest(uuid=source.info.uuid.hex(), seq=source.info.seq, options=options.digest)
        same = (old.uuid, old.seq, old.options) == (new.uuid, new.seq, new.options)
        # Somebody may have emptied the folder; its first page stands for all of it.
        same = same and (options.path / "index.html").is_file()
        if same and old.complete and not old.partial and not full:
            return ExportReport(options.path, 0, 0, 0, len(old.files), old.seq)

        # After an interruption the manifest names our files, but not what is in them.
        verify = full or not old.complete or not (options.path / "index.html").is_file()
        store = RenditionStore(options.renditions)
        photos, skipped = published(source)
        if not dry_run:
            failed = render_missing(
                source,
                photos if verify else _not_on_site(photos, folder, options.recipe),
                store,
                options.recipe,
                max_pixels=options.max_pixels,
                workers=options.workers,
                progress=progress,
            )
            skipped += failed
            bad = {skip.id for skip in failed}
            photos = [photo for photo in photos if photo.id not in bad]
        files = plan(
            photos,
            _neighbours(source, options.vectors_version),
            store,
            options.recipe,
            title=options.title,
            base_url=options.base_url,
            analyse=analyse,
            standing=old.files,
        )
        if not dry_run:
            folder.begin(file.path for file in files)
        counts, marks = _bring_all(
            files, folder, old.files, verify=verify, dry_run=dry_run, progress=progress
        )
        gone = _gone(folder, old.files.keys() - marks.keys())
        if not dry_run:
            for path in gone:
                folder.remove(path)
            folder.finish(msgspec.structs.replace(new, files=marks, partial=bool(skipped)))
        return ExportReport(
            site=options.path,
            added=counts[_Effect.ADDED],
            changed=counts[_Effect.CHANGED],
            removed=len(gone),
            unchanged=counts[_Effect.UNCHANGED],
            seq=new.seq,
            skipped=tuple(skipped),
        )


class _Effect(enum.Enum):
    ADDED = enum.auto()
    CHANGED = enum.auto()
    UNCHANGED = enum.auto()


def _bring_all(
    files: Sequence[Written | Linked],
    folder: SiteFolder,
    old: dict[str, str],
    *,
    verify: bool,
    dry_run: bool,
    progress: Progress | None,
) -> tuple[dict[_Effect, int], dict[str, str]]:
    """Write the files whose bytes differ from what is there; count, and return their marks."""
    counts = dict.fromkeys(_Effect, 0)
    marks: dict[str, str] = {}
    for done, file in enumerate(files, 1):
        if isinstance(file, Linked):
            mark, changes = _bring_picture(file, folder, verify=verify, dry_run=dry_run)
        else:
            mark, changes = _bring_bytes(file, folder, verify=verify, dry_run=dry_run)
        marks[file.path] = mark
        standing = _Effect.CHANGED if old.get(file.path) else _Effect.ADDED
        counts[standing if changes else _Effect.UNCHANGED] += 1
        if progress and (done % 100 == 0 or done == len(files)):
            progress(done, len(files))
    return counts, marks


def _bring_picture(
    file: Linked, folder: SiteFolder, *, verify: bool, dry_run: bool
) -> tuple[str, bool]:
    place = folder.path / file.path
    changes = not folder.has(file.path) or (verify and _differ(file.picture, place))
    if changes and not dry_run:
        link_or_copy(file.picture, place)
    return _PICTURE_MARK, changes


def _bring_bytes(
    file: Written, folder: SiteFolder, *, verify: bool, dry_run: bool
) -> tuple[str, bool]:
    place = folder.path / file.path
    data = file.make()
    mark = digest(data)
    changes = not folder.has(file.path) or mark != (
        digest(place.read_bytes()) if verify else folder.manifest.files[file.path]
    )
    if changes and not dry_run:
        write_atomically(place, data)
    return mark, changes


def _differ(picture: Path, place: Path) -> bool:
    if not picture.exists():
        return False  # only where nothing is rendered: on a dry run
    return not picture.samefile(place) and picture.read_bytes() != place.read_bytes()


def _not_on_site(photos: Sequence[Photo], folder: SiteFolder, recipe: Recipe) -> list[Photo]:
    """Return the pictures of which a file is not on the site yet."""
    return [
        photo
        for photo in photos
        if not all(folder.has(file.path) for file in pages.rendered(photo, recipe).values())
    ]


def _gone(folder: SiteFolder, paths: set[str]) -> list[str]:
    """Return which of our files stand there still; pages go before the pictures they show."""
    there = (path for path in paths if (folder.path / path).exists())
    return sorted(there, key=lambda path: (path.startswith(f"{pages.MEDIA}/"), path))


def _neighbours(source: Source, version: str) -> NearWords:
    """Return the words near each tag, in the word vectors that are in use."""
    if not version:
        return {}
    prefix = neighbours_key(version, "")
    return {
        key[len(prefix) :].decode(): decode_neighbours(value).words
        for key, value in source.records(Table.NEIGHBOURS, prefix)
    }
