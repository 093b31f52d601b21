"""Everything opened for writing, and the work that one-shot commands and the daemon share."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from picturerail_config import Settings
from picturerail_daemon.describe.interface import Beside
from picturerail_daemon.errors import BusyError, NotThereError, PicturerailError, UsageError
from picturerail_daemon.failpoints import failpoint
from picturerail_daemon.index.follower import IndexFollower
from picturerail_daemon.meaning.words import WordVectors
from picturerail_daemon.mirror.listing import Scope
from picturerail_daemon.mirror.mirror import Examination, Mirror, MirrorOptions
from picturerail_daemon.mirror.report import Report
from picturerail_daemon.service.describers import make_describers, may_describe
from picturerail_daemon.service.describing import DescribeQueue
from picturerail_daemon.service.looking import Looker, MemoryBudget, read_sidecars
from picturerail_daemon.service.places import Layout
from picturerail_daemon.service.roots import Roots, ensure_roots
from picturerail_daemon.service.site_options import site_options, site_recipe
from picturerail_daemon.service.subjects import SubjectMaker
from picturerail_exporter.formats import kind, paired
from picturerail_exporter.places import NoPlacesError
from picturerail_exporter.rendition_store import RenditionStore
from picturerail_exporter.site import ExportReport, export, texts_changed
from picturerail_exporter.site_folder import ExportError
from picturerail_native.database import (
    ConflictError,
    Database,
    LockedError,
    Mode,
    Rows,
    Snapshot,
)
from picturerail_native.records import ImageRow

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, done, of how many)."""


def _heed_nothing(_look: Examination) -> None:
    """Do nothing about a look."""


def no_progress(_what: str, _done: int, _total: int) -> None:
    """Show nothing."""


class Library:
    """The store, index and site with their one writer: this process. A context manager.

    Mirror, describing, index and site may each be worked on by a thread of its own.

    Raises:
        UsageError: a configured folder is not there.
        BusyError: another process is the writer.
    """

    def __init__(self, settings: Settings) -> None:
        """Open everything; recovery is part of opening."""
        self.settings = settings
        self.layout = Layout(settings.store.path)
        check_settings(settings, self.layout)
        self.layout.make()
        self.on_look: Callable[[Examination], None] = _heed_nothing
        with contextlib.ExitStack() as stack:
            self.database = stack.enter_context(_open_store(self.layout.database))
            self.roots: Roots = ensure_roots(self.database, settings.library.folders)
            self.words = word_vectors(settings, self.layout)
            self.index = IndexFollower(
                self.database, self.layout.index, self.words, settings.search.language
            )
            stack.callback(self.index.close)
            self._stack = stack.pop_all()
        self.renditions = RenditionStore(self.layout.renditions)
        describers = make_describers(settings, self.layout)
        recipe = site_recipe(settings.export)
        max_pixels = settings.watch.max_megapixels * 1_000_000
        looker = Looker(
            self.roots.configured,
            self.renditions,
            recipe,
            max_pixels,
            next((d for d in describers if d.name == "sidecar"), None),
            MemoryBudget(settings.watch.memory_mb << 20),
        )
        self._mirror = Mirror(
            self.database,
            self.roots.configured,
            self.roots.former,
            looker,
            lambda name: kind(name).value,
            MirrorOptions(
                settings.watch.settle_seconds,
                settings.store.keep_originals,
                settings.watch.hold_deletions_above,
                settings.watch.cross_mounts,
                settings.watch.workers or max(1, os.cpu_count() or 1),
            ),
            paired,
        )
        self._stack.callback(self._mirror.close)
        self.queue = DescribeQueue(
            self.database,
            describers,
            self.words if settings.meaning.neighbours else None,
            SubjectMaker(self.database, self.renditions, recipe, max_pixels, self._sidecars_of),
            may_describe(settings.describe, self.roots.names),
        )
        self._mirroring = threading.Lock()
        self._describing = threading.Lock()
        self._indexing = threading.Lock()
        self._exporting = threading.Lock()

    def __enter__(self) -> Self:
        """Return the open library."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything."""
        self.close()

    def close(self) -> None:
        """Close everything; what was committed stays."""
        self._stack.close()

    def _sidecars_of(self, row: ImageRow) -> tuple[Beside, ...]:
        folder = self.roots.configured.get(row.root)
        return read_sidecars(folder, row.path) if folder else ()

    def arm_watches(self, arm: Callable[[int, bytes, int], None]) -> None:
        """Hand every folder to `arm`, now and whenever it is listed from now on."""
        self._mirror.arm = arm
        self._mirror.arm_all()

    def begin_look(
        self,
        scopes: dict[int, list[Scope]] | None = None,
        *,
        accept_deletions: bool = False,
        stop: threading.Event | None = None,
    ) -> Examination:
        """Make ready to make the database agree with the folders, or parts of them."""
        return self._mirror.begin(scopes, accept_deletions=accept_deletions, stop=stop)

    def step_look(self, look: Examination) -> bool:
        """Do a little of a look; return whether there is more to do.

        `on_look`, if set, is told of every look that ended, whoever asked for it.
        """
        with self._mirroring:
            if look.step():
                return True
            self.on_look(look)
            return False

    def mirror(
        self,
        scopes: dict[int, list[Scope]] | None = None,
        *,
        accept_deletions: bool = False,
        progress: Progress = no_progress,
        stop: threading.Event | None = None,
    ) -> Report:
        """Make the database agree with the folders, or parts of them."""
        look = self.begin_look(scopes, accept_deletions=accept_deletions, stop=stop)
        while self.step_look(look):
            if look.done:
                progress("Mirroring", look.done, look.total)
        return look.report

    def describe(
        self, progress: Progress = no_progress, stop: threading.Event | None = None
    ) -> None:
        """Describe whatever can be described now, and widen new tags."""
        with self._describing:
            self.queue.work(stop, lambda done, total: progress("Describing", done, total))

    def describe_unless_busy(self) -> None:
        """Describe, unless somebody does: whoever it is comes to the newest change too."""
        if self._describing.acquire(blocking=False):
            try:
                self.queue.work()
            finally:
                self._describing.release()

    def follow(self) -> int:
        """Bring the index up to date; return the transaction reached."""
        with self._indexing:
            seq = self.index.catch_up()
        failpoint("indexed")
        return seq

    def export(
        self, *, full: bool = False, dry_run: bool = False, progress: Progress = no_progress
    ) -> ExportReport:
        """Bring the site up to date."""
        with self._exporting, self.database.snapshot() as snapshot:
            report = export_site(
                snapshot,
                self.settings,
                self.layout,
                self.words,
                full=full,
                dry_run=dry_run,
                progress=progress,
            )
        failpoint("exported")
        return report

    def site_texts_changed(self) -> bool:
        """Tell whether an album's text is not what the site shows; no transaction tells of it."""
        options = site_options(self.settings, self.layout, self.words)
        with self._exporting, self.database.snapshot() as snapshot:
            return texts_changed(snapshot, options)

    def purge(self, ids: Sequence[int]) -> int:
        """Delete rows truly, from store, index, renditions; return the transaction."""
        with self._mirroring:
            with self.database.snapshot() as snapshot:
                hashes = {row.content_hash for i in ids if (row := snapshot.get(i)) is not None}
                hashes |= {row.content_hash for i in ids for row in snapshot.versions(i)}
            seq = self.database.purge(ids)
            self._drop_renditions(hashes)
        with self._indexing:
            self.index.catch_up()
            self.index.compact()
        return seq

    def collect(self) -> int:
        """Forget what was deleted or replaced more than `keep_deleted_days` ago, truly.

        Returns the bytes freed.
        """
        kept_ns = self.settings.store.keep_deleted_days * 86_400 * 10**9
        before = time.time_ns() - kept_ns
        with self._mirroring:
            with self.database.snapshot() as snapshot:
                rows = itertools.chain(snapshot.images(rows=Rows.DELETED), snapshot.versions())
                hashes = {row.content_hash for row in rows if row.deleted_ns < before}
            if not hashes:
                return 0
            self.follow()  # while the feed still tells of what is about to be forgotten
            freed = self.database.collect(before)
            self._drop_renditions(hashes)
        self.follow()
        return freed

    def _drop_renditions(self, hashes: set[bytes]) -> None:
        with self.database.snapshot() as snapshot:
            for content_hash in hashes:
                if not snapshot.find_content(content_hash, Rows.ALL):
                    self.renditions.remove(content_hash)

    def edit(self, image_id: int, change: Callable[[ImageRow], ImageRow]) -> ImageRow:
        """Change a live row as it stands and write it; return it as written."""
        while True:
            with self.database.snapshot() as snapshot:
                row = snapshot.get(image_id)
            if row is None or row.deleted:
                raise NotThereError(f"{image_id}: the picture with this id does not exist")
            changed = change(row)
            try:
                with self.database.begin() as transaction:
                    transaction.update(changed)
            except ConflictError:
                continue  # somebody described it meanwhile
            return changed


def export_site(
    snapshot: Snapshot,
    settings: Settings,
    layout: Layout,
    words: WordVectors,
    *,
    full: bool,
    dry_run: bool,
    progress: Progress,
) -> ExportReport:
    """Export what a snapshot holds."""
    options = site_options(settings, layout, words)
    try:
        return export(
            snapshot,
            options,
            full=full,
            dry_run=dry_run,
            progress=lambda done, total: progress("Exporting", done, total),
        )
    except (ExportError, NoPlacesError) as error:
        raise PicturerailError(str(error)) from error
    except OSError as error:
        raise PicturerailError(
            f"{options.path}: the site cannot be written: {error.strerror or error}"
        ) from error


def check_settings(settings: Settings, layout: Layout) -> None:
    """Find out, before anything starts, whether the settings can be worked with.

    Raises:
        UsageError: naming the key, and what to do.
    """
    check_folders(settings.library.folders)
    make_describers(settings, layout)
    word_vectors(settings, layout)


def word_vectors(settings: Settings, layout: Layout) -> WordVectors:
    """Return the configured word vectors; nothing is loaded yet."""
    meaning = settings.meaning
    return WordVectors(meaning.vectors, meaning.neighbours, layout.models)


def check_folders(folders: Sequence[Path]) -> None:
    """Refuse a folder that is not there, before anything starts.

    Raises:
        UsageError: naming the folder.
    """
    for folder in folders:
        if not folder.is_dir():
            what = "is no folder" if folder.exists() else "does not exist"
            raise UsageError(
                f"{folder}: the folder in `library.folders` {what}; "
                "make it, mount it, or take it out of the configuration"
            )


def _open_store(path: Path) -> Database:
    try:
        return Database(path, Mode.CREATE)
    except LockedError as error:
        raise BusyError(
            f"{path.parent}: process {error.pid} is writing to this store; "
            "stop it, or ask it through `picturerail run`'s commands"
        ) from error
