"""What choosing costs, and the choice: right where it is known, cautious where little is, whatever clocks say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.worlds import contributions
from pipeline.comparison.statistics.advice import choose, cost_by, tolerable, tolerance_by, weigh
from pipeline.comparison.statistics.quantities import Quantity, score_quantity


def simulated(accuracies: list[float], examples: int = 600, seed: int = 0) -> Quantity:
    rng = np.random.default_rng(seed)
    return score_quantity(contributions(np.array(accuracies), 3, examples, 0.01, rng), 600)


def test_a_clear_leader_is_the_best_and_costs_nothing() -> None:
    prospects = weigh(simulated([0.9, 0.6, 0.5, 0.3]), 0.95)
    assert prospects.p_best[0] > 0.99
    assert prospects.expected_regret[0] < 0.001
    assert prospects.expected_regret[1] == pytest.approx(0.3, abs=0.05)
    assert (prospects.at_most_behind >= prospects.expected_regret - 1e-12).all()


def test_equals_share_the_chance_of_being_best() -> None:
    prospects = weigh(simulated([0.6] * 6), 0.95)
    assert prospects.p_best.sum() == pytest.approx(1.0)
    assert prospects.p_best.min() > 0.005 and prospects.p_best.max() < 0.7


def test_the_leader_of_many_equals_is_expected_to_fall_back() -> None:
    """Of 12 equals on 150 examples the luckiest leads their mean by about five points."""
    quantity = simulated([0.6] * 12, examples=150, seed=3)
    leader = int(quantity.means.argmax())
    lead = quantity.means[leader] - quantity.means.mean()
    expected = weigh(quantity, 0.95).expected
    assert expected[leader] - expected.mean() < 0.6 * lead


def test_a_cluster_far_below_changes_little_among_the_best() -> None:
    quantity = simulated([0.68, 0.67, 0.66, 0.65, *[0.1] * 6])
    alone, among = weigh(quantity.first(4), 0.95), weigh(quantity, 0.95)
    assert among.expected_regret[:4] == pytest.approx(alone.expected_regret, abs=0.006)


def test_the_limit_holds_for_all_candidates_at_once() -> None:
    truth, held = np.array([0.7, 0.68, 0.66, 0.6, 0.5, 0.4]), []
    for seed in range(40):
        prospects = weigh(simulated(list(truth), 300, seed), 0.95)
        held.append((prospects.at_most_behind >= truth.max() - truth - 1e-12).all())
    assert np.mean(held) >= 0.88  # 0.95 meant; fewer has a probability of 0.02 then


def test_the_order_of_candidates_does_not_matter_much() -> None:
    quantity = simulated([0.7, 0.66, 0.6, 0.5])
    turned = replace(
        quantity,
        means=quantity.means[::-1],
        draws=quantity.draws[:, ::-1],
        seeds=replace(quantity.seeds, even_draws=quantity.seeds.even_draws[:, ::-1]),
    )
    there, back = weigh(quantity, 0.95), weigh(turned, 0.95)
    assert back.expected_regret[::-1] == pytest.approx(there.expected_regret, rel=0.06, abs=0.004)


def test_the_same_measurements_give_the_same_numbers() -> None:
    quantity = simulated([0.7, 0.66, 0.6])
    assert weigh(quantity, 0.95).expected_regret.tobytes() == weigh(quantity, 0.95).expected_regret.tobytes()


def test_one_candidate_is_the_best_of_one() -> None:
    prospects = weigh(simulated([0.6]), 0.95)
    assert (prospects.p_best[0], prospects.expected_regret[0], prospects.at_most_behind[0]) == (1, 0, 0)


def test_all_right_on_every_example_leaves_little_to_choose() -> None:
    prospects = weigh(score_quantity(np.ones((5, 2, 80)), 300), 0.95)
    assert prospects.expected_regret.max() < 0.02
    assert prospects.p_best.max() < 0.6


def test_the_cheapest_within_the_tolerance_is_taken() -> None:
    regret, costs = [0.001, 0.008, 0.012, 0.2], [800.0, 90.0, 10.0, 1.0]
    assert choose(regret, costs, tolerance=0.01) == 1
    assert choose(regret, costs, tolerance=0.0) == 0
    assert choose(regret, costs, tolerance=0.02) == 2
    assert choose(regret, costs, tolerance=1.0) == 3


def test_where_all_cost_more_than_the_tolerance_hardly_more_than_the_least_is_taken() -> None:
    """Nothing is known well enough to spend the whole tolerance on top."""
    costs = [800.0, 90.0, 10.0, 1.0]
    assert choose([0.012, 0.014, 0.019, 0.2], costs, tolerance=0.01) == 1
    assert choose([0.012, 0.016, 0.019, 0.2], costs, tolerance=0.01) == 0
    assert choose([0.006, 0.0095, 0.012, 0.2], costs, tolerance=0.01) == 1, "the tolerance holds in all, not on top"
    assert (tolerable([0.001, 0.2], 0.01), tolerable([0.02, 0.2], 0.01)) == pytest.approx((0.01, 0.023))


def test_costs_within_a_factor_of_two_are_alike() -> None:
    regret, costs = [0.001, 0.004, 0.003], [100.0, 60.0, 55.0]
    assert choose(regret, costs, 0.01) == 0, "the smaller regret decides"
    assert choose(regret, costs, 0.01, ties=[(9.0, "a"), (3.0, "b"), (3.0, "a")]) == 2, "parameters, then the name"


def test_preferences_weigh_what_they_say() -> None:
    training, answering = [100.0, 1.0], [1.0, 1000.0]
    assert cost_by("cheap_training", training, answering).argmin() == 1
    assert cost_by("fast_answers", training, answering).argmin() == 0
    assert cost_by("balanced", training, answering) == pytest.approx([10.0, np.sqrt(1000)])
    assert (tolerance_by("accuracy", 0.01), tolerance_by("balanced", 0.01)) == (0.0, 0.01)
