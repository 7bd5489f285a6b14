"""A case as inputs of the RTL: the registers of `machine::layer_t` and the memories' words.

This module derives both from the layer's shape and docs/machine.md, not from the simulator's plan.
"""

from collections.abc import Iterator
from math import ceil

import numpy as np
from numpy.typing import NDArray

from rtl.cosimulation.case import Case
from rtl.cosimulation.circuit import Inputs
from simulator.workload.sides import Sides

_MOST_BITS = 1 << 30
"""Bits per cycle: more than any weight tile has, and small enough for a register."""


class _Cut:
    """Division of a layer into pieces that fit the array."""

    def __init__(self, case: Case, direct: bool) -> None:
        layer, fixed = case.layer, case.parameters
        self.units = ceil(layer.in_channels // layer.groups / layer.unit_channels)
        self.step_pixels = max(1, fixed.pes // self.units)
        self.pixels = len(case.activations) * layer.out_height * layer.out_width
        steps = ceil(self.pixels / self.step_pixels)
        self.row_steps = ceil(layer.out_width / self.step_pixels)
        self.rows = ceil(steps / self.row_steps)
        self.last_row_steps = steps - (self.rows - 1) * self.row_steps
        self.block_outputs = _parts(
            layer.out_channels // layer.groups, fixed.partial_sums, fixed.accumulators
        )
        self.group_units = _parts(self.units, fixed.pes, 2)
        self.subset = 1 if direct else len(case.kernels.subset)
        self.passes = ceil(self.subset / fixed.lut_entries)


def _parts(left: int, most: int, together: int) -> list[int]:
    """Sizes of the fewest parts; each takes its share of the rest, in whole groups if they fit."""
    sizes: list[int] = []
    for count in range(ceil(left / most), 0, -1):
        sizes.append(min(ceil(left / count / together) * together, most, left))
        left -= sizes[-1]
    return sizes


def _registers_of(sizes: list[int]) -> list[int]:
    """Size and number of the first parts, size of the others, and of the last one."""
    return [sizes[0], sizes.count(sizes[0]), sizes[-2:][0], sizes[-1]]


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
    layer = case.layer
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
        len(cut.group_units),
        cut.passes,
        *_registers_of(cut.block_outputs),
        cut.pixels,
        cut.step_pixels,
        cut.group_units[0],
        *_registers_of(cut.group_units),
        ceil(cut.subset / cut.passes),
        cut.passes - -cut.subset % cut.passes,
        layer.unit_weights if layer.tau is None else layer.tau,
        min(8 * case.index_bytes_per_cycle, _MOST_BITS),
        layer.in_height,
        layer.in_width,
        layer.out_height,
        layer.out_width,
        *(_both(size) for size in (layer.strides, layer.paddings, layer.dilations)),
        step_images,
        step_rows,
        step_columns,
        layer.in_channels // layer.groups - layer.unit_channels * (cut.units - 1),
    ]


def _both(size: Sides) -> int:
    """The size of both axes; the RTL has one register for them."""
    if size.height != size.width:
        raise ValueError(f"{size}: the RTL has equal sizes along both axes")
    return size.height


def _index_words(case: Case, cut: _Cut) -> NDArray[np.uint16]:
    """Indices (kernels of a 1-bit layer), ordered by weight tile, output and unit."""
    kernels = case.kernels
    values = kernels.subset[kernels.indices] if case.layer.tau is None else kernels.indices
    return np.concatenate(list(_weight_tiles(case, cut, values.astype(np.uint16))))


def _weight_tiles(
    case: Case, cut: _Cut, values: NDArray[np.uint16]
) -> Iterator[NDArray[np.uint16]]:
    first = 0
    for outputs in cut.block_outputs * case.layer.groups:
        unit = 0
        for units in cut.group_units:
            yield values[first : first + outputs, unit : unit + units].ravel()
            unit += units
        first += outputs


def _activation_words(case: Case, cut: _Cut) -> list[str]:
    """Words of one bit per PE, ordered by pixel, group and, in 1x1 layers, channel of 8."""
    layer, pes = case.layer, case.parameters.pes
    per_unit, channels = layer.unit_channels, layer.in_channels // layer.groups
    bits = (case.activations > 0).transpose(0, 2, 3, 1)
    bits = bits.reshape(-1, channels)
    words = np.zeros((len(bits), len(cut.group_units), per_unit, pes), dtype=bool)
    bits = np.pad(bits, ((0, 0), (0, cut.units * per_unit - channels)))
    unit = 0
    for group, units in enumerate(cut.group_units):
        of_group = bits[:, unit * per_unit : (unit + units) * per_unit]
        words[:, group, :, :units] = of_group.reshape(-1, units, per_unit).transpose(0, 2, 1)
        unit += units
    packed = np.packbits(words.reshape(-1, pes), axis=1, bitorder="little")[:, ::-1]
    return [row.tobytes().hex() for row in packed]
