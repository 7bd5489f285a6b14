"""One node of an ONNX graph: its attributes, and what it makes of constants."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import NodeProto


class UncomputableError(ValueError):
    """A node that cannot be computed, with the reason."""


def is_standard(node: "NodeProto") -> bool:
    """Whether the operator is one of ONNX itself, not of an extension."""
    return node.domain in {"", "ai.onnx"}


def attributes(node: "NodeProto") -> dict[str, Any]:
    """The attributes of a node as plain values; None for one of an unknown type."""
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
    """Run one node of one output by onnx's own reference implementation.

    Args:
        node: an operator of ONNX itself.
        feeds: its inputs by name.
        opsets: version of the operators by domain.

    Raises:
        UncomputableError: the node is wrong.

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
    except Exception as error:  # whatever the reference implementation raises on a wrong node
        raise UncomputableError(" ".join(str(error).split())[:200]) from error
    array: NDArray[Any] = np.asarray(result)
    return array
