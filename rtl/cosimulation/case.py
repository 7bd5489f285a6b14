"""A case: one layer with its data, and the hardware configuration that runs it."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rtl.cosimulation.circuit import Parameters
from simulator.machines import Hardware, load_hardware
from simulator.workload import Layer, Workload
from simulator.workload.kernels import KernelSet

_AMPLE = 1e9
"""Capacity in KiB, or rate in bytes per cycle, that never limits a layer."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A binary layer, its kernels and its input."""

    name: str
    parameters: Parameters
    layer: Layer
    """The layer's shape, subset and indices. The subset of a 1-bit layer is all kernels."""
    activations: NDArray[np.int8]
    """[images, in_channels, in_height, in_width] inputs, -1 or +1."""
    index_bytes_per_cycle: int

    @property
    def kernels(self) -> KernelSet:
        """The layer's kernels; every case has some."""
        assert self.layer.kernels is not None
        return self.layer.kernels

    @cached_property
    def hardware(self) -> Hardware:
        """The simulated hardware: the RTL's parameters, and a DRAM that moves data in one cycle."""
        settings: dict[str, float] = {
            "array.pes": self.parameters.pes,
            "array.pe.lut_entries": self.parameters.lut_entries,
            "array.pe.lut_banks": self.parameters.lut_banks,
            "array.pe.index_register_sets": self.parameters.register_sets,
            "array.pe.accumulators": self.parameters.accumulators,
            "array.pe.partial_sums": self.parameters.partial_sums,
            "memory.dram.latency_cycles": 0,
            "memory.dram.bytes_per_cycle": _AMPLE,
            "memory.index_buffer.kib": _AMPLE,
            "memory.index_buffer.bytes_per_cycle": self.index_bytes_per_cycle,
            "memory.activation_buffer.kib": _AMPLE,
        }
        overrides = [
            f"{key}={value:.1f}" if isinstance(value, float) else f"{key}={value}"
            for key, value in settings.items()
        ]
        return load_hardware("cofluent64", overrides)

    @cached_property
    def workload(self) -> Workload:
        """A network of this one layer.

        The RTL processes map after map. The maps therefore belong to one image: the array would lay
        the images of a batch side by side.
        """
        return Workload(
            name="net",
            title="Net",
            input_height=self.layer.in_height,
            input_width=self.layer.in_width,
            layers=(replace(self.layer, images=len(self.activations)),),
            ops_convention="main_paper",
            batch=1,
            activation_bits=1,
        )

    @cached_property
    def weights(self) -> NDArray[np.int8]:
        """[out_channels, in_channels per group, kernel, kernel] weights, -1 or +1."""
        layer = self.layer
        signs = self.kernels.signs()
        channels = layer.in_channels // layer.groups
        if layer.kernel == 3:
            return signs.reshape(layer.out_channels, channels, 3, 3)
        return signs.reshape(layer.out_channels, -1)[:, :channels, None, None]

    def convolution(self) -> NDArray[np.int64]:
        """[output pixels, out_channels] outputs of the layer, computed directly."""
        layer = self.layer
        (above, left), (down, right) = layer.paddings, layer.strides
        images, groups = len(self.activations), layer.groups
        frame = ((0, 0), (0, 0), (above, above), (left, left))
        padded = np.pad(self.activations.astype(np.int64), frame)
        by_group = padded.reshape(images, groups, -1, *padded.shape[2:])
        weights = self.weights.astype(np.int64).reshape(
            groups, layer.out_channels // groups, -1, *layer.kernel_sides
        )
        rows = np.arange(layer.out_height) * down
        columns = np.arange(layer.out_width) * right
        sums = np.zeros((images, groups, weights.shape[1], len(rows), len(columns)), dtype=np.int64)
        for i in range(layer.kernel_sides.height):
            for j in range(layer.kernel_sides.width):
                window = by_group[
                    ...,
                    rows[:, None] + i * layer.dilations.height,
                    columns + j * layer.dilations.width,
                ]
                sums += np.einsum("ngchw,goc->ngohw", window, weights[..., i, j])
        flat = sums.reshape(images, layer.out_channels, -1)
        return flat.transpose(0, 2, 1).reshape(-1, layer.out_channels)
