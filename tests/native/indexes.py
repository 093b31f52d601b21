"""What the tests of the engine share."""

from __future__ import annotations

from pathlib import Path

from picturerail_native import search

UUID = bytes(range(16))


def ids(reader: search.Reader, query: str) -> list[int]:
    """Return the ids found, best first."""
    return [hit.id for hit in reader.search(query).hits]


def found(path: Path, query: str) -> list[int]:
    """Return what a fresh reader finds."""
    with search.Reader(path) as reader:
        return ids(reader, query)
