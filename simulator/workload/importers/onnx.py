"""ONNX models: their convolutions and linear layers, with the weights that the file holds."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from simulator.errors import InputError
from simulator.workload.importers.onnx_constants import Constant, find_constants
from simulator.workload.importers.onnx_graph import Graph, read_graph
from simulator.workload.importers.onnx_nodes import attributes, is_standard
from simulator.workload.layer import Layer
from simulator.workload.trained import TrainedLayer
from simulator.workload.workload import Workload

if TYPE_CHECKING:
    from onnx import NodeProto

T = TypeVar("T")

_MOST = 1 << 20
"""Largest size of anything, as in network files."""
_MOST_PADDING = 1 << 16
_MOST_CHARACTERS = 190
"""Of a name, which may get a number behind it; a workload file allows 200."""
_UNSUPPORTED = frozenset({
    "Attention", "ConvInteger", "ConvTranspose", "DeformConv", "Einsum", "FusedConv", "FusedGemm",
    "FusedMatMul", "GRU", "LSTM", "MatMulInteger", "QLinearConv", "QLinearMatMul", "RNN",
})  # fmt: skip
"""Operators with weights or products that no layer of a workload describes."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A layer with what the file knows of its weights."""

    layer: Layer
    node: "NodeProto"
    constant: Constant
    weights: NDArray[np.float32] | None
    """[out_channels, in_channels / groups, kernel, kernel]; None: not in the file."""


def read_onnx(
    path: Path, binarize: Collection[str] = (), input_size: tuple[int, int] | None = None
) -> tuple[Workload, dict[str, TrainedLayer]]:
    """Read the layers of an ONNX model, in the order in which they run.

    A 3x3 or 1x1 layer is binary if its weights are +-alpha, one alpha per output channel, or pass
    through `Sign`, `BipolarQuant` or a 1-bit `Quant`; the others are full precision.

    Args:
        path: the model; external data lie in its folder.
        binarize: globs over layer names; the sign of the weights of these layers counts.
        input_size: (height, width) in pixels instead of the file's.

    Returns:
        The workload, without kernels, and the layers whose weights the file holds, by name.

    Raises:
        InputError: the file is damaged, or holds what a workload cannot describe.

    """
    graph = read_graph(path, input_size)
    found = _binarized(graph, _with_names(list(_layers(graph))), binarize)
    _require_binary(path, found)
    workload = Workload(
        name=path.stem[:_MOST_CHARACTERS],
        title=path.stem[:_MOST_CHARACTERS],
        input_height=graph.height,
        input_width=graph.width,
        layers=tuple(item.layer for item in found),
        ops_convention="main_paper",
    )
    trained = {
        item.layer.name: TrainedLayer(
            name=item.layer.name,
            weights=item.weights,
            full_precision=item.layer.full_precision,
        )
        for item in found
        if item.weights is not None
    }
    return workload, trained


def _layers(graph: Graph) -> Iterator[_Found]:
    """Every layer, not yet named, as full precision."""
    if not any(node.op_type == "Conv" for node in graph.nodes):
        raise InputError(f"{graph.path}: no convolution")
    constants = find_constants(graph)
    for node in graph.nodes:
        _require_supported(graph, node)
        if is_standard(node) and node.op_type == "Conv":
            yield _convolution(graph, node, _weights_of(graph, node, constants))
        elif is_standard(node) and node.op_type in {"Gemm", "MatMul"}:
            if all(name in constants for name in node.input[:2]):
                continue  # a product of constants computes nothing that runs
            yield _linear(graph, node, _weights_of(graph, node, constants))


def _require_supported(graph: Graph, node: "NodeProto") -> None:
    if node.op_type in _UNSUPPORTED:
        _refuse(graph, node, "this operator is not supported")
    if any(_computes(item.g) or any(map(_computes, item.graphs)) for item in node.attribute):
        _refuse(graph, node, "layers inside a conditional or a loop are not supported")


def _computes(graph: Any) -> bool:
    """Whether a subgraph holds a layer at any depth."""
    return any(
        node.op_type in _UNSUPPORTED | {"Conv", "Gemm", "MatMul"}
        or any(_computes(item.g) or any(map(_computes, item.graphs)) for item in node.attribute)
        for node in graph.node
    )


def _refuse(graph: Graph, node: "NodeProto", reason: str) -> NoReturn:
    raise InputError(f"{graph.where(node)}: {reason}")


def _weights_of(graph: Graph, node: "NodeProto", constants: dict[str, Constant]) -> Constant:
    name = node.input[1] if len(node.input) > 1 else ""
    if name not in constants:
        _refuse(graph, node, "its second input, the weights, depends on the image")
    constant = constants[name]
    if constant.obstacle:
        _refuse(graph, node, f"its weights come from {constant.obstacle}, which is not computed")
    return constant


def _shape(graph: Graph, node: "NodeProto", name: str, what: str, dims: int) -> tuple[int, ...]:
    """The shape of one of a node's values, of `dims` dimensions (0: 2 or more), all known."""
    shape = graph.shapes.get(name)
    known = tuple(size for size in shape or () if size is not None)
    if shape is None or len(known) != len(shape):
        _refuse(graph, node, f"the shape of its {what} cannot be inferred")
    if len(known) < 2 or (dims and len(known) != dims):
        _refuse(
            graph, node, f"its {what} has {len(known)} dimensions, expected {dims or '2 or more'}"
        )
    if not all(1 <= size <= _MOST for size in known):
        _refuse(graph, node, f"its {what} has the shape {_x(known)}, expected 1 to {_MOST} each")
    return known


def _x(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _weight_shape(
    graph: Graph, node: "NodeProto", constant: Constant, dims: int
) -> tuple[int, ...]:
    if constant.array is None:
        return _shape(graph, node, node.input[1], "weights", dims)
    if constant.array.ndim != dims or not all(1 <= size <= _MOST for size in constant.array.shape):
        _refuse(graph, node, f"its weights have the shape {_x(constant.array.shape)}")
    return constant.array.shape


def _convolution(graph: Graph, node: "NodeProto", constant: Constant) -> _Found:
    """A convolution; padding that sides do not have in common counts as part of its input map."""
    entering = _shape(graph, node, node.input[0], "input", 4)
    leaving = _shape(graph, node, node.output[0], "output", 4)
    out_channels, group_channels, *kernel = _weight_shape(graph, node, constant, 4)
    groups = _given(graph, node, "group", 1)
    if groups < 1 or group_channels * groups != entering[1] or out_channels % groups:
        _refuse(
            graph, node,
            f"weights {out_channels}x{group_channels}x{_x(tuple(kernel))} in {groups} groups do "
            f"not fit {entering[1]} input channels",
        )  # fmt: skip
    size = _one(graph, node, "kernel", kernel)
    stride = _one(graph, node, "strides", _given(graph, node, "strides", [1, 1]))
    dilation = _one(graph, node, "dilations", _given(graph, node, "dilations", [1, 1]))
    extent = dilation * (size - 1) + 1
    pads = _pads(graph, node, (entering, leaving), stride=stride, extent=extent)
    padding = min(pads)
    top, left, bottom, right = (pad - padding for pad in pads)
    size_in = (entering[2] + top + bottom, entering[3] + left + right)
    for before, after in zip(size_in, leaving[2:], strict=True):
        if (before + 2 * padding - extent) // stride + 1 != after:
            _refuse(graph, node, f"{before} pixels do not become {after}")
    layer = Layer(
        name="",
        stage="",
        in_channels=entering[1],
        out_channels=out_channels,
        in_height=size_in[0],
        in_width=size_in[1],
        out_height=leaving[2],
        out_width=leaving[3],
        kernel=size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        full_precision=True,
        images=_images(graph, node, entering),
    )
    return _Found(layer, node, constant, _real(graph, node, constant.array))


def _given(graph: Graph, node: "NodeProto", name: str, default: T) -> T:
    """An attribute, which must have the type of its default."""
    value = attributes(node).get(name, default)
    if not isinstance(value, type(default)):
        _refuse(graph, node, f"attribute {name!r} has the wrong type")
    return value


def _one(graph: Graph, node: "NodeProto", what: str, values: Sequence[Any]) -> int:
    """The value that an attribute has in both directions."""
    sizes = [value for value in values if isinstance(value, int)]
    if not sizes or any(size != sizes[0] for size in sizes):
        _refuse(graph, node, f"{what} {sizes} differ between directions, which is not supported")
    if not 1 <= sizes[0] <= _MOST:
        _refuse(graph, node, f"{what} {sizes}: expected 1 to {_MOST}")
    return sizes[0]


def _pads(
    graph: Graph,
    node: "NodeProto",
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    *,
    stride: int,
    extent: int,
) -> tuple[int, ...]:
    """Pixels added on top, left, bottom and right; an `auto_pad` counts as what it comes to."""
    entering, leaving = shapes
    mode = _given(graph, node, "auto_pad", b"NOTSET").decode(errors="replace")
    if mode == "VALID":
        return (0, 0, 0, 0)
    if mode in {"SAME_UPPER", "SAME_LOWER"}:
        ends = []
        for before, after in zip(entering[2:], leaving[2:], strict=True):
            total = max(0, (after - 1) * stride + extent - before)
            less = (total // 2, total - total // 2)
            ends.append(less if mode == "SAME_UPPER" else less[::-1])
        return tuple(side for pair in zip(*ends, strict=True) for side in pair)
    if mode != "NOTSET":
        _refuse(graph, node, f"auto_pad {mode!r}: expected NOTSET, VALID, SAME_UPPER or SAME_LOWER")
    pads = _given(graph, node, "pads", [0, 0, 0, 0])
    if len(pads) != 4 or not all(
        isinstance(pad, int) and 0 <= pad <= _MOST_PADDING for pad in pads
    ):
        _refuse(graph, node, f"pads {pads}: expected 4 numbers from 0 to {_MOST_PADDING}")
    return tuple(pads)


def _images(graph: Graph, node: "NodeProto", entering: tuple[int, ...]) -> int:
    """Maps that the layer sees per image of the network."""
    if entering[0] % graph.batch:
        _refuse(graph, node, f"{entering[0]} maps are no multiple of {graph.batch} images")
    return entering[0] // graph.batch


def _linear(graph: Graph, node: "NodeProto", constant: Constant) -> _Found:
    """A linear layer: a 1x1 convolution of one pixel, or of as many as it has rows per image."""
    entering = _shape(graph, node, node.input[0], "input", 0)
    shape = _weight_shape(graph, node, constant, 2)
    if _given(graph, node, "transA", 0):
        _refuse(graph, node, "transA is not supported")
    turned = bool(_given(graph, node, "transB", 0))
    out_features, in_features = shape if turned else shape[::-1]
    if in_features != entering[-1]:
        _refuse(
            graph, node, f"weights for {in_features} features do not fit an input of {entering[-1]}"
        )
    rows = prod(entering[1:-1])
    if rows > _MOST:
        _refuse(graph, node, f"its input has {rows} rows, expected 1 to {_MOST}")
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
        matrix = (matrix if turned else matrix.T)[:, :, None, None] * _given(
            graph, node, "alpha", 1.0
        )
    return _Found(layer, node, constant, _real(graph, node, matrix))


def _real(
    graph: Graph, node: "NodeProto", array: NDArray[Any] | None
) -> NDArray[np.float32] | None:
    if array is None:
        return None
    weights: NDArray[np.float32] = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(weights).all():
        _refuse(graph, node, "its weights hold NaN or infinity")
    return weights


def _with_names(found: list[_Found]) -> list[_Found]:
    """Name every layer: by its weights in torch's way, else by its node; each name once."""
    taken: set[str] = set()
    named = []
    for number, item in enumerate(found, 1):
        base = _name(item) or f"{item.node.op_type.lower()}{number}"
        name, copies = base, 1
        while name in taken:
            copies += 1
            name = f"{base}_{copies}"
        taken.add(name)
        layer = replace(item.layer, name=name, stage=name.split(".")[0] or name)
        named.append(replace(item, layer=layer))
    return named


def _name(item: _Found) -> str:
    candidates = [item.constant.name.removesuffix(".weight"), _scope(item.node.name)]
    if not item.constant.name.endswith(".weight"):
        candidates.reverse()
    for name in candidates:
        if name and len(name) <= _MOST_CHARACTERS and name.isprintable():
            return name
    return ""


def _scope(name: str) -> str:
    """A node's name; `/layer1/layer1.0/conv1/Conv`, as torch writes it, means layer1.0.conv1."""
    if not name.startswith("/"):
        return name
    path: list[str] = []
    for part in name.strip("/").split("/")[:-1]:
        if path and part.startswith(path[-1] + "."):
            path[-1] = part
        else:
            path.append(part)
    return ".".join(path) or name.strip("/")


def _binarized(graph: Graph, found: list[_Found], patterns: Collection[str]) -> list[_Found]:
    """Mark the layers whose signs count."""
    names = [item.layer.name for item in found]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise InputError(
                f"{graph.path}: binarize {pattern!r} matches no layer; there are {_listed(names)}"
            )
    return [
        replace(
            item, layer=replace(item.layer, full_precision=not _is_binary(graph, item, patterns))
        )
        for item in found
    ]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more


def _is_binary(graph: Graph, item: _Found, patterns: Collection[str]) -> bool:
    layer = item.layer
    fits = layer.kernel in {1, 3}
    for pattern in patterns:
        if fnmatchcase(layer.name, pattern):
            if fits:
                return True
            raise InputError(
                f"{graph.path}: binarize {pattern!r} matches layer {layer.name!r}, whose kernel is "
                f"{layer.kernel}x{layer.kernel}; a binary kernel is 3x3 or 1x1"
            )
    if not fits:
        return False
    if item.weights is None:
        return item.constant.sign is not None
    if _is_sign_times_scale(item.weights):
        return True
    if item.constant.sign is not None:
        zeros = np.count_nonzero(item.weights == 0)
        _refuse(
            graph, item.node,
            f"its weights pass through the sign of node {item.constant.sign!r}, but are not "
            f"+-alpha per output channel ({zeros} are 0); binarize {layer.name!r} takes them",
        )  # fmt: skip
    return False


def _is_sign_times_scale(weights: NDArray[np.float32]) -> bool:
    """Whether all weights of an output channel have one absolute value above 0.

    Where an output channel has a single weight, any number would do: then one value for all.
    """
    sizes = np.abs(weights).reshape(len(weights), -1)
    if sizes.shape[1] == 1:
        sizes = sizes.reshape(1, -1)
    return bool((sizes > 0).all() and (sizes == sizes[:, :1]).all())


def _require_binary(path: Path, found: list[_Found]) -> None:
    if all(item.layer.full_precision for item in found):
        names = [item.layer.name for item in found if item.layer.kernel in {1, 3}]
        raise InputError(
            f"{path}: no 3x3 or 1x1 layer has weights of +-1, so there is nothing to compare; "
            f"binarize takes the sign of layers by name: {_listed(names)}"
        )
