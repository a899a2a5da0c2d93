"""Whether a file answers as the model that it was made of, on the sealed test examples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.champions.answering import Served
from pipeline.datasets.store.columns import recode
from pipeline.datasets.store.prepared import TEST, load_prepared
from pipeline.operations.exporting.faults import ExportError, UnconvertibleError
from pipeline.operations.exporting.interface import Answer
from pipeline.operations.exporting.originals import Original

MOST_EXAMPLES = 2000  # evenly spread over the test split; a file that answers wrongly does so on the first of them
BATCH = 64
EQUAL_COSTS = 1e-5  # of the largest: LiteRT computes expected costs in float32


@dataclass(frozen=True)
class Agreement:
    """
    Attributes:
        examples: how many test examples were asked about.
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
        inputs: (N, S, S, 3) uint8 or (N, columns) float64; of a table the last ones are made: see `_with_holes`.
        made: how many of them.
        as_served: (N, classes) probabilities, or (N, 1) numbers, as it answers here.
        in_float32: the same, computed in float32.
    """

    inputs: NDArray[Any]
    made: int
    as_served: NDArray[np.floating]
    in_float32: NDArray[np.floating]


def expected_of(original: Original) -> Expected:
    """
    Raises:
        PreparedError: there are no prepared examples.
        ExportError: they are of another kind than the model takes.
    """
    examples = _test_inputs(original)
    inputs = _with_holes(examples, original.served)
    as_served = original.served.probabilities(inputs)
    starts = range(0, len(inputs), BATCH)
    exact = [original.in_float32(inputs[start : start + BATCH]) for start in starts] if original.is_rounded else []
    made = len(inputs) - len(examples)
    return Expected(inputs, made, as_served, np.concatenate(exact) if exact else as_served)


def compare(original: Original, expected: Expected, answer: Answer) -> tuple[Agreement, Agreement]:
    """With what the model answers in float32, by which the conversion is judged, and with what it answers here.

    Raises:
        UnconvertibleError: the file says other classes than its own probabilities give.
    """
    starts = range(0, len(expected.inputs), BATCH)
    parts = [answer(np.ascontiguousarray(expected.inputs[start : start + BATCH])) for start in starts]
    outputs, predicted = (np.concatenate(of_part) for of_part in zip(*parts, strict=True))
    if contradicted := _contradicted(original.served, outputs, predicted):
        raise UnconvertibleError(
            f"of {len(outputs)} test examples {contradicted} get another class than the file's own probabilities give"
        )
    exact, served = (
        replace(agreement, examples=agreement.examples - expected.made)
        for agreement in (
            _agreement(original, reference, outputs, predicted)
            for reference in (expected.in_float32, expected.as_served)
        )
    )
    return exact, served


def _with_holes(rows: NDArray[Any], served: Served) -> NDArray[Any]:
    """Rows of a table, and behind them the first row with a hole in each column: where no test row lacks a value,
    nothing else would show what a file makes of one."""
    if served.columns is None or served.series is not None:
        return rows
    holes = np.repeat(rows[:1], len(served.columns), axis=0)
    np.fill_diagonal(holes, np.nan)
    return np.concatenate([rows, holes])


def _contradicted(served: Served, outputs: NDArray[np.floating], predicted: NDArray[Any]) -> int:
    """How many examples a file calls otherwise than its own probabilities do by the model's decision.

    With probabilities that differ by a rounding error another class may be right; with its own, none is, but for
    expected costs that are equal up to rounding.
    """
    if not served.class_names:
        return 0
    probabilities, decision = outputs.astype(np.float64), served.decision
    others = decision.classes(probabilities) != predicted
    if decision.costs is not None:
        expected, chosen = probabilities @ decision.costs, np.clip(predicted, 0, len(served.class_names) - 1)
        excess = np.take_along_axis(expected, chosen[:, None], axis=1)[:, 0] - expected.min(axis=1)
        others &= (excess > EQUAL_COSTS * np.abs(decision.costs).max()) | (chosen != predicted)
    return int(others.sum())


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
