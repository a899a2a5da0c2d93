"""From what a reader of the file has (pixels, columns by name, a window) to what the models take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.champions.answering import Served
from pipeline.datasets.request_cells import numbers_for_none
from pipeline.datasets.store.columns import Column
from pipeline.operations.exporting.interface import PIXELS, WINDOW, input_of
from pipeline.operations.exporting.onnx_files.graph import Graph


def add_inputs(graph: Graph, served: Served) -> str:
    """(N, S, S, 3) pixels of float32, or (N, columns) of float64, NaN where a value is missing."""
    if served.columns is None:
        side = int(served.image_size or 0)
        return graph.cast(graph.input(PIXELS, np.uint8, ["N", side, side, 3]), np.float32)
    if served.series is not None:
        target = Column(str(served.series["target"]), missing=served.series.get("missing"))
        return _finite(graph, graph.input(WINDOW, np.float64, ["N", len(served.columns)]), target)
    cells = [_column(graph, column) for column in served.columns]
    return cells[0] if len(cells) == 1 else graph.add("Concat", *cells, axis=1)


def feed(served: Served, inputs: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
    """The same inputs under the names of the file.

    Args:
        inputs: (N, S, S, 3) uint8; or (N, columns) float64, a category being its place in the list.
    """
    if served.columns is None:
        return {PIXELS: inputs}
    if served.series is not None:
        return {WINDOW: inputs}
    return {input_of(column): _cells(column, inputs[:, place]) for place, column in enumerate(served.columns)}


def _cells(column: Column, values: NDArray[np.float64]) -> NDArray[Any]:
    if column.categories is None:
        return values[:, None]
    return np.array([["" if math.isnan(value) else column.categories[int(value)]] for value in values], dtype=object)


def _column(graph: Graph, column: Column) -> str:
    if column.categories is None:
        return _finite(graph, graph.input(input_of(column), np.float64, ["N", 1]), column)
    text = graph.input(input_of(column), str, ["N", 1])
    places = [float(place) for place in range(len(column.categories))]
    known = {"keys_strings": column.categories, "values_floats": places, "default_float": math.nan}
    return graph.cast(graph.add("LabelEncoder", text, domain="ai.onnx.ml", **known), np.float64)


def _finite(graph: Graph, numbers: str, column: Column) -> str:
    """NaN for what is not finite, and for numbers that stand for a missing value."""
    absent = graph.add("IsInf", numbers)
    # In a column of dates such a word is a text, and a number here is a day.
    for number in sorted(numbers_for_none(column)) if column.time is None else ():
        absent = graph.add("Or", absent, graph.add("Equal", numbers, graph.constant(number, np.float64)))
    return graph.add("Where", absent, graph.constant(math.nan, np.float64), numbers)
