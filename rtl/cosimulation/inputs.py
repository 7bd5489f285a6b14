"""A case as inputs of the RTL: the registers of `machine::layer_t` and the memories' words.

This module derives both from the layer's shape and docs/machine.md, not from the simulator's plan.
"""

from collections.abc import Iterator
from math import ceil

import numpy as np
from numpy.typing import NDArray

from rtl.cosimulation.case import Case
from rtl.cosimulation.circuit import Inputs

_MOST_BITS = 1 << 30
"""Bits per cycle: more than any weight tile has, and small enough for a register."""


class _Cut:
    """Division of a layer into pieces that fit the array."""

    def __init__(self, case: Case, direct: bool) -> None:
        layer, fixed = case.layer, case.parameters
        self.units = ceil(layer.in_channels // layer.groups / layer.unit_channels)
        self.groups = ceil(self.units / fixed.pes)
        self.step_pixels = max(1, fixed.pes // self.units)
        self.pixels = len(case.activations) * layer.out_height * layer.out_width
        steps = ceil(self.pixels / self.step_pixels)
        self.row_steps = ceil(layer.out_width / self.step_pixels)
        self.rows = ceil(steps / self.row_steps)
        self.last_row_steps = steps - (self.rows - 1) * self.row_steps
        self.block_outputs = self._block_outputs(case)
        self.subset = 1 if direct else len(case.kernels.subset)
        self.passes = ceil(self.subset / fixed.lut_entries)

    @staticmethod
    def _block_outputs(case: Case) -> list[int]:
        """Number of outputs of each output block in one group of the convolution."""
        lanes, most = case.parameters.accumulators, case.parameters.partial_sums
        left, sizes = case.layer.out_channels // case.layer.groups, []
        for blocks in range(ceil(left / most), 0, -1):
            sizes.append(min(ceil(left / blocks / lanes) * lanes, most, left))
            left -= sizes[-1]
        return sizes


def inputs_of(case: Case, *, direct: bool) -> Inputs:
    """Return registers and memories for a layer run with the LUT or directly.

    Raises:
        ValueError: the layer needs more LUT passes than the RTL has.

    """
    cut = _Cut(case, direct)
    if cut.passes > case.parameters.passes:
        raise ValueError(f"{cut.passes} passes, the circuit has {case.parameters.passes}")
    return Inputs(
        registers=_registers(case, cut, direct),
        memories={
            "indices": [f"{value:x}" for value in _index_words(case, cut)],
            "subset": [f"{value:x}" for value in case.kernels.subset],
            "activations": _activation_words(case, cut),
        },
    )


def _registers(case: Case, cut: _Cut, direct: bool) -> list[int]:
    layer, fixed = case.layer, case.parameters
    step_rows, step_columns = divmod(cut.step_pixels, layer.out_width)
    step_images, step_rows = divmod(step_rows, layer.out_height)
    return [
        int(direct),
        int(layer.kernel == 1),
        int(direct and layer.tau is not None),
        cut.rows,
        cut.row_steps,
        cut.last_row_steps,
        layer.groups,
        len(cut.block_outputs),
        cut.groups,
        cut.passes,
        cut.block_outputs[0],
        cut.block_outputs.count(cut.block_outputs[0]),
        cut.block_outputs[-2:][0],
        cut.block_outputs[-1],
        cut.pixels,
        cut.step_pixels,
        min(cut.units, fixed.pes),
        cut.units - (cut.groups - 1) * fixed.pes,
        ceil(cut.subset / cut.passes),
        cut.passes - -cut.subset % cut.passes,
        layer.unit_weights if layer.tau is None else layer.tau,
        min(8 * case.index_bytes_per_cycle, _MOST_BITS),
        layer.in_height,
        layer.in_width,
        layer.out_height,
        layer.out_width,
        layer.stride,
        layer.padding,
        layer.dilation,
        step_images,
        step_rows,
        step_columns,
        layer.in_channels // layer.groups - layer.unit_channels * (cut.units - 1),
    ]


def _index_words(case: Case, cut: _Cut) -> NDArray[np.uint16]:
    """Indices (kernels of a 1-bit layer), ordered by weight tile, output and unit."""
    kernels = case.kernels
    values = kernels.subset[kernels.indices] if case.layer.tau is None else kernels.indices
    return np.concatenate(list(_chunks(case, cut, values)))


def _chunks(case: Case, cut: _Cut, values: NDArray[np.uint16]) -> Iterator[NDArray[np.uint16]]:
    first, pes = 0, case.parameters.pes
    for outputs in cut.block_outputs * case.layer.groups:
        for group in range(cut.groups):
            yield values[first : first + outputs, group * pes : (group + 1) * pes].ravel()
        first += outputs


def _activation_words(case: Case, cut: _Cut) -> list[str]:
    """Words of one bit per PE, ordered by pixel, group and, in 1x1 layers, channel of 8."""
    layer, pes = case.layer, case.parameters.pes
    images, _, height, width = case.activations.shape
    per_unit, channels = layer.unit_channels, layer.in_channels // layer.groups
    bits = (case.activations > 0).transpose(0, 2, 3, 1)
    bits = bits.reshape(images, height, width, layer.groups, channels)
    whole = cut.groups * pes * per_unit
    bits = np.pad(bits, ((0, 0),) * 4 + ((0, whole - channels),))
    bits = bits.reshape(-1, pes, per_unit).transpose(0, 2, 1).reshape(-1, pes)
    packed = np.packbits(bits, axis=1, bitorder="little")[:, ::-1]
    return [row.tobytes().hex() for row in packed]
