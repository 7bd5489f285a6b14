"""Weights that an ONNX graph computes: obstacles, quantizers, levels, and weights without data."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from simulator.base.errors import InputError
from simulator.workload import Workload
from simulator.workload.importers.onnx import read_onnx
from simulator.workload.model import load_model
from tests.onnx_graphs import Tensors, conv, q, reals, save, signs

pytestmark = pytest.mark.unit

W = reals(16, 8, 3, 3)
HALF = np.array(0.5, np.float32)
FIXED = signs(4, 16, 3, 3)
"""Weights of a second, binary layer; a network without a binary layer is an error."""


def node(op: str, inputs: str, output: str, **given: Any) -> Any:
    return helper.make_node(op, inputs.split(), [output], f"the_{op}", **given)


def network(
    path: Path, nodes: list[Any], tensors: Tensors, binarize: tuple[str, ...] = (), **given: Any
) -> tuple[Workload, dict[str, Any]]:
    """Read x -> conv with the weights `s` -> a binary layer."""
    layers = [conv("x", "s", "h"), conv("h", "fixed", "y", "second")]
    file = save(path / "n.onnx", [*nodes, *layers], {"fixed": FIXED, **tensors}, **given)
    return read_onnx(file, binarize)


def sign_of(weights: NDArray[Any]) -> NDArray[Any]:
    return np.where(weights >= 0, 1, -1).astype(np.float32)


class TestObstacles:
    """LpNormalization represents the operators that the importer does not compute."""

    SOFT = node("LpNormalization", "w", "soft")

    @pytest.mark.parametrize(
        "nodes",
        [
            [SOFT, node("Sign", "soft", "s")],
            [
                node("Sign", "w", "a"),
                node("LpNormalization", "scale", "b"),
                node("Mul", "a b", "s"),
            ],
            [node("Sign", "w", "a"), node("LpNormalization", "a", "b"), node("Add", "b half", "s")],
            [node("GreaterOrEqual", "w half", "a"), SOFT, node("Where", "a soft half", "s")],
            [
                SOFT,
                node("QuantizeLinear", "soft half", "i"),
                node("DequantizeLinear", "i half", "s"),
            ],
            [
                q("Quant", ["w", "half", "half", "bits"], "s"),
            ],
        ],
        ids=["before", "on the scale", "after", "where", "quantize", "unknown bits"],
    )
    def test_are_refused_if_the_layer_may_be_binary(self, tmp_path: Path, nodes: list[Any]) -> None:
        tensors: Tensors = {"w": W, "half": HALF, "scale": reals(16, 1, 1, 1)}
        bits = helper.make_tensor_value_info("bits", TensorProto.FLOAT, ())
        name = "Quant" if nodes[0].op_type == "Quant" else "the_LpNormalization"
        with pytest.raises(InputError, match=f"Conv node 'conv': its weights come from .*'{name}'"):
            network(tmp_path, nodes, tensors, inputs=[bits])
        workload, trained = network(tmp_path, nodes, tensors, ("conv",), inputs=[bits])
        assert [x.full_precision for x in workload.layers] == [False, False]
        assert list(trained) == ["second"]
        assert f"{name!r}" in workload.notes[0]
        assert "only their shapes" in workload.notes[0]

    @pytest.mark.parametrize("after", ["Add", "Sub", "Mul"])
    def test_give_full_precision_with_a_note_otherwise(self, tmp_path: Path, after: str) -> None:
        nodes = [self.SOFT, node(after, "soft half", "s")]
        workload, trained = network(tmp_path, nodes, {"w": W, "half": HALF})
        assert [x.full_precision for x in workload.layers] == [True, False]
        assert "conv" not in trained
        (note,) = workload.notes
        assert note == (
            "The weights of conv come from LpNormalization 'the_LpNormalization', which is not "
            "computed, and count as full precision."
        )

    def test_of_unknown_operators_are_refused(self, tmp_path: Path) -> None:
        """An operator of an extension may take the sign itself."""
        nodes = [helper.make_node("Binarize", ["w"], ["s"], "mine", domain="my.ops")]
        info = [helper.make_tensor_value_info("s", TensorProto.FLOAT, W.shape)]
        with pytest.raises(InputError, match=r"Binarize 'mine' \(domain 'my.ops'\), .* may be bin"):
            network(tmp_path, nodes, {"w": W}, info=info)

    def test_reach_a_table_of_kernels(self, tmp_path: Path) -> None:
        """Signs after the obstacle may make the weights binary, too."""
        nodes = [
            node("LpNormalization", "w", "soft"),
            node("Cast", "soft", "index", to=TensorProto.INT64),
            node("Gather", "table index", "g"),
            node("ReduceMean", "g", "s", axes=[4], keepdims=0),
        ]
        with pytest.raises(InputError, match="pass through 'table' and may be binary"):
            network(tmp_path, nodes, {"w": W, "table": signs(16, 9)})

    def test_of_unknown_shape_are_refused(self, tmp_path: Path) -> None:
        nodes = [helper.make_node("Foo", ["w"], ["s"], "mine", domain="my.ops")]
        with pytest.raises(InputError, match=r"Foo 'mine' \(domain 'my.ops'\).*their shape cannot"):
            network(tmp_path, nodes, {"w": W})

    def test_of_unread_types(self, tmp_path: Path) -> None:
        wide = helper.make_tensor("w", TensorProto.FLOAT8E4M3FN, W.shape, W.ravel() > 0)
        nodes = [node("Cast", "w", "s", to=TensorProto.FLOAT)]
        workload, trained = network(tmp_path, nodes, {}, extra=[wide])
        assert list(trained) == ["second"]
        assert "'w', whose type FLOAT8E4M3FN is not supported" in workload.notes[0]


ALPHA = np.abs(W).mean((1, 2, 3), keepdims=True)
TABLE = signs(16, 9, seed=4)
SCORES = reals(128, 16, seed=5)
COMPUTED: dict[str, tuple[list[Any], NDArray[Any]]] = {
    "Tanh": ([node("Tanh", "w", "s")], np.tanh(W)),
    "Tanh + 0.5": ([node("Tanh", "w", "t"), node("Add", "t half", "s")], np.tanh(W) + HALF),
    "Round": ([node("Round", "w", "s")], np.rint(W)),
    "Log": ([node("Abs", "w", "a"), node("Log", "a", "s")], np.log(np.abs(W))),
    "Gather": ([node("Gather", "w order", "s", axis=1)], W[:, ::-1]),
    "Tile": ([node("Gather", "w two", "t", axis=1), node("Tile", "t repeats", "s")],
             np.tile(W[:, 2:4], (1, 4, 1, 1))),
    "Split": ([helper.make_node("Split", ["w"], ["a", "b"], axis=1, num_outputs=2),
               node("Concat", "b a", "s", axis=1)], np.roll(W, 4, axis=1)),
    "sign, Expand, Shape": (
        [node("Sign", "w", "b"), node("Shape", "w", "shape"), node("Expand", "alpha shape", "e"),
         node("Mul", "b e", "s")],
        np.sign(W) * ALPHA,
    ),
    "2 ** round(log2)": (
        [node("Sign", "w", "b"), node("Log", "alpha", "l"), node("Round", "l", "r"),
         node("Exp", "r", "e"), node("Mul", "b e", "s")],
        np.sign(W) * np.exp(np.rint(np.log(ALPHA))),
    ),
    "comparison": (
        [node("GreaterOrEqual", "w zero", "c"), node("Where", "c alpha minus", "s")],
        np.where(W >= 0, ALPHA, -ALPHA),
    ),
    "largest of a table": (
        [helper.make_node("TopK", ["scores", "two_of"], ["v", "k"], axis=1),
         node("Gather", "k one", "c", axis=1), node("Gather", "table c", "g"),
         node("Reshape", "g conv_shape", "s")],
        TABLE[np.argsort(-SCORES, axis=1)[:, 1]].reshape(W.shape),
    ),
    "one-hot rows of a table": (
        [node("ScatterElements", "blank rows hits", "r", axis=1), node("MatMul", "r table", "g"),
         node("Reshape", "g conv_shape", "s")],
        TABLE[SCORES.argmax(1)].reshape(W.shape),
    ),
    "packed bits": (
        [node("BitShift", "packed shifts", "b", direction="RIGHT"),
         node("BitwiseAnd", "b bit", "a"), node("Cast", "a", "f", to=TensorProto.FLOAT),
         node("Sub", "f half", "d"), node("Reshape", "d conv_shape", "s")],
        np.where(W > 0, 0.5, -0.5),
    ),
    "shape of the image": (
        [node("Shape", "x", "shape"), node("Gather", "shape one", "n"),
         node("Concat", "head n tail", "d", axis=0), node("Reshape", "flat d", "s")],
        W,
    ),
}  # fmt: skip
PARTS: Tensors = {
    "w": W, "half": HALF, "alpha": ALPHA, "minus": -ALPHA, "zero": np.array(0, np.float32),
    "order": np.arange(8)[::-1].copy(), "two": np.array([2, 3]), "repeats": np.array([1, 4, 1, 1]),
    "table": TABLE, "scores": SCORES, "two_of": np.array([2]),
    "blank": np.zeros((128, 16), np.float32), "hits": np.ones((128, 1), np.float32),
    "rows": SCORES.argmax(1)[:, None], "conv_shape": np.array(W.shape),
    "packed": np.packbits(W > 0)[:, None], "bit": np.array(1, np.uint8),
    "shifts": np.arange(8, dtype=np.uint8)[None, ::-1].copy(),
    "one": np.array([1]), "head": np.array([16]), "tail": np.array([3, 3]), "flat": W.ravel(),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPUTED)
def test_functions_of_constants_are_computed(tmp_path: Path, name: str) -> None:
    nodes, expected = COMPUTED[name]
    workload, trained = network(tmp_path, nodes, PARTS, opset=18)
    np.testing.assert_allclose(trained["conv"].weights, expected, rtol=1e-6, atol=1e-7)
    levels = np.abs(expected.reshape(16, -1))
    assert workload.layers[0].full_precision != np.allclose(levels, levels[:, :1], rtol=1e-6)
    assert workload.notes == ()


class TestLinearQuantizers:
    CODES = np.where(W >= 0, 1, -1).astype(np.int8)
    SCALES = np.linspace(0.1, 2, 16, dtype=np.float32)

    @pytest.mark.parametrize("opset", [10, 13, 17, 19, 21])
    @pytest.mark.parametrize("zero", [True, False])
    def test_signs_of_8_bits_in_every_opset(self, tmp_path: Path, opset: int, zero: bool) -> None:
        nodes = [node("DequantizeLinear", "codes half" + " z" * zero, "s")]
        tensors: Tensors = {"codes": self.CODES, "half": HALF, "z": np.array(0, np.int8)}
        workload, trained = network(tmp_path, nodes, tensors, opset=opset)
        assert not workload.layers[0].full_precision
        assert np.array_equal(trained["conv"].weights, self.CODES * HALF)

    def test_a_scale_per_channel(self, tmp_path: Path) -> None:
        nodes = [node("DequantizeLinear", "codes scales", "s", axis=0)]
        tensors: Tensors = {"codes": self.CODES, "scales": self.SCALES}
        workload, trained = network(tmp_path, nodes, tensors)
        assert not workload.layers[0].full_precision
        expected = self.CODES * self.SCALES[:, None, None, None]
        assert np.array_equal(trained["conv"].weights, expected)

    def test_blocks_of_slices(self, tmp_path: Path) -> None:
        """Each scale holds for four input channels, which then differ in their levels."""
        scales = np.abs(reals(16, 2, 3, 3, seed=3))
        nodes = [node("DequantizeLinear", "codes scales", "s", axis=1, block_size=4)]
        tensors: Tensors = {"codes": self.CODES, "scales": scales}
        workload, trained = network(tmp_path, nodes, tensors, opset=21)
        assert workload.layers[0].full_precision
        assert np.array_equal(trained["conv"].weights, self.CODES * scales.repeat(4, axis=1))

    def test_quantize_rounds_halves_to_even_and_saturates(self, tmp_path: Path) -> None:
        nodes = [
            node("QuantizeLinear", "w scale z", "i"),
            node("DequantizeLinear", "i scale z", "s"),
        ]
        scale, zero = np.array(0.125, np.float32), np.array(3, np.int8)
        weights = np.rint(W * 40).astype(np.float32) / 16  # many halves, some beyond 127
        tensors: Tensors = {"w": weights, "scale": scale, "z": zero}
        _, trained = network(tmp_path, nodes, tensors, opset=13)
        codes = np.clip(np.rint(weights / scale) + zero, -128, 127)
        assert np.array_equal(trained["conv"].weights, (codes - zero) * scale)

    @pytest.mark.parametrize("kind", ["INT4", "INT2"])
    def test_packed_codes(self, tmp_path: Path, kind: str) -> None:
        packed = helper.make_tensor(
            "codes", getattr(TensorProto, kind), self.CODES.shape, self.CODES.ravel().tolist()
        )
        nodes = [node("DequantizeLinear", "codes half", "s")]
        opset = 21 if kind == "INT4" else 25
        _, trained = network(tmp_path, nodes, {"half": HALF}, opset=opset, extra=[packed])
        assert np.array_equal(trained["conv"].weights, self.CODES * HALF)


def test_symbolic_shapes_of_small_quantized_weights(tmp_path: Path) -> None:
    """Brevitas declares the shape of a quantizer's output with a symbol per dimension."""
    info = [helper.make_tensor_value_info("s", TensorProto.FLOAT, [f"s_dim_{n}" for n in range(4)])]
    for channels in (14, 16):  # 1,008 and 1,152 numbers; up to 1,024 may be a shape
        path = tmp_path / f"{channels}.onnx"
        weights = reals(channels, 8, 3, 3)
        quantizer = helper.make_node(
            "BipolarQuant", ["w", "half"], ["s"], "bq", domain="onnx.brevitas"
        )
        nodes = [quantizer, conv("x", "s", "y")]
        save(path, nodes, {"w": weights, "half": HALF}, opset=11, info=info)
        workload, trained = read_onnx(path)
        assert not workload.layers[0].full_precision
        assert np.array_equal(trained["conv"].weights, sign_of(weights))


CLIPPED = np.clip(W, -1, 1)
DEAD = np.where(np.arange(16)[:, None, None, None] == 7, 0, sign_of(W) * ALPHA).astype(np.float32)
LEVELS: dict[str, tuple[NDArray[Any], bool, str]] = {
    "rounding": ((ALPHA * np.sign(W) - CLIPPED) + CLIPPED, True, ""),
    "negative alpha": (sign_of(W) * -ALPHA, True, ""),
    "dead channel": (DEAD, True, ""),
    "offset": (sign_of(W) * ALPHA + ALPHA / 3, True, "have the form beta +- alpha"),
    "near": (
        sign_of(W) * (1 + 1e-3 * W).astype(np.float32),
        False,
        "conv miss +-alpha by up to 0.",
    ),
    "bits": ((W > 0).astype(np.float32), False, "conv are 0 and 1"),
    "ternary": (np.where(np.abs(W) < 0.5, 0, np.sign(W)), False, "conv are ternary"),
    "same sign": (np.where(W > 0, 0.6, 0.2), False, "other than +-alpha, 0.2 and 0.6 in the first"),
    "0 and alpha": (np.where(W > 0, 0.7, 0), False, "other than +-alpha, 0 and 0.7 in the first"),
    "real": (W, False, ""),
}


@pytest.mark.parametrize("name", LEVELS)
def test_levels(tmp_path: Path, name: str) -> None:
    weights, binary, note = LEVELS[name]
    workload, trained = network(tmp_path, [], {"s": weights.astype(np.float32)})
    assert workload.layers[0].full_precision != binary
    assert len(workload.notes) == bool(note)
    assert note in "".join(workload.notes)
    if binary and name != "dead channel":
        expected = sign_of(W) * (-1 if name == "negative alpha" else 1)
        assert np.array_equal(np.sign(trained["conv"].weights), expected)


def test_the_obstacle_of_the_only_layer_is_named(tmp_path: Path) -> None:
    nodes = [TestObstacles.SOFT, conv("x", "soft", "y")]
    workload, _ = read_onnx(save(tmp_path / "n.onnx", nodes, {"w": W}))
    first, last = workload.notes
    assert first.startswith("The weights of conv come from LpNormalization 'the_LpNorm")
    assert last == "No layer has weights of +-1; --binarize takes the signs of layers: conv."


def test_operators_of_a_graph_without_layers(tmp_path: Path) -> None:
    nodes = [node("Relu", "x", "y"), conv("x", "w", "h", "aside")]
    words = "its operators are Relu; no output depends on Conv 'aside'"
    with pytest.raises(InputError, match=words):
        read_onnx(save(tmp_path / "n.onnx", nodes, {"w": W}))


def test_binarize_takes_the_smaller_of_two_levels_as_minus_one(tmp_path: Path) -> None:
    tensors = {"w": np.where(W > 0, 0.6, 0.2).astype(np.float32)}
    path = save(tmp_path / "n.onnx", [conv("x", "w", "y")], tensors)
    workload = load_model(path, binarize=("conv",))
    kernels = workload.layers[0].kernels
    assert kernels is not None
    assert np.array_equal(kernels.signs().reshape(W.shape), sign_of(W))
    assert "(0.2 and 0.6 in the first channel of conv)" in "".join(workload.notes)


def test_signs_in_kernels_that_are_too_large_are_full_precision_with_a_note(tmp_path: Path) -> None:
    nodes = [conv("x", "w", "h", pads=[4] * 4), conv("h", "fixed", "y", "second")]
    tensors = {"w": signs(16, 8, 9, 9), "fixed": FIXED}
    workload, _ = read_onnx(save(tmp_path / "n.onnx", nodes, tensors))
    assert [x.full_precision for x in workload.layers] == [True, False]
    assert "conv (9x9): full precision although the weights are" in workload.notes[0]
    assert "at most 63 weights" in workload.notes[0]


class TestWithoutData:
    NOTE = "The file does not hold the weights of conv; only the shapes are known."

    def check(self, workload: Workload, trained: dict[str, Any]) -> None:
        first = workload.layers[0]
        assert (first.out_channels, first.weights, first.full_precision) == (16, 1152, False)
        assert list(trained) == ["second"]
        assert self.NOTE in workload.notes

    def test_external_data_not_shipped(self, tmp_path: Path) -> None:
        tensor = TensorProto(name="s", dims=W.shape, data_type=TensorProto.FLOAT)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="not-shipped.bin")
        self.check(*network(tmp_path, [], {}, ("conv",), extra=[tensor]))

    @pytest.mark.parametrize("quantizer", [True, False])
    def test_constant_of_shape(self, tmp_path: Path, quantizer: bool) -> None:
        """A file without weights fills them with zeros; they are not kernels."""
        nodes = [node("ConstantOfShape", "d", "f"), node("Identity", "f", "s")]
        if quantizer:  # which declares the layer to be binary
            nodes[1] = q("BipolarQuant", ["f", "half"], "s")
        tensors: Tensors = {"d": np.array([16, 8, 3, 3]), "half": HALF}
        self.check(*network(tmp_path, nodes, tensors, () if quantizer else ("conv",)))

    def test_a_filler_is_a_number_among_others(self, tmp_path: Path) -> None:
        """torch.where(w >= 0, ones_like(w), -ones_like(w)) * alpha."""
        nodes = [
            node("Shape", "w", "d"), node("GreaterOrEqual", "w zero", "c"),
            node("ConstantOfShape", "d", "ones", value=helper.make_tensor("v", 1, [1], [1.0])),
            node("Neg", "ones", "minus_ones"), node("Where", "c ones minus_ones", "b"),
            node("Mul", "b alpha", "s"),
        ]  # fmt: skip
        workload, trained = network(tmp_path, nodes, PARTS | {"minus": -ALPHA})
        assert not workload.layers[0].full_precision
        assert np.array_equal(trained["conv"].weights, sign_of(W) * ALPHA)

    def test_half_a_billion_numbers(self, tmp_path: Path) -> None:
        """2^29 weights are declared; nothing of this size exists."""
        tensor = TensorProto(name="w", dims=(1 << 14, 1 << 15), data_type=TensorProto.FLOAT)
        nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], "fc")]
        path = save(tmp_path / "n.onnx", nodes, {}, (1, 1 << 14), extra=[tensor])
        workload, trained = read_onnx(path, ["fc"])
        assert workload.layers[0].weights == 1 << 29
        assert trained == {}
