"""Cases: from a shape and a seed, or wholly at random from a seed."""

import numpy as np

from rtl.cosimulation.case import Case
from rtl.cosimulation.circuit import Parameters
from simulator.workload import Layer
from simulator.workload.kernels import KernelSet


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
) -> Layer:
    """A binary layer over a map of height x width; 3x3 kernels are padded to keep its size."""
    padding = dilation * (kernel // 2) if padding is None else padding
    extent = dilation * (kernel - 1) + 1
    return Layer(
        name="conv",
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
    seed: int = 0,
) -> Case:
    """A case with random kernels and activations."""
    from dataclasses import replace

    random = np.random.default_rng(seed)
    kernels = 1 << layer.unit_weights
    size = kernels if layer.tau is None else 1 << layer.tau
    subset = random.choice(kernels, size, replace=False).astype(np.uint16)
    indices = random.integers(size, size=(layer.out_channels, layer.units_in), dtype=np.uint16)
    activations = random.choice(
        np.array([-1, 1], dtype=np.int8),
        (images, layer.in_channels, layer.in_height, layer.in_width),
    )
    if layer.tau is not None:
        kernel_set = KernelSet(unit_weights=layer.unit_weights, subset=subset, indices=indices)
        layer = replace(layer, kernels=kernel_set)
    return Case(
        name=name,
        parameters=parameters,
        layer=layer,
        subset=subset,
        indices=indices,
        activations=activations,
        index_bytes_per_cycle=index_bytes_per_cycle,
    )
