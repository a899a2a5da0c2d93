"""Tests of trained models as they are, on examples that all of them answered; and how often one may look.

They say nothing of other seeds. Where examples come in groups, a group is flipped as a whole.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from pipeline.comparison.statistics.variation.units import Units
from pipeline.scores.score import Answers, Score

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FLIPS_AT_ONCE = 1_000
SWAPPED_ANSWERS_AT_ONCE = 2_000_000  # numbers that are held at a time
WEEKS = 52  # looks of a year that is planned for


def clustered_mcnemar(one: Floats, other: Floats, groups: Integers | None = None) -> float:
    """Exact two-sided p-value of two models being right equally often.

    With no difference, each group's difference could as well have the other sign. The distribution over all signs is
    counted exactly; where every example is on its own, this is McNemar's exact test.

    Args:
        one: (N,) 0 or 1.
        other: (N,) likewise.
        groups: (N,) equal for examples that belong together; None where each is on its own.
    """
    difference = np.rint(np.asarray(one) - np.asarray(other)).astype(np.int64)
    if groups is not None:
        difference = np.bincount(np.unique(groups, return_inverse=True)[1], difference).astype(np.int64)
    size = np.abs(difference)
    chances = np.ones(1)  # of each sum of signed differences, from -total to total
    for step, times in zip(*np.unique(size[size > 0], return_counts=True), strict=True):
        signed = np.zeros(2 * step * times + 1)
        signed[:: 2 * step] = stats.binom.pmf(np.arange(times + 1), times, 0.5)
        chances = np.convolve(chances, signed)
    total, seen = len(chances) // 2, abs(int(difference.sum()))
    if seen == 0:
        return 1.0
    return float(min(1.0, 2 * chances[total + seen :].sum()))


def swap_p_value(score: Score, answers: Answers, units: Units, resamples: int) -> float:
    """Two-sided p-value of two models being equally good by any score.

    With no difference, either model could as well have given the other one's answers to a unit. So these are swapped,
    unit by unit, and the score is computed anew: McNemar's exact test, but of scores that are no mean. A lead on three
    examples is then a lead on three examples, however much the score makes of them. Where there are no more swaps than
    `resamples`, all are made; else so many are drawn. Where none that is drawn reaches what was seen, the tail of the
    normal distribution with the same spread is taken, since an early look asks for less evidence than a late one.

    Args:
        score: what the models are judged by.
        answers: (2, N).
        units: what is swapped as a whole.
        resamples: the most swaps that are tried.
    """
    differing = _differing_units(score, answers, units)
    if not len(differing):
        return 1.0
    swaps, is_exact = _swaps(len(differing), resamples)
    values = score.values(answers)
    seen, leads = abs(float(values[1] - values[0])), _swapped_leads(score, answers, units, differing, swaps)
    reached = int((np.abs(leads) >= seen * (1 - 1e-9)).sum())
    if not np.isfinite(seen):
        return 1.0
    if is_exact:
        return reached / len(swaps)
    drawn = (1 + reached) / (1 + len(swaps))
    return drawn if reached else min(drawn, 2 * float(special.ndtr(-seen / np.sqrt(np.square(leads).mean()))))


def _differing_units(score: Score, answers: Answers, units: Units) -> Integers:
    """The numbers of those units on which the two models answer differently."""
    if score.of_probabilities and answers.probabilities is not None:
        differs = (answers.probabilities[0] != answers.probabilities[1]).any(axis=-1)
    else:
        differs = answers.predicted[0] != answers.predicted[1]
    return np.unique(units.numbers[differs])


def _swaps(count: int, resamples: int) -> tuple[NDArray[np.bool_], bool]:
    """(B, count) which units are swapped, and whether these are all that there are.

    To swap all the others instead turns the sign of the lead, which a two-sided test does not look at: so the first
    unit is never swapped.
    """
    if 2 ** min(count - 1, 62) <= resamples:
        numbers = np.arange(2 ** (count - 1))[:, None]
        return (numbers << 1 >> np.arange(count) & 1).astype(bool), True
    swaps = np.random.default_rng(9).random((resamples, count)) < 0.5
    swaps[:, 0] = False
    return swaps, False


def _swapped_leads(
    score: Score, answers: Answers, units: Units, differing: Integers, swaps: NDArray[np.bool_]
) -> Floats:
    """(B,) the second model's score less the first one's."""
    place = np.full(int(units.numbers.max()) + 1, len(differing))
    place[differing] = np.arange(len(differing))
    asked = answers.probabilities if score.of_probabilities else None
    padded = np.column_stack([swaps, np.zeros(len(swaps), bool)])  # the others are never swapped
    at_once = max(SWAPPED_ANSWERS_AT_ONCE // (2 * len(answers.labels) * max(answers.class_count, 1)), 1)
    leads = []
    for start in range(0, len(swaps), at_once):
        swapped = padded[start : start + at_once][:, place[units.numbers]]  # (b, N)
        predicted = _exchanged(answers.predicted, swapped)
        probabilities = _exchanged(asked, swapped) if asked is not None else None
        values = score.values(Answers(answers.labels, predicted, probabilities, answers.class_count))
        leads.append(values[:, 1] - values[:, 0])
    return np.concatenate(leads)


def _exchanged(both: NDArray[np.floating], swapped: NDArray[np.bool_]) -> Floats:
    """(2, N, …) answers, and (b, N) whether they change places → (b, 2, N, …)."""
    which = np.stack([swapped, ~swapped], axis=1).astype(np.int64)  # (b, 2, N)
    return np.asarray(both[which, np.arange(both.shape[1])], np.float64)


def sign_flip_p_values(contributions: Floats, units: Units, resamples: int) -> tuple[Floats, Floats]:
    """p-values of no difference from the best, on the examples alone: (K - 1,) each by itself, and (K - 1,) adjusted.

    The signs of all units' differences are flipped at random, of all candidates together. The adjusted p-values take
    the largest standardised difference of any two of those that are still in, so that the best is picked again in each
    relabelling, and step down as `against_best` does.

    Args:
        contributions: (K, S, N), the candidate that came out best first.
        units: what is flipped as a whole.
        resamples: how many relabellings are drawn.
    """
    sums = units.disjoint_sums(contributions.mean(axis=1).T)  # (U, K)
    sums = sums - sums.mean(axis=1, keepdims=True)
    signs = np.random.default_rng(8).integers(0, 2, (resamples, len(sums)), dtype=np.int8) * 2 - 1
    starts = range(0, resamples, FLIPS_AT_ONCE)
    drawn = np.concatenate([signs[start : start + FLIPS_AT_ONCE].astype(np.float64) @ sums for start in starts])
    observed = sums.sum(axis=0)
    deviation = np.sqrt(np.square(sums[:, :, None] - sums[:, None, :]).sum(axis=0))  # (K, K)
    deviation = np.where(deviation > 0, deviation, np.inf)
    behind = (observed[0] - observed[1:]) / deviation[0, 1:]
    alone, adjusted = np.ones(len(behind)), np.ones(len(behind))
    furthest, members, largest = np.zeros(resamples), [0], 0.0
    for other in np.argsort(behind, kind="stable") + 1:
        apart = np.abs(drawn[:, members] - drawn[:, [other]]) / deviation[other, members]
        furthest = np.maximum(furthest, apart.max(axis=1))
        alone[other - 1] = _share(apart[:, 0], behind[other - 1])
        adjusted[other - 1] = _share(furthest, behind[other - 1])
        members.append(int(other))
    for other in np.argsort(-behind, kind="stable"):
        largest = adjusted[other] = max(largest, adjusted[other])
    return alone, adjusted


def _share(drawn: Floats, seen: float) -> float:
    return float((1 + (drawn >= seen - 1e-12).sum()) / (1 + len(drawn)))


def spent_alpha(alpha: float, look: int) -> float:
    """What the `look`-th test within a year may spend, so that all looks of any year together stay within `alpha`.

    Half of it is spent proportionally to 1 / look², which adds up to π² / 6: without end, the first looks most. The
    other half is spread evenly over WEEKS looks, so that the last look of a year can still show something. Each look
    may be of whatever came out of those before it. Of 300 simulated years of 52 looks among equals (a shortlist of
    four, 661 examples) 0.017 had a promotion, and 0.22 where each look spends 0.05.

    >>> [round(spent_alpha(0.05, look), 4) for look in (1, 4, 52, 53)]
    [0.0157, 0.0014, 0.0005, 0.0]

    Args:
        alpha: allowed share of years with a false promotion.
        look: 1 for the first of a year.
    """
    return 3 * alpha / (math.pi * look) ** 2 + (alpha / (2 * WEEKS) if look <= WEEKS else 0.0)


def smallest_visible_lead(examples: float, disagreement: float, alpha: float, power: float = 0.8) -> float:
    """The lead of a challenger that a paired test at `alpha` shows with a probability of `power`.

    What this exceeds by much is what a test set can no longer show: it is worn out.

    Args:
        examples: how many independent examples (or groups) both models answer.
        disagreement: the share of them on which one is right and the other wrong.
    """
    reach = float(special.ndtri(1 - alpha / 2) + special.ndtri(power)) ** 2 / examples
    lead = math.sqrt(reach * max(disagreement, 0.0))
    # Two models disagree at least as often as one is ahead: lead² = reach · (lead - lead²) where that decides.
    return min(max(lead, reach / (1 + reach)), 1.0)
