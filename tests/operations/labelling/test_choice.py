"""The rule: what contenders are unsure of comes first, and what is alike comes once."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from pipeline.operations.labelling import choice as choice_module
from pipeline.operations.labelling.choice import PREFILTER, choose, disagreement, weigh


def test_two_that_are_sure_of_opposites_weigh_as_much_as_two_that_are_unsure() -> None:
    sure_and_agreed, opposed, unsure = ([[1, 0], [1, 0]], [[1, 0], [0, 1]], [[0.5, 0.5], [0.5, 0.5]])
    answers = np.array([sure_and_agreed, opposed, unsure], np.float64).transpose(1, 0, 2)
    assert weigh(answers).tolist() == [0, 1, 1]
    assert disagreement(answers).tolist() == [0, 1, 0]


def test_disagreement_is_a_share_of_the_most_that_so_many_contenders_and_classes_reach() -> None:
    three_of_two_classes = np.array([[[1.0, 0.0]], [[0.0, 1.0]], [[0.0, 1.0]]])
    assert disagreement(three_of_two_classes)[0] == pytest.approx(0.918, abs=1e-3)  # entropy of a third, in bits
    three_of_three = np.eye(3)[:, None, :]
    assert disagreement(three_of_three)[0] == pytest.approx(1)
    assert disagreement(three_of_three[:1]).tolist() == [0]


def test_numbers_are_weighed_by_how_far_contenders_are_apart() -> None:
    answers = np.array([[[1.0], [5.0]], [[3.0], [5.0]]])
    assert disagreement(answers).tolist() == [1, 0]
    assert weigh(answers).tolist() == [1, 0]
    assert weigh(answers[:1]).tolist() == [1, 1]  # one contender says nothing of what is unsure


def test_fifty_photos_of_one_thing_are_proposed_once() -> None:
    """They are the heaviest of all, and by weight alone nothing else would be chosen."""
    random = np.random.default_rng(0)
    burst = np.array([5.0, 5.0]) + random.normal(0, 0.01, (50, 2))
    others = np.repeat(np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), 5, axis=0) + random.normal(0, 0.01, (20, 2))
    features, weights = np.concatenate([burst, others]), np.array([0.9] * 50 + [0.6] * 20)
    choice = choose(lambda rows: features[rows], weights, 5)
    assert (choice.rows < 50).tolist() == [True, False, False, False, False]  # the heaviest comes first
    assert choice.stands_for.tolist() == [50, 5, 5, 5, 5]


def test_features_are_asked_of_the_heaviest_alone() -> None:
    weights = np.arange(1000, dtype=np.float64)
    asked: list[np.ndarray] = []

    def features(rows: np.ndarray) -> np.ndarray:
        asked.append(rows)
        return np.random.default_rng(1).normal(size=(len(rows), 3))

    choice = choose(features, weights, 30)
    assert len(asked) == 1 and sorted(asked[0].tolist()) == list(range(1000 - 30 * PREFILTER, 1000))
    assert len(set(choice.rows.tolist())) == 30 and list(choice.rows) == sorted(choice.rows, reverse=True)


def test_of_examples_that_all_weigh_the_same_any_may_be_looked_at() -> None:
    """With a champion of numbers alone all do, and those whose names come first are no sample."""
    asked: list[np.ndarray] = []

    def features(rows: np.ndarray) -> np.ndarray:
        asked.append(rows)
        return np.random.default_rng(1).normal(size=(len(rows), 3))

    choose(features, np.ones(1000), 5)
    assert np.median(asked[0]) > 300 and len(set(asked[0].tolist())) == 200


def test_where_there_are_no_more_all_are_chosen_without_a_look_at_features() -> None:
    choice = choose(lambda rows: pytest.fail("not asked"), np.array([0.1, 0.9, 0.5]), 3)
    assert choice.rows.tolist() == [1, 2, 0] and choice.stands_for.tolist() == [1, 1, 1]


def test_equal_examples_and_examples_that_all_are_sure_of_still_give_as_many_as_asked() -> None:
    features = np.zeros((30, 2))
    features[15:] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        choice = choose(lambda rows: features[rows], np.zeros(30), 5)
    assert len(set(choice.rows.tolist())) == 5
    assert set(choice.rows[:2] < 15) == {True, False}


def test_there_is_a_bound_to_clusters_and_none_to_what_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice_module, "MOST_CLUSTERS", 2)
    features, weights = np.random.default_rng(2).normal(size=(60, 4)), np.linspace(1, 0.5, 60)
    choice = choose(lambda rows: features[rows], weights, 6)
    assert choice.stands_for[:2].sum() == 60 and choice.stands_for[2:].tolist() == [1] * 4
    assert len(set(choice.rows.tolist())) == 6 and choice.rows[2:].max() < 6


def test_the_same_examples_are_chosen_again() -> None:
    features, weights = np.random.default_rng(2).normal(size=(60, 4)), np.random.default_rng(3).random(60)
    first, again = (choose(lambda rows: features[rows], weights, 6).rows.tolist() for _ in range(2))
    assert first == again
