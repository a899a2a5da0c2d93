"""Calibration of simulated models whose calibration is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from pipeline.evaluation.answers.predictions import Predictions, SplitPredictions
from pipeline.evaluation.measures.calibration import (
    fit_temperature,
    measure_calibration,
    reliability,
    scale,
    write_reliability,
)
from pipeline.evaluation.measures.classification import brier_score, expected_calibration_error

CLASSES = 4


def simulate(count: int, sharpened: float, seed: int = 0) -> SplitPredictions:
    """Labels drawn from known probabilities; what is told are these, sharpened: 1 is perfectly calibrated."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.5, (count, CLASSES))
    chances = softmax(logits, axis=1)
    labels = (random.random(count)[:, None] > chances.cumsum(axis=1)).sum(axis=1).clip(0, CLASSES - 1)
    told = softmax(sharpened * log_softmax(logits, axis=1), axis=1)
    return SplitPredictions(np.array([f"{row:05d}" for row in range(count)]), labels, told)


def predictions(sharpened: float, count: int = 20_000) -> Predictions:
    return {
        seed: {split: simulate(count, sharpened, 10 * seed + place) for place, split in enumerate(("val", "test"))}
        for seed in (0, 3)
    }


def test_what_is_calibrated_has_next_to_no_error_and_needs_no_scaling() -> None:
    found = measure_calibration(predictions(sharpened=1.0)).summary
    assert found["temperature"] == pytest.approx(1, abs=0.03)
    assert found["test_ece_scaled"] < 0.01


@pytest.mark.parametrize("sharpened", [3.0, 0.4])
def test_scaling_mends_what_is_too_sure_or_too_shy(sharpened: float) -> None:
    found = measure_calibration(predictions(sharpened)).summary
    test = simulate(20_000, sharpened, 1)
    assert found["temperature"] == pytest.approx(sharpened, rel=0.05)
    assert expected_calibration_error(test.labels, test.probabilities) > 0.1
    assert found["test_ece_scaled"] < 0.015
    assert found["test_brier_scaled"] < brier_score(test.labels, test.probabilities) - 0.01


def test_the_parts_of_the_brier_score_lie_beside_it_for_every_example() -> None:
    drawn = predictions(3.0)
    found = measure_calibration(drawn)
    parts = found.rows.groupby(["measure", "seed"])["value"].mean()
    for seed, splits in drawn.items():
        assert parts["brier", seed] == pytest.approx(brier_score(splits["test"].labels, splits["test"].probabilities))
        scaled = found.sections["calibration"]["seeds"][str(seed)]["test_brier_scaled"]
        assert parts["brier_scaled", seed] == pytest.approx(scaled)


def test_the_temperature_comes_from_validation_data_alone() -> None:
    """A test split on which the model is too sure of itself, though it was not on validation data."""
    mixed = {0: {"val": simulate(20_000, 1.0, 0), "test": simulate(20_000, 3.0, 1)}}
    found = measure_calibration(mixed).summary
    assert found["temperature"] == pytest.approx(1, abs=0.03)
    assert found["test_ece_scaled"] > 0.1


def test_scaling_never_changes_the_answer() -> None:
    told = simulate(500, 2.0).probabilities
    np.testing.assert_array_equal(scale(told, 3.7).argmax(axis=1), told.argmax(axis=1))
    np.testing.assert_allclose(scale(told, 1.0), told, atol=1e-6)


def test_a_sigmoid_is_scaled_as_its_logit() -> None:
    of_one = np.array([0.2, 0.9])
    scaled = scale(np.stack([1 - of_one, of_one], axis=1), 2.0)
    np.testing.assert_allclose(scaled[:, 1], 1 / (1 + np.sqrt((1 - of_one) / of_one)))


def test_votes_of_zero_can_be_scaled() -> None:
    certain = np.eye(3)[[0, 1, 2, 0]]
    temperature = fit_temperature(np.array([0, 1, 2, 1]), certain)
    assert np.isfinite(scale(certain, temperature)).all() and temperature > 1


def test_rows_hold_the_confidence_before_and_after() -> None:
    found = measure_calibration(predictions(3.0, count=50))
    before = found.rows[(found.rows["measure"] == "confidence") & (found.rows["seed"] == 3)]
    after = found.rows[(found.rows["measure"] == "confidence_scaled") & (found.rows["seed"] == 3)]
    np.testing.assert_allclose(before["value"], simulate(50, 3.0, 31).probabilities.max(axis=1))
    assert len(after) == 50 and after["value"].mean() < before["value"].mean()


def test_reliability_tells_how_often_each_confidence_was_right(tmp_path: Path) -> None:
    labels, sure = np.array([0, 0, 0, 1]), np.array([[0.9, 0.1]] * 4)
    part = SplitPredictions(np.array(list("abcd")), labels, sure)
    assert reliability([part, part]) == [
        {"confidence": pytest.approx(0.9), "accuracy": pytest.approx(0.75), "count": 8}
    ]
    write_reliability(tmp_path, {0: {"test": part}}, {"0": {"temperature": 2.0}})
    written = json.loads((tmp_path / "reliability.json").read_text(encoding="utf-8"))
    assert written["after"][0]["confidence"] == pytest.approx(0.75)  # odds of 9 at temperature 2 are 3
