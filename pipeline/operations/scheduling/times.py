"""A cron expression, and when it fires."""

from __future__ import annotations

from dataclasses import dataclass

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("day of the week", 0, 7, DAYS),
)


class ScheduleError(ValueError):
    """A schedule cannot be written as it was asked for."""


@dataclass(frozen=True)
class Times:
    """When a cron expression fires; None stands for every value.

    Attributes:
        text: the expression.
        weekdays: 0 is Sunday.
        both: whether both a day of the month and a weekday have to fit where both are restricted; else either will do.
    """

    text: str
    minutes: list[int] | None
    hours: list[int] | None
    days: list[int] | None
    months: list[int] | None
    weekdays: list[int] | None
    both: bool = False


def parse_cron(expression: str) -> Times:
    """Five fields: minute, hour, day of the month, month, day of the week; numbers, names, ranges, steps and lists.

    Raises:
        ScheduleError: naming the field and what it takes.
    """
    parts = expression.split()
    if len(parts) != len(FIELDS):
        names = ", ".join(name for name, *_ in FIELDS)
        raise ScheduleError(f"--cron {expression!r}: has {len(parts)} fields, needs five: {names}; such as '0 3 * * 1'")
    fields = [_field(part, *field) for part, field in zip(parts, FIELDS, strict=True)]
    minutes, hours, days, months, weekdays = fields
    sundays_once = sorted({day % 7 for day in weekdays}) if weekdays is not None else None
    if sundays_once == list(range(7)):
        sundays_once = None
    both = parts[2].startswith("*") or parts[4].startswith("*")  # as cron has it: */2 with a weekday restricts both
    return Times(" ".join(parts), minutes, hours, days, months, sundays_once, both)


def _field(text: str, name: str, lowest: int, highest: int, names: tuple[str, ...]) -> list[int] | None:
    if text == "*":
        return None
    values: set[int] = set()
    for part in text.split(","):
        values |= set(_range(part, name, lowest, highest, names))
    return sorted(values)


def _range(part: str, name: str, lowest: int, highest: int, names: tuple[str, ...]) -> range:
    span, stepped, step = part.partition("/")
    first, ranged, last = span.partition("-")
    try:
        start = lowest if span == "*" else _number(first, lowest, names)
        alone = not ranged and not stepped and span != "*"
        end = start if alone else _number(last, lowest, names) if ranged else highest
        width = int(step) if stepped else 1
        if not (lowest <= start <= end <= highest and width >= 1):
            raise ValueError
    except ValueError:
        raise ScheduleError(
            f"--cron: {name} {part!r}: takes {lowest} to {highest}, ranges (1-5), steps (*/15) and lists (1,15)"
        ) from None
    return range(start, end + 1, width)


def _number(text: str, lowest: int, names: tuple[str, ...]) -> int:
    return names.index(text.lower()) + lowest if text.lower() in names else int(text)
