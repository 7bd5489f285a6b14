"""Read ONNX models: their convolutions and linear layers, with the weights in the file."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.workload.importers.onnx_constants import find_constants
from simulator.workload.importers.onnx_graph import Graph, read_graph
from simulator.workload.importers.onnx_layers import (
    Found,
    convolution,
    linear,
    refuse,
    weights_of,
)
from simulator.workload.importers.onnx_nodes import is_standard
from simulator.workload.trained import TrainedLayer
from simulator.workload.workload import Workload

if TYPE_CHECKING:
    from onnx import NodeProto

_MOST_CHARACTERS = 190
"""Maximum length of a name before a number may follow; a workload file allows 200."""
_UNSUPPORTED = frozenset({
    "Attention", "ConvInteger", "ConvTranspose", "DeformConv", "Einsum", "FusedConv", "FusedGemm",
    "FusedMatMul", "GRU", "LSTM", "MatMulInteger", "QLinearConv", "QLinearMatMul", "RNN",
})  # fmt: skip
"""Operators with weights or products that a workload's layers cannot describe."""


def read_onnx(
    path: Path, binarize: Collection[str] = (), input_size: tuple[int, int] | None = None
) -> tuple[Workload, dict[str, TrainedLayer]]:
    """Read the layers of an ONNX model, in execution order.

    A 3x3 or 1x1 layer is binary if its weights are +-alpha, with one alpha per output channel. It
    is also binary if its weights pass through `Sign`, `BipolarQuant` or a 1-bit `Quant`. All other
    layers are full precision.

    Args:
        path: the model; its folder has the external data.
        binarize: globs over layer names; these layers use the signs of their weights.
        input_size: (height, width) in pixels, instead of the file's size.

    Returns:
        The workload, without kernels, and the layers with weights in the file, by name.

    Raises:
        InputError: the file is damaged, or a workload cannot describe its layers.

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
        notes=tuple(_oblong_notes(found)),
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


def _layers(graph: Graph) -> Iterator[Found]:
    """Yield every layer, without a name, as full precision."""
    if not any(node.op_type == "Conv" for node in graph.nodes):
        raise InputError(f"{graph.path}: has no convolution")
    constants = find_constants(graph)
    for node in graph.nodes:
        _require_supported(graph, node)
        if is_standard(node) and node.op_type == "Conv":
            yield convolution(graph, node, weights_of(graph, node, constants))
        elif is_standard(node) and node.op_type in {"Gemm", "MatMul"}:
            if all(name in constants for name in node.input[:2]):
                continue  # a product of constants is not a layer
            yield linear(graph, node, weights_of(graph, node, constants))


def _require_supported(graph: Graph, node: "NodeProto") -> None:
    if node.op_type in _UNSUPPORTED:
        refuse(graph, node, "this operator is not supported")
    if any(_computes(item.g) or any(map(_computes, item.graphs)) for item in node.attribute):
        refuse(graph, node, "layers inside a conditional or a loop are not supported")


def _computes(graph: Any) -> bool:
    """True if a subgraph has a layer at any depth."""
    return any(
        node.op_type in _UNSUPPORTED | {"Conv", "Gemm", "MatMul"}
        or any(_computes(item.g) or any(map(_computes, item.graphs)) for item in node.attribute)
        for node in graph.node
    )


def _with_names(found: list[Found]) -> list[Found]:
    """Give every layer a unique name, from its weights (`X.weight`) or from its node."""
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


def _name(item: Found) -> str:
    candidates = [item.constant.name.removesuffix(".weight"), _scope(item.node.name)]
    if not item.constant.name.endswith(".weight"):
        candidates.reverse()
    for name in candidates:
        if name and len(name) <= _MOST_CHARACTERS and name.isprintable():
            return name
    return ""


def _scope(name: str) -> str:
    """Return a node's name, or layer1.0.conv1 for torch's `/layer1/layer1.0/conv1/Conv`."""
    if not name.startswith("/"):
        return name
    path: list[str] = []
    for part in name.strip("/").split("/")[:-1]:
        if path and part.startswith(path[-1] + "."):
            path[-1] = part
        else:
            path.append(part)
    return ".".join(path) or name.strip("/")


def _binarized(graph: Graph, found: list[Found], patterns: Collection[str]) -> list[Found]:
    """Mark the binary layers, which use the signs of their weights."""
    names = [item.layer.name for item in found]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise InputError(
                f"{graph.path}: binarize {pattern!r} matches no layer; the layers are "
                f"{_listed(names)}"
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


def _is_binary(graph: Graph, item: Found, patterns: Collection[str]) -> bool:
    layer = item.layer
    fits = layer.kernel in {1, 3}
    for pattern in patterns:
        if fnmatchcase(layer.name, pattern):
            if fits:
                return True
            raise InputError(
                f"{graph.path}: binarize {pattern!r} matches layer {layer.name!r}, whose kernel is "
                f"{layer.kernel_sides}; a binary kernel is 3x3 or 1x1"
            )
    if not fits:
        return False
    if item.weights is None:
        return item.constant.sign is not None
    if _is_sign_times_scale(item.weights):
        return True
    if item.constant.sign is not None:
        zeros = np.count_nonzero(item.weights == 0)
        refuse(
            graph, item.node,
            f"its weights pass through the sign of node {item.constant.sign!r}, but are not "
            f"+-alpha per output channel ({zeros} are 0); binarize {layer.name!r} takes them",
        )  # fmt: skip
    return False


def _is_sign_times_scale(weights: NDArray[np.float32]) -> bool:
    """True if all weights of an output channel have the same absolute value above 0.

    If an output channel has a single weight, any number would pass. All channels must then have the
    same absolute value.
    """
    sizes = np.abs(weights).reshape(len(weights), -1)
    if sizes.shape[1] == 1:
        sizes = sizes.reshape(1, -1)
    return bool((sizes > 0).all() and (sizes == sizes[:, :1]).all())


def _require_binary(path: Path, found: list[Found]) -> None:
    names = [item.layer.name for item in found if item.layer.kernel in {1, 3}]
    if names and all(item.layer.full_precision for item in found):
        raise InputError(
            f"{path}: no 3x3 or 1x1 layer has weights of +-1; "
            f"binarize takes the signs of layers by name: {_listed(names)}"
        )


def _oblong_notes(found: list[Found]) -> Iterator[str]:
    """Note layers with weights of +-alpha that are full precision because of their kernels."""
    names = [
        f"{item.layer.name} ({item.layer.kernel_sides})"
        for item in found
        if item.layer.kernel not in {1, 3}
        and (
            item.constant.sign is not None
            or (item.weights is not None and _is_sign_times_scale(item.weights))
        )
    ]
    if names:
        yield (
            f"{_listed(names)}: full precision although the weights are +-alpha, because a binary "
            "kernel is 3x3 or 1x1."
        )
