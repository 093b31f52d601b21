"""What of a picture may be published, by the folder it lies in.

A rule names folders by globs over `Name of the watched folder/folder/folder`: `*` and `?` stay
within one name, `**` spans any number of folders, and a glob that matches a folder holds for all
below it. Later rules go before earlier ones, each only in what it says.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from picturerail_native.records import ImageRow

PLACES = ("none", "country", "town", "exact")
"""How much of a place is told, from nothing to the position itself."""

ORIGINALS = ("none", "stripped", "full")
"""What of a picture's own file may be downloaded: nothing, a copy without metadata, all of it."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What is published of a folder's pictures.

    `show`: they themselves. `place`: one of `PLACES`. `private_keywords`: tags that the site's
    private keywords match. `originals`: one of `ORIGINALS`.
    """

    show: bool = True
    place: str = "none"
    private_keywords: bool = False
    originals: str = "none"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is allowed otherwise in some folders; None leaves it as it is."""

    folders: tuple[str, ...]
    show: bool | None = None
    place: str | None = None
    private_keywords: bool | None = None
    originals: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a site: what holds everywhere, what holds in some folders.

    `private` are globs of keywords, matched whole and whatever the case.
    """

    everywhere: Allowed = Allowed()
    folders: tuple[Rule, ...] = ()
    private: tuple[str, ...] = ()

    def of(self, folder: tuple[bytes, ...]) -> Allowed:
        """Return what is allowed in a folder."""
        return _allowed(self, folder)

    def is_private(self, keyword: str) -> bool:
        """Tell whether a keyword is one of the private ones."""
        return _is_private(self.private, " ".join(keyword.split()).casefold())


def matches(globs: Iterable[str], folder: tuple[bytes, ...]) -> bool:
    """Tell whether one of some globs names a folder or one that it lies in."""
    path = "".join(part.decode("utf-8", "surrogateescape") + "/" for part in folder)
    return any(_folder_glob(glob).fullmatch(path) for glob in globs)


def folder_parts(row: ImageRow, root_name: str) -> tuple[bytes, ...]:
    """Return the names of the folders that a row lies in, its root's first."""
    name = root_name.encode(errors="surrogateescape")
    return (name, *(part for part in row.path.split(b"/")[:-1] if part))


EVERYTHING = Rules()
"""Where nothing is configured: every picture is shown, and nothing private of it."""


@functools.lru_cache(maxsize=65536)
def _allowed(rules: Rules, folder: tuple[bytes, ...]) -> Allowed:
    allowed = rules.everywhere
    for rule in rules.folders:
        if matches(rule.folders, folder):
            said = {
                name: value
                for name in ("show", "place", "private_keywords", "originals")
                if (value := getattr(rule, name)) is not None
            }
            allowed = replace(allowed, **said)
    return allowed


@functools.lru_cache(maxsize=65536)
def _is_private(globs: tuple[str, ...], keyword: str) -> bool:
    return any(_pattern(glob.casefold(), r".*", r".").fullmatch(keyword) for glob in globs)


@functools.lru_cache(maxsize=1024)
def _folder_glob(glob: str) -> re.Pattern[str]:
    parts = (
        "(?:[^/]+/)*" if part == "**" else _source(part, "[^/]*", "[^/]") + "/"
        for part in glob.strip("/").split("/")
    )
    return re.compile("".join(parts) + ".*", re.DOTALL)


@functools.lru_cache(maxsize=1024)
def _pattern(glob: str, any_number: str, any_one: str) -> re.Pattern[str]:
    return re.compile(_source(glob, any_number, any_one), re.DOTALL)


def _source(glob: str, any_number: str, any_one: str) -> str:
    each = {"*": any_number, "?": any_one}
    return "".join(each.get(letter, re.escape(letter)) for letter in glob)
