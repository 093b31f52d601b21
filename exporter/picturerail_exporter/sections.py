"""Cutting a listing into pages whose bounds follow from the pictures alone.

Pages hold about `PER_PAGE` pictures. Going from the last picture to the first (from the oldest to
the newest, where that is the order), a page ends
behind a picture whose own id's checksum says so, once the page holds half of `PER_PAGE`, or
else when it holds half as many again: content-defined chunking (Muthitacharoen and others, SOSP
2001, section 3.1), over pictures in place of bytes. What a page holds depends on nothing
before its first picture, so behind a picture that came or went the old cuts soon come again,
and all other pages stay as they are. A page is named by its oldest picture; the newest one
has the listing's own address, and takes in those before it until it holds `PER_PAGE`.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from picturerail_exporter.collection import Photo
from picturerail_exporter.listings import END, Key
from picturerail_exporter.state import SiteState

PER_PAGE = 40
"""A newest page of 2.5 times as many, less one, still fits into what a first page may weigh."""


@dataclass(frozen=True, slots=True)
class Section:
    """One page of a listing, newest first.

    `number` is its oldest picture's id, None on the newest page. `newer` and `older` are the
    pages beside it, as paths.
    """

    number: int | None
    photos: Sequence[Photo]
    newer: str | None
    older: str | None


def section_path(home: str, number: int | None) -> str:
    """Return the path of one page of a listing; `home` is "" or ends in a slash."""
    return f"{home}index.html" if number is None else f"{home}page/{number}/index.html"


def front_of(state: SiteState, listing: bytes) -> Key | None:
    """Return the oldest picture on a listing's newest page; None where there is no picture."""
    held, front = 0, None
    for start in state.starts_back(listing, END):
        held += state.number_listed(listing, start, front)
        front = start
        if held >= PER_PAGE:
            break
    return front


def recut(
    state: SiteState, listing: bytes, changed: Iterable[Key], front: Key | None = None
) -> set[Key]:
    """Cut a listing again around the places in time that changed.

    Args:
        state: with the pictures as they are now.
        listing: its name.
        changed: the places.
        front: what `front_of` said before they changed; the newest page itself is another matter.

    Returns:
        The starts, old and new, of all sections whose pages may not be what they were.
    """
    touched: set[Key] = set()
    done: Key | None = None
    places = sorted(changed)
    for key in places:
        if done is not None and key < done:
            continue
        start = _sound_start(state, listing, key)
        done = _cut_from(state, listing, start, key, places, touched)
        if done is None:
            break
    now = front_of(state, listing)
    if now == front or now is None:
        return touched
    # Sections come to the newest page or leave it, and the one before leads there.
    first = now if front is None else min(now, front)
    for start in state.starts_back(listing, END):
        touched.add(start)
        if start < first:
            break
    return touched


def _sound_start(state: SiteState, listing: bytes, key: Key) -> Key | None:
    """Return a section's start before a place, which no change at the place can move."""
    backwards = state.starts_back(listing, key)
    next(backwards, None)  # the section that holds the place: what it begins with may be gone
    return next((start for start in backwards if state.stands(listing, start)), None)


def _cut_from(
    state: SiteState,
    listing: bytes,
    start: Key | None,
    changed: Key,
    places: Sequence[Key],
    touched: set[Key],
) -> Key | None:
    """Cut from a section's start to the first old cut behind a change; return that cut.

    Args:
        state: with the pictures as they are now.
        listing: its name.
        start: of a section; None for the listing's beginning.
        changed: the place to come past.
        places: all that changed, ascending.
        touched: is given the starts of sections that changed, or that lie beside others now.
    """
    old: list[Key] = []
    olds = state.starts(listing, start)
    ahead = next(olds, None)
    new: list[Key] = []
    end: Key | None = None
    for first in _cuts(state.keys(listing, start)):
        while ahead is not None and ahead < first:
            old.append(ahead)
            ahead = next(olds, None)
        if first == ahead and first > changed:
            end = first
            break
        new.append(first)
    else:
        while ahead is not None:
            old.append(ahead)
            ahead = next(olds, None)
    for gone in set(old).difference(new):
        state.drop_start(listing, gone)
    for added in set(new).difference(old):
        state.add_start(listing, added)
    before, now = _beside(old, end), _beside(new, end)
    touched |= before.keys() ^ now.keys()
    for section, (earlier, later) in now.items():
        at = bisect_left(places, section)
        holds_change = at < len(places) and (later is None or places[at] < later)
        if holds_change or before.get(section) != (earlier, later):
            touched.add(section)
    if end is not None and old[-1:] != new[-1:]:
        touched.add(end)
    return end


def _beside(starts: Sequence[Key], end: Key | None) -> dict[Key, tuple[Key | None, Key | None]]:
    """Return the starts before and behind each, as far as they are among these."""
    around = [None, *starts, end]
    return {key: (around[at], around[at + 2]) for at, key in enumerate(starts)}


def _cuts(keys: Iterable[Key]) -> Iterator[Key]:
    least = max(1, PER_PAGE // 2)
    held = 0
    ended = True
    for key in keys:
        if ended:
            yield key
            held, ended = 0, False
        held += 1
        fit = zlib.crc32(key[1].to_bytes(8, "big")) % least == 0
        ended = (held >= least and fit) or held >= 3 * PER_PAGE // 2


class Listing:
    """A listing as it is cut now: which pages it has, and what is on them."""

    def __init__(self, state: SiteState, listing: bytes, home: str) -> None:
        """Look at its newest pages."""
        self._state, self._listing, self.home = state, listing, home
        self.front = front_of(state, listing)
        """The oldest picture on the newest page; None where there is no picture."""

    def path(self, start: Key) -> str:
        """Return the path of the page that begins there, which may not be there any more."""
        return section_path(self.home, start[1])

    def exists(self, start: Key) -> bool:
        """Tell whether a page of its own begins at a place."""
        if next(self._state.starts(self._listing, start), None) != start:
            return False
        return self.front is not None and start < self.front

    def newest(self) -> Section:
        """Return the newest page."""
        photos = self._state.listed(self._listing, self.front, None) if self.front else []
        return Section(None, photos, None, self._older(self.front))

    def page(self, start: Key) -> Section:
        """Return the page that begins at a place."""
        following = self._state.starts(self._listing, start)
        next(following)
        end = next(following)  # there is one, for the newest page is no page of this kind
        newer = None if end == self.front else end[1]
        return Section(
            start[1],
            self._state.listed(self._listing, start, end),
            section_path(self.home, newer),
            self._older(start),
        )

    def _older(self, start: Key | None) -> str | None:
        if start is None:
            return None
        _, before = _two(self._state.starts_back(self._listing, start))
        return None if before is None else self.path(before)


def _two(keys: Iterator[Key]) -> tuple[Key | None, Key | None]:
    return next(keys, None), next(keys, None)
