"""What people call a moment."""

import pytest

from picturerail_native.moments import time_words


@pytest.mark.parametrize(
    ("taken", "south", "words"),
    [
        ("2019-07-14T18:03:11+01:00", False, ("summer", "July", "Sunday", "weekend", "evening")),
        ("2019-07-14T13:00:00", True, ("winter", "July", "Sunday", "weekend", "noon")),
        ("2020-12-31T23:59:59", False, ("winter", "December", "Thursday", "night")),
        ("2021-02-01T00:00:00", False, ("winter", "February", "Monday")),
        ("2021-10-06T04:00:00", False, ("autumn", "fall", "October", "Wednesday", "night")),
        ("2021-10-06T09:00:00", True, ("spring", "October", "Wednesday", "morning")),
        ("2021-05-06T15:00:00", False, ("spring", "May", "Thursday", "afternoon")),
        (None, False, ()),
        ("nonsense", False, ()),
    ],
)
def test_season_month_weekday_and_time_of_day(taken, south, words):
    """By the wall clock; midnight sharp is a date without a time."""
    assert time_words(taken, south=south) == words
