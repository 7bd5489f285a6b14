"""The layers without weights of ONNX graphs, and who reads whose map."""

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from simulator import InputError, load_hardware, load_workload, simulate
from simulator.check import check_workload
from simulator.check.forward import Forward
from simulator.machines.vector.fusion import fusion_of
from simulator.machines.vector.schema import Vector
from simulator.workload import configure
from simulator.workload.importers.onnx import read_onnx
from simulator.workload.network import network_from
from simulator.workload.vector_layer import VectorLayer, in_order, sources
from tests.fuzz.models import node_changed
from tests.fuzz.seeds import write_graph
from tests.onnx_graphs import conv, reals, save, signs

pytestmark = pytest.mark.unit

ONES = np.ones(8, np.float32)


def node(operator: str, inputs: list[str], output: str, **given: Any) -> Any:
    return helper.make_node(operator, inputs, [output], output, **given)


def norm(read: str, output: str) -> Any:
    return node("BatchNormalization", [read, "one", "one", "one", "one"], output)


def residual(path: Path) -> Path:
    """Conv, norm, sign, binary conv, norm, addition, PReLU, pool, concat, pool, linear."""
    nodes = [
        conv("x", "w1", "c1", "stem"),
        norm("c1", "n1"),
        node("Sign", ["n1"], "s"),
        conv("s", "w2", "c2", "body"),
        norm("c2", "n2"),
        node("Add", ["n2", "n1"], "sum"),
        node("PRelu", ["sum", "slope"], "act"),
        node("MaxPool", ["act"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("Concat", ["pool", "pool"], "join", axis=1),
        node("GlobalAveragePool", ["join"], "mean"),
        node("Flatten", ["mean"], "flat"),
        node("Gemm", ["flat", "w3"], "y", transB=1),
    ]
    tensors = {
        "w1": reals(8, 8, 3, 3),
        "w2": signs(8, 8, 3, 3),
        "w3": reals(10, 16),
        "one": ONES,
        "slope": np.full((8, 1, 1), 0.25, np.float32),
    }
    return save(path, nodes, tensors)


def test_every_node_is_a_layer_or_an_edge(tmp_path: Path) -> None:
    workload, _ = read_onnx(residual(tmp_path / "net.onnx"))
    run = configure(workload, bits=1, scope="network")
    found = [
        (x.name, x.kind if isinstance(x, VectorLayer) else "", x.reads) for x in run.all_layers
    ]
    assert found == [
        ("stem", "", "input"),
        ("n1", "norm", ("stem",)),
        ("body", "", "n1"),  # through the sign
        ("n2", "norm", ("body",)),
        ("sum", "add", ("n2", "n1")),
        ("act", "activation", ("sum",)),
        ("pool", "max_pool", ("act",)),
        ("join", "concat", ("pool", "pool")),
        ("mean", "average_pool", ("join",)),
        ("y", "", "mean"),
    ]
    pool, join, mean = (x for x in run.vector_layers if x.name in {"pool", "join", "mean"})
    assert (pool.window, pool.strides, pool.out_height) == ((2, 2), (2, 2), 3)
    assert (join.operand_channels, join.out_channels) == ((8, 8), 16)
    assert mean.window == (3, 3)


@pytest.mark.parametrize("engine", ["fast", "event"])
def test_the_whole_network_runs(tmp_path: Path, engine: str) -> None:
    path = residual(tmp_path / "net.onnx")
    result = simulate(path, "cofluent64", bits=1, scope="network", engine=engine)
    assert len(result.layers) == 10
    binary = simulate(path, "cofluent64", bits=1)
    assert binary.wider is not None
    assert binary.wider.plain()["cycles"] == result.cycles > binary.cycles


def test_an_operator_without_a_counterpart_is_named(tmp_path: Path) -> None:
    nodes = [
        conv("x", "w", "c"),
        node("LRN", ["c"], "l", size=3),
        conv("l", "w", "y", "second"),
    ]
    workload, _ = read_onnx(save(tmp_path / "net.onnx", nodes, {"w": signs(8, 8, 3, 3)}))
    assert len(configure(workload, bits=1, scope="weights").layers) == 2
    with pytest.raises(InputError, match="has LRN node 'l', which no vector unit runs; use scope"):
        configure(workload, bits=1, scope="network")


@pytest.mark.parametrize(
    ("operator", "given"),
    [
        ("MaxPool", {"kernel_shape": [3, 3], "dilations": [2, 2]}),
        ("ReduceMean", {"axes": [1], "keepdims": 1}),
        ("AveragePool", {"kernel_shape": [2, 2], "pads": [2, 0, 0, 0]}),
        ("MaxPool", {"kernel_shape": [2, 3], "pads": [0, 0, 0, 3]}),
    ],
)
def test_other_pools_are_no_layers(tmp_path: Path, operator: str, given: dict[str, Any]) -> None:
    """A window with gaps, a mean over channels, and windows of padding alone."""
    nodes = [conv("x", "w", "c"), node(operator, ["c"], "y", **given)]
    path = save(tmp_path / "net.onnx", nodes, {"w": signs(8, 8, 3, 3)})
    with pytest.raises(InputError, match=f"has {operator} node 'y', which no vector unit runs"):
        simulate(path, "cofluent64", bits=1, scope="network")


@pytest.mark.parametrize("axis", [1, -3])
def test_channels_are_joined_by_either_number_of_their_axis(tmp_path: Path, axis: int) -> None:
    nodes = [
        conv("x", "w", "c"),
        node("Concat", ["c", "c"], "j", axis=axis),
        node("Relu", ["j"], "y"),
    ]
    workload, _ = read_onnx(save(tmp_path / "net.onnx", nodes, {"w": signs(8, 8, 3, 3)}))
    run = configure(workload, bits=1, scope="network")
    assert [(x.kind, x.out_channels) for x in run.vector_layers] == [
        ("concat", 16),
        ("activation", 16),
    ]


def test_a_workload_file_keeps_the_edges(tmp_path: Path) -> None:
    from simulator.workload.store import write_workload

    workload, _ = read_onnx(residual(tmp_path / "net.onnx"))
    write_workload(workload, tmp_path / "net.npz")
    again = configure(load_workload(tmp_path / "net.npz"), bits=1, scope="network")
    assert again.all_layers == configure(workload, bits=1, scope="network").all_layers


def test_a_layer_of_the_images_name_is_no_image(tmp_path: Path) -> None:
    """In the edges, `input` is the image, so a layer cannot have the name."""
    from simulator.workload.store import write_workload

    nodes = [conv("x", "input.weight", "c"), conv("c", "w", "y", "last")]
    tensors = {"input.weight": signs(8, 8, 3, 3), "w": signs(8, 8, 3, 3)}
    workload, trained = read_onnx(save(tmp_path / "net.onnx", nodes, tensors))
    assert [(x.name, x.reads) for x in workload.layers] == [
        ("input_2", "input"),
        ("last", "input_2"),
    ]
    assert list(trained) == ["input_2", "last"]
    write_workload(workload, tmp_path / "net.npz")
    assert load_workload(tmp_path / "net.npz").layers == workload.layers


def flat(*layers: Any) -> list[Any]:
    return [node("GlobalAveragePool", ["x"], "p"), node("Flatten", ["p"], "q"), *layers]


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        (
            flat(node("Gemm", ["q", "f"], "r"), node("Gemm", ["r", "f", "q"], "y")),
            "Gemm node 'y' with a bias that depends on the image",
        ),
        (
            flat(node("Gemm", ["k", "f", "q"], "y")),
            "Gemm node 'y' with a bias that depends on the image",
        ),
        (
            [conv("x", "w", "c"), conv("z", "w", "d", "b"), node("Add", ["c", "d"], "y")],
            "Conv node 'b' with 'z', a second input of the graph",
        ),
        (
            [conv("x", "w", "c"), conv("z", "w", "d", "b"), node("Mul", ["c", "z"], "m"),
             node("Add", ["m", "d"], "y")],
            "Conv node 'b' with 'z', a second input of the graph",
        ),
    ],
    ids=["two maps", "only the bias", "two images", "a product of images"],
)  # fmt: skip
def test_a_layer_of_other_than_one_map_makes_the_edges_unknown(
    tmp_path: Path, nodes: list[Any], words: str
) -> None:
    tensors = {"w": signs(8, 8, 3, 3), "f": reals(8, 8), "k": reals(1, 8)}
    second = helper.make_tensor_value_info("z", TensorProto.FLOAT, (1, 8, 6, 6))
    inputs = [second] if any("z" in each.input for each in nodes) else []
    workload, _ = read_onnx(save(tmp_path / "net.onnx", nodes, tensors, inputs=inputs))
    assert workload.unknown_edges == words
    assert {layer.reads for layer in workload.layers} == {None}
    with pytest.raises(InputError, match=f"has {words}, which no vector unit runs"):
        configure(workload, bits=1, scope="network")


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graphs") / "graph.onnx"
    write_graph(path)
    return path


@pytest.mark.invariant
@given(seed=st.integers(0, 1 << 32))
def test_edges_are_known_for_every_layer_or_for_none(graph: Path, seed: int) -> None:
    """Of a graph with random changes, if it can be read."""
    random = Random(seed)
    model = onnx.load(graph)
    for _ in range(random.choice((1, 2, 3))):
        node_changed(model.graph, random)
    changed = graph.with_name("changed.onnx")
    changed.write_bytes(model.SerializeToString())
    try:
        workload, _ = read_onnx(changed)
    except InputError:
        return
    makers = {"input"}
    for layer in in_order(workload.layers, workload.vector_layers):
        assert layer.name not in makers
        assert bool(list(sources(layer))) is (workload.unknown_edges is None)
        assert makers.issuperset(sources(layer))
        makers.add(layer.name)


ITSELF = {
    "name": "net",
    "title": "net",
    "ops_convention": "main_paper",
    "input": {"channels": 8, "height": 6, "width": 6},
    "layers": [
        {"name": "c", "type": "conv", "precision": "full", "out_channels": 8, "kernel": 3},
        {"name": "p", "type": "pool", "kernel": 2, "stride": 2},
        {"name": "d", "type": "add", "other": "p"},
    ],
}
"""A pool, which is never fused, and the sum of its map with itself."""


class TestAMapAddedToItself:
    """x + x reads x once and takes one addition per value, from a file and from a graph."""

    def in_graph(self, path: Path, *operators: str) -> list[VectorLayer]:
        names = [*(f"c{number}" for number in range(len(operators))), "y"]
        nodes = [conv("x", "w", names[0])]
        nodes += [
            node(operator, [read, read], made)
            for operator, read, made in zip(operators, names[:-1], names[1:], strict=True)
        ]
        workload, _ = read_onnx(save(path / "net.onnx", nodes, {"w": signs(8, 8, 3, 3)}))
        return list(configure(workload, bits=1, scope="network").vector_layers)

    def test_graph_and_file_agree(self, tmp_path: Path) -> None:
        [of_graph] = self.in_graph(tmp_path, "Add")
        [_, of_file] = network_from(ITSELF, Path("net.yaml")).vector_layers
        for layer in (of_graph, of_file):
            assert layer.kind == "add"
            assert len(layer.reads) == len(layer.operand_channels) == 1
            assert (layer.operands, layer.additions) == (1, 1)
            assert layer.combined == layer.reads * 2

    def test_other_operations_on_one_map_are_functions(self, tmp_path: Path) -> None:
        found = self.in_graph(tmp_path, "Add", "Mul", "Sub", "Sum", "Max")
        assert [x.kind for x in found] == ["add", "activation", "activation", "add", "activation"]

    @pytest.mark.parametrize("engine", ["fast", "event"])
    @pytest.mark.parametrize("machine", ["cofluent64", "tpu-like"])
    def test_bytes_and_cycles(self, machine: str, engine: str) -> None:
        keys = {"vector.fused": False, "vector.lanes": 1, "vector.bits": 32, "vector.cycles.add": 3}
        network = network_from(ITSELF, Path("net.yaml"))
        run = simulate(network, machine, bits=32, scope="network", engine=engine, set=keys).run
        [layer] = [layer for layer in run.layers if layer.name == "d"]
        assert layer.dram_read_bytes == layer.dram_written_bytes  # the map, and its double
        assert layer.mapped.plan.values == 8 * 2 * 2
        assert layer.cycles >= 3 * 8 * 2 * 2  # one lane, one addition of 3 cycles for each value
        assert layer.mapped.work.lane_cycles == 3

    def test_values(self) -> None:
        network = configure(network_from(ITSELF, Path("net.yaml")), bits=32, scope="network")
        checked = check_workload(network, load_hardware("cofluent64"), seed=1)
        assert checked.failure is None
        forward = Forward(network, seed=1)
        forward.run(np.arange(-144, 144, dtype=float).reshape(1, 8, 6, 6))
        assert forward.largest["d"] == 2 * forward.largest["p"] > 0

    def test_it_is_fused(self) -> None:
        """The only reader of a layer with weights is on the way of its results, without a read."""
        data = {**ITSELF, "layers": [ITSELF["layers"][0], {**ITSELF["layers"][2], "other": "c"}]}
        network = configure(network_from(data, Path("net.yaml")), bits=32, scope="network")
        fusion = fusion_of(network, Vector(lanes=4), 8)
        assert fusion.fused == {"d"}
        epilogue = fusion.epilogue(network.layers[0])
        assert epilogue is not None
        assert (epilogue.lane_cycles, epilogue.shortcut_bits) == (1, ())


@pytest.mark.parametrize("operator", ["Softmax", "LogSoftmax"])
def test_a_softmax_has_a_note(tmp_path: Path, operator: str) -> None:
    nodes = [conv("x", "w", "c"), node(operator, ["c"], "y", axis=1)]
    workload, _ = read_onnx(save(tmp_path / "net.onnx", nodes, {"w": signs(8, 8, 3, 3)}))
    [layer] = workload.vector_layers
    assert (layer.kind, layer.additions) == ("activation", 1)
    [note] = [note for note in workload.notes if "softmax" in note]
    assert note.startswith("y is a softmax and counts in scope network as one activation")
    plain, _ = read_onnx(residual(tmp_path / "plain.onnx"))
    assert not any("softmax" in note for note in plain.notes)
