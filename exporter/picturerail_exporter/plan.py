"""The files that an export brings, in the order in which they are written, and those that go."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from picturerail_exporter import pages
from picturerail_exporter.changes import Touched
from picturerail_exporter.collection import TAG, WAYS, Photo
from picturerail_exporter.listings import Folder, Key, Month, folder_key, month_named
from picturerail_exporter.pages import Pages
from picturerail_exporter.rendition_store import RenditionStore
from picturerail_exporter.renditions import TILE, Recipe
from picturerail_exporter.scroll import scroll_of
from picturerail_exporter.search_file import ROOT
from picturerail_exporter.search_index import Brought
from picturerail_exporter.sections import Listing, Section, section_path
from picturerail_exporter.state import SiteState
from picturerail_exporter.theme import Theme
from picturerail_exporter.way_state import Counted


@dataclass(frozen=True, slots=True)
class Written:
    """A file whose bytes are made when they are asked for."""

    path: str
    make: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Linked:
    """A picture's file, which lies ready in the rendition store."""

    path: str
    picture: Path


@dataclass(frozen=True, slots=True)
class Gone:
    """A file that must not be there."""

    path: str


File = Written | Linked | Gone


class Planner:
    """Names the files of a site that a change touches, from its state after the change."""

    def __init__(
        self,
        state: SiteState,
        touched: Touched,
        store: RenditionStore,
        recipe: Recipe,
        templates: Pages,
        theme: Theme,
    ) -> None:
        """Keep what the files are made of."""
        self._state, self._touched = state, touched
        self._store, self._recipe, self._templates = store, recipe, templates
        self._theme = theme

    def plan(
        self,
        index: Brought | None,
        standing: Container[str],
        *,
        all_files: bool,
    ) -> list[File]:
        """Return the files so that each comes after those it needs, and what goes last.

        Pictures come before the pages that show them, a page before those that lead to it, the
        front page last. Pages of one kind lead to each other; those in `standing` are there
        already, so the others come first. Files that no picture changes are only brought
        where `all_files` is asked for.
        """
        shards: list[File] = []
        root: list[File] = []
        if index is not None:
            shards = [_ready(path, data) for path, data in index.written.items()]
            shards += [Gone(path) for path in index.gone]
            root = [_ready(ROOT, index.root)]
        static: list[File] = []
        if all_files:
            static = [_ready(path, data) for path, data in pages.static_files(self._theme)]
            static += [_ready(path, data) for path, data in self._templates.fixed()]
        stages: tuple[list[File], ...] = (
            list(self._pictures()),
            static,
            shards,
            list(self._photos()),
            list(self._albums()),
            list(self._timeline()),
            list(self._ways()),
            list(self._way_indexes()),
            root,
            list(self._found_by_machines()),
            list(self._grid()),
        )
        files = [
            file
            for stage in stages
            for file in sorted(stage, key=lambda file: file.path in standing)
        ]
        kept = {file.path for file in files if not isinstance(file, Gone)}
        gone = {file.path: file for file in files if isinstance(file, Gone)}
        return [
            *(file for file in files if not isinstance(file, Gone)),
            *(file for path, file in gone.items() if path not in kept),
        ]

    def _pictures(self) -> Iterator[File]:
        # Copies of one picture share their files.
        for content, photo in self._touched.contents.items():
            there = self._state.holds_content(content)
            for name, file in pages.rendered(photo, self._recipe).items():
                if file.path != pages.media_name(content, self._recipe, name):
                    continue  # another serves for this one, or it is a tile
                for kind in self._recipe.formats:
                    path = file.in_format(kind)
                    if there:
                        yield Linked(path, self._store.path(content, self._recipe, name, kind))
                    else:
                        yield Gone(path)
        for before, after in self._touched.tiles.values():
            if before is not None:
                yield from map(Gone, self._tiles(before))
            if after is not None:
                yield from itertools.starmap(Linked, self._tiles(after).items())
        for (content, kind), photo in self._touched.originals.items():
            path = pages.original_path(photo)
            if self._state.holds_original(content, kind):
                yield Linked(path, self._store.original(content, kind, photo.mime))
            else:
                yield Gone(path)

    def _tiles(self, photo: Photo) -> dict[str, Path]:
        """Return a picture's tiles on the site, each with where it lies in the store."""
        return {
            pages.tile_name(photo, self._recipe, kind): self._store.path(
                photo.content_hash, self._recipe, TILE, kind
            )
            for kind in self._recipe.formats
        }

    def _photos(self) -> Iterator[File]:
        for number in self._touched.photos:
            photo = self._state.photo(number)
            if photo is None:
                yield Gone(pages.photo_path(number))
            else:
                yield Written(pages.photo_path(number), functools.partial(self._photo, photo))

    def _photo(self, photo: Photo) -> bytes:
        return self._templates.photo(
            photo,
            self._state.albums.named(photo.folder),
            self._state.newer(photo),
            self._state.older(photo),
            [s for n in self._state.similar.to(photo.id) if (s := self._state.photo(n))],
        )

    def _albums(self) -> Iterator[File]:
        # Those below come first: pages above lead to them.
        for folder in sorted(self._touched.albums, key=lambda folder: (-len(folder), folder)):
            home = pages.album_home(self._state.albums.named(folder))
            listing = Listing(self._state, folder_key(folder), home)
            alive = self._state.albums.exists(folder)

            def page(section: Section, folder: Folder = folder) -> bytes:
                album = self._state.albums.album(folder)
                assert album is not None
                return self._templates.album(album, section)

            order = self._state.albums.text(folder).order
            yield from self._sections(folder_key(folder), listing, page, order)
            path = section_path(home, None)
            if alive:
                newest = functools.partial(_newest, page, listing)
                yield Written(path, newest)
            else:
                yield Gone(path)
        yield Written(pages.ALBUMS, self._outermost)

    def _outermost(self) -> bytes:
        return self._templates.albums(self._state.albums.albums_below(()))

    def _timeline(self) -> Iterator[File]:
        for name in sorted(self._touched.months):
            month = month_named(name, self._state.in_month(name))
            home = pages.month_home(month)
            listing = Listing(self._state, name, home)

            def page(section: Section, month: Month = month) -> bytes:
                return self._templates.month(month, section)

            yield from self._sections(name, listing, page)
            path = section_path(home, None)
            if month.count:
                yield Written(path, functools.partial(_newest, page, listing))
            else:
                yield Gone(path)
            if self._templates.base_url:
                path = pages.sitemap_path(month)
                make = functools.partial(self._sitemap, name)
                yield Written(path, make) if month.count else Gone(path)
        yield Written(pages.TIMELINE, self._months)

    def _months(self) -> bytes:
        months = self._state.months()
        return self._templates.timeline(months, self._covers(months))

    def _covers(self, of: Sequence[Month | Counted]) -> dict[bytes, Photo]:
        """Return the first picture of each listing."""
        covers = ((each.listing, self._state.first_of(each.listing)) for each in of)
        return {listing: photo for listing, photo in covers if photo is not None}

    def _ways(self) -> Iterator[File]:
        for name in sorted(self._touched.ways):
            home = pages.way_home(name)
            listing = Listing(self._state, name, home)

            def page(section: Section, name: bytes = name) -> bytes:
                counted = self._state.ways.counted(name)
                assert counted is not None
                return self._templates.way(counted, section)

            yield from self._sections(name, listing, page)
            path = section_path(home, None)
            if self._state.ways.counted(name):
                yield Written(path, functools.partial(_newest, page, listing))
            else:
                yield Gone(path)

    def _way_indexes(self) -> Iterator[File]:
        kinds = [kind for kind in WAYS if self._state.ways.number(kind) or kind == TAG]
        others = self._state.note("kinds") != " ".join(kinds)
        self._state.set_note("kinds", " ".join(kinds))
        for kind in WAYS:
            path = pages.way_index_path(kind)
            if kind not in kinds:
                yield Gone(path)
                for letter in self._state.note(f"letters of {kind}").split():
                    yield Gone(pages.way_letter_path(kind, letter))
                self._state.set_note(f"letters of {kind}", "")
                continue
            letters = set(self._touched.letters.get(kind, ()))
            parted = self._state.ways.number(kind) > pages.MOST_WAYS
            # Each letter's page leads to all others; so one that comes or goes touches them all.
            now = self._state.ways.letters(kind) if parted else []
            before = self._state.note(f"letters of {kind}").split()
            if now != before or others:  # and leads to the other kinds
                letters.update(now, before)
                self._state.set_note(f"letters of {kind}", " ".join(now))
            for letter in sorted(letters):
                if parted and self._state.ways.of_letter(kind, letter):
                    make = functools.partial(self._way_letter, kind, letter, kinds)
                    yield Written(pages.way_letter_path(kind, letter), make)
                else:
                    yield Gone(pages.way_letter_path(kind, letter))
            yield Written(path, functools.partial(self._way_index, kind, kinds))

    def _way_letter(self, kind: str, letter: str, kinds: Sequence[str]) -> bytes:
        ways, letters = self._state.ways.of_letter(kind, letter), self._state.ways.letters(kind)
        return self._templates.way_letter(kind, kinds, letter, letters, ways)

    def _way_index(self, kind: str, kinds: Sequence[str]) -> bytes:
        number = self._state.ways.number(kind)
        ways = self._state.ways.largest(kind, pages.MOST_WAYS)
        letters = self._state.ways.letters(kind) if number > pages.MOST_WAYS else []
        return self._templates.way_index(kind, kinds, letters, ways, self._covers(ways))

    def _sitemap(self, name: bytes) -> bytes:
        return self._templates.sitemap([number for _, number in self._state.keys(name, None)])

    def _found_by_machines(self) -> Iterator[File]:
        if self._templates.base_url:
            newest = list(itertools.islice(self._state.newest(), pages.FEED_LENGTH))
            yield Written(pages.FEED, functools.partial(self._templates.feed, newest))
            months = self._state.months()
            yield Written("sitemap.xml", functools.partial(self._templates.sitemaps, months))

    def _grid(self) -> Iterator[File]:
        listing = Listing(self._state, b"", "")
        count = self._state.count()

        def page(section: Section) -> bytes:
            return self._templates.grid(section, count if section.number is None else 0)

        yield from self._sections(b"", listing, page)
        yield Written(section_path("", None), functools.partial(_newest, page, listing))

    def _sections(
        self,
        name: bytes,
        listing: Listing,
        page: Callable[[Section], bytes],
        order: str = "newest",
    ) -> Iterator[File]:
        touched = self._touched.sections.get(name, set())
        scroll = scroll_of(self._state, name, listing, order, self._recipe, touched)
        yield from (Written(path, make) for path, make in scroll.written)
        yield from (Gone(path) for path in scroll.gone)
        for start in sorted(touched, key=_by_id):
            path = listing.path(start)
            if listing.exists(start):
                yield Written(path, functools.partial(_page, page, listing, start))
            else:
                yield Gone(path)


def _newest(page: Callable[[Section], bytes], listing: Listing) -> bytes:
    return page(listing.newest())


def _page(page: Callable[[Section], bytes], listing: Listing, start: Key) -> bytes:
    return page(listing.page(start))


def _by_id(key: Key) -> int:
    return key[1]


def _ready(path: str, data: bytes) -> Written:
    return Written(path, lambda: data)
