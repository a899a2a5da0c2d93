"""Intervals and p-values for accuracies, gaps and their differences, over test examples and seeds.

Two things vary: which examples happened to be in the test set, and which seed a trial had. The estimate for one
quantity (or any linear contrast of candidates) is its mean; around it two parts are laid together:

- examples: a paired bootstrap. Every candidate is averaged over its seeds, then the examples are drawn again with
  replacement, the same draw for all candidates, so what is hard for all cancels in a difference. A normal kernel one
  example wide keeps the interval of candidates that never disagreed from having no width (compare Agresti & Min 2005).
- seeds: a handful of seeds cannot be bootstrapped (a percentile bootstrap over three seeds covered 0.89 to 0.92 where
  the spread was 2 to 3 points). Instead the seed variance of a candidate is that between its seeds' values, less what
  the examples contribute to it, and enters with a t-distribution. With two or three seeds one candidate's variance is
  so uncertain that no comparison survives the correction for many, or, where it comes out near zero by luck, far too
  many do. So a candidate is never taken to be steadier than the average candidate: the larger of
  its own variance and the mean of all is used, with the degrees of freedom (Satterthwaite 1946) of that mean. This is
  the idea of moderated variances (Smyth 2004), on the safe side. Seeds count as independent between candidates; since
  candidates of one seed share their split, they can only vary together, which makes a difference surer than that.

A candidate that predicts the same with every seed has no seed variance. **With one seed the spread is unknown**: then
every candidate is taken to have a spread of ASSUMED_SPREAD, and the verdict says so.

What was measured, with this module, on simulated candidates (probit model: shared and own difficulty of examples,
noise, seed effects; accuracies around 60 %, 100 comparisons a row, 33 with 5,000 examples). "cover": 95 % intervals of
all differences that hold the truth; "false": comparisons of truly equal candidates in which any pair is called
different after Holm (good to ±2 points); "half": half-width in points; "power": true differences of 10 points that are
found. Spread is the standard deviation between seeds in points; in "mixed", 7 candidates have 0.25, 9 have 1, 4 have 3.

    candidates  seeds  examples  spread  cover  false  half  power
            20      1       661       0  1.000   0.00   9.5   0.00   the assumed spread at work
            20      1       661       3  0.948   0.04   9.5   0.05
            20      2       661       0  0.966   0.03   4.1   0.70
            20      2       661       3  0.970   0.00   8.4   0.03
            20      2       661   mixed  0.972   0.04   5.6   0.24
            20      3       661       0  0.963   0.01   3.6   0.95
            20      3       661       1  0.960   0.02   4.0   0.84
            20      3       661       2  0.967   0.01   5.1   0.47
            20      3       661       3  0.969   0.00   6.6   0.18
            20      3       661   mixed  0.964   0.04   4.5   0.65   pairs with a candidate of spread 3: cover 0.941
            20      5       661       0  0.959   0.06   3.3   1.00
            20      5       661       3  0.961   0.02   5.2   0.53
            20     10       661       3  0.953   0.06   4.0   0.88
            20      3       100       3  0.962   0.04  10.8   0.03
            20      3     5,000       1  0.972   0.00   2.3   1.00
            20      3     5,000   mixed  0.970   0.00   3.0   0.76   pairs with a candidate of spread 3: cover 0.924
             4      2       661       3  0.973   0.04  16.5   0.08
             4      3       661       3  0.961   0.04   7.8   0.37

Comparisons with the best, which decide the verdict, are a family of their own (see best); Holm is for all other pairs.

What was tried and left (false and power at 20 candidates, 3 seeds, 661 examples, spread 3): seeds paired like examples,
each pair with its own variance and S - 1 degrees of freedom, 0.49 and 0.14; each candidate with its own variance, 0.13
and 0.03; the same two with Satterthwaite's t for the sum of both parts, 0.53 and 0.29, 0.22 and 0.18; variances
moderated by an estimated prior (Smyth), 0.05 and 0.28, but in "mixed" with 5,000 examples the pairs with a candidate of
spread 3 were covered in 0.85. That place, where a few candidates are far less steady than the rest and examples are
many, is the weakest of the method used too (0.924).

The winner's own interval must also hold after having been picked: among 20 equal candidates the plain one covers only
0.75. `after_selection` gives intervals that hold for all candidates at once, so for whichever is picked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from pipeline.comparison.statistics.outcomes import Outcomes

Floats = NDArray[np.float64]

ASSUMED_SPREAD = 0.03  # standard deviation between seeds where one seed leaves it unknown; the most we expect to meet
NOTHING = 1e-20  # a variance below this is rounding
RESAMPLES_AT_ONCE = 256
CONTRASTS_AT_ONCE = 256
PERMUTATIONS_AT_ONCE = 200


@dataclass(frozen=True)
class Quantity:
    """One measured quantity (accuracy, gap) of C candidates, with what makes it uncertain.

    Attributes:
        means: (C,) over seeds and examples.
        draws: (B, C) paired bootstrap over examples of the same means.
        kernel: standard deviation of the normal kernel that smooths the bootstrap: one example's share.
        seed_variance: (C,) variance of the mean over seeds that the seeds cause.
        degrees: degrees of freedom of the seed variances; infinite where they are known or assumed.
        mean_seed_variance: of the candidates that vary at all, without the caution in `seed_variance`.
    """

    means: Floats
    draws: Floats
    kernel: float
    seed_variance: Floats
    degrees: float
    mean_seed_variance: float = np.inf

    def first(self, count: int) -> Quantity:
        """The same of the first `count` candidates only."""
        return replace(
            self,
            means=self.means[:count],
            draws=self.draws[:, :count],
            seed_variance=self.seed_variance[:count],
        )

    def without_caution(self) -> Quantity:
        """With seed variances as they are on average, and as if they were known: how such data really scatter."""
        return replace(self, seed_variance=np.minimum(self.seed_variance, self.mean_seed_variance), degrees=np.inf)


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


def accuracy_quantity(correct: Floats, resamples: int) -> Quantity:
    """Test accuracy of every candidate, from `correct` (C, S, N), 0 or 1; or minus its RMSE, from `rmse.shares`."""
    by_example = correct.mean(axis=1)  # (C, N)
    draws = _resample(by_example.T, resamples, stream=0)
    by_seed, residual = correct.mean(axis=2), _residual(correct)
    seed_variance, degrees = seed_variances(by_seed, residual)
    mean = _mean_seed_variance(by_seed, residual)
    return Quantity(by_example.mean(axis=1), draws, 1 / correct.shape[2], seed_variance, degrees, mean)


def gap_quantity(outcomes: Outcomes, accuracy: Quantity) -> Quantity:
    """Train minus test accuracy of every candidate; train and test examples are drawn again independently."""
    resamples = len(accuracy.draws)
    counts = np.isfinite(outcomes.train).sum(axis=1).astype(np.float64)  # (C, M)
    drawn = _resample(np.concatenate([np.nansum(outcomes.train, axis=1), counts]).T, resamples, stream=1)  # (B, 2C)
    train = drawn[:, : len(counts)] / drawn[:, len(counts) :]
    by_seed = outcomes.train_scores - outcomes.contributions.mean(axis=2)  # (C, S)
    seed_variance, degrees = seed_variances(by_seed, _residual(outcomes.contributions))
    return Quantity(by_seed.mean(axis=1), train - accuracy.draws, accuracy.kernel, seed_variance, degrees)


def seed_variances(by_seed: Floats, residual: Floats) -> tuple[Floats, float]:
    """What the seeds add to the variance of each candidate's mean, and the degrees of freedom of that knowledge.

    Args:
        by_seed: (C, S) the quantity for each candidate and seed.
        residual: (C,) the part of the variance between seeds that finitely many examples cause.
    """
    candidates, seeds = by_seed.shape
    if seeds == 1:
        return np.full(candidates, ASSUMED_SPREAD**2), np.inf
    own = by_seed.var(axis=1, ddof=1)
    varies = (own > NOTHING) | (residual > NOTHING)
    if not varies.any():
        return np.zeros(candidates), np.inf
    pooled = own[varies].mean()
    degrees = (seeds - 1) * own[varies].sum() ** 2 / max((own[varies] ** 2).sum(), np.finfo(float).tiny)
    used = np.where(varies, np.maximum(0.0, np.maximum(own, pooled) - residual), 0.0)
    return used / seeds, max(float(degrees), float(seeds - 1))


def _mean_seed_variance(by_seed: Floats, residual: Floats) -> float:
    """What the seeds add to the variance of a mean, on average over the candidates that vary; as seed_variances."""
    seeds = by_seed.shape[1]
    if seeds == 1:
        return ASSUMED_SPREAD**2
    own = by_seed.var(axis=1, ddof=1)
    varies = (own > NOTHING) | (residual > NOTHING)
    return max(float((own - residual)[varies].mean()), 0.0) / seeds if varies.any() else 0.0


def estimate(quantity: Quantity, contrasts: Floats, confidence: float, bounds: tuple[float, float]) -> Estimates:
    """Interval and two-sided p-value (of being zero) for each row of `contrasts` (K, C)."""
    parts = [
        _estimate(quantity, contrasts[start : start + CONTRASTS_AT_ONCE], confidence, bounds)
        for start in range(0, max(len(contrasts), 1), CONTRASTS_AT_ONCE)
    ]
    names = Estimates.__dataclass_fields__
    return Estimates(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _estimate(quantity: Quantity, contrasts: Floats, confidence: float, bounds: tuple[float, float]) -> Estimates:
    value = contrasts @ quantity.means
    kernel = np.random.default_rng(2).normal(0.0, quantity.kernel, (len(quantity.draws), 1))
    draws = quantity.draws @ contrasts.T + kernel  # (B, K)
    example_variance = draws.var(axis=0)
    seed_variance = contrasts**2 @ quantity.seed_variance
    seeds = _t_quantiles(len(draws), quantity.degrees)[:, None] * np.sqrt(seed_variance)
    low, high = np.quantile(draws + seeds, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return Estimates(
        value=value,
        low=np.clip(np.minimum(low, value), *bounds),
        high=np.clip(np.maximum(high, value), *bounds),
        p_value=tail_probability(value, example_variance, seed_variance, quantity.degrees),
        example_variance=example_variance,
        seed_variance=seed_variance,
    )


def after_selection(quantity: Quantity, confidence: float, bounds: tuple[float, float]) -> tuple[Floats, Floats]:
    """Intervals (low, high), each (C,), that hold for all candidates at once, and so for whichever is picked.

    The usual standard error of each, times the quantile of the largest deviation among the candidates in joint draws.
    """
    deviation = np.sqrt(quantity.draws.var(axis=0) + quantity.kernel**2 + quantity.seed_variance)
    furthest = np.abs(joint_draws(quantity, quantity.kernel) / deviation).max(axis=1)
    reach = np.quantile(furthest, confidence) * deviation
    return np.clip(quantity.means - reach, *bounds), np.clip(quantity.means + reach, *bounds)


def joint_draws(quantity: Quantity, kernel: float) -> Floats:
    """(B, C): how far off all means may be at once: examples drawn in pairs, each candidate's seeds by themselves."""
    rng = np.random.default_rng(4)
    count, candidates = quantity.draws.shape
    seeds = np.column_stack([rng.permutation(_t_quantiles(count, quantity.degrees)) for _ in range(candidates)])
    smoothed = quantity.draws - quantity.means + rng.normal(0.0, kernel, (count, candidates))
    return smoothed + seeds * np.sqrt(quantity.seed_variance)


def tail_probability(value: Floats, example_variance: Floats, seed_variance: Floats, degrees: float) -> Floats:
    """Two-sided p-value of `value` under a normal example part plus a t-distributed seed part, K at a time.

    The same two parts as in the interval; integrated rather than counted among the resamples, since Holm's correction
    over hundreds of pairs asks for probabilities far below one in the number of resamples.
    """
    if np.isinf(degrees):
        deviation = np.sqrt(example_variance + seed_variance)
        return 2 * special.ndtr(-np.abs(value) / np.maximum(deviation, np.finfo(float).tiny))
    grid = np.linspace(-9.0, 9.0, 1201)
    t, weight = np.sinh(grid), np.cosh(grid)
    weight = weight * (1 + t**2 / degrees) ** (-(degrees + 1) / 2)
    reach = -np.abs(value) - t[:, None] * np.sqrt(seed_variance)  # (G, K)
    tails = special.ndtr(reach / np.maximum(np.sqrt(example_variance), np.finfo(float).tiny))
    return np.minimum(1.0, 2 * (weight @ tails) / weight.sum())


def holm(p_values: Floats) -> Floats:
    """Holm's step-down adjustment for the number of comparisons."""
    if not len(p_values):
        return p_values
    return np.asarray(multipletests(p_values, method="holm")[1], dtype=np.float64)


def permutation_p_values(best: Floats, others: Floats, resamples: int) -> Floats:
    """Of no difference from `best`, for each other candidate, over the test examples alone: (K,), not yet adjusted.

    A paired permutation test on what each example's seeds got right on average; with one seed that is McNemar's test,
    which is exact. It takes the trained models as given, so it says nothing of other seeds: a second opinion that
    shares no assumption with the p-values above, not a verdict.

    Args:
        best: (S, N) 0 or 1; or numbers, which McNemar's test is not for.
        others: (K, S, N) likewise.
    """
    if best.shape[0] == 1 and np.isin(best, (0.0, 1.0)).all():
        return np.array([_mcnemar(best[0], other[0]) for other in others])
    found = stats.permutation_test(
        (np.broadcast_to(best.mean(axis=0), others.shape[::2]), others.mean(axis=1)),
        lambda one, other, axis: (one - other).mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        batch=PERMUTATIONS_AT_ONCE,
        axis=1,
        rng=np.random.default_rng(5),
    )
    return np.asarray(found.pvalue, dtype=np.float64)


def _mcnemar(one: Floats, other: Floats) -> float:
    table = [[((one == a) & (other == b)).sum() for b in (1, 0)] for a in (1, 0)]
    return float(mcnemar(table, exact=True).pvalue)


def relations(estimates: Estimates, p_adjusted: Floats, confidence: float, margin: float) -> list[str]:
    """One word for each difference. A large p-value is never equivalence: that takes an interval inside the margin."""
    words = []
    for value, low, high, p in zip(estimates.value, estimates.low, estimates.high, p_adjusted, strict=True):
        if -margin <= low and high <= margin:
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


def _resample(values: Floats, resamples: int, stream: int) -> Floats:
    """Means of `values` (N, K) over N rows drawn with replacement, `resamples` times: (B, K)."""
    rng = np.random.default_rng([stream, len(values)])
    even = np.full(len(values), 1 / len(values))
    parts = []
    for start in range(0, resamples, RESAMPLES_AT_ONCE):
        times = rng.multinomial(len(values), even, size=min(RESAMPLES_AT_ONCE, resamples - start))
        parts.append(times @ values / len(values))
    return np.concatenate(parts)


def _t_quantiles(count: int, degrees: float) -> Floats:
    """Evenly spaced quantiles of the t-distribution in a fixed random order: (count,)."""
    levels = np.random.default_rng(3).permutation((np.arange(count) + 0.5) / count)
    return special.ndtri(levels) if np.isinf(degrees) else special.stdtrit(degrees, levels)


def _residual(correct: Floats) -> Floats:
    """(C,): what seed-by-example noise adds to the variance between seed means, from `correct` (C, S, N)."""
    _, seeds, examples = correct.shape
    if seeds == 1:
        return np.zeros(len(correct))
    grand = correct.mean(axis=(1, 2), keepdims=True)
    left = correct - correct.mean(axis=1, keepdims=True) - correct.mean(axis=2, keepdims=True) + grand
    return (left**2).sum(axis=(1, 2)) / (max(examples - 1, 1) * (seeds - 1) * examples)
