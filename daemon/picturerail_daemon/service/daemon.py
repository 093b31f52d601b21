"""The daemon's life: threads that each do one thing, and the wait that tells the truth.

The mirror thread looks where hints point; the describer thread works off its backlog; the
follower thread brings index and site up to the database. They are woken by each other's
commits and by nothing else, so an idle daemon does not run.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from picturerail_config import ConfigError, Settings, load
from picturerail_daemon import status
from picturerail_daemon.errors import PicturerailError, UsageError
from picturerail_daemon.mirror.listing import Scope
from picturerail_daemon.mirror.mirror import Examination
from picturerail_daemon.mirror.plan import Place
from picturerail_daemon.priority import DESCRIBING, yield_to_others
from picturerail_daemon.service import operations
from picturerail_daemon.service.control import ControlServer, Progress
from picturerail_daemon.service.heart import Heart
from picturerail_daemon.service.library import Library, check_settings
from picturerail_daemon.service.looks import Looks
from picturerail_daemon.service.notify import notify, reloading, watchdog_seconds
from picturerail_daemon.service.space import SpaceWatch
from picturerail_daemon.watch.dirty import DirtySet
from picturerail_daemon.watch.watcher import Watcher

log = logging.getLogger(__name__)

MISSING_RETRY_SECONDS = 5.0
"""When to look again for a folder that is not there."""

SITE_RETRY_SECONDS = 30.0
"""When to export again after the site could not be written."""


class Daemon:
    """Watches, mirrors, describes, indexes and exports until told to stop.

    Args:
        settings: what to do.
        config: the file they came from, read again on SIGHUP.
        on_ready: called once the watches are armed and recovery is over.
    """

    def __init__(
        self, settings: Settings, config: Path, on_ready: Callable[[Daemon], None] | None = None
    ) -> None:
        """Keep what is needed; `run` opens everything."""
        self._settings = settings
        self._config = config
        self._on_ready = on_ready
        self._stop = threading.Event()
        self._reload = threading.Event()
        self._wake = threading.Event()
        self._changed = threading.Condition()
        self._held: dict[int, int] = {}
        self._missing: set[int] = set()
        self._left_out: dict[str, int] = {}
        self._waiting: set[Place] = set()
        self._foreign: set[int] = set()
        self._looked_at: dict[int, float] = {}
        self._heart = Heart()
        self._told = ""
        self._commands = 0
        self._described_seq = -1
        self._index_seq = 0
        self._site_error = ""
        self._last_error = ""
        self._refusal = ""
        self._started = time.time()
        self._describer_work = threading.Event()
        self._follower_work = threading.Event()

    def stop(self) -> None:
        """Finish what is in hand and end; safe to call from a signal handler."""
        self._stop.set()
        self._wake.set()

    def run(self) -> None:
        """Run until stopped. Raises PicturerailError where it cannot start."""
        while True:
            self._reload.clear()
            self._run_with_settings()
            if self._stop.is_set():
                return
            log.info("running with the new configuration")

    def _run_with_settings(self) -> None:
        settings = self._settings
        self._library = Library(settings)
        self._library.on_look = self._note
        self._space = SpaceWatch(self._library.layout.store)
        self._waiting.clear()
        self._held.clear()
        self._described_seq = -1
        self._heart = Heart()
        self._dirty = DirtySet(settings.watch.settle_seconds)
        self._watcher = Watcher(
            self._library.roots.configured,
            self._dirty,
            settings.watch.backend,
            settings.watch.polling_seconds,
            self._wake.set,
        )
        self._ending = threading.Event()
        self._looks = Looks(
            self._library,
            self._dirty,
            settings.watch.rescan_minutes * 60,
            self._ending,
            beat=lambda: self._heart.beat("mirror"),
            rest=lambda: self._heart.rest("mirror"),
            on_end=self._note_end_of_looks,
        )
        control = ControlServer(self._library.layout, self._answer)
        threads = [
            threading.Thread(target=self._guard, args=(work,), name=name)
            for name, work in (
                ("mirror", self._looks.run),
                ("describer", self._describe_forever),
                ("follower", self._follow_forever),
            )
        ]
        try:
            # Watches first, then the scan: what changes in between is seen twice, not never.
            self._watcher.start()
            self._library.arm_watches(self._watcher.arm)
            self._dirty.mark_all(self._library.roots.configured)
            for thread in threads:
                thread.start()
            self._publish()
            notify("READY=1", "STATUS=Watching", f"MAINPID={os.getpid()}")
            if self._on_ready is not None:
                self._on_ready(self)
                self._on_ready = None
            self._supervise(threads)
        finally:
            if self._stop.is_set():
                notify("STOPPING=1")
            self._ending.set()
            self._dirty.close()
            self._describer_work.set()
            self._follower_work.set()
            control.close()
            self._watcher.stop()
            for thread in threads:
                if thread.is_alive():
                    thread.join()
            with self._changed:
                self._changed.notify_all()
            with contextlib.suppress(OSError):
                status.publish(self._library.layout.store, self._state("stopped"))
            self._library.close()

    def _supervise(self, threads: list[threading.Thread]) -> None:
        """Wait for signals and trouble; tell systemd that all threads live, if they do.

        Without systemd's watchdog there is nothing to wake up for.
        """
        beat = watchdog_seconds()
        while not self._stop.is_set():
            self._wake.wait(beat)
            self._wake.clear()
            if self._reload.is_set() and self._take_new_settings():
                return
            self._watcher.tend()
            if not all(thread.is_alive() for thread in threads):
                raise PicturerailError(f"a part of the daemon died: {self._last_error}")
            stuck = self._heart.stuck()
            if stuck:
                self._last_error = f"not getting on: {', '.join(stuck)}"
                log.error("%s", self._last_error)
            elif beat is not None and self._watcher.alive:
                notify("WATCHDOG=1", f"STATUS={self._sentence()}")

    def _guard(self, work: Callable[[], None]) -> None:
        """Run a thread's work; its end by a defect ends the daemon, which systemd restarts."""
        try:
            work()
        except Exception as error:
            self._last_error = f"{threading.current_thread().name}: {error}"
            log.exception("the %s thread failed", threading.current_thread().name)
            self._wake.set()

    # ---- mirroring ----

    def _note_end_of_looks(self) -> None:
        with self._changed:
            self._changed.notify_all()
        self._describer_work.set()
        self._follower_work.set()
        self._space.look()
        self._publish()
        sentence = self._sentence()
        if sentence != self._told:
            self._told = sentence
            notify(f"STATUS={sentence}")

    def _note(self, look: Examination) -> None:
        """Learn what a look came to, whoever asked for it."""
        report, scopes = look.report, look.scopes
        self._missing = (self._missing - scopes.keys()) | set(report.missing_roots)
        whole = {root for root, parts in scopes.items() if parts == [Scope()]}
        for root in whole:
            self._held.pop(root, None)
            self._foreign.discard(root)
            self._looked_at[root] = time.time()
            self._watcher.looked(root, look.listings[root].folders)
        if whole and not self._watcher.alive:
            self._wake.set()
        self._foreign |= set(report.foreign_roots) & report.held.keys()
        for root, held in report.held.items():
            if self._held.get(root) != held:
                log.warning(
                    "%s: %d pictures vanished at once; their deletion is held until they are "
                    "back or `picturerail accept-deletions`",
                    os.fsdecode(self._library.roots.configured[root]),
                    held,
                )
            self._held[root] = held
        if whole == self._library.roots.configured.keys():
            self._left_out = report.left_out
        looked_at = {
            place
            for place in self._waiting
            if any(scope.covers(place.path) for scope in scopes.get(place.root, ()))
        }
        with self._changed:
            self._waiting = (self._waiting - looked_at) | report.waiting.keys()
        for place, seconds in report.waiting.items():
            self._dirty.mark_later(place.root, place.path.rpartition(b"/")[0], seconds)
        for root in report.missing_roots:
            # Whatever changed below while it was away is found when it is back.
            self._dirty.mark_later(root, b"", MISSING_RETRY_SECONDS, recursive=True)
        if report.worked:
            log.info(
                "mirrored: %d added, %d changed, %d moved, %d deleted",
                report.added,
                report.changed,
                report.moved,
                report.deleted,
            )

    # ---- describing, indexing, exporting ----

    def _describe_forever(self) -> None:
        yield_to_others(DESCRIBING)
        while not self._ending.is_set():
            self._describer_work.clear()
            with self._library.database.snapshot() as snapshot:
                seen = snapshot.info.seq
            self._heart.beat("describer")
            self._library.describe(
                lambda _what, _done, _total: self._heart.beat("describer"), self._ending
            )
            self._heart.rest("describer")
            with self._changed:
                self._described_seq = seen
                self._changed.notify_all()
            self._follower_work.set()
            self._publish()
            self._describer_work.wait(self._library.queue.seconds_until_retry())

    def _follow_forever(self) -> None:
        quiet_since: float | None = None
        while not self._ending.is_set():
            self._follower_work.clear()
            before = self._index_seq
            self._heart.beat("follower")
            self._index_seq = self._library.follow()
            with self._changed:
                self._changed.notify_all()
            if self._index_seq != before or (
                self._settings.export.automatic and self._library.site_texts_changed()
            ):
                quiet_since = time.monotonic()
            timeout = None
            if quiet_since is not None and self._settings.export.automatic:
                timeout = quiet_since + self._settings.export.quiet_seconds - time.monotonic()
                if timeout <= 0:
                    quiet_since = timeout = None
                    self._export()
                    if self._site_error:
                        quiet_since, timeout = time.monotonic() + SITE_RETRY_SECONDS, 0.0
                    self._publish()
            self._heart.rest("follower")
            self._follower_work.wait(timeout)

    def _export(self) -> None:
        try:
            report = self._library.export(
                progress=lambda _what, _done, _total: self._heart.beat("follower")
            )
        except PicturerailError as error:
            if self._site_error != str(error):
                log.error("the site is not current: %s", error)
            self._site_error = str(error)
        else:
            self._site_error = ""
            for problem in report.problems:
                log.warning("%s", problem)
            if report.added or report.changed or report.removed:
                log.info(
                    "site: %d files added, %d changed, %d removed",
                    report.added,
                    report.changed,
                    report.removed,
                )

    # ---- commands ----

    def _answer(self, command: str, arguments: dict[str, Any], progress: Progress) -> Any:
        if command == "wait":
            return self._wait(arguments["described"], arguments["timeout"])
        operation = operations.OPERATIONS.get(command)
        if operation is None:
            raise UsageError(f"the running daemon does not know `{command}`; restart it")
        with self._changed:
            self._commands += command in operations.LOOKING
        try:
            return operation(self._library, arguments, progress)
        finally:
            with self._changed:
                self._commands -= command in operations.LOOKING
                self._changed.notify_all()
            self._describer_work.set()
            self._follower_work.set()
            self._publish()

    def _wait(self, described: bool, timeout: float | None) -> dict[str, Any]:
        """Return once everything that happened before now is durable and found.

        Events may still be on their way, so this looks at every folder itself: a whole look
        that began after the call, and the end of every writer that it found, is the proof.
        """
        end = None if timeout is None else time.monotonic() + timeout
        epoch = self._dirty.mark_all(self._library.roots.configured)
        asked = time.time()
        with self._changed:
            while self._looks.done_epoch < epoch:
                self._pause(end, "the folders are still being mirrored")
            while self._commands:  # they look at places too, which other looks then leave out
                self._pause(end, "another command is still at work")
            waiting = set(self._waiting)
            while waiting & self._waiting:
                self._pause(end, f"{len(waiting & self._waiting)} files are still being written")
            with self._library.database.snapshot() as snapshot:
                goal = snapshot.info.seq
            if described:
                self._describer_work.set()
                while self._described_seq < goal or not self._library.queue.backlog().done:
                    backlog = self._library.queue.backlog()
                    if self._described_seq >= goal and backlog.reason:
                        raise PicturerailError(
                            f"{backlog.pictures} pictures are not described: {backlog.reason}"
                        )
                    self._pause(end, f"{backlog.pictures} pictures are not described yet")
                with self._library.database.snapshot() as snapshot:
                    goal = snapshot.info.seq
            self._follower_work.set()
            while self._index_seq < goal:
                self._pause(end, "the index is still behind")
        return {"seq": goal, "index_seq": self._index_seq, "as_of": asked}

    def _pause(self, end: float | None, reason: str) -> None:
        """Wait for the next change; fail when the time is up or the daemon stops."""
        if self._ending.is_set():
            raise PicturerailError("the daemon stopped before everything was in")
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            raise PicturerailError(f"the time is up: {reason}")
        self._changed.wait(left)

    # ---- signals and state ----

    def install_signals(self) -> None:
        """SIGTERM and SIGINT drain and stop, SIGHUP reads the configuration again."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        signal.signal(signal.SIGHUP, lambda *_: self._ask_reload())

    def _ask_reload(self) -> None:
        self._reload.set()
        self._wake.set()

    def _take_new_settings(self) -> bool:
        """Read the configuration; return whether it is good and differs from the one in use."""
        self._reload.clear()
        reloading()
        try:
            settings = load(self._config).settings
            check_settings(settings, self._library.layout)
            if settings.store.path != self._settings.store.path:
                raise UsageError("`store.path` cannot change while running; restart for that")
        except (ConfigError, PicturerailError) as error:
            log.error("the old configuration stays in force: %s", error)
            self._last_error = str(error)
            self._refusal = f"Old configuration kept: {error}"
            notify("READY=1", f"STATUS={self._sentence()}")
            return False
        self._last_error = self._refusal = ""
        if settings == self._settings:
            notify("READY=1", f"STATUS={self._sentence()}")
            return False
        self._settings = settings
        return True

    def _sentence(self) -> str:
        backlog = self._library.queue.backlog()
        progress = self._looks.progress()
        # What was refused stands first, and until it is mended: each sign of life says this again.
        parts = [self._refusal] if self._refusal else []
        if progress.total:
            parts.append(f"{progress.done} of {progress.total} pictures read")
        if progress.seconds_left is not None:
            parts.append(f"{_duration(progress.seconds_left)} left")
        if waiting := self._dirty.size + len(self._waiting):
            parts.append(f"{waiting} places to look at again")
        if backlog.pictures:
            parts.append(f"{backlog.pictures} pictures to describe")
        if held := sum(self._held.values()):
            parts.append(f"{held} deletions held")
        return ", ".join(parts) or "Watching; everything is in"

    def _state(self, state: str) -> status.DaemonState:
        backlog = self._library.queue.backlog()
        progress = self._looks.progress()
        states = self._watcher.states
        roots = [
            status.WatchReport(
                folder=os.fsdecode(folder),
                tier=states[root].tier,
                fault=states[root].fault,
                present=root not in self._missing,
                foreign=root in self._foreign,
                held=self._held.get(root, 0),
                looked_at=self._looked_at.get(root, 0.0),
            )
            for root, folder in self._library.roots.configured.items()
        ]
        return status.DaemonState(
            pid=os.getpid(),
            state=state,
            since=self._started,
            pending=self._dirty.size
            + len(self._waiting)
            + max(self._looks.under_way, progress.total - progress.done),
            seconds_left=progress.seconds_left,
            undescribed=backlog.pictures,
            waiting_reason=backlog.reason,
            roots=tuple(roots),
            left_out=self._left_out,
            hints=self._dirty.hints,
            overflows=self._watcher.overflows,
            watcher_restarts=self._watcher.restarts,
            audits_failed=self._watcher.audits_failed,
            watches=self._watcher.watches() if state != "stopped" else 0,
            site_error=self._site_error,
            last_error=self._last_error or self._looks.trouble,
        )

    def _publish(self) -> None:
        with contextlib.suppress(OSError):
            status.publish(self._library.layout.store, self._state("running"))


def _duration(seconds: float) -> str:
    """Return a time left as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
