"""Networks: shapes, precision, the shipped files."""

from pathlib import Path

import pytest

from simulator import InputError, load_hardware, load_workload
from simulator.base.shipped import shipped_names
from simulator.machines.families import family_of
from simulator.workload import configure
from simulator.workload.network import network_from
from simulator.workload.precision import available_bits
from tests import build

pytestmark = pytest.mark.unit

# (layers, binary layers, weights of binary layers in M, MACs of all layers in G if known)
KNOWN = {
    "r18": (21, 16, 10.985, 1.814),  # torchvision: 1.814 G
    "r34": (37, 32, 21.086, 3.664),  # torchvision: 3.664 G
    "r50": (54, 52, 23.446, 4.089),  # torchvision: 4.089 G
    "r20": (20, 18, 0.267, 0.041),
    "vgg-small": (7, 5, 4.571, 0.608),
    "ssd300-vgg16": (35, 22, 22.934, 31.374),
}


@pytest.mark.parametrize("model", KNOWN)
def test_known_sizes(model: str) -> None:
    workload = load_workload(model)
    layers, binary, weights, macs = KNOWN[model]
    assert (len(workload.layers), len(workload.binary_layers)) == (layers, binary)
    assert sum(x.weights for x in workload.binary_layers) / 1e6 == pytest.approx(weights, abs=5e-4)
    assert sum(x.macs for x in workload.layers) / 1e9 == pytest.approx(macs, abs=5e-4)


BINARY_THROUGHOUT = {"cnv-w1a1", "cnv-w1a2", "cnv-w2a2", "lfc-w1a1"}
"""Networks of BNN-PYNQ: their first layer reads 8-bit or 1-bit values with 1-bit weights."""


@pytest.mark.parametrize("model", sorted({*shipped_names("workloads")} - BINARY_THROUGHOUT))
def test_first_and_last_layers_are_full_precision(model: str) -> None:
    layers = load_workload(model).layers
    assert layers[0].full_precision
    assert layers[-1].full_precision


def test_resnet_18_maps() -> None:
    shapes = {x.name: (x.out_channels, x.out_height) for x in load_workload("r18").layers}
    assert shapes["conv1"] == (64, 112)
    assert shapes["layer1.0.conv1"] == (64, 56)
    assert shapes["layer4.1.conv2"] == (512, 7)
    assert shapes["fc"] == (1000, 1)


def test_regions_multiply_what_follows() -> None:
    layers = {x.name: x for x in load_workload("faster-rcnn-r18").layers}
    assert layers["layer3.1.conv2"].images == 1
    assert layers["layer4.0.conv1"].images == 300
    assert layers["layer4.0.conv1"].out_height == 4  # 7x7 regions at stride 2


def test_stride_of_cifar_resnet_50_is_on_the_first_1x1() -> None:
    layers = {x.name: x for x in load_workload("r50-cifar10").layers}
    assert layers["layer2.0.conv1"].stride == 2
    assert layers["layer2.0.conv2"].stride == 1
    assert layers["layer1.0.conv1"].in_height == 32


@pytest.mark.parametrize(
    ("model", "bits", "tau"),
    [("r18", 0.56, 5), ("r18", 0.44, 4), ("r18", 0.67, 6), ("r18", 5 / 9, 5), ("r18", 0.89, 8),
     ("r50-cifar10", 0.59, 5), ("r50-cifar10", 0.47, 4), ("r50-cifar10", 0.35, 3),
     ("r50-cifar10", 0.56, 5)],
)  # fmt: skip
def test_bits_mean_tau(model: str, bits: float, tau: int) -> None:
    workload = configure(load_workload(model), bits=bits)
    assert {x.tau for x in workload.layers} == {tau}


def test_bits_of_a_3x3_kernel_need_a_3x3_layer() -> None:
    only_1x1 = build.network(build.layer(8, 16, 4, 4, kernel=1))
    assert configure(only_1x1, bits=0.62).layers[0].tau == 5
    for bits in (0.55, 0.56):
        with pytest.raises(InputError, match=r"use 0\.12 .*0\.88 \(tau 7\), or 1 \(BNN\)$"):
            configure(only_1x1, bits=bits)


@pytest.mark.parametrize("model", shipped_names("workloads"))
def test_no_bits_mean_two_taus(model: str) -> None:
    names = available_bits(load_workload(model))
    values = [(round(bits, 2), tau) for tau, both in names.items() for bits in both]
    assert len({bits for bits, _ in values}) == len(set(values))


def test_one_bit_has_no_index() -> None:
    assert {x.tau for x in configure(load_workload("r18"), bits=1).layers} == {None}


def test_full_precision_layers_are_left_out_by_default() -> None:
    workload = load_workload("r18")
    assert len(configure(workload, bits=1).layers) == 16
    assert len(configure(workload, bits=1, scope="weights").layers) == 21


def test_input_size() -> None:
    assert load_workload("r18", (64, 96)).layers[0].out_width == 48
    with pytest.raises(InputError, match="0x5"):
        load_workload("r18", (0, 5))


def test_ceil_mode_and_dilation(tmp_path: Path) -> None:
    file = tmp_path / "net.yaml"
    file.write_text(
        "name: net\ntitle: Net\nops_convention: table6\n"
        "input: {channels: 3, height: 75, width: 75}\nlayers:\n"
        "  - {name: a, type: pool, kernel: 2, stride: 2, ceil_mode: true}\n"
        "  - {name: b, type: conv, precision: binary, out_channels: 4, kernel: 3, dilation: 6}\n"
    )
    (layer,) = load_workload(file).layers
    assert layer.in_height == 38  # ceil(75 / 2)
    assert layer.out_height == 26  # 38 - 12


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "positions"),
    [
        (5, 2, 2, 0, 3),  # the last window begins at pixel 4
        (4, 1, 3, 0, 2),  # at pixel 3
        (3, 1, 3, 0, 1),  # a window at pixel 3 would see no pixel
        (3, 2, 3, 1, 2),
        (2, 3, 3, 1, 1),  # a window at pixel 2 would see only padding
        (6, 3, 3, 0, 2),
    ],
)
def test_a_last_window_in_ceil_mode_sees_a_pixel(
    size: int, kernel: int, stride: int, padding: int, positions: int
) -> None:
    """As in PyTorch's max pooling, whose output sizes these are."""
    pool = {"kernel": kernel, "stride": stride, "padding": padding, "ceil_mode": True}
    layers = [
        {"name": "a", "type": "pool", **pool},
        {"name": "b", "type": "conv", "precision": "binary", "out_channels": 4, "kernel": 1},
    ]
    file = {
        "name": "net", "title": "Net", "ops_convention": "table6",
        "input": {"channels": 3, "height": size, "width": 9}, "layers": layers,
    }  # fmt: skip
    (layer,) = network_from(file, Path("net.yaml")).layers
    assert layer.in_height == positions


@pytest.mark.parametrize(
    ("kernel", "padding", "words"),
    [
        (3, 2, "padding = 2x2 is more than half of kernel = 3x3"),
        ([2, 4], [2, 2], "padding = 2x2 is more than half of kernel = 2x4"),
        (1, 1, "padding = 1x1 is more than half of kernel = 1x1"),
        (3, 1, None),
        (4, 2, None),  # half is legal, as in PyTorch
        ([2, 4], [1, 2], None),
    ],
)
def test_padding_of_a_pool(kernel: object, padding: object, words: str | None) -> None:
    layers = [
        {"name": "p", "type": "pool", "kernel": kernel, "stride": 1, "padding": padding},
        {"name": "b", "type": "conv", "precision": "binary", "out_channels": 4, "kernel": 1},
    ]
    file = {
        "name": "net", "title": "Net", "ops_convention": "table6",
        "input": {"channels": 3, "height": 6, "width": 9}, "layers": layers,
    }  # fmt: skip
    if words is None:
        assert network_from(file, Path("net.yaml")).vector_layers[0].name == "p"
        return
    with pytest.raises(InputError, match=f"net.yaml: layer 'p': {words}"):
        network_from(file, Path("net.yaml"))


def test_a_small_buffer_names_the_layer_and_the_size() -> None:
    workload = configure(load_workload("faster-rcnn-r18"), bits=1, scope="network")
    for kib, layer, needed in (
        (64, "conv1", "107.47"),
        (107.47, "layer2.0.downsample.0", "133.25"),
    ):
        hardware = load_hardware("cofluent64", [f"memory.activation_buffer.kib={kib}"])
        words = f"kib is {kib:g}: layer {layer} needs at least {needed} KiB"
        with pytest.raises(InputError, match=words):
            family_of(hardware).map(workload, hardware)
