"""An ONNX graph with all shapes that inference finds for one image size."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.base.errors import InputError
from simulator.base.extras import require
from simulator.workload.importers.onnx_form import require_form
from simulator.workload.importers.onnx_inputs import data_inputs, fix_sizes, integer_bits
from simulator.workload.importers.onnx_nodes import label, reads, where
from simulator.workload.importers.onnx_operators import hidden_layers, is_quantizer, kind_of
from simulator.workload.importers.onnx_shapes import SMALL, Shape, infer_shapes

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

_MOST_BYTES = (1 << 31) - 1
"""Maximum size of a protobuf message, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The parts of a model that an importer of layers needs."""

    path: Path
    nodes: tuple["NodeProto", ...]
    """Nodes that an output needs, in execution order."""
    unused: tuple["NodeProto", ...]
    """Nodes that no output needs."""
    tensors: Mapping[str, "TensorProto"]
    """Initializers by name."""
    integers: Mapping[str, int]
    """Bits of the inputs that are integers, by name."""
    images: tuple[str, ...]
    """Inputs with data."""
    declared: tuple[str, ...]
    """Inputs that are weights, whose numbers are not in the file."""
    shapes: Mapping[str, Shape]
    """Shape of every value with a known shape, by name."""
    opsets: Mapping[str, int]
    """Version of the operators by domain."""
    batch: int
    """Batch size of the graph, in images."""
    height: int
    width: int
    """Size of the image in pixels; 1x1 for vectors, one row for sequences."""


def read_graph(path: Path, input_size: tuple[int, int] | None) -> Graph:
    """Read a model and infer its shapes.

    Args:
        path: an ONNX file.
        input_size: (height, width) of the image in pixels, instead of the file's size.

    Raises:
        InputError: the file is not an ONNX model, has no input with data or an unknown operator,
            breaks the rules of names, or does not give the image's size and `input_size` is
            missing.

    """
    model = _parsed(path)
    require_form(model.graph, path)
    used, unused = _by_use(model.graph)
    lean = _without_weights(model, used)
    data = data_inputs(model.graph, used)
    batch, height, width = fix_sizes(lean.graph, data, input_size, path)
    _forget_symbols(lean.graph)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    declared = [x.name for x in model.graph.input if x.name not in {*tensors, *data}]
    _refuse_unknown(used, {*tensors, *declared}, path)
    return Graph(
        path=path,
        nodes=used,
        unused=unused,
        tensors=tensors,
        integers=integer_bits(model.graph),
        images=data,
        declared=tuple(declared),
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


def _without_weights(model: "ModelProto", nodes: Sequence["NodeProto"]) -> "ModelProto":
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
    for node in nodes:
        if is_quantizer(node):
            graph.node.append(helper.make_node("Identity", node.input[:1], node.output[:1]))
        else:
            graph.node.append(node)
    return lean


def _refuse_unknown(nodes: Sequence["NodeProto"], constants: set[str], path: Path) -> None:
    """Refuse nodes that may hold products with activations which the importer does not read."""
    for node in nodes:
        if constants.issuperset(reads(node)):
            constants.update(node.output)
            continue
        if kind_of(node) is None:
            raise InputError(f"{where(path, node)}: this operator is not supported")
        for inner in hidden_layers(node):
            raise InputError(
                f"{where(path, node)}: layers inside a conditional or a loop are not supported "
                f"({inner.op_type} {label(inner)!r})"
            )


def _forget_symbols(graph: "GraphProto") -> None:
    """Remove shapes with symbols that have no value; the inference would keep the symbols."""
    known = [value for value in graph.value_info if not _has_symbols(value)]
    del graph.value_info[:]
    graph.value_info.extend(known)
    for value in graph.output:
        if _has_symbols(value):
            value.type.tensor_type.ClearField("shape")


def _has_symbols(value: "ValueInfoProto") -> bool:
    return any(not dim.HasField("dim_value") for dim in value.type.tensor_type.shape.dim)


def _by_use(graph: "GraphProto") -> tuple[tuple["NodeProto", ...], tuple["NodeProto", ...]]:
    """The nodes that an output of the graph needs, and the others, both in order."""
    needed = {value.name for value in graph.output}
    used, unused = [], []
    for node in reversed(graph.node):
        if needed.isdisjoint(node.output):
            unused.append(node)
        else:
            used.append(node)
            needed.update(reads(node))
    return tuple(reversed(used)), tuple(reversed(unused))
