"""Blocks: short where errors are independent, longer where they are not, never too long for the series."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.comparison.statistics.variation.autocorrelation import (
    FEWEST,
    autocovariance,
    blocks_for,
    politis_white_length,
)


def series(autoregression: float, steps: int, seed: int) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(1, steps + 100))
    for step in range(1, steps + 100):
        values[:, step] += autoregression * values[:, step - 1]
    return values[:, 100:]


def test_blocks_grow_with_the_autocorrelation() -> None:
    lengths = [np.median([blocks_for(series(a, 1000, seed)).length for seed in range(9)]) for a in (0.0, 0.5, 0.9)]
    assert lengths[0] < lengths[1] < lengths[2]
    assert 3 * 30 < lengths[2] < 3 * 60


def test_the_length_is_that_of_the_published_method() -> None:
    """The median over 30 series of 1,000 steps that the package `arch` 8.0 gives: 19.5 for 0.7 and 42.5 for 0.9."""
    for autoregression, expected in ((0.7, 19.5), (0.9, 42.5)):
        drawn = [series(autoregression, 1000, seed) for seed in range(30)]
        lengths = [politis_white_length(autocovariance(one), 1000) for one in drawn]
        assert np.median(lengths) == pytest.approx(expected, rel=0.15)


def test_blocks_leave_room_for_enough_of_them() -> None:
    assert blocks_for(series(0.95, 60, 1)).length <= 60 // FEWEST


def test_what_blocks_miss_is_made_good_where_there_is_something() -> None:
    independent, dependent = blocks_for(series(0.0, 200, 2)), blocks_for(series(0.9, 200, 3))
    assert independent.common == pytest.approx(1.0, abs=0.25)
    assert dependent.common > 1.3


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_very_short_and_constant_series_have_blocks_too(steps: int) -> None:
    assert blocks_for(np.zeros((2, steps))).length >= 1
    assert blocks_for(np.arange(2 * steps, dtype=float).reshape(2, steps)).length >= 1
