"""How many requests a service may get a day, remembered across restarts.

A file holds the day (of the local calendar) and how many requests were made on it. It is written
before each request, so that a crash never makes one more than was allowed.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from picturerail_daemon.describe.interface import DescriberUnavailable

log = logging.getLogger(__name__)


class _Spent(msgspec.Struct):
    day: str
    requests: int


def _now() -> dt.datetime:
    return dt.datetime.now().astimezone()


class Budget:
    """One service's budget; used by one thread at a time.

    Args:
        most: requests a day; 0 allows any number, and nothing is written then.
        file: where it is remembered; its folder is made when needed.
        now: tells the time (tests hand in their own).
    """

    def __init__(self, most: int, file: Path, now: Callable[[], dt.datetime] = _now) -> None:
        """Read nothing yet."""
        self._most = most
        self._file = file
        self._now = now

    def spend(self) -> None:
        """Count one request.

        Raises:
            DescriberUnavailable: as many were made today as are allowed; it names when there
                will be more.
        """
        if not self._most:
            return
        now = self._now()
        spent = self._spent(now)
        if spent >= self._most:
            midnight = (now + dt.timedelta(days=1)).replace(
                hour=0, minute=0, second=0, microsecond=0
            )
            raise DescriberUnavailable(
                f"today's {self._most:,} requests are used up; it goes on after midnight",
                seconds=(midnight - now).total_seconds(),
            )
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            new = self._file.with_name(self._file.name + ".new")
            new.write_bytes(msgspec.json.encode(_Spent(_day(now), spent + 1)))
            new.replace(self._file)
        except OSError as error:
            raise DescriberUnavailable(
                f"{self._file}: the count of requests cannot be written: {error.strerror}"
            ) from error

    def _spent(self, now: dt.datetime) -> int:
        try:
            held = msgspec.json.decode(self._file.read_bytes(), type=_Spent)
        except FileNotFoundError:
            return 0
        except (OSError, msgspec.DecodeError) as error:
            log.warning("%s: the count of requests is begun anew: %s", self._file, error)
            return 0
        return held.requests if held.day == _day(now) else 0


def _day(now: dt.datetime) -> str:
    return now.date().isoformat()
