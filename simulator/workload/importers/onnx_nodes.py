"""One node of an ONNX graph: its attributes, what it reads, and its outputs for constant inputs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto


class UncomputableError(ValueError):
    """The error for a node that is not computable; its message is the reason."""


def is_standard(node: "NodeProto") -> bool:
    """True if the operator belongs to ONNX itself, not to an extension."""
    return node.domain in {"", "ai.onnx"}


def label(node: "NodeProto") -> str:
    """The name of a node, or of its first output if it has none."""
    return node.name or "".join(node.output[:1])


def where(path: Path, node: "NodeProto") -> str:
    """The file, operator, name and domain of a node, for errors."""
    domain = "" if is_standard(node) else f" (domain {node.domain!r})"
    return f"{path}: {node.op_type} node {label(node)!r}{domain}"


def attributes(node: "NodeProto") -> dict[str, Any]:
    """The attributes of a node as plain values; None for an attribute of unknown type."""
    from onnx import helper

    values: dict[str, Any] = {}
    for item in node.attribute:
        try:
            values[item.name] = helper.get_attribute_value(item)
        except ValueError:
            values[item.name] = None
    return values


def subgraphs(node: "NodeProto") -> Iterator["GraphProto"]:
    """Yield the graphs in a node's attributes: the branches of a conditional, a loop's body."""
    for item in node.attribute:
        if item.HasField("g"):
            yield item.g
        yield from item.graphs


def reads(node: "NodeProto") -> Iterator[str]:
    """Yield the names of all values that a node reads, in its subgraphs too."""
    yield from filter(None, node.input)
    for graph in subgraphs(node):
        own = {value.name for value in (*graph.input, *graph.initializer)}
        for inner in graph.node:
            yield from (name for name in reads(inner) if name not in own)
            own.update(inner.output)
        yield from (value.name for value in graph.output if value.name not in own)


def compute(
    node: "NodeProto", feeds: Mapping[str, NDArray[Any] | None], opsets: Mapping[str, int]
) -> list[NDArray[Any]]:
    """Run a node in onnx's own reference implementation.

    Args:
        node: an operator of ONNX itself.
        feeds: the node's inputs by name.
        opsets: version of the operators by domain.

    Returns:
        The node's outputs, without those that have no name.

    Raises:
        UncomputableError: the node is invalid, or onnx does not implement its version.

    """
    from onnx import TypeProto, helper
    from onnx.reference import ReferenceEvaluator

    lone = helper.make_graph(
        [node],
        "node",
        [helper.make_value_info(name, TypeProto()) for name in feeds],
        [helper.make_value_info(name, TypeProto()) for name in node.output if name],
    )
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    try:
        with np.errstate(all="ignore"):
            model = helper.make_model(lone, opset_imports=imports)
            results = ReferenceEvaluator(model).run(None, dict(feeds))
    except Exception as error:  # an invalid node may raise any error
        raise UncomputableError(" ".join(str(error).split())[:200]) from error
    return [np.asarray(result) for result in results]
