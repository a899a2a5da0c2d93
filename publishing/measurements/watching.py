"""The tables of docs/how-to/watch.md: what benchmarks/watching.py measured of scores estimated without labels."""

from __future__ import annotations

from benchmarks.watched_worlds import SHIFTS
from pipeline.formats import chance, percent
from publishing.markdown import table
from publishing.measurements.calibration import MISSES
from publishing.measurements.kept import Row, origin, rows_of

LEAST = 0.93  # coverage that is aimed at, of 95 % intervals
HEADS = ["model", "before", "estimated", "true", "interval holds", "called worse", "called drifted"]


def tables() -> dict[str, str]:
    """{what the mark of a place in the page says: the table}."""
    rows = rows_of("watching")
    alike = SHIFTS[0].world
    of_accuracy = [row for row in rows if row["score"] == "accuracy" and row["world"] == alike]
    elsewhere = [row for row in rows if row["world"] != alike]
    others = [row for row in rows if row["score"] != "accuracy"]
    shifts = table(["what has changed", *HEADS, "labels asked for"], [_shift(row) for row in of_accuracy])
    return {
        ", shifts": f"{shifts}\n\n{origin('watching')}",
        ", elsewhere": table(
            ["examples", "what has changed", *HEADS[1:], "labels asked for"], [_elsewhere(row) for row in elsewhere]
        ),
        ", scores": table(["score", "what has changed", *HEADS[1:5]], [_score(row) for row in others]),
    }


def _shift(row: Row) -> list[str]:
    return [row["shift"], row["model"], *_measured(row)]


def _elsewhere(row: Row) -> list[str]:
    return [row["world"], row["shift"], *_measured(row)]


def _measured(row: Row) -> list[str]:
    values = [percent(row[key]) for key in ("before", "told", "true")]
    return [*values, _coverage(row), *(_chance(row[key]) for key in ("worse", "drift", "labels"))]


def _score(row: Row) -> list[str]:
    return [row["score"], row["shift"], *(f"{row[key]:.3f}" for key in ("before", "told", "true")), _coverage(row)]


def _coverage(row: Row) -> str:
    return f"{row['coverage']:.3f}{MISSES if row['coverage'] < LEAST else ''}"


def _chance(share: float) -> str:
    return "never" if share == 0 else "always" if share == 1 else chance(share)
