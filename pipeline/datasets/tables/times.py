"""The times of a series: put in order, and the step between them, so that a gap is known as one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.datasets.cells.dates import ISO, PATTERNS, are_months, find_patterns, has_offset, read_moments
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.numbers import PLAIN, PLAIN_FORMAT, WHOLE, NumberFormat, parse_number

DAY_AND_MONTH = re.compile(r"(0[1-9]|[12]\d|3[01])\.(0[1-9]|1[0-2])\.?", re.ASCII)
YEARS = range(1700, 2200)  # in which a whole number of eight or six digits is taken for a date
LOOKED_AT = 500  # values that show which way most are written, where some cannot be read
MOSTLY = 0.5  # of all steps that are the same, for a series to be regular
MOST_HOLIDAYS = 3  # working days in a row on which an exchange may be closed
REMEDY = "write dates as 2024-12-31, times as 2024-12-31T18:00 or with their offset, 2024-12-31T18:00+01:00"


@dataclass(frozen=True)
class Times:
    """
    Attributes:
        names: (N,) each as the file has it.
        keys: (N,) what they are ordered by: whole numbers, float64, or microseconds or nanoseconds.
        moments: (N,) in UTC, or as written where there is no offset, to the microsecond or nanosecond; None where
            times are numbers.
        local: (N,) as the clock on the wall has them; None where times are numbers.
    """

    names: np.ndarray
    keys: np.ndarray
    moments: pd.Series | None = None
    local: pd.Series | None = None

    def sorted_by(self, order: np.ndarray) -> Times:
        taken = [
            None if dates is None else dates.iloc[order].reset_index(drop=True) for dates in (self.moments, self.local)
        ]
        return Times(self.names[order], self.keys[order], *taken)


def read_times(column: pd.Series, where: str, as_number: bool = False, format: NumberFormat = PLAIN_FORMAT) -> Times:
    """Whole numbers of any size, other numbers, or dates.

    Args:
        column: (N,) texts or float64.
        as_number: what could be a date is a number: 01.02 is one and two hundredths.
        format: how the column writes its numbers.

    Raises:
        TableError: for a time that is missing, is neither number nor date, could be read in two ways, or stands twice.
    """
    times = parse_times(column, where, as_number, format)
    order = pd.Series(times.keys)
    if order.duplicated().any():
        texts = [_name(value) for value in column]
        _refuse_repeated(texts, np.flatnonzero(order.duplicated(keep=False)), order, times, where)
    return times


def parse_times(column: pd.Series, where: str, as_number: bool = False, format: NumberFormat = PLAIN_FORMAT) -> Times:
    """As `read_times`, but a time may stand twice."""
    if column.isna().any():
        row = int(np.flatnonzero(column.isna())[0]) + 1
        raise TableError(
            f"{where}: is missing in {int(column.isna().sum())} rows, first in row {row}; fill it in, or remove these "
            "rows"
        )
    texts = [_name(value) for value in column]
    return _numbers(texts, where, str(column.name), as_number, format) or _dates(texts, where)


def find_gaps(times: Times) -> tuple[np.ndarray, str]:
    """Where a sorted series goes on after a gap, and what its step is.

    Returns:
        (N,) bool, True for a time that does not follow the one before it by one step; and the step in words, empty
        where the steps differ too much for gaps to be known.
    """
    follows, step = _follows(times)
    return np.concatenate([[False], ~follows]), step


def _follows(times: Times) -> tuple[np.ndarray, str]:
    """(N - 1,) whether each time but the first comes one step after the one before, and the step in words."""
    count = len(times.keys) - 1
    if times.moments is None or times.local is None:
        differences = _without_rounding(np.diff(times.keys))
        step = _usual(differences)
        if step is None:
            return np.ones(count, bool), ""
        return np.array([difference < 1.5 * step for difference in differences], bool), f"{float(step):.10g}"
    for in_calendar in (_months, _working_days):
        if (found := in_calendar(times.local)) is not None:
            return found
    exact, local = np.diff(times.keys), np.diff(times.local.astype("int64").to_numpy())
    a_second = 10**9 if str(times.moments.dtype).endswith("[ns]") else 10**6
    step = _usual(local)
    if step is None:
        step = _usual(exact)
    if step is None:
        return np.ones(count, bool), ""
    follows = exact < 1.5 * step
    if step >= 86400 * a_second:  # a day has 23 hours when summer time begins
        follows |= local < 1.5 * step
    return follows, _in_words(step / a_second)


def _usual(differences: np.ndarray) -> Any:
    """The most frequent difference, where half of all are that, or all are multiples of it; else None."""
    values, counts = np.unique(differences, return_counts=True)
    step = values[counts.argmax()]
    multiples = step == values[0] and all(abs(value / step - round(value / step)) < 1e-6 for value in values)
    return step if counts.max() >= MOSTLY * len(differences) or multiples else None


def _without_rounding(differences: np.ndarray) -> np.ndarray:
    """Steps of a tenth differ in their last bits; whole numbers stay as they are."""
    if differences.dtype != np.float64:
        return differences
    middle = float(np.median(differences))
    return np.round(differences / middle, 6) * middle


def _months(local: pd.Series) -> tuple[np.ndarray, str] | None:
    """Months, quarters and years: the same day of each, or its last."""
    ends = bool((local.dt.is_month_end & (local.dt.normalize() == local)).all())
    same = (local.dt.day.nunique() == 1 or ends) and (local - local.dt.normalize()).nunique() == 1
    differences = np.diff((local.dt.year * 12 + local.dt.month).to_numpy())
    if not same or not len(differences) or differences.min() < 1 or (local.dt.day > 28).any() != ends:
        return None
    step = _usual(differences)
    if step is None:
        return None
    words = {1: "one month", 3: "one quarter", 12: "one year"}.get(int(step), f"{int(step)} months")
    return differences <= step, words


def _working_days(local: pd.Series) -> tuple[np.ndarray, str] | None:
    """Monday to Friday; some days in a row may be holidays."""
    if not (local.dt.normalize() == local).all() or (local.dt.day_of_week > 4).any() or len(local) < 10:
        return None
    days = local.to_numpy().astype("datetime64[D]")
    between = np.busday_count(days[:-1], days[1:])
    if np.mean(between == 1) < MOSTLY or not np.any(between != np.diff(days).astype(int)):
        return None
    return between <= 1 + MOST_HOLIDAYS, "one working day"


def _numbers(texts: Sequence[str], where: str, name: str, as_number: bool, format: NumberFormat) -> Times | None:
    names = np.array(texts, np.str_)
    if all(WHOLE.fullmatch(text) for text in texts):
        dates = None if as_number else _compact_dates(texts)
        if dates is not None:
            return Times(names, dates.astype("int64").to_numpy(), dates, dates)
        whole = [int(text) for text in texts]
        small = all(abs(number) < 2**62 for number in whole)
        return Times(names, np.array(whole, dtype=np.int64 if small else object))
    numbers = [parse_number(text, format) for text in texts]
    if None in numbers or (not as_number and are_months(texts)):
        return None
    if not as_number and all(DAY_AND_MONTH.fullmatch(text) for text in texts):
        raise TableError(
            f"{where}: row 1: {texts[0]!r} looks like a day and a month without a year; {REMEDY}, or say that it is a "
            f"number (data.columns: {{{name}: number}})"
        )
    keys = np.array(numbers, np.float64)
    return Times(np.array([_name(key) for key in keys.tolist()], np.str_), keys)


def _compact_dates(texts: Sequence[str]) -> pd.Series | None:
    """20241231 or 202412 as dates, where all of them are."""
    for length, pattern in ((8, "%Y%m%d"), (6, "%Y%m")):
        if all(len(text) == length and int(text[:4]) in YEARS for text in texts):
            dates = pd.to_datetime(pd.Series(list(texts)), format=pattern, errors="coerce")
            return dates.dt.as_unit("us") if dates.notna().all() else None
    return None


def _dates(texts: Sequence[str], where: str) -> Times:
    patterns = find_patterns(texts)
    if not patterns:
        _refuse_unreadable(texts, where)
    zoned = [has_offset(text) for text in texts]
    if patterns[0] == ISO and any(zoned) and not all(zoned):
        row = zoned.index(False)
        raise TableError(
            f"{where}: row {row + 1}: {texts[row]!r} has no offset from UTC, and others have one, such as "
            f"{texts[zoned.index(True)]!r}; give all of them one, or none"
        )
    moments = {pattern: read_moments(texts, pattern) for pattern in patterns}
    different = [pattern for pattern in patterns if not moments[pattern].equals(moments[patterns[0]])]
    if different:
        sorted_ones = [pattern for pattern in (patterns[0], *different) if moments[pattern].is_monotonic_increasing]
        if len(sorted_ones) != 1:
            row = next(row for row, pair in enumerate(zip(*moments.values(), strict=True)) if pair[0] != pair[1])
            raise TableError(
                f"{where}: row {row + 1}: {texts[row]!r} may have the day or the month first, and no row tells which; "
                f"{REMEDY}"
            )
        patterns = sorted_ones
    chosen = moments[patterns[0]]
    local = read_moments(texts, patterns[0], local=True) if all(zoned) else chosen
    return Times(np.array(texts, np.str_), chosen.astype("int64").to_numpy(), chosen, local)


def _refuse_unreadable(texts: Sequence[str], where: str) -> None:
    """Name the first value that does not go with the others: that the way to read most of them does not read."""
    some = texts[:LOOKED_AT]
    counts = {pattern: int(read_moments(some, pattern).notna().sum()) for pattern in PATTERNS}
    pattern = max(counts, key=counts.__getitem__)
    numbers = np.array([PLAIN.fullmatch(text) is not None for text in texts])
    known = numbers if numbers[:LOOKED_AT].sum() > counts[pattern] else read_moments(texts, pattern).notna().to_numpy()
    row = int(np.flatnonzero(~known)[0]) if not known.all() else 0
    raise TableError(f"{where}: row {row + 1}: {texts[row]!r} is neither a number nor a date; {REMEDY}")


def _refuse_repeated(texts: Sequence[str], rows: np.ndarray, order: pd.Series, times: Times, where: str) -> None:
    first = int(rows[0])
    second = next(int(row) for row in rows[1:] if order.iloc[row] == order.iloc[first])
    summer = (
        times.moments is not None
        and not has_offset(texts[first])
        and times.moments.iloc[rows].dt.hour.le(3).all()
        and times.moments.iloc[rows].dt.normalize().nunique() <= len(rows) // 2
        and not (times.moments.dt.normalize() == times.moments).all()
    )
    hint = " (is it the hour that comes twice when summer time ends? then write times with their offset)"
    raise TableError(
        f"{where}: {texts[second]} stands twice, in rows {first + 1} and {second + 1}; a series has one value at a "
        f"time: keep one series in the file{hint if summer else ''}"
    )


def _in_words(seconds: float) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= length and seconds % length == 0:
            number = int(seconds // length)
            return f"one {unit}" if number == 1 else f"{number} {unit}s"
    return f"{seconds:g} seconds"


def _name(value: object) -> str:
    """A number as people write it, without a float's rounding; text as it is."""
    if not isinstance(value, float):
        return str(value)
    short = f"{value:g}"
    return short if float(short) == value else repr(value).removesuffix(".0")
