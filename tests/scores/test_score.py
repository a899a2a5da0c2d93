"""Scores: each is the mean of what its examples contribute, exactly where it is measured, to first order beside it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from pipeline.scores.classes import ACCURACY, MACRO_F1, cost_score
from pipeline.scores.numbers import RMSE, pinball_score
from pipeline.scores.score import Answers, Score
from pipeline.scores.score_for_task import SCORES

CLASSES = ["a", "b", "c", "d"]
COSTS = {"a": {"*": 4.0}, "*": {"*": 1.0, "a": 0.5}}
ALL = (*SCORES, cost_score(COSTS, CLASSES), pinball_score(0.8))
MATRIX = np.array([[0.0, 4, 4, 4], [0.5, 0, 1, 1], [0.5, 1, 0, 1], [0.5, 1, 1, 0]])
LEARNT = {  # what scikit-learn says: labels, predicted, probabilities → a number
    "accuracy": lambda y, said, p: metrics.accuracy_score(y, said),
    "balanced_accuracy": lambda y, said, p: metrics.balanced_accuracy_score(y, said),
    "macro_f1": lambda y, said, p: metrics.f1_score(y, said, labels=range(p.shape[1]), average="macro"),
    "auroc": lambda y, said, p: metrics.roc_auc_score(y, p[:, 1] if p.shape[1] == 2 else p, multi_class="ovr"),
    "average_precision": lambda y, said, p: (
        metrics.average_precision_score(y, p[:, 1])
        if p.shape[1] == 2
        else metrics.average_precision_score(np.eye(p.shape[1])[y], p, average="macro")
    ),
    "log_loss": lambda y, said, p: metrics.log_loss(y, p),
    "brier": lambda y, said, p: np.square(p - np.eye(p.shape[1])[y]).sum(axis=1).mean(),
    "cost": lambda y, said, p: MATRIX[y, said].mean(),
    "rmse": lambda y, said, p: metrics.root_mean_squared_error(y, said),
    "mae": lambda y, said, p: metrics.mean_absolute_error(y, said),
    "r2": lambda y, said, p: metrics.r2_score(y, said),
    "pinball": lambda y, said, p: metrics.mean_pinball_loss(y, said, alpha=0.8),
}
each_score = pytest.mark.parametrize("score", ALL, ids=lambda score: score.name)


def answers(score: Score, *shape: int, classes: int = 4, ties: bool = True) -> Answers:
    """Answers of which some are wrong, on unbalanced classes; the probabilities of some examples are the same."""
    random = np.random.default_rng(3)
    labels = random.choice(classes, shape[-1], p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
    if not score.of_classes:
        targets = random.normal(size=shape[-1])
        return Answers(targets, targets + 0.7 * random.normal(size=shape))
    logits = 1.2 * np.eye(classes)[labels] + random.normal(size=(*shape, classes))
    logits = np.round(logits, 1 if ties else 8)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    return Answers(labels, probabilities.argmax(axis=-1).astype(float), probabilities, classes)


def test_r_squared_of_equal_numbers_is_zero_though_their_mean_is_off_by_a_bit() -> None:
    (r2,) = [score for score in ALL if score.name == "r2"]
    assert float(r2.values(Answers(np.full(3, 0.1), np.zeros(3)))) == 0


def test_a_class_without_an_example_costs_no_f1() -> None:
    """As in a validation split whose groups hold none of it."""
    labels = np.array([0, 1, 1])
    assert float(MACRO_F1.values(Answers(labels, labels.astype(float), None, 3))) == 1
    assert float(MACRO_F1.values(Answers(labels, np.array([0.0, 1, 2]), None, 3))) == pytest.approx((1 + 2 / 3) / 2)


@each_score
@pytest.mark.parametrize("classes", [2, 4])
def test_values_are_those_of_scikit_learn(score: Score, classes: int) -> None:
    if score.name == "cost" and classes == 2:
        pytest.skip("its matrix is of four classes")
    one = answers(score, 200, classes=classes)
    said = one.predicted.astype(int) if score.of_classes else one.predicted
    expected = LEARNT[score.name](one.labels, said, one.probabilities)
    assert float(score.values(one)) == pytest.approx(float(expected), abs=1e-12)


@each_score
def test_the_mean_of_the_contributions_is_the_score_with_more_being_better(score: Score) -> None:
    several = answers(score, 4, 3, 200)
    np.testing.assert_allclose(score.contribute(several).mean(axis=-1), score.sign * score.values(several))


@each_score
def test_an_example_that_does_not_count_changes_nothing(score: Score) -> None:
    counted = answers(score, 2, 60)
    predicted = np.concatenate([counted.predicted, np.full((2, 7), np.nan)], axis=-1)
    probabilities = counted.probabilities
    if probabilities is not None:
        probabilities = np.concatenate([probabilities, np.zeros((2, 7, 4))], axis=1)
    # R² is a share of the variation of those that count, so the others' labels must not be looked at.
    labels = np.concatenate([counted.labels, 3 * counted.labels[:7] if not score.of_classes else counted.labels[:7]])
    with_others = Answers(labels, predicted, probabilities, counted.classes)
    np.testing.assert_allclose(score.values(with_others), score.values(counted))
    shares = score.contribute(with_others)
    assert np.isnan(shares[:, 60:]).all()
    np.testing.assert_allclose(np.nanmean(shares, axis=-1), score.sign * score.values(counted))


@each_score
@pytest.mark.parametrize("classes", [2, 4])
def test_drawing_contributions_again_is_drawing_the_score_again_to_first_order(score: Score, classes: int) -> None:
    if score.name == "cost" and classes == 2:
        pytest.skip("its matrix is of four classes")
    one = answers(score, 600, classes=classes)
    rows = np.random.default_rng(1).integers(600, size=(400, 600))
    drawn = np.array([score.sign * float(score.values(one.at(each))) for each in rows])
    linear = score.contribute(one)[rows].mean(axis=1)
    assert np.corrcoef(drawn, linear)[0, 1] > 0.99
    assert linear.std() == pytest.approx(drawn.std(), rel=0.04)


@each_score
def test_a_contribution_is_what_a_heavier_example_adds(score: Score) -> None:
    """Every example stands a hundred times; once more moves the score as its contribution says."""
    one, times = answers(score, 40), 100
    repeated = np.repeat(np.arange(40), times)
    value, shares = score.sign * float(score.values(one)), score.contribute(one)
    moved = [score.sign * float(score.values(one.at(np.append(repeated, row)))) - value for row in range(40)]
    size = 40 * times + 1
    np.testing.assert_allclose(np.array(moved) * size, shares - value, atol=0.01 * np.ptp(shares) + 1e-9)


@each_score
def test_values_lie_within_the_bounds_and_signed_ones_within_the_signed_bounds(score: Score) -> None:
    (low, high), (signed_low, signed_high) = score.bounds, score.signed_bounds
    value = float(score.values(answers(score, 100)))
    assert low <= value <= high and signed_low <= score.sign * value <= signed_high


@each_score
def test_only_a_score_of_zeros_and_ones_is_put_to_exact_tests(score: Score) -> None:
    contributions = score.contribute(answers(score, 100))
    assert score.is_share == set(np.unique(contributions)).issubset({0.0, 1.0})


@each_score
def test_the_floor_is_no_better_than_answers_that_know_something(score: Score) -> None:
    one = answers(score, 300)
    learnt = one.labels.astype(int) if score.of_classes else one.labels
    floor = score.values(score.floor_answers(learnt, one.labels, 2, 4 if score.of_classes else 0))
    assert floor.shape == (2,) and floor[0] == floor[1]
    if score.name != "pinball":  # answers around the truth are no forecast of its upper quantile
        assert score.sign * floor[0] < score.sign * float(score.values(one))


def test_the_error_of_a_model_that_is_never_wrong_can_be_shared_out() -> None:
    labels = np.arange(5.0)
    np.testing.assert_array_equal(RMSE.contribute(Answers(labels, np.tile(labels, (2, 1)))), np.zeros((2, 5)))


def test_margins_of_an_error_are_shares_of_what_the_floor_errs() -> None:
    assert (RMSE.unit(4.2), RMSE.unit(0.0), ACCURACY.unit(0.1)) == (4.2, 1.0, 1.0)


@each_score
def test_the_words_of_a_score_take_the_numbers_that_they_are_given(score: Score) -> None:
    words = score.words
    assert words.value(0.61) in words.attained.format(value=words.value(0.61))
    told = words.attained_on_test.format(value=words.value(0.61), interval="95 % interval")
    assert words.value(0.61) in told and "95 % interval" in told
    assert "3.1 points" in words.gap.format(size="3.1 points")
    assert words.best == ("highest" if score.sign > 0 else "lowest")
    assert words.title and words.unit and words.gap_axis and words.gap_made_of
