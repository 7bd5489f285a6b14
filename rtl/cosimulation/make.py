"""Make cases of a given shape, or of a random shape on one of a few configurations."""

from dataclasses import replace

import numpy as np

from rtl.cosimulation.case import Case
from rtl.cosimulation.circuit import Parameters
from simulator.workload import Layer
from simulator.workload.kernels import KernelSet

SMALL = Parameters(pes=4, lut_entries=8, lut_banks=2, accumulators=2, partial_sums=17)
"""The smallest configuration without passes: for mutants, waveforms and quick tests."""

UNEVEN = Parameters(
    pes=5, lut_entries=4, lut_banks=3, register_sets=1, accumulators=3, partial_sums=20, passes=16
)
"""No size is a power of two; one set of index registers; subsets of up to 64 kernels in passes."""

DEEP = Parameters(
    pes=2, lut_entries=96, lut_banks=2, register_sets=4, accumulators=5, partial_sums=640, passes=6
)
"""All 512 kernels in six passes, blocks of up to 640 outputs, four sets of index registers."""

PAPER = Parameters()
"""The paper's array: 64 PEs, 2 banks of 32 entries, 4 accumulators, 128 partial sums."""

CI_MACHINES = (SMALL, UNEVEN, DEEP)

MACHINES = (
    *CI_MACHINES,
    Parameters(pes=3, lut_entries=3, lut_banks=1, accumulators=2, partial_sums=17, passes=11),
    Parameters(
        pes=8,
        lut_entries=16,
        lut_banks=4,
        register_sets=4,
        accumulators=4,
        partial_sums=64,
        passes=4,
    ),
    Parameters(pes=1, lut_entries=2, lut_banks=2, accumulators=4, partial_sums=4, passes=4),
    Parameters(pes=16, lut_entries=32, lut_banks=2, accumulators=5, partial_sums=128),
    Parameters(pes=6, lut_entries=8, lut_banks=2, register_sets=1, accumulators=1, partial_sums=24),
)
"""Configurations of the random cases; each needs its own build of the RTL."""

_MOST_WORK = 40_000
"""Upper limit of a random case's work in dot products or additions in a row, about its cycles."""


def shape(
    in_channels: int,
    out_channels: int,
    height: int,
    width: int,
    *,
    kernel: int = 3,
    stride: int = 1,
    padding: int | None = None,
    dilation: int = 1,
    groups: int = 1,
    tau: int | None = None,
    name: str = "conv",
) -> Layer:
    """A binary layer over a height x width map. By default, stride 1 keeps the size of the map."""
    padding = dilation * (kernel // 2) if padding is None else padding
    extent = dilation * (kernel - 1) + 1
    return Layer(
        name=name,
        stage="stage",
        in_channels=in_channels,
        out_channels=out_channels,
        in_height=height,
        in_width=width,
        out_height=(height + 2 * padding - extent) // stride + 1,
        out_width=(width + 2 * padding - extent) // stride + 1,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        full_precision=False,
        tau=tau,
    )


def case_of(
    name: str,
    parameters: Parameters,
    layer: Layer,
    *,
    images: int = 1,
    index_bytes_per_cycle: int = 160,
    subset_size: int | None = None,
    skew: float = 0.0,
    seed: int = 0,
) -> Case:
    """Make a case with random activations, and random kernels if the layer has none.

    Args:
        name: name of the case.
        parameters: parameters of the RTL.
        layer: shape of the layer.
        images: number of input maps.
        index_bytes_per_cycle: rate from the index buffer into the registers.
        subset_size: number of kernels in the subset; by default, as many as tau bits can address.
        skew: 0: all indices are equally likely; above 0: low indices are likelier; below 0, to -1:
            high indices are likelier.
        seed: seed of all random data.

    """
    random = np.random.default_rng(seed)
    if layer.kernels is None:
        all_kernels = 1 << layer.unit_weights
        size = subset_size or (all_kernels if layer.tau is None else 1 << layer.tau)
        subset = random.choice(all_kernels, size, replace=False).astype(np.uint16)
        spread = random.random((layer.out_channels, layer.units_in)) ** (1 + skew)
        indices = (spread * size).astype(np.uint16)
        layer = replace(
            layer,
            kernels=KernelSet(unit_weights=layer.unit_weights, subset=subset, indices=indices),
        )
    activations = random.choice(
        np.array([-1, 1], dtype=np.int8),
        (images, layer.in_channels, layer.in_height, layer.in_width),
    )
    return Case(
        name=name,
        parameters=parameters,
        layer=layer,
        activations=activations,
        index_bytes_per_cycle=index_bytes_per_cycle,
    )


def random_case(seed: int, machines: tuple[Parameters, ...] = MACHINES) -> Case:
    """The case of a seed: the same seed and configurations always make the same case."""
    random = np.random.default_rng((20, seed))
    parameters = machines[seed % len(machines)]
    while True:
        layer = _random_layer(random, parameters)
        images = int(random.integers(1, 3))
        subset_size = None
        if layer.tau is not None:
            fewest = 1 if random.random() < 0.3 else 1 << layer.tau
            subset_size = int(random.integers(fewest, (1 << layer.tau) + 1))
        if _fits(subset_size, parameters) and 0 < _work(layer, parameters, images) <= _MOST_WORK:
            break
    return case_of(
        f"seed {seed}",
        parameters,
        layer,
        images=images,
        index_bytes_per_cycle=int(2 ** random.uniform(0, 8)),
        subset_size=subset_size,
        skew=float(random.choice([0.0, 0.0, 0.0, 1.0, 6.0, 40.0, -0.95])),
        seed=seed,
    )


def _random_layer(random: np.random.Generator, parameters: Parameters) -> Layer:
    """Draw a layer whose shape is unrelated to the array's sizes."""

    def up_to(most: float) -> int:
        """Draw a number from 1 to `most`, small numbers as likely as large ones."""
        return int(np.exp(random.uniform(0, np.log(most + 0.999))))

    kernel = int(random.choice([3, 3, 1]))
    groups = int(random.choice([1, 1, 1, 1, 2, 3]))
    units = up_to(3.2 * parameters.pes)
    channels = units if kernel == 3 else max(1, 8 * units - int(random.integers(8)))
    tau, outputs = None, up_to(2.5 * parameters.partial_sums)
    if random.random() < 0.85:
        tau = int(random.integers(1, 10 if kernel == 3 else 9))
        if random.random() < 0.8:  # enough outputs for the LUT to pay
            tau = min(tau, max(1, (parameters.partial_sums - 1).bit_length() - 1))
            outputs = (1 << tau) * int(random.integers(1, 3)) + up_to(parameters.partial_sums)
    return shape(
        groups * channels,
        groups * outputs,
        int(random.integers(1, 9)),
        int(random.integers(1, 9)),
        kernel=kernel,
        stride=int(random.choice([1, 1, 2, 3])),
        padding=int(random.choice([kernel // 2, kernel // 2, 0, 1, 2])),
        dilation=int(random.choice([1, 1, 1, 2])) if kernel == 3 else 1,
        groups=groups,
        tau=tau,
    )


def _fits(subset_size: int | None, parameters: Parameters) -> bool:
    """True if the RTL has enough passes for the subset, or the LUT would not pay for any block."""
    size = subset_size or 0
    return size <= parameters.passes * parameters.lut_entries or size >= parameters.partial_sums


def _work(layer: Layer, parameters: Parameters, images: int) -> int:
    """An upper estimate of the layer's cycles; 0 if the layer has no output pixel."""
    pixels = images * max(0, layer.out_height) * max(0, layer.out_width)
    steps = -(-pixels // max(1, parameters.pes // layer.units_in))
    groups = -(-layer.units_in // parameters.pes)
    indices = layer.out_channels * min(layer.units_in, parameters.pes)
    return steps * groups * (layer.out_channels + indices // 8)
