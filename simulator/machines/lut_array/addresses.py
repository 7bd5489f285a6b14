"""The DRAM address of each transfer.

Every tensor has a region of its own, aligned to a DRAM row of all channels. The regions follow
each other:

- a layer's weights: weight tiles in the order of their first use, each in whole bursts. The first
  includes the subset. A weight tile has the same address in every load.
- a layer's input: values in the order image, row, column, channel. It is the output region of the
  previous layer if the shapes match; otherwise (after pooling, for instance) a region that no layer
  writes.
- a layer's output: values in the same order.

A transfer of activations begins at the burst of its first value and continues from there. Its
first value is in the first row, column and channel that it carries. The model ignores the jumps
between its rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulator.base.columns import Ints
from simulator.base.errors import InputError
from simulator.dram.tables import dram_timing
from simulator.machines.categories import REFRESHES, ROW_MISSES
from simulator.machines.lut_array.mapped import MappedLayer
from simulator.machines.lut_array.outputs import written_before
from simulator.machines.lut_array.parts import firsts
from simulator.machines.lut_array.pixels import transfer_bounds
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.positions import Positions
from simulator.machines.lut_array.schema import LutArray
from simulator.machines.lut_array.vocabulary import (
    DRAM_INPUTS,
    DRAM_OUTPUTS,
    DRAM_WEIGHTS,
)
from simulator.program import SharedDram


def shared_dram(layers: Sequence[MappedLayer], hardware: LutArray) -> SharedDram | None:
    """The hardware's DRAM and the addresses of all transfers; None with `timing: fixed`.

    Raises:
        InputError: the DRAM table is wrong, or too small for the network.

    """
    timing = dram_timing(hardware.dram, hardware.clock_ghz)
    if timing is None:
        return None
    row_bytes = timing.channels * timing.columns * timing.burst_bytes
    regions, size = regions_of([layer.plan for layer in layers], row_bytes)
    if size > timing.capacity:
        raise InputError(
            f"memory.dram: the network needs {size:,} bytes, {hardware.memory.dram.timing} with "
            f"{timing.channels} channels of {timing.ranks} ranks has {timing.capacity:,}"
        )
    addresses = Addresses(tuple(layers), tuple(regions))
    return SharedDram(
        timing=timing,
        gap=timing.burst_bytes / hardware.dma_channel.bytes_per_cycle,
        streams={
            DRAM_WEIGHTS: addresses.weights,
            DRAM_INPUTS: addresses.inputs,
            DRAM_OUTPUTS: addresses.outputs,
        },
        writers=frozenset({DRAM_OUTPUTS}),
        row_miss=ROW_MISSES,
        refresh=REFRESHES,
    )


# --- regions -------------------------------------------------------------------------------------


class Regions(NamedTuple):
    """First byte of each tensor of a layer."""

    weights: int
    inputs: int
    outputs: int


def regions_of(plans: Sequence[LayerPlan], align: int) -> tuple[list[Regions], int]:
    """Return the regions of every layer, and the bytes of all regions together."""
    space, regions, previous = _Space(align), [], None
    for plan in plans:
        weights = space.take(int(_weight_tiles(plan).sum()))
        if previous is not None and _reads_output(plan, previous):
            inputs = regions[-1].outputs
        else:
            inputs = space.take(_input_bytes(plan))
        regions.append(Regions(weights, inputs, space.take(_output_bytes(plan))))
        previous = plan
    return regions, space.top


@dataclass(slots=True)
class _Space:
    """Allocator of consecutive regions."""

    align: int
    top: int = 0

    def take(self, size: int) -> int:
        """Reserve a region and return its first byte."""
        base = self.top
        self.top += -(-size // self.align) * self.align
        return base


def _reads_output(plan: LayerPlan, previous: LayerPlan) -> bool:
    """True if a layer's input has the shape of the previous layer's output."""
    layer, before = plan.layer, previous.layer
    return (layer.in_channels, layer.in_height, layer.in_width, layer.images) == (
        before.out_channels,
        before.out_height,
        before.out_width,
        before.images,
    ) and plan.activation_bits == previous.output_bits


def _input_bytes(plan: LayerPlan) -> int:
    layer = plan.layer
    pixels = plan.batch * layer.images * layer.in_height * layer.in_width
    return -(-pixels * layer.in_channels * plan.activation_bits // 8)


def _output_bytes(plan: LayerPlan) -> int:
    return -(-plan.pixels * plan.layer.out_channels * plan.output_bits // 8)


def _weight_tiles(plan: LayerPlan) -> Ints:
    """[weight tiles] bytes of each weight tile, in whole bursts; the first includes the subset."""
    sizes = plan.stored_table.ravel().copy()
    sizes[0] += plan.subset_bytes
    return plan.in_bursts(sizes)


# --- addresses of commands -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Addresses:
    """Address (first byte) of every transfer of the DMA units."""

    layers: tuple[MappedLayer, ...]
    regions: tuple[Regions, ...]

    def weights(self) -> Iterator[int]:
        """Yield the address of each weight load of the program."""
        for layer, region in zip(self.layers, self.regions, strict=True):
            sizes = _weight_tiles(layer.plan)
            offsets = np.cumsum(sizes) - sizes
            tiles = Positions(layer.plan).weight_tile(layer.steps(DRAM_WEIGHTS))
            yield from (region.weights + offsets[tiles]).tolist()

    def inputs(self) -> Iterator[int]:
        """Yield the address of each input read of the program."""
        for layer, region in zip(self.layers, self.regions, strict=True):
            yield from (region.inputs + input_offsets(layer)).tolist()

    def outputs(self) -> Iterator[int]:
        """Yield the address of each output write of the program."""
        for layer, region in zip(self.layers, self.regions, strict=True):
            yield from (region.outputs + _output_offsets(layer)).tolist()


def input_offsets(mapped: MappedLayer) -> Ints:
    """[reads] offset in the layer's input of the first burst of each read."""
    plan, layer, positions = mapped.plan, mapped.plan.layer, Positions(mapped.plan)
    step = mapped.steps(DRAM_INPUTS)
    if mapped.inputs == "step":
        return _burst_of(plan, window_offsets(plan, step))
    row, block, pixel_step = positions.tile(step)
    image, out_row, column = positions.pixel(row, pixel_step)
    top, left = _corner(plan, out_row, column)
    if mapped.inputs == "rows":  # earlier rows and columns of output have read the rest
        (down, right), (above, before) = layer.strides, layer.paddings
        next_row = (out_row - 1) * down - above + layer.extents.height
        top = np.where(out_row > 0, np.maximum(top, np.clip(next_row, 0, layer.in_height)), top)
        next_column = (column - 1) * right - before + max(layer.extents.width, right)
        left = np.where(column > 0, np.clip(next_column, 0, layer.in_width), 0)
    return _burst_of(plan, _offset(plan, image, top, left, positions.first_channel(block)))


def window_offsets(plan: LayerPlan, step: Ints) -> Ints:
    """[steps] offset in the layer's input of the first value of each step's windows."""
    positions = Positions(plan)
    row, block, pixel_step = positions.tile(step)
    image, out_row, column = positions.pixel(row, pixel_step)
    top, left = _corner(plan, out_row, column)
    unit_channels = 1 if plan.mode == "mac" else plan.layer.unit_channels
    in_group = (
        np.array([part.first for part in plan.input_parts])[step % positions.input_blocks]
        * unit_channels
    )
    return _offset(plan, image, top, left, positions.first_channel(block) + in_group)


def _output_offsets(mapped: MappedLayer) -> Ints:
    """[writes] offset of the first burst of each write, at the last step of its transfer."""
    plan, layer, positions = mapped.plan, mapped.plan.layer, Positions(mapped.plan)
    row, block, pixel_step = positions.tile(mapped.steps(DRAM_OUTPUTS))
    first = pixel_step // plan.steps_per_transfer * plan.steps_per_transfer
    image, out_row, column = positions.pixel(row, first)
    pixel = (image * layer.out_height + out_row) * layer.out_width + column
    if mapped.writes == "separate":
        channel = firsts([each.outputs for each in plan.blocks])[block]
        return _burst_of(plan, (pixel * layer.out_channels + channel) * plan.output_bits // 8)
    number, bounds = first // plan.steps_per_transfer, transfer_bounds(plan)
    pixels = bounds[row, number + 1] - bounds[row, number]
    begin = _burst_of(plan, pixel * layer.out_channels * plan.output_bits // 8)
    return begin + written_before(plan, block, pixels, plan.output_bits)


def _corner(plan: LayerPlan, out_row: Ints, column: Ints) -> tuple[Ints, Ints]:
    """First row and column of the input under output pixels."""
    layer = plan.layer
    (down, right), (above, before) = layer.strides, layer.paddings
    top = np.clip(out_row * down - above, 0, layer.in_height)
    left = np.clip(column * right - before, 0, layer.in_width)
    return top, left


def _offset(plan: LayerPlan, image: Ints, row: Ints, column: Ints, channel: Ints) -> Ints:
    """Byte offset of an input value in the layer's input."""
    layer = plan.layer
    pixel = (image * layer.in_height + row) * layer.in_width + column
    offset: Ints = (pixel * layer.in_channels + channel) * plan.activation_bits // 8
    return offset


def _burst_of(plan: LayerPlan, offset: Ints) -> Ints:
    """First byte of the burst that contains a byte."""
    burst = plan.hardware.memory.dram.burst_bytes
    return offset // burst * burst
