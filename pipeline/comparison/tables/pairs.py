"""Each pair of ranked candidates: by how much one is ahead of the other, and what is shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.against_best import AgainstBest, against_best
from pipeline.comparison.statistics.intervals import Floats, Quantity
from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.params.compare import Compare

PAIR_COLUMNS = ["a", "b", "difference", "low", "high", "p_value", "p_adjusted", "relation"]
PERMUTATION_COLUMNS = ["a", "b", "test", "p_value", "p_adjusted"]
LEADS = [0.05, 0.1]  # true leads whose chance of being shown is reported, besides twice the margin
TURNED = {"better": "worse", "worse": "better"}


def compare_pairs(
    names: Sequence[str], rows: Floats, score: Quantity, settings: Compare, reach: tuple[float, float]
) -> tuple[pd.DataFrame, AgainstBest]:
    """Each unordered pair once, the better-ranked as `a`, those with the best first; `relation` says what a is to b.

    Two families of comparisons are corrected, each by itself: the best against the others (see `against_best`), and
    all pairs (Holm).

    Args:
        names: K of them, best first.
        rows: (K, C) the contrast of candidates that each name stands for.
        reach: the least and the largest difference that is possible.
    """
    contrasts, pairs = statistics.pair_contrasts(rows)
    estimates = statistics.estimate(score, contrasts, settings.confidence, reach)
    leads = sorted({round(2 * settings.margin, 12), *LEADS})
    best = against_best(score, rows, estimates, settings.confidence, leads)
    p_adjusted = statistics.holm(estimates.p_value)
    p_adjusted[: len(rows) - 1] = best.p_adjusted
    table = pd.DataFrame(
        {
            "a": [names[first] for first, _ in pairs],
            "b": [names[second] for _, second in pairs],
            "difference": estimates.value,
            "low": estimates.low,
            "high": estimates.high,
            "p_value": estimates.p_value,
            "p_adjusted": p_adjusted,
            "relation": statistics.relations(estimates, p_adjusted, settings.confidence, settings.margin),
            "example_variance": estimates.example_variance,
            "seed_variance": estimates.seed_variance,
        }
    )
    return table, best


def permutation_tests(ranked: Sequence[str], outcomes: Outcomes, settings: Compare) -> pd.DataFrame:
    """The best against each other candidate; with one seed, where the test is exact and quick, every pair."""
    scored = outcomes.contributions[[outcomes.candidates.index(name) for name in ranked]]
    exact = len(outcomes.seeds) == 1 and outcomes.score.is_share
    rows = []
    for first in range(len(ranked) - 1 if exact else min(len(ranked) - 1, 1)):
        p_values = statistics.permutation_p_values(scored[first], scored[first + 1 :], settings.resamples - 1)
        rows += [(ranked[first], other, p) for other, p in zip(ranked[first + 1 :], p_values, strict=True)]
    table = pd.DataFrame(rows, columns=["a", "b", "p_value"])
    adjusted = statistics.holm(table["p_value"].to_numpy(np.float64))
    return table.assign(test="mcnemar" if exact else "permutation", p_adjusted=adjusted)[PERMUTATION_COLUMNS]


def turned(relation: str) -> str:
    """What b is to a, given what a is to b."""
    return TURNED.get(relation, relation)
