"""ONNX graphs that torch exports, as workloads."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator.base.errors import InputError
from simulator.workload import Layer
from simulator.workload.importers.onnx import read_onnx
from tests.conftest import HAS_TORCH

if HAS_TORCH:  # otherwise the marker skips every test
    import torch
    from torch import nn

    from tests.torch_binarizers import Published
    from tests.torch_networks import Net

pytestmark = [pytest.mark.unit, pytest.mark.torch]

EXPORTS = {
    "torchscript-13": {"dynamo": False, "opset_version": 13},
    "torchscript-17": {"dynamo": False, "opset_version": 17},
    "dynamo-18": {"dynamo": True, "opset_version": 18, "external_data": False},
    "dynamo-20": {"dynamo": True, "opset_version": 20, "external_data": True},
}


@pytest.fixture(scope="module")
def net() -> "nn.Module":
    torch.manual_seed(3)
    return Net().eval()


def export(
    model: "nn.Module", path: Path, size: tuple[int, int], channels: int = 3, **options: Any
) -> Path:
    """Let torch write a model, and ignore its warnings because they concern torch alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (torch.zeros(1, channels, *size),),
            path,
            input_names=["x"],
            verbose=False,
            **options,
        )
    return path


def shapes_in_torch(model: "nn.Module", size: tuple[int, int]) -> dict[str, tuple[Any, ...]]:
    """(input, output, weights) shapes of every layer that torch runs, by name."""
    seen: dict[str, tuple[Any, ...]] = {}

    def hook(name: str) -> Any:
        def look(module: "nn.Module", given: "tuple[torch.Tensor]", made: "torch.Tensor") -> None:
            seen[name] = (given[0].shape, made.shape, module.weight.shape)

        return look

    handles = [
        module.register_forward_hook(hook(name))
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    with torch.no_grad():
        model(torch.zeros(1, 3, *size))
    for handle in handles:
        handle.remove()
    return seen


def shapes_of(layer: Layer) -> tuple[Any, ...]:
    """The same three shapes of a layer; a linear layer in torch has no pixels."""
    weights = [layer.out_channels, layer.in_channels // layer.groups, layer.kernel, layer.kernel]
    given = [1, layer.in_channels, layer.in_height, layer.in_width]
    made = [1, layer.out_channels, layer.out_height, layer.out_width]
    dims = 2 if layer.name == "fc" else 4
    return tuple(torch.Size(shape[:dims]) for shape in (given, made, weights))


@pytest.mark.parametrize("kind", EXPORTS)
def test_layers_are_those_that_torch_runs(net: "nn.Module", tmp_path: Path, kind: str) -> None:
    path = export(net, tmp_path / "net.onnx", (45, 38), **EXPORTS[kind])
    assert (tmp_path / "net.onnx.data").exists() == (kind == "dynamo-20")
    workload, trained = read_onnx(path, ["layer1.?.*conv2"])
    assert (workload.name, workload.input_height, workload.input_width) == ("net", 45, 38)
    assert {x.name: shapes_of(x) for x in workload.layers} == shapes_in_torch(net, (45, 38))
    by_name = {x.name: x for x in workload.layers}
    assert (by_name["stem"].stride, by_name["stem"].padding) == (2, 2)
    last = by_name["layer1.1.0.conv2"]
    assert (last.stage, last.groups, last.dilation, last.padding) == ("layer1", 4, 2, 2)
    binary = {x.name for x in workload.binary_layers}
    # conv1 has +-1 weights, batch normalization makes them +-alpha; the two conv2 are chosen.
    assert binary == {"layer1.0.conv1", "layer1.0.conv2", "layer1.1.0.conv2"}
    for name, parameter in net.named_parameters():
        if parameter.dim() > 1:
            read = trained[name.removesuffix(".weight")]
            signs = torch.sign(parameter.detach()).numpy()
            assert np.array_equal(np.sign(read.weights).reshape(signs.shape), signs)
            assert read.full_precision == (read.name not in binary)


@pytest.mark.parametrize("dynamo", [False, True])
def test_dynamic_batch_and_size(net: "nn.Module", tmp_path: Path, dynamo: bool) -> None:
    dims = {0: "n", 2: "h", 3: "w"}
    dynamic: dict[str, Any] = {"dynamic_axes": {"x": dims}}
    if dynamo:
        auto = torch.export.Dim.DYNAMIC
        dynamic = {"dynamic_shapes": ({0: auto, 2: auto, 3: auto},), "external_data": False}
    path = export(net, tmp_path / "net.onnx", (48, 40), dynamo=dynamo, **dynamic)
    with pytest.raises(InputError, match=r"size of input 'x' is dynamic \(\?x\?\).*--input-size"):
        read_onnx(path)
    for size in ((48, 40), (61, 33)):
        workload, _ = read_onnx(path, input_size=size)
        assert {x.name: shapes_of(x) for x in workload.layers} == shapes_in_torch(net, size)


def test_a_fixed_size_can_be_overridden(net: "nn.Module", tmp_path: Path) -> None:
    path = export(net, tmp_path / "net.onnx", (48, 40), **EXPORTS["torchscript-17"])
    workload, _ = read_onnx(path, input_size=(64, 64))
    assert {x.name: shapes_of(x) for x in workload.layers} == shapes_in_torch(net, (64, 64))


@pytest.mark.parametrize("kind", ["torchscript-13", "dynamo-18"])
def test_weights_that_the_graph_binarizes(tmp_path: Path, kind: str) -> None:
    """Published binarizers: the kernels are the signs that numpy computes from the real weights."""
    torch.manual_seed(4)
    model = Published().eval()
    path = export(model, tmp_path / "net.onnx", (5, 5), channels=8, **EXPORTS[kind])
    workload, trained = read_onnx(path)
    assert len(workload.binary_layers) == len(model.layers) == len(workload.layers)
    for layer, module in zip(workload.layers, model.layers, strict=True):
        expected = module.expected(module.weight.detach().double().numpy())
        read = np.sign(trained[layer.name].weights)
        assert np.array_equal(read, expected), type(module).__name__
    (note,) = workload.notes
    assert "beta +- alpha, as AdaBin's" in note
