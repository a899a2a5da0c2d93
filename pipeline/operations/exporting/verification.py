"""Whether a file answers as the model that it was made of, on the sealed test examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.store.columns import recode
from pipeline.datasets.store.prepared import TEST, load_prepared
from pipeline.operations.exporting.faults import ExportError
from pipeline.operations.exporting.interface import Answer
from pipeline.operations.exporting.originals import Original

MOST_EXAMPLES = 2000  # evenly spread over the test split; a file that answers wrongly does so on the first of them
BATCH = 64


@dataclass(frozen=True)
class Agreement:
    """
    Attributes:
        examples: how many were asked about.
        largest: difference of a probability; of a predicted number, in standard deviations of those that are predicted.
        others: how many examples get another class.
    """

    examples: int
    largest: float
    others: int


@dataclass(frozen=True)
class Expected:
    """What a model answers here.

    Attributes:
        inputs: (N, S, S, 3) uint8 or (N, columns) float64.
        as_served: (N, classes) probabilities, or (N, 1) numbers, as it answers here.
        in_float32: the same, computed in float32.
    """

    inputs: NDArray[Any]
    as_served: NDArray[np.floating]
    in_float32: NDArray[np.floating]


def expected_of(original: Original) -> Expected:
    """
    Raises:
        PreparedError: there are no prepared examples.
        ExportError: they are of another kind than the model takes.
    """
    inputs = _test_inputs(original)
    as_served = original.served.probabilities(inputs)
    starts = range(0, len(inputs), BATCH)
    exact = [original.in_float32(inputs[start : start + BATCH]) for start in starts] if original.is_rounded else []
    return Expected(inputs, as_served, np.concatenate(exact) if exact else as_served)


def compare(original: Original, expected: Expected, answer: Answer) -> tuple[Agreement, Agreement]:
    """With what the model answers in float32, by which the conversion is judged, and with what it answers here."""
    starts = range(0, len(expected.inputs), BATCH)
    parts = [answer(np.ascontiguousarray(expected.inputs[start : start + BATCH])) for start in starts]
    outputs, predicted = (np.concatenate(of_part) for of_part in zip(*parts, strict=True))
    exact, served = (
        _agreement(original, reference, outputs, predicted) for reference in (expected.in_float32, expected.as_served)
    )
    return exact, served


def _agreement(
    original: Original, reference: NDArray[np.floating], outputs: NDArray[np.floating], predicted: NDArray[Any]
) -> Agreement:
    """NaN, which no model here answers, is as far off as can be."""
    unit = 1.0 if original.served.class_names else float(reference.std()) or float(np.abs(reference).max()) or 1.0
    distance = np.abs(outputs.astype(np.float64) - reference) / unit
    largest = float(np.nan_to_num(distance, nan=np.inf).max())
    has_classes = bool(original.served.class_names)
    others = int(np.sum(original.served.decision.classes(reference) != predicted)) if has_classes else 0
    return Agreement(len(reference), largest, others)


def _test_inputs(original: Original) -> NDArray[Any]:
    prepared, served = load_prepared(TEST), original.served
    rows = np.unique(np.linspace(0, len(prepared.inputs) - 1, MOST_EXAMPLES).round().astype(np.int64))
    inputs = np.ascontiguousarray(prepared.inputs[rows])
    other = f"{TEST}: the examples prepared here are not of the kind that {original.title} takes"
    if (prepared.columns is None) != (served.columns is None) or prepared.image_size != served.image_size:
        raise ExportError(f"{other}; `dvc repro prepare` with the data.path and data.image_size that it learned from")
    if prepared.columns is None or served.columns is None:
        return inputs
    try:
        return recode(inputs, prepared.columns, served.columns)
    except KeyError as error:
        raise ExportError(
            f"{other}: they have no column {error}; `dvc repro prepare` with the table that it learned from"
        ) from None
