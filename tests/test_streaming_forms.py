"""Cycles of the operators against FINN's published closed forms, within FINN's own tolerances.

Formulas and tolerances are from Xilinx/finn (dev at 73ba5ed6, or the tag v0.10.1): files in
src/finn/custom_op/fpgadataflow/, and tests in tests/fpgadataflow/. Cycles of CNV-W1A1 are those of
its folding in Xilinx/BNN-PYNQ (d39c1c7), bnn/src/network/cnvW1A1/hw/config.h.
"""

from typing import Any, NamedTuple

import pytest

from simulator.machines import load_hardware
from simulator.machines.streaming.build import pipeline_of
from simulator.machines.streaming.network import Network
from simulator.machines.streaming.schema import Fold, Folding
from simulator.workload import configure, load_workload
from tests.streaming_strategies import NO_LIMIT, Size, machine, network_of

pytestmark = pytest.mark.unit


def cycles(unit: str, entries: list[dict[str, Any]], size: Size, **folds: Fold) -> int:
    """Return the cycles per image of a unit of a network."""
    hardware = machine(folding=Folding(cycles=NO_LIMIT, layers=folds))
    built = pipeline_of(Network(network_of(entries, size), hardware))
    (stage,) = [stage for stage in built.stages if stage.name == unit]
    return stage.cycles


def conv(**fields: Any) -> dict[str, Any]:
    """Return a binary convolution with the name `conv`."""
    plain = {"out_channels": 8, "kernel": 3, "activation_bits": 2}
    return {"name": "conv", "type": "conv", "precision": "binary", **plain, **fields}


class Convolution(NamedTuple):
    """A convolution without padding and its folding."""

    channels: int
    height: int
    width: int
    kernel: int
    stride: int
    pe: int
    simd: int

    @property
    def out(self) -> list[int]:
        """Rows and columns of the output."""
        return [(n - self.kernel) // self.stride + 1 for n in (self.height, self.width)]

    def cycles(self, unit: str) -> int:
        """Return the cycles per image of a unit."""
        entry = conv(kernel=self.kernel, stride=self.stride)
        size = (self.channels, self.height, self.width)
        return cycles(unit, [entry], size, conv=Fold(pe=self.pe, simd=self.simd))


CONVOLUTIONS = [
    Convolution(4, 8, 8, kernel=3, stride=1, pe=2, simd=2),
    Convolution(4, 8, 6, kernel=3, stride=1, pe=8, simd=4),
    Convolution(2, 9, 9, kernel=3, stride=2, pe=1, simd=1),
    Convolution(8, 7, 7, kernel=2, stride=1, pe=4, simd=8),
    Convolution(8, 8, 8, kernel=4, stride=2, pe=4, simd=2),
]


@pytest.mark.parametrize("one", CONVOLUTIONS)
def test_mvtu(one: Convolution) -> None:
    """matrixvectoractivation.py:455-464: (mh / pe) (mw / simd) vectors.

    Tolerance: test_fpgadataflow_mvau.py:473, atol 15.
    """
    rows, columns = one.out
    inputs = one.channels * one.kernel**2
    expected = (8 / one.pe) * (inputs / one.simd) * (rows * columns)
    assert one.cycles("conv.mvtu") == pytest.approx(expected, abs=15, rel=0)
    assert one.cycles("conv.mvtu") == expected


@pytest.mark.parametrize("one", CONVOLUTIONS)
def test_sliding_windows(one: Convolution) -> None:
    """v0.10.1 hls/convolutioninputgenerator_hls.py:147-152: fill + rows x max(write, read).

    Tolerance: v0.10.1 test_fpgadataflow_convinputgenerator.py:236, atol 10.
    """
    (rows, columns), words = one.out, one.channels // one.simd
    write, read = columns * one.kernel**2 * words, one.stride * one.width * words
    expected = one.width * one.kernel * words + rows * max(write, read)
    assert one.cycles("conv.window") == pytest.approx(expected, abs=10, rel=0)


def test_padding() -> None:
    """fmpadding.py:75-81: (channels / simd) x padded pixels; test_fpgadataflow_fmpadding.py:159."""
    got = cycles("conv.pad", [conv(padding=1)], (4, 6, 8), conv=Fold(simd=2, pe=1))
    assert got == pytest.approx((4 // 2) * 8 * 10, abs=10, rel=0)


def test_depthwise() -> None:
    """vectorvectoractivation.py:379-390: ((ch k_h k_w) / pe / simd) pixels, atol 10."""
    entry = conv(out_channels=8, groups=8)
    got = cycles("conv.mvtu", [entry], (8, 6, 6), conv=Fold(pe=1, simd=1))
    assert got == pytest.approx(8 * 3 * 3 * 16, abs=10, rel=0)


def test_pooling_over_blocks() -> None:
    """v0.10.1 streamingmaxpool.py:135-153: side^2 (1 + 1 / k^2); no test of FINN compares it."""
    pool = {"name": "pool", "type": "pool", "kernel": 2, "stride": 2}
    got = cycles("pool.max_pool", [conv(), pool], (4, 10, 10), pool=Fold(pe=8))
    assert got == 8 * 8 * (1 + 1 / 4)


def test_pooling_over_windows() -> None:
    """pool.py:134-143: (channels k_prod / pe) pixels; test_convert_to_hw_pool_batch.py:244."""
    pool = {"name": "pool", "type": "pool", "kernel": 3, "stride": 2, "mode": "average"}
    got = cycles("pool.average_pool", [conv(), pool], (4, 9, 9), pool=Fold(pe=4))
    assert got == pytest.approx(8 * 9 / 4 * (3 * 3), abs=10, rel=0)


def test_pooling_over_a_map() -> None:
    """globalaccpool.py:134-139: words in + channels / pe; no test of FINN compares it."""
    pool = {"name": "pool", "type": "global_pool"}
    got = cycles("pool.average_pool", [conv(), pool], (4, 6, 6), pool=Fold(pe=2))
    assert got == 4 * 4 * 8 // 2 + 8 // 2


JOINED = [
    {"name": "first", "type": "conv", "precision": "full", "out_channels": 8, "kernel": 1},
    conv(padding=1),
    {"name": "add", "type": "add", "other": "first"},
    {"name": "norm", "type": "norm"},
]


@pytest.mark.parametrize(
    ("unit", "tolerance"),
    [
        ("add.add", 15),  # v0.10.1 addstreams.py:139-141; test_fpgadataflow_addstreams.py:147
        ("norm.norm", 15),  # thresholding.py:219-221; test_fpgadataflow_thresholding.py:345
        (
            "first.fork",
            10,
        ),  # duplicatestreams.py:135-137; test_fpgadataflow_duplicatestreams.py:163
    ],
)
def test_units_with_an_iteration_per_word(unit: str, tolerance: int) -> None:
    """Each: the product of the folded output's shape, channels / pe x pixels."""
    fold = Fold(pe=2)
    got = cycles(unit, JOINED, (4, 6, 6), add=fold, norm=fold, first=fold)
    assert got == pytest.approx(8 // 2 * 36, abs=tolerance, rel=0)


def test_mvtus_of_cnv() -> None:
    """CNV-W1A1's nine layers, from SIMD and PE of config.h."""
    workload = configure(load_workload("cnv-w1a1"), scope="network")
    built = pipeline_of(Network(workload, load_hardware("cnv-w1a1")))  # type: ignore[arg-type]
    found = [stage.cycles for stage in built.stages if stage.name.endswith(".mvtu")]
    assert found == [32_400, 28_224, 20_736, 28_800, 20_736, 18_432, 32_768, 32_768, 8_192]
