"""Measured quantities of candidates (score, overfitting, shift, gap) with what makes them uncertain.

Two things vary: which examples happened to be drawn, and which seed a trial had. For the first, examples (or whole
groups, or blocks of a series) are drawn again with replacement, the same draw for all candidates, so what is hard for
all cancels in a difference. For the second see seeds.py.

All of it holds for these labelled examples: seeds divide one development set anew, so what another development set
would change is in no interval. (Of 150 development examples, 95 % intervals held for a new development set in 0.87 to
0.89 of simulations, of 600 in 0.89 to 0.97.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.statistics.variation.autocorrelation import blocks_for
from pipeline.comparison.statistics.variation.seeds import SeedSpread, no_spread, seed_spread
from pipeline.comparison.statistics.variation.units import Strata, Units, single_examples, units_of, whole_groups

Floats = NDArray[np.float64]

TEST, DEVELOPMENT = 0, 1  # streams of draws


@dataclass(frozen=True)
class Quantity:
    """One measured quantity of C candidates.

    Attributes:
        means: (C,) over seeds and examples.
        draws: (B, C) of the same means, over examples drawn again in pairs.
        kernel: standard deviation of the normal kernel that smooths the draws, see `kernel_of`.
        seeds: what the seeds add.
        degrees: of freedom of the draws' variance: units less one; infinite where it is known.
    """

    means: Floats
    draws: Floats
    kernel: float
    seeds: SeedSpread
    degrees: float = np.inf

    def first(self, count: int) -> Quantity:
        """The same of the first `count` candidates only."""
        return replace(self, means=self.means[:count], draws=self.draws[:, :count], seeds=self.seeds.first(count))

    def of_trained_models(self) -> Quantity:
        """The same of the models as they are, whatever other seeds would have made."""
        return replace(self, seeds=no_spread(len(self.means)))


def score_quantity(
    contributions: Floats, resamples: int, units: Units | None = None, derived: NDArray[np.bool_] | None = None
) -> Quantity:
    """The mean of contributions (C, S, N); for the score of a group of candidates, of the group's mean contributions.

    A group's mean is a candidate of its own here: its seeds' values tell what its members' seeds have in common.

    Args:
        derived: (C,) which candidates are made of others (see `seed_spread`); None: none is.
    """
    units = units or single_examples(contributions.shape[2])
    by_example = contributions.mean(axis=1)  # (C, N)
    return Quantity(
        means=by_example.mean(axis=1),
        draws=units.resampled_means(by_example.T, resamples, TEST),
        kernel=kernel_of(units),
        seeds=seed_spread(contributions.mean(axis=2), residual_variance(contributions, units), derived),
        degrees=units.degrees_of(by_example),
    )


def deployed_quantity(contributions: Floats, resamples: int, units: Units | None = None) -> Quantity:
    """The score of one trained model of each candidate, whatever other seeds would have made.

    Args:
        contributions: (C, N) of these models, which were chosen by anything but them.
    """
    return score_quantity(contributions[:, None], resamples, units).of_trained_models()


def kernel_of(units: Units) -> float:
    """One example's share (see `Units.least_share`).

    It keeps the interval of candidates that never disagreed from having no width (compare Agresti and Min 2005).
    """
    return units.least_share


def units_of_test(outcomes: Outcomes) -> Units:
    """What is drawn of the test split."""
    units = units_of(outcomes.contributions, outcomes.groups, outcomes.order)
    return in_strata(units, outcomes.labels, outcomes.parts)


def in_strata(units: Units, labels: NDArray[Any], parts: Floats | None) -> Units:
    """The same units, knowing which classes decide on the score.

    A class of three examples that are all wrong, or all right, has no variance, and yet tells no more than three
    examples: so it lends the score its few degrees of freedom, and one of its examples the least deviation.

    Args:
        labels: (N,) class numbers.
        parts: as `Score.parts` has them, in units of the contributions; None where all examples count alike.
    """
    return units if parts is None else replace(units, strata=Strata(labels.astype(np.int64), parts))


def overfit_quantity(outcomes: Outcomes, resamples: int) -> Quantity:
    """Train minus validation score of every candidate, development examples drawn again."""
    train, validation, units = _development_draws(outcomes, resamples)
    by_seed = _of_seeds_that_tell(outcomes.train_by_seed - outcomes.validation_by_seed)
    spread = seed_spread(by_seed, _validation_residual(outcomes, units), outcomes.derived)
    return _quantity(by_seed, train - validation, kernel_of(units), spread, _degrees(outcomes, units))


def shift_quantity(outcomes: Outcomes, score: Quantity) -> Quantity:
    """Validation minus test score of every candidate; development and test examples are drawn independently."""
    _, validation, units = _development_draws(outcomes, len(score.draws))
    by_seed = _of_seeds_that_tell(outcomes.validation_by_seed - outcomes.contributions.mean(axis=2))
    residual = _validation_residual(outcomes, units)
    residual += residual_variance(outcomes.contributions, units_of_test(outcomes))
    degrees = min(score.degrees, _degrees(outcomes, units))
    return _quantity(
        by_seed, validation - score.draws, score.kernel, seed_spread(by_seed, residual, outcomes.derived), degrees
    )


def gap_quantity(outcomes: Outcomes, score: Quantity) -> Quantity:
    """Train minus test score of every candidate; development and test examples are drawn independently."""
    train, _, _ = _development_draws(outcomes, len(score.draws))
    by_seed = outcomes.train_by_seed - outcomes.contributions.mean(axis=2)
    residual = residual_variance(outcomes.contributions, units_of_test(outcomes))
    spread = seed_spread(by_seed, residual, outcomes.derived)
    return _quantity(by_seed, train - score.draws, score.kernel, spread, score.degrees)


def _of_seeds_that_tell(by_seed: Floats) -> Floats:
    """(C, S) without the seeds of whose validation examples a score says nothing, such as AUROC of a single class.

    All candidates validate on the same examples, so it is the same seeds for all. Where none is left, all are NaN.
    """
    tell = np.isfinite(by_seed).all(axis=0)
    return by_seed[:, tell] if tell.any() else by_seed


def _quantity(by_seed: Floats, draws: Floats, kernel: float, seeds: SeedSpread, degrees: float) -> Quantity:
    """Draws are put around the mean over seeds, each of which counts alike."""
    means = by_seed.mean(axis=1)
    return Quantity(means, draws - draws.mean(axis=0) + means, kernel, seeds, degrees)


def residual_variance(contributions: Floats, units: Units) -> Floats:
    """(C,): what noise of seed and example together adds to the variance between seeds' means, from (C, S, N)."""
    seeds = contributions.shape[1]
    if seeds == 1:
        return np.zeros(len(contributions))
    grand = contributions.mean(axis=(1, 2), keepdims=True)
    left = contributions - contributions.mean(axis=1, keepdims=True) - contributions.mean(axis=2, keepdims=True) + grand
    return np.asarray(units.variance_of_mean(left).sum(axis=1) / (seeds - 1))


def _development_draws(outcomes: Outcomes, resamples: int) -> tuple[Floats, Floats, Units]:
    """(B, C) training scores and (B, C) validation scores over the same drawn development examples, and their units."""
    units = units_of_development(outcomes)
    parts = [outcomes.train, outcomes.validation]
    sums = np.concatenate([np.nansum(part, axis=1) for part in parts])  # (2C, M)
    counts = np.concatenate([np.isfinite(part).sum(axis=1) for part in parts]).astype(np.float64)
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    drawn = units.resampled_means(means.T, resamples, DEVELOPMENT, counts.T)
    return drawn[:, : len(outcomes.train)], drawn[:, len(outcomes.train) :], units


def units_of_development(outcomes: Outcomes) -> Units:
    """What is drawn of the development examples; of a series, blocks as long as the errors in validation ask for."""
    if outcomes.development_groups is not None:
        return whole_groups(outcomes.development_groups)
    if outcomes.development_order is None:
        return single_examples(outcomes.train.shape[2])
    in_time = np.argsort(outcomes.development_order, kind="stable")
    validation = outcomes.validation[..., in_time]
    validated = validation[..., np.isfinite(validation).all(axis=(0, 1))]  # the same stretch with every seed
    return Units(np.argsort(in_time), blocks_for(validated.mean(axis=1)))


def _degrees(outcomes: Outcomes, units: Units) -> float:
    """Of a series, of the blocks that its validation has room for, which decide on the variance."""
    if units.blocks is None:
        return units.degrees
    validated = np.isfinite(outcomes.validation).all(axis=(0, 1)).sum()
    return float(max(validated / units.blocks.length - 1.0, 1.0))


def _validation_residual(outcomes: Outcomes, units: Units) -> Floats:
    """(C,): `_variance_of_samples` on validation examples, of the candidate whose seeds tell (`Outcomes.seeds_of`)."""
    residual = _variance_of_samples(outcomes.validation, units)
    return residual if outcomes.seeds_of is None else residual[outcomes.seeds_of]


def _variance_of_samples(values: Floats, units: Units) -> Floats:
    """(C,): how far the means of seeds differ because each has other examples, from (C, S, M) with NaN for others.

    Where all seeds have the same, as in a series, nothing comes of that.
    """
    known = np.isfinite(values)
    if (known == known[:, :1]).all():
        return np.zeros(len(values))
    share = np.isfinite(values).mean(axis=2)  # (C, S)
    deviations = np.nan_to_num(values - np.nanmean(values, axis=2, keepdims=True))
    variances = units.variance_of_mean(deviations) / np.maximum(share, 1e-12) ** 2
    return np.asarray(variances.sum(axis=1) / np.maximum((share > 0).sum(axis=1), 1))  # over seeds that tell something
