"""Which candidates are shown to be worse than the best, when the best is whichever came out on top.

The largest of many differences is large by chance alone, so the most accurate of C equal candidates is ahead of the
least accurate by several standard errors. What chance does is simulated: joint draws of all candidates around their
means (the paired bootstrap over examples, and the seeds' part), in each of which the largest standardised difference of
any two is taken, whichever two those are. A candidate is worse than the best if it is behind by more than
that is in `confidence` of the draws. The furthest behind is asked first; once it is out, the rest is asked among fewer:
a step-down test like that of Romano & Wolf (2005), with the range (Tukey) in place of the maximum, since the best is
picked. No truly best candidate is called worse in more than 1 - confidence of comparisons: when the first one is, all
truly best ones are still in, and their own largest difference exceeds what it does in 1 - confidence of the draws.

This family is smaller than that of all pairs: among 190 pairs Holm's first step asks for 3.65 standard errors, while
the second of two candidates left has to be behind by 1.96.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.comparison.statistics.intervals import Estimates, joint_draws
from pipeline.comparison.statistics.quantities import Quantity

Floats = NDArray[np.float64]

# The best is picked by means that the draws take as exact: with two and four equal candidates, simulated comparisons
# went wrong in 0.055 to 0.075 where 0.05 was meant. So only this share of the error that is allowed is spent.
TAIL = 0.8


@dataclass(frozen=True)
class AgainstBest:
    """K candidates, the best first.

    Attributes:
        p_adjusted: (K - 1,) of being no worse than the best, in the order of the candidates.
        thresholds: (K - 1,) the standard errors by which the furthest of 1, 2, …, K - 1 others has to be behind.
        reach: standard errors within which all differences of any two hold at once, at the confidence asked for.
        power: true lead of the best over all others → the share of these of which it would be shown, on average.
    """

    p_adjusted: Floats
    thresholds: Floats
    reach: float
    power: dict[float, float]

    def open(self, confidence: float) -> int:
        """How many of the others are not shown to be worse."""
        return int((self.p_adjusted >= 1 - confidence).sum())

    def threshold(self, confidence: float) -> float:
        """The standard errors by which one more of the others would have to be behind."""
        return float(self.thresholds[max(self.open(confidence), 1) - 1]) if len(self.thresholds) else 0.0


def against_best(
    quantity: Quantity,
    rows: Floats,
    pairs: Estimates,
    confidence: float,
    leads: Sequence[float] = (),
    contributions: Floats | None = None,
) -> AgainstBest:
    """
    Args:
        quantity: of the candidates.
        rows: (K, C) what is compared as contrasts of the candidates, the most accurate first.
        pairs: every two of them, as `pair_contrasts` orders them.
        confidence: of the thresholds.
        leads: true leads whose power is wanted.
        contributions: (C, S, N) of the candidates where they lie between 0 and 1: the power then takes the variance
            that a candidate so far behind would have; None: the variance that the candidates have today.
    """
    draws = joint_draws(quantity, quantity.kernel / np.sqrt(2)) @ rows.T  # (B, K)
    deviation = _square(pairs.deviation, len(rows))
    behind = pairs.value[: len(rows) - 1] / deviation[0, 1:]
    p_values, thresholds = np.ones(len(behind)), np.empty(len(behind))
    furthest, members = np.zeros(len(draws)), [0]
    for place, other in enumerate(np.argsort(behind, kind="stable") + 1):
        apart = np.abs(draws[:, members] - draws[:, [other]]) / deviation[other, members]
        furthest = np.maximum(furthest, apart.max(axis=1))
        p_values[other - 1] = (1 + (furthest >= behind[other - 1]).sum()) / (len(draws) + 1) / TAIL
        thresholds[place] = np.quantile(furthest, 1 - TAIL * (1 - confidence))
        members.append(int(other))
    order = np.argsort(-behind, kind="stable")
    p_adjusted = np.empty_like(p_values)
    p_adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order]), 1.0)
    supposed = _Supposed(rows, contributions, pairs)
    power = {lead: _power(lead, supposed, draws, deviation[0, 1:], thresholds) for lead in leads}
    return AgainstBest(p_adjusted, thresholds, float(thresholds[-1]) if len(thresholds) else 0.0, power)


class _Supposed:
    """The standard errors of the differences from the best, were these what is supposed.

    Two candidates disagree at least as often as one is ahead. So the disagreements that today's difference needs are
    replaced by those that the supposed one needs, and those beyond stay. Otherwise candidates that are nearly always
    right would promise that a lead is shown for which there is no room today.
    """

    def __init__(self, rows: Floats, contributions: Floats | None, pairs: Estimates) -> None:
        """
        Args:
            rows: (K, C) contrasts of the candidates, the best first.
            contributions: (C, S, N) between 0 and 1; None: the standard errors stay as they are.
            pairs: as for `against_best`.
        """
        others = pairs.first(len(rows) - 1)
        self.today, self.fixed, self.seeds = others.deviation, contributions is None, others.seed_variance
        if contributions is None:
            return
        means = np.einsum("kc,csn->kn", rows, contributions) / contributions.shape[1]  # (K, N)
        apart = means[:1] - means[1:]
        difference, disagreement, square = apart.mean(axis=1), np.abs(apart).mean(axis=1), (apart**2).mean(axis=1)
        self.size = np.divide(square, disagreement, out=np.ones_like(square), where=disagreement > 0)
        self.spare = np.maximum(disagreement - np.abs(difference), 0.0)
        today = np.maximum(square - difference**2, 0.0)
        self.least = others.example_variance * 1e-3
        floor = np.full_like(today, 1 / means.shape[1])
        self.inflation = np.divide(others.example_variance, today, out=floor, where=today > 1e-12)

    def deviation(self, lead: float, drawn: Floats) -> Floats:
        """(..., K - 1) standard errors as they come out with differences `drawn`, of that shape, where `lead` is true.

        Of Poisson numbers of examples that speak for the best and against it, the sum grows with their difference by
        (for - against) / (for + against): where hardly any speak against it, as fast as the difference itself.
        """
        if self.fixed:
            return np.broadcast_to(self.today, drawn.shape)
        disagreement = self.spare + lead
        slope = np.divide(lead, disagreement, out=np.zeros_like(disagreement), where=disagreement > 0)
        seen = np.maximum(disagreement + slope * (drawn - lead), np.abs(drawn))
        variance = (self.size * seen - drawn**2) * self.inflation
        return np.asarray(np.sqrt(np.maximum(variance, self.least) + self.seeds))


def _power(lead: float, supposed: _Supposed, draws: Floats, deviation: Floats, thresholds: Floats) -> float:
    """The mean share of the others that are shown to be worse; none where the true best does not come out on top.

    A lead that comes out larger is also measured less precisely, since more examples disagree; where candidates are
    nearly always right and examples few, this decides. So every drawn lead is divided by its own standard error.
    """
    if not len(thresholds):
        return 0.0
    noise = (draws[:, :1] - draws[:, 1:]) / deviation  # (B, K - 1) in standard errors
    drawn = lead + noise * supposed.deviation(lead, np.full(len(deviation), lead))
    behind = np.sort(drawn / supposed.deviation(lead, drawn), axis=1)
    shown = np.logical_and.accumulate((behind > thresholds)[:, ::-1], axis=1).mean(axis=1)
    return float(np.where(behind[:, 0] > 0, shown, 0.0).mean())


def _square(values: Floats, count: int) -> Floats:
    """(K, K) symmetric from the values of its pairs; infinite on the diagonal."""
    square = np.full((count, count), np.inf)
    square[np.triu_indices(count, 1)] = values
    return np.minimum(square, square.T)
