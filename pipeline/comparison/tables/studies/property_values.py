"""Quantities made of what evaluation measured example by example (measures.parquet), for several candidates at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from pipeline.comparison.statistics.calibration import calibration_quantity
from pipeline.comparison.statistics.quantities import Floats, Quantity, score_quantity
from pipeline.comparison.statistics.variation.seeds import SeedSpread
from pipeline.comparison.statistics.variation.units import Units, single_examples, whole_groups
from pipeline.comparison.tables.design import groups_of
from pipeline.comparison.tables.measurements import ComparisonError, Measured
from pipeline.params.compare import Compare
from pipeline.tasks import deviation_of

LEAST_ERROR = 1e-6  # standard deviations of the targets; a smaller mean error is none, of which nothing is a share

Chosen = Callable[[str], bool]  # whether a measure, by its name, is meant
Make = Callable[[Sequence[Measured], Compare], Quantity]


def measures_of(one: Measured) -> list[str]:
    """The names of what was measured of a candidate."""
    return list(one.values_by_measure)


def mean_of(chosen: Chosen) -> Make:
    """The mean, for each example, of the measures whose names are chosen."""

    def make(measured: Sequence[Measured], settings: Compare) -> Quantity:
        values, units = _mean_values(measured, chosen), _units(measured, _names(measured[0], chosen)[0])
        return score_quantity(values, settings.resamples, units)

    return make


def mean_number_of(chosen: Chosen) -> Make:
    """The same of measures in the target's units. What one seed leaves unknown of its spread is assumed as a share, so
    they are told in standard deviations of the test targets on the way."""

    def make(measured: Sequence[Measured], settings: Compare) -> Quantity:
        unit = _deviation_of_targets(measured[0])
        values, units = _mean_values(measured, chosen) / unit, _units(measured, _names(measured[0], chosen)[0])
        return _times(score_quantity(values, settings.resamples, units), unit)

    return make


def relative_growth(chosen: Chosen, clean: str) -> Make:
    """chosen / clean - 1 of errors, a ratio of two means over the same drawn examples; it has no unit."""

    def make(measured: Sequence[Measured], settings: Compare) -> Quantity:
        altered, whole = _altered_and_clean(measured, settings, chosen, clean)
        least = LEAST_ERROR * _deviation_of_targets(measured[0])
        means, draws = (part / np.maximum(of, least) - 1 for part, of in _means_and_draws(altered, whole))
        return replace(altered, means=means, draws=draws)

    return make


def relative_loss(chosen: Chosen, clean: str) -> Make:
    """1 - chosen / clean of shares, a ratio of two means over the same drawn examples."""

    def make(measured: Sequence[Measured], settings: Compare) -> Quantity:
        altered, whole = _altered_and_clean(measured, settings, chosen, clean)
        means, draws = (1 - part / np.maximum(of, whole.kernel) for part, of in _means_and_draws(altered, whole))
        return replace(altered, means=means, draws=draws)

    return make


def calibration_error(column: str) -> Make:
    """Expected calibration error, from the confidence that stands in `column`."""

    def make(measured: Sequence[Measured], settings: Compare) -> Quantity:
        right = np.stack([_right(one) for one in measured])
        bins = int(measured[0].metrics["calibration"]["bins"])
        units = _units(measured, column)
        return calibration_quantity(measure_values(measured, column), right, units, settings.resamples, bins)

    return make


def measure_values(measured: Sequence[Measured], measure: str) -> Floats:
    """(C, S, N) of one measure of measures.parquet, seeds and examples sorted.

    Raises:
        ComparisonError: the candidates were not measured on the same examples with the same seeds.
    """
    values = [one.values_by_measure[measure] for one in measured]
    for one, own in zip(measured, values, strict=True):
        if not (np.array_equal(own.seeds, values[0].seeds) and np.array_equal(own.examples, values[0].examples)):
            raise ComparisonError(
                f"evaluation/{one.name}/measures.parquet: {measure} was measured on other examples or seeds than "
                f"for {measured[0].name}; run `dvc repro`"
            )
    return np.stack([own.values for own in values])


def _altered_and_clean(
    measured: Sequence[Measured], settings: Compare, chosen: Chosen, clean: str
) -> tuple[Quantity, Quantity]:
    units = _units(measured, clean)
    altered, whole = _mean_values(measured, chosen), measure_values(measured, clean)
    resamples = settings.resamples
    return score_quantity(altered, resamples, units), score_quantity(whole, resamples, units)  # of the same draws


def _means_and_draws(altered: Quantity, whole: Quantity) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    return (altered.means, whole.means), (altered.draws, whole.draws)


def _mean_values(measured: Sequence[Measured], chosen: Chosen) -> Floats:
    return np.mean([measure_values(measured, name) for name in _names(measured[0], chosen)], axis=0)


def _names(one: Measured, chosen: Chosen) -> list[str]:
    return [name for name in measures_of(one) if chosen(name)]


def _units(measured: Sequence[Measured], measure: str) -> Units:
    """What is drawn again of the examples on which a measure was taken: whole groups where they come in groups."""
    examples = measured[0].values_by_measure[measure].examples
    groups = groups_of(measured[:1])
    if groups is None:
        return single_examples(len(examples))
    return whole_groups(np.array([groups[example] for example in examples]))


def _deviation_of_targets(one: Measured) -> float:
    """The standard deviation of the numbers to predict on the test split; 1 where they do not vary."""
    rows = one.predictions.query("split == 'test'").drop_duplicates("example")
    return deviation_of(rows["label"].to_numpy(np.float64))


def _times(quantity: Quantity, unit: float) -> Quantity:
    seeds = SeedSpread(quantity.seeds.draws * unit**2, quantity.seeds.even_draws * unit**2)
    return replace(
        quantity,
        means=quantity.means * unit,
        draws=quantity.draws * unit,
        kernel=quantity.kernel * unit,
        seeds=seeds,
    )


def _right(one: Measured) -> Floats:
    """(S, N) 1 where the prediction is right, as in `measure_values`."""
    rows = one.predictions.query("split == 'test'")
    right = rows.assign(correct=(rows["label"] == rows["predicted"]).astype(float))
    table = right.pivot(index="seed", columns="example", values="correct").sort_index().sort_index(axis=1)
    return table.to_numpy(np.float64)
