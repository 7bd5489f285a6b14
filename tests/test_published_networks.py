"""The shipped networks against the published numbers of the networks that they describe."""

from dataclasses import dataclass

import pytest

from simulator import load_workload
from simulator.base.shipped import find
from simulator.workload import Workload
from simulator.workload.vector_layer import in_order

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class Published:
    """Multiply-accumulates and parameters as printed; the head of the network's file cites them."""

    macs: float
    parameters: float
    binary_macs: float | None = None
    left_out: str = "none"
    """End of the names of layers that the published MACs do not count."""
    quote: tuple[str, ...] = ()
    """The numbers as the file's head has them."""


BI_REAL = 1_676_279_808 + 137_793_536
DENSE = 3_587_383_296 + 202_484_224
QUICK = 1_849_688_064 + 28_861_440
PUBLISHED = {
    # Larq Zoo: MACs in the chart of models (larq/docs, October 2020); parameters in the tables
    "birealnet18": Published(
        BI_REAL, 11_699_112, 1_676_279_808, quote=("1,676,279,808", "137,793,536", "11,699,112")
    ),
    "binarydensenet28": Published(
        DENSE, 5_150_504, 3_587_383_296, quote=("3,587,383,296", "202,484,224", "5,150,504")
    ),
    "quicknet": Published(
        QUICK,
        13_234_088,
        1_849_688_064,
        left_out=".blur",
        quote=("1,849,688,064", "28,861,440", "13,234,088"),
    ),
    # torchvision's documentation: AlexNet_Weights and VGG16_Weights.IMAGENET1K_V1
    "alexnet": Published(0.71e9, 61_100_840, quote=("0.71", "61,100,840")),
    "vgg16": Published(15.47e9, 138_357_544, quote=("15.47", "138,357,544")),
    # the same source: ResNet18_Weights, ResNet34_Weights and ResNet50_Weights.IMAGENET1K_V1
    "r18": Published(1.814e9, 11_689_512),
    "r34": Published(3.664e9, 21_797_672),
    "r50": Published(4.089e9, 25_557_032),
}


def macs(workload: Workload, left_out: str = "none") -> int:
    """Multiply-accumulates of all layers except those whose names end in `left_out`."""
    return sum(x.macs for x in workload.layers if not x.name.endswith(left_out))


def parameters(workload: Workload) -> int:
    """Weights, and a factor and a summand per channel of a normalization; no biases."""
    norms = sum(x.out_channels for x in workload.vector_layers if x.kind == "norm")
    return sum(x.weights for x in workload.layers) + 2 * norms


@pytest.mark.parametrize("model", PUBLISHED)
def test_published_sizes(model: str) -> None:
    workload, published = load_workload(model), PUBLISHED[model]
    assert macs(workload, published.left_out) == pytest.approx(published.macs, rel=0.01)
    assert parameters(workload) == pytest.approx(published.parameters, rel=0.01)
    if published.binary_macs is not None:
        assert sum(x.macs for x in workload.binary_layers) == published.binary_macs


@pytest.mark.parametrize("model", PUBLISHED)
def test_heads_cite_the_numbers(model: str) -> None:
    head = [x for x in find("workloads", model).read_text().splitlines() if x.startswith("#")]
    assert all(any(number in line for line in head) for number in PUBLISHED[model].quote)


def test_reactnet_a() -> None:
    """ECCV 2020: OPs = full-precision MACs + binary MACs / 64 = 0.87e8; AB-BNN: 29.33 M."""
    workload = load_workload("reactnet-a")
    binary = sum(x.macs for x in workload.binary_layers)
    assert macs(workload) - binary + binary / 64 == pytest.approx(0.87e8, rel=0.01)
    assert parameters(workload) == pytest.approx(29.33e6, rel=0.01)


@pytest.mark.parametrize(
    ("model", "shortcuts"),
    [("birealnet18", 16), ("r18-snn", 16), ("quicknet", 16), ("reactnet-a", 26 + 5), ("r18", 8)],
)
def test_shortcuts(model: str, shortcuts: int) -> None:
    """An addition per binary convolution, or per block; ReActNet-A doubles its channels 5 times."""
    added = [x for x in load_workload(model).vector_layers if x.kind == "add"]
    assert len(added) == shortcuts


@pytest.mark.parametrize("model", ["r18", "r34", "r50", "birealnet18", "r18-snn", "reactnet-a"])
def test_every_convolution_has_a_normalization(model: str) -> None:
    workload = load_workload(model)
    readers = {x.reads[0]: x.kind for x in workload.vector_layers}
    layers = [x.name for x in workload.layers if x.name != "fc"]
    assert {readers[name] for name in layers} == {"norm"}


def test_dense_blocks_join_what_they_read() -> None:
    layers = {x.name: x for x in load_workload("binarydensenet28").vector_layers}
    assert layers["dense2.layer1.concat"].reads == ("transition1.conv", "dense2.layer1.conv")
    assert layers["dense4.layer5.concat"].out_channels == 256 + 5 * 64


def test_stages_include_layers_without_weights() -> None:
    workload = load_workload("r18")
    stages = {x.name: x.stage for x in in_order(workload.layers, workload.vector_layers)}
    assert stages["maxpool"] == stages["bn1"] == "conv1"  # that of the layer that they read
    assert stages["avgpool"] == "layer4"
    assert stages["layer2.0.downsample.1"] == "layer2"
    regions = {x.name: x.stage for x in load_workload("faster-rcnn-r18").vector_layers}
    assert regions["roi_pool"] == "roi_pool"
