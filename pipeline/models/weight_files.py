"""Three kinds of files that carry weights, read as what they are: bytes in, arrays by name out, no framework run."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

FLOAT32 = 1  # TensorProto.DataType.FLOAT


class WeightsError(ValueError):
    """Weights could not be read, or are not those that were expected."""


def read_tfjs(files: dict[str, bytes]) -> dict[str, np.ndarray]:
    """A TensorFlow.js layers model: model.json and its shards, whose float32 buffers follow each other.

    Returns:
        {"layer/variable": array}, under the names that today's Keras gives the layers of ResNet.
    """
    (model,) = (json.loads(content) for path, content in files.items() if path.endswith("model.json"))
    by_name = {path.rpartition("/")[2]: content for path, content in files.items()}
    arrays = {}
    for group in model["weightsManifest"]:
        buffer, position = b"".join(by_name[path] for path in group["paths"]), 0
        for weight in group["weights"]:
            if weight["dtype"] != "float32":
                raise WeightsError(f"{weight['name']}: stored as {weight['dtype']}; only float32 is read")
            count = int(np.prod(weight["shape"]))
            array = np.frombuffer(buffer, "<f4", count, position).reshape(weight["shape"])
            arrays[_resnet_name(weight["name"])] = array
            position += 4 * count
    return arrays


def read_keras_h5(content: bytes) -> dict[str, np.ndarray]:
    """A whole model saved by Keras as HDF5: {"layer/variable": array}, whatever groups lie between the two."""
    arrays = {}

    def collect(path: str, node: h5py.Dataset | h5py.Group) -> None:
        if isinstance(node, h5py.Dataset):
            parts = path.split("/")
            arrays[f"{parts[0]}/{parts[-1].removesuffix(':0')}"] = node[()]

    with h5py.File(io.BytesIO(content), "r") as file:
        file.get("model_weights", file).visititems(collect)
    return arrays


def read_onnx(content: bytes) -> list[np.ndarray]:
    """The kernel (H, W, in, out) and bias (out,) of each convolution of an ONNX graph, in the graph's order."""
    (graph,) = _fields(memoryview(content), 7)  # ModelProto.graph
    tensors = dict(_tensor(message) for message in _fields(graph, 5))  # GraphProto.initializer
    arrays = []
    for node in _fields(graph, 1):  # GraphProto.node
        if [bytes(kind) for kind in _fields(node, 4)] == [b"Conv"]:  # NodeProto.op_type
            _, kernel, bias = (bytes(name).decode() for name in _fields(node, 1))  # NodeProto.input
            arrays += [tensors[kernel].transpose(2, 3, 1, 0), tensors[bias]]  # OIHW → HWIO
    return arrays


def _tensor(message: memoryview) -> tuple[str, np.ndarray]:
    """A TensorProto: dims (1), data_type (2), name (8), raw_data (9); empty where it is not raw float32."""
    (name,) = (bytes(value).decode() for value in _fields(message, 8))
    raw = next(iter(_fields(message, 9)), b"")
    if list(_fields(message, 2)) != [FLOAT32]:
        return name, np.empty(0, np.float32)
    return name, np.frombuffer(raw, "<f4").reshape(_dimensions(message))


def _dimensions(message: memoryview) -> list[int]:
    """TensorProto.dims, stored one by one or packed into one field."""
    dimensions = []
    for value in _fields(message, 1):
        if isinstance(value, int):
            dimensions.append(value)
            continue
        position = 0
        while position < len(value):
            number, position = _varint(value, position)
            dimensions.append(number)
    return dimensions


def _fields(message: memoryview, wanted: int) -> Iterator[Any]:
    """The values of one field of a protobuf message: numbers for varints, else bytes (protobuf.dev, "Encoding")."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        value: int | memoryview
        if key & 7 == 0:
            value, position = _varint(message, position)
        else:
            length = {1: 8, 5: 4}.get(key & 7)
            if length is None:
                length, position = _varint(message, position)
            value, position = message[position : position + length], position + length
        if key >> 3 == wanted:
            yield value


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """A number in groups of seven bits, lowest first, and where it ends."""
    number = shift = 0
    while True:
        byte = message[position]
        number |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return number, position


def _resnet_name(name: str) -> str:
    """ResNet's layer names of Keras 1 and 2 → today's: res4b_branch2c → conv4_block2_3_conv; others stay."""
    layer, _, variable = name.partition("/")
    layer = {"conv1": "conv1_conv", "bn_conv1": "conv1_bn"}.get(layer, layer)
    if old := re.fullmatch(r"(res|bn)(\d)([a-z])_branch(1|2[abc])", layer):
        kind, stage, block, branch = old.groups()
        position = ["1", "2a", "2b", "2c"].index(branch)
        layer = f"conv{stage}_block{ord(block) - 96}_{position}_{'conv' if kind == 'res' else 'bn'}"
    return f"{layer}/{variable}"
