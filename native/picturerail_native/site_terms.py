"""What the search of a static site needs of an index, term by term (`native/search/SITE.md`).

Everything it gives is a function of the index's living documents alone.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from picturerail_native._search import ffi, lib
from picturerail_native._search_errors import SearchArgumentError, raise_for
from picturerail_native.search import Reader

_new: Callable[..., Any] = ffi.new
_HEAD = struct.Struct("<III")
_RECORD = struct.Struct("<IIII")
_TERM = struct.Struct("<QII")
_WORD = struct.Struct("<QI")
_NUMBER = struct.Struct("<I")
_KEYS_AT_ONCE = 4096
_TERMS_AT_ONCE = 512
_NO_MEMBER = 0xFFFFFFFF


def site_words(words: Iterable[bytes]) -> bytes:
    """Return words, in UTF-8, as a list in few bytes (`SITE.md`).

    They have 1 to 64 letters, none more than the next; of as many they are to ascend.
    """
    data = b"".join([word + b"\n" for word in words])
    kept = ffi.from_buffer(data)
    given = _new("prse_text *", {"data": kept, "length": len(data)})
    error, length = _new("prse_error *"), _new("size_t *")
    capacity = len(data) + 64
    while True:
        out = _new("char[]", capacity)
        raise_for(lib.prse_site_words(given[0], out, capacity, length, error), error)
        if length[0] <= capacity:
            return bytes(ffi.buffer(out, length[0]))
        capacity = length[0]


def is_stop_word(word: str, language: str = "english") -> bool:
    """Tell whether a folded word says little, so that a query passes over it beside others."""
    kept = ffi.from_buffer(word.encode())
    given = _new("prse_text *", {"data": kept, "length": len(kept)})
    error, stop = _new("prse_error *"), _new("int32_t *")
    raise_for(lib.prse_is_stop_word(given[0], language.encode(), stop, error), error)
    return bool(stop[0])


class SiteRecord(msgspec.Struct, frozen=True, gc=False):
    """Documents of a term that are worth about the same.

    `band` is the lower, the more they are worth; `ids` are
    little-endian u64, ascending; `postings` say where and how often each has the term, and what
    it has beside it, where `beside` does not say that apart.
    """

    band: int
    ids: bytes
    postings: bytes
    beside: bytes


class SiteTerm(msgspec.Struct, frozen=True, gc=False):
    """A term's entry in the site's directory, and its records, by band and first id.

    `documents` have the word or tag, or any word of the stem; 0 of what a word is near to.
    """

    documents: int
    entry: bytes
    records: tuple[SiteRecord, ...]


class SiteTogether(msgspec.Struct, frozen=True, gc=False):
    """The best documents that have two or three stems together.

    Of two the same is told of those documents alone in which a word of one is the next one after
    one of the other's, and of all where nearness does not count. `shown` are the ids, little-endian
    u64 and ascending, of those of which it is to be told what they look like.
    """

    key: bytes
    shown: bytes
    record: bytes

    @property
    def kind(self) -> bytes:
        """What the key ends with: which of the documents with all stems are meant."""
        return self.key[-1:]

    @property
    def stems(self) -> list[str]:
        """The stems, ascending."""
        return self.key[: -len(b"\0b")].decode().split("\1")


class SiteTerms:
    """An index as it stood when this was made. Belongs to one thread at a time."""

    def __init__(self, reader: Reader, fields: Sequence[str], banded: tuple[int, int]) -> None:
        """Look at a reader's newest state.

        Args:
            reader: of the index; may be closed before this.
            fields: every name that a field of a document may have; their order numbers them.
            banded: terms with fewer documents than the first are one band; of those with more than
                the second the rest is.
        """
        texts, _kept = _texts(fields)
        self._fields = tuple(fields)
        self._error, out = _new("prse_error *"), _new("prse_site **")
        status = lib.prse_site_open(
            reader._open_handle(), texts, len(fields), *banded, out, self._error
        )
        raise_for(status, self._error)
        self._handle = ffi.gc(out[0], lib.prse_site_close)
        self._text = _new("prse_text *")

    def statistics(self) -> tuple[int, dict[str, tuple[int, int]]]:
        """Return how many documents there are, and each field's words and documents."""
        numbers = _new("uint64_t[]", 1 + 2 * len(self._fields))
        status = lib.prse_site_statistics(self._handle, numbers, len(numbers), self._error)
        raise_for(status, self._error)
        found = list(numbers)
        pairs = zip(found[1::2], found[2::2], strict=True)
        return found[0], dict(zip(self._fields, pairs, strict=True))

    def lengths(self, first: int, end: int) -> Iterator[tuple[int, ...]]:
        """Yield how many words each field has, of documents with ids from `first` on, below `end`.

        They ascend: of each its id, and the number of words for each field.
        """
        status = lib.prse_site_lengths(self._handle, first, end, self._text, self._error)
        raise_for(status, self._error)
        return struct.iter_unpack(f"<Q{len(self._fields)}I", self._answer())

    def frequent(self, least: int, most: int) -> dict[str, int]:
        """Return the words that more than `least` documents have, and up to `most`.

        They ascend, each with how many do. Left out are words that say little, and such as are
        worth about the same to all, as names of cameras, whose lists are short.
        """
        status = lib.prse_site_frequent(self._handle, least, most, self._text, self._error)
        raise_for(status, self._error)
        answer, at = self._answer(), 0
        found = {}
        while at < len(answer):
            documents, length = _WORD.unpack_from(answer, at)
            end = at + _WORD.size + length
            found[answer[at + _WORD.size : end].decode()] = documents
            at = end
        return found

    def set_beside(self, stems: Sequence[str], whole: int, most: int, near: int) -> None:
        """Tell from now on in records what documents have of some stems beside the term.

        Args:
            stems: in the order of their numbers in the records.
            whole: of terms with more documents it is told apart.
            most: so many documents a term may have of which that is told.
            near: so many a word of another stem may have whose rest tells how near it is to them,
                where that tells nothing else.
        """
        texts, _kept = _texts(stems)
        status = lib.prse_site_beside(
            self._handle, texts, len(stems), whole, most, near, self._error
        )
        raise_for(status, self._error)

    def keys(self) -> Iterator[bytes]:
        """Yield the keys of all words and tags, ascending: the text, 0, "w" or "t"."""
        after = b""
        while True:
            given = ffi.from_buffer(after)
            text = _new("prse_text *", {"data": given, "length": len(after)})
            status = lib.prse_site_keys(
                self._handle, text[0], _KEYS_AT_ONCE, self._text, self._error
            )
            raise_for(status, self._error)
            keys = self._answer().split(b"\n")[:-1]
            yield from keys
            if len(keys) < _KEYS_AT_ONCE:
                return
            after = keys[-1]

    def term(self, key: bytes) -> SiteTerm | None:
        """Return what stands under a key, of any kind; None where nothing living does."""
        ((_, term),) = self.terms((key,))
        return term

    def terms(self, keys: Iterable[bytes]) -> Iterator[tuple[bytes, SiteTerm | None]]:
        """Yield each of many keys with what stands under it, at less cost than `term` one by one.

        Args:
            keys: of any kind; the nearer they come to ascending, the sooner they are found.
        """
        waiting = iter(keys)
        ahead: list[bytes] = []
        text, count = _new("prse_text *"), _new("size_t *")
        while True:
            ahead += itertools.islice(waiting, _TERMS_AT_ONCE - len(ahead))
            if not ahead:
                return
            given = b"\n".join((*ahead, b""))
            kept = ffi.from_buffer(given)
            text.data, text.length = kept, len(given)
            status = lib.prse_site_terms(self._handle, text[0], count, self._text, self._error)
            raise_for(status, self._error)
            here = count[0]
            yield from zip(ahead, _terms(self._answer(), here), strict=False)
            del ahead[:here]

    def together(
        self,
        weights: Mapping[str, int],
        lengths: Sequence[int],
        combinations: Iterable[Sequence[str]],
    ) -> Iterator[SiteTogether]:
        """Yield the best documents of combinations of stems that any has together, by key.

        Args:
            weights: of stems, what words of each are worth beside the others'.
            lengths: of each field, how many words it is taken to have: two to the power of so
                many quarters.
            combinations: two or three stems each.
        """
        asked = [sorted(each, key=str.encode) for each in combinations]
        stems = sorted(set().union(*asked), key=str.encode)
        number = {stem: at for at, stem in enumerate(stems)}
        members = [
            each for stems in asked for each in (*map(number.__getitem__, stems), _NO_MEMBER)[:3]
        ]
        texts, _kept = _texts(stems)
        status = lib.prse_site_together(
            self._handle,
            texts,
            _new("uint32_t[]", [weights[stem] for stem in stems]),
            len(stems),
            _new("uint32_t[]", lengths),
            len(lengths),
            _new("uint32_t[]", members),
            len(asked),
            self._text,
            self._error,
        )
        raise_for(status, self._error)
        answer = self._answer()
        at = 0
        while at < len(answer):
            key_length, count, length = _HEAD.unpack_from(answer, at)
            ids = at + _HEAD.size + key_length
            record = ids + 8 * count
            key = answer[at + _HEAD.size : ids]
            at = record + length
            yield SiteTogether(key, answer[ids:record], answer[record:at])

    def near(self, pairs: Sequence[tuple[str, str]]) -> Iterator[list[bytes]]:
        """Yield for pairs of stems which documents have words of both near each other.

        In records one after the other, none where no document has.
        """
        stems = sorted(set().union(*pairs), key=str.encode)
        number = {stem: at for at, stem in enumerate(stems)}
        texts, _kept = _texts(stems)
        members = _new("uint32_t[]", [number[stem] for pair in pairs for stem in pair])
        status = lib.prse_site_near(
            self._handle, texts, len(stems), members, len(pairs), self._text, self._error
        )
        raise_for(status, self._error)
        answer, at = self._answer(), 0
        for _ in pairs:
            (count,) = _NUMBER.unpack_from(answer, at)
            at += _NUMBER.size
            records = []
            for _ in range(count):
                (length,) = _NUMBER.unpack_from(answer, at)
                begin = at + _NUMBER.size
                at = begin + length
                records.append(answer[begin:at])
            yield records

    def _answer(self) -> bytes:
        answer = ffi.buffer(self._text.data, self._text.length)[:] if self._text.length else b""
        if not isinstance(answer, bytes):
            raise SearchArgumentError("the engine answered with what are no bytes")
        return answer


def _terms(answer: bytes, count: int) -> Iterator[SiteTerm | None]:
    """Yield the terms of the engine's answer to so many keys."""
    view = memoryview(answer)
    heads = list(_TERM.iter_unpack(view[: count * _TERM.size]))
    begin = count * _TERM.size
    at = begin + sum(number for _, _, number in heads) * _RECORD.size
    records = _RECORD.iter_unpack(view[begin:at])
    for documents, length, number in heads:
        entry = answer[at : (at := at + length)]
        if not entry:
            yield None
            continue
        here = []
        for band, ids, size, apart in itertools.islice(records, number):
            of = answer[at : (at := at + 8 * ids)]
            postings = answer[at : (at := at + size)]
            here.append(SiteRecord(band, of, postings, answer[at : (at := at + apart)]))
        yield SiteTerm(documents, entry, tuple(here))


def _texts(texts: Sequence[str]) -> tuple[Any, list[Any]]:
    """Return texts as the engine takes them, and what must be kept as long as they are used."""
    kept = [ffi.from_buffer(text.encode()) for text in texts]
    out = _new("prse_text[]", len(kept))
    for text, data in zip(out, kept, strict=True):
        text.data, text.length = data, len(data)
    return out, kept
