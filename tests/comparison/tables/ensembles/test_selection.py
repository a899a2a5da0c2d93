"""Greedy selection with replacement: who joins, how often, and when it ends."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.comparison.tables.ensembles.selection import judge_for, select_greedily, values_by_seed
from pipeline.scores.classes import ACCURACY, BALANCED_ACCURACY
from pipeline.scores.numbers import MAE, RMSE
from pipeline.scores.probabilities import AUROC, LOG_LOSS
from pipeline.scores.score import Answers


def numbers(*errors: np.ndarray) -> Answers:
    """Candidates whose predictions of zeros are off by this much."""
    return Answers(np.zeros(len(errors[0])), np.stack(errors).astype(np.float64))


def test_errors_that_cancel_are_averaged_and_what_brings_nothing_stays_out() -> None:
    up, down, worse = np.ones(10), -np.ones(10), np.tile([3.0, -3.0], 5)
    shares = select_greedily([numbers(worse, up, down)], RMSE, most=3)
    assert shares == pytest.approx([0, 0.5, 0.5])


def test_a_candidate_may_join_twice_and_every_seed_has_a_say() -> None:
    """One seed would have two thirds of the first candidate, another two thirds of the second; both together half."""
    first, second = numbers(np.full(8, 1.0), np.full(8, -2.0)), numbers(np.full(8, 2.0), np.full(8, -1.0))
    assert select_greedily([first], RMSE, most=2) == pytest.approx([2 / 3, 1 / 3])
    assert select_greedily([second], RMSE, most=2) == pytest.approx([1 / 3, 2 / 3])
    assert select_greedily([first, second], RMSE, most=2) == pytest.approx([0.5, 0.5])


def test_no_more_join_than_are_allowed() -> None:
    random = np.random.default_rng(0)
    many = numbers(*(random.normal(size=200) for _ in range(8)))
    assert np.count_nonzero(select_greedily([many], RMSE, most=8)) > 3
    assert np.count_nonzero(select_greedily([many], RMSE, most=3)) == 3


def test_where_no_second_candidate_helps_one_is_left() -> None:
    assert select_greedily([numbers(np.zeros(5), np.ones(5))], RMSE, most=5).tolist() == [1.0, 0.0]


def test_probabilities_are_mixed() -> None:
    """Each is sure of one half and wrong about the other; together they are always right, as the log loss can tell."""
    labels = np.array([0, 0, 1, 1])
    first = np.array([[0.95, 0.05], [0.45, 0.55], [0.05, 0.95], [0.55, 0.45]])
    second = first[[1, 0, 3, 2]]
    probabilities = np.stack([first, second, np.full((4, 2), 0.5)])
    answers = Answers(labels, probabilities.argmax(axis=-1).astype(np.float64), probabilities)
    assert select_greedily([answers], LOG_LOSS, most=3) == pytest.approx([0.5, 0.5, 0])


def test_counts_of_right_answers_choose_no_members() -> None:
    assert judge_for(ACCURACY) is judge_for(BALANCED_ACCURACY) is LOG_LOSS
    assert judge_for(AUROC) is AUROC and judge_for(MAE) is MAE


def test_a_seed_of_which_the_score_says_nothing_has_no_say() -> None:
    """Its validation examples are all of one class."""
    labels = np.array([0, 1, 0, 1])
    one, other = np.array([0.4, 0.6, 0.7, 0.8]), np.array([0.7, 0.8, 0.4, 0.6])  # each has one pair in the wrong order
    scores = np.stack([one, other])
    both = Answers(labels, (scores > 0.5).astype(np.float64), np.stack([1 - scores, scores], axis=-1))
    single = Answers(np.ones(4, np.int64), both.predicted, both.probabilities)
    assert np.isnan(values_by_seed([single], AUROC, np.array([1.0, 0.0]))).all()
    assert select_greedily([both, single], AUROC, most=2) == pytest.approx([0.5, 0.5])
    assert select_greedily([both], AUROC, most=2) == pytest.approx([0.5, 0.5])
