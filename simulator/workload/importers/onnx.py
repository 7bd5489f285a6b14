"""Read ONNX models: their convolutions and linear layers, with the weights in the file."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.base.errors import InputError
from simulator.base.wording import layers_phrase
from simulator.workload.importers.onnx_activations import activation_bits
from simulator.workload.importers.onnx_constants import Constants
from simulator.workload.importers.onnx_edges import Edges
from simulator.workload.importers.onnx_graph import Graph, read_graph
from simulator.workload.importers.onnx_layers import (
    Found,
    convolution,
    linear,
    require_one_output,
    weights_of,
)
from simulator.workload.importers.onnx_nodes import label
from simulator.workload.importers.onnx_operators import kind_of
from simulator.workload.importers.onnx_precision import (
    can_be_binary,
    decide,
    listed,
    notes_of,
)
from simulator.workload.trained import TrainedLayer
from simulator.workload.workload import Workload

if TYPE_CHECKING:
    from onnx import NodeProto

_MOST_CHARACTERS = 190
"""Maximum length of a name before a number may follow; a workload file allows 200."""


def read_onnx(
    path: Path, binarize: Collection[str] = (), input_size: tuple[int, int] | None = None
) -> tuple[Workload, dict[str, TrainedLayer]]:
    """Read the layers of an ONNX model, in execution order.

    A layer is binary if its weights are +-alpha, with one alpha per output channel. It is also
    binary if its weights pass through `Sign`, `BipolarQuant` or a 1-bit `Quant`. All other layers,
    and those with kernels of more than 63 weights, are full precision. The workload's notes name
    what the file leaves open.

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
    layers, varying = _layers(graph)
    if not layers:
        raise InputError(
            f"{path}: all of its convolutions and linear layers are products of constants; export "
            "the network from its input to its output"
        )
    decisions = decide(graph, _with_names(layers), binarize)
    found = _with_activations(graph, [each.item for each in decisions])
    names = {item.node.output[0]: item.layer.name for item in found}
    edges = Edges(graph, names).follow(varying)
    workload = Workload(
        name=path.stem[:_MOST_CHARACTERS],
        title=path.stem[:_MOST_CHARACTERS],
        input_height=graph.height,
        input_width=graph.width,
        layers=tuple(replace(x.layer, reads=edges.read_by(x.layer.name)) for x in found),
        vector_layers=() if edges.unknown else tuple(edges.vector_layers),
        unknown_edges=edges.unknown,
        ops_convention="main_paper",
        notes=(*_unused(graph), *notes_of(decisions), *_all_full(found), *_softmax(edges)),
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


def _layers(graph: Graph) -> tuple[list[Found], list["NodeProto"]]:
    """Return every layer, without a name, as full precision; and all nodes that are not constant.

    Both are in execution order.
    """
    if not any(kind_of(node) == "product" for node in graph.nodes):
        unused = [f"{x.op_type} {label(x)!r}" for x in graph.unused if kind_of(x) == "product"]
        operators = listed(sorted({node.op_type for node in graph.nodes})) or "none"
        raise InputError(
            f"{graph.path}: has no convolution and no linear layer; its operators are {operators}"
            + (f"; no output depends on {listed(unused)}" if unused else "")
        )
    constants = Constants(graph)
    found, varying = [], []
    for node in graph.nodes:
        weights = constants.get(node.input[1]) if len(node.input) > 1 else None
        if constants.feed(node):
            continue  # also a product of constants, which is not a layer
        varying.append(node)
        if kind_of(node) == "product":
            require_one_output(graph, node)
            read = convolution if node.op_type == "Conv" else linear
            found.append(read(graph, node, weights_of(graph, node, weights)))
    return found, varying


def _unused(graph: Graph) -> list[str]:
    """A note on layers that no output of the graph needs."""
    names = [label(node) for node in graph.unused if kind_of(node) in {"product", None}]
    if not names:
        return []
    return [f"No output depends on {listed(names)}, left out."]


def _with_activations(graph: Graph, found: list[Found]) -> list[Found]:
    """Give every layer the bits per activation that the graph determines."""
    binary = {item.node.output[0]: not item.layer.full_precision for item in found}
    bits = activation_bits(graph, binary)
    layers = []
    for item in found:
        read, written = bits[item.node.output[0]]
        layer = replace(item.layer, activation_bits=read, output_bits=written)
        layers.append(replace(item, layer=layer))
    return layers


def _with_names(found: list[Found]) -> list[Found]:
    """Give every layer a unique name, from its weights (`X.weight`) or from its node."""
    taken = {"input"}  # the name of the image in `Layer.reads`
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


def _all_full(found: list[Found]) -> list[str]:
    """A note on a network without a binary layer."""
    names = [item.layer.name for item in found if can_be_binary(item.layer)]
    if not names or not all(item.layer.full_precision for item in found):
        return []
    return [f"No layer has weights of +-1; --binarize takes the signs of layers: {listed(names)}."]


def _softmax(edges: Edges) -> list[str]:
    """A note on softmax layers, whose work the vector unit does not have in full."""
    if edges.unknown or not edges.softmaxes:
        return []
    names = [layer.name for layer in edges.vector_layers]
    return [
        layers_phrase(edges.softmaxes, names).inflect(
            "{layers} is a softmax and counts in scope network as one activation function for each "
            "value; the maximum, the sum, and the division take no time.",
            "{layers} are softmax and count in scope network as one activation function for each "
            "value; the maximum, the sum, and the division take no time.",
        )
    ]
