"""The search index: words and vectors of the pictures, on disk.

A `Writer` belongs to one thread at a time; a `Reader` may be shared. Every method releases
the interpreter's lock while the engine works.

What calls raise stands in `_search_errors.py`: `SearchError` is above all of it, `RebuildError`
above what asks for another index.
"""

from __future__ import annotations

import array
import contextlib
import os
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from picturerail_native._search import ffi, lib
from picturerail_native._search_errors import (
    DamagedIndexError,
    ForeignIndexError,
    NewerIndexError,
    NoIndexError,
    OlderIndexError,
    RebuildError,
    SearchArgumentError,
    SearchError,
    SearchInternalError,
    SearchStorageError,
    raise_for,
)
from picturerail_native._search_values import (
    Hit,
    IndexInfo,
    Match,
    Results,
    Sort,
    Token,
    Via,
)

__all__ = [
    "DamagedIndexError",
    "ForeignIndexError",
    "Hit",
    "IndexInfo",
    "Match",
    "NewerIndexError",
    "NoIndexError",
    "OlderIndexError",
    "Reader",
    "RebuildError",
    "Results",
    "SearchArgumentError",
    "SearchError",
    "SearchInternalError",
    "SearchStorageError",
    "Sort",
    "Token",
    "Via",
    "Writer",
    "analyse",
    "check",
    "destroy",
    "stem",
    "stems",
]

# What it makes has members that C knows and mypy does not.
_new: Callable[..., Any] = ffi.new
_lengths = struct.Struct("<II").pack
_PLAIN: int = lib.PRSE_PLAIN
_BEST_HIT = struct.Struct("<Qf4x")


class Writer:
    """The index open for writing. A context manager that closes it."""

    def __init__(
        self, path: str | os.PathLike[str], uuid: bytes, *, language: str = "english"
    ) -> None:
        """Open or make the index that follows the database `uuid`.

        Args:
            path: of its folder.
            uuid: of the database.
            language: of the texts, which says what words are forms of one word: "english",
                "german", or "none" for no such rules. An index of another is refused with
                OlderIndexError.
        """
        self._handle: Any | None = None
        if len(uuid) != lib.PRSE_UUID_BYTES:
            raise SearchArgumentError(
                f"a database's uuid has {lib.PRSE_UUID_BYTES} bytes, not {len(uuid)}"
            )
        error = self._error = _new("prse_error *")
        out = _new("prse_writer **")
        status = lib.prse_writer_open(
            _path(path), ffi.from_buffer(uuid), language.encode(), out, error
        )
        raise_for(status, error)
        self._handle = ffi.gc(out[0], lib.prse_writer_close)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; what was not committed is forgotten."""
        self.close()

    def close(self) -> None:
        """Close; what was not committed is forgotten."""
        # The engine's handle ends with the last reference: now, or when the call that a
        # thread still makes with it returns.
        self._handle = None

    @property
    def seq(self) -> int:
        """The transaction that the last commit reached; costs nothing, unlike `info`."""
        error, seq = _new("prse_error *"), _new("uint64_t *")
        raise_for(lib.prse_writer_seq(self._open_handle(), seq, error), error)
        return int(seq[0])

    @property
    def info(self) -> IndexInfo:
        """The counts of the last commit."""
        error, info = _new("prse_error *"), _new("prse_info *")
        raise_for(lib.prse_writer_info(self._open_handle(), info, error), error)
        return _info(info)

    def put(self, doc_id: int, fields: Iterable[tuple[str, str]], *, order: int = 0) -> None:
        """Add or replace a document; `order` breaks ties of the score, the higher first."""
        parts: list[bytes] = []
        for name, value in fields:
            name_bytes, value_bytes = _encode(name), _encode(value)
            parts += (_lengths(len(name_bytes), len(value_bytes)), name_bytes, value_bytes)
        packed = b"".join(parts)
        error = self._error
        status = lib.prse_put_packed(self._open_handle(), doc_id, order, packed, len(packed), error)
        if status:
            raise_for(status, error)

    def remove(self, doc_id: int) -> None:
        """Remove a document with its vectors."""
        error = _new("prse_error *")
        raise_for(lib.prse_remove(self._open_handle(), doc_id, error), error)

    def set_neighbours(self, tag: str, words: Sequence[tuple[str, float]]) -> None:
        """Set a tag's nearest words for all documents that bear it; none removes them."""
        packed = _new("prse_neighbour[]", len(words))
        kept = []
        for entry, (word, similarity) in zip(packed, words, strict=True):
            kept.append(_fill(entry.word, _encode(word)))
            entry.similarity = similarity
        error = _new("prse_error *")
        text, _kept_tag = _text(tag)
        status = lib.prse_set_neighbours(self._open_handle(), text[0], packed, len(words), error)
        raise_for(status, error)

    def put_vector(self, doc_id: int, space: str, values: Sequence[float] | memoryview) -> None:
        """Set a document's vector in a space (a buffer of 32-bit floats is taken as it is)."""
        floats = _floats(values)
        error = _new("prse_error *")
        text, _kept = _text(space)
        status = lib.prse_put_vector(
            self._open_handle(), doc_id, text[0], floats, len(floats), error
        )
        raise_for(status, error)

    def commit(self, seq: int) -> None:
        """Make everything durable and visible, and record that `seq` is reached."""
        error = _new("prse_error *")
        raise_for(lib.prse_commit(self._open_handle(), seq, error), error)

    def compact(self) -> None:
        """Merge all segments into one without the dead. Everything must be committed."""
        error = _new("prse_error *")
        raise_for(lib.prse_compact(self._open_handle(), error), error)

    def _open_handle(self) -> Any:
        if self._handle is None:
            raise SearchArgumentError("the index's writer is closed")
        return self._handle


class Reader:
    """A committed state of the index. A context manager that closes it."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open the newest committed state."""
        self._handle: Any | None = None
        self._buffers: Any = threading.local()  # of `best`, by its limit
        error = _new("prse_error *")
        out = _new("prse_reader **")
        raise_for(lib.prse_reader_open(_path(path), out, error), error)
        self._handle = ffi.gc(out[0], lib.prse_reader_close)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Close; calls that other threads still make end as usual."""
        self._handle = None

    def refresh(self) -> bool:
        """Move to the newest committed state; return whether there was a newer one."""
        error, changed = _new("prse_error *"), _new("int32_t *")
        raise_for(lib.prse_reader_refresh(self._open_handle(), changed, error), error)
        return bool(changed[0])

    @property
    def info(self) -> IndexInfo:
        """The counts of this state."""
        error, info = _new("prse_error *"), _new("prse_info *")
        raise_for(lib.prse_reader_info(self._open_handle(), info, error), error)
        return _info(info)

    def search(
        self,
        query: str,
        *,
        limit: int = 20,
        skip: int = 0,
        threads: int = 0,
        weights: Mapping[str, float] | None = None,
        explain: bool = True,
        strict: bool = False,
        typos: bool = True,
        plain: bool = False,
        count: bool = True,
        sort: Sort = Sort.SCORE,
        facets: Sequence[str] = (),
        facet_limit: int = 20,
    ) -> Results:
        """Find the documents that a query asks for; native/search/QUERY.md is its language.

        Args:
            query: any string is one.
            limit: how many hits to return at most.
            skip: how many of the best to leave out before.
            threads: segments searched at once; 0 means one for each core.
            weights: of fields, in place of the defaults.
            explain: whether to find out why each hit matched.
            strict: refuse a query that is not well formed.
            typos: whether a word that no document has finds what is nearly it.
            plain: whether each word finds itself alone: no other form of it, no word that it
                begins (unless it has a `*`) or nearly is, no tag near to it; that words stand
                near to each other then adds nothing, and no word is passed over.
            count: whether to count all that match; else `total` may be too low, and where
                `explain` is off too, the best few are found without looking at all.
            sort: by what hits are sorted.
            facets: fields whose values are counted over all that match: camera, filename, folder,
                lens, place, tags, and year.
            facet_limit: of each, how many of its most frequent values are told.

        Raises:
            SearchArgumentError: `strict`, and the query is not well formed at the character
                that is named; or it has too many words; or a facet is
                none of these fields.
        """
        packed = _new("prse_weight[]", len(weights or {}))
        kept = []
        for entry, (name, weight) in zip(packed, (weights or {}).items(), strict=True):
            kept.append(_fill(entry.field, _encode(name)))
            entry.weight = weight
        counted = _new("prse_text[]", len(facets))
        for text, name in zip(counted, facets, strict=True):
            kept.append(_fill(text, _encode(name)))
        options = _new("prse_options *")
        options.struct_size = ffi.sizeof("prse_options")
        options.threads = threads
        options.weights, options.weight_count = packed, len(packed)
        options.flags = (
            (lib.PRSE_STRICT if strict else 0)
            | (0 if typos else lib.PRSE_NO_TYPOS)
            | (lib.PRSE_PLAIN if plain else 0)
            | (0 if count else lib.PRSE_NO_COUNT)
            | (0 if explain else lib.PRSE_NO_REASONS)
        )
        options.sort = sort
        options.facets, options.facet_count = counted, len(facets)
        options.facet_limit = facet_limit

        error = _new("prse_error *")
        hits = _new("prse_hit[]", limit)
        filled, summary = _new("size_t *"), _new("prse_summary *")
        found = _new("prse_matches **") if explain or facets else ffi.NULL
        text, _kept_query = _text(query)
        status = lib.prse_search(
            self._open_handle(), text[0], options, skip, hits, limit, filled, summary, found, error
        )
        raise_for(status, error)
        page = hits[0 : filled[0]]
        if not explain and not facets:
            bare = tuple(Hit(hit.id, hit.score) for hit in page)
            return Results(bare, summary.total, bool(summary.relaxed))
        matches, counts = _take_matches(found[0], facets)
        return Results(
            tuple(
                Hit(
                    hit.id,
                    hit.score,
                    matches[hit.first_match : hit.first_match + hit.match_count],
                    hit.proximity,
                )
                for hit in page
            ),
            summary.total,
            bool(summary.relaxed),
            counts,
        )

    def best(self, query: str, limit: int = 10, *, plain: bool = False) -> list[tuple[int, float]]:
        """Return id and score of the best hits of `search`, at the least cost of a call.

        All else is as by default; that all match is not counted, and no reasons are found.
        """
        held = self._buffers.__dict__.get(limit)
        if held is None:
            hits = bytearray(limit * _BEST_HIT.size)
            held = (
                memoryview(hits),
                ffi.from_buffer("prse_best_hit[]", hits),
                _new("size_t *"),
                _new("prse_error *"),
            )
            self._buffers.__dict__[limit] = held
        view, hits, count, error = held
        text = query.encode("utf-8", "surrogatepass")
        handle = self._handle or self._open_handle()
        flags = _PLAIN if plain else 0
        status = lib.prse_best(handle, text, len(text), flags, hits, limit, count, error)
        if status:
            raise_for(status, error)
        return list(_BEST_HIT.iter_unpack(view[: count[0] * _BEST_HIT.size]))

    def nearest(self, space: str, values: Sequence[float], limit: int = 20) -> tuple[Hit, ...]:
        """Return the documents nearest to a vector; `score` is the cosine."""
        floats = _floats(values)
        error, hits = _new("prse_error *"), _new("prse_hit[]", limit)
        count = _new("size_t *")
        text, _kept = _text(space)
        status = lib.prse_nearest(
            self._open_handle(), text[0], floats, len(floats), hits, limit, count, error
        )
        raise_for(status, error)
        return tuple(Hit(hit.id, hit.score) for hit in hits[0 : count[0]])

    def nearest_batch(
        self,
        space: str,
        vectors: Sequence[float] | memoryview,
        dimension: int,
        limit: int = 20,
        *,
        exact: bool = False,
    ) -> list[tuple[Hit, ...]]:
        """Return, for each of several vectors, the documents nearest to it.

        Args:
            space: of the vectors.
            vectors: one after the other (a buffer of 32-bit floats is taken as it is).
            dimension: of each.
            limit: how many documents for each.
            exact: compare every vector, also where there are many.
        """
        floats = _floats(vectors)
        queries = len(floats) // dimension
        error, hits = _new("prse_error *"), _new("prse_hit[]", limit * queries)
        counts = _new("size_t[]", queries)
        text, _kept = _text(space)
        status = lib.prse_nearest_batch(
            self._open_handle(),
            text[0],
            floats,
            dimension,
            queries,
            exact,
            hits,
            limit,
            counts,
            error,
        )
        raise_for(status, error)
        return [
            tuple(Hit(hit.id, hit.score) for hit in hits[i * limit : i * limit + counts[i]])
            for i in range(queries)
        ]

    def similar(self, space: str, doc_id: int, limit: int = 20) -> tuple[Hit, ...]:
        """Return the documents nearest to a document's own vector.

        Raises:
            NoIndexError: the document has no vector in this space.
        """
        error, hits = _new("prse_error *"), _new("prse_hit[]", limit)
        count = _new("size_t *")
        text, _kept = _text(space)
        status = lib.prse_similar(self._open_handle(), text[0], doc_id, hits, limit, count, error)
        raise_for(status, error)
        return tuple(Hit(hit.id, hit.score) for hit in hits[0 : count[0]])

    def documents(self) -> Iterator[int]:
        """Yield the ids of all live documents, ascending."""
        capacity = 4096
        error, ids = _new("prse_error *"), _new("uint64_t[]", capacity)
        count = _new("size_t *")
        after = 0
        while True:
            status = lib.prse_documents(self._open_handle(), after, ids, capacity, count, error)
            raise_for(status, error)
            page: list[int] = list(ids[0 : count[0]])
            yield from page
            if count[0] < capacity:
                return
            after = page[-1]

    def _open_handle(self) -> Any:
        if self._handle is None:
            raise SearchArgumentError("the index's reader is closed")
        return self._handle


def analyse(text: str) -> list[Token]:
    """Cut a text into folded words, as the index does."""
    given, kept = _text(text)
    error, count, length = _new("prse_error *"), _new("size_t *"), _new("size_t *")
    # Room enough for nearly every text; the engine says what it takes where it is not.
    capacity, term_capacity = len(kept) // 2 + 1, 2 * len(kept) + 1
    while True:
        tokens, terms = _new("prse_token[]", capacity), _new("char[]", term_capacity)
        status = lib.prse_analyse(
            given[0], tokens, capacity, count, terms, term_capacity, length, error
        )
        raise_for(status, error)
        if count[0] <= capacity and length[0] <= term_capacity:
            break
        capacity, term_capacity = count[0], length[0]
    folded = ffi.unpack(terms, length[0])
    assert isinstance(folded, bytes)
    return [
        Token(
            folded[token.term_begin : token.term_end].decode(),
            token.begin,
            token.end,
            token.position,
            bool(token.tail),
        )
        for token in tokens[0 : count[0]]
    ]


def stem(word: str, language: str = "english") -> str:
    """Return the stem of a folded word: words of one stem are forms of one word."""
    given, kept = _text(word)
    error, length = _new("prse_error *"), _new("size_t *")
    capacity = len(kept) + 1  # no stem is longer than its word by more than a letter
    out = _new("char[]", capacity)
    status = lib.prse_stem(given[0], language.encode(), out, capacity, length, error)
    raise_for(status, error)
    return _decode_bytes(ffi.unpack(out, length[0]))


def stems(words: Sequence[str], language: str = "english") -> list[str]:
    """Return the stem of each of many folded words, at less cost than `stem` one by one."""
    data = _encode("".join([f"{word}\n" for word in words]))
    given = _new("prse_text *")
    _kept = _fill(given, data)
    error, length = _new("prse_error *"), _new("size_t *")
    capacity = len(data) + len(words)  # no stem is longer than its word by more than a letter
    out = _new("char[]", capacity)
    status = lib.prse_stems(given[0], language.encode(), out, capacity, length, error)
    raise_for(status, error)
    return _decode_bytes(ffi.unpack(out, length[0])).split("\n")[:-1]


def destroy(path: str | os.PathLike[str]) -> None:
    """Remove an index, also a damaged one; other files in the folder are left alone."""
    error = _new("prse_error *")
    raise_for(lib.prse_destroy(_path(path), error), error)


def check(path: str | os.PathLike[str]) -> None:
    """Verify every checksum and structure.

    Raises:
        DamagedIndexError: with what is damaged and where.
    """
    error = _new("prse_error *")
    raise_for(lib.prse_check(_path(path), error), error)


def _path(path: str | os.PathLike[str]) -> bytes:
    return os.fsencode(path)


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Halves of surrogate pairs become no UTF-8, which the engine reads as U+FFFD.
        return text.encode("utf-8", "surrogatepass")


def _fill(entry: Any, data: bytes) -> Any:
    """Point a `prse_text` at `data`; what is returned must be kept as long as it is used."""
    kept = ffi.from_buffer(data)
    entry.data, entry.length = ffi.cast("char *", kept), len(data)
    return kept


def _text(text: str) -> tuple[Any, Any]:
    """Return a `prse_text *` and what must be kept as long as it is used."""
    out = _new("prse_text *")
    return out, _fill(out, _encode(text))


def _floats(values: Any) -> Any:
    """Return the numbers as `float[]`, in place where they are 32-bit floats already."""
    with contextlib.suppress(TypeError):  # a list or tuple has no buffer
        view = memoryview(values)
        if view.format == "f" and view.contiguous and view.ndim == 1:
            return ffi.from_buffer("float[]", values)
    return ffi.from_buffer("float[]", array.array("f", values))


def _info(info: Any) -> IndexInfo:
    return IndexInfo(
        uuid=bytes(info.uuid),
        seq=info.seq,
        documents=info.documents,
        terms=info.terms,
        tags=info.tags,
        vectors=info.vectors,
        disk_bytes=info.disk_bytes,
        segments=info.segments,
        format=info.format,
    )


def _take_matches(
    owned: Any, facets: Sequence[str]
) -> tuple[tuple[Match, ...], dict[str, tuple[tuple[str, int], ...]]]:
    """Copy all matches and counts, and free the engine's."""
    try:
        counted, count = _new("prse_facet **"), _new("size_t *")
        lib.prse_matches_facets(owned, counted, count)
        counts: dict[str, list[tuple[str, int]]] = {name: [] for name in facets}
        for facet in counted[0][0 : count[0]]:
            counts[_decode(facet.field)].append((_decode(facet.value), facet.count))
        first = _new("prse_match **")
        lib.prse_matches_get(owned, first, count)
        matches = tuple(
            Match(
                _decode(match.field),
                _decode(match.query_word),
                _decode(match.word),
                Via(match.via),
                match.similarity,
                match.score,
            )
            for match in first[0][0 : count[0]]
        )
        return matches, {name: tuple(values) for name, values in counts.items()}
    finally:
        lib.prse_matches_free(owned)


def _decode_bytes(data: Any) -> str:
    assert isinstance(data, bytes)
    return data.decode("utf-8", "replace")


def _decode(text: Any) -> str:
    return bytes(ffi.buffer(text.data, text.length)).decode("utf-8", "replace")
