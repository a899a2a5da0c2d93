"""How far probabilities can be believed, as they come and after temperature scaling (Guo et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from pipeline.calibration import CALIBRATION_BINS, calibration_bin
from pipeline.evaluation.answers.predictions import Predictions, SplitPredictions
from pipeline.evaluation.measures.classification import brier_score, expected_calibration_error
from pipeline.evaluation.measures.findings import Findings, measure_rows
from pipeline.evaluation.measures.metrics import mean_metrics
from pipeline.ground.files import write_json
from pipeline.tasks import SMALLEST_PROBABILITY

Probabilities = NDArray[np.floating]

TEMPERATURES = (0.05, 20.0)  # searched between; a model that is always right on validation data would have none
RELIABILITY = "reliability.json"


def measure_calibration(predictions: Predictions) -> Findings:
    """Expected calibration error and Brier score on the test split, before and after scaling each seed's probabilities
    by the temperature that its validation split asks for.

    The summary holds means over the seeds; the rows each example's confidence and its part of the Brier score, before
    and after.
    """
    seeds: dict[str, dict[str, float]] = {}
    rows = []
    for seed, splits in predictions.items():
        temperature = fit_temperature(splits["val"].labels, splits["val"].probabilities)
        test, scaled = splits["test"], scale(splits["test"].probabilities, temperature)
        seeds[str(seed)] = {
            "temperature": temperature,
            "test_ece_scaled": expected_calibration_error(test.labels, scaled),
            "test_brier_scaled": brier_score(test.labels, scaled),
        }
        for suffix, probabilities in (("", test.probabilities), ("_scaled", scaled)):
            distances = _squared_distances(test.labels, probabilities)
            rows.append(measure_rows(f"confidence{suffix}", seed, test.examples, probabilities.max(axis=1)))
            rows.append(measure_rows(f"brier{suffix}", seed, test.examples, distances))
    mean = mean_metrics(seeds)
    return Findings(mean, {"calibration": {"bins": CALIBRATION_BINS, "seeds": seeds}}, pd.concat(rows))


def fit_temperature(labels: NDArray[np.int64], probabilities: Probabilities) -> float:
    """The temperature that makes these labels most probable; above 1 the model was too sure of itself.

    Args:
        labels: (N,) class numbers.
        probabilities: (N, classes).
    """
    logits = _logits(probabilities)

    def loss(log_temperature: float) -> float:
        chances = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-chances[np.arange(len(labels)), labels].mean())

    bounds = tuple(np.log(TEMPERATURES))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x))


def scale(probabilities: Probabilities, temperature: float) -> Probabilities:
    """(N, classes) at that temperature. The most probable class stays the most probable one."""
    return softmax(_logits(probabilities) / temperature, axis=1)


def write_reliability(folder: Path, predictions: Predictions, seeds: Mapping[str, Mapping[str, float]]) -> None:
    """reliability.json for the report: of all seeds together, in bins of confidence, how often it was right.

    Args:
        seeds: each seed's temperature, as in metrics.json.
    """
    tests = {seed: splits["test"] for seed, splits in predictions.items()}
    scaled = [
        SplitPredictions(test.examples, test.labels, scale(test.probabilities, seeds[str(seed)]["temperature"]))
        for seed, test in tests.items()
    ]
    write_json(folder / RELIABILITY, {"before": reliability(list(tests.values())), "after": reliability(scaled)})


def reliability(parts: list[SplitPredictions]) -> list[dict[str, Any]]:
    """One entry for each bin that is not empty: mean confidence, accuracy, and how many predictions."""
    probabilities = np.concatenate([part.probabilities for part in parts])
    right = probabilities.argmax(axis=1) == np.concatenate([part.labels for part in parts])
    confidence = probabilities.max(axis=1)
    bins = calibration_bin(confidence)
    return [
        {
            "confidence": float(confidence[bins == number].mean()),
            "accuracy": float(right[bins == number].mean()),
            "count": int((bins == number).sum()),
        }
        for number in np.unique(bins)
    ]


def _squared_distances(labels: NDArray[np.int64], probabilities: Probabilities) -> NDArray[np.float64]:
    """(N,) between an example's probabilities and the truth; their mean is the Brier score."""
    return np.square(probabilities - np.eye(probabilities.shape[1])[labels]).sum(axis=1)


def _logits(probabilities: Probabilities) -> NDArray[np.float64]:
    """Up to a constant of each row, which softmax takes away again."""
    return np.log(np.clip(probabilities.astype(np.float64), SMALLEST_PROBABILITY, 1.0))
