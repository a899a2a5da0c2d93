"""Metrics of predicted numbers, by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from pipeline.evaluation.measures.regression import r_squared, regression_metrics

TARGETS = {"train": np.array([1.0, 2.0, 4.0]), "val": np.array([3.0, 5.0]), "test": np.array([0.0, 10.0])}
OUTPUTS = {"train": np.array([[1.0], [2.0], [5.0]]), "val": np.array([[4.0], [4.0]]), "test": np.array([[3.0], [6.0]])}


def test_metrics_are_those_of_scikit_learn() -> None:
    found = regression_metrics(TARGETS, OUTPUTS)
    for split, targets in TARGETS.items():
        said = OUTPUTS[split][:, 0]
        assert found[f"{split}_loss"] == pytest.approx(metrics.mean_squared_error(targets, said))
        assert found[f"{split}_rmse"] == pytest.approx(metrics.root_mean_squared_error(targets, said))
        assert found[f"{split}_mae"] == pytest.approx(metrics.mean_absolute_error(targets, said))
        assert found[f"{split}_r2"] == pytest.approx(metrics.r2_score(targets, said))


def test_the_gap_is_by_how_much_the_test_is_worse() -> None:
    found = regression_metrics(TARGETS, OUTPUTS)
    assert found["gap"] == pytest.approx(np.sqrt(12.5) - np.sqrt(1 / 3))


def test_targets_that_do_not_vary_explain_nothing() -> None:
    for constant in (1.0, 0.1):  # the mean of 0.1, 0.1 and 0.1 is off by a bit
        assert r_squared(np.full(3, constant), np.zeros((3, 1))) == 0.0
