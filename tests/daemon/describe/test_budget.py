"""A service's daily budget."""

import datetime as dt

import pytest

from picturerail_daemon.describe.budget import Budget
from picturerail_daemon.describe.interface import DescriberUnavailable

EVENING = dt.datetime(2026, 3, 1, 22, tzinfo=dt.UTC)


def test_a_days_budget_holds_across_restarts_until_midnight(tmp_path):
    """The file remembers; the refusal says when it goes on; the next day begins with nothing."""
    file = tmp_path / "budgets" / "azure.json"
    for _ in range(3):
        Budget(3, file, lambda: EVENING).spend()

    with pytest.raises(DescriberUnavailable, match="3 requests are used up") as caught:
        Budget(3, file, lambda: EVENING).spend()
    assert caught.value.seconds == 2 * 3600

    Budget(3, file, lambda: EVENING + dt.timedelta(hours=2)).spend()


def test_no_budget_writes_nothing(tmp_path):
    """Without a bound nothing is counted."""
    Budget(0, tmp_path / "azure.json").spend()

    assert list(tmp_path.iterdir()) == []


def test_a_damaged_count_begins_anew(tmp_path, caplog):
    """Nobody is shut out by a broken file, and the log says so."""
    file = tmp_path / "azure.json"
    file.write_bytes(b"{")

    Budget(1, file, lambda: EVENING).spend()

    assert "begun anew" in caplog.text
    with pytest.raises(DescriberUnavailable):
        Budget(1, file, lambda: EVENING).spend()
