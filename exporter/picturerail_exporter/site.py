"""The site follower: brings a folder of static files up to date with the database.

Every file is a pure function of the live pictures and the options. What a change touches is
found in the change feed and the kept state (`changes`, `state`), and only that is made again;
where the state does not fit, everything is. Either way the site's bytes are the same. Files
are written in an order in which nothing points to what is not there yet, and removed last;
an export that was interrupted is completed by the next one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from picturerail_exporter import pages
from picturerail_exporter.changes import (
    News,
    apply,
    changed_texts,
    everything,
    homes_of,
    news,
)
from picturerail_exporter.collection import Photo, Skipped, public_roots
from picturerail_exporter.compressed import with_twins
from picturerail_exporter.files import link_or_copy, write_atomically
from picturerail_exporter.originals import copy_missing
from picturerail_exporter.pages import Pages
from picturerail_exporter.pixels import DEFAULT_MAX_PIXELS
from picturerail_exporter.plan import Gone, Linked, Planner, Written
from picturerail_exporter.render_missing import Progress, render_missing
from picturerail_exporter.rendition_store import RenditionStore
from picturerail_exporter.renditions import Recipe
from picturerail_exporter.rules import Rules
from picturerail_exporter.search_index import Brought, SearchIndex
from picturerail_exporter.site_folder import PICTURE_MARK, Manifest, SiteFolder, digest, open_site
from picturerail_exporter.source import Source
from picturerail_exporter.state import SiteState, open_state
from picturerail_exporter.theme import Theme
from picturerail_native.records import Table, decode_neighbours, neighbours_key

_PAGES_VERSION = 8
"""To be raised when the same pictures and options give other pages."""


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """How a site is made.

    `path` is its folder, `renditions` the rendition store's. `base_url` is where it will be
    published, if known: link previews, feed and sitemaps need it. `language` is that of
    its own texts. `rules` says what may be published. `vectors_version` names the word vectors in
    use, whose neighbours are searched through. `similar` is how many similar pictures are shown
    beside one. `theme` has the templates, styles, scripts and texts. `precompress` names the twins
    that texts get (`compressed.KINDS`). `workers` is how many pictures are
    rendered at once.
    """

    path: Path
    renditions: Path
    title: str = "Pictures"
    base_url: str = ""
    language: str = "en"
    rules: Rules = field(default_factory=Rules)
    recipe: Recipe = field(default_factory=Recipe)
    vectors_version: str = ""
    similar: int = 6
    theme: Theme = field(default_factory=Theme)
    precompress: tuple[str, ...] = ()
    max_pixels: int = DEFAULT_MAX_PIXELS
    workers: int = field(default_factory=lambda: min(4, os.cpu_count() or 1))

    @property
    def digest(self) -> str:
        """Names what the site's bytes depend on beside the pictures."""
        what = (
            _PAGES_VERSION,
            self.title,
            self.base_url,
            self.language,
            self.rules,
            self.recipe,
            self.vectors_version,
            self.similar,
            self.precompress,
        )
        sources = (*pages.static_files(self.theme), *self.theme.sources())
        files = [(name, digest(data)) for name, data in sources]
        return digest(repr((what, files)).encode())


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export did.

    The files that it added, changed and removed, as paths on the site, in the order of the
    work; how many it left alone; the pictures that it could not show; and what is wrong with the
    albums' texts, a line each.
    """

    site: Path
    added_files: tuple[str, ...]
    changed_files: tuple[str, ...]
    removed_files: tuple[str, ...]
    unchanged: int
    seq: int
    skipped: tuple[Skipped, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def added(self) -> int:
        """How many files are new."""
        return len(self.added_files)

    @property
    def changed(self) -> int:
        """How many files have other bytes."""
        return len(self.changed_files)

    @property
    def removed(self) -> int:
        """How many files are gone."""
        return len(self.removed_files)


def export(
    source: Source,
    options: SiteOptions,
    *,
    full: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ExportReport:
    """Bring the site up to date with `source`.

    Args:
        source: a consistent view of the database.
        options: how the site is made, and where.
        full: verify every file on disk, instead of believing the manifest.
        dry_run: write and render nothing; report what would be written.
        progress: told how far the two stages are, rendering pictures and writing files.

    Raises:
        ExportError: the folder cannot be used.
        OSError: a file could not be written; the next export carries on.
    """
    options.theme.check()
    with (
        open_site(options.path, dry_run=dry_run) as folder,
        open_state(_state_path(options, dry_run=dry_run)) as state,
        _search_index(source, state, options, dry_run=dry_run) as index,
    ):
        old = folder.manifest
        new = Manifest(uuid=source.info.uuid.hex(), seq=source.info.seq, options=options.digest)
        # Somebody may have emptied the folder; its first page stands for all of it. After an
        # interruption the lists name our files, but not what is in them.
        verify = full or not old.complete or not (options.path / "index.html").is_file()
        same = (old.uuid, old.options) == (new.uuid, new.options) and not verify
        stands = same and state.note("stands") == _position(old) and index.stands()
        homes = homes_of(public_roots(source))
        if same and old.seq == new.seq and not old.partial and not changed_texts(state, homes):
            problems = tuple(state.albums.problems())
            return ExportReport(options.path, (), (), (), old.count, old.seq, problems=problems)

        found = news(source, state, old.seq, options.rules) if stands else None
        incremental = found is not None
        if found is None:
            state.clear()
            found = everything(source, options.rules)
        store = RenditionStore(options.renditions)
        refused: list[str] = []
        if not dry_run:
            found, refused = _rendered(source, found, store, options, folder, verify, progress)
        touched = apply(state, found, homes, options.similar)
        files = Planner(
            state,
            touched,
            store,
            options.recipe,
            Pages(
                options.title,
                options.base_url,
                options.recipe,
                options.language,
                options.theme,
                compiled=None if dry_run else options.renditions.parent / "templates",
            ),
            options.theme,
        ).plan(
            _indexed(source, index, found, options.vectors_version, incremental=incremental),
            _Standing(folder),
            all_files=not incremental,
        )
        files = list(with_twins(files, options.precompress))
        wanted = [file for file in files if not isinstance(file, Gone)]
        gone = {file.path for file in files if isinstance(file, Gone)}
        if not incremental:
            kept = {file.path for file in wanted}
            gone = {path for path, _ in folder.marks.items() if path not in kept}
        before = {path for path in gone if folder.marks.get(path) is not None}
        fresh = sum(folder.marks.get(file.path) is None for file in wanted)
        count = old.count + fresh - len(before) if incremental else len(wanted)
        if not dry_run:
            folder.begin(file.path for file in wanted)
        effects = _bring_all(wanted, folder, verify=verify, dry_run=dry_run, progress=progress)
        going = _gone(folder, before)
        if not dry_run:
            for path in going:
                folder.remove(path)
            for path in before:
                folder.marks.drop(path)
            skipped = state.skipped()
            done = msgspec.structs.replace(new, count=count, partial=bool(skipped))
            folder.finish(done)
            state.set_note("stands", _position(done))
            state.commit()
        added, changed = effects[_Effect.ADDED], effects[_Effect.CHANGED]
        return ExportReport(
            site=options.path,
            added_files=tuple(added),
            changed_files=tuple(changed),
            removed_files=tuple(going),
            unchanged=count - len(added) - len(changed),
            seq=new.seq,
            skipped=tuple(state.skipped()),
            problems=(*state.albums.problems(), *refused),
        )


def texts_changed(source: Source, options: SiteOptions) -> bool:
    """Tell whether the text of an album that the site shows has changed since its export."""
    with open_state(_state_path(options, dry_run=True)) as state:
        return bool(changed_texts(state, homes_of(public_roots(source))))


def _state_path(options: SiteOptions, *, dry_run: bool) -> Path | None:
    """Return where the state of a site lies: beside the renditions, one for each site."""
    name = hashlib.blake2b(os.fsencode(options.path.absolute()), digest_size=8).hexdigest()
    place = options.renditions.parent / "sites" / f"{name}.sqlite"
    return place if place.exists() or not dry_run else None


def _position(manifest: Manifest) -> str:
    """Name the state that a manifest's site shows."""
    return f"{manifest.uuid} {manifest.seq} {manifest.options}"


class _Standing:
    """The files that stand on the site already."""

    def __init__(self, folder: SiteFolder) -> None:
        self._folder = folder

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self._folder.marks.get(path) is not None


def _rendered(
    source: Source,
    found: News,
    store: RenditionStore,
    options: SiteOptions,
    folder: SiteFolder,
    verify: bool,
    progress: Progress | None,
) -> tuple[News, list[str]]:
    """Render what is missing; return the news without what cannot be, and what that is.

    The news say nothing any more of pictures that cannot be rendered, and the others only of
    originals that can be copied.
    """
    photos = [after for _, after in found.pictures.values() if after is not None]
    failed = render_missing(
        source,
        photos if verify else _not_on_site(photos, folder, options.recipe),
        store,
        options.recipe,
        max_pixels=options.max_pixels,
        workers=options.workers,
        progress=progress,
    )
    wanted = photos if verify else [p for p in photos if not folder.has(pages.original_path(p))]
    refused = copy_missing(source, wanted, store)
    if not failed and not refused:
        return found, []
    bad = {skip.id for skip in failed}
    pictures: dict[int, tuple[Photo | None, Photo | None]] = {}
    for number, (before, wanted_now) in found.pictures.items():
        after = None if number in bad else wanted_now
        if after is not None and number in refused:
            after = dataclasses.replace(after, original="")
        if before != after:
            pictures[number] = before, after
    problems = [
        f"{photo.path}: offered without its original, which {refused[photo.id]}"
        for photo in photos
        if photo.id in refused
    ]
    codes = {n: None if n in bad else coded for n, coded in found.codes.items()}
    skipped = [*found.skipped, *failed]
    return News(pictures, skipped, found.tried, found.near, codes), problems


class _Effect(enum.Enum):
    ADDED = enum.auto()
    CHANGED = enum.auto()


def _bring_all(
    files: Sequence[Written | Linked],
    folder: SiteFolder,
    *,
    verify: bool,
    dry_run: bool,
    progress: Progress | None,
) -> dict[_Effect, list[str]]:
    """Write the files whose bytes differ from what is there; return which those are."""
    effects: dict[_Effect, list[str]] = {effect: [] for effect in _Effect}
    for done, file in enumerate(files, 1):
        if isinstance(file, Linked):
            mark, changes = _bring_picture(file, folder, verify=verify, dry_run=dry_run)
        else:
            mark, changes = _bring_bytes(file, folder, verify=verify, dry_run=dry_run)
        if changes:
            known = _Effect.CHANGED if folder.marks.get(file.path) else _Effect.ADDED
            effects[known].append(file.path)
        folder.marks.set(file.path, mark)
        if progress and (done % 100 == 0 or done == len(files)):
            progress(done, len(files))
    return effects


def _bring_picture(
    file: Linked, folder: SiteFolder, *, verify: bool, dry_run: bool
) -> tuple[str, bool]:
    place = folder.path / file.path
    changes = not folder.has(file.path) or (verify and _differ(file.picture, place))
    if changes and not dry_run:
        link_or_copy(file.picture, place)
    return PICTURE_MARK, changes


def _bring_bytes(
    file: Written, folder: SiteFolder, *, verify: bool, dry_run: bool
) -> tuple[str, bool]:
    place = folder.path / file.path
    data = file.make()
    mark = digest(data)
    changes = not folder.has(file.path) or mark != (
        digest(place.read_bytes()) if verify else folder.marks.get(file.path)
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
        if not all(
            folder.has(file.in_format(kind))
            for file in pages.rendered(photo, recipe).values()
            for kind in recipe.formats
        )
    ]


def _gone(folder: SiteFolder, paths: set[str]) -> list[str]:
    """Return which of our files stand there still; pages go before the pictures they show."""
    there = (path for path in paths if (folder.path / path).exists())
    return sorted(there, key=lambda path: (path.startswith(f"{pages.MEDIA}/"), path))


@contextlib.contextmanager
def _search_index(
    source: Source, state: SiteState, options: SiteOptions, *, dry_run: bool
) -> Iterator[SearchIndex]:
    """Open the search's index; a dry run works on a copy."""
    place = _state_path(options, dry_run=False)
    assert place is not None
    folder = place.with_suffix(".index")
    with contextlib.ExitStack() as stack:
        if dry_run:
            copy = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "index"
            if folder.is_dir():
                shutil.copytree(folder, copy)
            folder = copy
        yield SearchIndex(state, folder, source.info.uuid, options.recipe)


def _indexed(
    source: Source, index: SearchIndex, new: News, version: str, *, incremental: bool
) -> Brought | None:
    """Bring the search's index up to date; None where nothing of it may have changed."""
    if not incremental:
        every = _neighbours(source, version)
        return index.rebuild(lambda tag: every.get(tag, ()))
    if not new.pictures and not new.near:
        return None
    prefix = neighbours_key(version, "")
    tags = {key[len(prefix) :].decode() for key in new.near if version and key.startswith(prefix)}

    def near(tag: str) -> Sequence[tuple[str, float]]:
        wanted = neighbours_key(version, tag) if version else None
        for key, value in source.records(Table.NEIGHBOURS, wanted) if wanted else ():
            if key == wanted:
                return decode_neighbours(value).reach
        return ()

    gone = (number for number, (_, after) in new.pictures.items() if after is None)
    purged = any(source.get(number) is None for number in gone)
    return index.update(new.pictures, tags, near, purged=purged)


def _neighbours(source: Source, version: str) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Return the words near each tag, in the word vectors that are in use."""
    if not version:
        return {}
    prefix = neighbours_key(version, "")
    return {
        key[len(prefix) :].decode(): decode_neighbours(value).reach
        for key, value in source.records(Table.NEIGHBOURS, prefix)
    }
