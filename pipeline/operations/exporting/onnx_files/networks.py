"""A network as a part of an ONNX graph, converted by tf2onnx, of the ONNX project."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from pipeline.operations.exporting.faults import UnconvertibleError, reason_of
from pipeline.operations.exporting.network_answers import answers_of
from pipeline.operations.exporting.onnx_files.graph import OPERATORS, Graph

if TYPE_CHECKING:
    import keras


def add_network(graph: Graph, network: keras.Model, tensor: str) -> str:
    """(N, …) → (N, classes), (N, 1) numbers, or (N, channels) features, of float32.

    Args:
        network: computing in float32.

    Raises:
        UnconvertibleError: ONNX has no operator for something in it.
    """
    import tensorflow as tf
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    signature = [tf.TensorSpec((None, *network.inputs[0].shape[1:]), tf.float32, name="inputs")]
    compute = tf.function(answers_of(network), signature, autograph=False)
    try:
        converted, _ = tf2onnx.convert.from_function(compute, signature, opset=OPERATORS[""])
    except Exception as error:  # of several libraries
        raise UnconvertibleError(f"tf2onnx does not convert it ({reason_of(error)})") from error
    return graph.append(converted, graph.cast(tensor, np.float32))
