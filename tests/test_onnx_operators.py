"""The operators of ONNX graphs: products are layers or errors, and no layer vanishes."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from simulator.base.errors import InputError
from simulator.workload.importers import onnx_operators as operators
from simulator.workload.importers.onnx import read_onnx
from tests.onnx_graphs import QONNX, Tensors, conv, reals, save, signs

pytestmark = pytest.mark.unit

REFUSED = {
    "Attention", "CausalConvWithState", "ConvInteger", "ConvTranspose", "DFT", "DeformConv",
    "Einsum", "GRU", "LSTM", "LinearAttention", "MatMulInteger", "QLinearConv", "QLinearMatMul",
    "RNN", "STFT",
}  # fmt: skip
"""Operators of ONNX with weights or products that the importer does not read."""


def node(op: str, inputs: list[str], output: str = "y", **given: Any) -> Any:
    return helper.make_node(op, inputs, [output], f"the_{op}", **given)


def test_the_table_has_every_operator_of_onnx_once() -> None:
    """An operator that a later version of onnx adds belongs to the table, or to REFUSED."""
    table = [operators.PRODUCTS, operators.COMPUTED, operators.MOVED]
    schemas = {each.name for each in onnx.defs.get_all_schemas() if each.domain == ""}
    assert sum(map(len, table)) == len(frozenset().union(*table))
    assert frozenset().union(*table) == schemas - REFUSED
    assert schemas | operators.QUANTIZERS >= operators.TWO_LEVELS


BIG = {"c.weight": signs(64, 8, 3, 3), "w": signs(4096, 512)}
FLAT = [conv("x", "c.weight", "c"), helper.make_node("Flatten", ["c"], ["f"])]
"""A graph whose last node is of interest; the shape of its output is not needed."""


@pytest.mark.parametrize(
    ("op", "domain"),
    [
        ("MatMulNBits", "com.microsoft"),
        ("XnorPopcountMatMul", QONNX),
        ("MVAU", "finn.custom_op.fpgadataflow"),
        ("GemmFastGelu", "com.microsoft"),
        ("Conv", "com.microsoft.nchwc"),
        ("Quant", "someone.else"),
        ("NewestOperator", ""),
        *((name, "") for name in sorted(REFUSED)),
    ],
)
@pytest.mark.parametrize("known", [True, False], ids=["shape", "no shape"])
def test_unlisted_operators_are_refused(tmp_path: Path, op: str, domain: str, known: bool) -> None:
    """Also at the end of the graph: no layer needs the operator's shape."""
    shown = rf" \(domain '{domain}'\)" if domain else ""
    info = [helper.make_tensor_value_info("h", TensorProto.FLOAT, (1, 8))] if known else []
    last = [node(op, ["f", "w"], "h", domain=domain), helper.make_node("Relu", ["h"], ["y"])]
    path = save(tmp_path / "n.onnx", [*FLAT, *last], BIG, (1, 8, 8, 8), info=info)
    with pytest.raises(InputError, match=rf"{op} node 'the_{op}'{shown}: this operator is not"):
        read_onnx(path)


@pytest.mark.parametrize(
    ("image", "weights", "given", "words"),
    [
        ((1, 8, 16), (16, 8, 3), {"pads": [1, 1]}, "1-D convolutions are not supported"),
        ((1, 8, 4, 4, 4), (16, 8, 3, 3, 3), {"pads": [1] * 6}, "3-D convolutions are not"),
    ],
)
def test_other_dimensions_are_refused(
    tmp_path: Path, image: Any, weights: Any, given: Any, words: str
) -> None:
    nodes = [conv("x", "w", "y", "the_conv", **given)]
    path = save(tmp_path / "n.onnx", nodes, {"w": signs(*weights)}, image)
    with pytest.raises(InputError, match=f"Conv node 'the_conv': {words}"):
        read_onnx(path)


@pytest.mark.parametrize(
    "last",
    [
        [node("FusedConv", ["x", "w"], domain="com.microsoft")],
        [node("Im2Col", ["x"], "h", domain=QONNX), node("MatMul", ["h", "w"])],
        [node("Attention", ["x", "x", "x"])],
    ],
    ids=["FusedConv", "Im2Col", "Attention"],
)
def test_a_graph_of_unlisted_operators_alone(tmp_path: Path, last: list[Any]) -> None:
    path = save(tmp_path / "n.onnx", last, {"w": signs(4, 8, 3, 3)})
    with pytest.raises(InputError, match=f"{last[0].op_type} node '{last[0].name}'"):
        read_onnx(path)


def test_a_layer_of_a_second_input_is_read(tmp_path: Path) -> None:
    """Weights that are inputs stay weights; data are what reaches the first operand."""
    meta = helper.make_tensor_value_info("meta", TensorProto.FLOAT, (1, 256))
    declared = helper.make_tensor_value_info("meta_fc.weight", TensorProto.FLOAT, (32, 256))
    nodes = [
        conv("x", "conv.weight", "a"),
        helper.make_node("GlobalAveragePool", ["a"], ["b"]),
        helper.make_node("Flatten", ["b"], ["f"]),
        helper.make_node("Gemm", ["meta", "meta_fc.weight"], ["m"], "meta_fc", transB=1),
        helper.make_node("Concat", ["f", "m"], ["c"], axis=1),
        helper.make_node("Gemm", ["c", "fc.weight"], ["y"], "fc", transB=1),
    ]
    tensors = {"conv.weight": signs(16, 8, 3, 3), "fc.weight": signs(10, 48)}
    for number, given in enumerate([(meta, declared), (declared, meta)]):
        path = save(tmp_path / f"{number}.onnx", nodes, tensors, inputs=given)
        layers = read_onnx(path)[0].layers
        assert [(x.name, x.macs) for x in layers] == [
            ("conv", 36 * 16 * 8 * 9),
            ("meta_fc", 32 * 256),
            ("fc", 480),
        ]


def test_a_product_of_constants_is_a_constant(tmp_path: Path) -> None:
    a, b = reals(16, 4), reals(4, 72, seed=1)
    nodes = [
        helper.make_node("MatMul", ["a", "b"], ["ab"], "product"),
        helper.make_node("Reshape", ["ab", "shape"], ["w"]),
        helper.make_node("Sign", ["w"], ["s"]),
        conv("x", "s", "y"),
    ]
    tensors: Tensors = {"a": a, "b": b, "shape": np.array([16, 8, 3, 3])}
    workload, trained = read_onnx(save(tmp_path / "n.onnx", nodes, tensors))
    (layer,) = workload.layers
    assert np.array_equal(trained[layer.name].weights.ravel(), np.sign(a @ b).ravel())


def test_unused_layers_are_left_out_with_a_note(tmp_path: Path) -> None:
    """Operators that no output needs do not run; neither is an unlisted one among them an error."""
    nodes = [
        conv("x", "w", "h", "auxiliary"),
        node("Odd", ["h"], "k", domain="my.ops"),
        conv("x", "v", "y", "main"),
    ]
    tensors = {"w": signs(4, 8, 3, 3), "v": signs(4, 8, 3, 3)}
    workload, _ = read_onnx(save(tmp_path / "n.onnx", nodes, tensors))
    assert [x.name for x in workload.layers] == ["main"]
    assert workload.notes == ("No output depends on auxiliary, the_Odd, left out.",)


def test_a_conditional_without_layers_is_read(tmp_path: Path) -> None:
    """A branch reads values of the graph around it, and so the activations' way continues."""
    out = helper.make_tensor_value_info("b", TensorProto.FLOAT, (1, 8, 6, 6))
    branch = helper.make_graph([helper.make_node("Relu", ["x"], ["b"])], "branch", [], [out])
    nodes = [
        helper.make_node("If", ["yes"], ["h"], "if", then_branch=branch, else_branch=branch),
        conv("h", "w", "y"),
    ]
    path = save(tmp_path / "n.onnx", nodes, {"w": signs(8, 8, 3, 3), "yes": np.array(True)})
    assert read_onnx(path)[0].layers[0].out_height == 6
    branch.node[0].domain = "my.ops"
    nodes[0] = helper.make_node("If", ["yes"], ["h"], "if", then_branch=branch, else_branch=branch)
    path = save(tmp_path / "n.onnx", nodes, {"w": signs(8, 8, 3, 3), "yes": np.array(True)})
    with pytest.raises(InputError, match=r"If node 'if': layers inside a conditional .*Relu 'b'"):
        read_onnx(path)


class TestNetworksOfLinearLayers:
    NODES = (
        helper.make_node("Gemm", ["f", "fc1.weight"], ["a"], transB=1),
        helper.make_node("Gemm", ["a", "fc2.weight"], ["y"], transB=1),
    )
    TENSORS = {"fc1.weight": signs(64, 784), "fc2.weight": signs(10, 64)}  # noqa: RUF012 # not changed

    @pytest.mark.parametrize("batch", [1, 4, "N"])
    @pytest.mark.parametrize("image", [(1, 28, 28), (784,)], ids=["image", "vector"])
    def test_have_the_products_of_their_matrices(
        self, tmp_path: Path, image: tuple[int, ...], batch: int | str
    ) -> None:
        nodes = [helper.make_node("Flatten", ["x"], ["f"]), *self.NODES]
        path = save(tmp_path / "n.onnx", nodes, self.TENSORS, (batch, *image))
        workload, trained = read_onnx(path)
        assert [x.macs for x in workload.binary_layers] == [64 * 784, 640]
        size = (workload.input_height, workload.input_width)
        assert size == ((28, 28) if len(image) == 3 else (1, 1))
        for name, weights in self.TENSORS.items():
            read = trained[name.removesuffix(".weight")].weights
            assert np.array_equal(read[:, :, 0, 0], weights)

    def test_sequences_have_a_pixel_per_row(self, tmp_path: Path) -> None:
        nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], "proj")]
        path = save(tmp_path / "n.onnx", nodes, {"w": signs(16, 8)}, ("N", 49, 16))
        (layer,) = read_onnx(path)[0].layers
        assert (layer.in_width, layer.macs) == (49, 49 * 16 * 8)

    @pytest.mark.parametrize(
        ("image", "size", "words"),
        [
            ((1, 784), (28, 28), "has 2 dimensions, an image 4; leave out --input-size"),
            (("N", "T", 784), None, r"dynamic \(\?x784\); export the model with a fixed size"),
            ((784,), None, "no input has 2 or more dimensions"),
        ],
    )
    def test_of_unclear_size_are_refused(
        self, tmp_path: Path, image: Any, size: Any, words: str
    ) -> None:
        nodes = [helper.make_node("Identity", ["x"], ["f"]), *self.NODES]
        path = save(tmp_path / "n.onnx", nodes, self.TENSORS, image)
        with pytest.raises(InputError, match=words):
            read_onnx(path, input_size=size)
