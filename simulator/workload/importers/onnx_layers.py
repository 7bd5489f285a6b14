"""Convert a node of an ONNX graph to a layer: its shapes, strides, padding and weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.workload.importers.onnx_constants import Constant
from simulator.workload.importers.onnx_graph import Graph
from simulator.workload.importers.onnx_nodes import attributes, where
from simulator.workload.layer import Layer
from simulator.workload.sides import Sides, per_axis

if TYPE_CHECKING:
    from onnx import NodeProto

T = TypeVar("T")

_MOST = 1 << 20
"""Upper limit of all sizes, as in network files."""
_MOST_PADDING = 1 << 16


@dataclass(frozen=True, slots=True)
class Found:
    """A layer, its node, and its weights in the file."""

    layer: Layer
    node: "NodeProto"
    constant: Constant
    weights: NDArray[np.float32] | None
    """[out_channels, in_channels / groups, kernel, kernel]; None: not in the file."""


def refuse(graph: Graph, node: "NodeProto", reason: str) -> NoReturn:
    """Raise InputError, with a line that names the file and the node."""
    raise InputError(f"{where(graph.path, node)}: {reason}")


def weights_of(graph: Graph, node: "NodeProto", constant: Constant | None) -> Constant:
    """Return the constant with a node's weights, without numbers that only fill its shape.

    Raises:
        InputError: the weights depend on an input of the graph, or neither their numbers nor their
            shape are known.

    """
    if constant is None:
        refuse(
            graph, node,
            "its second input, the weights, depends on an input of the graph; products of two "
            "activations are not supported",
        )  # fmt: skip
    if constant.obstacle is not None and graph.shapes.get(node.input[1]) is None:
        refuse(
            graph, node,
            f"its weights come from {constant.obstacle}, and their shape cannot be inferred",
        )  # fmt: skip
    return replace(constant, array=None) if constant.filler else constant


def require_one_output(graph: Graph, node: "NodeProto") -> None:
    """Raise InputError if a node does not make one value, by whose name its layer is known."""
    if len(node.output) != 1 or not node.output[0]:
        refuse(graph, node, f"has the outputs {list(node.output)}, expected one with a name")


def convolution(graph: Graph, node: "NodeProto", constant: Constant) -> Found:
    """Convert a convolution; a side with more padding than its opposite enlarges the map.

    Raises:
        InputError: its shapes are unknown or do not fit.

    """
    if (dims := len(graph.shapes.get(node.input[0]) or ())) in {3, 5}:
        refuse(graph, node, f"{dims - 2}-D convolutions are not supported")
    entering = _shape(graph, node, node.input[0], "input", 4)
    leaving = _shape(graph, node, node.output[0], "output", 4)
    out_channels, group_channels, *kernel = _weight_shape(graph, node, constant, 4)
    groups = _given(graph, node, "group", 1)
    if groups < 1 or group_channels * groups != entering[1] or out_channels % groups:
        refuse(
            graph, node,
            f"weights {out_channels}x{group_channels}x{_x(tuple(kernel))} in {groups} groups do "
            f"not fit {entering[1]} input channels",
        )  # fmt: skip
    size = _both(graph, node, "kernel", kernel)
    strides = _both(graph, node, "strides", _given(graph, node, "strides", [1, 1]))
    dilations = _both(graph, node, "dilations", _given(graph, node, "dilations", [1, 1]))
    extents = Sides(*(many * (one - 1) + 1 for many, one in zip(dilations, size, strict=True)))
    top, left, bottom, right = _pads(
        graph, node, (entering, leaving), strides=strides, extents=extents
    )
    # two equal sides are padding; what one side has more of enlarges the map
    paddings = Sides(min(top, bottom), min(left, right))
    size_in = (entering[2] + abs(top - bottom), entering[3] + abs(left - right))
    for before, padding, extent, stride, after in zip(
        size_in, paddings, extents, strides, leaving[2:], strict=True
    ):
        if (before + 2 * padding - extent) // stride + 1 != after:
            refuse(graph, node, f"{before} pixels do not become {after}")
    layer = Layer(
        name="",
        stage="",
        in_channels=entering[1],
        out_channels=out_channels,
        in_height=size_in[0],
        in_width=size_in[1],
        out_height=leaving[2],
        out_width=leaving[3],
        kernel=per_axis(*size),
        stride=per_axis(*strides),
        padding=per_axis(*paddings),
        dilation=per_axis(*dilations),
        groups=groups,
        full_precision=True,
        images=_images(graph, node, entering),
    )
    return Found(layer, node, constant, _real(graph, node, constant.array))


def linear(graph: Graph, node: "NodeProto", constant: Constant) -> Found:
    """Convert a linear layer to a 1x1 convolution with one pixel per input row of an image.

    Raises:
        InputError: its shapes are unknown or do not fit.

    """
    entering = _shape(graph, node, node.input[0], "input", 0)
    shape = _weight_shape(graph, node, constant, 2)
    if _given(graph, node, "transA", 0):
        refuse(graph, node, "transA is not supported")
    turned = bool(_given(graph, node, "transB", 0))
    out_features, in_features = shape if turned else shape[::-1]
    if in_features != entering[-1]:
        refuse(
            graph, node, f"weights for {in_features} features do not fit an input of {entering[-1]}"
        )
    rows = prod(entering[1:-1])
    if rows > _MOST:
        refuse(graph, node, f"its input has {rows} rows, expected 1 to {_MOST}")
    layer = Layer(
        name="",
        stage="",
        in_channels=in_features,
        out_channels=out_features,
        in_height=1,
        in_width=rows,
        out_height=1,
        out_width=rows,
        kernel=1,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        full_precision=True,
        images=_images(graph, node, entering),
    )
    matrix = constant.array
    if matrix is not None:
        matrix = (matrix if turned else matrix.T)[:, :, None, None]
        with np.errstate(all="ignore"):  # `_real` refuses what is not a number
            matrix = matrix * _given(graph, node, "alpha", 1.0)
    return Found(layer, node, constant, _real(graph, node, matrix))


def _shape(graph: Graph, node: "NodeProto", name: str, what: str, dims: int) -> tuple[int, ...]:
    """The shape of a node's value, which must have `dims` known dimensions (0: 2 or more)."""
    shape = graph.shapes.get(name)
    known = tuple(size for size in shape or () if size is not None)
    if shape is None or len(known) != len(shape):
        refuse(graph, node, f"the shape of its {what} cannot be inferred")
    if len(known) < 2 or (dims and len(known) != dims):
        refuse(
            graph, node, f"its {what} has {len(known)} dimensions, expected {dims or '2 or more'}"
        )
    if not all(1 <= size <= _MOST for size in known):
        refuse(graph, node, f"its {what} has the shape {_x(known)}, expected 1 to {_MOST} each")
    return known


def _x(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _weight_shape(
    graph: Graph, node: "NodeProto", constant: Constant, dims: int
) -> tuple[int, ...]:
    if constant.array is None:
        return _shape(graph, node, node.input[1], "weights", dims)
    if constant.array.ndim != dims or not all(1 <= size <= _MOST for size in constant.array.shape):
        refuse(graph, node, f"its weights have the shape {_x(constant.array.shape)}")
    return constant.array.shape


def _given(graph: Graph, node: "NodeProto", name: str, default: T) -> T:
    """The value of an attribute, which must have the type of the default."""
    value = attributes(node).get(name, default)
    if not isinstance(value, type(default)):
        refuse(graph, node, f"attribute {name!r} has the wrong type")
    return value


def _both(graph: Graph, node: "NodeProto", what: str, values: Sequence[Any]) -> Sides:
    """The values of an attribute along both axes."""
    sizes = [value for value in values if isinstance(value, int) and 1 <= value <= _MOST]
    if len(sizes) != 2 or len(values) != 2:
        refuse(graph, node, f"{what} {list(values)}: expected two numbers from 1 to {_MOST}")
    return Sides(*sizes)


def _pads(
    graph: Graph,
    node: "NodeProto",
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    *,
    strides: Sides,
    extents: Sides,
) -> tuple[int, ...]:
    """Padding in pixels at the top, left, bottom and right, computed if there is an `auto_pad`."""
    entering, leaving = shapes
    mode = _given(graph, node, "auto_pad", b"NOTSET").decode(errors="replace")
    if mode == "VALID":
        return (0, 0, 0, 0)
    if mode in {"SAME_UPPER", "SAME_LOWER"}:
        ends = []
        for before, after, stride, extent in zip(
            entering[2:], leaving[2:], strides, extents, strict=True
        ):
            total = max(0, (after - 1) * stride + extent - before)
            less = (total // 2, total - total // 2)
            ends.append(less if mode == "SAME_UPPER" else less[::-1])
        return tuple(side for pair in zip(*ends, strict=True) for side in pair)
    if mode != "NOTSET":
        refuse(graph, node, f"auto_pad {mode!r}: expected NOTSET, VALID, SAME_UPPER or SAME_LOWER")
    pads = _given(graph, node, "pads", [0, 0, 0, 0])
    if len(pads) != 4 or not all(
        isinstance(pad, int) and 0 <= pad <= _MOST_PADDING for pad in pads
    ):
        refuse(graph, node, f"pads {pads}: expected 4 numbers from 0 to {_MOST_PADDING}")
    return tuple(pads)


def _images(graph: Graph, node: "NodeProto", entering: tuple[int, ...]) -> int:
    """Input maps of the layer per image of the network."""
    if entering[0] % graph.batch:
        refuse(graph, node, f"{entering[0]} maps are not a multiple of {graph.batch} images")
    return entering[0] // graph.batch


def _real(
    graph: Graph, node: "NodeProto", array: NDArray[Any] | None
) -> NDArray[np.float32] | None:
    if array is None:
        return None
    weights: NDArray[np.float32] = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(weights).all():
        refuse(graph, node, "its weights hold NaN or infinity")
    return weights
