"""A network as a part of an ONNX graph, converted by tf2onnx, of the ONNX project."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.ground.files import reason_of
from pipeline.operations.exporting.faults import UnconvertibleError
from pipeline.operations.exporting.network_answers import answers_of
from pipeline.operations.exporting.onnx_files.graph import OPERATORS, Graph

if TYPE_CHECKING:
    import keras
    from onnx import ModelProto


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
    captures = compute.get_concrete_function(*signature).graph.captures
    held = {place.name: value.numpy() for value, place in captures if value.dtype != tf.resource}
    try:
        converted, _ = tf2onnx.convert.from_function(compute, signature, opset=OPERATORS[""])
    except Exception as error:  # of several libraries
        raise UnconvertibleError(f"tf2onnx does not convert it ({reason_of(error)})") from error
    _hold(converted, held)
    return graph.append(converted, graph.cast(tensor, np.float32))


def _hold(converted: ModelProto, values: Mapping[str, NDArray[Any]]) -> None:
    """Make constants of what a layer holds as plain numbers (Normalization its mean): tf2onnx makes them inputs."""
    from onnx.numpy_helper import from_array

    for given in [one for one in converted.graph.input if one.name in values]:
        converted.graph.initializer.append(from_array(values[given.name], given.name))
        converted.graph.input.remove(given)
