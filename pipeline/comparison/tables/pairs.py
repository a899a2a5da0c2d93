"""Each pair of ranked candidates: by how much one is ahead of the other, and what is shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.against_best import AgainstBest, against_best
from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.statistics.paired_tests import clustered_mcnemar, sign_flip_p_values
from pipeline.comparison.statistics.quantities import Floats, Quantity, units_of_test
from pipeline.params.compare import Compare

PAIR_COLUMNS = ["a", "b", "difference", "low", "high", "p_value", "p_adjusted", "relation"]
PERMUTATION_COLUMNS = ["a", "b", "test", "p_value", "p_adjusted"]
LEADS = [0.05, 0.1]  # true leads whose chance of being shown is reported, besides twice the margin
TURNED = {"better": "worse", "worse": "better"}


def compare_pairs(
    names: Sequence[str],
    rows: Floats,
    score: Quantity,
    settings: Compare,
    reach: tuple[float, float],
    contributions: Floats | None = None,
) -> tuple[pd.DataFrame, AgainstBest]:
    """Each unordered pair once, the better-ranked as `a`, those with the best first; `relation` says what a is to b.

    Two families of comparisons are corrected, each by itself: the best against the others (see `against_best`), and
    all pairs (Holm).

    Args:
        names: K of them, best first.
        rows: (K, C) the contrast of candidates that each name stands for.
        reach: the least and the largest difference that is possible.
        contributions: (C, S, N) of the candidates where each lies between 0 and 1, else None.
    """
    contrasts, pairs = statistics.pair_contrasts(rows)
    estimates = statistics.estimate(score, contrasts, settings.confidence, reach)
    leads = sorted({round(2 * settings.margin, 12), *LEADS})
    best = against_best(score, rows, estimates, settings.confidence, leads, contributions)
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
            "relation": statistics.relations(estimates, p_adjusted, settings.confidence, settings.margin, best.reach),
            "example_variance": estimates.example_variance,
            "seed_variance": estimates.seed_variance,
        }
    )
    return table, best


def permutation_tests(ranked: Sequence[str], outcomes: Outcomes, settings: Compare) -> pd.DataFrame:
    """The best against each other candidate, picked again in each relabelling; with one seed exactly, every pair."""
    scored = outcomes.contributions[[outcomes.candidates.index(name) for name in ranked]]
    if len(outcomes.seeds) == 1 and outcomes.score.is_share:
        pairs = [(a, b) for a in range(len(ranked)) for b in range(a + 1, len(ranked))]
        p_values = np.array([clustered_mcnemar(scored[a, 0], scored[b, 0], outcomes.groups) for a, b in pairs])
        test, p_adjusted = "mcnemar", statistics.holm(p_values)
    else:
        pairs = [(0, b) for b in range(1, len(ranked))]
        p_values, p_adjusted = sign_flip_p_values(scored, units_of_test(outcomes), settings.resamples - 1)
        test = "permutation"
    names = [(ranked[a], ranked[b]) for a, b in pairs]
    table = pd.DataFrame(names, columns=["a", "b"])
    return table.assign(test=test, p_value=p_values, p_adjusted=p_adjusted)[PERMUTATION_COLUMNS]


def turned(relation: str) -> str:
    """What b is to a, given what a is to b."""
    return TURNED.get(relation, relation)
