"""The benchmark of who is said to be best where ensembles compete."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.who_is_best import CANDIDATES, WORLDS, compare_once, told_correlation, weighed
from pipeline.comparison.statistics.advice import weigh
from pipeline.comparison.statistics.quantities import score_quantity


def test_without_shared_luck_it_weighs_as_the_comparison_does_and_with_it_otherwise() -> None:
    one = compare_once(WORLDS[0], 2, np.random.default_rng(1))
    quantity = score_quantity(one.contributions, 100, derived=np.arange(2 * CANDIDATES) >= CANDIDATES)
    usual, independent, joint = weigh(quantity, 0.95), weighed(quantity, 0.0), weighed(quantity, 0.9)
    assert independent.p_best == pytest.approx(usual.p_best)
    assert independent.at_most_behind == pytest.approx(usual.at_most_behind)
    assert joint.p_best != pytest.approx(usual.p_best, abs=1e-3)


def test_of_two_seeds_the_jackknife_tells_luck_that_is_all_shared() -> None:
    one = compare_once(WORLDS[0], 2, np.random.default_rng(1))
    assert told_correlation(one.contributions) == pytest.approx(0.99) and one.correlation > 0.9
