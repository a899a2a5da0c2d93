"""An ONNX graph that grows node by node, or by whole models that a library has converted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto

# What the converters have tests for, and runtimes of several years read.
OPERATORS = {"": 17, "ai.onnx.ml": 3}
FORMAT = 9  # the IR version that came with these operators
OWN = "kiyas::"  # before the names of tensors, which no column of a table has


class Graph:
    """Tensors are known by their names. Numbers of a table are float64, or float32, throughout.

    Args:
        numbers: which of the two.
    """

    def __init__(self, numbers: type[np.floating] = np.float32) -> None:
        self.numbers = numbers
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self._inputs: list[ValueInfoProto] = []
        self._outputs: list[ValueInfoProto] = []

    def input(self, name: str, kind: Any, shape: list[int | str]) -> str:
        """
        Args:
            kind: a NumPy type, or str.
            shape: "N" for any number of examples.
        """
        from onnx.helper import make_tensor_value_info

        self._inputs.append(make_tensor_value_info(name, onnx_type(kind), shape))
        return name

    def output(self, tensor: str, name: str, kind: Any, shape: list[int | str]) -> None:
        from onnx.helper import make_node, make_tensor_value_info

        self._nodes.append(make_node("Identity", [tensor], [name]))
        self._outputs.append(make_tensor_value_info(name, onnx_type(kind), shape))

    def constant(self, values: Any, kind: Any = None) -> str:
        """
        Args:
            kind: a NumPy type; None: the graph's own numbers.
        """
        from onnx.numpy_helper import from_array

        name = f"{OWN}constant{len(self._constants)}"
        self._constants.append(from_array(np.asarray(values, kind or self.numbers), name))
        return name

    def add(self, operator: str, *tensors: str, domain: str = "", **attributes: Any) -> str:
        """One node with one output, which is returned."""
        from onnx.helper import make_node

        name = f"{OWN}{operator}{len(self._nodes)}"
        self._nodes.append(make_node(operator, list(tensors), [name], domain=domain, **attributes))
        return name

    def cast(self, tensor: str, kind: Any = None) -> str:
        """
        Args:
            kind: a NumPy type; None: the graph's own numbers.
        """
        return self.add("Cast", tensor, to=onnx_type(kind or self.numbers))

    def append(self, converted: ModelProto, tensor: str) -> str:
        """A converted model with one input, put behind a tensor; returns its last output."""
        from onnx.compose import add_prefix
        from onnx.helper import make_node

        part = add_prefix(converted, f"{OWN}{len(self._nodes)}/").graph
        self._nodes.append(make_node("Identity", [tensor], [part.input[0].name]))
        self._nodes += part.node
        self._constants += part.initializer
        return str(part.output[-1].name)

    def model(self, facts: dict[str, str]) -> ModelProto:
        """
        Args:
            facts: kept inside, as `metadata_props`.
        """
        from onnx.helper import make_graph, make_model, make_opsetid, set_model_props

        graph = make_graph(self._nodes, "kiyas", self._inputs, self._outputs, self._constants)
        opsets = [make_opsetid(domain, version) for domain, version in OPERATORS.items()]
        model = make_model(graph, opset_imports=opsets, ir_version=FORMAT, producer_name="kiyas")
        set_model_props(model, facts)
        return model


def onnx_type(kind: Any) -> int:
    from onnx import TensorProto
    from onnx.helper import np_dtype_to_tensor_dtype

    return int(TensorProto.STRING) if kind is str else int(np_dtype_to_tensor_dtype(np.dtype(kind)))


Numbers = NDArray[np.floating]
