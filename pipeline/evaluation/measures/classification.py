"""Metrics of one trained model that tells classes apart: how often it is right, how far its probabilities hold."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from pipeline.calibration import CALIBRATION_BINS, calibration_bin
from pipeline.tasks import accuracy, cross_entropy

SPLITS = ("train", "val", "test")


def classification_metrics(
    labels: Mapping[str, NDArray[np.int64]], probabilities: Mapping[str, NDArray[np.floating]]
) -> dict[str, float]:
    """All metrics of one seed; `gap` is train minus test accuracy.

    Args:
        labels: split ("train", "val", "test") → (N,) class numbers.
        probabilities: split → (N, classes), final weights, augmentation off.
    """
    metrics: dict[str, float] = {}
    for split in SPLITS:
        metrics[f"{split}_accuracy"] = accuracy(labels[split], probabilities[split])
        metrics[f"{split}_loss"] = cross_entropy(labels[split], probabilities[split])
        metrics[f"{split}_macro_f1"] = macro_f1(labels[split], probabilities[split])
    metrics["gap"] = metrics["train_accuracy"] - metrics["test_accuracy"]
    metrics["test_ece"] = expected_calibration_error(labels["test"], probabilities["test"])
    metrics["test_brier"] = brier_score(labels["test"], probabilities["test"])
    return metrics


def macro_f1(labels: NDArray[np.int64], probabilities: NDArray[np.floating]) -> float:
    """The mean of each one's F1 over the classes that occur among the labels; 0 for one that is never predicted."""
    occurring = np.unique(labels)
    return float(f1_score(labels, probabilities.argmax(axis=1), labels=occurring, average="macro", zero_division=0))


def expected_calibration_error(
    labels: NDArray[np.int64], probabilities: NDArray[np.floating], bins: int = CALIBRATION_BINS
) -> float:
    """|accuracy - confidence|, averaged over equal-width bins of confidence by their share of examples.

    Confidence is the probability of the predicted class (Guo et al. 2017, equation 3). The error has a floor above
    zero: with few examples a bin differs by chance.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)  # (N,)
    right = probabilities.argmax(axis=1) == labels  # (N,)
    surplus = np.bincount(calibration_bin(confidence, bins), weights=right - confidence, minlength=bins)  # (bins,)
    return float(np.abs(surplus).sum() / len(labels))


def brier_score(labels: NDArray[np.int64], probabilities: NDArray[np.floating]) -> float:
    """Mean squared distance between probabilities and the truth, summed over classes (Brier 1950): 0 best, 2 worst."""
    truth = np.eye(probabilities.shape[1])[labels]  # (N, classes)
    return float(np.square(probabilities - truth).sum(axis=1).mean())
