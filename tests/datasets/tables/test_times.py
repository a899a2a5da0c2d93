"""Times are put in order whatever they are written as, and the step between them is known, gaps included."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.tables.times import find_gaps, read_times


def gaps(values: Iterable[object], **keys: bool) -> tuple[list[str], str]:
    """The times that come after a gap, and the step."""
    times = read_times(pd.Series(list(values), dtype=object, name="t"), "own.csv: data.time = 't'", **keys)
    times = times.sorted_by(np.argsort(times.keys, kind="stable"))
    after, step = find_gaps(times)
    return times.names[after].tolist(), step


def days(pattern: str) -> list[str]:
    return [day.strftime(pattern) for day in pd.date_range("2024-01-01", periods=60) if day.day not in (9, 10)]


@pytest.mark.parametrize(
    "pattern",
    ["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d", "%Y/%m/%d", "%d %b %Y", "%B %d, %Y", "%d-%b-%y",
     "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S.%f", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p"],
)  # fmt: skip
def test_days_missing_are_gaps_however_dates_are_written(pattern: str) -> None:
    after, step = gaps(days(pattern))
    assert step == "one day"
    assert after == [day.strftime(pattern) for day in (pd.Timestamp(2024, 1, 11), pd.Timestamp(2024, 2, 11))]


@pytest.mark.parametrize(
    ("times", "step"),
    [
        ([str(year) for year in range(1700, 1760)], "1"),
        ([f"{year}.0" for year in range(1700, 1760)], "1"),
        ([str(1711843200 + 3600 * hour) for hour in range(50)], "3600"),
        ([str(1711843200000000000 + nanosecond) for nanosecond in range(50)], "1"),
        ([f"{tenth / 10:.1f}" for tenth in range(50)], "0.1"),
        ([f"2024-01-01 00:00:00.{nanosecond:09d}" for nanosecond in range(1, 50)], "1e-09 seconds"),
        (pd.date_range("2020-01-31", periods=40, freq="ME").strftime("%Y-%m-%d"), "one month"),
        (pd.date_range("2020-01-01", periods=40, freq="MS").strftime("%Y-%m"), "one month"),
        (pd.date_range("2010-01-01", periods=180, freq="MS").strftime("%m.%Y"), "one month"),
        (pd.date_range("2000-01-01", periods=20, freq="YS").strftime("%Y-%m-%d"), "one year"),
        ([f"{year}Q{quarter}" for year in range(2000, 2010) for quarter in (1, 2, 3, 4)], "one quarter"),
        ([f"2024-W{week:02d}" for week in range(1, 40)], "7 days"),
        (pd.bdate_range("2024-01-01", periods=60).delete([7]).strftime("%Y-%m-%d"), "one working day"),
        (pd.date_range("2024-01-01", periods=50, freq="15min").strftime("%Y-%m-%d %H:%M"), "15 minutes"),
        (pd.date_range("1020-01-01", periods=50, unit="s").strftime("%Y-%m-%d"), "one day"),
        (pd.date_range("2024-03-30", periods=50, freq="h", tz="Europe/Berlin").astype(str), "one hour"),
        (pd.date_range("2024-10-26", periods=50, freq="h", tz="Europe/Berlin").astype(str), "one hour"),
        (pd.date_range("2024-03-01", periods=60, freq="D", tz="Europe/Berlin").astype(str), "one day"),
    ],
)  # fmt: skip
def test_what_is_regular_has_a_step_and_no_gap(times: Iterable[str], step: str) -> None:
    assert gaps(times) == ([], step)


def test_hours_missing_are_gaps_across_a_change_of_summer_time() -> None:
    hours = pd.date_range("2024-03-30", periods=50, freq="h", tz="Europe/Berlin").delete([26, 27]).astype(str)
    assert gaps(hours) == ([hours[26]], "one hour")


def test_an_exchange_closed_for_two_weeks_is_a_gap_and_a_holiday_is_not() -> None:
    working = pd.bdate_range("2024-01-01", periods=80).delete([10, *range(40, 50)]).strftime("%Y-%m-%d")
    assert gaps(working) == ([working[39]], "one working day")


def test_steps_that_all_differ_leave_no_gap_to_know() -> None:
    assert gaps(np.cumsum(np.random.default_rng(0).exponential(1, 60)).tolist()) == ([], "")


@pytest.mark.parametrize(
    ("times", "says"),
    [
        (["2024-01-01", "soon", "2024-01-03"], "row 2: 'soon' is neither a number nor a date; write dates as"),
        (["1", "2", "x"], "row 3: 'x' is neither a number nor a date"),
        (["01.02", "02.02"], "row 1: '01.02' looks like a day and a month without a year"),
        (["03/01/2024", "03/02/2024"], "row 1: '03/01/2024' may have the day or the month first"),
        (["2024-01-01T00:00Z", "2024-01-02T00:00"], "row 2: '2024-01-02T00:00' has no offset from UTC, and"),
        (["2024-01-01", None], "is missing in 1 rows, first in row 2; fill it in"),
        (["2024-01-01", "2024-01-02", "2024-01-01"], "2024-01-01 stands twice, in rows 1 and 3; a series has"),
        ([f"2024-10-27 0{hour}:00" for hour in (0, 1, 2, 2, 3)], "stands twice, in rows 3 and 4; a series has one "
         "value at a time: keep one series in the file (is it the hour that comes twice when summer time ends?"),
        (["2024-02-30", "2024-02-28"], "row 1: '2024-02-30' is neither a number nor a date"),
    ],
)  # fmt: skip
def test_what_cannot_be_ordered_is_refused_by_row_value_and_remedy(times: list[str], says: str) -> None:
    with pytest.raises(TableError) as refusal:
        gaps(times)
    assert says in str(refusal.value) and str(refusal.value).startswith("own.csv: data.time = 't'")


def test_what_looks_like_a_date_is_a_number_where_the_user_says_so() -> None:
    assert gaps(["01.02", "02.02", "03.02"], as_number=True) == ([], "1")


@pytest.mark.parametrize(
    ("pattern", "wrong"), [("%d.%m.%Y", "30.02.2024"), ("%d/%m/%Y %H:%M", "n/a"), ("%b %Y", "Jan 24, late")]
)
def test_the_one_date_that_is_wrong_is_named_however_the_others_are_written(pattern: str, wrong: str) -> None:
    texts = pd.date_range("2024-01-01", periods=40, freq="MS" if pattern == "%b %Y" else "D").strftime(pattern).tolist()
    texts[24] = wrong
    with pytest.raises(TableError, match=rf"row 25: '{wrong}' is neither a number nor a date"):
        gaps(texts)
