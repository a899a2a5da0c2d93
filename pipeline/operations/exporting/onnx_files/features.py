"""This project's own features and encoding of columns, node by node: no library converts them.

Each function puts behind a tensor what a fitted transformer computes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.operations.exporting.onnx_files.graph import Graph, Numbers

NONE = -1.0  # in place of NaN, which equals nothing; categories are numbered from 0


def add_reduced_pixels(graph: Graph, pixels: str, size: int, side: int) -> str:
    """(N, S, S, 3) → (N, side²·3): as Pillow reduces a photo, across and then down, each rounded to whole numbers.

    Args:
        size: S.
    """
    kernel = graph.constant(area_averages(size, side))  # (side, S)
    images = graph.cast(graph.add("Transpose", pixels, perm=[0, 3, 1, 2]))  # (N, 3, S, S)
    across = _rounded(
        graph, graph.add("MatMul", images, graph.add("Transpose", kernel, perm=[1, 0]))
    )  # (N, 3, S, side)
    down = _rounded(graph, graph.add("MatMul", kernel, across))  # (N, 3, side, side)
    flat = graph.add("Flatten", graph.add("Transpose", down, perm=[0, 2, 3, 1]))
    return graph.add("Div", flat, graph.constant(255))


def area_averages(size: int, side: int) -> NDArray[np.float64]:
    """(side, size) shares of each old pixel in each new one, as Pillow's box filter has them."""
    scale = size / side
    reach = max(scale, 1.0)
    shares = np.zeros((side, size))
    for new in range(side):
        centre = (new + 0.5) * scale
        first, last = max(0, int(centre - reach / 2 + 0.5)), min(size, int(centre + reach / 2 + 0.5))
        places = (np.arange(first, last) - centre + 0.5) / reach
        shares[new, first:last] = (places > -0.5) & (places <= 0.5)
    return shares / shares.sum(axis=1, keepdims=True)


def _rounded(graph: Graph, values: str) -> str:
    return graph.add("Floor", graph.add("Add", values, graph.constant(0.5)))


def add_columns(graph: Graph, encoder: Any, rows: str) -> str:
    """(N, columns) → (N, features): what `column_encoder` has learned."""
    parts = []
    for _, transformer, places in encoder.transformers_:
        if len(places) and type(transformer).__name__ in PARTS:
            block = graph.add("Gather", rows, graph.constant(places, np.int64), axis=1)
            parts += PARTS[type(transformer).__name__](graph, transformer, block)
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)


def add_last_value(graph: Graph, forecast: Any, rows: str) -> str:
    """(N, window) → (N, 1)."""
    last = graph.add("Gather", rows, graph.constant([forecast.n_features_in_ - 1], np.int64), axis=1)
    return graph.add("Where", graph.add("IsNaN", last), graph.constant(forecast.mean_), last)


def _filled(graph: Graph, imputer: Any, numbers: str) -> list[str]:
    """Medians where a value is missing, then a flag for each column that lacked some."""
    missing = graph.add("IsNaN", numbers)
    parts = [graph.add("Where", missing, graph.constant(imputer.statistics_[None]), numbers)]
    if imputer.indicator_ is not None and len(imputer.indicator_.features_):
        lacking = graph.constant(imputer.indicator_.features_, np.int64)
        parts.append(graph.cast(graph.add("Gather", missing, lacking, axis=1)))
    return parts


def _one_hot(graph: Graph, encoder: Any, places: str) -> list[str]:
    return [_is_each(graph, places, number, known) for number, known in enumerate(encoder.categories_)]


def _mean_targets(graph: Graph, encoder: Any, places: str) -> list[str]:
    """The mean target of a category, or of all rows for one that was never seen; of several classes one for each."""
    overall = np.atleast_1d(encoder.target_mean_)
    parts = []
    for number, known in enumerate(encoder.categories_):
        own = np.stack(encoder.encodings_[number * len(overall) : (number + 1) * len(overall)], axis=1)
        each = _is_each(graph, places, number, known)  # (N, categories)
        difference = graph.add("MatMul", each, graph.constant(own - overall))
        parts.append(graph.add("Add", difference, graph.constant(overall[None])))
    return parts


def _is_each(graph: Graph, places: str, number: int, known: Numbers) -> str:
    """(N, columns) → (N, categories): 1 where one column is that category, else 0."""
    column = graph.add("Gather", places, graph.constant([number], np.int64), axis=1)
    column = graph.add("Where", graph.add("IsNaN", column), graph.constant(NONE), column)
    known = np.nan_to_num(np.asarray(known, np.float64), nan=NONE)
    return graph.cast(graph.add("Equal", column, graph.constant(known[None])))


PARTS = {"SimpleImputer": _filled, "OneHotEncoder": _one_hot, "TargetEncoder": _mean_targets}
