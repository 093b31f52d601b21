"""The search index: words and vectors of the pictures, on disk.

A `Writer` belongs to one thread at a time; a `Reader` may be shared. Every method releases
the interpreter's lock while the engine works.

Errors::

    SearchError
    ├── NoIndexError         no index in that folder, or no such document
    ├── SearchArgumentError  an argument breaks a documented rule
    ├── SearchStorageError   the operating system refused
    ├── RebuildError         the index cannot be used as it is: destroy it and build it again
    │   ├── DamagedIndexError      bytes on disk are not what was written
    │   ├── NewerIndexError        its format is newer than this program
    │   └── ForeignIndexError      it follows another database
    └── SearchInternalError  a defect of the engine
"""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self


class SearchError(Exception):
    """The engine refused or failed; the message names the file and the reason."""


class Via(enum.IntEnum):
    """How a document came to match a query's word."""

    EXACT = 0
    PREFIX = 1
    PHRASE = 2
    NEIGHBOUR = 3


@dataclass(frozen=True, slots=True)
class Match:
    """Why a document matched; see `prse_match` in the C header."""

    field: str
    query_word: str
    word: str
    via: Via
    similarity: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A document found, with its score and why."""

    id: int
    score: float
    matches: tuple[Match, ...] = ()


@dataclass(frozen=True, slots=True)
class Results:
    """One page of hits, the number of all, and whether "all words" was relaxed to "any"."""

    hits: tuple[Hit, ...]
    total: int
    relaxed: bool


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """An index's counts; see `prse_info` in the C header."""

    uuid: bytes
    seq: int
    documents: int
    terms: int
    tags: int
    vectors: int
    disk_bytes: int
    segments: int
    format: int


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text: its folded form and where it stands in the text's UTF-8 bytes."""

    term: str
    begin: int
    end: int
    position: int


class Writer:
    """The index open for writing. A context manager that closes it."""

    def __init__(self, path: str | os.PathLike[str], uuid: bytes) -> None:
        """Open or make the index that follows the database `uuid`."""
        raise NotImplementedError

    def __enter__(self) -> Self: ...
    def close(self) -> None:
        """Close; what was not committed is forgotten."""

    info: IndexInfo

    def put(self, doc_id: int, fields: Iterable[tuple[str, str]], *, order: int = 0) -> None:
        """Add or replace a document; `order` breaks ties of the score, the higher first."""

    def remove(self, doc_id: int) -> None:
        """Remove a document with its vectors."""

    def set_neighbours(self, tag: str, words: Sequence[tuple[str, float]]) -> None:
        """Set a tag's nearest words for all documents that bear it; none removes them."""

    def put_vector(self, doc_id: int, space: str, values: Sequence[float]) -> None:
        """Set a document's vector in a space (a numpy float32 array is taken as it is)."""

    def commit(self, seq: int) -> None:
        """Make everything durable and visible, and record that `seq` is reached."""

    def compact(self) -> None:
        """Merge all segments into one without the dead."""


class Reader:
    """A committed state of the index. A context manager that closes it."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open the newest committed state."""

    def __enter__(self) -> Self: ...
    def close(self) -> None: ...
    def refresh(self) -> bool:
        """Move to the newest committed state; return whether there was a newer one."""

    info: IndexInfo

    def search(self, query: str, *, limit: int = 20, skip: int = 0, threads: int = 0,
               weights: Mapping[str, float] | None = None, explain: bool = True) -> Results:
        """Find documents, best first; `explain=False` saves finding out why."""

    def nearest(self, space: str, values: Sequence[float], limit: int = 20) -> tuple[Hit, ...]:
        """Return the documents nearest to a vector; `score` is the cosine."""

    def similar(self, space: str, doc_id: int, limit: int = 20) -> tuple[Hit, ...]:
        """Return the documents nearest to a document's own vector.

        Raises:
            NoIndexError: the document has no vector in this space.
        """

    def documents(self) -> Iterator[int]:
        """Yield the ids of all live documents, ascending."""


def analyse(text: str) -> list[Token]:
    """Cut a text into folded words, as the index does."""


def destroy(path: str | os.PathLike[str]) -> None:
    """Remove an index, also a damaged one; other files in the folder are left alone."""


def check(path: str | os.PathLike[str]) -> None:
    """Verify every checksum and structure.

    Raises:
        DamagedIndexError: with what is damaged and where.
    """
