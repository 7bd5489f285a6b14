"""A ResNet-18 with seeded weights predicts the classes of a forward pass written here in numpy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator import load_hardware, load_workload
from simulator.check import check_workload
from simulator.workload import Workload, configure
from simulator.workload.extract import extract

pytestmark = pytest.mark.unit

Real = NDArray[np.float64]
State = dict[str, NDArray[Any]]
SIZE, IMAGES, CLASSES = 32, 2, 10
STAGES = ((1, 64, 1), (2, 128, 2), (3, 256, 2), (4, 512, 2))
"""(stage, channels, first stride)"""


def conv(name: str, of: str, channels: int, precision: str, **shape: int) -> str:
    keys = "".join(f", {key}: {value}" for key, value in shape.items())
    return (
        f"  - {{name: {name}, type: conv, from: {of}, precision: {precision}, "
        f"out_channels: {channels}{keys}}}\n  - {{name: {name}_bn, type: norm}}\n"
    )


def network_text() -> str:
    """ResNet-18 (He et al., 2016) with two binary convolutions around each shortcut."""
    text = f"""name: resnet18
title: ResNet-18
ops_convention: main_paper
input: {{channels: 3, height: {SIZE}, width: {SIZE}}}
shortcut_bits: 24
layers:
"""
    text += conv("conv1", "input", 64, "full", kernel=7, stride=2, padding=3)
    text += "  - {name: relu, type: activation}\n"
    text += "  - {name: pool, type: pool, kernel: 3, stride: 2, padding: 1}\n"
    before = "pool"
    for stage, channels, first in STAGES:
        for block in (0, 1):
            name, stride = f"layer{stage}.{block}", first if block == 0 else 1
            text += conv(
                f"{name}.conv1", before, channels, "binary", kernel=3, stride=stride, padding=1
            )
            text += conv(
                f"{name}.conv2", f"{name}.conv1_bn", channels, "binary", kernel=3, padding=1
            )
            around = before
            if stride == 2:
                around = f"{name}.down_bn"
                text += conv(f"{name}.down", before, channels, "full", kernel=1, stride=2)
            text += f"  - {{name: {name}.add, type: add, from: {name}.conv2_bn, other: {around}}}\n"
            before = f"{name}.add"
    text += "  - {name: mean, type: global_pool}\n"
    return text + (f"  - {{name: fc, type: linear, precision: full, out_features: {CLASSES}}}\n")


# The plain forward pass: it fills in the state dict on its way -----------------------------------


def convolved(x: Real, weights: Real, stride: int, padding: int) -> Real:
    """A convolution as one matrix product over windows."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    side = weights.shape[-1]
    windows = np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(2, 3))
    return np.einsum("nchwyx,ocyx->nohw", windows[:, :, ::stride, ::stride], weights, optimize=True)


def normalized(x: Real, name: str, state: State, rng: np.random.Generator) -> Real:
    """A batch normalization with the statistics of these images; some factors are negative."""
    channels = x.shape[1]
    stored = {
        "running_mean": x.mean((0, 2, 3)),
        "running_var": x.var((0, 2, 3)),
        "weight": rng.uniform(0.5, 1.5, channels) * rng.choice([-1, 1, 1], channels),
        "bias": rng.normal(0, 0.3, channels),
    }
    for part, values in stored.items():
        state[f"{name}.{part}"] = values.astype(np.float32)
    mean, variance, gamma, beta = (
        state[f"{name}.{part}"].astype(float)[:, None, None]
        for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta


def seeded(seed: int) -> tuple[State, Real, list[int]]:
    """A state dict, images, and the classes of the images."""
    rng, state = np.random.default_rng(seed), State()
    images = rng.integers(-128, 128, (IMAGES, 3, SIZE, SIZE)) / 128

    def layer(
        x: Real, name: str, out: int, *, side: int = 3, stride: int = 1, binary: bool = False
    ) -> Real:
        weights = rng.normal(size=(out, x.shape[1], side, side)).astype(np.float32)
        weights *= np.float32(0.1)
        state[f"{name}.weight"] = weights
        used = np.where(weights > 0, 1.0, -1.0) if binary else weights.astype(float)
        x = np.where(x > 0, 1.0, -1.0) if binary else x
        x = convolved(x, used, stride, side // 2)
        return normalized(x, f"{name}_bn", state, rng)

    x = np.maximum(layer(images, "conv1", 64, side=7, stride=2), 0)
    framed = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(framed, (3, 3), axis=(2, 3))
    x = windows[:, :, ::2, ::2].max((4, 5))
    for stage, channels, first in STAGES:
        for block in (0, 1):
            name, stride = f"layer{stage}.{block}", first if block == 0 else 1
            inner = layer(x, f"{name}.conv1", channels, stride=stride, binary=True)
            inner = layer(inner, f"{name}.conv2", channels, binary=True)
            if stride == 2:
                x = layer(x, f"{name}.down", channels, side=1, stride=2)
            x = inner + x
    features = x.mean((2, 3))
    weights = rng.normal(size=(CLASSES, 512)).astype(np.float32)
    state["fc.weight"], state["fc.bias"] = weights, rng.normal(size=CLASSES).astype(np.float32)
    logits = features @ weights.T.astype(float) + state["fc.bias"]
    return state, images, logits.argmax(1).tolist()


def extracted(folder: Path, state: State) -> Workload:
    """The workload of a state dict."""
    (folder / "resnet18.yaml").write_text(network_text())
    np.savez(folder / "state.npz", **state)
    return extract(folder / "state.npz", network=folder / "resnet18.yaml").workload


def test_the_network_is_resnet_18(tmp_path: Path) -> None:
    (tmp_path / "resnet18.yaml").write_text(network_text())
    ours, shipped = load_workload(tmp_path / "resnet18.yaml"), load_workload("r18", (SIZE, SIZE))
    assert [x.macs for x in ours.layers[:-1]] == [x.macs for x in shipped.layers[:-1]]


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))]
)
def test_argmax_agrees(seed: int, tmp_path: Path) -> None:
    state, images, classes = seeded(seed)
    workload = extracted(tmp_path, state)
    np.save(tmp_path / "images.npy", images)
    result = check_workload(
        configure(workload, scope="network"),
        load_hardware("cofluent64"),
        inputs=tmp_path / "images.npy",
    )
    assert result.equal
    assert result.classes is not None
    assert list(result.classes.forward) == classes
    assert list(result.classes.machine) == classes
