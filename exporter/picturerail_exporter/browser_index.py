"""The precomputed index that a visitor's browser searches.

`search/root.json` names all other files, whose names are their contents' digests. Each is a
JSON array of `[key, entry]`, sorted by key (texts by UTF-16 units, as browsers compare them):

    terms        [term, [[field, [document, length, count, position ...] ...] ...]]
                 `document` is the difference to the one before; `length` counts the words
                 of the document's field; `position`s are differences too
    tags         [folded tag, [tag, [document, length ...]]]
                 `length` counts the words of the document's field of tags
    neighbours   [folded word, [[folded tag, similarity] ...]]    nearest first
    stems        [stem, [word ...]]     the words that are forms of one; a stem whose only word is
                 the stem itself is left out
    documents    [id, [filename, width, height, picture, placeholder, caption, date, shape]]
    orders       [id, seconds since 1970]: breaks ties of the score, the higher first

A field's values follow each other with 16 positions left free between them, so neither a phrase
nor the nearness of words reaches across. A field's average length counts the documents that have
it. Terms are
the engine's: `analyse` cuts the texts here, and its rule is repeated in `static/analyse.js` and
`static/stem.js` for what a visitor types.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from picturerail_exporter.collection import Photo
from picturerail_exporter.shards import Shard, blocks, browser_order, cut, encode
from picturerail_native.fields import FIELD_WEIGHTS
from picturerail_native.search import stem

VERSION = 2
_VALUE_GAP = 16
_DOCUMENTS_PER_BLOCK = 128
_ORDERS_PER_BLOCK = 4096
_SIMILARITY_DIGITS = 4


class Word(Protocol):
    """What the index needs of the engine's `Token`."""

    @property
    def term(self) -> str:
        """The folded form."""

    @property
    def position(self) -> int:
        """Its place among the words of its text."""

    @property
    def tail(self) -> bool:
        """Whether it repeats the end of the word before."""


Analyse = Callable[[str], Sequence[Word]]
"""`picturerail_native.search.analyse`, or something with its semantics."""

Describe = Callable[[Photo], Sequence[object]]
"""Gives a document's entry, as results show it."""


@dataclass(slots=True)
class _Field:
    """A field's postings, (term → numbers), and what its average length comes from."""

    postings: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    last: dict[str, int] = field(default_factory=dict)
    words: int = 0
    documents: int = 0


def build(
    photos: Iterable[Photo],
    neighbours: Mapping[str, Sequence[tuple[str, float]]],
    analyse: Analyse,
    describe: Describe,
) -> tuple[bytes, list[Shard]]:
    """Return `root.json` and the files it names.

    Args:
        photos: what is published; statistics count exactly these.
        neighbours: the words near a tag, with their similarity, by the tag as it is written.
        analyse: cuts texts into folded words.
        describe: what a result shows of a picture.
    """
    in_id_order = sorted(photos, key=lambda photo: photo.id)
    words_of = functools.lru_cache(maxsize=65536)(_cutter(analyse))

    def fold(text: str) -> tuple[str, ...]:
        return tuple(word.term for word in words_of(text) if not word.tail)

    fields: dict[str, _Field] = {name: _Field() for name in FIELD_WEIGHTS}
    tags: dict[str, dict[int, int]] = defaultdict(dict)
    names: dict[str, str] = {}
    for photo in in_id_order:
        lengths = _add_words(photo, fields, words_of)
        for tag in photo.tags:
            if key := " ".join(fold(tag)):
                tags[key][photo.id] = lengths["tags"]
                names.setdefault(key, tag)

    extra = sorted(fields.keys() - FIELD_WEIGHTS.keys())
    fields = {name: fields[name] for name in (*FIELD_WEIGHTS, *extra)}
    files = {
        "terms": cut(_terms(fields)),
        "stems": cut(_stems(fields)),
        "tags": cut(
            (key, [names[key], _steps_and_lengths(tags[key])])
            for key in sorted(tags, key=browser_order)
        ),
        "neighbours": cut(_neighbours(neighbours, tags, fold)),
        "documents": list(blocks(((p.id, describe(p)) for p in in_id_order), _DOCUMENTS_PER_BLOCK)),
        "orders": list(blocks(((p.id, p.order) for p in in_id_order), _ORDERS_PER_BLOCK)),
    }
    root = {
        "version": VERSION,
        "documents": len(in_id_order),
        "fields": [
            [name, FIELD_WEIGHTS.get(name, 1.0), held.words / max(1, held.documents)]
            for name, held in fields.items()
        ],
        "documentsPerBlock": _DOCUMENTS_PER_BLOCK,
        "ordersPerBlock": _ORDERS_PER_BLOCK,
        "files": {
            kind: [[shard.first, shard.name] for shard in shards] for kind, shards in files.items()
        },
    }
    every = {shard.name: shard for shards in files.values() for shard in shards}
    return encode(root), list(every.values())


def _cutter(analyse: Analyse) -> Callable[[str], tuple[Word, ...]]:
    return lambda text: tuple(analyse(text))


def _add_words(
    photo: Photo, fields: dict[str, _Field], words_of: Callable[[str], tuple[Word, ...]]
) -> Mapping[str, int]:
    """Add a picture's words to the postings; return how many each field has."""
    places: dict[str, dict[str, list[int]]] = {}
    following: dict[str, int] = defaultdict(int)
    lengths: dict[str, int] = defaultdict(int)
    for name, value in photo.fields:
        words = words_of(value)
        of_field = places.setdefault(name, {})
        for word in words:
            of_field.setdefault(word.term, []).append(following[name] + word.position)
        following[name] += (words[-1].position + 1 if words else 0) + _VALUE_GAP
        lengths[name] += len(words)
    for name, of_field in places.items():
        held = fields.setdefault(name, _Field())
        held.words += lengths[name]
        held.documents += lengths[name] > 0
        for term, positions in of_field.items():
            step = photo.id - held.last.get(term, 0)
            held.last[term] = photo.id
            held.postings[term] += (step, lengths[name], len(positions), *_differences(positions))
    return lengths


def _terms(fields: dict[str, _Field]) -> Iterable[tuple[str, object]]:
    every = {term for held in fields.values() for term in held.postings}
    for term in sorted(every, key=browser_order):
        yield (
            term,
            [
                [number, held.postings[term]]
                for number, held in enumerate(fields.values())
                if term in held.postings
            ],
        )


def _stems(fields: Mapping[str, _Field]) -> Iterable[tuple[str, object]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for word in sorted({term for held in fields.values() for term in held.postings}):
        groups[stem(word)].append(word)
    for key in sorted(groups, key=browser_order):
        if groups[key] != [key]:
            yield key, groups[key]


def _neighbours(
    neighbours: Mapping[str, Sequence[tuple[str, float]]],
    tags: Mapping[str, object],
    fold: Callable[[str], tuple[str, ...]],
) -> Iterable[tuple[str, object]]:
    """Turn tag → words round to word → tags, for the tags that a published picture bears."""
    nearest: dict[str, dict[str, float]] = defaultdict(dict)
    for tag, words in neighbours.items():
        key = " ".join(fold(tag))
        if key not in tags:
            continue
        for word, similarity in words:
            folded = " ".join(fold(word))
            if folded and folded != key:
                held = nearest[folded]
                held[key] = max(held.get(key, 0.0), round(similarity, _SIMILARITY_DIGITS))
    for word in sorted(nearest, key=browser_order):
        yield word, sorted(nearest[word].items(), key=lambda item: (-item[1], item[0]))


def _steps_and_lengths(lengths: Mapping[int, int]) -> list[int]:
    steps = _differences(lengths)
    return [number for pair in zip(steps, lengths.values(), strict=True) for number in pair]


def _differences(numbers: Iterable[int]) -> list[int]:
    steps, before = [], 0
    for number in numbers:
        steps.append(number - before)
        before = number
    return steps
