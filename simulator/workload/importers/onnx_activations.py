"""Activation bits of the layers of an ONNX graph, from the quantizers between them.

The last quantizer before a layer determines the bits of its inputs. A function after the quantizer
must not add levels: pooling by maximum, reshaping, and one scale for the whole map do not. Other
functions, such as a batch normalization, end the search, and the graph does not determine the bits.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, floor, log2
from typing import TYPE_CHECKING

import numpy as np

from simulator.workload.importers.onnx_graph import Graph
from simulator.workload.importers.onnx_nodes import attributes
from simulator.workload.importers.onnx_operators import PRODUCTS, is_quantizer
from simulator.workload.importers.onnx_tensors import read_tensor

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

MOST_BITS = 32
"""The most bits of an activation."""
_SAME_LEVELS = frozenset({
    "Cast", "Clip", "DepthToSpace", "DequantizeLinear", "Dropout", "Expand", "Flatten",
    "GlobalMaxPool", "Identity", "MaxPool", "Neg", "Pad", "Relu", "Reshape", "Slice",
    "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze",
})  # fmt: skip
"""Operators whose output has the levels of their first input, up to a scale or a zero."""
_SCALED = frozenset({"Add", "Div", "Mul", "Sub"})
"""Operators that keep the number of levels if their other input is a single constant."""
_LIMITS = {"Sigmoid": (0.0, 1.0), "HardSigmoid": (0.0, 1.0), "Tanh": (-1.0, 1.0)}
"""Limits of functions."""
_SAME_LIMITS = frozenset({"Flatten", "Identity", "MaxPool", "Reshape", "Transpose"})
"""Operators whose output has the limits of their first input."""
_ROUNDING = frozenset({"Ceil", "Floor", "Round"})
_FINN_TYPE = re.compile(r"(BIPOLAR|BINARY)|U?INT(\d+)")
"""Types of FINN's MultiThreshold."""

Limits = tuple[float, float]
"""The least and largest value."""


@dataclass(frozen=True)
class Levels:
    """The bits and limits of the values of a graph, found in execution order."""

    graph: Graph
    bits: dict[str, int] = field(default_factory=dict)
    """Bits of the values that a quantizer has made."""
    limits: dict[str, Limits] = field(default_factory=dict)
    """Limits of the values that a function has limited."""

    @cached_property
    def _constants(self) -> Mapping[str, "TensorProto"]:
        made = {
            node.output[0]: attributes(node).get("value")
            for node in self.graph.nodes
            if node.op_type == "Constant" and node.output
        }
        return {**self.graph.tensors, **{name: x for name, x in made.items() if x is not None}}

    def feed(self, node: "NodeProto") -> None:
        """Derive the bits and limits of a node's outputs."""
        bits = self._quantized(node) or self._kept(node)
        limits = self._limits_of(node)
        for name in node.output:
            if bits is not None:
                self.bits[name] = min(max(bits, 1), MOST_BITS)
            if limits is not None:
                self.limits[name] = limits

    def _quantized(self, node: "NodeProto") -> int | None:
        """The bits that a quantizer makes; None for other nodes."""
        if node.op_type in {"Sign", "BipolarQuant"}:
            return 1
        if is_quantizer(node):
            return self._of_qonnx(node)
        if node.op_type == "QuantizeLinear":
            return self._of_quantize_linear(node)
        if node.op_type == "DynamicQuantizeLinear":
            return 8
        return _bits_between(self.limits.get(node.input[0])) if node.op_type in _ROUNDING else None

    def _kept(self, node: "NodeProto") -> int | None:
        """The bits of a node's inputs, if the node adds no levels."""
        if node.op_type == "Concat":
            parts = [self.bits[name] for name in node.input if name in self.bits]
            return max(parts) if parts and len(parts) == len(node.input) else None
        if node.op_type in _SAME_LEVELS and node.input:
            return self.bits.get(node.input[0])
        scaled = self._scaled(node)
        return None if scaled is None else self.bits.get(scaled[0])

    def _of_qonnx(self, node: "NodeProto") -> int | None:
        if node.op_type == "MultiThreshold":
            found = _FINN_TYPE.fullmatch(_text(attributes(node).get("out_dtype")))
            return None if found is None else 1 if found[1] else int(found[2])
        at = {"Quant": 3, "IntQuant": 3, "Trunc": 4}.get(node.op_type, len(node.input))
        width = self._number(node.input[at]) if at < len(node.input) else None
        return ceil(width) if width is not None and 0 < width <= MOST_BITS else None

    def _of_quantize_linear(self, node: "NodeProto") -> int | None:
        from onnx import TensorProto

        kind = attributes(node).get("output_dtype") or TensorProto.UINT8
        if len(node.input) > 2 and node.input[2] in self._constants:
            kind = self._constants[node.input[2]].data_type
        names = {number: name for name, number in TensorProto.DataType.items()}
        found = re.fullmatch(r"U?INT(\d+)", names.get(kind, ""))
        return None if found is None else int(found[1])

    def _limits_of(self, node: "NodeProto") -> Limits | None:
        if node.op_type in _LIMITS:
            return _LIMITS[node.op_type]
        if node.op_type == "Clip":
            return self._clipped(node)
        if node.op_type in _SAME_LIMITS and node.input:
            return self.limits.get(node.input[0])
        if (scaled := self._scaled(node)) is None or scaled[0] not in self.limits:
            return None
        value, number, first = scaled
        if node.op_type == "Div" and (first or number == 0):
            return None
        ends = [_applied(node.op_type, end, number, first) for end in self.limits[value]]
        return min(ends), max(ends)

    def _clipped(self, node: "NodeProto") -> Limits | None:
        """The limits of a Clip: inputs, or attributes before opset 11."""
        given = attributes(node)
        inputs = dict(zip(("min", "max"), node.input[1:], strict=False))
        ends = (
            self._number(inputs[end]) if inputs.get(end) else given.get(end)
            for end in ("min", "max")
        )
        known = [end for end in ends if isinstance(end, float) and np.isfinite(end)]
        return (known[0], known[1]) if len(known) == 2 else None

    def _scaled(self, node: "NodeProto") -> tuple[str, float, bool] | None:
        """The value that a node scales or shifts, the number, and True if the number is first."""
        if node.op_type not in _SCALED or len(node.input) != 2:
            return None
        for value, other in ((0, 1), (1, 0)):
            if (number := self._number(node.input[other])) is not None:
                return node.input[value], number, other == 0
        return None

    def _number(self, name: str) -> float | None:
        """A constant of one element."""
        tensor = self._constants.get(name)
        if tensor is None or any(size != 1 for size in tensor.dims):
            return None
        array = read_tensor(tensor, self.graph.path)
        number = np.nan if array is None else float(array.ravel()[0])
        return number if np.isfinite(number) else None


def activation_bits(
    graph: Graph, binary: Mapping[str, bool]
) -> dict[str, tuple[int | None, int | None]]:
    """Return the bits of the inputs and outputs of layers, as far as the graph determines them.

    A layer writes the bits of its widest binary reader.

    Args:
        graph: the graph of the layers.
        binary: the layers by the name of their output; False for full precision, whose bits the
            hardware determines.

    """
    levels = Levels(graph, dict(graph.integers))
    for node in graph.nodes:
        levels.feed(node)
    asked: dict[str, int] = {}
    """Bits that the readers of a value read, through the nodes between."""
    found: dict[str, tuple[int | None, int | None]] = {}
    for node in reversed(graph.nodes):
        wanted = max((asked[name] for name in node.output if name in asked), default=None)
        read, sources = wanted, list(node.input)
        if node.op_type in PRODUCTS:
            sources = sources[:1]
            read = levels.bits.get(sources[0]) if binary.get(node.output[0]) else None
            found[node.output[0]] = (read, wanted)
        if read is not None:
            asked |= {name: max(read, asked.get(name, 0)) for name in sources}
    return found


def _bits_between(limits: Limits | None) -> int | None:
    """The bits of the whole numbers between two limits."""
    if limits is None:
        return None
    levels = floor(limits[1] + 0.5) - ceil(limits[0] - 0.5) + 1
    return ceil(log2(levels)) if levels > 1 else None


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else ""


def _applied(operator: str, value: float, number: float, first: bool) -> float:
    """Apply an operator to a value and a number, which may be the first operand."""
    a, b = (number, value) if first else (value, number)
    return {"Add": a + b, "Sub": a - b, "Mul": a * b, "Div": a / b if b else 0.0}[operator]
