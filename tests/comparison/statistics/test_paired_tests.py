"""Exact and drawn tests of trained models, by group, with the best picked again; and how often one may look."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar

from pipeline.comparison.statistics.paired_tests import (
    clustered_mcnemar,
    sign_flip_p_values,
    smallest_visible_lead,
    spent_alpha,
    swap_p_value,
)
from pipeline.comparison.statistics.variation.units import single_examples, whole_groups
from pipeline.scores.classes import ACCURACY, BALANCED_ACCURACY
from pipeline.scores.probabilities import LOG_LOSS
from pipeline.scores.score import Answers


def right(shape: tuple[int, ...], share: float, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random(shape) < share).astype(float)


def test_without_groups_it_is_mcnemars_exact_test() -> None:
    one, other = right((200,), 0.7, 1), right((200,), 0.58, 2)
    table = [[((one == a) & (other == b)).sum() for b in (1, 0)] for a in (1, 0)]
    assert clustered_mcnemar(one, other) == pytest.approx(float(mcnemar(table, exact=True).pvalue))
    assert clustered_mcnemar(one, one) == 1.0


def test_with_groups_every_sign_of_every_group_is_counted() -> None:
    rng = np.random.default_rng(3)
    one, other, groups = right((60,), 0.8, 4), right((60,), 0.5, 5), rng.integers(0, 9, 60)
    sums = np.array([(one - other)[groups == number].sum() for number in range(9)])
    drawn = [abs(np.dot(signs, sums)) for signs in itertools.product((-1, 1), repeat=9)]
    assert clustered_mcnemar(one, other, groups) == pytest.approx(np.mean(np.array(drawn) >= abs(sums.sum())))


def test_copies_of_an_example_make_nothing_surer() -> None:
    one, other = right((40,), 0.8, 6), right((40,), 0.6, 7)
    copied = [np.repeat(part, 10) for part in (one, other)]
    assert clustered_mcnemar(*copied, np.arange(400) // 10) == pytest.approx(clustered_mcnemar(one, other))
    assert clustered_mcnemar(*copied) < 0.1 * clustered_mcnemar(one, other)


def test_swapping_the_answers_of_two_models_is_mcnemars_exact_test_where_the_score_is_accuracy() -> None:
    labels, said = np.zeros(60, int), 1 - np.stack([right((60,), 0.8, 4), right((60,), 0.7, 5)])
    for units, groups in ((single_examples(60), None), (whole_groups(np.arange(60) // 5), np.arange(60) // 5)):
        exact = clustered_mcnemar(1 - said[0], 1 - said[1], groups)
        drawn = swap_p_value(ACCURACY, Answers(labels, said, classes=2), units, 20_000)
        assert drawn == pytest.approx(exact, abs=1e-12 if groups is not None else 0.015)


@pytest.mark.parametrize(("rare", "found", "exact"), [(3, 3, 0.25), (10, 5, 1 / 16)])
def test_a_lead_on_a_few_examples_of_a_rare_class_is_no_surer_than_these_examples(
    rare: int, found: int, exact: float
) -> None:
    labels = np.array([0] * 100 + [1] * rare)
    better = labels * (np.arange(100 + rare) < 100 + found)
    answers = Answers(labels, np.stack([np.zeros_like(labels), better]).astype(float), classes=2)
    assert swap_p_value(BALANCED_ACCURACY, answers, single_examples(len(labels)), 500) == exact


def test_a_lead_that_no_drawn_swap_reaches_is_as_sure_as_the_normal_tail_has_it() -> None:
    labels = np.zeros(60, int)
    said = np.stack([np.ones(60), np.zeros(60)])
    p_value = swap_p_value(ACCURACY, Answers(labels, said, classes=2), single_examples(60), 300)
    assert 2 * 0.5**60 < p_value < 1e-9, "nothing that is surer than the exact test"
    surer = np.stack([np.tile([0.6, 0.4], (60, 1)), np.tile([0.9, 0.1], (60, 1))])
    of_odds = Answers(labels, np.zeros((2, 60)), surer)
    assert swap_p_value(LOG_LOSS, of_odds, single_examples(60), 300) == pytest.approx(p_value, rel=0.9)
    assert swap_p_value(LOG_LOSS, Answers(labels, said, surer[[0, 0]]), single_examples(60), 300) == 1.0


def test_flips_find_a_difference_and_none_where_there_is_none() -> None:
    scored = np.stack([right((3, 300), share, seed) for seed, share in enumerate((0.7, 0.7, 0.4))])
    alone, adjusted = sign_flip_p_values(scored, single_examples(300), 999)
    assert alone[0] > 0.05 and adjusted[1] == pytest.approx(1 / 1000)
    assert (adjusted >= alone).all()


def test_the_best_of_many_equals_is_picked_again_in_each_relabelling() -> None:
    """Twenty equals: the leader is ahead of the last in every world, but no more often shown than 5 %."""
    by_itself, picked = [], []
    for seed in range(60):
        scored = right((20, 1, 200), 0.6, seed)
        scored = scored[np.argsort(-scored.mean(axis=(1, 2)))]
        alone, adjusted = sign_flip_p_values(scored, single_examples(200), 199)
        by_itself.append(alone.min() < 0.05)
        picked.append(adjusted.min() < 0.05)
    assert np.mean(by_itself) > 0.9
    assert np.mean(picked) <= 0.15  # more has a probability of 0.002 where 0.05 is meant


def test_a_group_is_flipped_as_a_whole() -> None:
    each = np.stack([right((1, 40), 0.75, 8), right((1, 40), 0.45, 9)])
    copied = np.repeat(each, 10, axis=2)
    groups = whole_groups(np.arange(400) // 10)
    assert sign_flip_p_values(copied, groups, 999)[1] == sign_flip_p_values(each, single_examples(40), 999)[1]
    assert sign_flip_p_values(copied, single_examples(400), 999)[1][0] <= 0.005


def test_one_candidate_has_nothing_to_be_tested_against() -> None:
    alone, adjusted = sign_flip_p_values(right((1, 2, 30), 0.5), single_examples(30), 99)
    assert len(alone) == len(adjusted) == 0


def test_candidates_that_always_agree_are_not_told_apart() -> None:
    same = right((1, 2, 50), 0.5).repeat(3, axis=0)
    assert (sign_flip_p_values(same, single_examples(50), 99)[1] == 1.0).all()


def test_all_looks_together_spend_no_more_than_alpha() -> None:
    spent = [spent_alpha(0.05, look) for look in range(1, 20_001)]
    assert spent == sorted(spent, reverse=True)
    assert 0.0499 < math.fsum(spent) < 0.05
    assert spent[51] > 10 * spent[52], "the last weekly look of a year can still show something"


def test_a_worn_out_test_set_shows_large_leads_only() -> None:
    first, hundredth = (smallest_visible_lead(600, 0.15, spent_alpha(0.05, look)) for look in (1, 100))
    assert 0.04 < first < 0.06 < hundredth < 0.12
    assert smallest_visible_lead(600, 0.0, 0.05) > 0.01, "a lead needs examples on which the two disagree"
    assert smallest_visible_lead(1, 0.5, 0.05) <= 1
