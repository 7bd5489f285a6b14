"""One node of an ONNX graph: its attributes, and its output for constant inputs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import NodeProto


class UncomputableError(ValueError):
    """The error for a node that is not computable; its message is the reason."""


def is_standard(node: "NodeProto") -> bool:
    """True if the operator belongs to ONNX itself, not to an extension."""
    return node.domain in {"", "ai.onnx"}


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


def compute(
    node: "NodeProto", feeds: Mapping[str, NDArray[Any] | None], opsets: Mapping[str, int]
) -> NDArray[Any]:
    """Run a node with one output in onnx's own reference implementation.

    Args:
        node: an operator of ONNX itself.
        feeds: the node's inputs by name.
        opsets: version of the operators by domain.

    Raises:
        UncomputableError: the node is invalid.

    """
    from onnx import TypeProto, helper
    from onnx.reference import ReferenceEvaluator

    lone = helper.make_graph(
        [node],
        "node",
        [helper.make_value_info(name, TypeProto()) for name in feeds],
        [helper.make_value_info(node.output[0], TypeProto())],
    )
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    try:
        with np.errstate(all="ignore"):
            model = helper.make_model(lone, opset_imports=imports)
            (result,) = ReferenceEvaluator(model).run(None, dict(feeds))
    except Exception as error:  # an invalid node may raise any error
        raise UncomputableError(" ".join(str(error).split())[:200]) from error
    array: NDArray[Any] = np.asarray(result)
    return array
