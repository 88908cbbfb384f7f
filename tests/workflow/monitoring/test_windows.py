import duckdb
import pytest

from workflow.data.monitoring_rules import MonitoringRules
from workflow.monitoring import windows
from workflow.monitoring.windows import Window

DAYS = ("2023-03-01", "2023-03-01", "2023-03-03", "2023-03-05", None)


def timeline(window, most=24):
    with duckdb.connect() as connection:
        rows = ", ".join(f"('{day}')" if day else "(NULL)" for day in DAYS)
        table = (
            f"(SELECT date_trunc('{window.unit}', CAST(d AS TIMESTAMP)) AS w "
            f"FROM (VALUES {rows}) t(d))"
        )
        return windows.timeline(connection, table, "w", window, most)


def test_days_without_rows_are_windows_too():
    found = timeline(Window("day", "pickup"))
    assert [one[:10] for one in found.begins] == [f"2023-03-0{day}" for day in range(1, 6)]
    assert found.notes == ["1 rows have no time."]


@pytest.mark.parametrize(
    ("window", "begins"),
    [
        (Window("day", "pickup", "2023-03-07"), ["2023-03-05", "2023-03-06"]),
        (Window("day", "pickup", "2023-03-04"), ["2023-03-02", "2023-03-03"]),
        (Window("month", "pickup", "2023-05-01"), ["2023-03-01", "2023-04-01"]),
        (Window("week", "pickup", "2023-03-13"), ["2023-02-27", "2023-03-06"]),
        (Window("month", "pickup", "2023-05-31"), ["2023-03-01", "2023-04-01"]),
    ],
)
def test_the_newest_window_is_the_last_one_that_is_over(window, begins):
    assert [one[:10] for one in timeline(window, 2).begins] == begins


def test_rows_outside_of_the_windows_are_counted():
    found = timeline(Window("day", "pickup", "2023-03-04"), 2)
    assert (found.earlier, found.later, found.timeless) == (2, 1, 1)


def test_today_is_not_over():
    assert timeline(Window("day", "pickup", windows.TODAY), 1).begins[0] > "2023-03-05"


@pytest.mark.parametrize(
    ("levels", "verdict"),
    [
        (["ok", "ok", "alert"], "warning"),
        (["alert", "ok", "alert"], "alert"),
        (["alert", "alert", "ok", "ok", "alert"], "warning"),
        (["alert", "alert", "ok"], "ok"),
        (["alert", "alert", "warning"], "warning"),
        (["alert"], "warning"),
        ([], "ok"),
    ],
)
def test_an_alert_takes_the_newest_and_as_many_of_the_last_as_are_asked_for(levels, verdict):
    assert windows.verdict(levels, MonitoringRules(windows=3, violations=2)) == verdict


def test_without_rules_the_newest_window_decides():
    assert windows.verdict(["ok", "alert"], MonitoringRules()) == "alert"
    assert windows.verdict(["alert", "ok"], MonitoringRules()) == "ok"
