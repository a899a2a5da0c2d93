"""What there is hardly anything to learn from: no crash, no warning, and nothing is shown that is not there."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.comparison.statistics.advice import weigh
from pipeline.comparison.statistics.against_best import against_best
from pipeline.comparison.statistics.intervals import after_selection, estimate, pair_contrasts
from pipeline.comparison.statistics.paired_tests import sign_flip_p_values
from pipeline.comparison.statistics.quantities import score_quantity
from pipeline.comparison.statistics.variation.units import series_in_blocks, single_examples, whole_groups

SOME = (np.random.default_rng(0).random((4, 3, 60)) < np.linspace(0.5, 0.8, 4)[:, None, None]).astype(float)
EQUAL, RIGHT = np.repeat(SOME[:1], 4, axis=0), np.ones((4, 3, 60))
CASES = {
    "one group": (SOME, whole_groups(np.zeros(60, np.int64))),
    "two groups": (SOME, whole_groups(np.arange(60) // 30)),
    "one candidate": (SOME[:1], single_examples(60)),
    "one candidate, one group": (SOME[:1], whole_groups(np.zeros(60, np.int64))),
    "all equal": (EQUAL, single_examples(60)),
    "all right": (RIGHT, single_examples(60)),
    "all right, one seed": (RIGHT[:, :1], single_examples(60)),
    "all wrong": (RIGHT * 0, single_examples(60)),
    "one example": (RIGHT[:, :, :1], single_examples(1)),
    "a series of three steps": (SOME[:, :, :3], series_in_blocks(np.arange(3), SOME[:, :, :3])),
    "a series without errors": (RIGHT, series_in_blocks(np.arange(60), RIGHT)),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", CASES)
def test_every_number_is_finite_and_nothing_is_shown(case: str) -> None:
    contributions, units = CASES[case]
    quantity = score_quantity(contributions, 300, units)
    rows = np.eye(len(contributions))[np.argsort(-quantity.means, kind="stable")]
    own = estimate(quantity, rows, 0.95, (0.0, 1.0))
    pairs = estimate(quantity, pair_contrasts(rows)[0], 0.95, (-1.0, 1.0))
    best = against_best(quantity, rows, pairs, 0.95, [0.1], contributions)
    prospects = weigh(quantity, 0.95)
    alone, adjusted = sign_flip_p_values(contributions, units, 200)
    low, high = after_selection(quantity, 0.95, (0.0, 1.0))
    for numbers in (own.low, own.high, low, high, alone, prospects.expected_regret, prospects.at_most_behind):
        assert np.isfinite(numbers).all()
    assert (own.low <= own.value).all() and (own.value <= own.high).all()
    assert prospects.p_best.sum() == pytest.approx(1.0)
    assert best.open(0.95) == len(contributions) - 1
    assert (adjusted >= 0.05).all()


def test_one_group_leaves_the_whole_range_open() -> None:
    contributions, units = CASES["one group"]
    own = estimate(score_quantity(contributions, 300, units), np.eye(4), 0.95, (0.0, 1.0))
    assert own.low == pytest.approx(np.zeros(4)) and own.high == pytest.approx(np.ones(4))


def test_equals_share_the_chance_of_being_best_and_cost_next_to_nothing() -> None:
    contributions, units = CASES["all equal"]
    prospects = weigh(score_quantity(contributions, 300, units), 0.95)
    assert prospects.p_best == pytest.approx(np.full(4, 0.25), abs=0.06)
    assert prospects.expected_regret.max() < 0.02
