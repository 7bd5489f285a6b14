"""The inputs of an ONNX graph: its data, the weights that it declares, and the image's size."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.base.errors import InputError
from simulator.workload.importers.onnx_nodes import attributes, reads
from simulator.workload.importers.onnx_operators import kind_of

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, ValueInfoProto


def data_inputs(graph: "GraphProto", nodes: Sequence["NodeProto"]) -> tuple[str, ...]:
    """The inputs that are data, not weights, the image first.

    An input is data if it reaches the first operand of a product, or if a dimension is symbolic.
    The image is the first of them with four dimensions, or else the first with two or more.

    Args:
        graph: the graph.
        nodes: the nodes that count, in execution order.

    """
    multiplied: set[str] = set()
    for node in reversed(nodes):
        if kind_of(node) in {"product", None}:
            multiplied.update(node.input[:1])
        elif not multiplied.isdisjoint(node.output):
            multiplied.update(reads(node))
    held = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in held]
    found = [
        value
        for value in inputs
        if value.name in multiplied or any(dim.dim_param for dim in _dims(value))
    ] or inputs
    found.sort(key=lambda value: (len(_dims(value)) != 4, len(_dims(value)) < 2))
    return tuple(value.name for value in found)


def integer_bits(graph: "GraphProto") -> dict[str, int]:
    """The bits of the graph's inputs that are integers of at most 32 bits, by name."""
    from onnx import TensorProto

    kinds = {value.name: value.type.tensor_type.elem_type for value in graph.input}
    widths = {
        getattr(TensorProto, f"{sign}INT{bits}"): bits for sign in ("", "U") for bits in (8, 16, 32)
    }
    return {name: widths[kind] for name, kind in kinds.items() if kind in widths}


def fix_sizes(
    graph: "GraphProto", data: Sequence[str], size: tuple[int, int] | None, path: Path
) -> tuple[int, int, int]:
    """Set the batch and the image's size in a graph, in all dimensions of the same names.

    Args:
        graph: the graph, which this function changes.
        data: names of its inputs with data, the image first.
        size: (height, width) of the image in pixels, instead of the file's size.
        path: name of the model in errors.

    Returns:
        Batch, height and width; for vectors, the height and the width are 1.

    Raises:
        InputError: the graph has no data, their size is unknown, or `size` does not apply.

    """
    inputs = {value.name: value for value in graph.input}
    if not data or len(_dims(inputs[data[0]])) < 2:
        raise InputError(
            f"{path}: no input has 2 or more dimensions (batch, then channels or features)"
        )
    image = inputs[data[0]]
    places, dims = _places(graph, image), _dims(image)
    known = [dims[place].dim_value for place in places]
    _require_known(image, known, size, path)
    if size is not None and any(
        old not in {0, new} for old, new in zip(known[1:], size, strict=True)
    ):
        del graph.value_info[:]
        for value in graph.output:
            value.type.tensor_type.ClearField("shape")
    fixed = (known[0] or 1, *(size or known[1:]))
    names = {dims[place].dim_param: value for place, value in zip(places, fixed, strict=True)}
    names.pop("", None)
    for place, number in zip(places, fixed, strict=True):
        dims[place].dim_value = number
    for value in (*graph.input, *graph.output, *graph.value_info):
        for dim in _dims(value):
            if dim.dim_param in names:
                dim.dim_value = names[dim.dim_param]
    for name in data[1:]:
        for dim in _dims(inputs[name])[:1]:
            dim.dim_value = dim.dim_value or fixed[0]
    if len(dims) == 4:
        return fixed[0], fixed[1], fixed[2]
    return fixed[0], 1, fixed[1] if len(dims) > 2 else 1


def _require_known(
    image: "ValueInfoProto", known: list[int], size: tuple[int, int] | None, path: Path
) -> None:
    """Require a batch and a size that are not negative, and a size in the file or in `size`."""
    dims = len(_dims(image))
    where = f"{path}: input {image.name!r}"
    if min(dim.dim_value for dim in _dims(image)) < 0:
        raise InputError(f"{where} has a negative dimension")
    if size is not None and dims != 4:
        raise InputError(f"{where} has {dims} dimensions, an image 4; leave out --input-size")
    if size is None and not all(known[1:]):
        shown = "x".join(str(value or "?") for value in known[1:])
        fix = "give the input size in pixels with --input-size"
        raise InputError(
            f"{path}: the size of input {image.name!r} is dynamic ({shown}); "
            + (fix if dims == 4 else "export the model with a fixed size")
        )


def _places(graph: "GraphProto", image: "ValueInfoProto") -> tuple[int, ...]:
    """Indices of the image's batch, rows and columns; or else of the batch and all others."""
    dims = len(_dims(image))
    if dims != 4:
        return tuple(range(dims))
    for node in graph.node:
        if node.op_type == "Transpose" and image.name in node.input:
            channels_last = attributes(node).get("perm") == [0, 3, 1, 2]
            return (0, 1, 2) if channels_last else (0, 2, 3)
    return 0, 2, 3


def _dims(value: "ValueInfoProto") -> list[Any]:
    return list(value.type.tensor_type.shape.dim)
