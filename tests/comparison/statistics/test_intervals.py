"""Statistics with known answers, and a small check that intervals cover what they say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import verdict_calibration
from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.intervals import Quantity

DIFFERENCE = np.array([[1.0, -1.0]])
RESAMPLES = 2000


def outcomes(accuracies: list[float], seeds: int, examples: int, spread: float, rng: np.random.Generator) -> np.ndarray:
    return verdict_calibration.outcomes(np.array(accuracies), seeds, examples, spread, rng)


def compare(correct: np.ndarray) -> statistics.Estimates:
    quantity = statistics.accuracy_quantity(correct, RESAMPLES)
    return statistics.estimate(quantity, DIFFERENCE, 0.95, (-1.0, 1.0))


def relation(correct: np.ndarray, margin: float) -> str:
    found = compare(correct)
    return statistics.relations(found, found.p_value, 0.95, margin)[0]


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
    quantity = statistics.accuracy_quantity(correct, RESAMPLES)
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


def test_no_candidate_counts_as_steadier_than_the_average() -> None:
    by_seed = np.array([[0.50, 0.50, 0.51], [0.40, 0.50, 0.60]])
    used, degrees = statistics.seed_variances(by_seed, np.full(2, 1e-6))
    own = by_seed.var(axis=1, ddof=1)
    assert used == pytest.approx([(own.mean() - 1e-6) / 3, (own[1] - 1e-6) / 3])
    assert 2 <= degrees <= 4


def test_a_candidate_that_is_the_same_with_every_seed_has_no_seed_variance() -> None:
    used, _ = statistics.seed_variances(np.array([[0.1, 0.1, 0.1], [0.4, 0.5, 0.6]]), np.array([0.0, 1e-6]))
    assert used[0] == 0
    assert used[1] > 0


def test_one_seed_takes_the_assumed_spread_and_so_claims_less() -> None:
    correct = outcomes([0.66, 0.60], 1, 5000, 0.0, np.random.default_rng(6))
    found = compare(correct)
    assert found.seed_variance[0] == pytest.approx(2 * statistics.ASSUMED_SPREAD**2)
    assert found.low[0] < 0 < found.high[0]
    assert statistics.relations(found, found.p_value, 0.95, 0.01) == ["indistinguishable"]


def test_accuracies_stay_within_their_bounds() -> None:
    quantity = statistics.accuracy_quantity(np.ones((1, 3, 30)), RESAMPLES)
    found = statistics.estimate(quantity, np.eye(1), 0.95, (0.0, 1.0))
    assert found.high[0] == 1
    assert 0.85 < found.low[0] < 1


def test_p_values_are_those_of_a_normal_where_the_seeds_are_known() -> None:
    found = statistics.tail_probability(np.array([0.0196, 0.0]), np.full(2, 1e-4), np.zeros(2), np.inf)
    assert found == pytest.approx([0.05, 1.0], abs=2e-4)


def test_p_values_are_those_of_t_where_the_seeds_are_all_that_varies() -> None:
    found = statistics.tail_probability(np.array([4.303]), np.array([1e-6]), np.array([1.0]), 2.0)
    assert found == pytest.approx([0.05], abs=5e-4)


def test_interval_and_p_value_tell_the_same() -> None:
    quantity = statistics.accuracy_quantity(outcomes([0.6] * 6, 3, 400, 0.02, np.random.default_rng(7)), 20_000)
    contrasts, _ = statistics.pair_contrasts(np.eye(6))
    found = statistics.estimate(quantity, contrasts, 0.95, (-1.0, 1.0))
    edge = np.where(found.value > 0, found.low, -found.high)
    at_edge = statistics.tail_probability(
        found.value - np.sign(found.value) * edge, found.example_variance, found.seed_variance, quantity.degrees
    )
    assert at_edge == pytest.approx(np.full(len(edge), 0.05), abs=0.01)


def test_the_calibration_judges_worlds_and_sums_them_up() -> None:
    steady = verdict_calibration.judge((5, 661, 0.0), repeats=4, resamples=200, margin=0.01)
    assert steady.far_power > 0.9 > 0.5 > steady.power
    assert steady.far_promised == pytest.approx(steady.far_power, abs=0.1)
    summary = verdict_calibration.summary({(5, 661, 0.0): steady})
    assert {"coverage", "false_winner_rate", "power", "promised_power"} <= set(summary)
    assert summary["coverage"] == steady.cover


def test_permutations_find_a_difference_and_none_where_there_is_none() -> None:
    correct = outcomes([0.7, 0.7, 0.5], 3, 300, 0.0, np.random.default_rng(13))
    same, worse = statistics.permutation_p_values(correct[0], correct[1:], 999)
    assert worse == pytest.approx(2 / 1000)  # as far as 999 permutations can tell
    assert same > 0.05
    assert statistics.permutation_p_values(correct[0], correct[:1], 999)[0] == 1


def test_with_one_seed_permutations_are_counted_exactly() -> None:
    """Of ten examples on which the two differ, one is right on nine: 2 (1 + 10) / 2^10 (McNemar)."""
    one, other = np.ones((1, 30)), np.ones((1, 1, 30))
    other[..., :9] = 0
    one[:, 9] = 0
    assert statistics.permutation_p_values(one, other, 99)[0] == pytest.approx(22 / 1024)


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
        quantity = statistics.accuracy_quantity(outcomes([0.6] * 4, 3, 300, 0.02, rng), 400)
        found = statistics.estimate(quantity, contrasts, 0.95, (-1.0, 1.0))
        covered.append(((found.low <= 0) & (found.high >= 0)).mean())
        false_winners += bool(found.p_value.min() * len(contrasts) < 0.05)  # Holm's first step
    assert 0.93 <= np.mean(covered) <= 0.985
    assert false_winners <= 14  # 7.5 expected at most; more has a probability of one in a hundred


def test_the_interval_of_a_picked_winner_covers_after_the_picking() -> None:
    rng, plain, corrected = np.random.default_rng(10), 0, 0
    for _ in range(100):
        quantity = statistics.accuracy_quantity(outcomes([0.6] * 12, 3, 200, 0.01, rng), 400)
        winner = int(quantity.means.argmax())
        low = statistics.estimate(quantity, np.eye(12), 0.95, (0.0, 1.0)).low[winner]
        plain += bool(low <= 0.6)
        corrected += bool(statistics.after_selection(quantity, 0.95, (0.0, 1.0))[0][winner] <= 0.6)
    assert plain < 92
    assert corrected >= 93


def test_many_contrasts_are_estimated_in_parts_without_a_seam() -> None:
    quantity = Quantity(np.zeros(1), np.random.default_rng(11).normal(size=(50, 1)), 0.0, np.ones(1), np.inf)
    count = statistics.CONTRASTS_AT_ONCE + 3
    found = statistics.estimate(quantity, np.ones((count, 1)), 0.95, (-9.0, 9.0))
    assert len(found.low) == count
    assert len(set(found.low)) == 1
