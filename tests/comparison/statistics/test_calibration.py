"""Calibration error without most of what noise adds to it."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.comparison.statistics.calibration import calibration_change, calibration_quantity
from pipeline.comparison.statistics.variation.units import single_examples


def answers(examples: int, over: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and whether answers are right as often as these say, less `over`."""
    confidence = 0.3 + 0.7 * rng.beta(3, 1.5, examples)
    return confidence, (rng.random(examples) < confidence - over).astype(float)


def error(confidence: np.ndarray, right: np.ndarray) -> float:
    units = single_examples(len(right))
    return float(calibration_quantity(confidence[None, None], right[None, None], units, 100).means[0])


def test_a_calibrated_model_is_hardly_blamed_for_few_examples() -> None:
    """The plain error is 0.09 on 100 examples."""
    rng = np.random.default_rng(0)
    assert abs(np.mean([error(*answers(100, 0.0, rng)) for _ in range(60)])) < 0.03


def test_a_model_far_from_calibrated_has_the_usual_error() -> None:
    assert error(*answers(4000, 0.2, np.random.default_rng(1))) == pytest.approx(0.2, abs=0.03)


def test_the_change_from_one_model_to_another_is_paired_and_holds_the_truth() -> None:
    rng, held = np.random.default_rng(2), []
    for _ in range(60):
        confidence, right = answers(600, 0.0, rng)
        found = calibration_change(
            (confidence * 0.9, right), (confidence * 0.9 - 0.15, right), single_examples(600), 0.95, 300
        )
        held.append(found.low[0] <= 0.15 <= found.high[0])
    assert np.mean(held) > 0.85
    same = calibration_change((confidence, right), (confidence, right), single_examples(600), 0.95, 300)
    assert same.value[0] == 0 and same.low[0] < 0 < same.high[0]


def test_seeds_of_several_candidates_are_averaged() -> None:
    rng = np.random.default_rng(3)
    pairs = [[answers(800, over, rng) for _ in range(2)] for over in (0.0, 0.25)]
    confidence, right = (np.array([[seed[part] for seed in one] for one in pairs]) for part in (0, 1))
    quantity = calibration_quantity(confidence, right, single_examples(800), 200)
    assert quantity.means[0] < 0.04 < 0.2 < quantity.means[1]
    assert quantity.draws.shape == (200, 2)
