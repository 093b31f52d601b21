"""Rendering what the daemon has not: pictures whose renditions are not in the store."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Iterator

from picturerail_exporter.collection import Photo, Skipped
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.rendition_store import RenditionStore
from picturerail_exporter.source import Source
from picturerail_native.database import CorruptError, NotFoundError

Progress = Callable[[int, int], None]
"""Told now and then how many steps of how many are done."""


def render_missing(
    source: Source,
    photos: Iterable[Photo],
    store: RenditionStore,
    recipe: Recipe,
    *,
    max_pixels: int,
    workers: int,
    progress: Progress | None = None,
) -> list[Skipped]:
    """Render pictures into the store, `workers` at once; return those that cannot be."""
    by_content: dict[bytes, list[Photo]] = {}
    for photo in photos:
        if not store.has(photo.content_hash, recipe):
            by_content.setdefault(photo.content_hash, []).append(photo)

    if not by_content:
        return []

    def render_one(content_hash: bytes) -> str:
        return _render(source, content_hash, store, recipe, max_pixels=max_pixels)

    failed: list[Skipped] = []
    with contextlib.ExitStack() as stack:
        reasons: Iterator[str]
        if len(by_content) == 1:  # which is done sooner than threads are there
            reasons = map(render_one, by_content)
        else:
            from concurrent.futures import ThreadPoolExecutor

            # The codecs release the interpreter's lock, so threads use all cores.
            pool = stack.enter_context(ThreadPoolExecutor(workers, "render"))
            reasons = pool.map(render_one, by_content)
        for done, (copies, reason) in enumerate(zip(by_content.values(), reasons, strict=True), 1):
            if reason:
                failed += [Skipped(photo.id, photo.path, reason) for photo in copies]
            if progress:
                progress(done, len(by_content))
    return failed


def _render(
    source: Source, content_hash: bytes, store: RenditionStore, recipe: Recipe, *, max_pixels: int
) -> str:
    """Render one picture; return why it could not be, or nothing."""
    # Only now: the codecs and what they need are a third of an export's start.
    from picturerail_exporter.pixels import UndecodableError, decode
    from picturerail_exporter.renditions import render

    try:
        with io.BufferedReader(source.open_blob(content_hash)) as file:
            picture = decode(file, max_pixels=max_pixels, largest=recipe.largest, wide=recipe.wide)
    except UndecodableError as error:
        return error.reason
    except (CorruptError, NotFoundError) as error:
        return f"its renditions are not there, and its original cannot be read: {error}"
    store.write(content_hash, recipe, render(picture, recipe))
    return ""
