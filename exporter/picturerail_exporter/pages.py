"""The site's pages as bytes: pure functions of published values.

Links are relative and name `index.html`, so the site works below any address and from
`file://`. Nothing is inline but text and tiny placeholder pictures: the pages' own content
security policy forbids the rest.
"""

from __future__ import annotations

import datetime as dt
import json
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picturerail_exporter.addresses import (
    ALBUMS,
    FEED,
    TIMELINE,
    album_home,
    album_path,
    month_home,
    month_path,
    photo_path,
    sitemap_path,
    way_home,
    way_index_path,
    way_letter_path,
    way_path,
)
from picturerail_exporter.collection import WAYS, Album, Photo, Way
from picturerail_exporter.listings import Month
from picturerail_exporter.media import Rendered, original_path, rendered, shape
from picturerail_exporter.page_values import (
    exposure_text,
    json_ld,
    moment,
    paragraphs,
    search_link,
)
from picturerail_exporter.recipe import FORMATS, Recipe
from picturerail_exporter.sections import Section, section_path
from picturerail_exporter.site_folder import ExportError
from picturerail_exporter.theme import Theme
from picturerail_exporter.way_state import Counted

if TYPE_CHECKING:
    import jinja2

FEED_LENGTH = 30
"""Pictures in the feed of the newest."""

MOST_WAYS = 48
"""Tags, cameras or places that one index shows; where there are more, each letter has its own."""

_REMEMBERED = 4096  # pictures whose files' names are kept for the next page


class Pages:
    """The templates, bound to what all pages share."""

    def __init__(
        self,
        title: str,
        base_url: str,
        recipe: Recipe,
        language: str = "en",
        theme: Theme | None = None,
        compiled: Path | None = None,
    ) -> None:
        """Load the templates and the texts of a language.

        Args:
            title: the site's.
            base_url: where it will be published; "" where that is not known.
            recipe: how its pictures were rendered.
            language: that of its own texts.
            theme: whose templates and texts are used.
            compiled: a private folder where the templates are kept as Python compiles them:
                that takes longer than writing a few pages.

        Raises:
            ExportError: the theme cannot be used, or has no such language.
        """
        import jinja2  # an export that finds nothing to do is over without it

        self._theme = theme = theme or Theme()
        if compiled:
            compiled.mkdir(mode=0o700, parents=True, exist_ok=True)
        texts = theme.texts_of(language)
        months = texts["months"].split()

        def long_date(moment: dt.datetime) -> str:
            month = months[moment.month - 1]
            text: str = texts["date"].format(day=moment.day, month=month, year=moment.year)
            return text

        def pictures(count: int) -> str:
            text: str = texts["one_picture"] if count == 1 else texts["many_pictures"].format(count)
            return text

        self._recipe = recipe
        self._title = title
        self.base_url = base_url.rstrip("/") + "/" if base_url else ""
        self._environment = jinja2.Environment(
            loader=jinja2.FunctionLoader(self._template),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            bytecode_cache=(
                jinja2.FileSystemBytecodeCache(str(compiled), "%s.template") if compiled else None
            ),
        )
        self._environment.filters.update(
            long_date=long_date,
            moment=moment,
            exposure=exposure_text,
            paragraphs=paragraphs,
            search_link=search_link,
        )
        self._environment.globals.update(
            site_title=title,
            renditions=_remembering(recipe),
            shape=shape,
            original_path=original_path,
            # In the order in which a browser is to take them; the last is for all others.
            sources=[(kind, FORMATS[kind]) for kind in FORMATS if kind in recipe.formats],
            photo_path=photo_path,
            album_path=album_path,
            month_path=month_path,
            sitemap_path=sitemap_path,
            way_path=way_path,
            way_index_path=way_index_path,
            way_letter_path=way_letter_path,
            month_name=lambda month: months[month - 1],
            language=language,
            has_style=theme.has_style,
            t=texts,
            script_texts=json.dumps(texts["script"], ensure_ascii=False),
            pictures=pictures,
            json_ld=json_ld,
        )

    def photo(
        self,
        photo: Photo,
        album: Album,
        newer: Photo | None,
        older: Photo | None,
        similar: Sequence[Photo] = (),
    ) -> bytes:
        """Return a picture's own page."""
        path = photo_path(photo.id)
        ways: dict[str, list[Way]] = {kind: [] for kind in WAYS}
        for way in photo.ways:
            ways[way.kind].append(way)
        beside = {"newer": newer, "older": older, "similar": similar}
        return self._page("photo.html", path, photo=photo, album=album, ways=ways, **beside)

    def album(self, album: Album, section: Section, more: str = "") -> bytes:
        """Return a page of an album; `more` is the path of the page with more of its albums."""
        path = section_path(album_home(album), section.number)
        return self._page("album.html", path, album=album, section=section, more=more)

    def album_part(
        self, path: str, album: Album, albums: Sequence[Album], before: str, after: str
    ) -> bytes:
        """Return a page with more of the albums below one, between others as paths."""
        beside = {"before": before, "after": after}
        return self._page("album_part.html", path, album=album, albums=albums, **beside)

    def albums(self, albums: Sequence[Album]) -> bytes:
        """Return the page that lists the outermost albums."""
        return self._page("albums.html", ALBUMS, albums=albums)

    def grid(self, section: Section, count: int) -> bytes:
        """Return a page of all pictures, of which there are `count`."""
        path = section_path("", section.number)
        return self._page("grid.html", path, section=section, count=count)

    def month(self, month: Month, section: Section) -> bytes:
        """Return a page of a month's pictures."""
        path = section_path(month_home(month), section.number)
        return self._page("month.html", path, month=month, section=section)

    def way(self, counted: Counted, section: Section) -> bytes:
        """Return a page of a tag's, camera's or place's pictures."""
        path = section_path(way_home(counted.listing), section.number)
        return self._page("way.html", path, way=counted.way, count=counted.count, section=section)

    def way_index(
        self,
        kind: str,
        kinds: Sequence[str],
        letters: Sequence[str],
        ways: Sequence[Counted],
        covers: Mapping[bytes, Photo],
    ) -> bytes:
        """Return the index of a kind: the ways with the most pictures, and all letters.

        `kinds` are those that have an index, `covers` pictures by listing.
        """
        values = {"kind": kind, "kinds": kinds, "letters": letters, "ways": ways}
        path = way_index_path(kind)
        return self._page("ways.html", path, letter="", covers=covers, **values)

    def way_letter(
        self,
        kind: str,
        kinds: Sequence[str],
        letter: str,
        letters: Sequence[str],
        ways: Sequence[Counted],
    ) -> bytes:
        """Return the index of a kind's ways of one letter."""
        values = {"kind": kind, "kinds": kinds, "letters": letters, "ways": ways}
        path = way_letter_path(kind, letter)
        return self._page("ways.html", path, letter=letter, covers={}, **values)

    def timeline(self, months: Sequence[Month], covers: Mapping[bytes, Photo]) -> bytes:
        """Return the page of all months, the newest first."""
        return self._page("timeline.html", TIMELINE, months=months, covers=covers)

    def feed(self, photos: Sequence[Photo]) -> bytes:
        """Return the Atom feed of the newest pictures."""
        return self._page("feed.xml", FEED, photos=photos)

    def sitemap(self, numbers: Sequence[int]) -> bytes:
        """Return the sitemap of pictures' pages."""
        return self._page("sitemap.xml", "sitemap/", numbers=numbers)

    def sitemaps(self, months: Sequence[Month]) -> bytes:
        """Return the list of all sitemaps."""
        return self._page("sitemaps.xml", "sitemap.xml", months=months)

    def fixed(self) -> Iterator[tuple[str, bytes]]:
        """Yield the files that depend on the options alone, as (path, bytes)."""
        # Shown for any address, so its own links start from the host's root.
        root = urllib.parse.urlsplit(self.base_url).path or "/"
        yield "404.html", self._page("404.html", "404.html", up=root)
        robots = f"Sitemap: {self.base_url}sitemap.xml\n" if self.base_url else ""
        yield "robots.txt", f"User-agent: *\nAllow: /\n{robots}".encode()
        manifest = {
            "name": self._title,
            "start_url": "./index.html",
            "display": "minimal-ui",
            "background_color": "#faf9f7",
            "theme_color": "#23262b",
            "icons": [{"src": "static/icon.svg", "sizes": "any", "type": "image/svg+xml"}],
        }
        yield "site.webmanifest", json.dumps(manifest, ensure_ascii=False, indent=1).encode()

    def _page(self, template: str, path: str, **values: Any) -> bytes:
        import jinja2

        # From a page's folder up to the site's root, and from there to anything.
        values = {"up": "../" * path.count("/"), **values}
        try:
            text = self._environment.get_template(template).render(
                base_url=self.base_url, path=path, **values
            )
        except jinja2.TemplateError as error:
            raise self._named(error) from error
        # Names may hold lone surrogates only where bytes were not UTF-8; those are U+FFFD.
        return text.encode("utf-8", "replace")

    def _template(self, name: str) -> tuple[str, str, None]:
        return (*self._theme.template(name), None)

    def _named(self, error: jinja2.TemplateError) -> ExportError:
        """Say where in which template an error lies."""
        for name in self._theme.templates():
            place = self._theme.template(name)[1]
            if line := _line_in(error, place):
                return ExportError(f"{place}:{line}: {error}")
        return ExportError(f"a template cannot be used: {error}")


def _remembering(recipe: Recipe) -> Callable[[Photo], Mapping[str, Rendered]]:
    """Return `rendered` for a recipe, which remembers: a page asks several times for each."""
    known: dict[tuple[int, int, bytes], Mapping[str, Rendered]] = {}

    def renditions(photo: Photo) -> Mapping[str, Rendered]:
        key = photo.id, photo.revision, photo.content_hash
        found = known.get(key)
        if found is None:
            if len(known) == _REMEMBERED:
                known.clear()
            found = known[key] = rendered(photo, recipe)
        return found

    return renditions


def _line_in(error: BaseException, place: str) -> int:
    """Return the line of a template that an error comes from, as jinja2's frames tell."""
    line = getattr(error, "lineno", 0) or 0
    frames = error.__traceback__
    while frames is not None:
        if frames.tb_frame.f_code.co_filename == place:
            line = frames.tb_lineno
        frames = frames.tb_next
    return line
