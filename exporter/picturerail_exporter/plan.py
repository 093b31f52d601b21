"""The files that an export brings, in the order in which they are written, and those that go."""

from __future__ import annotations

import functools
import itertools
from array import array
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from picturerail_exporter import addresses, media, pages
from picturerail_exporter.album_parts import Parts, parts_of
from picturerail_exporter.changes import Touched
from picturerail_exporter.collection import TAG, WAYS, Photo
from picturerail_exporter.listings import Folder, Key, Month, folder_key, month_named
from picturerail_exporter.pages import Pages
from picturerail_exporter.recipe import TILE, Recipe
from picturerail_exporter.rendition_store import RenditionStore
from picturerail_exporter.scroll import scroll_of
from picturerail_exporter.search_file import ROOT
from picturerail_exporter.sections import Listing, Section, section_path
from picturerail_exporter.state import SiteState
from picturerail_exporter.way_state import Counted

if TYPE_CHECKING:
    from picturerail_exporter.search_index import Brought


@dataclass(frozen=True, slots=True)
class Written:
    """A file whose bytes are made when they are asked for."""

    path: str
    make: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Linked:
    """A picture's file, which lies ready in the rendition store.

    `content` names its content where the path does not.
    """

    path: str
    picture: Path
    content: str = ""


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
        touched: Touched | None,
        store: RenditionStore,
        recipe: Recipe,
        templates: Pages,
        static: Iterable[tuple[str, bytes]],
        similar: int,
    ) -> None:
        """Keep what the files are made of.

        Args:
            state: what the site is to show.
            touched: what of it a change touches; None for all of it.
            store: where renditions lie.
            recipe: of the renditions.
            templates: of the pages.
            static: what no picture changes beside pages, as (path, bytes); read once.
            similar: how many similar pictures are shown beside one.
        """
        self._state, self._touched, self._similar = state, touched, similar
        self._store, self._recipe, self._templates = store, recipe, templates
        self._of_site = static

    def plan(self, index: Brought | None, standing: Container[str]) -> Iterator[File]:
        """Yield the files so that each comes after those it needs, and what goes last.

        Pictures come before the pages that show them, a page before those that lead to it, the
        front page last. Pages of one kind lead to each other; those in `standing`, which is asked
        right before a file is yielded, are there already, so the others come first. Files that no
        picture changes are only brought where all is touched; then nothing is named that goes.
        """

        def placed(stage: Iterator[File]) -> Iterator[File]:
            return _standing_last(stage, standing)

        stages = itertools.chain(
            self._pictures(),
            placed(self._static()),
            placed(self._shards(index)),
            self._all_photos(standing) if self._touched is None else placed(self._photos()),
            placed(self._albums()),
            placed(self._timeline()),
            placed(self._ways()),
            placed(self._way_indexes()),
            self._root(index),
            placed(self._found_by_machines()),
            placed(self._grid()),
        )
        kept: set[str] = set()
        gone: dict[str, File] = {}
        for file in stages:
            if isinstance(file, Gone):
                gone[file.path] = file
                continue
            if self._touched is not None:
                kept.add(file.path)
            yield file
        if self._touched is not None:
            yield from (file for path, file in gone.items() if path not in kept)

    def expected(self) -> int:
        """Return about how many files there are where all is touched."""
        files = len(self._recipe.sizes) * len(self._recipe.formats)
        return self._state.count() * (1 + files) + self._state.pages()

    def _static(self) -> Iterator[File]:
        if self._touched is None:
            files = itertools.chain(self._of_site, self._templates.fixed())
            yield from (_ready(path, data) for path, data in files)

    def _shards(self, index: Brought | None) -> Iterator[File]:
        if index is not None:
            # Some tens of megabytes, which are let go one by one.
            for path in list(index.written):
                yield _ready(path, index.written.pop(path))
            yield from (Gone(path) for path in index.gone)

    def _root(self, index: Brought | None) -> Iterator[File]:
        if index is not None:
            yield _ready(ROOT, index.root)

    def _pictures(self) -> Iterator[File]:
        if self._touched is None:
            for copies in self._state.contents():
                yield from self._renditions(copies[0], there=True)
                kinds = {photo.original: photo for photo in copies if photo.original}
                for photo in kinds.values():
                    yield self._original(photo, there=True)
            for photo in self._state.photos():  # as their names are listed
                yield from self._tiles(photo)
            return
        # Copies of one picture share their files.
        for content, photo in self._touched.contents.items():
            yield from self._renditions(photo, there=self._state.holds_content(content))
        for before, after in self._touched.tiles.values():
            if before is not None:
                yield from (Gone(tile.path) for tile in self._tiles(before))
            if after is not None:
                yield from self._tiles(after)
        for (content, kind), photo in self._touched.originals.items():
            yield self._original(photo, there=self._state.holds_original(content, kind))

    def _renditions(self, photo: Photo, *, there: bool) -> Iterator[File]:
        content = photo.content_hash
        for name, file in media.rendered(photo, self._recipe).items():
            if file.path != media.media_name(content, self._recipe, name):
                continue  # another serves for this one, or it is a tile
            for kind in self._recipe.formats:
                path = file.in_format(kind)
                if there:
                    yield Linked(path, self._store.path(content, self._recipe, name, kind))
                else:
                    yield Gone(path)

    def _original(self, photo: Photo, *, there: bool) -> File:
        path = media.original_path(photo)
        if not there:
            return Gone(path)
        return Linked(path, self._store.original(photo.content_hash, photo.original, photo.mime))

    def _all_photos(self, standing: Container[str]) -> Iterator[File]:
        # Named by their ids alone: all pictures, or paths, at once would not fit.
        def page(number: int) -> File:
            return Written(addresses.photo_path(number), functools.partial(self._page_of, number))

        later = array("q")
        for number in self._state.ids():
            if addresses.photo_path(number) in standing:
                later.append(number)
            else:
                yield page(number)
        yield from map(page, later)

    def _tiles(self, photo: Photo) -> Iterator[Linked]:
        """Yield a picture's tiles, which no copy shares."""
        content = photo.content_hash
        for kind in self._recipe.formats:
            path = media.tile_name(photo, self._recipe, kind)
            place = self._store.path(content, self._recipe, TILE, kind)
            yield Linked(path, place, content[: media.DIGEST_BYTES].hex())

    def _photos(self) -> Iterator[File]:
        for number in self._touched.photos if self._touched else ():
            photo = self._state.photo(number)
            if photo is None:
                yield Gone(addresses.photo_path(number))
            else:
                yield Written(addresses.photo_path(number), functools.partial(self._photo, photo))

    def _page_of(self, number: int) -> bytes:
        photo = self._state.photo(number)
        assert photo is not None
        return self._photo(photo)

    def _photo(self, photo: Photo) -> bytes:
        similar = self._state.similar.to(photo.id, self._similar)
        return self._templates.photo(
            photo,
            self._state.albums.named(photo.folder),
            self._state.newer(photo),
            self._state.older(photo),
            [s for n in similar if (s := self._state.photo(n))],
        )

    def _albums(self) -> Iterator[File]:
        # Those below come first: pages above lead to them.
        touched = self._state.albums.folders() if self._touched is None else self._touched.albums
        for folder in sorted(touched, key=lambda folder: (-len(folder), folder)):
            album = self._state.albums.named(folder)
            home = addresses.album_home(album)
            listing = Listing(self._state, folder_key(folder), home)
            alive = self._state.albums.exists(folder)
            parts = parts_of(self._state, folder, album, self._touched)
            yield from (Written(p, self._album_part(folder, p, parts)) for p in parts.written)
            yield from map(Gone, parts.gone)

            def page(section: Section, folder: Folder = folder, parts: Parts = parts) -> bytes:
                below = () if section.number else parts.first
                album = self._state.albums.album(folder, below)
                assert album is not None
                return self._templates.album(album, section, next(iter(parts.pages), ""))

            order = self._state.albums.text(folder).order
            yield from self._sections(folder_key(folder), listing, page, order)
            path = section_path(home, None)
            if alive:
                newest = functools.partial(_newest, page, listing)
                yield Written(path, newest)
            else:
                yield Gone(path)
        yield Written(addresses.ALBUMS, self._outermost)

    def _album_part(self, folder: Folder, path: str, parts: Parts) -> Callable[[], bytes]:
        def make() -> bytes:
            albums = self._state.albums
            album = albums.named(folder)
            paths = list(parts.pages)
            at = paths.index(path)
            before = paths[at - 1] if at else addresses.album_path(album)
            after = paths[at + 1] if at + 1 < len(paths) else ""
            below = albums.covered(parts.pages[path], album)
            return self._templates.album_part(path, album, below, before, after)

        return make

    def _outermost(self) -> bytes:
        below = [folder for part in self._state.albums.parts(()) for folder in part]
        return self._templates.albums(self._state.albums.covered(below))

    def _timeline(self) -> Iterator[File]:
        every = (month.listing for month in self._state.months())
        for name in sorted(every if self._touched is None else self._touched.months):
            month = month_named(name, self._state.in_month(name))
            home = addresses.month_home(month)
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
                path = addresses.sitemap_path(month)
                make = functools.partial(self._sitemap, name)
                yield Written(path, make) if month.count else Gone(path)
        yield Written(addresses.TIMELINE, self._months)

    def _months(self) -> bytes:
        months = self._state.months()
        return self._templates.timeline(months, self._covers(months))

    def _covers(self, of: Sequence[Month | Counted]) -> dict[bytes, Photo]:
        """Return the first picture of each listing."""
        covers = ((each.listing, self._state.first_of(each.listing)) for each in of)
        return {listing: photo for listing, photo in covers if photo is not None}

    def _ways(self) -> Iterator[File]:
        touched = self._state.ways.listings() if self._touched is None else self._touched.ways
        for name in sorted(touched):
            home = addresses.way_home(name)
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
            path = addresses.way_index_path(kind)
            if kind not in kinds:
                yield Gone(path)
                for letter in self._state.note(f"letters of {kind}").split():
                    yield Gone(addresses.way_letter_path(kind, letter))
                self._state.set_note(f"letters of {kind}", "")
                continue
            letters = set(self._touched.letters.get(kind, ()) if self._touched else ())
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
                    yield Written(addresses.way_letter_path(kind, letter), make)
                else:
                    yield Gone(addresses.way_letter_path(kind, letter))
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
            yield Written(addresses.FEED, functools.partial(self._templates.feed, newest))
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
        if self._touched is None:
            touched = set(self._state.starts(name))
        else:
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


def _standing_last(files: Iterable[File], standing: Container[str]) -> Iterator[File]:
    last = []
    for file in files:
        if file.path in standing:
            last.append(file)
        else:
            yield file
    yield from last


def _newest(page: Callable[[Section], bytes], listing: Listing) -> bytes:
    return page(listing.newest())


def _page(page: Callable[[Section], bytes], listing: Listing, start: Key) -> bytes:
    return page(listing.page(start))


def _by_id(key: Key) -> int:
    return key[1]


def _ready(path: str, data: bytes) -> Written:
    return Written(path, lambda: data)
