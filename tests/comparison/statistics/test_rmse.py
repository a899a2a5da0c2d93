"""RMSE as a mean of shares: exact where it is measured, right to first order beside it."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.rmse import rmse_of, shares_of


def errors(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape) ** 2


def test_the_mean_of_the_shares_is_minus_the_rmse() -> None:
    squared = errors(4, 3, 200)
    np.testing.assert_allclose(shares_of(squared).mean(axis=-1), -rmse_of(squared))
    np.testing.assert_array_equal(shares_of(np.zeros((2, 5))), np.zeros((2, 5)))


def test_what_does_not_count_changes_nothing() -> None:
    squared = errors(1, 50)
    with_gap = np.concatenate([squared, np.full((1, 7), np.nan)], axis=1)
    np.testing.assert_allclose(rmse_of(with_gap), rmse_of(squared))
    np.testing.assert_allclose(np.nanmean(shares_of(with_gap)), -rmse_of(squared)[0])


def test_drawing_the_shares_again_is_drawing_the_rmse_again_to_first_order() -> None:
    squared = errors(400)
    rows = np.random.default_rng(1).integers(400, size=(2000, 400))
    drawn = np.sqrt(squared[rows].mean(axis=1))
    linear = -shares_of(squared)[rows].mean(axis=1)
    assert np.corrcoef(drawn, linear)[0, 1] > 0.999
    assert linear.std() == pytest.approx(drawn.std(), rel=0.03)


def test_intervals_of_differences_hold_the_truth() -> None:
    """95 % of the time, good to the 5 % that 60 comparisons of 6 candidates can tell."""
    rng, held = np.random.default_rng(3), []
    for _ in range(60):
        shared, own = rng.normal(size=150), rng.normal(size=(6, 1, 150))
        each = (0.8 * shared + 0.5 * own + 0.2 * rng.normal(size=(6, 3, 150))) * (1 + 0.03 * rng.normal(size=(6, 3, 1)))
        quantity = statistics.accuracy_quantity(shares_of(each**2), 300)
        contrasts, _ = statistics.pair_contrasts(np.eye(6))
        found = statistics.estimate(quantity, contrasts, 0.95, (-np.inf, np.inf))
        held.append(((found.low <= 0) & (found.high >= 0)).mean())
    assert 0.90 < np.mean(held) < 0.99


def test_one_seed_of_numbers_is_not_put_to_mcnemars_test() -> None:
    shares = shares_of(errors(2, 1, 80))
    shares[1] -= 1.0
    assert statistics.permutation_p_values(shares[0], shares[1:], 199)[0] < 0.05
