"""ONNX graphs that break the rules for names of values: one line, and status 2."""

from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.conftest import Command
from tests.onnx_graphs import conv, save, signs

pytestmark = pytest.mark.command

SIGNS = {"w": signs(8, 8, 3, 3), "v": signs(8, 8, 3, 3, seed=1)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def node(operator: str, inputs: list[str], outputs: list[str], name: str = "", **given: Any) -> Any:
    return helper.make_node(operator, inputs, outputs, name, **given)


def tensor_shape(name: str, *sizes: int) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes or (1, 8, 6, 6))


def refused(command: Command) -> str:
    """Extract the graph; return its one line."""
    done = command("extract", "graph.onnx")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    return done.stderr


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([conv("x", "w", "y"), conv("x", "v", "y")], "Conv node 'conv': its output 'y' has"),
        ([conv("x", "w", "c"), conv("c", "v", "c", "b"), conv("c", "v", "y")], "output 'c'"),
        ([conv("x", "w", "y"), node("Relu", ["y"], ["y"])], "Relu node 'y': its output 'y'"),
        ([conv("x", "w", "c"), node("Relu", ["c"], ["x"]), conv("x", "v", "y")], "output 'x'"),
        ([node("Neg", ["v"], ["w"]), conv("x", "w", "y")], "its output 'w' has the name of an"),
        ([conv("c", "w", "y", "last"), conv("x", "v", "c")], "Conv node 'last': reads 'c', wh"),
        ([conv("z", "w", "y")], "reads 'z', which is neither an input"),
        ([node("Conv", ["x", "w", "z"], ["y"])], "reads 'z', which is neither an input"),
        ([conv("x", "w", "c"), node("Add", ["c", "z"], ["y"])], "reads 'z', which is neither"),
    ],
)  # fmt: skip
def test_other_than_one_maker_per_value(command: Command, nodes: list[Any], words: str) -> None:
    """Such a value with known shapes once gave a layer the wrong source, or a traceback."""
    shapes = [tensor_shape(name) for name in ("c", "z")]
    path = save(Path("graph.onnx"), nodes, SIGNS, info=shapes)
    assert words in refused(command)
    with pytest.raises(onnx.checker.ValidationError):  # the rules are ONNX's own
        onnx.checker.check_model(str(path))


def test_a_name_twice(command: Command) -> None:
    nodes = [conv("x", "w", "y")]
    twice = [numpy_helper.from_array(SIGNS["v"], "w")]
    save(Path("graph.onnx"), nodes, SIGNS, extra=twice)
    assert "2 initializers have the name 'w'" in refused(command)
    save(Path("graph.onnx"), nodes, SIGNS, inputs=[tensor_shape("x")])
    assert "2 inputs have the name 'x'" in refused(command)
    save(Path("graph.onnx"), nodes, SIGNS, inputs=[tensor_shape("w", 8, 8, 3, 3)])
    assert command("extract", "graph.onnx").returncode == 0  # the input's default


@pytest.mark.parametrize("outputs", [["", "y"], ["c", "y"], [""]])
def test_other_than_one_output_of_a_layer(command: Command, outputs: list[str]) -> None:
    join = node("Concat", [name for name in outputs if name] or ["x"], ["z"], axis=1)
    path = save(Path("graph.onnx"), [node("Conv", ["x", "w"], outputs, "conv"), join], SIGNS)
    model = onnx.load(path)
    model.graph.output.extend([tensor_shape("z"), tensor_shape("")])
    path.write_bytes(model.SerializeToString())
    line = refused(command)
    assert f"Conv node 'conv': has the outputs {outputs}, expected one with a name" in line
