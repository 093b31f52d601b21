"""All files of a site in the order in which they are written, each made when its turn comes."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from picturerail_exporter import browser_index, pages
from picturerail_exporter.collection import Photo, albums
from picturerail_exporter.pages import Pages
from picturerail_exporter.rendition_store import RenditionStore
from picturerail_exporter.renditions import Recipe

NearWords = Mapping[str, Sequence[tuple[str, float]]]


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


def plan(
    photos: Sequence[Photo],
    neighbours: NearWords,
    store: RenditionStore,
    recipe: Recipe,
    *,
    title: str,
    base_url: str,
    analyse: browser_index.Analyse,
    standing: Container[str],
) -> list[Written | Linked]:
    """Return a site's files so that each comes after those it needs.

    Pictures come before the pages that show them, a page before those that lead to it, the
    front page last. Pages of one kind lead to each other; those in `standing` are there
    already, so the others come first.
    """
    root, shards = browser_index.build(
        photos, neighbours, analyse, functools.partial(_shown_in_results, recipe=recipe)
    )
    templates = Pages(title, base_url, recipe)
    folders = albums(photos)
    stages: tuple[Iterable[Written | Linked], ...] = (
        _pictures(photos, store, recipe),
        itertools.starmap(_ready, pages.static_files()),
        (_ready(f"search/{shard.name}", shard.data) for shard in shards),
        itertools.starmap(Written, templates.photos(photos, folders)),
        itertools.starmap(Written, templates.albums(folders)),
        [_ready("search/root.json", root)],
        itertools.starmap(Written, templates.grid(photos)),
    )
    return [
        file for stage in stages for file in sorted(stage, key=lambda file: file.path in standing)
    ]


def _pictures(photos: Iterable[Photo], store: RenditionStore, recipe: Recipe) -> list[Linked]:
    # Copies of one picture share their files.
    files = {
        file.path: Linked(file.path, store.path(photo.content_hash, recipe, name))
        for photo in photos
        for name, file in pages.rendered(photo, recipe).items()
    }
    return list(files.values())


def _ready(path: str, data: bytes) -> Written:
    return Written(path, lambda: data)


def _shown_in_results(photo: Photo, recipe: Recipe) -> Sequence[object]:
    """Return what a result shows of a picture; `static/postings.js` reads it."""
    small = pages.rendered(photo, recipe)["small"]
    return (
        photo.filename,
        small.path,
        small.width,
        small.height,
        pages.shape(photo.width, photo.height),
        photo.placeholder,
        photo.alt,
    )
