"""Metrics of one model that tells classes apart, against known answers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from pipeline.evaluation.measures.classification import (
    brier_score,
    classification_metrics,
    expected_calibration_error,
    macro_f1,
)
from pipeline.tasks import accuracy, cross_entropy


@pytest.fixture(scope="module")
def calibrated() -> tuple[np.ndarray, np.ndarray]:
    """Labels that are drawn with the very probabilities that are claimed: 20,000 examples of four classes."""
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(4), 20_000)
    drawn = (probabilities.cumsum(axis=1) > random.random((20_000, 1))).argmax(axis=1)
    return drawn, probabilities


def constant(count: int, classes: int, always: int) -> np.ndarray:
    return np.tile(np.eye(classes, dtype=np.float32)[always], (count, 1))


def test_probabilities_that_hold_have_almost_no_calibration_error(calibrated: tuple[np.ndarray, np.ndarray]) -> None:
    assert expected_calibration_error(*calibrated) < 0.01


def test_confidence_that_does_not_hold_is_the_calibration_error(calibrated: tuple[np.ndarray, np.ndarray]) -> None:
    labels, probabilities = calibrated
    certain = np.eye(4)[probabilities.argmax(axis=1)]
    assert expected_calibration_error(labels, certain) == pytest.approx(1 - accuracy(labels, probabilities))


def test_calibration_error_by_hand() -> None:
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.45, 0.55], [0.42, 0.58]])
    # bin of 0.95: right 1 of 2; bin (8/15, 9/15] of 0.55 and 0.58: right 2 of 2
    expected = 0.5 * abs(0.5 - 0.95) + 0.5 * abs(1.0 - 0.565)
    assert expected_calibration_error(np.array([0, 1, 1, 1]), probabilities) == pytest.approx(expected)


def test_surplus_of_two_bins_does_not_cancel() -> None:
    probabilities = np.array([[0.8, 0.2]] * 10 + [[0.6, 0.4]] * 10)
    labels = np.array([0] * 6 + [1] * 4 + [0] * 8 + [1] * 2)
    assert accuracy(labels, probabilities) == pytest.approx(probabilities.max(axis=1).mean())
    assert expected_calibration_error(labels, probabilities) == pytest.approx(0.2)


def test_a_constant_model_has_the_share_of_its_class_as_accuracy() -> None:
    labels = np.array([0, 1, 1, 2, 1, 1])
    assert accuracy(labels, constant(6, 3, always=1)) == pytest.approx(4 / 6)
    # F1 of class 1: precision 4/6, recall 1 → 0.8; the others 0
    assert macro_f1(labels, constant(6, 3, always=1)) == pytest.approx(0.8 / 3)


def test_macro_f1_is_over_the_classes_that_occur_also_those_that_are_never_predicted() -> None:
    assert macro_f1(np.array([0, 1]), np.eye(3)[[0, 1]]) == 1.0
    assert macro_f1(np.array([0, 1]), np.eye(3)[[0, 2]]) == 0.5


def test_cross_entropy_is_that_of_scikit_learn(calibrated: tuple[np.ndarray, np.ndarray]) -> None:
    assert cross_entropy(*calibrated) == pytest.approx(log_loss(*calibrated))


def test_a_certain_mistake_costs_a_finite_amount() -> None:
    assert cross_entropy(np.array([0]), constant(1, 2, always=1)) == pytest.approx(-np.log(1e-7))


def test_brier_score_is_that_of_scikit_learn(calibrated: tuple[np.ndarray, np.ndarray]) -> None:
    assert brier_score(*calibrated) == pytest.approx(brier_score_loss(*calibrated, scale_by_half=False))
    assert brier_score(np.array([0]), constant(1, 2, always=1)) == 2


def test_the_gap_is_train_minus_test_accuracy() -> None:
    labels = {"train": np.array([1, 1]), "val": np.array([0, 1]), "test": np.array([0, 0, 0, 1])}
    metrics = classification_metrics(
        labels, {split: constant(len(rows), 2, always=1) for split, rows in labels.items()}
    )
    assert metrics["gap"] == pytest.approx(1.0 - 0.25)
    assert (metrics["train_accuracy"], metrics["val_accuracy"], metrics["test_accuracy"]) == (1.0, 0.5, 0.25)


def test_all_flat_metrics_are_there_and_finite() -> None:
    labels = {split: np.array([0, 1, 2]) for split in ("train", "val", "test")}
    metrics = classification_metrics(labels, {split: np.eye(3, dtype=np.float32) for split in labels})
    of_splits = {f"{split}_{kind}" for split in labels for kind in ("accuracy", "loss", "macro_f1")}
    assert set(metrics) == of_splits | {"gap", "test_ece", "test_brier"}
    assert all(type(value) is float and np.isfinite(value) for value in metrics.values())
