"""Rows of terms in the search index: what the engine says, with what pictures look like.

`SEARCH_INDEX.md` draws them.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Mapping, Sequence

from picturerail_exporter.search_file import (
    LOOK,
    is_number,
    key_apart,
    number_of,
    texts_told,
    varint,
)
from picturerail_exporter.search_state import FREQUENT, TERMS, Row, SearchState
from picturerail_native.site_terms import SiteTerm, SiteTogether

FRONT = 400
"""A term's bands that begin before so many of its documents are its front: they lie apart from the
others, and of most searches what is found is in the front of one of the words."""

_MANY = 900
"""Of a stem of several words the root tells how many documents have any, where these are more."""

WHOLE = 8192
"""Of a term with no more documents all bands are front: a file of the others would be small, and
hold others' as well."""

SHOWN = 12_500
"""Terms with fewer documents bear with each what it looks like: where several such words are asked
for together, what is found may lie anywhere. Of longer lists it would be too much to read."""
BANDED = 3500
"""Terms with fewer documents are one band; of longer ones those bands of the front show what
documents look like that end before so many of them."""
INVITING = 20
"""A word of this level (`native/search/SITE.md`), of 2,048 documents or more, invites searches, and
each finds what begins with it, too. Of such words no file is to be read only for that: so what few
documents have lies in the list of terms, which each search reads."""
_FEW, _FEW_OF_MANY = 800, 3200
"""So many bytes may postings take that lie there; in a large collection (`Beside.is_large`), where
as rare words are in more pictures, four times as many."""
_LEAST_LETTERS = 3
"""What begins with fewer letters are too many words."""
_SHOWN_ALWAYS = 32
"""Where not even a term's first band is one of these, the first documents of it do."""


OldRows = Mapping[str, Mapping[bytes, bytes]]


class Shown:
    """Makes rows of terms, with what the documents of their fronts look like."""

    def __init__(
        self, search: SearchState, changed: set[int] | None = None, *, large: bool = False
    ) -> None:
        """Prepare for many terms, or for those of which some pictures changed.

        Args:
            search: the state of the index.
            changed: the pictures.
            large: whether there are very many (`Beside.is_large`).
        """
        self._search, self._changed = search, changed
        self._few = _FEW_OF_MANY if large else _FEW
        self._all = search.all_looks() if changed is None else None
        self._inviting: set[bytes] = set()  # keys of such words, where all terms are made

    def rows(self, key: bytes, term: SiteTerm, old: OldRows) -> dict[str, list[Row]]:
        """Return a term's rows by their kind (`search_state.TERMS`).

        Args:
            key: of the term.
            term: what the engine says of it.
            old: its rows as they were, by kind, which are taken over where they hold the same.
        """
        if term.documents == 1 and term.records:
            return {"terms": [(key, self._alone(key, term))]}
        found = self._records(key, term, old)
        entry = term.entry
        if key.endswith(b"w"):
            if is_inviting(entry):
                self._inviting.add(key)
            if self._lies_in_terms(key, found):
                ((_, value),) = found["postings"]
                return {"terms": [(key, varint(0) + value)]}
        if key.endswith(b"t"):
            entry = self._written(key[:-2].decode()) + entry
        if key.endswith(b"n"):
            # A frequent word is looked for here and in its front: that is one file.
            kind = "front" if self._search.is_frequent(key[:-2]) else "postings"
        else:
            kind = "terms"
        found[kind].append((key, entry))
        # How many documents there are is told where these are, or in the root: in the list of terms
        # it would be another file to change for each.
        stem = key.endswith(b"s")
        several = stem and entry[0] > 1  # of one the documents are its own
        if (several and term.documents > _MANY) or (not stem and term.documents > WHOLE):
            found[FREQUENT].append((key, varint(term.documents)))
        elif several:
            found["postings"].append((key, varint(term.documents)))
        return found

    def _lies_in_terms(self, key: bytes, found: Mapping[str, Sequence[Row]]) -> bool:
        """Tell whether a word's postings, which are these rows, lie in the list of terms."""
        rows = found["postings"]
        if len(rows) != 1 or len(rows[0][1]) > self._few or is_number(key):
            return False
        word = key[:-2].decode()
        return any(self._invites(word[:end]) for end in range(_LEAST_LETTERS, len(word)))

    def _invites(self, beginning: str) -> bool:
        """Tell whether what a word begins with is a word that invites searches."""
        key = beginning.encode() + b"\0w"
        if self._changed is None:  # its turn was before: terms ascend
            return key in self._inviting
        return is_inviting(self._search.row("terms", key))

    def _records(self, key: bytes, term: SiteTerm, old: OldRows) -> dict[str, list[Row]]:
        """Return the rows of a term's records, by kind."""
        found: dict[str, list[Row]] = {kind: [] for kind in (*TERMS, FREQUENT)}
        bands: dict[int, int] = {}
        for record in term.records:
            bands[record.band] = bands.get(record.band, 0) + len(record.ids) // 8
        ends = dict(zip(bands, itertools.accumulate(bands.values()), strict=True))
        frequent = term.documents > WHOLE
        rest = {band for band in bands if frequent and ends[band] - bands[band] >= FRONT}
        every = term.documents < SHOWN
        for number, record in enumerate(term.records):
            ids = struct.unpack(f"<{len(record.ids) // 8}Q", record.ids)
            kind = "rest" if record.band in rest else "front" if rest else "postings"
            whole = every or (kind != "rest" and ends[record.band] < BANDED)
            seen = ids if whole else ids[: 0 if number else _SHOWN_ALWAYS]
            first = not number or record.band != term.records[number - 1].band
            row = _key_of(key, record.band, ids[0], first=first)
            data = varint(len(record.postings)) + record.postings
            before = old.get(kind, {}).get(row, b"")
            found[kind].append((row, self._with_looks(data, seen, before)))
            for stem, told in enumerate(texts_told(record.beside)):
                found["beside"].append((key_apart(key, stem, row), told))
        return found

    def _alone(self, key: bytes, term: SiteTerm) -> bytes:
        """Return the entry of a term with one document: a file less to read, and to write."""
        (record,) = term.records
        # Numbers in filenames are many, and few ask for one.
        shown = () if is_number(key) else (int.from_bytes(record.ids, "little"),)
        look = columns(self._looks(shown))
        written = self._written(key[:-2].decode()) if key.endswith(b"t") else b""
        return b"".join((written, varint(0), varint(len(record.postings)), record.postings, look))

    def row_of(self, together: SiteTogether, old: bytes) -> bytes:
        """Return the row of the best pictures of several stems; `old` is as it was."""
        ids = struct.unpack(f"<{len(together.shown) // 8}Q", together.shown)
        return self._with_looks(varint(len(together.record)) + together.record, ids, old)

    def _with_looks(self, data: bytes, ids: Sequence[int], old: bytes) -> bytes:
        """Return a record with what these pictures look like behind it.

        Args:
            data: the record.
            ids: ascending.
            old: its row as it was, which is taken over where it holds the same.
        """
        if not ids:
            return data
        same = old.startswith(data) and len(old) == len(data) + LOOK * len(ids)
        if same and self._stay(ids):
            return old
        return data + columns(self._looks(ids))

    def _stay(self, ids: Sequence[int]) -> bool:
        """Tell whether none of these pictures changed."""
        return self._changed is not None and self._changed.isdisjoint(ids)

    def _looks(self, ids: Sequence[int]) -> bytes:
        """Return what pictures look like, one after the other, in the order of their ids."""
        if self._all is None:
            return self._search.looks(ids)
        every = self._all
        return b"".join([every[number * LOOK : number * LOOK + LOOK] for number in ids])

    def _written(self, folded: str) -> bytes:
        """Return how a tag is written, as a text; an empty one where it is so folded."""
        tag = self._search.tag(folded)
        text = b"" if tag is None or tag[0] == folded else tag[0].encode(errors="replace")
        return varint(len(text)) + text


def is_inviting(entry: bytes | None) -> bool:
    """Tell whether a word with such an entry, or none, has what begins with it close by."""
    return entry is not None and number_of(entry) >= INVITING


def columns(looks: bytes) -> bytes:
    """Return looks (`LOOK`) column after column."""
    return b"".join([looks[column::LOOK] for column in range(LOOK)])


def _key_of(term: bytes, band: int, number: int, *, first: bool) -> bytes:
    """Return the key of a record that begins with this id, which a band's first does not tell."""
    return term + bytes([band]) + (b"" if first else number.to_bytes(8, "big"))
