"""A model written as an ONNX file, and such a file asked by onnxruntime."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.champions.answering import Served
from pipeline.evaluation.answers.models import is_classical
from pipeline.ground.files import reason_of
from pipeline.operations.exporting.faults import UnconvertibleError
from pipeline.operations.exporting.interface import PREDICTED, PROBABILITIES, Answer
from pipeline.operations.exporting.onnx_files.classical import add_classical
from pipeline.operations.exporting.onnx_files.graph import Graph
from pipeline.operations.exporting.onnx_files.inputs import add_inputs, feed
from pipeline.operations.exporting.onnx_files.networks import add_network
from pipeline.operations.exporting.onnx_files.outputs import add_outputs
from pipeline.operations.exporting.originals import Original

ABOUT = "kiyas"  # the key of what the file says of itself


def write_onnx(original: Original, path: Path, about: Mapping[str, Any], numbers: type[np.floating]) -> None:
    """
    Args:
        about: what the file says of itself.
        numbers: what a classical model computes in.

    Raises:
        UnconvertibleError: something in the model has no counterpart in ONNX.
    """
    import onnx

    graph = Graph(numbers)
    inputs = add_inputs(graph, original.served)
    answers = [
        add_classical(graph, model, inputs, original.served.image_size)
        if is_classical(model)
        else add_network(graph, model, inputs)
        for model in original.models
    ]
    add_outputs(graph, original.served, answers, original.weights)
    try:
        onnx.save_model(graph.model({ABOUT: json.dumps(about, ensure_ascii=False)}), path)
    except OSError:  # of the disk
        raise
    except Exception as error:  # of protobuf, which holds 2 GB
        raise UnconvertibleError(f"onnx does not write it ({reason_of(error)})") from error


def load_onnx(path: Path, served: Served) -> Answer:
    """An ONNX file as a function of what the model takes here; it computes on one thread.

    Raises:
        UnconvertibleError: onnxruntime does not read it; so does what is returned where it does not compute it.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what is wrong is raised
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # several of its own
        raise UnconvertibleError(f"onnxruntime does not read it ({reason_of(error)})") from error
    names = [PROBABILITIES, PREDICTED] if served.class_names else [PREDICTED]

    def answer(inputs: NDArray[Any]) -> tuple[NDArray[np.floating], NDArray[Any]]:
        try:
            given = session.run(names, dict(feed(served, inputs)))
        except Exception as error:  # several of its own
            raise UnconvertibleError(f"onnxruntime does not compute it ({reason_of(error)})") from error
        return (given[0], given[1]) if served.class_names else (given[0][:, None], given[0])

    return answer
