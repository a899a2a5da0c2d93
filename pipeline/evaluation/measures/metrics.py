"""Flat metrics of trained models, as metrics.json has them: of each seed, and their mean."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipeline.evaluation.answers.predictions import Predictions
from pipeline.evaluation.measures.classification import classification_metrics
from pipeline.evaluation.measures.regression import regression_metrics
from pipeline.tasks import task_named


def metrics_by_seed(task: str, predictions: Predictions) -> dict[str, dict[str, float]]:
    """All metrics of each seed, by the seed's number as text.

    Args:
        task: as trial.json has it.
    """
    metrics_of = classification_metrics if task_named(task).has_classes else regression_metrics
    return {
        str(seed): metrics_of(
            {split: of_split.labels for split, of_split in splits.items()},
            {split: of_split.probabilities for split, of_split in splits.items()},
        )
        for seed, splits in predictions.items()
    }


def mean_metrics(seeds: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric over the seeds."""
    first = next(iter(seeds.values()))
    return {key: float(np.mean([metrics[key] for metrics in seeds.values()])) for key in first}
