"""Flat metrics of each seed, and their mean."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.evaluation.answers.predictions import SplitPredictions
from pipeline.evaluation.measures.metrics import mean_metrics, metrics_by_seed

EXAMPLES = np.array(["a", "b"])


@pytest.mark.parametrize(
    ("task", "labels", "outputs", "test_loss"),
    [
        ("binary", np.array([0, 1]), np.array([[0.8, 0.2], [0.6, 0.4]]), -(np.log(0.8) + np.log(0.4)) / 2),
        ("regression", np.array([0.0, 10.0]), np.array([[3.0], [6.0]]), 12.5),
    ],
)
def test_each_seed_is_measured_as_its_task_asks(
    task: str, labels: np.ndarray, outputs: np.ndarray, test_loss: float
) -> None:
    other = SplitPredictions(EXAMPLES, labels, outputs[::-1])
    splits = {"train": other, "val": other, "test": SplitPredictions(EXAMPLES, labels, outputs)}
    metrics = metrics_by_seed(task, {4: splits, 7: dict.fromkeys(splits, other)})
    assert list(metrics) == ["4", "7"]
    assert metrics["4"]["test_loss"] == pytest.approx(test_loss)
    assert metrics["7"]["test_loss"] == metrics["4"]["train_loss"] != metrics["4"]["test_loss"]


def test_the_mean_is_taken_metric_by_metric() -> None:
    assert mean_metrics({"0": {"gap": 0.2, "test_ece": 0.1}, "5": {"gap": 0.4, "test_ece": 0.3}}) == pytest.approx(
        {"gap": 0.3, "test_ece": 0.2}
    )
