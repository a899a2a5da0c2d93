"""Tables in the units of the score. Statistics count in contributions: more is better, margins are shares of 1."""

from __future__ import annotations

import pandas as pd

from pipeline.comparison.statistics.outcomes import Outcomes

VARIANCE_COLUMNS = ["example_variance", "seed_variance"]
PREFIXES = ("", "typical_")


def in_units(table: pd.DataFrame, outcomes: Outcomes) -> pd.DataFrame:
    """A table as it is written: the score's own column and units in place of contributions' means.

    Differences and gaps keep their sense: a difference says by how much a is ahead of b, a gap by how much the test
    examples are worse than those trained on.
    """
    unit, converted = outcomes.unit, table.copy()
    for prefix in PREFIXES:
        if f"{prefix}test_accuracy" in table:
            _convert_scores(converted, prefix, outcomes)
    if "difference" in table:
        converted[["difference", "low", "high"]] = unit * table[["difference", "low", "high"]]
        converted[VARIANCE_COLUMNS] = unit**2 * table[VARIANCE_COLUMNS]
    return converted.rename(columns=lambda column: column.replace("test_accuracy", outcomes.score.column))


def range_in_units(low: float, high: float, outcomes: Outcomes) -> tuple[float, float]:
    """An interval of scores in the units of the score, the smaller end first."""
    ends = (low * outcomes.unit * outcomes.score.sign, high * outcomes.unit * outcomes.score.sign)
    return float(min(ends)), float(max(ends))


def _convert_scores(table: pd.DataFrame, prefix: str, outcomes: Outcomes) -> None:
    """In place: the score, its interval and the gap of the columns with this prefix."""
    score, low, high = (f"{prefix}{column}" for column in ("test_accuracy", "low", "high"))
    factor = outcomes.unit * outcomes.score.sign
    ends = (low, high) if factor > 0 else (high, low)
    converted = [factor * table[end] for end in ends]
    table[score], table[low], table[high] = factor * table[score], *converted
    gaps = [f"{prefix}{column}" for column in ("gap", "gap_low", "gap_high")]
    if gaps[0] in table:
        table[gaps] = outcomes.unit * table[gaps]
