"""Dates and times as people write them, read by one pattern for a whole column."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np
import pandas as pd

ISO, QUARTER, WEEK = "ISO8601", "quarter", "week"
_DAYS = (
    *("%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%Y/%m/%d", "%Y.%m.%d", "%d-%b-%Y", "%d-%b-%y", "%m/%Y", "%m.%Y", "%Y/%m", "%b %Y", "%B %Y"),
    *("%d %b %Y", "%d %B %Y", "%d. %b %Y", "%d. %B %Y", "%b %d %Y", "%b %d, %Y", "%B %d, %Y"),
)
_HOURS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
PATTERNS = (ISO, QUARTER, WEEK, *(day + hour for day, hour in product(_DAYS, _HOURS)))
_QUARTER = re.compile(r"(?:(\d{4})[- ]?[Qq]([1-4])|[Qq]([1-4])[- /]?(\d{4}))", re.ASCII)
_MONTH = re.compile(r"(0[1-9]|1[0-2])\.(1[7-9]|2[01])\d\d", re.ASCII)
_OFFSET = re.compile(r"\d[T ]?\d\d:?\d\d.*?(Z|[+-]\d\d(?::?\d\d)?)$", re.ASCII)
_LONGEST, _FEWEST_DIGITS = 45, 4  # characters of a date, and digits in it: 1/2/24, Jan 2024
_TRIED_FIRST = 20  # values that a pattern must read before it is tried on all


def find_patterns(texts: Sequence[str]) -> list[str]:
    """The patterns that read every one of these texts; where there are several, the order of day and month is open."""
    few = texts[:_TRIED_FIRST]
    if not all(len(text) <= _LONGEST and sum(map(str.isdigit, text)) >= _FEWEST_DIGITS for text in few):
        return []
    patterns = [pattern for pattern in PATTERNS if _reads(few, pattern)]
    if patterns and patterns[0] == ISO and _reads(texts, ISO):
        return [ISO]
    return [pattern for pattern in patterns if _reads(texts, pattern)]


def are_months(texts: Iterable[str]) -> bool:
    """Whether all are months such as 01.2019, which could be read as numbers: one and two thousandths."""
    months = [_MONTH.fullmatch(text) for text in texts]
    return bool(months) and all(months) and any(month and month[1][0] == "0" for month in months)


def differently_read(texts: Sequence[str], patterns: Sequence[str]) -> str | None:
    """The first text that two of these patterns read differently, such as 03/04/2024; None where there is none."""
    moments = [read_moments(texts, pattern) for pattern in patterns]
    for row, text in enumerate(texts):
        if len({reading.iloc[row] for reading in moments}) > 1:
            return text
    return None


def read_moments(texts: Sequence[str], pattern: str, local: bool = False) -> pd.Series:
    """Dates without a zone, datetime64[us] or [ns]: in UTC where the texts name their offset; NaT for what is no date.

    Args:
        local: as the clock on the wall has it, whatever the offset.
    """
    values = pd.Series(list(texts), dtype=object)
    if pattern == QUARTER:
        values, pattern = values.map(_first_day_of_quarter), ISO
    elif pattern == WEEK:
        values, pattern = values + "-1", "%G-W%V-%u"
    if local:
        values = values.map(_without_offset)
    moments = pd.to_datetime(values, format=pattern, utc=True, errors="coerce")
    moments = moments.dt.tz_localize(None)
    return moments if moments.dt.unit == "ns" else moments.dt.as_unit("us")


def read_days(texts: Sequence[str], pattern: str) -> np.ndarray:
    """Days since 1970, (N,) float64; NaN for what is no date."""
    moments = read_moments(texts, pattern)
    return ((moments - pd.Timestamp(1970, 1, 1)) / pd.Timedelta(days=1)).to_numpy(np.float64)


def has_offset(text: str) -> bool:
    """Whether a time says how far it is from UTC: 2024-03-31T03:00+02:00."""
    return _OFFSET.search(text) is not None


def _without_offset(text: str) -> str:
    match = _OFFSET.search(text)
    return text[: match.start(1)].strip() if match else text


def _reads(texts: Sequence[str], pattern: str) -> bool:
    if pattern == ISO and any(text.isdecimal() for text in texts):
        return False  # a plain number is no date unless the user says so
    return bool(read_moments(texts, pattern).notna().all())


def _first_day_of_quarter(text: str) -> str:
    match = _QUARTER.fullmatch(text)
    if match is None:
        return text
    year, quarter = match[1] or match[4], int(match[2] or match[3])
    return f"{year}-{3 * quarter - 2:02d}-01"
