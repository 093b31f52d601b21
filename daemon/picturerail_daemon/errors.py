"""Errors that end a command, each with its exit code and one line for its user.

::

    PicturerailError      exit 1: it failed, or damage was found
    ├── UsageError        exit 2: the command or the configuration asks for what cannot be
    ├── BusyError         exit 1: another process holds what is needed
    └── NotThereError     exit 1: what was asked for is not in the library
"""


class PicturerailError(Exception):
    """Something failed; the message says what, where and what to do."""

    exit_code = 1


class UsageError(PicturerailError):
    """The command or configuration asks for what cannot be."""

    exit_code = 2


class BusyError(PicturerailError):
    """Another process holds what is needed."""


class NotThereError(PicturerailError):
    """What was asked for is not in the library."""
