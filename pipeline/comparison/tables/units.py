"""Tables in the units of the score: shares of 1 for accuracy, the target's own units for a regression."""

from __future__ import annotations

import pandas as pd

from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.scores import ACCURACY

VARIANCE_COLUMNS = ["example_variance", "seed_variance"]


def in_units(table: pd.DataFrame, outcomes: Outcomes) -> pd.DataFrame:
    """A table as it is written: a regression has `test_rmse` in place of `test_accuracy`, in the target's own units.

    Differences and gaps keep their sense: a difference says by how much a is ahead of b, a gap by how much the test
    examples are worse than those trained on.
    """
    if outcomes.score is ACCURACY:
        return table
    unit, turned = outcomes.unit, table.copy()
    for prefix in ("", "typical_"):
        if f"{prefix}test_accuracy" in table:
            _turn_scores(turned, prefix, unit)
    if "difference" in table:
        turned[["difference", "low", "high"]] = unit * table[["difference", "low", "high"]]
        turned[VARIANCE_COLUMNS] = unit**2 * table[VARIANCE_COLUMNS]
    return turned.rename(columns=lambda column: column.replace("test_accuracy", f"test_{outcomes.score.name}"))


def range_in_units(low: float, high: float, outcomes: Outcomes) -> tuple[float, float]:
    """An interval of scores in the units of the score, the smaller end first."""
    ends = (low * outcomes.unit * outcomes.score.sign, high * outcomes.unit * outcomes.score.sign)
    return float(min(ends)), float(max(ends))


def _turn_scores(table: pd.DataFrame, prefix: str, unit: float) -> None:
    """In place: the score, its interval (whose ends swap) and the gap of the columns with this prefix."""
    score, low, high = f"{prefix}test_accuracy", f"{prefix}low", f"{prefix}high"
    table[score] = -unit * table[score]
    table[low], table[high] = -unit * table[high], -unit * table[low]
    gaps = [f"{prefix}{column}" for column in ("gap", "gap_low", "gap_high")]
    table[gaps] = unit * table[gaps]
