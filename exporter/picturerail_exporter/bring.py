"""Bringing planned files into a site's folder: only those whose bytes differ are written.

Files are brought some at a time. Each is named in the folder's lists before it is written, and what
is known of them is forgotten once the lists say it, so memory does not grow with the site.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from picturerail_exporter.files import link_or_copy, write_atomically
from picturerail_exporter.media import MEDIA
from picturerail_exporter.plan import Gone, Linked, Written
from picturerail_exporter.render_missing import Progress
from picturerail_exporter.site_folder import PICTURE_MARK, SiteFolder, digest
from picturerail_exporter.state import SiteState

_AT_ONCE = 10_000


class Paths(Sequence[str]):
    """Many paths on the site, in the order in which they were added, packed."""

    def __init__(self, paths: Iterable[str] = ()) -> None:
        """Hold some to begin with."""
        self._packed: list[bytes] = []
        self._open: list[str] = []
        for path in paths:
            self.add(path)

    def add(self, path: str) -> None:
        """Add one."""
        self._open.append(path)
        if len(self._open) == _AT_ONCE:
            self._packed.append(zlib.compress("\n".join(self._open).encode(), 1))
            self._open.clear()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._packed) * _AT_ONCE + len(self._open)

    def __iter__(self) -> Iterator[str]:
        """Yield them all."""
        for packed in self._packed:
            yield from zlib.decompress(packed).decode().split("\n")
        yield from self._open

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...

    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        """Return one of them, or some."""
        return list(self)[at]


@dataclass(slots=True)
class Effects:
    """What became of files: those added, changed and removed; and how many the site has more."""

    added: Paths = field(default_factory=Paths)
    changed: Paths = field(default_factory=Paths)
    removed: Paths = field(default_factory=Paths)
    more: int = 0
    wanted: int = 0


class Bringer:
    """Writes to one site's folder."""

    def __init__(
        self, folder: SiteFolder, *, verify: bool, dry_run: bool, progress: Progress | None
    ) -> None:
        """Keep how it is done.

        Args:
            folder: the site's.
            verify: look at what is on disk, instead of believing the marks.
            dry_run: write nothing.
            progress: told how far the writing is.
        """
        self._folder, self._verify, self._dry_run = folder, verify, dry_run
        self._progress = progress
        self.effects = Effects()

    def bring(
        self,
        files: Iterable[Written | Linked | Gone],
        expected: int,
        remembering: SiteState | None = None,
    ) -> set[str]:
        """Write what differs; return the paths of those that must not be there.

        Args:
            files: in the order in which they are to appear.
            expected: about how many there are.
            remembering: is told what is wanted, for `remove_others`.
        """
        gone: set[str] = set()
        rest, effects = iter(files), self.effects
        if not self._dry_run:
            self._folder.begin()
        while some := list(itertools.islice(rest, _AT_ONCE)):
            wanted = [file for file in some if not isinstance(file, Gone)]
            gone.update(file.path for file in some if isinstance(file, Gone))
            paths = sorted(file.path for file in wanted)
            effects.more += sum(self._folder.marks.get(path) is None for path in paths)
            if remembering is not None:
                remembering.want(paths)
            if not self._dry_run:
                self._folder.marks.relieve()
                self._folder.marks.begin(paths)
            for file in wanted:
                self._bring(file)
                effects.wanted += 1
                if self._progress and effects.wanted % 100 == 0:
                    self._progress(effects.wanted, max(expected, effects.wanted))
        if self._progress:
            self._progress(effects.wanted, effects.wanted)
        return gone

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files of ours, and forget them; pages before the pictures that they show."""
        there = (path for path in paths if self._folder.marks.get(path) is not None)
        for path in sorted(there, key=lambda path: (path.startswith(f"{MEDIA}/"), path)):
            self._remove(path)

    def remove_others(self, state: SiteState) -> None:
        """Remove all files of ours that `state` was not told to be wanted."""
        marks = self._folder.marks
        if not self._dry_run:
            marks.relieve(0)
        for of_media in (False, True):
            for path in (of_file[0] for of_file in marks.items()):
                if path.startswith(f"{MEDIA}/") == of_media and not state.is_wanted(path):
                    self._remove(path)

    def _remove(self, path: str) -> None:
        if (self._folder.path / path).exists():
            self.effects.removed.add(path)
        self.effects.more -= 1
        if not self._dry_run:
            self._folder.remove(path)

    def _bring(self, file: Written | Linked) -> None:
        marks = self._folder.marks
        known = marks.get(file.path)
        mark, changes = self._picture(file) if isinstance(file, Linked) else self._bytes(file)
        if changes:
            (self.effects.changed if known else self.effects.added).add(file.path)
        if not self._dry_run:
            marks.set(file.path, mark)

    def _picture(self, file: Linked) -> tuple[str, bool]:
        place = self._folder.path / file.path
        mark = PICTURE_MARK + file.content
        changes = (
            not self._folder.has(file.path)
            or self._folder.marks.get(file.path) != mark
            or (self._verify and _differ(file.picture, place))
        )
        if changes and not self._dry_run:
            link_or_copy(file.picture, place)
        return mark, changes

    def _bytes(self, file: Written) -> tuple[str, bool]:
        place = self._folder.path / file.path
        data = file.make()
        mark = digest(data)
        changes = not self._folder.has(file.path) or mark != (
            digest(place.read_bytes()) if self._verify else self._folder.marks.get(file.path)
        )
        if changes and not self._dry_run:
            write_atomically(place, data)
        return mark, changes


def _differ(picture: Path, place: Path) -> bool:
    if not picture.exists():
        return False  # only where nothing is rendered: on a dry run
    return not picture.samefile(place) and picture.read_bytes() != place.read_bytes()
