"""Rows of terms in the search index: what the engine says, with what pictures look like.

`SEARCH_INDEX.md` draws them.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Mapping, Sequence

from picturerail_exporter.search_file import varint
from picturerail_exporter.search_state import FREQUENT, LOOK, TERMS, Row, SearchState
from picturerail_native.site_terms import PRESENCE, SiteTerm, SiteTogether

FRONT = 900
"""A term's bands that begin before so many of its documents are its front: they lie apart from the
others, and of most searches what is found is in the front of one of the words."""

WHOLE = 8192
"""Of a term with no more documents all bands are front: a file of the others would be small, and
hold others' as well."""

_SHOWN = 3500
"""Bands of the front that end before so many documents bear with each what it looks like."""
_SHOWN_ALWAYS = 32
"""Where not even a term's first band is one of these, the first documents of it do."""


class Shown:
    """Makes rows of terms, with what the documents of their fronts look like."""

    def __init__(self, search: SearchState, changed: set[int] | None = None) -> None:
        """Prepare for many terms, or for those of which some pictures changed."""
        self._search, self._changed = search, changed
        self._all = search.all_looks() if changed is None else None

    def rows(self, key: bytes, term: SiteTerm, old: Mapping[bytes, bytes]) -> dict[str, list[Row]]:
        """Return a term's rows by their kind (`search_state.TERMS`).

        Args:
            key: of the term.
            term: what the engine says of it.
            old: its rows of postings, which are taken over where they hold the same.
        """
        if term.documents == 1 and term.records:
            return {"terms": [(key, self._alone(key, term))]}
        found: dict[str, list[Row]] = {kind: [] for kind in (*TERMS, FREQUENT)}
        entry = term.entry
        bands: dict[int, int] = {}
        ranked = [record for record in term.records if record.band != PRESENCE]
        for record in ranked:
            bands[record.band] = bands.get(record.band, 0) + len(record.ids) // 8
        ends = dict(zip(bands, itertools.accumulate(bands.values()), strict=True))
        frequent = term.documents > WHOLE
        for number, record in enumerate(ranked):
            ids = struct.unpack(f"<{len(record.ids) // 8}Q", record.ids)
            end = ends[record.band]
            front = not frequent or end - bands[record.band] < FRONT
            seen = ids if front and end < _SHOWN else ids[:_SHOWN_ALWAYS] if not number else ids[:0]
            row = key + bytes([record.band]) + ids[0].to_bytes(8, "big")
            data = varint(len(record.postings)) + record.postings
            data = self._with_looks(data, seen, old.get(row, b""))
            found["postings" if front else "rest"].append((row, data))
        if found["rest"]:
            found["front"], found["postings"] = found["postings"], []
        for record in term.records[len(ranked) :] if frequent else ():
            row = key + bytes([PRESENCE]) + record.ids[7::-1]
            found["presence"].append((row, varint(len(record.postings)) + record.postings))
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
        if found["rest"] or (several and term.documents > FRONT):
            found[FREQUENT].append((key, varint(term.documents)))
        elif several:
            found["postings"].append((key, varint(term.documents)))
        return found

    def _alone(self, key: bytes, term: SiteTerm) -> bytes:
        """Return the entry of a term with one document: a file less to read, and to write."""
        (record,) = term.records
        look = self._looks((int.from_bytes(record.ids, "little"),))
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
        if same and self._changed is not None and self._changed.isdisjoint(ids):
            return old
        return data + columns(self._looks(ids))

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


def columns(looks: bytes) -> bytes:
    """Return looks (`LOOK`): what names each tile, then each one's proportions, then its colour."""
    digests = bytearray(len(looks) // 2)
    digests[::2], digests[1::2] = looks[::LOOK], looks[1::LOOK]
    return b"".join((digests, looks[2::LOOK], looks[3::LOOK]))
