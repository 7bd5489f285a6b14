"""ONNX graphs as workloads: QONNX's operators, odd graphs, and broken files."""

import random
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from simulator.base.errors import InputError
from simulator.workload.importers.onnx import read_onnx
from tests.measure import SPREAD, measured
from tests.onnx_graphs import conv, q, reals, save, signs

pytestmark = pytest.mark.unit


def peak_of(work: Callable[[], object]) -> int:
    """Peak bytes of Python and numpy during some work, after its imports."""
    work()
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


SCALARS = {
    "scale": np.array(0.3, np.float32),
    "zero": np.array(0, np.float32),
    "one": np.array(1, np.float32),
    "four": np.array(4, np.float32),
}


@pytest.mark.parametrize(
    ("quantiser", "binary"),
    [
        (q("BipolarQuant", ["w", "scale"], "wq"), True),
        (q("Quant", ["w", "scale", "zero", "one"], "wq", signed=1, narrow=1), True),
        (q("Quant", ["w", "scale", "zero", "one"], "wq", signed=0, narrow=0), False),
        (q("Quant", ["w", "scale", "zero", "four"], "wq", signed=1, narrow=1), False),
        (helper.make_node("Sign", ["w"], ["wq"], "sign"), True),
    ],
    ids=["bipolar", "1 bit", "unsigned", "4 bits", "sign"],
)
def test_qonnx_quantisers(tmp_path: Path, quantiser: Any, binary: bool) -> None:
    """Weights after a binary quantizer are binary. A quantizer of activations has no effect."""
    weights = reals(16, 8, 3, 3)
    if quantiser.op_type != "Sign":
        weights[0, 0, 0, 0] = 0  # QONNX: x >= 0 gives +1
    nodes = [
        quantiser,
        q("BipolarQuant", ["x", "scale"], "xq"),
        conv("xq", "wq", "a", "layer1.conv"),
        q("Quant", ["a", "scale", "zero", "four"], "aq", signed=1, narrow=0),
        conv("aq", "fixed", "y", "layer2.conv"),
    ]
    path = save(tmp_path / "n.onnx", nodes, {"w": weights, "fixed": signs(4, 16, 3, 3)} | SCALARS)
    workload, trained = read_onnx(path)
    assert [x.full_precision for x in workload.layers] == [not binary, False]
    assert [x.name for x in workload.layers] == ["layer1.conv", "layer2.conv"]
    assert workload.layers[1].in_height == 6
    expected = np.where(weights >= 0, 1, -1) if binary else weights
    assert np.array_equal(trained["layer1.conv"].weights, expected)


def test_a_sign_that_gives_zero_is_refused_unless_binarized(tmp_path: Path) -> None:
    weights = reals(16, 8, 3, 3)
    weights[0, 0, 0, :2] = 0
    nodes = [helper.make_node("Sign", ["w"], ["s"], "sgn"), conv("x", "s", "y")]
    path = save(tmp_path / "n.onnx", nodes, {"w": weights})
    with pytest.raises(InputError, match=r"sign of node 'sgn'.*2 are 0.*binarize 'conv'"):
        read_onnx(path)
    workload, trained = read_onnx(path, ["conv"])
    assert not workload.layers[0].full_precision
    assert trained["conv"].weights[0, 0, 0, 0] == 0  # an importer of signs counts it as -1


@pytest.mark.parametrize(
    ("weights", "binary"),
    [
        (signs(16, 8, 3, 3), True),
        (signs(16, 8, 3, 3) * np.linspace(0.1, 2, 16, dtype=np.float32)[:, None, None, None], True),
        (signs(16, 8, 1, 1) * np.float32(0.7), True),
        (signs(16, 8, 3, 3).astype(np.float16), True),
        (signs(16, 8, 3, 3) * np.linspace(0.1, 2, 8, dtype=np.float32)[:, None, None], False),
        (signs(16, 8, 5, 5), True),
        (signs(16, 8, 1, 7), True),
        (signs(16, 8, 9, 9), False),
        (np.where(np.arange(9).reshape(3, 3) == 4, 0, signs(16, 8, 3, 3)), False),
    ],
    ids=["+-1", "+-alpha", "1x1", "float16", "alpha per input", "5x5", "1x7", "9x9", "ternary"],
)
def test_which_weights_are_binary(tmp_path: Path, weights: NDArray[Any], binary: bool) -> None:
    pads = [side // 2 for side in weights.shape[2:]] * 2
    nodes = [conv("x", "w", "a", pads=pads), conv("a", "other", "y", "other")]
    weights = weights.astype(np.float32) if weights.dtype == np.float64 else weights
    path = save(tmp_path / "n.onnx", nodes, {"w": weights, "other": signs(4, 16, 3, 3)})
    workload, trained = read_onnx(path)
    assert workload.layers[0].full_precision == (not binary)
    assert np.array_equal(trained["conv"].weights, weights.astype(np.float32))


def test_one_weight_per_output_is_binary_only_if_all_are_alike(tmp_path: Path) -> None:
    """Depthwise 1x1: each number has its own scale alpha."""
    for name, weights, full in (("r", reals(8, 1, 1, 1), True), ("s", signs(8, 1, 1, 1), False)):
        nodes = [conv("x", "w", "a", group=8, pads=[0] * 4), conv("a", "v", "y", "other")]
        path = save(tmp_path / f"{name}.onnx", nodes, {"w": weights, "v": signs(4, 8, 3, 3)})
        assert read_onnx(path)[0].layers[0].full_precision == full


def test_names_are_usable_in_files_and_tables(tmp_path: Path) -> None:
    """Names from torch-style weights, the node, or a number; never empty or unprintable."""
    names = [
        (".weight", "first"),
        (".a.weight", ""),
        ("\n.weight", "\t"),
        ("w", "/l/l.0/conv/Conv"),
    ]
    nodes = [conv(f"x{n}", w, f"x{n + 1}", name) for n, (w, name) in enumerate(names)]
    nodes[0].input[0] = "x"
    nodes.append(conv("x4", "long", "y", "n" * 500))
    tensors = {w: signs(8, 8, 3, 3) for w, _ in (*names, ("long", ""))}
    layers = read_onnx(save(tmp_path / "n.onnx", nodes, tensors))[0].layers
    assert [x.name for x in layers] == ["first", ".a", "conv3", "l.0.conv", "long"]
    assert [x.stage for x in layers] == ["first", ".a", "conv3", "l", "long"]


def test_binarize(tmp_path: Path) -> None:
    tensors = {f"{name}.weight": reals(8, 8, size, size) for name, size in (("a.x", 5), ("b.x", 9))}
    nodes = [conv("x", "a.x.weight", "h", pads=[2] * 4), conv("h", "b.x.weight", "y", pads=[4] * 4)]
    path = save(tmp_path / "n.onnx", nodes, tensors)
    assert [x.full_precision for x in read_onnx(path, ["a*"])[0].layers] == [False, True]
    workload, _ = read_onnx(path)
    assert all(x.full_precision for x in workload.layers)
    assert workload.notes == (
        "No layer has weights of +-1; --binarize takes the signs of layers: a.x.",
    )
    for patterns, words in (
        (["a*", "c*"], r"binarize 'c\*' matches no layer; the layers are a.x, b.x$"),
        (["*"], r"binarize '\*' matches layer 'b.x', whose kernel is 9x9; a binary kernel has at"),
    ):
        with pytest.raises(InputError, match=words):
            read_onnx(path, patterns)


def test_weights_that_are_inputs_or_stripped(tmp_path: Path) -> None:
    """The import derives all known shapes; without weights it cannot choose kernels."""
    weight = helper.make_tensor_value_info("a.weight", TensorProto.FLOAT, (16, 4, 3, 3))
    fc = helper.make_tensor_value_info("fc.weight", TensorProto.FLOAT, (10, 16))
    nodes = [
        conv("x", "a.weight", "h", group=2, strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["h"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "fc.weight"], ["y"], "fc", transB=1),
    ]
    declared = save(tmp_path / "inputs.onnx", nodes, {}, inputs=(weight, fc))
    model = onnx.load(declared)
    del model.graph.input[1:]
    for name, shape in (("a.weight", (16, 4, 3, 3)), ("fc.weight", (10, 16))):
        model.graph.initializer.append(
            TensorProto(name=name, dims=shape, data_type=TensorProto.FLOAT)
        )
    stripped = tmp_path / "stripped.onnx"
    stripped.write_bytes(model.SerializeToString())
    for path in (declared, stripped):
        workload, trained = read_onnx(path, ["a"])
        first, last = workload.layers
        assert (first.name, first.out_channels, first.groups, first.out_height) == ("a", 16, 2, 3)
        assert (last.name, last.in_channels, last.out_channels) == ("fc", 16, 10)
        assert not first.full_precision
        assert trained == {}


def test_a_linear_layer_over_tokens_and_a_shared_weight(tmp_path: Path) -> None:
    nodes = [
        conv("x", "s.weight", "h"),
        conv("h", "s.weight", "k"),
        helper.make_node("Reshape", ["k", "shape"], ["r"]),
        helper.make_node("Transpose", ["r"], ["t"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["t", "m"], ["y"], "proj"),
    ]
    shape = np.array([0, 8, -1], np.int64)
    tensors = {"s.weight": signs(8, 8, 3, 3), "m": reals(8, 5), "shape": shape}
    workload, trained = read_onnx(save(tmp_path / "n.onnx", nodes, tensors, ("N", 8, 6, 6)))
    assert [x.name for x in workload.layers] == ["s", "s_2", "proj"]
    last = workload.layers[2]
    assert (last.in_channels, last.out_channels, last.in_width, last.images) == (8, 5, 36, 1)
    assert np.array_equal(trained["proj"].weights[:, :, 0, 0], tensors["m"].T)


def test_same_padding_counts_as_what_it_comes_to(tmp_path: Path) -> None:
    tensors = {"w": signs(8, 8, 3, 3)}
    node = helper.make_node("Conv", ["x", "w"], ["y"], "conv", auto_pad="SAME_UPPER")
    (layer,) = read_onnx(save(tmp_path / "n.onnx", [node], tensors))[0].layers
    assert (layer.padding, layer.out_height) == (1, 6)
    node = helper.make_node("Conv", ["x", "w"], ["y"], "c", auto_pad="SAME_UPPER", strides=[2, 2])
    (layer,) = read_onnx(save(tmp_path / "n.onnx", [node], tensors))[0].layers
    # 6 pixels, stride 2: 3 outputs span 2 x 2 + 3 = 7; one pixel is therefore added, at the far
    # side only
    assert (layer.padding, layer.in_height, layer.out_height) == (0, 7, 3)


def test_padding_that_sides_do_not_share_belongs_to_the_map(tmp_path: Path) -> None:
    """Equal to a `Pad` before the convolution, the form that other exporters write."""
    tensors = {"w": signs(8, 8, 3, 3)}
    inside = save(tmp_path / "a.onnx", [conv("x", "w", "y", pads=[1, 2, 3, 1])], tensors)
    before = [helper.make_node("Pad", ["x", "p"], ["h"]), conv("h", "w", "y")]
    # Pad counts batch, channel, top, left, then the ends: the excess over 1 of 1, 2, 3, 1
    pads = np.array([0, 0, 0, 1, 0, 0, 2, 0], np.int64)
    outside = save(tmp_path / "b.onnx", before, tensors | {"p": pads})
    (layer,), (other,) = (read_onnx(path)[0].layers for path in (inside, outside))
    assert layer == other
    # 6 + 1 + 3 = 10 rows and 6 + 2 + 1 = 9 columns, of which 2 are padding: 8 and 7 outputs
    assert (layer.in_height, layer.in_width, layer.out_height, layer.out_width) == (8, 7, 8, 7)


def test_sizes_per_axis(tmp_path: Path) -> None:
    """A 3x1 kernel over 6 x 6 pixels: (6 + 2 - 3) // 2 + 1 = 3 rows, (6 + 4 - 1) // 3 + 1 = 4."""
    node = conv("x", "w", "y", pads=[1, 2, 1, 2], strides=[2, 3])
    workload, _ = read_onnx(save(tmp_path / "n.onnx", [node], {"w": signs(4, 8, 3, 1)}))
    (layer,) = workload.layers
    assert (layer.kernel, layer.stride, layer.padding) == ((3, 1), (2, 3), (1, 2))
    assert (layer.out_height, layer.out_width, layer.macs) == (3, 4, 3 * 4 * 4 * 8 * 3)
    assert (layer.full_precision, workload.notes) == (False, ())


@pytest.mark.parametrize("shape", [[0, 2, 4, 6, 6], [1, 2, 4, 36]])
def test_a_channel_shuffle_keeps_the_shape(tmp_path: Path, shape: list[int]) -> None:
    """Reshape, Transpose, Reshape: the second layer reads 8 channels in another order."""
    order = [0, 2, 1, *range(3, len(shape))]
    nodes = [
        conv("x", "w", "a", "first"),
        helper.make_node("Reshape", ["a", "split"], ["b"]),
        helper.make_node("Transpose", ["b"], ["c"], perm=order),
        helper.make_node("Reshape", ["c", "joined"], ["d"]),
        conv("d", "v", "y", "second", group=2),
    ]
    sizes = {"split": np.array(shape), "joined": np.array([1, -1, 6, 6])}
    tensors = {"w": signs(8, 8, 3, 3), "v": signs(8, 4, 3, 3)} | sizes
    workload, trained = read_onnx(save(tmp_path / "n.onnx", nodes, tensors))
    second = workload.layers[1]
    assert (second.in_channels, second.in_height, second.in_width) == (8, 6, 6)
    assert not second.full_precision
    assert np.array_equal(trained["second"].weights, tensors["v"])


REFUSED: dict[str, tuple[list[Any], dict[str, NDArray[Any]], str]] = {
    "pads": (
        [conv("x", "w", "y", pads=[70000] * 4)], {"w": signs(4, 8, 3, 3)}, "from 0 to 65536",
    ),
    "NaN": ([conv("x", "w", "y")], {"w": signs(4, 8, 3, 3) * np.nan}, "NaN or infinity"),
    "groups": (
        [conv("x", "w", "y", group=3)], {"w": signs(4, 8, 3, 3)}, r"in 3 groups do not fit 8 input",
    ),
    "dynamic weights": (
        [conv("x", "w", "h"), conv("x", "h", "y")], {"w": signs(4, 8, 3, 3)}, "depends on an input",
    ),
    "transposed": (
        [conv("x", "w", "h"), helper.make_node("ConvTranspose", ["h", "w"], ["y"], "up")],
        {"w": signs(8, 8, 3, 3)},
        "ConvTranspose node 'up': this operator is not supported",
    ),
    "unknown operator": (
        [helper.make_node("Odd", ["x"], ["h"], domain="qonnx.custom_op.general"),
         conv("h", "w", "y")],
        {"w": signs(4, 8, 3, 3)},
        r"Odd node 'h' \(domain 'qonnx.custom_op.general'\): this operator is not supported",
    ),
    "weights not computed": (
        [helper.make_node("LpNormalization", ["w"], ["s"], "soft"), conv("x", "s", "y")],
        {"w": signs(4, 8, 3, 3)},
        "weights come from LpNormalization 'soft', which is not computed, and pass through 'w' and",
    ),
    "no convolution": ([helper.make_node("Relu", ["x"], ["y"])], {}, "no convolution"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path: Path, name: str) -> None:
    nodes, tensors, words = REFUSED[name]
    path = save(tmp_path / "n.onnx", nodes, tensors)
    with pytest.raises(InputError, match=words) as error:
        read_onnx(path)
    assert str(error.value).startswith(str(path))


def test_layers_in_a_conditional_are_refused(tmp_path: Path) -> None:
    tensors = {"w": signs(8, 8, 3, 3), "yes": np.array(True)}
    out = helper.make_tensor_value_info("b", TensorProto.FLOAT, None)
    branch = helper.make_graph([conv("h", "w", "b", "inner")], "branch", [], [out])
    node = helper.make_node("If", ["yes"], ["y"], "if", then_branch=branch, else_branch=branch)
    path = save(tmp_path / "n.onnx", [conv("x", "w", "h"), node], tensors)
    with pytest.raises(InputError, match="If node 'if': layers inside a conditional"):
        read_onnx(path)


class TestExternalData:
    @pytest.fixture
    def model(self, tmp_path: Path) -> onnx.ModelProto:
        """A model with its weights in weights.bin, after 4 other bytes."""
        folder = tmp_path / "model"
        folder.mkdir()
        weights = signs(4, 8, 3, 3)
        (folder / "weights.bin").write_bytes(b"----" + weights.tobytes())
        model = onnx.load(save(folder / "n.onnx", [conv("x", "w", "y")], {"w": weights}))
        (tensor,) = model.graph.initializer
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": "weights.bin", "offset": "4", "length": "1152"}.items():
            tensor.external_data.add(key=key, value=value)
        return model

    def read(self, model: onnx.ModelProto, tmp_path: Path, **entries: str) -> Any:
        for entry in model.graph.initializer[0].external_data:
            entry.value = entries.get(entry.key, entry.value)
        (tmp_path / "model/n.onnx").write_bytes(model.SerializeToString())
        return read_onnx(tmp_path / "model/n.onnx")

    def test_is_read(self, model: onnx.ModelProto, tmp_path: Path) -> None:
        _, trained = self.read(model, tmp_path)
        assert np.array_equal(trained["conv"].weights, signs(4, 8, 3, 3))

    @pytest.mark.parametrize(
        ("entries", "words"),
        [
            ({"location": "../secret.bin"}, "outside the model's folder"),
            ({"location": "link.bin"}, "outside the model's folder"),
            ({"location": "/etc/hostname"}, "outside the model's folder"),
            ({"location": ""}, "outside the model's folder"),
            ({"offset": "5"}, "needs 1152 bytes of 'weights.bin' from byte 5; it has 1156"),
            ({"offset": "-4"}, "from byte -4"),
            ({"offset": "many"}, "not readable"),
            ({"length": "1148"}, "holds 1148 bytes, its shape needs 1152"),
        ],
    )
    def test_is_refused(
        self, model: onnx.ModelProto, tmp_path: Path, entries: dict[str, str], words: str
    ) -> None:
        (tmp_path / "secret.bin").write_bytes(b"----" + signs(4, 8, 3, 3).tobytes())
        (tmp_path / "model/link.bin").symlink_to(tmp_path / "secret.bin")
        with pytest.raises(InputError, match=words) as error:
            self.read(model, tmp_path, **entries)
        assert "tensor 'w'" in str(error.value)


class TestHostile:
    @pytest.fixture
    def good(self, tmp_path: Path) -> Path:
        nodes = [q("BipolarQuant", ["x", "scale"], "h"), conv("h", "w", "y")]
        return save(tmp_path / "n.onnx", nodes, {"w": signs(4, 8, 3, 3)} | SCALARS)

    @pytest.fixture(autouse=True)
    def no_memory(self, good: Path) -> Iterator[None]:
        """These tests limit Python's allocations to a small multiple of a harmless graph's.

        A harmless graph needs some kilobytes; the files claim megabytes at least.
        """
        harmless = peak_of(lambda: read_onnx(good))
        tracemalloc.start()
        yield
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 50 * harmless

    @pytest.mark.parametrize("data", [b"", b"\x08", b"PK\x03\x04 no model", b"\xff" * 1000])
    def test_no_model(self, tmp_path: Path, data: bytes) -> None:
        (tmp_path / "n.onnx").write_bytes(data)
        with pytest.raises(InputError, match=r"n\.onnx: (not an ONNX model|damaged)"):
            read_onnx(tmp_path / "n.onnx")

    def test_missing_or_a_folder(self, tmp_path: Path) -> None:
        for path in (tmp_path, tmp_path / "none.onnx"):
            with pytest.raises(InputError, match="cannot be read"):
                read_onnx(path)

    def test_truncated_or_changed_anywhere(self, good: Path, tmp_path: Path) -> None:
        data = good.read_bytes()
        rng = random.Random(1)
        refused = 0
        for trial in range(400):
            broken = bytearray(data)
            for _ in range(rng.choice([1, 1, 3])):
                broken[rng.randrange(len(data))] = rng.choice([0, 255, rng.randrange(256)])
            cut = rng.randrange(len(data)) if trial % 4 == 0 else len(data)
            (tmp_path / "b.onnx").write_bytes(bytes(broken[:cut]))
            try:
                read_onnx(tmp_path / "b.onnx")
            except InputError as error:
                refused += 1
                assert "\n" not in str(error)
        assert refused > 100

    @pytest.mark.parametrize("dims", [(1 << 40, 8, 3, 3), (4, -8, 3, 3), (1 << 62,) * 4])
    @pytest.mark.parametrize("emptied", [True, False])
    def test_claimed_weights(self, good: Path, dims: tuple[int, ...], emptied: bool) -> None:
        model = onnx.load(good)
        tensor = model.graph.initializer[0]
        tensor.dims[:] = dims
        if emptied:
            tensor.ClearField("raw_data")
        good.write_bytes(model.SerializeToString())
        with pytest.raises(InputError, match=r"has the shape|negative"):
            read_onnx(good)

    def test_claimed_image(self, good: Path) -> None:
        with pytest.raises(InputError, match="expected 1 to 1048576 each"):
            read_onnx(good, input_size=(1 << 40, 6))


def test_a_constant_made_large_by_a_node(tmp_path: Path) -> None:
    """2^28 numbers out of 2^20: the importer makes at most 2^27."""
    a, b = np.ones((1 << 20, 1, 1, 1), np.float32), np.ones((1, 256, 1, 1), np.float32)
    tensors = {"a": a, "b": b, "v": signs(4, 256, 3, 3)}
    plain = [conv("x", "v", "y")]
    outer = [helper.make_node("Mul", ["a", "b"], ["w"], "outer"), conv("x", "w", "y")]
    image = (1, 256, 6, 6)
    good = save(tmp_path / "a.onnx", plain, tensors, image)
    bad = save(tmp_path / "b.onnx", outer, tensors, image)

    def refused() -> None:
        with pytest.raises(InputError, match="Mul 'outer', which cannot be computed: it makes"):
            read_onnx(bad)

    assert peak_of(refused) < 2 * peak_of(lambda: read_onnx(good))


def test_a_shape_that_joins_itself(tmp_path: Path) -> None:
    """2^22 numbers from one number: onnx's own shape propagation would take over 1 GB."""
    peaks = []
    for often in (2, 22):
        names = [f"d{n}" for n in range(often + 1)]
        nodes = [helper.make_node("Concat", [a, a], [b], axis=0) for a, b in pairwise(names)]
        nodes += [helper.make_node("Reshape", ["x", names[-1]], ["z"]), conv("x", "w", "y")]
        tensors = {"d0": np.array([1], np.int64), "w": signs(4, 8, 3, 3)}
        path = save(tmp_path / f"{often}.onnx", nodes, tensors)
        assert read_onnx(path)[0].layers[0].out_height == 6
        _, peak = measured("extract", path, "-o", tmp_path / "w.npz", status=0)
        peaks.append(peak)
    assert peaks[1] < SPREAD * peaks[0]


def test_a_fixed_batch_counts_as_that_many_images(tmp_path: Path) -> None:
    nodes = [
        conv("x", "a", "h"),
        helper.make_node("Flatten", ["h"], ["f"]),
        helper.make_node("Gemm", ["f", "b"], ["y"], "fc"),
    ]
    tensors = {"a": signs(4, 8, 3, 3), "b": reals(144, 5)}
    layers = read_onnx(save(tmp_path / "n.onnx", nodes, tensors, (3, 8, 6, 6)))[0].layers
    assert [(x.images, x.out_channels, x.out_pixels) for x in layers] == [(1, 4, 36), (1, 5, 1)]


def test_without_the_package_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "n.onnx", [conv("x", "w", "y")], {"w": signs(4, 8, 3, 3)})
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"reading ONNX graphs needs onnx: pip install .*\[onnx\]"):
        read_onnx(path)
