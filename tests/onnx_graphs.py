"""Small ONNX graphs written by hand: image 1x8x6x6 -> nodes -> y."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Tensors = dict[str, NDArray[Any]]
QONNX = "qonnx.custom_op.general"


def save(
    path: Path,
    nodes: Sequence[Any],
    tensors: Tensors,
    image: tuple[int | str, ...] = (1, 8, 6, 6),
    inputs: Sequence[Any] = (),
    *,
    opset: int = 17,
    info: Sequence[Any] = (),
    extra: Sequence[Any] = (),
) -> Path:
    """Write a model; `extra` are tensors in onnx's own form."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, image), *inputs],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [*(numpy_helper.from_array(array, name) for name, array in tensors.items()), *extra],
        value_info=info,
    )
    domains = dict.fromkeys([QONNX, *(node.domain for node in nodes if node.domain)])
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(x, 1) for x in domains)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets).SerializeToString())
    return path


def conv(x: str, w: str, y: str, name: str = "conv", **given: Any) -> Any:
    return helper.make_node("Conv", [x, w], [y], name, **({"pads": [1] * 4} | given))


def q(op: str, inputs: list[str], output: str, **given: Any) -> Any:
    return helper.make_node(op, inputs, [output], op, domain=QONNX, **given)


def reals(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def signs(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return np.where(reals(*shape, seed=seed) > 0, 1, -1).astype(np.float32)
