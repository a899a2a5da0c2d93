"""Metrics of one trained model that predicts a number: how far off it is, and how much of the variation it explains."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline.tasks import mean_squared_error, root_mean_squared_error

SPLITS = ("train", "val", "test")
Floats = NDArray[np.floating]


def regression_metrics(targets: Mapping[str, Floats], outputs: Mapping[str, Floats]) -> dict[str, float]:
    """All metrics of one seed, in the units of the target; `gap` is test minus train RMSE.

    Args:
        targets: split ("train", "val", "test") → (N,) numbers.
        outputs: split → (N, 1) predicted numbers, final weights.
    """
    metrics: dict[str, float] = {}
    for split in SPLITS:
        metrics[f"{split}_rmse"] = root_mean_squared_error(targets[split], outputs[split])
        metrics[f"{split}_loss"] = mean_squared_error(targets[split], outputs[split])
        metrics[f"{split}_mae"] = mean_absolute_error(targets[split], outputs[split])
        metrics[f"{split}_r2"] = r_squared(targets[split], outputs[split])
    metrics["gap"] = metrics["test_rmse"] - metrics["train_rmse"]
    return metrics


def mean_absolute_error(targets: Floats, outputs: Floats) -> float:
    return float(np.abs(_errors(targets, outputs)).mean())


def r_squared(targets: Floats, outputs: Floats) -> float:
    """1 less the squared errors' share of the targets' variation: 1 best, 0 as good as these targets' own mean, and
    below that without end. 0 where the targets do not vary."""
    if not np.ptp(targets):  # the mean of equal numbers may be off by a bit, and so their variation not 0
        return 0.0
    variation = float(np.square(targets - targets.mean()).mean())
    return 1 - mean_squared_error(targets, outputs) / variation


def _errors(targets: Floats, outputs: Floats) -> NDArray[np.float64]:
    return np.asarray(outputs[:, 0], dtype=np.float64) - targets
