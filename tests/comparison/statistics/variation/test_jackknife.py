"""An average over seeds is one draw: how far other seeds would change it is told by leaving out each."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.comparison.statistics.variation.jackknife import jackknifed


def test_of_a_mean_each_seed_is_given_its_own_contributions() -> None:
    seeds = np.random.default_rng(0).normal(size=(2, 3, 40))  # (E, S, N)
    without = (seeds.sum(axis=1, keepdims=True) - seeds) / 2
    assert jackknifed(seeds.mean(axis=1), without) == pytest.approx(seeds)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_mean_is_the_whole_and_the_spread_is_the_jackknifes(count: int) -> None:
    random = np.random.default_rng(count)
    whole, without = random.normal(size=(1, 30)), random.normal(size=(1, count, 30))
    found = jackknifed(whole, without)
    assert found.mean(axis=1) == pytest.approx(whole)
    scores = without.mean(axis=2)[0]
    expected = (count - 1) / count * np.square(scores - scores.mean()).sum()
    assert found.mean(axis=2)[0].var(ddof=1) / count == pytest.approx(expected)
