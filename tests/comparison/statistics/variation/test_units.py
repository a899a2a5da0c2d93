"""Whole groups and blocks are drawn; what few of them tell is told as little."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.comparison.statistics.variation import units
from pipeline.comparison.statistics.variation.units import series_in_blocks, single_examples, units_of, whole_groups


def test_examples_that_are_copies_of_one_another_are_as_one() -> None:
    """40 examples, each four times: the mean varies as that of 40, not of 160."""
    each = np.random.default_rng(0).normal(size=(40, 1))
    four = np.repeat(each, 4, axis=0)
    of_groups = whole_groups(np.repeat(np.arange(40), 4)).resampled_means(four, 4000, 0).std()
    assert of_groups == pytest.approx(each.std(ddof=1) / np.sqrt(40), rel=0.05)
    assert single_examples(160).resampled_means(four, 4000, 0).std() == pytest.approx(of_groups / 2, rel=0.07)


def test_group_numbers_may_be_any() -> None:
    values = np.random.default_rng(1).normal(size=(6, 2))
    one = whole_groups(np.array([7, 7, -3, -3, 900, 900])).resampled_means(values, 50, 0)
    other = whole_groups(np.array([1, 1, 0, 0, 2, 2])).resampled_means(values, 50, 0)
    assert np.array_equal(one, other)


def test_groups_of_different_sizes_are_drawn_as_they_are() -> None:
    values = np.array([[1.0], [1.0], [1.0], [0.0]])
    drawn = whole_groups(np.array([0, 0, 0, 1])).resampled_means(values, 2000, 0)
    assert drawn.mean() == pytest.approx(0.75)
    assert len(np.unique(drawn.round(9))) == 3, "both, the large one twice, the small one twice"


def test_weights_count_an_example_as_often_as_they_say() -> None:
    weighed = single_examples(2).resampled_means(np.array([[1.0], [0.0]]), 90, 0, np.array([[3.0], [1.0]]))
    repeated = whole_groups(np.array([0, 0, 0, 1])).resampled_means(np.array([[1.0], [1.0], [1.0], [0.0]]), 90, 0)
    np.testing.assert_allclose(weighed, repeated)


def test_the_variance_of_a_mean_is_that_of_the_draws() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(300, 1)) + rng.normal(size=(30, 1)).repeat(10, axis=0)
    units = whole_groups(np.arange(300) // 10)
    drawn = units.resampled_means(values, 5000, 0).var()
    assert units.variance_of_mean(values[:, 0] - values.mean()) == pytest.approx(drawn, rel=0.1)


def test_a_series_mean_varies_as_its_autocorrelation_lets_it() -> None:
    """Autoregression of 0.8: nine times the variance of independent steps; blocks find most of it."""
    rng, steps, drawn = np.random.default_rng(3), 600, []
    for _ in range(20):
        series = rng.normal(size=steps)
        for step in range(1, steps):
            series[step] = 0.8 * series[step - 1] + 0.6 * series[step]
        units = series_in_blocks(np.arange(steps), series[None, None])
        drawn.append(units.resampled_means(series[:, None], 400, 0).var() * steps)
    assert 6 < np.mean(drawn) < 14


def test_a_series_may_come_in_any_order() -> None:
    values = np.random.default_rng(4).normal(size=50).cumsum()
    shuffled = np.random.default_rng(5).permutation(50)
    straight = series_in_blocks(np.arange(50), values[None, None])
    mixed = series_in_blocks(shuffled, values[shuffled][None, None])
    assert mixed.blocks == straight.blocks and straight.blocks is not None and straight.blocks.length > 1
    draws = [straight.resampled_means(values[:, None], 90, 0), mixed.resampled_means(values[shuffled][:, None], 90, 0)]
    np.testing.assert_allclose(draws[0], draws[1])


def test_groups_go_before_order_and_nothing_means_single_examples() -> None:
    values = np.random.default_rng(6).normal(size=(2, 3, 12))
    assert units_of(values).count == 12
    assert units_of(values, groups=np.arange(12) // 4, order=np.arange(12)).count == 3
    assert units_of(values, order=np.arange(12)).blocks is not None


def test_one_group_alone_tells_nothing_and_breaks_nothing() -> None:
    units = whole_groups(np.zeros(5, int))
    assert (units.count, units.degrees) == (1, 1)
    assert np.ptp(units.resampled_means(np.arange(5.0)[:, None], 20, 0)) == 0


def test_draws_that_were_kept_are_those_that_are_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).normal(size=(70, 2))
    kept = [single_examples(70).resampled_means(values, 600, 0) for _ in range(2)]
    monkeypatch.setattr(units, "KEPT_DRAWS", 0)
    anew = single_examples(70).resampled_means(values, 600, 0)
    assert kept[0].tobytes() == kept[1].tobytes() == anew.tobytes()
    assert anew.tobytes() != single_examples(70).resampled_means(values, 600, 1).tobytes(), "another stream"
