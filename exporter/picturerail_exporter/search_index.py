"""The index that a visitor's browser searches, kept beside the site's state.

An index of the engine's own holds exactly the pictures that the site shows; what it says of each
term (`picturerail_native.site_terms`) is kept in tables (`search_state`), and cut into files
(`search_file`). A changed picture changes only the terms that it bears or bore. Each file is a
function of what is published: after any changes they are the same as if all were made anew.
"""

from __future__ import annotations

import base64
import functools
import io
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

from picturerail_exporter import pages
from picturerail_exporter.collection import Photo
from picturerail_exporter.renditions import Recipe
from picturerail_exporter.search_file import body_of, directory, packed, varint
from picturerail_exporter.search_state import LOOK, SearchState
from picturerail_exporter.state import SiteState
from picturerail_native.fields import FIELD_WEIGHTS, FIELDS
from picturerail_native.search import Reader, Writer, analyse, stem
from picturerail_native.site_terms import SiteTerm, SiteTerms

Pictures = Mapping[int, tuple[Photo | None, Photo | None]]
NearWords = Callable[[str], Sequence[tuple[str, float]]]
"""The words near a tag, with their similarity; none where the tag is not known."""

BLOCKS = {"looks": 1024, "texts": 1280, "orders": 10_240}
"""Files of what is said of pictures one by one, and how many ids share one; all divide the last."""

_LOOKS = 24
"""Of a term so many documents, the best ones, are kept with what they look like."""

_MOST_ALT = 70
_MOST_DIGITS = 2
_MOST_LETTERS = 64
_PUT_AT_ONCE = 20_000


@dataclass(slots=True)
class Brought:
    """The index's files that an export brings, by path; and those that go."""

    written: dict[str, bytes]
    gone: list[str]
    root: bytes


@dataclass(slots=True)
class _Changed:
    """What changed pictures touch: keys of terms, ids."""

    keys: set[bytes] = field(default_factory=set)
    ids: set[int] = field(default_factory=set)


class SearchIndex:
    """The index of one site."""

    def __init__(self, state: SiteState, folder: Path, uuid: bytes, recipe: Recipe) -> None:
        """Keep what it is made of.

        Args:
            state: of the site.
            folder: where the engine's index lies.
            uuid: of the database.
            recipe: of the renditions.
        """
        self._state, self._search = state, state.search
        self._folder, self._uuid, self._recipe = folder, uuid, recipe

    def stands(self) -> bool:
        """Tell whether the engine's index is that which the state was made from."""
        noted = self._state.note("search index")
        if not noted or not (self._folder / "prse-manifest").is_file():
            return False
        with Reader(self._folder) as reader:
            return str(reader.info.seq) == noted

    def rebuild(self, near: NearWords) -> Brought:
        """Make everything of the state's pictures anew."""
        old = self._search.names()
        self._search.clear()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        ids: set[int] = set()
        with Writer(self._folder, self._uuid) as writer:
            tags = _Tags(self._search, writer, near)
            for count, photo in enumerate(self._state.photos(), 1):
                writer.put(photo.id, photo.fields, order=photo.order)
                self._search.set_look(photo.id, _look(photo, self._recipe))
                tags.count(photo, 1)
                ids.add(photo.id)
                if count % _PUT_AT_ONCE == 0:
                    writer.commit(1)
            tags.settle()
            writer.commit(1)
        self._state.set_note("search index", "1")
        with Reader(self._folder) as reader:
            terms = SiteTerms(reader, FIELDS)
            self._fill(terms)
            files = {}
            for kind in ("terms", "postings", "spelling"):
                files.update(self._search.cut_all(kind))
            files.update(self._blocks(ids))
            return self._brought(files, old, terms)

    def update(
        self, pictures: Pictures, tags: Iterable[str], near: NearWords, *, purged: bool = False
    ) -> Brought:
        """Take over changed pictures, and tags whose near words may have changed.

        Where one was `purged`, nothing of it stays in the engine's index either.
        """
        old = self._search.names()
        changed = _Changed()
        seq = int(self._state.note("search index")) + 1
        with Writer(self._folder, self._uuid) as writer:
            settled = _Tags(self._search, writer, near)
            for number, (before, after) in sorted(pictures.items()):
                changed.ids.add(number)
                for photo, difference in ((before, -1), (after, 1)):
                    if photo is not None:
                        changed.keys.update(_keys_of(photo))
                        settled.count(photo, difference)
                if after is None:
                    writer.remove(number)
                    self._search.set_look(number, None)
                else:
                    writer.put(number, after.fields, order=after.order)
                    self._search.set_look(number, _look(after, self._recipe))
            changed.keys.update(_key(word, "n") for word in settled.settle(tags))
            writer.commit(seq)
            if purged:
                writer.compact()
        self._state.set_note("search index", str(seq))
        with Reader(self._folder) as reader:
            terms = SiteTerms(reader, FIELDS)
            rows = self._replace(terms, changed.keys)
            files = {}
            for kind, keys in rows.items():
                files.update(self._search.cut_again(kind, keys))
            files.update(self._blocks(changed.ids))
            return self._brought(files, old, terms)

    def _fill(self, terms: SiteTerms) -> None:
        keys = set(terms.keys())
        words = {key[:-2].decode() for key in keys if key.endswith(b"w")}
        keys |= {_key(stem(word), "s") for word in words}
        keys |= {_key(word, "n") for word in self._search.near_words()}
        looks = _Shown(self._search)
        for key in sorted(keys):
            term = terms.term(key)
            if term is not None:
                self._search.add_term(key, term.entry, looks.records(key, term))
        for key in sorted(filter(None, map(_spelling, words))):
            self._search.set_spelling(key, there=True)

    def _replace(self, terms: SiteTerms, keys: set[bytes]) -> dict[str, set[bytes]]:
        """Take terms over as they are now; return the keys of the rows that changed, by kind."""
        rows: dict[str, set[bytes]] = {"terms": set(keys), "postings": set(), "spelling": set()}
        looks = _Shown(self._search)
        for key in sorted(keys):
            rows["postings"].update(self._search.record_keys(key))
            term = terms.term(key)
            there = self._search.has_term(key)
            self._search.drop_term(key)
            if term is not None:
                records = list(looks.records(key, term))
                self._search.add_term(key, term.entry, records)
                rows["postings"].update(record for record, _ in records)
            if key.endswith(b"w") and there != (term is not None):
                spelt = _spelling(key[:-2].decode())
                if spelt:
                    self._search.set_spelling(spelt, there=term is not None)
                    rows["spelling"].add(spelt)
        return rows

    def _blocks(self, ids: set[int]) -> dict[str, bytes]:
        """Make the files again that hold what is said of these pictures one by one."""
        say: dict[str, Callable[[Photo], tuple[object, ...]]] = {
            "looks": functools.partial(_looks, recipe=self._recipe),
            "texts": _texts,
            "orders": _orders,
        }
        wanted = {kind: {number // size for number in ids} for kind, size in BLOCKS.items()}
        files: dict[str, bytes] = {}
        for outer in sorted(wanted["orders"]):
            # Read once for all of them.
            begin = outer * BLOCKS["orders"]
            photos = self._state.photos_in(begin, begin + BLOCKS["orders"])
            for kind, size in BLOCKS.items():
                here = range(begin // size, (begin + BLOCKS["orders"]) // size)
                for block in sorted(wanted[kind].intersection(here)):
                    first = block.to_bytes(4, "big")
                    rows = [say[kind](photo) for photo in photos if photo.id // size == block]
                    data = packed(body_of([(first, msgspec.json.encode(rows))])) if rows else None
                    name = self._search.set_file(kind, first, data)
                    if data is not None:
                        files[name] = data
        return files

    def _brought(self, files: dict[str, bytes], old: set[str], terms: SiteTerms) -> Brought:
        now = self._search.names()
        written = {name: data for name, data in files.items() if name in now}
        return Brought(written, sorted(old - now), self._root(terms))

    def _root(self, terms: SiteTerms) -> bytes:
        documents, fields = terms.statistics()
        told = {
            "documents": documents,
            "fields": [
                [name, FIELD_WEIGHTS.get(name, 1.0), words, holding]
                for name, (words, holding) in fields.items()
            ],
            **BLOCKS,
            "ending": f"-{self._recipe.version}-",
            "names": [size.name for size in self._recipe.sizes],
            "suffix": ".webp",
        }
        meta = msgspec.json.encode(told)
        kinds = ("terms", "postings", "spelling", *BLOCKS)
        parts = [directory(self._search.files(kind)) for kind in kinds]
        return packed(varint(len(meta)) + meta + b"".join(parts))


class _Tags:
    """Counts how tags are written, and tells the engine what each is near to."""

    def __init__(self, search: SearchState, writer: Writer, near: NearWords) -> None:
        self._search, self._writer, self._near = search, writer, near
        self._before: dict[str, tuple[str, list[str]] | None] = {}

    def count(self, photo: Photo, difference: int) -> None:
        """Count a picture's tags in or out."""
        for tag in _tags(photo):
            if folded := _folded(tag):
                if folded not in self._before:
                    self._before[folded] = self._search.tag(folded)
                if self._search.count_tag(folded, tag, difference) and difference > 0:
                    self._search.set_near(folded, tag, _folded_all(self._near(tag)))

    def settle(self, changed: Iterable[str] = ()) -> set[str]:
        """Tell what tags are near to now; return the folded words of which that changed.

        Args:
            changed: tags whose near words are others than they were.
        """
        again = set()
        for tag in changed:
            folded = _folded(tag)
            again.add(folded)
            self._before.setdefault(folded, self._search.tag(folded))
            self._search.set_near(folded, tag, _folded_all(self._near(tag)))
        words: set[str] = set()
        for folded, before in sorted(self._before.items()):
            now = self._search.tag(folded)
            if before == now and folded not in again:
                continue
            written = now or before
            if written is not None:
                self._writer.set_neighbours(written[0], self._near(written[0]) if now else ())
            words.update(*(each[1] for each in (before, now) if each is not None))
        return words


class _Shown:
    """Puts what their first documents look like into records."""

    def __init__(self, search: SearchState) -> None:
        self._ids, self._looks = search.looks()

    def records(self, key: bytes, term: SiteTerm) -> Iterator[tuple[bytes, bytes]]:
        shown = 0
        for record in term.records:
            ids = np.frombuffer(record.ids, "<u8")
            row = key + bytes([record.band]) + int(ids[0]).to_bytes(8, "big")
            parts = [varint(len(record.postings)), record.postings]
            if shown < _LOOKS:
                looks = self._looks[np.searchsorted(self._ids, ids)]
                parts += [np.ascontiguousarray(looks[name]).tobytes() for name in LOOK.names or ()]
            shown += len(ids)
            yield row, b"".join(parts)


def _keys_of(photo: Photo) -> Iterator[bytes]:
    """Yield the keys of all terms that a picture bears."""
    for word in {word for _, value in photo.fields for word in _words(value)}:
        yield _key(word, "w")
        yield _key(stem(word), "s")
    for tag in _tags(photo):
        if text := _folded(tag):
            yield _key(text, "t")


def _look(photo: Photo, recipe: Recipe) -> bytes:
    form, name = _form_and_name(photo.width, photo.height, recipe)
    return (
        photo.content_hash[: pages.DIGEST_BYTES]
        + bytes([form + 128, name])
        + _colour(photo.placeholder).to_bytes(2, "little")
    )


@functools.lru_cache(maxsize=65536)
def _colour(placeholder: str) -> int:
    """Return a picture's mean colour as 5, 6 and 5 bits of red, green and blue; 0 if unknown."""
    if not placeholder:
        return 0
    data = base64.b64decode(placeholder.partition(",")[2])
    with Image.open(io.BytesIO(data)) as tiny:
        pixel = tiny.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert isinstance(pixel, tuple)
    red, green, blue = pixel
    return (red >> 3) << 11 | (green >> 2) << 5 | blue >> 3


def _looks(photo: Photo, recipe: Recipe) -> tuple[object, ...]:
    form, name = _form_and_name(photo.width, photo.height, recipe)
    digest = photo.content_hash[: pages.DIGEST_BYTES].hex()
    return photo.id, photo.filename, digest, form, name, _colour(photo.placeholder)


@functools.lru_cache(maxsize=4096)
def _form_and_name(width: int, height: int, recipe: Recipe) -> tuple[int, int]:
    """Return the style sheet's class for a picture, and which rendition serves as its tile."""
    sizes = {size.name: size.of(width, height) for size in recipe.sizes}
    name = next(n for n, size in enumerate(sizes.values()) if size == sizes["tile"])
    return pages.shape(width, height), name


def _texts(photo: Photo) -> tuple[object, ...]:
    alt = photo.alt
    return photo.id, alt if len(alt) <= _MOST_ALT else alt[: _MOST_ALT - 1] + "…"


def _orders(photo: Photo) -> tuple[object, ...]:
    return photo.id, photo.order


def _key(text: str, kind: str) -> bytes:
    return text.encode() + b"\0" + kind.encode()


def _spelling(word: str) -> bytes | None:
    """Return the key of a word that somebody may have meant; none for what is mostly digits."""
    if (
        len(word) < 3
        or len(word) > 64
        or sum("0" <= letter <= "9" for letter in word) > _MOST_DIGITS
    ):
        return None
    return bytes([len(word)]) + word.encode()


def _tags(photo: Photo) -> set[str]:
    return {value for name, value in photo.fields if name == "tags"}


@functools.lru_cache(maxsize=65536)
def _words(value: str) -> tuple[str, ...]:
    return tuple(token.term for token in analyse(value))


@functools.lru_cache(maxsize=65536)
def _folded(value: str) -> str:
    return " ".join(token.term for token in analyse(value) if not token.tail)


def _folded_all(words: Iterable[tuple[str, float]]) -> list[str]:
    return sorted({text for word, _ in words if (text := _folded(word))})
