"""The site's pages as bytes: pure functions of published values.

Links are relative and name `index.html`, so the site works below any address and from
`file://`. Nothing is inline but text and tiny placeholder pictures: the pages' own content
security policy forbids the rest.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from picturerail_exporter.collection import WAYS, Album, Photo, Way, slug_of
from picturerail_exporter.listings import Month, way_named
from picturerail_exporter.recipe import FORMATS, TILE, Recipe
from picturerail_exporter.rendition_store import original_ending
from picturerail_exporter.sections import Section, section_path
from picturerail_exporter.site_folder import ExportError
from picturerail_exporter.theme import Theme
from picturerail_exporter.way_state import Counted

if TYPE_CHECKING:
    import jinja2
    import markupsafe

MEDIA = "media"

DIGEST_BYTES = 8
"""So much of a content's hash names its files: a million pictures share none by chance (3e-8)."""

TILE_BYTES = 2
"""So much of a content's hash names a tile beside the picture's number."""

ALBUMS = "album/index.html"
TIMELINE = "timeline/index.html"
FEED = "feed.xml"
FEED_LENGTH = 30
"""Pictures in the feed of the newest."""

MOST_WAYS = 48
"""Tags, cameras or places that one index shows; where there are more, each letter has its own."""

SEARCH_SCRIPT = "static/search.js"
SEARCH_SCRIPTS = tuple(
    f"static/{name}.js"
    for name in (
        "analyse",
        "region",
        "stem_english",
        "stem_german",
        "language",
        "records",
        "postings",
        "query",
        "documents",
        "sources",
        "light",
        "facets",
        "meaning",
        "ranking",
        "completions",
        "worker",
    )
)
"""What the search of a site is made of, in the order in which it runs."""

_REMEMBERED = 4096  # pictures whose files' names are kept for the next page
_SHAPE_STEP = 1.04
_SHAPES = range(-40, 41)


class Rendered(msgspec.Struct, frozen=True, gc=False):
    """A picture's file on the site, from its root, and its size in pixels.

    `name` is the rendition's that serves, as a number in the recipe. `path` names the WebP file,
    `others` those of other formats.
    """

    path: str
    width: int
    height: int
    name: int
    others: Mapping[str, str] = {}

    @property
    def fallback(self) -> str:
        """What every program can show, link previews of chats included."""
        return self.others.get("jpeg", self.path)

    def in_format(self, name: str) -> str:
        """Return the path of the file of a format."""
        return self.others.get(name, self.path)


def media_name(content_hash: bytes, recipe: Recipe, name: str, kind: str = "webp") -> str:
    """Return a rendition's path on the site, which stays the same for the same content."""
    digest = content_hash[:DIGEST_BYTES].hex()
    return f"{MEDIA}/{digest[:2]}/{digest}-{recipe.version}-{name}.{kind}"


def tile_name(photo: Photo, recipe: Recipe, kind: str = "webp") -> str:
    """Return the path on the site of what a grid shows of a picture, which no other one shares.

    Its number and 16 bits of its content name it, so a search need not know more of it to show
    it: of 65,536 pictures that change one keeps its name, and is seen as it was by those
    who have it.
    """
    digest = photo.content_hash[:TILE_BYTES].hex()
    return f"{MEDIA}/{digest[:2]}/{digest}-{photo.id}-{recipe.version}-tile.{kind}"


def original_path(photo: Photo) -> str:
    """Return the path of a picture's own file on the site; "" where none may be downloaded."""
    if not photo.original:
        return ""
    digest = photo.content_hash[:DIGEST_BYTES].hex()
    return f"{MEDIA}/{digest[:2]}/{digest}-{original_ending(photo.original, photo.mime)}"


def rendered(photo: Photo, recipe: Recipe) -> dict[str, Rendered]:
    """Return a picture's files by the renditions' names.

    Those of a small picture may be equally large: one file then serves for all but the tile.
    """
    files: dict[str, Rendered] = {}
    by_size: dict[tuple[int, int], Rendered] = {}
    for number, size in enumerate(recipe.sizes):
        wanted = size.of(photo.width, photo.height)
        file = None if size.name == TILE else by_size.get(wanted)
        if file is None:
            path = _file_name(photo, recipe, size.name, "webp")
            others = {kind: _file_name(photo, recipe, size.name, kind) for kind in recipe.more}
            file = Rendered(path, *wanted, number, others)
            if size.name != TILE:
                by_size[wanted] = file
        files[size.name] = file
    return files


def _file_name(photo: Photo, recipe: Recipe, name: str, kind: str) -> str:
    if name == TILE:
        return tile_name(photo, recipe, kind)
    return media_name(photo.content_hash, recipe, name, kind)


def tile_and_wider(photo: Photo, recipe: Recipe) -> tuple[Rendered, Rendered | None]:
    """Return what a grid shows of a picture, and what it shows on a dense screen if there is."""
    files = rendered(photo, recipe)
    tile, small = files[TILE], files["small"]
    return tile, small if small.width > tile.width else None


def shape(width: int, height: int) -> int:
    """Return a picture's shape as a small number: the style sheet has a class for each.

    A justified row needs every picture's proportions in CSS, and a strict policy allows no
    style on the element itself. Steps of 4 % are invisible: pictures are cropped by less.
    """
    steps = round(math.log(width / height) / math.log(_SHAPE_STEP))
    return min(max(steps, _SHAPES[0]), _SHAPES[-1])


def shape_width(width: int, height: int) -> int:
    """Return how wide a tile of this shape is, in thousandths of its height."""
    return round(1000 * _SHAPE_STEP ** shape(width, height))


def shapes_css() -> bytes:
    """Return the part of the style sheet with the shapes' classes, `s-40` to `s40`."""
    rules = (f".s{step}{{--shape:{_SHAPE_STEP**step:.4f}}}" for step in _SHAPES)
    return ("\n/* The proportions of pictures. */\n" + "\n".join(rules) + "\n").encode()


def photo_path(number: int) -> str:
    """Return the path of a picture's own page, by the picture's id."""
    return f"photo/{number}/index.html"


def album_home(album: Album) -> str:
    """Return the folder of an album's pages, ending in a slash."""
    return f"album/{album.slug}/"


def album_path(album: Album) -> str:
    """Return the path of an album's newest page."""
    return f"{album_home(album)}index.html"


def album_part_path(album: Album, first: Sequence[bytes]) -> str:
    """Return the path of a page with more of an album's albums, by the first folder on it."""
    name = hashlib.blake2b(b"\0".join(first), digest_size=6).hexdigest()
    return f"{album_home(album)}page/albums-{name}/index.html"


def month_home(month: Month) -> str:
    """Return the folder of a month's pages, ending in a slash."""
    return f"timeline/{month.year:04}/{month.month:02}/"


def month_path(month: Month) -> str:
    """Return the path of a month's newest page."""
    return f"{month_home(month)}index.html"


def way_home(listing: bytes) -> str:
    """Return the folder of the pages of a tag, camera or place, ending in a slash."""
    kind, key = way_named(listing)
    return f"{kind}/{Way(kind, key, '').slug}/"


def way_path(way: Way) -> str:
    """Return the path of the newest page of a tag, camera or place."""
    return f"{way.kind}/{way.slug}/index.html"


def way_index_path(kind: str) -> str:
    """Return the path of the index of all tags, cameras or places."""
    return f"{kind}/index.html"


def way_letter_path(kind: str, letter: str) -> str:
    """Return the path of the index of those of one letter; no slug is only a hyphen."""
    return f"{kind}/-/{'other' if letter == '#' else slug_of(letter.encode())}/index.html"


def sitemap_path(month: Month) -> str:
    """Return the path of the sitemap of a month's pictures."""
    return f"sitemap/{month.year:04}-{month.month:02}.xml"


def json_ld(photo: Photo, base_url: str, up: str, large: Rendered) -> markupsafe.Markup:
    """Return what search engines read of a picture, safe inside a `script` element."""
    import markupsafe

    root = base_url or up
    about = {
        "@context": "https://schema.org",
        "@type": "ImageObject",
        "name": photo.title,
        "contentUrl": root + large.path,
        "width": large.width,
        "height": large.height,
        **({"caption": photo.caption} if photo.caption else {}),
        **({"keywords": ", ".join(photo.tags)} if photo.tags else {}),
        **({"dateCreated": photo.taken.isoformat()} if photo.taken else {}),
    }
    return markupsafe.Markup(json.dumps(about)).replace("<", "\\u003c")  # noqa: S704 - as said


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
            paragraphs=_paragraphs,
            search_link=_search_link,
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
    known: dict[tuple[int, bytes], Mapping[str, Rendered]] = {}

    def renditions(photo: Photo) -> Mapping[str, Rendered]:
        key = photo.id, photo.content_hash
        found = known.get(key)
        if found is None:
            if len(known) == _REMEMBERED:
                known.clear()
            found = known[key] = rendered(photo, recipe)
        return found

    return renditions


def static_files(theme: Theme, recipe: Recipe) -> Iterator[tuple[str, bytes]]:
    """Yield the style sheets, scripts, icon, and what else a theme has, as (path, bytes)."""
    import rjsmin

    search: dict[str, bytes] = {}
    for path, data in theme.static_files():
        if path == "static/fallback.js" and "jpeg" not in recipe.formats:
            continue
        # The shapes ride along: a file of its own would be one more request.
        if path == "static/site.css":
            yield path, data + shapes_css()
        elif path.endswith(".js"):
            script = rjsmin.jsmin(data, keep_bang_comments=True)
            if path in SEARCH_SCRIPTS:
                search[path] = script
            elif path != SEARCH_SCRIPT:
                yield path, script
        else:
            yield path, data
    # What searches is one script, for the same reason.
    yield SEARCH_SCRIPT, b"\n".join(search[path] for path in SEARCH_SCRIPTS)


def wall_clock(photo: Photo) -> dt.datetime:
    """Return a picture's place in time."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=photo.order)


def moment(photo: Photo) -> str:
    """Return a picture's place in time as feeds write it."""
    return wall_clock(photo).strftime("%Y-%m-%dT%H:%M:%SZ")


def exposure_text(photo: Photo) -> list[str]:
    """Return how a picture was taken, piece by piece: 1/250 s, f/2.8, ISO 200, 50 mm."""
    exposure, pieces = photo.exposure, []
    if exposure.seconds:
        quick = exposure.seconds < 0.3
        pieces.append(f"1/{1 / exposure.seconds:.0f} s" if quick else f"{exposure.seconds:g} s")
    if exposure.aperture:
        pieces.append(f"f/{exposure.aperture:g}")
    if exposure.iso:
        pieces.append(f"ISO {exposure.iso}")
    if exposure.focal_length:
        pieces.append(f"{exposure.focal_length:g} mm")
    return pieces


def _paragraphs(text: str) -> list[str]:
    parts = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    return [part for part in parts if part]


def _search_link(words: str) -> str:
    quoted = f'"{words}"' if " " in words and '"' not in words else words
    return "index.html?q=" + urllib.parse.quote(quoted, errors="replace")


def _line_in(error: BaseException, place: str) -> int:
    """Return the line of a template that an error comes from, as jinja2's frames tell."""
    line = getattr(error, "lineno", 0) or 0
    frames = error.__traceback__
    while frames is not None:
        if frames.tb_frame.f_code.co_filename == place:
            line = frames.tb_lineno
        frames = frames.tb_next
    return line
