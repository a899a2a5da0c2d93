"""Who is shown to be worse than the best: no more often than allowed where all are equal, more often than by Holm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.worlds import contributions
from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.against_best import AgainstBest, against_best
from pipeline.comparison.statistics.intervals import Estimates
from pipeline.comparison.statistics.quantities import Quantity, score_quantity


def asked(accuracies: list[float], rng: np.random.Generator, leads: list[float] | None = None) -> AgainstBest:
    """Three seeds, a spread of one point, 400 examples; ranked as the comparison ranks them."""
    quantity, rows, pairs = compared(accuracies, rng)
    return against_best(quantity, rows, pairs, 0.95, leads or [])


def compared(
    accuracies: list[float], rng: np.random.Generator, examples: int = 400, spread: float = 0.01
) -> tuple[Quantity, np.ndarray, Estimates]:
    quantity = score_quantity(contributions(np.array(accuracies), 3, examples, spread, rng), 400)
    rows = np.eye(len(accuracies))[np.argsort(-quantity.means, kind="stable")]
    contrasts, _ = statistics.pair_contrasts(rows)
    return quantity, rows, statistics.estimate(quantity, contrasts, 0.95, (-1.0, 1.0))


def test_among_equals_one_is_rarely_called_worse_than_the_best() -> None:
    rng = np.random.default_rng(1)
    wrong = [asked([0.6] * 8, rng).open(0.95) < 7 for _ in range(100)]
    assert np.mean(wrong) <= 0.11  # 0.05 at most; more than 0.11 has a probability of one in a hundred then


def test_those_far_behind_make_it_no_harder_to_tell_the_rest_apart() -> None:
    among_equals = asked([0.6] * 12, np.random.default_rng(2))
    with_stragglers = asked([0.6, 0.6] + [0.2] * 10, np.random.default_rng(2))
    assert with_stragglers.open(0.95) == 1
    assert with_stragglers.threshold(0.95) == pytest.approx(with_stragglers.thresholds[0])
    assert with_stragglers.thresholds[0] < 2.4 < 3.0 < among_equals.threshold(0.95)


def test_the_best_is_told_from_more_than_by_holm_over_all_pairs() -> None:
    rng, found, by_holm = np.random.default_rng(3), 0, 0
    for _ in range(20):
        quantity, rows, pairs = compared([0.70, *[0.62] * 9], rng)
        found += int((against_best(quantity, rows, pairs, 0.95).p_adjusted < 0.05).sum())
        by_holm += int((statistics.holm(pairs.p_value)[:9] < 0.05).sum())
    assert found > 1.15 * by_holm > 0


def test_the_power_that_is_promised_is_found() -> None:
    """30 worlds of nine leads of eight points: a share of found ones about as large as the promise."""
    rng, found, promised = np.random.default_rng(4), [], []
    for _ in range(30):
        one = asked([0.70, *[0.62] * 9], rng, leads=[0.08])
        found.append(1 - one.open(0.95) / 9)
        promised.append(one.power[0.08])
    assert 0.3 < np.mean(promised) < 0.95
    assert np.mean(found) == pytest.approx(np.mean(promised), abs=0.13)


def test_p_values_grow_from_the_furthest_behind_to_the_nearest() -> None:
    one = asked([0.7, 0.68, 0.6, 0.5], np.random.default_rng(5))
    assert list(one.p_adjusted) == sorted(one.p_adjusted, reverse=True)
    assert one.p_adjusted[-1] < 0.01
    assert one.p_adjusted.max() <= 1
    assert list(one.thresholds) == sorted(one.thresholds)


def test_equals_behind_the_best_are_no_surer_to_be_worse_than_the_first_that_was_asked() -> None:
    """Each is asked among fewer, which alone would make the last one surer than the first."""
    quantity, rows, _ = compared([0.7, *[0.6] * 6], np.random.default_rng(7))
    shift = rows[0] * 0.08 - (quantity.means - quantity.means.mean())
    level = replace(quantity, means=quantity.means + shift, draws=quantity.draws + shift)
    contrasts, _ = statistics.pair_contrasts(rows)
    pairs = statistics.estimate(level, contrasts, 0.95, (-1.0, 1.0))
    one = against_best(level, rows, pairs, 0.95)
    assert one.p_adjusted.min() > 0.001
    by_lead = np.argsort(-pairs.value[:6] / pairs.deviation[:6])
    assert list(one.p_adjusted[by_lead]) == sorted(one.p_adjusted)
    assert one.thresholds[0] < 0.9 * one.thresholds[-1]


def test_a_p_value_falls_below_the_level_where_the_lead_passes_its_threshold() -> None:
    simulated = contributions(np.array([0.65, 0.65]), 3, 400, 0.01, np.random.default_rng(8))
    quantity, rows = score_quantity(simulated, 4000), np.eye(2)
    contrasts, _ = statistics.pair_contrasts(rows)
    shown = []
    for lead in np.linspace(0.0, 0.1, 51):
        shift = rows[0] * lead - (quantity.means - quantity.means.mean())
        moved = replace(quantity, means=quantity.means + shift, draws=quantity.draws + shift)
        pair = statistics.estimate(moved, contrasts, 0.95, (-1.0, 1.0))
        one = against_best(moved, rows, pair, 0.95)
        errors = pair.value[0] / np.sqrt(pair.example_variance[0] + pair.seed_variance[0])
        if abs(errors - one.thresholds[0]) > 0.03:  # nearer than that, single draws decide
            shown.append(one.p_adjusted[0] < 0.05)
            assert shown[-1] == (errors > one.thresholds[0])
    assert {*shown} == {True, False}


def test_a_candidate_alone_has_nothing_to_be_told_from() -> None:
    one = asked([0.6], np.random.default_rng(6), leads=[0.1])
    assert (len(one.p_adjusted), one.open(0.95), one.threshold(0.95), one.power) == (0, 0, 0.0, {0.1: 0.0})


def test_no_lead_is_promised_for_which_there_is_no_room_today() -> None:
    """All are right on 99 of 100: a lead of five points takes four examples more on which only the best is right.

    And it counts for less the larger it comes out, since all who disagree then do so for the best.
    """
    quantity, rows, pairs = compared([0.99] * 10, np.random.default_rng(9), examples=100, spread=0.002)
    simulated = contributions(np.full(10, 0.99), 3, 100, 0.002, np.random.default_rng(9))
    with_room = against_best(quantity, rows, pairs, 0.95, [0.05], simulated).power[0.05]
    assert with_room < 0.05 < 0.2 < against_best(quantity, rows, pairs, 0.95, [0.05]).power[0.05]


def test_a_lead_of_candidates_that_are_nearly_always_right_is_not_promised_where_it_is_hardly_ever_shown() -> None:
    """20 candidates, 100 examples, a lead of five points at 0.99: found in 0.001 to 0.004 of simulations."""
    accuracies, rng, promised = [0.99, *[0.94] * 19], np.random.default_rng(10), []
    for _ in range(4):
        simulated = contributions(np.array(accuracies), 3, 100, 0.002, rng)
        quantity = score_quantity(simulated, 400)
        rows = np.eye(20)[np.argsort(-quantity.means, kind="stable")]
        pairs = statistics.estimate(quantity, statistics.pair_contrasts(rows)[0], 0.95, (-1.0, 1.0))
        promised.append(against_best(quantity, rows, pairs, 0.95, [0.05], simulated).power[0.05])
    assert np.mean(promised) < 0.02
