"""Where in DRAM each transfer begins, and the program that asks a DRAM table for its times.

Every tensor has a region of its own, one behind the other, aligned to a DRAM row of all channels:

- a layer's weights (indices, kernels): chunk behind chunk in the order of their first use, each in
  whole bursts, the subset with the first. A chunk that is loaded again is read from the same place.
- a layer's input: values in the order image, row, column, channel. It is the output region of the
  layer before where the shapes match; else (behind a pooling, say) a region that nobody wrote.
- a layer's output: the same order.

A transfer of activations begins at its first value's burst and runs on from there: first row, first
column, first channel that it carries. Where its rows lie apart, the jumps between them are not
modelled.
"""

from dataclasses import dataclass, replace

import numpy as np

from simulator.columns import Ints
from simulator.errors import InputError
from simulator.hardware import Hardware
from simulator.hardware.dram import dram_timing
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.rates import rate_of
from simulator.mapping.commands import Kind, Unit
from simulator.mapping.mapper import MappedLayer, Mapping
from simulator.ordered import DramAccess, Program

_UNITS = (Unit.DRAM_WEIGHTS, Unit.DRAM_INPUTS, Unit.DRAM_OUTPUTS)


def with_dram(program: Program, mapping: Mapping, hardware: Hardware) -> Program:
    """Return the program with addresses and the hardware's DRAM, or as it is with `timing: fixed`.

    Raises:
        InputError: the DRAM table is wrong, or too small for the network.

    """
    timing = dram_timing(hardware)
    if timing is None:
        return program
    row = timing.channels * timing.columns * timing.burst_bytes
    address, size = addresses(program, mapping, row)
    if size > timing.capacity:
        raise InputError(
            f"memory.dram: the network needs {size:,} bytes, {hardware.memory.dram.timing} with "
            f"{timing.channels} channels of {timing.ranks} ranks has {timing.capacity:,}"
        )
    return replace(
        program,
        dram=DramAccess(
            timing=timing,
            units=tuple(map(int, _UNITS)),
            writes=tuple(unit == Unit.DRAM_OUTPUTS for unit in _UNITS),
            gap=timing.burst_bytes / rate_of(hardware.memory.dram.bytes_per_cycle),
            address=address,
        ),
    )


@dataclass
class _Space:
    """Regions one behind the other."""

    align: int
    top: int = 0

    def take(self, size: int) -> int:
        """Reserve a region and return where it begins."""
        base = self.top
        self.top += -(-size // self.align) * self.align
        return base


def addresses(program: Program, mapping: Mapping, align: int) -> tuple[Ints, int]:
    """([N] first byte of each command's transfer, bytes in all regions)."""
    address = np.zeros(len(program), dtype=np.int64)
    space, before, written = _Space(align), None, 0
    for number, mapped in enumerate(mapping.layers):
        plan = mapped.plan
        mine = np.flatnonzero(program.layer == number)
        loads, reads, writes = (
            mine[program.kind[mine] == kind]
            for kind in (Kind.LOAD_WEIGHTS, Kind.READ_INPUTS, Kind.WRITE_OUTPUTS)
        )
        places = Places(plan)
        offset, size = _weights(plan, places, program.step[loads])
        address[loads] = space.take(size) + offset
        known = before is not None and _reads_output(plan, before)
        base = written if known else space.take(_input_bytes(plan))
        address[reads] = base + input_offsets(mapped, places, program.step[reads])
        written = space.take(_output_bytes(plan))
        address[writes] = written + _outputs(plan, places, program.step[writes])
        before = plan
    return address, space.top


def _reads_output(plan: LayerPlan, before: LayerPlan) -> bool:
    """Whether a layer's input has the shape of the output of the layer before."""
    mine, other = plan.layer, before.layer
    return (mine.in_channels, mine.in_height, mine.in_width, mine.images, plan.activation_bits) == (
        other.out_channels,
        other.out_height,
        other.out_width,
        other.images,
        before.activation_bits,
    )


def _input_bytes(plan: LayerPlan) -> int:
    layer = plan.layer
    pixels = plan.batch * layer.images * layer.in_height * layer.in_width
    return -(-pixels * layer.in_channels * plan.activation_bits // 8)


def _output_bytes(plan: LayerPlan) -> int:
    return -(-plan.pixels * plan.layer.out_channels * plan.activation_bits // 8)


class Places:
    """Which block, group and pixel a step works on (docs/machine.md, order of steps)."""

    def __init__(self, plan: LayerPlan) -> None:
        """Read the loop nest off a plan."""
        self.plan = plan
        self.groups, self.blocks = len(plan.group_units), len(plan.blocks)
        self.per_row = plan.steps_per_row
        self.whole = plan.pixel_steps // self.per_row * self.per_row * self.blocks
        """Visits in whole rows; a last row may be shorter."""

    def visit(self, step: Ints) -> tuple[Ints, Ints, Ints]:
        """(row, block, pixel step within the row) of steps."""
        visit = step // self.groups
        row = np.minimum(visit, self.whole) // (self.per_row * self.blocks)
        short = max(1, self.plan.pixel_steps % self.per_row)
        width = np.where(visit < self.whole, self.per_row, short)
        inside = visit - row * self.per_row * self.blocks
        return row, inside // width, inside % width

    def chunk(self, step: Ints) -> Ints:
        """Chunks of indices, kernels or weights that steps use, numbered block by block."""
        _, block, _ = self.visit(step)
        chunk: Ints = block * self.groups + step % self.groups
        return chunk

    def pixel(self, row: Ints, inside: Ints) -> tuple[Ints, Ints, Ints]:
        """(image, row, column) of the first output pixel of a pixel step."""
        layer = self.plan.layer
        first = (row * self.per_row + inside) * self.plan.pixels_per_step
        image, rest = np.divmod(first, layer.out_height * layer.out_width)
        out_row, column = np.divmod(rest, layer.out_width)
        return image, out_row, column


def _weights(plan: LayerPlan, places: Places, step: Ints) -> tuple[Ints, int]:
    """(offset of the chunk that each load brings, bytes of all chunks in whole bursts)."""
    sizes = plan.stored_table.ravel().copy()
    sizes[0] += plan.subset_bytes
    stored = plan.in_bursts(sizes)
    begins = np.cumsum(stored) - stored
    return begins[places.chunk(step)], int(stored.sum())


def input_offsets(mapped: MappedLayer, places: Places, step: Ints) -> Ints:
    """Offset in the layer's input of the first burst of each read."""
    plan, layer = mapped.plan, mapped.plan.layer
    if mapped.inputs == "step":
        return _burst_of(plan, window_offsets(plan, places, step))
    row, block, inside = places.visit(step)
    image, out_row, column = places.pixel(row, inside)
    top, left = _corner(plan, out_row, column)
    if mapped.inputs == "rows":  # what the rows and columns of output before brought is there
        behind = (out_row - 1) * layer.stride - layer.padding + layer.extent
        top = np.where(out_row > 0, np.maximum(top, np.clip(behind, 0, layer.in_height)), top)
        beside = (column - 1) * layer.stride - layer.padding + max(layer.extent, layer.stride)
        left = np.where(column > 0, np.clip(beside, 0, layer.in_width), 0)
    return _burst_of(plan, _offset(plan, image, top, left, _first_channel(places, block)))


def window_offsets(plan: LayerPlan, places: Places, step: Ints) -> Ints:
    """Offset in the layer's input of the first value that each step's PEs work on."""
    layer = plan.layer
    row, block, inside = places.visit(step)
    image, out_row, column = places.pixel(row, inside)
    top, left = _corner(plan, out_row, column)
    per_unit = 1 if plan.mode == "mac" else layer.unit_channels
    group = step % places.groups * plan.group_units[0] * per_unit
    return _offset(plan, image, top, left, _first_channel(places, block) + group)


def _corner(plan: LayerPlan, out_row: Ints, column: Ints) -> tuple[Ints, Ints]:
    """First row and column of the input under output pixels."""
    layer = plan.layer
    top = np.clip(out_row * layer.stride - layer.padding, 0, layer.in_height)
    left = np.clip(column * layer.stride - layer.padding, 0, layer.in_width)
    return top, left


def _first_channel(places: Places, block: Ints) -> Ints:
    """First input channel of the convolution's group that a block of outputs belongs to."""
    layer = places.plan.layer
    first: Ints = block // (places.blocks // layer.groups) * (layer.in_channels // layer.groups)
    return first


def _offset(plan: LayerPlan, image: Ints, row: Ints, column: Ints, channel: Ints) -> Ints:
    """Byte of an input value."""
    layer = plan.layer
    pixel = (image * layer.in_height + row) * layer.in_width + column
    offset: Ints = (pixel * layer.in_channels + channel) * plan.activation_bits // 8
    return offset


def _outputs(plan: LayerPlan, places: Places, step: Ints) -> Ints:
    """Offset of the first output value of each write, whose step is the transfer's last."""
    row, block, inside = places.visit(step)
    image, out_row, column = places.pixel(
        row, inside // plan.steps_per_transfer * plan.steps_per_transfer
    )
    before = np.cumsum([0, *(each.outputs for each in plan.blocks)])[block]
    layer = plan.layer
    pixel = (image * layer.out_height + out_row) * layer.out_width + column
    return _burst_of(plan, (pixel * layer.out_channels + before) * plan.activation_bits // 8)


def _burst_of(plan: LayerPlan, offset: Ints) -> Ints:
    """Where the burst begins that holds a byte."""
    burst = plan.hardware.memory.dram.burst_bytes
    return offset // burst * burst
