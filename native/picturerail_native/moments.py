"""What people call a moment: its season, month, weekday and time of day.

The moment is the wall clock's where the picture was taken, so no zone is needed. Seasons are the
calendar's of meteorologists (whole months), turned round south of the equator.
"""

from __future__ import annotations

import datetime as dt

_SEASONS = (("winter",), ("spring",), ("summer",), ("autumn", "fall"))
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PARTS_OF_DAY = (
    (5, "night"),
    (11, "morning"),
    (14, "noon"),
    (18, "afternoon"),
    (22, "evening"),
    (24, "night"),
)
"""Up to which hour, what."""


def time_words(taken: str | None, *, south: bool) -> tuple[str, ...]:
    """Return the words for a moment; none where it is not known.

    Args:
        taken: ISO 8601 local time.
        south: whether it was south of the equator.
    """
    try:
        moment = dt.datetime.fromisoformat(taken) if taken else None
    except ValueError:
        return ()
    if moment is None:
        return ()
    season = (moment.month % 12 // 3 + (2 if south else 0)) % 4
    day = next(name for hour, name in _PARTS_OF_DAY if moment.hour < hour)
    weekday = _WEEKDAYS[moment.weekday()]
    weekend = ("weekend",) if moment.weekday() >= 5 else ()
    # Scans and edited pictures have a day, and no time of it.
    hours = (day,) if moment.time() != dt.time() else ()
    return (*_SEASONS[season], _MONTHS[moment.month - 1], weekday, *weekend, *hours)
