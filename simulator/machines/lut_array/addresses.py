"""The DRAM address of each transfer; `regions.py` has the regions of tensors.

A transfer of activations begins at the burst of its first value and continues from there. Its
first value is in the first row, column and channel that it carries. The model ignores the jumps
between its rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.base.columns import Ints
from simulator.base.errors import InputError
from simulator.dram.tables import dram_timing
from simulator.machines.categories import REFRESHES, ROW_MISSES
from simulator.machines.lut_array.mapped import MappedLayer
from simulator.machines.lut_array.outputs import Before, read_before, written_before
from simulator.machines.lut_array.parts import firsts
from simulator.machines.lut_array.pixels import transfer_bounds
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.positions import Positions
from simulator.machines.lut_array.regions import (
    AnyMapped,
    Regions,
    own_inputs,
    regions_by_edges,
    regions_by_shape,
    weight_tiles,
)
from simulator.machines.lut_array.schema import LutArray
from simulator.machines.lut_array.vocabulary import (
    DRAM_INPUTS,
    DRAM_OUTPUTS,
    DRAM_WEIGHTS,
)
from simulator.machines.vector.addresses import read_addresses, write_addresses
from simulator.machines.vector.fusion import Fusion
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.vector.places import MapPlace
from simulator.machines.vector.vocabulary import SHORTCUTS
from simulator.program import SharedDram

Bools = NDArray[np.bool_]


def shared_dram(
    layers: Sequence[AnyMapped], hardware: LutArray, fusion: Fusion | None
) -> SharedDram | None:
    """The hardware's DRAM and the addresses of all transfers; None with `timing: fixed`.

    Args:
        layers: the layers of a program.
        hardware: the hardware configuration.
        fusion: the edges of the network, if all its layers run.

    Raises:
        InputError: the DRAM table is wrong, or too small for the network.

    """
    timing = dram_timing(hardware.dram, hardware.clock_ghz)
    if timing is None:
        return None
    row_bytes = timing.channels * timing.columns * timing.burst_bytes
    if fusion is None:
        weighted = [one.plan for one in layers if not isinstance(one, MappedVector)]
        regions, size = regions_by_shape(weighted, row_bytes)
    else:
        regions, size = regions_by_edges(layers, fusion, row_bytes)
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


@dataclass(frozen=True, slots=True)
class Addresses:
    """Address (first byte) of every transfer of the DMA units."""

    layers: tuple[AnyMapped, ...]
    regions: tuple[Regions, ...]

    def weights(self) -> Iterator[int]:
        """Yield the address of each weight load of the program."""
        for layer, region in zip(self.layers, self.regions, strict=True):
            if not isinstance(layer, MappedVector):
                sizes = weight_tiles(layer.plan)
                offsets = np.cumsum(sizes) - sizes
                tiles = Positions(layer.plan).weight_tile(layer.steps(DRAM_WEIGHTS))
                yield from (region.weights + offsets[tiles]).tolist()

    def inputs(self) -> Iterator[int]:
        """Yield the address of each read of a map."""
        for layer, region in zip(self.layers, self.regions, strict=True):
            if not isinstance(layer, MappedVector):
                yield from _reads(layer, region).tolist()
            elif not layer.fused:
                yield from read_addresses(layer.plan, region.inputs).tolist()

    def outputs(self) -> Iterator[int]:
        """Yield the address of each write of a map."""
        for layer, region in zip(self.layers, self.regions, strict=True):
            if not isinstance(layer, MappedVector):
                yield from _writes(layer, region.outputs).tolist()
            elif not layer.fused:
                yield from write_addresses(layer.plan, region.outputs).tolist()


def of_shortcuts(layer: MappedLayer) -> Bools:
    """[reads] True for the reads of shortcut values."""
    commands = layer.commands(DRAM_INPUTS)
    return np.array([SHORTCUTS.one in command.gives for command in commands], dtype=bool)


def _reads(layer: MappedLayer, region: Regions) -> Ints:
    """[reads] address of each read of inputs and of shortcut values."""
    mine, (inputs,) = of_shortcuts(layer), region.inputs
    found = np.empty(len(mine), dtype=np.int64)
    found[~mine] = input_addresses(layer, inputs)
    steps = layer.steps(DRAM_INPUTS)[mine]
    additions = len(region.shortcuts)
    for number, place in enumerate(region.shortcuts):  # a transfer reads for all additions, or none
        chosen = np.flatnonzero(mine)[number::additions]
        found[chosen] = _outgoing(layer, steps[number::additions], place, read_before)
    return found


def _writes(layer: MappedLayer, copies: Sequence[MapPlace]) -> Ints:
    """[writes] address of each write, at the last step of its transfer."""
    steps = layer.steps(DRAM_OUTPUTS)
    found = np.empty(len(steps), dtype=np.int64)
    for number, place in enumerate(copies):
        chosen = slice(number, None, len(copies))
        found[chosen] = _outgoing(layer, steps[chosen], place, written_before)
    return found


def input_addresses(mapped: MappedLayer, place: MapPlace) -> Ints:
    """[reads of inputs] address of the first burst of each read, with the input at a place."""
    plan, layer, positions = mapped.plan, mapped.plan.layer, Positions(mapped.plan)
    step = mapped.steps(DRAM_INPUTS)[~of_shortcuts(mapped)]
    if mapped.inputs == "step":
        return place.burst(*_window(plan, step), _burst(plan))
    row, block, pixel_step = positions.tile(step)
    image, out_row, column = positions.pixel(row, pixel_step)
    top, left = _corner(plan, out_row, column)
    if mapped.inputs == "rows":  # earlier rows and columns of output have read the rest
        (down, right), (above, before) = layer.strides, layer.paddings
        next_row = (out_row - 1) * down - above + layer.extents.height
        top = np.where(out_row > 0, np.maximum(top, np.clip(next_row, 0, layer.in_height)), top)
        next_column = (column - 1) * right - before + max(layer.extents.width, right)
        left = np.where(column > 0, np.clip(next_column, 0, layer.in_width), 0)
    channel = positions.first_channel(block)
    return place.burst(_pixel(plan, image, top, left), channel, _burst(plan))


def window_offsets(plan: LayerPlan, step: Ints) -> Ints:
    """[steps] offset in the layer's input of the first value of each step's windows."""
    return own_inputs(plan).byte(*_window(plan, step))


def _window(plan: LayerPlan, step: Ints) -> tuple[Ints, Ints]:
    """Pixel and channel of the first value of each step's windows."""
    positions = Positions(plan)
    row, block, pixel_step = positions.tile(step)
    image, out_row, column = positions.pixel(row, pixel_step)
    top, left = _corner(plan, out_row, column)
    unit_channels = 1 if plan.mode == "mac" else plan.layer.unit_channels
    in_group = (
        np.array([part.first for part in plan.input_parts])[step % positions.input_blocks]
        * unit_channels
    )
    return _pixel(plan, image, top, left), positions.first_channel(block) + in_group


def _outgoing(mapped: MappedLayer, steps: Ints, place: MapPlace, before: Before) -> Ints:
    """[steps] address of the outputs of the transfer that each step belongs to.

    Args:
        mapped: the layer.
        steps: a step of each transfer.
        place: the place of the outputs.
        before: bytes of shared writes, or shared reads, that earlier output blocks move.

    """
    plan, layer, positions = mapped.plan, mapped.plan.layer, Positions(mapped.plan)
    row, block, pixel_step = positions.tile(steps)
    number = np.searchsorted(plan.transfer_cuts, pixel_step, side="right") - 1
    first = plan.transfer_cuts[number]
    image, out_row, column = positions.pixel(row, first)
    pixel = (image * layer.out_height + out_row) * layer.out_width + column
    if mapped.writes == "separate":
        channel = firsts([each.outputs for each in plan.blocks])[block]
        return place.burst(pixel, channel, _burst(plan))
    bounds = transfer_bounds(plan)
    pixels = bounds[row, number + 1] - bounds[row, number]
    begin = place.burst(pixel, np.zeros_like(pixel), _burst(plan))
    return begin + before(plan, block, pixels, place.bits)


def _corner(plan: LayerPlan, out_row: Ints, column: Ints) -> tuple[Ints, Ints]:
    """First row and column of the input under output pixels."""
    layer = plan.layer
    (down, right), (above, before) = layer.strides, layer.paddings
    top = np.clip(out_row * down - above, 0, layer.in_height)
    left = np.clip(column * right - before, 0, layer.in_width)
    return top, left


def _pixel(plan: LayerPlan, image: Ints, row: Ints, column: Ints) -> Ints:
    """Number of an input pixel."""
    layer = plan.layer
    return (image * layer.in_height + row) * layer.in_width + column


def _burst(plan: LayerPlan) -> int:
    """Bytes of a DRAM burst."""
    return plan.hardware.memory.dram.burst_bytes
