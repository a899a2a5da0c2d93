"""Intervals and p-values for scores, gaps and their differences, from two parts laid together: examples and seeds.

The part of the examples is the bootstrap of a Quantity, as uncertain in its width as the number of units leaves it (a
t-distribution); the part of the seeds is normal, with a variance that is itself drawn (see seeds.py). Both averages are
taken over the same draws in intervals, p-values and joint draws, so that they tell the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special
from statsmodels.stats.multitest import multipletests

from pipeline.comparison.statistics.quantities import Quantity

Floats = NDArray[np.float64]

CONTRASTS_AT_ONCE = 256
MIXTURE = 500  # variances that a p-value averages over


@dataclass(frozen=True)
class Estimates:
    """K contrasts: each array is (K,). The variances are of the estimate, from examples and from seeds."""

    value: Floats
    low: Floats
    high: Floats
    p_value: Floats
    example_variance: Floats
    seed_variance: Floats

    def first(self, count: int) -> Estimates:
        """The same of the first `count` contrasts only."""
        return Estimates(**{name: getattr(self, name)[:count] for name in self.__dataclass_fields__})

    @property
    def deviation(self) -> Floats:
        """(K,) standard errors."""
        return np.asarray(np.sqrt(self.example_variance + self.seed_variance))


def estimate(quantity: Quantity, contrasts: Floats, confidence: float, bounds: tuple[float, float]) -> Estimates:
    """Interval and two-sided p-value (of being zero) for each row of `contrasts` (K, C)."""
    parts = [
        _estimate(quantity, contrasts[start : start + CONTRASTS_AT_ONCE], confidence, bounds)
        for start in range(0, max(len(contrasts), 1), CONTRASTS_AT_ONCE)
    ]
    names = Estimates.__dataclass_fields__
    return Estimates(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _estimate(quantity: Quantity, contrasts: Floats, confidence: float, bounds: tuple[float, float]) -> Estimates:
    value, count = contrasts @ quantity.means, len(quantity.draws)
    kernel = np.random.default_rng(2).normal(0.0, quantity.kernel, (count, 1))
    examples = (quantity.draws - quantity.means) @ contrasts.T + kernel  # (B, K)
    off = examples * widths(count, quantity.degrees)[:, None] + quantity.seeds.effects(count) @ contrasts.T
    low, high = value + np.quantile(off, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    example_variance, seed_variances = examples.var(axis=0), quantity.seeds.of(contrasts)
    return Estimates(
        value=value,
        low=np.clip(np.minimum(low, value), *bounds),
        high=np.clip(np.maximum(high, value), *bounds),
        p_value=tail_probability(value, example_variance, seed_variances, quantity.degrees),
        example_variance=example_variance,
        seed_variance=seed_variances.mean(axis=0),
    )


def after_selection(quantity: Quantity, confidence: float, bounds: tuple[float, float]) -> tuple[Floats, Floats]:
    """Intervals (low, high), each (C,), that hold for all candidates at once, and so for whichever is picked.

    The usual standard error of each, times the quantile of the largest deviation among the candidates in joint draws.
    """
    deviation = np.sqrt(quantity.draws.var(axis=0) + quantity.kernel**2 + quantity.seeds.variance)
    furthest = np.abs(joint_draws(quantity, quantity.kernel) / deviation).max(axis=1)
    reach = np.quantile(furthest, confidence) * deviation
    return np.clip(quantity.means - reach, *bounds), np.clip(quantity.means + reach, *bounds)


def contrasts_after_selection(
    quantity: Quantity, contrasts: Floats, confidence: float, bounds: tuple[float, float]
) -> tuple[Floats, Floats]:
    """The same for contrasts of candidates (K, C): intervals (low, high), each (K,), that hold for all at once."""
    value = contrasts @ quantity.means
    examples = ((quantity.draws - quantity.means) @ contrasts.T).var(axis=0) + quantity.kernel**2
    deviation = np.sqrt(examples + quantity.seeds.of(contrasts).mean(axis=0))
    draws = joint_draws(quantity, quantity.kernel / np.sqrt(2)) @ contrasts.T
    reach = np.quantile(np.abs(draws / deviation).max(axis=1), confidence) * deviation
    return np.clip(value - reach, *bounds), np.clip(value + reach, *bounds)


def joint_draws(quantity: Quantity, kernel: float) -> Floats:
    """(B, C): how far off all means may be at once: examples drawn in pairs, each candidate's seeds by themselves."""
    count, candidates = quantity.draws.shape
    smoothed = quantity.draws - quantity.means + np.random.default_rng(5).normal(0.0, kernel, (count, candidates))
    return np.asarray(smoothed * widths(count, quantity.degrees)[:, None] + quantity.seeds.effects(count))


@lru_cache(maxsize=16)
def widths(count: int, degrees: float) -> Floats:
    """(count,) factors that turn a normal deviation into one of a t-distribution, the same for all candidates.

    Kept, and so read-only: every estimate of a comparison asks for the same ones.
    """
    levels = np.random.default_rng(6).permutation((np.arange(count) + 0.5) / count)
    factors = np.ones(count) if np.isinf(degrees) else np.sqrt(degrees / (2 * special.gammaincinv(degrees / 2, levels)))
    factors.flags.writeable = False
    return factors


def tail_probability(value: Floats, example_variance: Floats, seed_variances: Floats, degrees: float) -> Floats:
    """Two-sided p-values (K,) of `value` (K,), averaged over what the variances may be.

    Integrated rather than counted among the resamples, since Holm's correction over hundreds of pairs asks for
    probabilities far below one in the number of resamples.

    Args:
        value: (K,) estimates.
        example_variance: (K,) of the example part.
        seed_variances: (J, K) equally likely variances of the seed part.
        degrees: of freedom of the example part's variance.
    """
    rows = np.arange(MIXTURE) * len(seed_variances) // MIXTURE
    variance = example_variance * widths(MIXTURE, degrees)[:, None] ** 2 + seed_variances[rows]  # (MIXTURE, K)
    deviation = np.maximum(np.sqrt(variance), np.finfo(float).tiny)
    return np.asarray(2 * special.ndtr(-np.abs(value) / deviation).mean(axis=0))


def holm(p_values: Floats) -> Floats:
    """Holm's step-down adjustment for the number of comparisons."""
    if not len(p_values):
        return p_values
    return np.asarray(multipletests(p_values, method="holm")[1], dtype=np.float64)


def relations(estimates: Estimates, p_adjusted: Floats, confidence: float, margin: float, reach: float) -> list[str]:
    """One word for each difference. A large p-value is never equivalence: that takes an interval inside the margin.

    Args:
        reach: standard errors within which all differences lie at once, so that no candidate is called equivalent only
            because there are many (see AgainstBest).
    """
    words = []
    half = reach * estimates.deviation
    for value, room, p in zip(estimates.value, half, p_adjusted, strict=True):
        if abs(value) + room <= margin:
            words.append("equivalent")
        elif p < 1 - confidence:
            words.append("better" if value > 0 else "worse")
        else:
            words.append("indistinguishable")
    return words


def pair_contrasts(rows: Floats) -> tuple[Floats, list[tuple[int, int]]]:
    """The differences of every two rows of `rows` (K, C), and which two each is."""
    pairs = [(first, second) for first in range(len(rows)) for second in range(first + 1, len(rows))]
    differences = [rows[first] - rows[second] for first, second in pairs]
    return np.array(differences).reshape(len(pairs), rows.shape[1]), pairs
