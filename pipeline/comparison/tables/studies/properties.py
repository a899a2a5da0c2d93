"""What evaluation measured of each candidate beside accuracy, with intervals: robustness, calibration, explanations.

A row of RECIPES is all that a property needs to stand in properties.csv and in the report. Intervals are made as for
accuracy: paired draws over the test examples, and a part for the seeds. Robustness and explanations are measured with
one seed's model, so there the spread between seeds is assumed, as with one seed throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.intervals import Estimates
from pipeline.comparison.statistics.quantities import Floats, Quantity
from pipeline.comparison.tables.measurements import ComparisonError, Measured
from pipeline.comparison.tables.studies.property_values import (
    Chosen,
    Make,
    calibration_error,
    mean_number_of,
    mean_of,
    measures_of,
    relative_growth,
    relative_loss,
)
from pipeline.formats import number, percent
from pipeline.params.compare import Compare

Write = Callable[[float], str]

PROPERTY_COLUMNS = ["property", "candidate", "family", "value", "low", "high"]


@dataclass(frozen=True)
class Property:
    """One measured property of some candidates.

    Attributes:
        key: such as `shift_consistency`, as in properties.csv.
        title: for the head of a column; group: the table of the report that it stands in.
        candidates: those that it was measured for, as in `quantity`.
        bounds: what it can be at least and at most.
        write: how its values are written; None: as the shares that they are.
    """

    key: str
    title: str
    group: str
    candidates: Sequence[str]
    families: Sequence[str]
    quantity: Quantity
    bounds: tuple[float, float] = (0.0, 1.0)
    write: Write | None = None

    def estimate(self, contrasts: Floats, confidence: float, bounds: tuple[float, float] | None = None) -> Estimates:
        """Of (K, C) contrasts of the candidates."""
        return statistics.estimate(self.quantity, contrasts, confidence, bounds or self.bounds)

    def table(self, confidence: float) -> pd.DataFrame:
        """PROPERTY_COLUMNS, one row a candidate."""
        estimates = self.estimate(np.eye(len(self.candidates)), confidence)
        columns = {"candidate": self.candidates, "family": self.families, "value": estimates.value}
        return pd.DataFrame({"property": self.key, **columns, "low": estimates.low, "high": estimates.high})[
            PROPERTY_COLUMNS
        ]


def measure_properties(measured: Sequence[Measured], settings: Compare) -> list[Property]:
    """All properties that were measured for at least one candidate, in the order of the report.

    Raises:
        ComparisonError: candidates saw different altered photos.
    """
    _refuse_other_pixels(measured)
    properties = [recipe.measure(measured, settings) for recipe in RECIPES]
    return [one for one in properties if one is not None]


def properties_table(properties: Sequence[Property], confidence: float) -> pd.DataFrame:
    """PROPERTY_COLUMNS, one row for each candidate of each property."""
    tables = [one.table(confidence) for one in properties]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=PROPERTY_COLUMNS)


@dataclass(frozen=True)
class Recipe:
    """How a property is made, from those candidates that have a measure which `needs` accepts."""

    key: str
    title: str
    group: str
    needs: Chosen
    make: Make
    bounds: tuple[float, float] = (0.0, 1.0)
    write: Write | None = None

    def measure(self, measured: Sequence[Measured], settings: Compare) -> Property | None:
        """None where no candidate has what it needs."""
        having = [one for one in measured if any(map(self.needs, measures_of(one)))]
        if not having:
            return None
        names, families = [one.name for one in having], [one.candidate.family for one in having]
        quantity = self.make(having, settings)
        return Property(self.key, self.title, self.group, names, families, quantity, self.bounds, self.write)


def named(name: str) -> Chosen:
    """The measure of this name alone."""
    return name.__eq__


def is_shifted(measure: str) -> bool:
    return measure.startswith("shift_") and measure.endswith("_same")


def is_change(measure: str) -> bool:
    return measure.startswith("shift_") and measure.endswith("_change")


def is_corrupted_error(measure: str) -> bool:
    moved = measure.startswith(("shift_", "mirror_", "clean_"))
    return measure.endswith("_error") and not moved


def thousandths(value: float) -> str:
    return f"{value:.3f}"


def is_corrupted(measure: str) -> bool:
    moved = measure.startswith(("shift_", "mirror_", "clean_"))
    return measure.endswith("_correct") and not moved


ROBUSTNESS, CALIBRATION, EXPLANATIONS = "robustness", "calibration", "explanations"
MIRRORED, TURNED = named("mirror_same"), named("mirror_change")
CONFIDENCE, SCALED = "confidence", "confidence_scaled"
BRIER, BRIER_SCALED, OF_BRIER = named("brier"), named("brier_scaled"), (0.0, 2.0)
BY_OCCLUSION, BY_OWN_KIND = named("explanation_gain"), named("own_explanation_gain")
ANY, UPWARDS = (-np.inf, np.inf), (0.0, np.inf)
LOST, GROWN = relative_loss(is_corrupted, "clean_correct"), relative_growth(is_corrupted_error, "clean_error")
RECIPES = (
    Recipe("shift_consistency", "same answer when shifted", ROBUSTNESS, is_shifted, mean_of(is_shifted)),
    Recipe("mirror_consistency", "same answer when mirrored", ROBUSTNESS, MIRRORED, mean_of(MIRRORED)),
    Recipe("corrupted_accuracy", "accuracy when corrupted", ROBUSTNESS, is_corrupted, mean_of(is_corrupted)),
    Recipe("corrupted_degradation", "accuracy lost by it", ROBUSTNESS, is_corrupted, LOST, (-1.0, 1.0)),
    Recipe("shift_change", "change when shifted", ROBUSTNESS, is_change, mean_number_of(is_change), UPWARDS, number),
    Recipe("mirror_change", "change when mirrored", ROBUSTNESS, TURNED, mean_number_of(TURNED), UPWARDS, number),
    Recipe(
        "corrupted_mae",
        "error when corrupted",
        ROBUSTNESS,
        is_corrupted_error,
        mean_number_of(is_corrupted_error),
        UPWARDS,
        number,
    ),
    Recipe("corrupted_growth", "error grown by it", ROBUSTNESS, is_corrupted_error, GROWN, (-1.0, np.inf), percent),
    Recipe("test_ece", "calibration error", CALIBRATION, named(CONFIDENCE), calibration_error(CONFIDENCE)),
    Recipe("test_ece_scaled", "calibration error, scaled", CALIBRATION, named(SCALED), calibration_error(SCALED)),
    Recipe("test_brier", "Brier score", CALIBRATION, BRIER, mean_of(BRIER), OF_BRIER, thousandths),
    Recipe(
        "test_brier_scaled",
        "Brier score, scaled",
        CALIBRATION,
        BRIER_SCALED,
        mean_of(BRIER_SCALED),
        OF_BRIER,
        thousandths,
    ),
    Recipe("explanation_gain", "gain by occlusion", EXPLANATIONS, BY_OCCLUSION, mean_of(BY_OCCLUSION), ANY),
    Recipe("own_explanation_gain", "gain by its own kind", EXPLANATIONS, BY_OWN_KIND, mean_of(BY_OWN_KIND), ANY),
)


def _refuse_other_pixels(measured: Sequence[Measured]) -> None:
    seen = {one.name: one.metrics["robustness"]["pixels"] for one in measured if "robustness" in one.metrics}
    if len(set(seen.values())) > 1:
        first, *_ = seen
        other = next(name for name, pixels in seen.items() if pixels != seen[first])
        stage = next(one.candidate.evaluation_stage for one in measured if one.name == other)
        raise ComparisonError(
            f"evaluation/{other}/metrics.json: robustness.pixels is not that of {first}, so the two were shown "
            f"differently altered photos (another version of a library?); run `dvc repro --force {stage}`"
        )
