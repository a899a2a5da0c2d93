"""What evaluation measured of each candidate beside accuracy, with intervals: robustness, calibration, explanations.

Intervals are made as for accuracy (see statistics.py): paired draws over the test examples, and a part for the seeds.
Robustness and explanations are measured with one seed's model, so there the spread between seeds is assumed, as with
one seed throughout. A candidate's relative loss is a ratio of two means over the same drawn examples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.intervals import Estimates, Floats, Quantity
from pipeline.comparison.tables.measurements import ComparisonError, Measured
from pipeline.params.compare import Compare

PROPERTY_COLUMNS = ["property", "candidate", "family", "value", "low", "high"]


@dataclass(frozen=True)
class Property:
    """One measured property of some candidates.

    Attributes:
        key: such as `shift_consistency`, as in properties.csv.
        title: for the head of a column; group: the table of the report that it stands in.
        candidates: those that it was measured for, as in `quantity`.
        bounds: what it can be at least and at most.
        is_share: whether it is told in percent, or else as the number that it is.
    """

    key: str
    title: str
    group: str
    candidates: Sequence[str]
    families: Sequence[str]
    quantity: Quantity
    bounds: tuple[float, float] = (0.0, 1.0)
    is_share: bool = True

    def estimate(self, contrasts: Floats, confidence: float, bounds: tuple[float, float] | None = None) -> Estimates:
        """Of (K, C) contrasts of the candidates."""
        return statistics.estimate(self.quantity, contrasts, confidence, bounds or self.bounds)

    def table(self, confidence: float) -> pd.DataFrame:
        """PROPERTY_COLUMNS, one row a candidate."""
        found = self.estimate(np.eye(len(self.candidates)), confidence)
        columns = {"candidate": self.candidates, "family": self.families, "value": found.value}
        return pd.DataFrame({"property": self.key, **columns, "low": found.low, "high": found.high})[PROPERTY_COLUMNS]


def measure_properties(measured: Sequence[Measured], settings: Compare) -> list[Property]:
    """All properties that were measured for at least one candidate, in the order of the report.

    Raises:
        ComparisonError: candidates saw different altered photos.
    """
    _refuse_other_pixels(measured)
    found = [recipe.of(measured, settings) for recipe in RECIPES]
    return [one for one in found if one is not None]


def properties_table(properties: Sequence[Property], confidence: float) -> pd.DataFrame:
    tables = [one.table(confidence) for one in properties]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=PROPERTY_COLUMNS)


def measure_values(measured: Sequence[Measured], measure: str) -> Floats:
    """(C, S, N) of one measure of measures.parquet, seeds and examples sorted.

    Raises:
        ComparisonError: the candidates were not measured on the same examples with the same seeds.
    """
    tables: list[pd.DataFrame] = []
    for one in measured:
        rows = one.measures[one.measures["measure"] == measure]
        table = rows.pivot(index="seed", columns="example", values="value").sort_index().sort_index(axis=1)
        if tables and not (table.index.equals(tables[0].index) and table.columns.equals(tables[0].columns)):
            raise ComparisonError(
                f"evaluation/{one.name}/measures.parquet: {measure} was measured on other examples or seeds than "
                f"for {measured[0].name}; run `dvc repro`"
            )
        tables.append(table)
    return np.stack([table.to_numpy(np.float64) for table in tables])


Make = Callable[[Sequence[Measured], Compare], Quantity]


def _measures_of(one: Measured) -> list[str]:
    return sorted(one.measures["measure"].unique())


def _mean_of(chosen: Callable[[str], bool]) -> Make:
    """The mean, for each example, of the measures whose names are chosen."""

    def make(measured: Sequence[Measured], settings: Compare) -> Quantity:
        return statistics.accuracy_quantity(_mean_values(measured, chosen), settings.resamples)

    return make


def _mean_values(measured: Sequence[Measured], chosen: Callable[[str], bool]) -> Floats:
    names = [name for name in _measures_of(measured[0]) if chosen(name)]
    return np.mean([measure_values(measured, name) for name in names], axis=0)


def _degradation(measured: Sequence[Measured], settings: Compare) -> Quantity:
    """1 - corrupted / clean accuracy; both drawn alike, since `accuracy_quantity` draws the same examples each time."""
    corrupted = statistics.accuracy_quantity(_mean_values(measured, _is_corrupted), settings.resamples)
    clean = statistics.accuracy_quantity(measure_values(measured, "clean_correct"), settings.resamples)
    draws = 1 - corrupted.draws / np.maximum(clean.draws, clean.kernel)
    return replace(corrupted, means=1 - corrupted.means / np.maximum(clean.means, clean.kernel), draws=draws)


def _calibration_error(column: str) -> Make:
    def make(measured: Sequence[Measured], settings: Compare) -> Quantity:
        right = np.stack([_right(one) for one in measured])
        bins = int(measured[0].metrics["calibration"]["bins"])
        return calibration_quantity(measure_values(measured, column), right, bins, settings.resamples)

    return make


def calibration_quantity(confidence: Floats, right: Floats, bins: int, resamples: int) -> Quantity:
    """Expected calibration error (see evaluation/measures/metrics.py), mean over the seeds.

    Resampled examples add noise to every bin, which raises the error; so the draws are put back around its value.

    Args:
        confidence: (C, S, N) probability of the predicted class; right: (C, S, N) 0 or 1.
    """
    number = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    in_bin = number[..., None, :] == np.arange(bins)[:, None]  # (C, S, bins, N)
    surplus = (right - confidence)[..., None, :] * in_bin
    by_seed = np.abs(surplus.mean(axis=3)).sum(axis=2)  # (C, S)
    drawn = statistics.accuracy_quantity(surplus.reshape(-1, 1, surplus.shape[3]), resamples).draws
    draws = np.abs(drawn.reshape(-1, *surplus.shape[:3])).sum(axis=3).mean(axis=2)  # (B, C)
    variance, degrees = statistics.seed_variances(by_seed, np.zeros(len(by_seed)))
    means = by_seed.mean(axis=1)
    return Quantity(means, draws - draws.mean(axis=0) + means, 1 / surplus.shape[3], variance, degrees)


def _right(one: Measured) -> Floats:
    """(S, N), seeds and examples sorted, as in `measure_values`."""
    rows = one.predictions.query("split == 'test'")
    right = rows.assign(correct=(rows["label"] == rows["predicted"]).astype(float))
    table = right.pivot(index="seed", columns="example", values="correct")
    return table.sort_index().sort_index(axis=1).to_numpy(np.float64)


def _is_shifted(measure: str) -> bool:
    return measure.startswith("shift_") and measure.endswith("_same")


def _is_mirrored(measure: str) -> bool:
    return measure == "mirror_same"


def _is_corrupted(measure: str) -> bool:
    moved = measure.startswith(("shift_", "mirror_", "clean_"))
    return measure.endswith("_correct") and not moved


def _is(name: str) -> Callable[[str], bool]:
    return name.__eq__


@dataclass(frozen=True)
class _Recipe:
    """How a property is made, from those candidates that have a measure which `needs` accepts."""

    key: str
    title: str
    group: str
    needs: Callable[[str], bool]
    make: Make
    bounds: tuple[float, float] = (0.0, 1.0)
    is_share: bool = True

    def of(self, measured: Sequence[Measured], settings: Compare) -> Property | None:
        having = [one for one in measured if any(map(self.needs, _measures_of(one)))]
        if not having:
            return None
        names, families = [one.name for one in having], [one.candidate.family for one in having]
        quantity = self.make(having, settings)
        return Property(self.key, self.title, self.group, names, families, quantity, self.bounds, self.is_share)


ROBUSTNESS, CALIBRATION, EXPLANATIONS = "robustness", "calibration", "explanations"
TOLD, SCALED = "confidence", "confidence_scaled"
BRIER, BRIER_SCALED, OF_BRIER = "brier", "brier_scaled", (0.0, 2.0)
SAME, OWN = "explanation_gain", "own_explanation_gain"
ANY = (-np.inf, np.inf)
RECIPES = (
    _Recipe("shift_consistency", "same answer when shifted", ROBUSTNESS, _is_shifted, _mean_of(_is_shifted)),
    _Recipe("mirror_consistency", "same answer when mirrored", ROBUSTNESS, _is_mirrored, _mean_of(_is_mirrored)),
    _Recipe("corrupted_accuracy", "accuracy when corrupted", ROBUSTNESS, _is_corrupted, _mean_of(_is_corrupted)),
    _Recipe("corrupted_degradation", "accuracy lost by it", ROBUSTNESS, _is_corrupted, _degradation, (-1.0, 1.0)),
    _Recipe("test_ece", "calibration error", CALIBRATION, _is(TOLD), _calibration_error(TOLD)),
    _Recipe("test_ece_scaled", "calibration error, scaled", CALIBRATION, _is(SCALED), _calibration_error(SCALED)),
    _Recipe("test_brier", "Brier score", CALIBRATION, _is(BRIER), _mean_of(_is(BRIER)), OF_BRIER, is_share=False),
    _Recipe(
        "test_brier_scaled",
        "Brier score, scaled",
        CALIBRATION,
        _is(BRIER_SCALED),
        _mean_of(_is(BRIER_SCALED)),
        OF_BRIER,
        is_share=False,
    ),
    _Recipe("explanation_gain", "gain by occlusion", EXPLANATIONS, _is(SAME), _mean_of(_is(SAME)), ANY),
    _Recipe("own_explanation_gain", "gain by its own kind", EXPLANATIONS, _is(OWN), _mean_of(_is(OWN)), ANY),
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
