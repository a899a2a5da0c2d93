"""Contributions from answers: what their means are, floors, and means of candidates as candidates of their own."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.outcomes import Outcomes, grouped, outcomes_of
from pipeline.comparison.statistics.quantities import score_quantity
from pipeline.scores.classes import ACCURACY
from pipeline.scores.numbers import RMSE, shares_of_rmse
from pipeline.scores.score import Answers


def numbers(floor: int | None) -> Outcomes:
    """Two candidates, one seed: one is off by 1, the other by 2; targets 0 and 4 to learn from, 1 and 3 unseen."""
    test, development = np.array([1.0, 3.0]), np.array([0.0, 4.0])
    off = np.array([1.0, 2.0])[:, None, None]
    seen = Answers(development, development + off)
    nothing = Answers(development, np.full((2, 1, 2), np.nan))
    return outcomes_of(["near", "far"], [0], ["a", "b"], Answers(test, test + off), seen, nothing, RMSE, floor=floor)


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_numbers_are_measured_in_parts_of_the_floors_error() -> None:
    """Always saying the mean, 2, is off by 1; a floor that competes, the second candidate, by 2."""
    of_mean, of_candidate = numbers(None), numbers(1)
    assert (of_mean.unit, of_candidate.unit) == (1.0, 2.0)
    assert of_mean.contributions.mean(axis=2)[:, 0] == pytest.approx([-1, -2])
    assert of_candidate.contributions.mean(axis=2)[:, 0] == pytest.approx([-0.5, -1])
    assert of_candidate.floor_contributions.mean() == pytest.approx(-1)
    assert of_mean.bounds == (-np.inf, 0)


def test_classes_are_right_wrong_or_not_answered() -> None:
    labels = np.array([0, 1, 1])
    answers = Answers(labels, np.array([[[0.0, 0.0, np.nan]]]))
    outcomes = outcomes_of(["one"], [0], ["a", "b", "c"], answers, answers, answers, ACCURACY)
    np.testing.assert_array_equal(outcomes.train, [[[1.0, 0.0, np.nan]]])
    assert outcomes.majority_label == 1
    assert outcomes.floor_contributions.tolist() == [[0.0, 1.0, 1.0]]
    assert outcomes.train_scores[0, 0] == 0.5 and outcomes.training_examples[0] == 2


def test_a_mean_of_candidates_is_a_candidate_with_seeds_of_its_own() -> None:
    labels = np.zeros(2)
    answers = Answers(labels, np.array([[[0.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [1.0, 1.0]]]))  # right with seed 0 only
    outcomes = outcomes_of(["a", "b"], [0, 1], ["x", "y"], answers, answers, answers, ACCURACY)
    mean = grouped(outcomes, np.array([[0.5, 0.5]]), ["both"])
    assert mean.candidates == ["both"]
    assert mean.contributions.mean(axis=2).tolist() == [[1.0, 0.0]], "what seeds have in common does not average out"


def test_intervals_of_differences_of_rmse_hold_the_truth() -> None:
    """95 % of the time, good to the 5 % that 60 comparisons of 6 candidates can tell."""
    rng, held = np.random.default_rng(3), []
    for _ in range(60):
        shared, own = rng.normal(size=150), rng.normal(size=(6, 1, 150))
        each = (0.8 * shared + 0.5 * own + 0.2 * rng.normal(size=(6, 3, 150))) * (1 + 0.03 * rng.normal(size=(6, 3, 1)))
        quantity = score_quantity(shares_of_rmse(each**2), 300)
        contrasts, _ = statistics.pair_contrasts(np.eye(6))
        found = statistics.estimate(quantity, contrasts, 0.95, (-np.inf, np.inf))
        held.append(((found.low <= 0) & (found.high >= 0)).mean())
    assert 0.90 < np.mean(held) < 0.99
