"""Ranking: candidates, or groups of them, by their score on the test examples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.against_best import AgainstBest
from pipeline.comparison.statistics.quantities import Floats, Quantity
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.tables.pairs import compare_pairs, turned
from pipeline.params.compare import Compare

RANKING_COLUMNS = [
    "rank",
    "candidate",
    "family",
    "backbone",
    "technique",
    "test_accuracy",
    "low",
    "high",
    "gap",
    "gap_low",
    "gap_high",
    "cost_seconds",
    "relation_to_best",
]


def rank(
    described: pd.DataFrame,
    rows: Floats,
    score: Quantity,
    gap: Quantity,
    settings: Compare,
    bounds: tuple[float, float],
    contributions: Floats | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, AgainstBest]:
    """Rank what `described` names, and compare each two of them. Ties go to fewer parameters, then to the name.

    Args:
        described: K rows: what is ranked, its family, cost and parameters.
        rows: (K, C) the contrast of candidates that each of them is.
        bounds: the least and the largest score that is possible.
        contributions: (C, S, N) of the candidates where each lies between 0 and 1, else None.

    Returns:
        The ranking (RANKING_COLUMNS and those of `described`), the pairs, and the best against the others.
    """
    reach = reach_of(bounds)
    own = statistics.estimate(score, rows, settings.confidence, bounds)
    gaps = statistics.estimate(gap, rows, settings.confidence, reach)
    table = described.assign(
        test_accuracy=own.value, low=own.low, high=own.high, gap=gaps.value, gap_low=gaps.low, gap_high=gaps.high
    )
    keys = table.assign(descending=-table["test_accuracy"].round(12))
    order = keys.sort_values(["descending", "parameters", "candidate"], kind="stable").index.to_numpy()
    table = table.loc[order].reset_index(drop=True)
    pairs, best = compare_pairs(list(table["candidate"]), rows[order], score, settings, reach, contributions)
    table["rank"] = np.arange(1, len(table) + 1)
    table["relation_to_best"] = ["best", *map(turned, pairs["relation"].iloc[: len(table) - 1])]
    return table, pairs, best


def best_first(means: Floats, candidates: Sequence[Measured]) -> list[int]:
    """The places of candidates by their mean scores; ties as in `rank`."""
    ties = [(one.parameters, one.name) for one in candidates]
    return sorted(range(len(ties)), key=lambda place: (-round(float(means[place]), 12), *ties[place]))


def reach_of(bounds: tuple[float, float]) -> tuple[float, float]:
    """Between which differences of values within these bounds lie."""
    return bounds[0] - bounds[1], bounds[1] - bounds[0]
