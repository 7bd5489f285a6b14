"""The layers without weights of an ONNX graph, and who reads whose map.

Nodes that change no value, such as a reshape, and thresholds, such as a sign, are no layers: the
bits that a reader reads say more (`simulator.workload.maps`). If a node has no counterpart, or if a
layer with weights reads anything but one map, the edges of the whole graph are unknown, and no run
has the scope `network`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.workload.importers.onnx_graph import Graph
from simulator.workload.importers.onnx_nodes import attributes, label
from simulator.workload.importers.onnx_operators import is_quantizer
from simulator.workload.sides import Sides
from simulator.workload.vector_layer import VectorKind, VectorLayer, maps_read

if TYPE_CHECKING:
    from onnx import NodeProto

_TRANSPARENT = frozenset({
    "And", "Cast", "CastLike", "Ceil", "DequantizeLinear", "Dropout", "DynamicQuantizeLinear",
    "Equal", "Expand", "Flatten", "Floor", "Greater", "GreaterOrEqual", "Identity", "Less",
    "LessOrEqual", "Not", "Or", "Pad", "QuantizeLinear", "Reshape", "Round", "Sign", "Squeeze",
    "Transpose", "Unsqueeze", "Where", "Xor",
})  # fmt: skip
"""Operators that move values, or compare them with thresholds."""
_FUNCTIONS = frozenset({
    "Abs", "Celu", "Clip", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu",
    "LogSoftmax", "Mish", "Neg", "PRelu", "Relu", "Selu", "Sigmoid", "Softmax", "Softplus",
    "Softsign", "Sqrt", "Swish", "Tanh", "ThresholdedRelu",
})  # fmt: skip
"""Functions of a value."""
_SOFTMAX = frozenset({"LogSoftmax", "Softmax"})
"""Functions of a value and all others of its axis, counted as functions of a value. ASSUMED."""
_ARITHMETIC = frozenset({"Add", "Div", "Max", "Min", "Mul", "Pow", "Sub", "Sum"})
_POOLS: Mapping[str, VectorKind] = {
    "AveragePool": "average_pool",
    "GlobalAveragePool": "average_pool",
    "GlobalMaxPool": "max_pool",
    "MaxPool": "max_pool",
    "ReduceMean": "average_pool",
}
_KINDS: Mapping[str, VectorKind] = {
    **_POOLS,
    "BatchNormalization": "norm",
    **dict.fromkeys(_FUNCTIONS, "activation"),
}
_MOST = 1 << 20
"""Upper limit of all sizes, as in network files."""
_ONE, _NONE = Sides(1, 1), Sides(0, 0)


@dataclass
class Edges:
    """The edges of a graph; `follow` takes its nodes in execution order."""

    graph: Graph
    names: Mapping[str, str]
    """Names of the layers with weights, by the value that they make."""
    reads: dict[str, str] = field(default_factory=dict)
    """The layer whose map each layer with weights reads."""
    vector_layers: list[VectorLayer] = field(default_factory=list)
    softmaxes: list[str] = field(default_factory=list)
    """Names of the layers that are a softmax."""
    unknown: str | None = None
    """The first node without a counterpart, as a phrase."""
    _sources: dict[str, str] = field(default_factory=dict)
    """The layer that makes each value that depends on the image."""
    _taken: set[str] = field(default_factory=set)

    def follow(self, nodes: Iterable["NodeProto"]) -> "Edges":
        """Find the edges of all nodes that depend on the image."""
        self._taken |= {"input", *self.names.values()}
        for node in nodes:
            made = self._made_by(node) if node.output else None
            if made is None:
                self.unknown = self.unknown or self._phrase(node)
                made = "input"
            self._sources |= dict.fromkeys(filter(None, node.output), made)
        return self

    def read_by(self, name: str) -> str | None:
        """The layer whose map a layer with weights reads; None if the edges are unknown."""
        return None if self.unknown else self.reads[name]

    def _made_by(self, node: "NodeProto") -> str | None:
        """The layer that makes a node's output; None: no layer describes the node."""
        read = [name for name in node.input if name and not self._is_constant(name)]
        sources = [self._sources.get(name, "input") for name in read]
        if not self._other_images.isdisjoint(read):
            return None
        if node.output[0] in self.names:
            if read != node.input[:1]:
                return None
            name = self.names[node.output[0]]
            self.reads[name] = sources[0]
            return name
        if len(set(sources)) == 1 and (node.op_type in _TRANSPARENT or is_quantizer(node)):
            return sources[0]
        found = self._vector_layer(node, read, tuple(sources))
        if found is not None:
            self.vector_layers.append(found)
            if node.op_type in _SOFTMAX:
                self.softmaxes.append(found.name)
            return found.name
        return None

    def _phrase(self, node: "NodeProto") -> str:
        """A node that no layer describes, with the reason if the node is not the reason."""
        words = f"{node.op_type} node {label(node)!r}"
        others = [name for name in node.input if name in self._other_images]
        if others:
            return f"{words} with {others[0]!r}, a second input of the graph"
        if node.output and node.output[0] in self.names:
            return f"{words} with a bias that depends on the image"
        return words

    @property
    def _other_images(self) -> set[str]:
        return set(self.graph.images[1:])

    def _is_constant(self, name: str) -> bool:
        return name not in self._sources and name not in self.graph.images

    def _vector_layer(
        self, node: "NodeProto", read: list[str], sources: tuple[str, ...]
    ) -> VectorLayer | None:
        kind = self._kind(node, read, sources)
        shapes = [self._shape(name) for name in (*read, node.output[0])]
        if kind is None or not read or None in shapes:
            return None
        *entering, leaving = (shape for shape in shapes if shape is not None)
        if kind not in {"add", "concat"}:
            entering, sources = entering[:1], sources[:1]
        sources, (*entering,) = maps_read(kind, sources, entering)
        geometry = self._window(node, entering[0], leaving)
        channels = [channels for channels, *_ in entering]
        if geometry is None or leaving[0] != (sum(channels) if kind == "concat" else channels[0]):
            return None
        window, strides, paddings = geometry
        name = self._name(node)
        return VectorLayer(
            name=name,
            stage=name.split(".")[0] or name,
            kind=kind,
            reads=sources,
            after=len(self.reads),
            operand_channels=tuple(channels),
            in_height=entering[0][1],
            in_width=entering[0][2],
            out_channels=leaving[0],
            out_height=leaving[1],
            out_width=leaving[2],
            window=window,
            strides=strides,
            paddings=paddings,
            images=1,
            function="relu" if node.op_type == "Relu" else None,
        )

    def _kind(
        self, node: "NodeProto", read: list[str], sources: tuple[str, ...]
    ) -> VectorKind | None:
        if node.op_type == "Concat" and self._joins_channels(node, read):
            return "concat"
        if node.op_type not in _ARITHMETIC:
            return _KINDS.get(node.op_type)
        if len(read) == 1:
            return "norm"  # with a constant: a factor or a summand
        if len(set(sources)) == 1:  # a function of one map: x + x, or another, such as x * x
            return "add" if node.op_type in {"Add", "Sum"} and len(read) == 2 else "activation"
        equal = len({self.graph.shapes.get(name) for name in read}) == 1
        return "add" if equal else None

    def _joins_channels(self, node: "NodeProto", read: list[str]) -> bool:
        """True if a concatenation has the axis of channels, also counted from the end."""
        shape, axis = self.graph.shapes.get(read[0]) if read else None, attributes(node).get("axis")
        return shape is not None and axis in {1, 1 - len(shape)}

    def _shape(self, name: str) -> tuple[int, int, int] | None:
        """Channels, height and width of a value."""
        shape = self.graph.shapes.get(name)
        if shape is None or None in shape or len(shape) not in {2, 4}:
            return None
        sizes = [int(size or 0) for size in shape[1:]]
        if not all(1 <= size <= _MOST for size in sizes):
            return None
        return (sizes[0], sizes[1], sizes[2]) if len(sizes) == 3 else (sizes[0], 1, 1)

    def _window(
        self, node: "NodeProto", entering: tuple[int, int, int], leaving: tuple[int, int, int]
    ) -> tuple[Sides, Sides, Sides] | None:
        """Window, strides and padding of a pool; one pixel for other nodes; None if unknown."""
        if node.op_type not in _POOLS:
            return _ONE, _ONE, _NONE
        given = attributes(node)
        if "kernel_shape" not in given:  # all pixels, or those of the axes that are gone
            whole = [before // after for before, after in zip(entering, leaving, strict=True)][1:]
            return (Sides(*whole), Sides(*whole), _NONE) if min(whole) > 0 else None
        window, strides = given["kernel_shape"], given.get("strides") or [1, 1]
        pads = given.get("pads") or [0, 0, 0, 0]
        if given.get("dilations", [1, 1]) != [1, 1]:
            return None
        sizes = [window, strides, pads]
        if not all(isinstance(size, list) for size in sizes) or [*map(len, sizes)] != [2, 2, 4]:
            return None
        in_padding = any(pad >= size for pad, size in zip(pads, [*window, *window], strict=True))
        wrong = min(*window, *strides) < 1 or min(pads) < 0
        if wrong or in_padding or max(*window, *strides, *pads) > _MOST:
            return None
        return Sides(*window), Sides(*strides), Sides(*pads[:2])

    def _name(self, node: "NodeProto") -> str:
        """A name that no other layer has, from the node's."""
        given = label(node).strip("/").replace("/", ".")
        usable = 0 < len(given) <= _MOST_CHARACTERS and given.isprintable() and given[0].isalnum()
        base = given if usable else f"{node.op_type.lower()}{len(self.vector_layers) + 1}"
        name, copies = base, 1
        while name in self._taken:
            copies += 1
            name = f"{base}_{copies}"
        self._taken.add(name)
        return name


_MOST_CHARACTERS = 190
"""Maximum length of a name before a number may follow; a workload file allows 200."""
