"""Infer shapes, including shapes that a graph computes at run time.

Exporters write `x.view(x.size(0), -1)` as nodes that read a shape, cut it and join it again. They
write paddings as nodes that reverse a list. For a known image size, such values are constants. This
module computes them and repeats the inference. onnx's own propagation of such values covers few
operators in old versions, and doubles its memory with every `Concat` of a value to itself.
"""

from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.workload.importers.onnx_nodes import (
    UncomputableError,
    attributes,
    compute,
    is_standard,
)
from simulator.workload.importers.onnx_tensors import read_tensor

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

Shape = tuple[int | None, ...]
"""A shape; None is an unknown dimension."""
SMALL = 1024
"""Maximum number of elements of a tensor that may be a shape."""
_ROUNDS = 256
"""Maximum number of inferences, for shapes that depend on other shapes."""
_COMPUTED = frozenset({
    "Add", "Cast", "Ceil", "Concat", "Constant", "ConstantOfShape", "Div", "Equal", "Floor",
    "Gather", "Identity", "Max", "Min", "Mul", "ReduceProd", "Reshape", "Slice", "Squeeze", "Sub",
    "Transpose", "Unsqueeze", "Where",
})  # fmt: skip


def infer_shapes(model: "ModelProto", path: Path) -> dict[str, Shape]:
    """Infer the shape of every value, as far as possible.

    Args:
        model: a model with a known input size and without large tensors; constants replace its
            shape nodes.
        path: name of the model in errors.

    Raises:
        InputError: the graph is malformed.

    """
    for _ in range(_ROUNDS):
        shapes = _inferred(model, path)
        if not _fold(model, shapes, path):
            break
    return shapes


def _inferred(model: "ModelProto", path: Path) -> dict[str, Shape]:
    from onnx import shape_inference

    try:
        graph = shape_inference.infer_shapes(model).graph
    except (shape_inference.InferenceError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: its shapes cannot be inferred: {reason}") from error
    shapes: dict[str, Shape] = {t.name: tuple(t.dims) for t in graph.initializer}
    for value in _values(graph):
        if value.type.tensor_type.HasField("shape"):
            shapes[value.name] = tuple(
                dim.dim_value if dim.HasField("dim_value") else None
                for dim in value.type.tensor_type.shape.dim
            )
    return shapes


def _values(graph: "GraphProto") -> Iterator["ValueInfoProto"]:
    yield from graph.output
    yield from graph.value_info
    yield from graph.input


def _fold(model: "ModelProto", shapes: Mapping[str, Shape], path: Path) -> bool:
    """Replace nodes that compute shapes by their values; return True if the graph changed."""
    from onnx import numpy_helper

    opsets = {item.domain: item.version for item in model.opset_import}
    known: dict[str, NDArray[Any]] = {}
    for tensor in model.graph.initializer:
        if (numbers := read_tensor(tensor, path)) is not None:
            known[tensor.name] = numbers
    kept, made, computed = [], [], False
    for node in model.graph.node:
        value = _value(node, known, shapes, opsets)
        if value is None or value.size > SMALL:
            kept.append(node)
            continue
        computed |= node.op_type != "Constant"
        known[node.output[0]] = value
        made.append(numpy_helper.from_array(value, node.output[0]))
    if computed:
        del model.graph.node[:]
        model.graph.node.extend(kept)
        model.graph.initializer.extend(made)
        names = {tensor.name for tensor in made}
        left = [value for value in model.graph.value_info if value.name not in names]
        del model.graph.value_info[:]  # a shape there would override that of the initializer
        model.graph.value_info.extend(left)
    return computed


def _value(
    node: "NodeProto",
    known: Mapping[str, NDArray[Any]],
    shapes: Mapping[str, Shape],
    opsets: Mapping[str, int],
) -> NDArray[Any] | None:
    """The output of a node that computes a shape; None if unknown, or for any other node."""
    if not is_standard(node) or len(node.output) != 1:
        return None
    if node.op_type == "Shape" and len(node.input) == 1:
        return _shape(node, shapes.get(node.input[0]))
    feeds = {name: known.get(name) for name in node.input if name}
    if node.op_type not in _COMPUTED or any(array is None for array in feeds.values()):
        return None
    if node.op_type == "ConstantOfShape" and prod(known[node.input[0]].ravel().tolist()) > SMALL:
        return None
    try:
        return compute(node, feeds, opsets)[0]
    except UncomputableError:
        return None


def _shape(node: "NodeProto", shape: Shape | None) -> NDArray[Any] | None:
    if shape is None or None in shape:
        return None
    given = attributes(node)
    return np.array(shape, dtype=np.int64)[given.get("start", 0) : given.get("end")]
