"""What the engine takes and answers, as values."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Via(enum.IntEnum):
    """How a document came to match a query's word."""

    EXACT = 0
    PREFIX = 1
    PHRASE = 2
    NEIGHBOUR = 3
    TYPO = 4
    FORM = 5


class Sort(enum.IntEnum):
    """What hits are sorted by: their score, their documents' `order`, or their filename."""

    SCORE = 0
    NEWEST = 1
    OLDEST = 2
    NAME = 3


@dataclass(frozen=True, slots=True)
class Match:
    """Why a document matched; see `prse_match` in the C header."""

    field: str
    query_word: str
    word: str
    via: Via
    similarity: float
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Hit:
    """A document found, with its score and why.

    The score is the sum of the matches' and of `proximity`, what the nearness of words adds;
    both are told only where the reasons are.
    """

    id: int
    score: float
    matches: tuple[Match, ...] = ()
    proximity: float = 0.0


@dataclass(frozen=True, slots=True)
class Results:
    """One page of hits, the number of all, and whether "all words" was relaxed to "any"."""

    hits: tuple[Hit, ...]
    total: int
    relaxed: bool
    facets: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    """By field: its most frequent values among all that match, with how many bear them."""


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
    tail: bool = False
    """The last letter of ideographs or kana once more, which queries do without."""
