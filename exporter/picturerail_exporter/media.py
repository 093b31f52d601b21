"""A picture's files on the site: what they are called, and the shapes that they are shown in."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from picturerail_exporter.collection import Photo
from picturerail_exporter.recipe import TILE, Recipe
from picturerail_exporter.rendition_store import original_ending

MEDIA = "media"

DIGEST_BYTES = 8
"""So much of a content's hash names its files: a million pictures share none by chance (3e-8)."""

REVISIONS = 256
"""So many names a picture's tile has by turns, as its content changes."""

_FOLDERS = 256
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

    Its number and its revision name it, so a search need not know more of it to show it: a
    picture that changes gets another name, and one of these again after 256 changes.
    """
    named = f"{photo.id}-{photo.revision % REVISIONS}"
    return f"{MEDIA}/{photo.id % _FOLDERS:02x}/{named}{tile_ending(recipe, kind)}"


def tile_ending(recipe: Recipe, kind: str = "webp") -> str:
    """Return what follows a picture's number and revision in the name of its tile."""
    return f"-{recipe.version}-{recipe.library}-{TILE}.{kind}"


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
