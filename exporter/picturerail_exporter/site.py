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
import gc
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from picturerail_exporter import assets, media
from picturerail_exporter.album_text import AlbumText, Texts
from picturerail_exporter.bring import Bringer
from picturerail_exporter.changes import (
    News,
    Touched,
    apply,
    changed_texts,
    everything,
    fill,
    homes_of,
    news,
)
from picturerail_exporter.collection import Photo, Skipped, public_roots
from picturerail_exporter.compressed import with_twins
from picturerail_exporter.listings import Folder
from picturerail_exporter.originals import copy_missing
from picturerail_exporter.pages import Pages
from picturerail_exporter.plan import Planner
from picturerail_exporter.recipe import DEFAULT_MAX_PIXELS, Recipe
from picturerail_exporter.render_missing import Progress, render_missing
from picturerail_exporter.rendition_store import RenditionStore
from picturerail_exporter.rules import Rules
from picturerail_exporter.site_folder import Manifest, SiteFolder, digest, open_site
from picturerail_exporter.source import Source
from picturerail_exporter.state import SiteState, open_state
from picturerail_exporter.theme import Theme

if TYPE_CHECKING:
    from picturerail_exporter.search_index import Brought, SearchIndex
    from picturerail_exporter.search_meaning import Meaning

_PAGES_VERSION = 13
"""To be raised when the same pictures and options give other pages."""


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """How a site is made.

    `path` is its folder, `renditions` the rendition store's. `base_url` is where it will be
    published, if known: link previews, feed and sitemaps need it. `language` is that of
    its own texts. `rules` says what may be published. `albums` is what is said of
    folders beside their own texts. `vectors_version` names the word vectors in
    use, whose neighbours are searched through. `search_language` is that of what is said of the
    pictures, as the engine knows it. `similar` is how many similar pictures are shown
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
    albums: tuple[tuple[Folder, AlbumText], ...] = ()
    recipe: Recipe = field(default_factory=Recipe)
    vectors_version: str = ""
    similar: int = 6
    meaning: Meaning | None = None
    search_language: str = "english"
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
            self.albums,
            (self.recipe, self.recipe.version),
            self.vectors_version,
            self.similar,
            self.meaning and self.meaning.version,
            self.search_language,
            self.precompress,
        )
        sources = (*self.static_files(), *self.theme.sources())
        files = [(name, digest(data)) for name, data in sources]
        return digest(repr((what, files)).encode())

    def static_files(self) -> Iterator[tuple[str, bytes]]:
        """Yield what no picture changes beside pages, as (path, bytes)."""
        return assets.static_files(self.theme, self.recipe, self.search_language)


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export did.

    The files that it added, changed and removed, as paths on the site, in the order of the
    work; how many it left alone; the pictures that it could not show; and what is wrong with the
    albums' texts, a line each.
    """

    site: Path
    added_files: Sequence[str]
    changed_files: Sequence[str]
    removed_files: Sequence[str]
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
    options = _of_library(source, options)
    options.theme.check()
    with (
        contextlib.ExitStack() as stack,
        open_site(options.path, dry_run=dry_run) as folder,
        open_state(_state_path(options, dry_run=dry_run)) as state,
    ):
        old = folder.manifest
        new = Manifest(uuid=source.info.uuid.hex(), seq=source.info.seq, options=options.digest)
        # Somebody may have emptied the folder; its first page stands for all of it. After an
        # interruption the lists name our files, but not what is in them.
        verify = full or not old.complete or not (options.path / "index.html").is_file()
        same = (old.uuid, old.options) == (new.uuid, new.options) and not verify
        texts = Texts(homes_of(public_roots(source)), dict(options.albums))
        if same and old.seq == new.seq and not old.partial and not changed_texts(state, texts):
            problems = tuple(state.albums.problems())
            return ExportReport(options.path, (), (), (), old.count, old.seq, problems=problems)

        stack.enter_context(_few_collections())
        index = stack.enter_context(_open_index(source, state, options, dry_run=dry_run))
        stands = same and state.note("stands") == _position(old) and index.stands()
        found = news(source, state, old.seq, options.rules) if stands else None
        work = _Work(source, options, folder, verify=verify, dry_run=dry_run, progress=progress)
        touched: Touched | None = None
        if found is not None:
            found = work.rendered(found)
            touched = apply(state, found, texts, options.similar)
        else:
            state.clear()
            fill(state, work.all_rendered(), texts, options.similar)
        brought = _bring_index(source, index, found, options, state)
        planner = Planner(
            state,
            touched,
            work.store,
            options.recipe,
            Pages(
                options.title,
                options.base_url,
                options.recipe,
                options.language,
                options.theme,
                compiled=None if dry_run else options.renditions.parent / "templates",
            ),
            options.static_files(),
            options.similar,
        )
        files = with_twins(planner.plan(brought, _Standing(folder)), options.precompress)
        bringer = Bringer(folder, verify=verify, dry_run=dry_run, progress=progress)
        effects = bringer.effects
        if found is not None:
            some = list(files)
            bringer.remove(bringer.bring(some, len(some)))
            count = old.count + effects.more
        else:
            stale = folder.marks.any()
            bringer.bring(files, planner.expected(), state if stale else None)
            if stale:
                bringer.remove_others(state)
            count = effects.wanted
        if not dry_run:
            done = msgspec.structs.replace(new, count=count, partial=bool(state.skipped()))
            folder.finish(done)
            state.set_note("stands", _position(done))
            state.commit()
        return ExportReport(
            site=options.path,
            added_files=effects.added,
            changed_files=effects.changed,
            removed_files=effects.removed,
            unchanged=count - len(effects.added) - len(effects.changed),
            seq=new.seq,
            skipped=tuple(state.skipped()),
            problems=(*state.albums.problems(), *work.refused),
        )


def _of_library(source: Source, options: SiteOptions) -> SiteOptions:
    """Return the options with a recipe that names the database."""
    recipe = dataclasses.replace(options.recipe, library=source.info.uuid[:4].hex())
    return dataclasses.replace(options, recipe=recipe)


@contextlib.contextmanager
def _few_collections() -> Iterator[None]:
    """Let Python look for circles of garbage seldom: that is a twelfth of a small export."""
    before = gc.get_threshold()
    gc.set_threshold(20_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def texts_changed(source: Source, options: SiteOptions) -> bool:
    """Tell whether the text of an album that the site shows has changed since its export."""
    texts = Texts(homes_of(public_roots(source)), dict(options.albums))
    with open_state(_state_path(options, dry_run=True)) as state:
        return bool(changed_texts(state, texts))


def _state_path(options: SiteOptions, *, dry_run: bool) -> Path | None:
    """Return where the state of a site lies: beside the renditions, one for each site."""
    name = hashlib.blake2b(os.fsencode(options.path.absolute()), digest_size=8).hexdigest()
    place = options.renditions.parent / "sites" / f"{name}.sqlite"
    return place if place.exists() or not dry_run else None


def _position(manifest: Manifest) -> str:
    """Name the state that a manifest's site shows."""
    return f"{manifest.uuid} {manifest.seq} {manifest.options}"


def _open_index(
    source: Source, state: SiteState, options: SiteOptions, *, dry_run: bool
) -> contextlib.AbstractContextManager[SearchIndex]:
    """Open the search's index, beside the state."""
    # Only where something changed: what it needs is a third of an export's start.
    from picturerail_exporter.index_follower import open_index

    place = _state_path(options, dry_run=False)
    assert place is not None
    folder, language = place.with_suffix(".index"), options.search_language
    return open_index(
        source, state, folder, options.recipe, options.meaning, language, dry_run=dry_run
    )


def _bring_index(
    source: Source, index: SearchIndex, new: News | None, options: SiteOptions, state: SiteState
) -> Brought | None:
    from picturerail_exporter.index_follower import bring_index

    version, meaning = options.vectors_version, options.meaning is not None
    return bring_index(source, index, new, state, version, meaning=meaning)


class _Standing:
    """The files that stand on the site already."""

    def __init__(self, folder: SiteFolder) -> None:
        self._folder = folder

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self._folder.marks.get(path) is not None


class _Work:
    """Renders what an export shows and what is not rendered yet."""

    def __init__(
        self,
        source: Source,
        options: SiteOptions,
        folder: SiteFolder,
        *,
        verify: bool,
        dry_run: bool,
        progress: Progress | None,
    ) -> None:
        self._source, self._options, self._folder = source, options, folder
        self._verify, self._dry_run, self._progress = verify, dry_run, progress
        self.store = RenditionStore(options.renditions)
        self.refused: list[str] = []
        """Which originals cannot be offered, and why, a line each."""

    def all_rendered(self) -> Iterator[News]:
        """Yield everything, rendered."""
        total = sum(1 for _ in self._source.images()) if self._progress else 0
        done = 0

        def progress(more: int, _of: int) -> None:
            if self._progress:
                self._progress(done + more, total)

        for new in everything(self._source, self._options.rules):
            yield self._rendered(new, progress)
            self._folder.marks.ease()  # pictures' files are asked about in no order of theirs
            done += len(new.tried)
            progress(0, 0)

    def rendered(self, new: News) -> News:
        """Render what is missing; return the news without what cannot be.

        They say nothing any more of pictures that cannot be rendered, and of the others only
        originals that can be copied.
        """
        return self._rendered(new, self._progress)

    def _rendered(self, new: News, progress: Progress | None) -> News:
        if self._dry_run:
            return new
        options, folder, verify = self._options, self._folder, self._verify
        photos = [after for _, after in new.pictures.values() if after is not None]
        failed = render_missing(
            self._source,
            photos if verify else _not_on_site(photos, folder, options.recipe),
            self.store,
            options.recipe,
            max_pixels=options.max_pixels,
            workers=options.workers,
            progress=progress,
        )
        wanted = photos if verify else [p for p in photos if not folder.has(media.original_path(p))]
        refused = copy_missing(self._source, wanted, self.store)
        if not failed and not refused:
            return new
        bad = {skip.id for skip in failed}
        pictures: dict[int, tuple[Photo | None, Photo | None]] = {}
        for number, (before, wanted_now) in new.pictures.items():
            after = None if number in bad else wanted_now
            if after is not None and number in refused:
                after = dataclasses.replace(after, original="")
            if before != after:
                pictures[number] = before, after
        self.refused += [
            f"{photo.path}: offered without its original, which {refused[photo.id]}"
            for photo in photos
            if photo.id in refused
        ]
        codes = {n: None if n in bad else coded for n, coded in new.codes.items()}
        return News(pictures, [*new.skipped, *failed], new.tried, new.near, codes)


def _not_on_site(photos: Sequence[Photo], folder: SiteFolder, recipe: Recipe) -> list[Photo]:
    """Return the pictures of which a file is not on the site yet."""
    return [
        photo
        for photo in photos
        if not all(
            folder.has(file.in_format(kind))
            for file in media.rendered(photo, recipe).values()
            for kind in recipe.formats
        )
    ]
