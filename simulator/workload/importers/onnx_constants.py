"""Find the values of an ONNX graph that do not depend on its inputs, such as a layer's weights.

Weights reach a layer through nodes: casts, transposes, a sign times a scale, quantizers. This
module computes the outputs of such nodes. It counts the numbers that it makes and the products that
it sums. A small file therefore cannot demand much memory or time. A node that it cannot compute is
an obstacle, which every value made from the node's output inherits.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.workload.importers.onnx_graph import Graph
from simulator.workload.importers.onnx_nodes import (
    UncomputableError,
    attributes,
    compute,
    is_standard,
    label,
    reads,
)
from simulator.workload.importers.onnx_operators import (
    COMPUTED_PRODUCTS,
    TWO_LEVELS,
    is_quantizer,
    kind_of,
)
from simulator.workload.importers.onnx_quantizers import of_qonnx, run_quantizer
from simulator.workload.importers.onnx_shapes import SMALL
from simulator.workload.importers.onnx_tensors import read_tensor, unread
from simulator.workload.levels import are_signs

if TYPE_CHECKING:
    from onnx import NodeProto

_GROWTH = 512
"""Maximum size of a computed value, relative to the largest tensor in the file.

The differences between kernels and 512 patterns are 512 numbers per weight.
"""
_MOST_NUMBERS = 1 << 27
"""Maximum size of a computed value: 512 MiB of float32."""
_LEAST = 8
"""Minimum size of a table of kernels: one vector of a 1x1 layer."""
_WORK = 4096
"""Maximum number of computed numbers and products, relative to the numbers in the file."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is the same for every image, and the way on which the graph makes it."""

    name: str
    """Name of the initializer or input that the constant comes from."""
    array: NDArray[Any] | None
    """The numbers; None if the file does not have them, or because of an obstacle."""
    size: int = 0
    """Number of elements; 0 if unknown."""
    filler: bool = False
    """True if the numbers only fill the shape (`ConstantOfShape`)."""
    sign: str | None = None
    """Name of a node on the way that takes the sign, if any."""
    levels: str | None = None
    """Name of the first node or initializer on the way that may have two levels, if any."""
    obstacle: str | None = None
    """First node on the way that this module does not compute, with the reason, if any."""


class Constants:
    """The constants of a graph; `feed` takes the nodes in execution order."""

    def __init__(self, graph: Graph) -> None:
        """Start with the weights that the graph declares as inputs."""
        self.graph = graph
        self._known = {
            name: Constant(name, None, _elements(graph, name)) for name in graph.declared
        }
        self._uses = Counter(name for node in graph.nodes for name in reads(node))
        stored = [max(0, prod(tensor.dims)) for tensor in graph.tensors.values()]
        self._most = min(_MOST_NUMBERS, max(SMALL, _GROWTH * max(stored, default=0)))
        self._work_left = _WORK * max(SMALL, sum(stored))

    def get(self, name: str) -> Constant | None:
        """Return a constant; None for a value that depends on the graph's inputs.

        Raises:
            InputError: the value is an initializer, and damaged.

        """
        tensor = self.graph.tensors.get(name)
        if name not in self._known and tensor is not None:
            array = read_tensor(tensor, self.graph.path)
            size = max(0, prod(tensor.dims))
            kind = unread(tensor)
            why = None if kind is None else f"{name!r}, whose type {kind} is not supported"
            self._known[name] = Constant(name, array, size, obstacle=why)
        return self._known.get(name)

    def feed(self, node: "NodeProto") -> bool:
        """Compute a node's outputs if its inputs are constants; return True if they are.

        Raises:
            InputError: an initializer is damaged.

        """
        shape = _shape(self.graph, node)
        inputs = [self.get(name) for name in reads(node)]
        constants = [x for x in inputs if x is not None]
        is_constant = shape is not None or len(constants) == len(inputs)
        if is_constant:
            made = (shape,) if shape is not None else self._made(node, constants)
            self._known.update(zip(node.output, made, strict=False))
        for name in reads(node):
            self._uses[name] -= 1
            if self._uses[name] == 0 and name in self._known:
                self._known[name] = replace(self._known[name], array=None)
        return is_constant

    def _made(self, node: "NodeProto", inputs: list[Constant]) -> list[Constant]:
        """The outputs of a node with constant inputs."""
        heir = _heir(node, inputs)
        if is_quantizer(node):
            return [_of_qonnx(node, inputs)]
        arrays: Sequence[NDArray[Any] | None] = [None] * len(node.output)
        known = [x.array for x in inputs if x.array is not None]
        if kind_of(node) != "computed" and node.op_type not in COMPUTED_PRODUCTS:
            heir = _blocked(node, inputs, heir, "which is not computed")
        elif heir.obstacle is not None:
            heir = replace(heir, levels=heir.levels or _signs_in(inputs))
        elif len(known) == len(inputs):
            try:
                arrays = self._computed(node, known)
            except UncomputableError as error:
                heir = _blocked(node, inputs, heir, f"which cannot be computed: {error}")
        return [
            replace(heir, array=None if heir.obstacle else array, size=_elements(self.graph, name))
            for name, array in zip(node.output, arrays, strict=True)
        ]

    def _computed(
        self, node: "NodeProto", inputs: list[NDArray[Any]]
    ) -> Sequence[NDArray[Any] | None]:
        """The numbers of every output of a node; None for unread types."""
        if node.op_type == "Constant" and (value := attributes(node).get("value")) is not None:
            if kind := unread(value):
                raise UncomputableError(f"its type {kind} is not supported")
            return [read_tensor(value, self.graph.path)]
        if any(item.name == "broadcast" for item in node.attribute):
            raise UncomputableError("it broadcasts along an axis, as before opset 7")
        self._charge(node, inputs)
        if node.op_type in {"QuantizeLinear", "DequantizeLinear"}:
            return [run_quantizer(node, inputs)]
        feeds = dict(zip((name for name in node.input if name), inputs, strict=True))
        made = iter(compute(node, feeds, self.graph.opsets))
        return [next(made) if name else None for name in node.output]

    def _charge(self, node: "NodeProto", inputs: list[NDArray[Any]]) -> None:
        """Count a node's numbers and products before they exist."""
        shapes = [self.graph.shapes.get(name) for name in node.output if name]
        if any(shape is None or None in shape for shape in shapes) and inputs:
            raise UncomputableError("the shape of its output is unknown")
        made = sum(prod(size or 0 for size in shape or ()) for shape in shapes)
        inner = max(inputs[0].shape, default=1) if node.op_type in COMPUTED_PRODUCTS else 1
        if made > self._most or made * inner > self._work_left:
            raise UncomputableError(f"it makes {made} numbers, too many for a file of this size")
        self._work_left -= made * inner


def _elements(graph: Graph, name: str) -> int:
    """Number of elements of a value; 0 if its shape is unknown."""
    shape = graph.shapes.get(name)
    return 0 if shape is None or None in shape else prod(size or 0 for size in shape)


def _shape(graph: Graph, node: "NodeProto") -> Constant | None:
    """The output of a node that reads a known shape; the value itself may be no constant."""
    if kind_of(node) != "computed" or node.op_type not in {"Shape", "Size"} or not node.input:
        return None
    shape = graph.shapes.get(node.input[0])
    if shape is None or None in shape:
        return None
    given = attributes(node)
    dims = np.array(shape, np.int64)[given.get("start", 0) : given.get("end")]
    array = dims if node.op_type == "Shape" else np.array(prod(dims.tolist()), np.int64)
    return Constant(label(node), array, array.size)


def _heir(node: "NodeProto", inputs: list[Constant]) -> Constant:
    """A constant without numbers, with the history of all inputs, the largest input's first."""
    largest = max((x.size for x in inputs), default=0)
    ordered = sorted(inputs, key=lambda x: -x.size)
    if not inputs or node.op_type == "ConstantOfShape":
        name = "".join(node.output[:1]) if node.op_type == "ConstantOfShape" else label(node)
        return Constant(name, None, filler=node.op_type == "ConstantOfShape")
    return Constant(
        ordered[0].name,
        None,
        filler=all(x.filler for x in inputs if x.size == largest),
        sign=_first(x.sign for x in ordered) or (label(node) if node.op_type == "Sign" else None),
        levels=_first(x.levels for x in ordered)
        or (label(node) if node.op_type in TWO_LEVELS else None),
        obstacle=_first(x.obstacle for x in ordered),
    )


def _of_qonnx(node: "NodeProto", inputs: list[Constant]) -> Constant:
    """The output of a quantizer of QONNX, which has the history of its first input only."""
    try:
        array, takes_sign = of_qonnx(node, [x.array for x in inputs])
    except UncomputableError as error:
        return _blocked(node, inputs[:1], inputs[0], f"which cannot be computed: {error}")
    value = inputs[0]
    return replace(value, array=array, sign=value.sign or (label(node) if takes_sign else None))


def _first(names: Iterable[str | None]) -> str | None:
    return next((name for name in names if name is not None), None)


def _blocked(node: "NodeProto", inputs: list[Constant], heir: Constant, reason: str) -> Constant:
    """A node's output if the node is not computed: the first obstacle counts."""
    domain = "" if is_standard(node) else f" (domain {node.domain!r})"
    levels = heir.levels or heir.sign
    if levels is None and (kind_of(node) is None or node.op_type in TWO_LEVELS):
        levels = label(node)
    return replace(
        heir,
        array=None,
        levels=levels or _signs_in(inputs),
        obstacle=heir.obstacle or f"{node.op_type} {label(node)!r}{domain}, {reason}",
    )


def _signs_in(inputs: list[Constant]) -> str | None:
    """The name of the first input whose numbers are signs, such as a table of kernels, if any.

    A few equal numbers are a scale.
    """
    for each in inputs:
        array = each.array
        if array is not None and array.ndim > 1 and array.size >= _LEAST and are_signs(array):
            return each.name
    return None
