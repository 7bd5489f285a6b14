"""Activation bits that the quantizers of an ONNX graph determine."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from simulator import simulate
from simulator.workload.importers.onnx import read_onnx

pytestmark = pytest.mark.unit

QONNX = "qonnx.custom_op.general"


def node(op: str, inputs: list[str], output: str, domain: str = "", **given: Any) -> Any:
    return helper.make_node(op, inputs, [output], output, domain=domain, **given)


def conv(x: str, w: str, y: str) -> Any:
    return helper.make_node("Conv", [x, w], [y], w, pads=[1] * 4, kernel_shape=[3, 3])


def signs(seed: int) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).choice([-1, 1], (8, 8, 3, 3))
    return drawn.astype(np.float32)


def bits_of(
    path: Path, nodes: list[Any], kind: int = TensorProto.FLOAT, **tensors: Any
) -> dict[str, tuple[int | None, int | None]]:
    """Bits of the inputs and outputs of the layers of a graph with the image x and the output y."""
    weights = {name: signs(n) for n, name in enumerate("abc")}
    held = [numpy_helper.from_array(np.asarray(v), k) for k, v in (weights | tensors).items()]
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", kind, (1, 8, 6, 6))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        held,
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(QONNX, 1)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets).SerializeToString())
    workload, _ = read_onnx(path)
    return {x.name: (x.activation_bits, x.output_bits) for x in workload.layers}


def f32(value: float) -> NDArray[np.float32]:
    return np.float32(value).reshape(())


QUANTIZERS: dict[str, tuple[list[Any], dict[str, Any], int | None]] = {
    "sign": ([node("Sign", ["h"], "k")], {}, 1),
    "bipolar": ([node("BipolarQuant", ["h", "s"], "k", QONNX)], {"s": f32(1)}, 1),
    "quant": (
        [
            node(
                "Quant", ["h", "s", "z", "w"], "k", QONNX, signed=0, narrow=0, rounding_mode="ROUND"
            )
        ],
        {"s": f32(0.1), "z": f32(0), "w": f32(4)},
        4,
    ),
    "thresholds": (
        [node("MultiThreshold", ["h", "t"], "k", QONNX, out_dtype="UINT2")],
        {"t": np.zeros((1, 3), np.float32)},
        2,
    ),
    "qdq": (
        [
            node("QuantizeLinear", ["h", "s", "z"], "i"),
            node("DequantizeLinear", ["i", "s", "z"], "k"),
        ],
        {"s": f32(0.1), "z": np.int8(0)},
        8,
    ),
    "dorefa": (
        [
            node("Clip", ["h", "zero", "one"], "clipped"),
            node("Mul", ["clipped", "n"], "m"),
            node("Round", ["m"], "r"),
            node("Div", ["r", "n"], "k"),
        ],
        {"zero": f32(0), "one": f32(1), "n": f32(15)},
        4,
    ),
    "sigmoid": (
        [
            node("Sigmoid", ["h"], "clipped"),
            node("Mul", ["clipped", "n"], "m"),
            node("Floor", ["m"], "k"),
        ],
        {"n": f32(3)},
        2,
    ),
    "rounds without limits": ([node("Round", ["h"], "k")], {}, None),
    "none": ([node("Relu", ["h"], "k")], {}, None),
}


@pytest.mark.parametrize("name", QUANTIZERS)
def test_a_layer_reads_the_bits_of_its_quantizer(tmp_path: Path, name: str) -> None:
    nodes, tensors, bits = QUANTIZERS[name]
    path = tmp_path / "m.onnx"
    found = bits_of(path, [conv("x", "a", "h"), *nodes, conv("k", "b", "y")], **tensors)
    assert found == {"a": (None, bits), "b": (bits, None)}


@pytest.mark.parametrize(
    ("between", "bits"),
    [
        (node("MaxPool", ["q"], "k", kernel_shape=[1, 1]), 1),
        (node("Mul", ["q", "two"], "k"), 1),
        (node("Mul", ["q", "each"], "k"), None),
        (node("AveragePool", ["q"], "k", kernel_shape=[1, 1]), None),
        (node("Add", ["q", "h"], "k"), None),
    ],
    ids=lambda x: getattr(x, "op_type", ""),
)
def test_the_bits_last_as_long_as_the_levels(
    tmp_path: Path, between: Any, bits: int | None
) -> None:
    tensors = {"two": f32(2), "each": np.arange(1, 9, dtype=np.float32).reshape(1, 8, 1, 1)}
    nodes = [conv("x", "a", "h"), node("Sign", ["h"], "q"), between, conv("k", "b", "y")]
    assert bits_of(tmp_path / "m.onnx", nodes, **tensors)["b"] == (bits, None)


def test_a_layer_writes_the_bits_of_its_widest_reader(tmp_path: Path) -> None:
    nodes = [
        conv("x", "a", "h"),
        node("Sign", ["h"], "one"),
        node("QuantizeLinear", ["h", "s"], "i"),
        node("DequantizeLinear", ["i", "s"], "eight"),
        conv("one", "b", "u"),
        conv("eight", "c", "v"),
        node("Add", ["u", "v"], "y"),
    ]
    found = bits_of(tmp_path / "m.onnx", nodes, s=f32(0.1))
    assert found == {"a": (None, 8), "b": (1, None), "c": (8, None)}


def test_an_image_of_bytes_has_8_bits(tmp_path: Path) -> None:
    nodes = [node("Cast", ["x"], "k", to=TensorProto.FLOAT), conv("k", "a", "y")]
    found = bits_of(tmp_path / "m.onnx", nodes, TensorProto.UINT8)
    assert found == {"a": (8, None)}


def test_many_joins_take_no_time(tmp_path: Path) -> None:
    """Each value joins the previous value with itself: as many paths as 2 to the power of 40."""
    nodes = [conv("x", "a", "h"), node("Sign", ["h"], "k0")]
    nodes += [node("Add", [f"k{n}", f"k{n}"], f"k{n + 1}") for n in range(40)]
    nodes += [node("Sign", ["k40"], "k"), conv("k", "b", "y")]
    assert bits_of(tmp_path / "m.onnx", nodes) == {"a": (None, 1), "b": (1, None)}


def test_a_run_uses_them_and_names_layers_that_the_command_changes(tmp_path: Path) -> None:
    nodes, tensors, _ = QUANTIZERS["quant"]
    path = tmp_path / "m.onnx"
    bits_of(path, [conv("x", "a", "h"), *nodes, conv("k", "b", "y")], **tensors)
    own, narrow = simulate(path, "cofluent64"), simulate(path, "cofluent64", activation_bits=1)
    assert own.cycles > narrow.cycles
    assert any("b reads 1 bit per activation, as the command asks" in x for x in narrow.notes())
