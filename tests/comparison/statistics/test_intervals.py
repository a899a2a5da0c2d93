"""Statistics with known answers, and a small check that intervals cover what they say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.worlds import contributions
from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.quantities import Quantity, score_quantity
from pipeline.comparison.statistics.variation.seeds import ASSUMED_SPREAD, no_spread

DIFFERENCE = np.array([[1.0, -1.0]])
RESAMPLES = 2000
ALONE = 1.96  # standard errors, where one difference is all there is


def outcomes(accuracies: list[float], seeds: int, examples: int, spread: float, rng: np.random.Generator) -> np.ndarray:
    return contributions(np.array(accuracies), seeds, examples, spread, rng)


def compare(correct: np.ndarray) -> statistics.Estimates:
    return statistics.estimate(score_quantity(correct, RESAMPLES), DIFFERENCE, 0.95, (-1.0, 1.0))


def relation(correct: np.ndarray, margin: float) -> str:
    found = compare(correct)
    return statistics.relations(found, found.p_value, 0.95, margin, ALONE)[0]


def test_candidates_that_always_agree_differ_by_nothing_and_are_equivalent() -> None:
    correct = outcomes([0.6], 3, 600, 0.01, np.random.default_rng(0))
    found = compare(np.concatenate([correct[:, :1].repeat(3, axis=1)] * 2))
    assert found.value[0] == 0
    assert found.p_value[0] == 1
    assert 0 < found.high[0] < 0.005
    assert relation(np.concatenate([correct[:, :1].repeat(3, axis=1)] * 2), margin=0.01) == "equivalent"


def test_agreement_on_a_handful_of_examples_is_no_equivalence() -> None:
    assert relation(np.ones((2, 3, 20)), margin=0.01) == "indistinguishable"


def test_candidates_far_apart_are_better_and_worse() -> None:
    correct = outcomes([0.8, 0.5], 3, 600, 0.01, np.random.default_rng(1))
    assert relation(correct, margin=0.01) == "better"
    assert relation(correct[::-1], margin=0.01) == "worse"


def test_a_large_p_value_alone_is_never_equivalence() -> None:
    correct = outcomes([0.6, 0.6], 3, 200, 0.01, np.random.default_rng(2))
    assert compare(correct).p_value[0] > 0.05
    assert relation(correct, margin=0.01) == "indistinguishable"


def test_pairing_makes_a_difference_sharper_than_its_two_sides() -> None:
    correct = outcomes([0.7, 0.6], 5, 500, 0.0, np.random.default_rng(3))
    quantity = score_quantity(correct, RESAMPLES)
    sides = statistics.estimate(quantity, np.eye(2), 0.95, (0.0, 1.0)).example_variance
    assert compare(correct).example_variance[0] < 0.8 * sides.sum()


def test_the_example_part_has_the_variance_of_a_mean_of_differences() -> None:
    correct = outcomes([0.7, 0.6], 3, 500, 0.01, np.random.default_rng(4))
    each = (correct[0] - correct[1]).mean(axis=0)
    expected = each.var() / 500 + 1 / 500**2
    assert compare(correct).example_variance[0] == pytest.approx(expected, rel=0.1)


def test_more_spread_between_seeds_makes_a_wider_interval() -> None:
    rng = np.random.default_rng(5)
    steady, unsteady = (compare(outcomes([0.6, 0.6], 3, 600, spread, rng)) for spread in (0.0, 0.06))
    assert (unsteady.high - unsteady.low)[0] > 1.5 * (steady.high - steady.low)[0]


def test_one_seed_takes_the_assumed_spread_and_so_claims_less() -> None:
    correct = outcomes([0.66, 0.60], 1, 5000, 0.0, np.random.default_rng(6))
    found = compare(correct)
    assert found.seed_variance[0] == pytest.approx(2 * ASSUMED_SPREAD**2)
    assert found.low[0] < 0 < found.high[0]
    assert statistics.relations(found, found.p_value, 0.95, 0.01, ALONE) == ["indistinguishable"]


def test_accuracies_stay_within_their_bounds() -> None:
    quantity = score_quantity(np.ones((1, 3, 30)), RESAMPLES)
    found = statistics.estimate(quantity, np.eye(1), 0.95, (0.0, 1.0))
    assert found.high[0] == 1
    assert 0.85 < found.low[0] < 1


def test_p_values_are_those_of_a_normal_where_the_variances_are_known() -> None:
    found = statistics.tail_probability(np.array([0.0196, 0.0]), np.full(2, 1e-4), np.zeros((1, 2)), np.inf)
    assert found == pytest.approx([0.05, 1.0], abs=2e-4)


def test_p_values_are_those_of_t_where_few_units_tell_the_variance() -> None:
    found = statistics.tail_probability(np.array([4.303]), np.array([1.0]), np.zeros((1, 1)), 2.0)
    assert found == pytest.approx([0.05], abs=2e-3)


def test_p_values_average_over_what_the_seeds_variance_may_be() -> None:
    wide, narrow = statistics.tail_probability(
        np.full(2, 2.0), np.full(2, 0.1), np.array([[9.0, 0.0], [0.0, 0.0]]), np.inf
    )
    of_nine = statistics.tail_probability(np.array([2.0]), np.array([9.1]), np.zeros((1, 1)), np.inf)[0]
    assert wide == pytest.approx(of_nine / 2, rel=1e-3)
    assert narrow < 1e-6


def test_the_more_differences_are_asked_the_fewer_are_equivalent() -> None:
    same = outcomes([0.6], 3, 600, 0.01, np.random.default_rng(0))[:, :1].repeat(3, axis=1)
    found = compare(np.concatenate([same] * 2))
    assert statistics.relations(found, found.p_value, 0.95, 0.005, ALONE) == ["equivalent"]
    assert statistics.relations(found, found.p_value, 0.95, 0.005, 4.0) == ["indistinguishable"]


def test_interval_and_p_value_tell_the_same() -> None:
    quantity = score_quantity(outcomes([0.6] * 6, 3, 400, 0.02, np.random.default_rng(7)), 20_000)
    contrasts, _ = statistics.pair_contrasts(np.eye(6))
    found = statistics.estimate(quantity, contrasts, 0.95, (-1.0, 1.0))
    edge = np.where(found.value > 0, found.low, -found.high)
    at_edge = statistics.tail_probability(
        found.value - np.sign(found.value) * edge,
        found.example_variance,
        quantity.seeds.of(contrasts),
        quantity.degrees,
    )
    assert at_edge == pytest.approx(np.full(len(edge), 0.05), abs=0.01)


def test_holm_multiplies_the_smallest_p_value_by_the_number_of_comparisons() -> None:
    assert statistics.holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
    assert len(statistics.holm(np.array([]))) == 0


def test_the_same_outcomes_give_the_same_bytes() -> None:
    correct = outcomes([0.7, 0.6], 3, 100, 0.01, np.random.default_rng(8))
    first, second = compare(correct), compare(correct)
    assert first.low.tobytes() + first.high.tobytes() == second.low.tobytes() + second.high.tobytes()


def test_95_percent_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    """Four candidates of equal accuracy, seed spread 2 points, 3 seeds: 150 comparisons of 6 pairs."""
    rng, covered, false_winners = np.random.default_rng(9), [], 0
    contrasts, _ = statistics.pair_contrasts(np.eye(4))
    for _ in range(150):
        quantity = score_quantity(outcomes([0.6] * 4, 3, 300, 0.02, rng), 400)
        found = statistics.estimate(quantity, contrasts, 0.95, (-1.0, 1.0))
        covered.append(((found.low <= 0) & (found.high >= 0)).mean())
        false_winners += bool(found.p_value.min() * len(contrasts) < 0.05)  # Holm's first step
    assert 0.93 <= np.mean(covered) <= 0.985
    assert false_winners <= 14  # 7.5 expected at most; more has a probability of one in a hundred


def test_the_interval_of_a_picked_winner_covers_after_the_picking() -> None:
    rng, plain, corrected = np.random.default_rng(10), 0, 0
    for _ in range(100):
        quantity = score_quantity(outcomes([0.6] * 12, 3, 200, 0.01, rng), 400)
        winner = int(quantity.means.argmax())
        low = statistics.estimate(quantity, np.eye(12), 0.95, (0.0, 1.0)).low[winner]
        plain += bool(low <= 0.6)
        corrected += bool(statistics.after_selection(quantity, 0.95, (0.0, 1.0))[0][winner] <= 0.6)
    assert plain < 92
    assert corrected >= 93


def test_many_contrasts_are_estimated_in_parts_without_a_seam() -> None:
    quantity = Quantity(np.zeros(1), np.random.default_rng(11).normal(size=(50, 1)), 0.0, no_spread(1))
    count = statistics.CONTRASTS_AT_ONCE + 3
    found = statistics.estimate(quantity, np.ones((count, 1)), 0.95, (-9.0, 9.0))
    assert len(found.low) == count
    assert len(set(found.low)) == 1
