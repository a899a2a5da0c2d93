"""Quantities made of measures of single examples: ratios have no unit, whatever unit the measures are in."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.comparison.tables.studies.property_values import relative_growth
from pipeline.params.compare import Compare

SETTINGS = Compare(confidence=0.95, margin=0.01, resamples=200)
EXAMPLES = np.array([f"{number:03d}.jpg" for number in range(30)])


def measured_in(unit: float, clean_error: float) -> Any:
    """One candidate, one seed: errors of 30 photos whose numbers go from 0 to 29 units, twice as large on altered
    ones."""
    errors = clean_error * np.random.default_rng(0).uniform(0.5, 1.5, (1, 30)) * unit
    values = {
        name: SimpleNamespace(values=values, seeds=np.array([0]), examples=EXAMPLES)
        for name, values in (("clean_error", errors), ("contrast_5_error", 2 * errors))
    }
    rows = pd.DataFrame({"split": "test", "example": EXAMPLES, "label": np.arange(30) * unit, "seed": 0})
    return SimpleNamespace(name="one", values_by_measure=values, predictions=rows)


@pytest.mark.parametrize("unit", [1.0, 1e-4, 1e6])
@pytest.mark.parametrize("clean_error", [2.0, 0.01])
def test_the_growth_of_errors_is_the_same_in_every_unit_and_for_the_best_of_models(
    unit: float, clean_error: float
) -> None:
    grown = relative_growth(lambda name: name == "contrast_5_error", "clean_error")
    quantity = grown([measured_in(unit, clean_error)], SETTINGS)
    assert quantity.means == pytest.approx(1.0)
    np.testing.assert_allclose(quantity.draws, 1.0)
