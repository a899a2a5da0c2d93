"""From the answers of the models to that of the file: their mean, and the class that is said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.champions.answering import Served
from pipeline.operations.exporting.interface import PREDICTED, PROBABILITIES, smallest_float32
from pipeline.operations.exporting.onnx_files.graph import Graph


def add_outputs(graph: Graph, served: Served, answers: Sequence[str], weights: Sequence[float]) -> None:
    """
    Args:
        answers: (N, classes) float32 of each model, or (N, 1) numbers.
        weights: each one's share.
    """
    mean = answers[0] if len(answers) == 1 else _mean(graph, answers, weights)
    if served.class_names:
        graph.output(mean, PROBABILITIES, np.float32, ["N", len(served.class_names)])
        graph.output(_class(graph, served, mean), PREDICTED, np.int64, ["N"])
    else:
        graph.output(graph.add("Reshape", mean, graph.constant([-1], np.int64)), PREDICTED, np.float32, ["N"])


def _mean(graph: Graph, answers: Sequence[str], weights: Sequence[float]) -> str:
    """Summed in float64, as `together` does it."""
    shares = [
        graph.add("Mul", graph.cast(answer, np.float64), graph.constant(weight, np.float64))
        for answer, weight in zip(answers, weights, strict=True)
    ]
    return graph.cast(graph.add("Sum", *shares), np.float32)


def _class(graph: Graph, served: Served, probabilities: str) -> str:
    """(N,) int64, as `Decision.classes` says it."""
    decision = served.decision
    if decision.threshold is not None:
        second = graph.add("Gather", probabilities, graph.constant(1, np.int64), axis=1)
        least = graph.constant(smallest_float32(decision.threshold), np.float32)
        return graph.cast(graph.add("GreaterOrEqual", second, least), np.int64)
    if decision.costs is not None:
        costs = graph.constant(decision.costs, np.float64)
        expected = graph.add("MatMul", graph.cast(probabilities, np.float64), costs)
        return graph.add("ArgMin", expected, axis=1, keepdims=0)
    return graph.add("ArgMax", probabilities, axis=1, keepdims=0)
