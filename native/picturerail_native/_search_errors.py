"""What the engine's calls raise.

Errors::

    SearchError
    ├── NoIndexError         no index in that folder, or no such document
    ├── SearchArgumentError  an argument breaks a documented rule
    ├── SearchStorageError   the operating system refused
    ├── RebuildError         the index cannot be used as it is: destroy it and build it again
    │   ├── DamagedIndexError      bytes on disk are not what was written
    │   ├── NewerIndexError        its format is newer than this program
    │   ├── OlderIndexError        its format is older than this program reads
    │   └── ForeignIndexError      it follows another database
    └── SearchInternalError  a defect of the engine
"""

from __future__ import annotations

from typing import Any

from picturerail_native._search import ffi, lib


class SearchError(Exception):
    """The engine refused or failed; the message names the file and the reason."""


class NoIndexError(SearchError):
    """There is no index in that folder, or no such document."""


class SearchArgumentError(SearchError):
    """An argument breaks a documented rule."""


class SearchStorageError(SearchError):
    """The operating system refused; the message says what."""


class RebuildError(SearchError):
    """The index cannot be used as it is: destroy it and build it again."""


class DamagedIndexError(RebuildError):
    """Bytes on disk are not what was written."""


class NewerIndexError(RebuildError):
    """The index's format is newer than this program."""


class OlderIndexError(RebuildError):
    """The index's format is older than this program reads."""


class ForeignIndexError(RebuildError):
    """The index follows another database."""


class SearchInternalError(SearchError):
    """A defect of the engine."""


_ERRORS: dict[int, type[SearchError]] = {
    lib.PRSE_NOT_FOUND: NoIndexError,
    lib.PRSE_INVALID: SearchArgumentError,
    lib.PRSE_IO: SearchStorageError,
    lib.PRSE_CORRUPT: DamagedIndexError,
    lib.PRSE_UNSUPPORTED: NewerIndexError,
    lib.PRSE_OUTDATED: OlderIndexError,
    lib.PRSE_FOREIGN: ForeignIndexError,
}


def raise_for(status: int, error: Any) -> None:
    """Raise what a status stands for, with the engine's own words; do nothing on success."""
    if status != lib.PRSE_OK:
        message = ffi.string(error.message)
        assert isinstance(message, bytes)
        raise _ERRORS.get(status, SearchInternalError)(message.decode("utf-8", "replace"))
