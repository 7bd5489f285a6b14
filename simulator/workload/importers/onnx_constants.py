"""Find the values of an ONNX graph that do not depend on the image, such as a layer's weights.

Weights reach a convolution through nodes: casts, transposes, a sign times a scale, QONNX's
quantizers. This module computes the outputs of such nodes. No node may produce more numbers than it
reads. A small file therefore cannot demand much memory.
"""

from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.workload.importers.onnx_graph import Graph
from simulator.workload.importers.onnx_nodes import (
    UncomputableError,
    attributes,
    compute,
    is_standard,
)
from simulator.workload.importers.onnx_tensors import read_tensor

if TYPE_CHECKING:
    from onnx import NodeProto

_COMPUTED = frozenset({
    "Abs", "Add", "Cast", "Clip", "Constant", "DequantizeLinear", "Div", "Expand", "Flatten",
    "Greater", "GreaterOrEqual", "Identity", "Less", "LessOrEqual", "Mul", "Neg", "Not", "Pow",
    "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceSum", "Reshape", "Sign", "Sqrt",
    "Squeeze", "Sub", "Transpose", "Unsqueeze", "Where",
})  # fmt: skip
"""Operators of ONNX that this module computes."""
_QUANTISERS = frozenset({"BipolarQuant", "Quant", "IntQuant"})


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is the same for every image."""

    name: str
    """Name of the initializer or input that the constant comes from."""
    array: NDArray[Any] | None
    """The numbers; None if the file does not have them."""
    sign: str | None = None
    """Name of the node that takes the sign, if any."""
    obstacle: str | None = None
    """First node on the way that this module does not compute, if any."""


def find_constants(graph: Graph) -> dict[str, Constant]:
    """Find every constant of the graph, by the name of its value; read only initializers in use.

    Raises:
        InputError: an initializer in use is damaged, or computing a node fails.

    """
    constants = {name: Constant(name, None) for name in graph.inputs}
    for node in graph.nodes:
        for name in node.input:
            if name in graph.tensors and name not in constants:
                constants[name] = Constant(name, read_tensor(graph.tensors[name], graph.path))
        if all(name in constants for name in node.input if name):
            made = _made(graph, node, [constants[name] for name in node.input if name])
            constants.update(dict.fromkeys(node.output, made))
    return constants


def _made(graph: Graph, node: "NodeProto", inputs: list[Constant]) -> Constant:
    """The output of a node with constant inputs."""
    name = node.name or "".join(node.output[:1])
    main = max(inputs, key=_size, default=Constant(name, None))
    if node.op_type in _QUANTISERS and not is_standard(node):
        return _quantised(node, inputs, name)
    if node.op_type not in _COMPUTED or not is_standard(node) or _grows(graph, node, inputs):
        return replace(main, array=None, obstacle=main.obstacle or f"{node.op_type} {name!r}")
    sign = name if node.op_type == "Sign" else main.sign
    if any(constant.array is None for constant in inputs):
        return replace(main, array=None, sign=sign)
    return replace(main, array=_computed(graph, node, inputs), sign=sign)


def _size(constant: Constant) -> int:
    return 0 if constant.array is None else constant.array.size


def _quantised(node: "NodeProto", inputs: list[Constant], name: str) -> Constant:
    """Apply QONNX's BipolarQuant, or Quant with 1 signed bit: -scale below 0, +scale otherwise.

    The result has no scale, because layers store only signs. Quant with more bits does not change
    the value.
    """
    value = inputs[0]
    if node.op_type != "BipolarQuant":
        width = inputs[3].array if len(inputs) > 3 else None
        if width is None or not np.all(width == 1) or not attributes(node).get("signed", 1):
            return value
    if value.array is None:
        return replace(value, sign=name)
    signs = np.where(value.array >= 0, np.float32(1), np.float32(-1))
    signs[np.isnan(value.array)] = np.nan
    return replace(value, array=signs, sign=name)


def _grows(graph: Graph, node: "NodeProto", inputs: list[Constant]) -> bool:
    """True if a node produces, or may produce, more numbers than its largest input has."""
    if not inputs:
        return False  # Constant: its numbers are in the file
    shape = graph.shapes.get(node.output[0]) if node.output else None
    if any(constant.array is None for constant in inputs):
        return False  # without all inputs, the node stays uncomputed
    made = None if shape is None or None in shape else prod(size or 0 for size in shape)
    return made is None or made > max(1, *map(_size, inputs))


def _computed(graph: Graph, node: "NodeProto", inputs: list[Constant]) -> NDArray[Any] | None:
    """The numbers that a node produces; None for other types."""
    if node.op_type == "Constant" and (value := attributes(node).get("value")) is not None:
        return read_tensor(value, graph.path)
    feeds = {
        name: constant.array
        for name, constant in zip((n for n in node.input if n), inputs, strict=True)
    }
    try:
        return compute(node, feeds, graph.opsets)
    except UncomputableError as error:
        raise InputError(f"{graph.where(node)}: cannot be computed: {error}") from error
