"""Scores: each is the mean of what its examples contribute, exactly where it is measured, to first order beside it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from pipeline.scores import ACCURACY, RMSE, SCORES, Score, score_of
from pipeline.tasks import TASKS


def answers(score: Score, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions, of which some are wrong."""
    random = np.random.default_rng(3)
    if score.of_classes:
        return random.integers(0, 4, shape), random.integers(0, 4, shape)
    return random.normal(size=shape), random.normal(size=shape)


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)
def test_the_mean_of_the_contributions_is_the_score_with_more_being_better(score: Score) -> None:
    values = score.measure(*answers(score, 4, 3, 200))
    np.testing.assert_allclose(score.contribute(values).mean(axis=-1), score.sign * score.pool(values))


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)
def test_an_example_that_does_not_count_changes_nothing(score: Score) -> None:
    labels, predicted = answers(score, 2, 50)
    values = score.measure(labels, predicted)
    labels = np.concatenate([labels, labels[:, :7]], axis=-1)
    with_others = score.measure(labels, np.concatenate([predicted, np.full((2, 7), np.nan)], axis=-1))
    np.testing.assert_allclose(score.pool(with_others), score.pool(values))
    np.testing.assert_allclose(np.nanmean(score.contribute(with_others), axis=-1), score.sign * score.pool(values))


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)
def test_drawing_contributions_again_is_drawing_the_score_again_to_first_order(score: Score) -> None:
    values = score.measure(*answers(score, 400))
    rows = np.random.default_rng(1).integers(400, size=(2000, 400))
    drawn, linear = score.sign * score.pool(values[rows]), score.contribute(values)[rows].mean(axis=1)
    assert np.corrcoef(drawn, linear)[0, 1] > 0.999
    assert linear.std() == pytest.approx(drawn.std(), rel=0.03)


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)
def test_values_lie_within_the_bounds_and_signed_ones_within_the_signed_bounds(score: Score) -> None:
    labels, predicted = answers(score, 100)
    (low, high), (signed_low, signed_high) = score.bounds, score.signed_bounds
    value = score.value(labels, predicted)
    assert low <= value <= high and signed_low <= score.sign * value <= signed_high


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)
def test_only_a_score_of_zeros_and_ones_is_put_to_exact_tests(score: Score) -> None:
    contributions = score.contribute(score.measure(*answers(score, 100)))
    assert score.is_share == set(np.unique(contributions)).issubset({0.0, 1.0})


def test_values_are_those_of_scikit_learn() -> None:
    labels, predicted = answers(ACCURACY, 100)
    assert ACCURACY.value(labels, predicted) == pytest.approx(metrics.accuracy_score(labels, predicted))
    labels, predicted = answers(RMSE, 100)
    assert RMSE.value(labels, predicted) == pytest.approx(metrics.root_mean_squared_error(labels, predicted))


def test_the_error_of_a_model_that_is_never_wrong_can_be_shared_out() -> None:
    np.testing.assert_array_equal(RMSE.contribute(np.zeros((2, 5))), np.zeros((2, 5)))


def test_margins_of_an_error_are_shares_of_what_the_floor_errs() -> None:
    assert (RMSE.unit(4.2), RMSE.unit(0.0), ACCURACY.unit(0.1)) == (4.2, 1.0, 1.0)


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_candidates_are_ranked_by_the_score_that_training_follows(task) -> None:  # type: ignore[no-untyped-def]
    assert score_of(task.name).name == task.score


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)
def test_the_words_of_a_score_take_the_numbers_that_they_are_given(score: Score) -> None:
    words = score.words
    assert words.value(0.61) in words.attained.format(value=words.value(0.61))
    told = words.attained_on_test.format(value=words.value(0.61), interval="95 % interval")
    assert words.value(0.61) in told and "95 % interval" in told
    assert "3.1 points" in words.gap.format(size="3.1 points")
