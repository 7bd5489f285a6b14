"""An ONNX graph with all shapes that inference finds for one image size."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.base.errors import InputError
from simulator.base.extras import require
from simulator.workload.importers.onnx_nodes import attributes, is_standard
from simulator.workload.importers.onnx_shapes import SMALL, Shape, infer_shapes

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

_MOST_BYTES = (1 << 31) - 1
"""Maximum size of a protobuf message, in bytes."""
_SAME_SHAPE = {"BipolarQuant", "Quant", "IntQuant", "FloatQuant", "Trunc", "MultiThreshold"}
"""Operators of QONNX, unknown to onnx, whose output has the shape of the first input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The parts of a model that an importer of layers needs."""

    path: Path
    nodes: tuple["NodeProto", ...]
    """Nodes in execution order."""
    tensors: Mapping[str, "TensorProto"]
    """Initializers by name."""
    inputs: tuple[str, ...]
    """Inputs other than the image: weights that are not in the file."""
    shapes: Mapping[str, Shape]
    """Shape of every value with a known shape, by name."""
    opsets: Mapping[str, int]
    """Version of the operators by domain."""
    batch: int
    """Batch size of the graph, in images."""
    height: int
    width: int

    def where(self, node: "NodeProto") -> str:
        """The name of a node in errors."""
        return f"{self.path}: {node.op_type} node {node.name or ''.join(node.output[:1])!r}"


def read_graph(path: Path, input_size: tuple[int, int] | None) -> Graph:
    """Read a model and infer its shapes.

    Args:
        path: an ONNX file.
        input_size: (height, width) of the image in pixels, instead of the file's size.

    Raises:
        InputError: the file is not an ONNX model, has no image, or does not give the image's size
            and `input_size` is missing.

    """
    model = _parsed(path)
    lean = _without_weights(model)
    image = _image(lean.graph, path)
    batch, height, width = _fix_size(lean.graph, image, input_size, path)
    names = {tensor.name for tensor in model.graph.initializer}
    return Graph(
        path=path,
        nodes=tuple(model.graph.node),
        tensors={tensor.name: tensor for tensor in model.graph.initializer},
        inputs=tuple(
            value.name
            for value in model.graph.input
            if value.name != image.name and value.name not in names
        ),
        shapes=infer_shapes(lean, path),
        opsets={item.domain: item.version for item in model.opset_import},
        batch=batch,
        height=height,
        width=width,
    )


def _parsed(path: Path) -> "ModelProto":
    require("onnx", f"{path}: reading ONNX graphs")
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped] # part of onnx
    from onnx import ModelProto

    model = ModelProto()
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{path}: larger than 2 GiB; save the model with external data")
        model.ParseFromString(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except DecodeError as error:
        raise InputError(f"{path}: not an ONNX model, or damaged") from error
    if not all(isinstance(text, str) for text in _texts(model)):
        raise InputError(f"{path}: damaged ONNX model: some names are not UTF-8")
    if not model.graph.node:
        raise InputError(f"{path}: not an ONNX model: it holds no graph")
    if model.graph.sparse_initializer:
        raise InputError(f"{path}: sparse initializers are not supported")
    return _inlined(model, path)


def _texts(message: Any) -> Iterator[str | bytes]:
    """Yield every string of a message at any depth, as bytes if it is not valid text."""
    for field, value in message.ListFields():
        alone = isinstance(value, str | bytes) or hasattr(value, "ListFields")
        values = (value,) if alone else value
        if field.type == field.TYPE_STRING:
            yield from values
        elif field.type == field.TYPE_MESSAGE:
            for part in values:
                yield from _texts(part)


def _inlined(model: "ModelProto", path: Path) -> "ModelProto":
    """Return the model with its local functions inlined."""
    if not model.functions:
        return model
    from onnx import inliner

    try:
        return inliner.inline_local_functions(model)
    except (RuntimeError, ValueError) as error:
        raise InputError(f"{path}: its functions cannot be inlined: {error}") from error


def _without_weights(model: "ModelProto") -> "ModelProto":
    """Copy a model for shape inference: large initializers become inputs, QONNX nodes Identity."""
    from onnx import ModelProto, TensorProto, helper

    lean = ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    graph, full = lean.graph, model.graph
    graph.name = full.name
    graph.input.extend(full.input)
    graph.output.extend(full.output)
    graph.value_info.extend(full.value_info)
    declared = {value.name for value in full.input}
    for tensor in full.initializer:
        external = tensor.data_location == TensorProto.EXTERNAL
        if 0 <= prod(tensor.dims) <= SMALL and not external:
            graph.initializer.append(tensor)
        elif tensor.name not in declared:
            graph.input.append(
                helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            )
    for node in full.node:
        if node.op_type in _SAME_SHAPE and not is_standard(node):
            graph.node.append(helper.make_node("Identity", node.input[:1], node.output[:1]))
        else:
            graph.node.append(node)
    return lean


def _image(graph: "GraphProto", path: Path) -> "ValueInfoProto":
    """The first input with four dimensions that is not an initializer or a weight of a `Conv`."""
    held = {tensor.name for tensor in graph.initializer}
    weights = {name for node in graph.node if node.op_type == "Conv" for name in node.input[1:]}
    for value in graph.input:
        if value.name not in held | weights and len(_dims(value)) == 4:
            image: ValueInfoProto = value
            return image
    raise InputError(f"{path}: no input has 4 dimensions (batch, channels, height, width)")


def _dims(value: "ValueInfoProto") -> list[Any]:
    return list(value.type.tensor_type.shape.dim)


def _fix_size(
    graph: "GraphProto", image: "ValueInfoProto", size: tuple[int, int] | None, path: Path
) -> tuple[int, int, int]:
    """Set the image's batch, height and width, and all dimensions of the same names."""
    dims = _dims(image)
    rows = _rows_dimension(graph, image.name)
    places = (0, rows, rows + 1)
    known = [dims[place].dim_value for place in places]
    if min(known) < 0:
        raise InputError(f"{path}: input {image.name!r} has a negative dimension")
    if size is None and not all(known[1:]):
        shown = "x".join(str(value or "?") for value in known[1:])
        raise InputError(
            f"{path}: the size of input {image.name!r} is dynamic ({shown}); "
            "give the input size in pixels with --input-size"
        )
    fixed = (known[0] or 1, *(size or known[1:]))
    values = {
        dims[place].dim_param: value
        for place, value in zip(places, fixed, strict=True)
        if dims[place].dim_param
    }
    if size is not None and any(
        old not in {0, new} for old, new in zip(known[1:], size, strict=True)
    ):
        del graph.value_info[:]
        for value in graph.output:
            value.type.tensor_type.ClearField("shape")
    for place, number in zip(places, fixed, strict=True):
        dims[place].dim_value = number
    for value in (*graph.input, *graph.output, *graph.value_info):
        for dim in _dims(value):
            if dim.dim_param in values:
                dim.dim_value = values[dim.dim_param]
    return fixed[0], fixed[1], fixed[2]


def _rows_dimension(graph: "GraphProto", image: str) -> int:
    """Index of the image's dimension of rows: 1 if channels come last, 2 otherwise."""
    for node in graph.node:
        if node.op_type == "Transpose" and image in node.input:
            return 1 if attributes(node).get("perm") == [0, 3, 1, 2] else 2
    return 2
