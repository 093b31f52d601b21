"""The browser's search index, brought to what an export found new."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from picturerail_exporter.changes import News
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.search_index import Brought, SearchIndex
from picturerail_exporter.source import Source
from picturerail_exporter.state import SiteState
from picturerail_native.records import Table, decode_neighbours, neighbours_key

if TYPE_CHECKING:
    from picturerail_exporter.search_meaning import Meaning


@contextlib.contextmanager
def open_index(
    source: Source,
    state: SiteState,
    folder: Path,
    recipe: Recipe,
    meaning: Meaning | None,
    language: str,
    *,
    dry_run: bool,
) -> Iterator[SearchIndex]:
    """Open the index of a site that lies in a folder; a dry run works on a copy."""
    with contextlib.ExitStack() as stack:
        if dry_run:
            copy = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "index"
            if folder.is_dir():
                shutil.copytree(folder, copy)
            folder = copy
        yield SearchIndex(state, folder, source.info.uuid, recipe, meaning, language)


def bring_index(
    source: Source,
    index: SearchIndex,
    new: News | None,
    state: SiteState,
    version: str,
    *,
    meaning: bool,
) -> Brought | None:
    """Bring the search's index up to date; None where nothing of it may have changed.

    Args:
        source: where words near to tags, and vectors, are read.
        index: the site's.
        new: what is new; None where everything is.
        state: of the site, which `new` was brought into.
        version: of the word vectors that are in use; "" for none.
        meaning: whether the index tells what is near in meaning.
    """
    if new is None:
        every = _neighbours(source, version)
        return index.rebuild(
            lambda tag: every.get(tag, ()), _vectors(source.records(Table.VECTORS))
        )
    if not new.pictures and not new.near and not (meaning and new.codes):
        return None
    prefix = neighbours_key(version, "")
    tags = {key[len(prefix) :].decode() for key in new.near if version and key.startswith(prefix)}

    def near(tag: str) -> Sequence[tuple[str, float]]:
        wanted = neighbours_key(version, tag) if version else None
        for key, value in source.records(Table.NEIGHBOURS, wanted) if wanted else ():
            if key == wanted:
                return decode_neighbours(value).reach
        return ()

    def vectors_of(number: int) -> list[tuple[str, bytes]]:
        if state.photo(number) is None:
            return []
        records = source.records(Table.VECTORS, number.to_bytes(8, "big"))
        return [(space, vector) for _, space, vector in _vectors(records)]

    gone = (number for number, (_, after) in new.pictures.items() if after is None)
    purged = any(source.get(number) is None for number in gone)
    vectors = {number: vectors_of(number) for number in new.codes} if meaning else None
    return index.update(new.pictures, tags, near, vectors, purged=purged)


def _vectors(records: Iterator[tuple[bytes, bytes]]) -> Iterator[tuple[int, str, bytes]]:
    """Yield the vectors of a table's records as (id, space, vector); what is none is left out."""
    for key, vector in records:
        if vector and len(vector) % 2 == 0:
            yield int.from_bytes(key[:8], "big"), key[8:].decode(), vector


def _neighbours(source: Source, version: str) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Return the words near each tag, in the word vectors that are in use."""
    if not version:
        return {}
    prefix = neighbours_key(version, "")
    return {
        key[len(prefix) :].decode(): decode_neighbours(value).reach
        for key, value in source.records(Table.NEIGHBOURS, prefix)
    }
