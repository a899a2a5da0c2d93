"""What goes into a file and what comes out of it: the names that whoever loads it writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.champions.answering import Served
from pipeline.datasets.store.columns import Column
from pipeline.operations.exporting.originals import Original

PIXELS, WINDOW, ROWS = "pixels", "window", "rows"
PROBABILITIES, PREDICTED = "probabilities", "predicted"

# (N, S, S, 3) uint8, or (N, columns) float64 as a model here takes them → (N, classes) probabilities and (N,) class
# numbers; of a regression (N, 1) and (N,) numbers.
Answer = Callable[[NDArray[Any]], tuple[NDArray[np.floating], NDArray[Any]]]


def input_of(column: Column) -> str:
    """What a column of a table is called; two names are those of the answers."""
    return f"column {column.name}" if column.name in (PROBABILITIES, PREDICTED) else column.name


def described(original: Original, by_column: bool) -> dict[str, Any]:
    """What a file says of itself: which model it is, what goes in, what comes out, by which rule a class is said.

    Args:
        by_column: whether a table has an input for each column; else one for all.
    """
    served = original.served
    return {
        "model": dict(original.facts),
        "classes": list(served.class_names),
        "image_size": served.image_size,
        "inputs": described_inputs(served, by_column),
        "outputs": described_outputs(served),
        **({"decision": dict(described_decision(served))} if served.class_names else {}),
    }


def described_inputs(served: Served, by_column: bool) -> list[dict[str, Any]]:
    """Each input's name, type, shape and meaning."""
    if served.columns is None:
        meaning = (
            "RGB of 0 to 255, turned as EXIF says, transparency on white, squeezed to a square with antialiasing; of "
            "pictures of 16 bits `white` becomes 255"
        )
        shape = ["N", served.image_size, served.image_size, 3]
        return [{"name": PIXELS, "type": "uint8", "shape": shape, "white": served.white, "meaning": meaning}]
    if served.series is not None:
        meaning = f"values of {served.series['target']!r}, oldest first; NaN where one is missing"
        return [_matrix(WINDOW, len(served.columns), by_column, meaning)]
    columns = [_column(column) for column in served.columns]
    if by_column:
        return columns
    meaning = "numbers, and of a category its place in `categories`, from 0; NaN where a value is missing or unknown"
    return [_matrix(ROWS, len(columns), by_column, meaning) | {"columns": columns}]


def _matrix(name: str, width: int, double: bool, meaning: str) -> dict[str, Any]:
    return {"name": name, "type": "float64" if double else "float32", "shape": ["N", width], "meaning": meaning}


def _column(column: Column) -> dict[str, Any]:
    described: dict[str, Any] = {"name": input_of(column), "type": "float64", "shape": ["N", 1]}
    if column.categories is not None:
        meaning = "one of the categories, as it is written; any other text counts as missing"
        return described | {"type": "string", "categories": column.categories, "meaning": meaning}
    if column.time is not None:
        return described | {"meaning": "days since 1970-01-01; NaN where it is missing"}
    return described | {"meaning": "a number; NaN where it is missing"}


def described_outputs(served: Served) -> list[dict[str, Any]]:
    if not served.class_names:
        return [{"name": PREDICTED, "type": "float32", "shape": ["N"], "meaning": "the number that is predicted"}]
    share = {"name": PROBABILITIES, "type": "float32", "shape": ["N", len(served.class_names)]}
    number = {"name": PREDICTED, "type": "int64", "shape": ["N"]}
    return [
        share | {"meaning": "of each class, in the order of `classes`, calibrated as those that `predict` gives"},
        number | {"meaning": "a place in `classes`, from 0, by `decision`"},
    ]


def described_decision(served: Served) -> Mapping[str, Any]:
    """How a class follows from its probabilities; it is part of the file."""
    return served.decision.described() or {"rule": "the most probable class"}


def smallest_float32(threshold: float) -> np.float32:
    """The smallest float32 that is not below a threshold: a float32 reaches both or neither."""
    nearest = np.float32(threshold)
    return nearest if float(nearest) >= threshold else np.nextafter(nearest, np.float32(np.inf))
