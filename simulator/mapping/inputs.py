"""Which input bytes each DMA transfer brings into the activation buffer, and when there is room.

Four ways, from the most reuse to the least; the first that fits is taken:

- `rows`: every input row is read once; the rows under the current row of output and what the
  next row adds are held.
- `double`, `single`: every transfer brings the whole patch under its pixels, for every block of
  output channels anew; two patches are held, or one.
- `step`: every step brings the patch of its own pixels and channels; one is held.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np

from simulator.errors import InputError
from simulator.mapping.builder import NONE, Builder, Kind, per_cycle
from simulator.mapping.compute import Compute
from simulator.mapping.nest import Nest
from simulator.mapping.plan import InputReuse, LayerPlan
from simulator.program import Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Reads:
    """R transfers in order of time."""

    step: Ints
    """[R] first step that needs it."""
    size: Ints
    """[R] bytes; 0 where everything is there already."""
    after: Ints
    """[R] step that must be done before there is room; NONE: there is room."""


def add_inputs(
    builder: Builder, plan: LayerPlan, nest: Nest, compute: Compute, barrier: int
) -> InputReuse:
    """Add a layer's input reads, the first of which waits on `barrier`; return the way taken.

    Raises:
        InputError: not even one step's input fits.

    """
    room = int(plan.hardware.memory.activation_buffer.kib * 1024) - 2 * plan.out_transfer_bytes
    reuse, reads = _choose(plan, nest, room)
    used = reads.size > 0
    step, size, after = reads.step[used], reads.size[used], reads.after[used]
    dram = plan.hardware.memory.dram
    moved = -(-size // dram.burst_bytes) * dram.burst_bytes
    commands = builder.add(
        Kind.READ_INPUTS,
        nest.first_order(step),
        step=step,
        cycles=per_cycle(dram.bytes_per_cycle)(moved),
        latency=dram.latency_cycles,
        bytes_=moved,
    )
    builder.wait(commands, np.where(after == NONE, NONE, compute.last[after]))
    builder.wait(compute.needs_inputs[step], commands)
    builder.wait(commands[:1], np.array([barrier])[: len(commands)])
    builder.wait(compute.needs_inputs[:1], np.array([barrier]))
    return reuse


def _choose(plan: LayerPlan, nest: Nest, room: int) -> tuple[InputReuse, _Reads]:
    window = _Window(plan)
    rows = _row_reads(plan, nest, window, room)
    if rows is not None:
        return "rows", rows
    patches = _patch_sizes(plan, nest, window)
    steps = nest.first_visits() * nest.groups
    if 2 * patches.max() <= room:
        return "double", _Reads(step=steps, size=patches, after=_steps_before(steps, 2))
    if patches.max() <= room:
        return "single", _Reads(step=steps, size=patches, after=_steps_before(steps, 1))
    patches = _step_sizes(plan, nest, window)
    if patches.max() <= room:
        steps = np.arange(nest.steps)
        return "step", _Reads(step=steps, size=patches, after=steps - 1)
    need = (int(patches.max()) + 2 * plan.out_transfer_bytes) / 1024
    kib = plan.hardware.memory.activation_buffer.kib
    raise InputError(
        f"memory.activation_buffer.kib is {kib:g}: layer {plan.layer.name} needs at least "
        f"{ceil(100 * need) / 100:g} KiB, the input of one step and two outgoing transfers"
    )


def _steps_before(first_steps: Ints, depth: int) -> Ints:
    """For each transfer, the last step of the transfer `depth` before it."""
    ends = first_steps[1:] - 1
    return np.concatenate((np.full(depth, NONE), ends[: len(first_steps) - depth]))[
        : len(first_steps)
    ]


class _Window:
    """Input pixels under output pixels 0, 1, 2, ... of a batch, in raster order."""

    def __init__(self, plan: LayerPlan) -> None:
        layer = plan.layer
        self.layer = layer
        self.top, self.bottom = _spans(layer.out_height, layer.in_height, plan, layer.extent)
        # Along a row a transfer is contiguous: up to the next kernel, whatever lies between.
        wide = max(layer.extent, layer.stride)
        self.left, self.right = _spans(layer.out_width, layer.in_width, plan, wide)
        fresh = self.bottom - np.maximum(self.top, np.append(0, self.bottom[:-1]))
        self.fresh = np.maximum(fresh, 0)
        """[out_height] input rows that no row of output before needs."""
        self.rows = np.cumsum(self.fresh)
        """[out_height] input rows that are needed up to each row of output."""
        self.width = int(self.right[-1])
        self.image = int(self.rows[-1]) * self.width

    def split(self, pixel: Ints) -> tuple[Ints, Ints, Ints]:
        """(image, row, column) of output pixels."""
        image, inside = np.divmod(pixel, self.layer.out_height * self.layer.out_width)
        row, column = np.divmod(inside, self.layer.out_width)
        return image, row, column

    def covered(self, pixel: Ints) -> Ints:
        """Input pixels needed by all output pixels up to and including `pixel`."""
        image, row, column = self.split(pixel)
        before = (self.rows[row] - self.fresh[row]) * self.width
        covered: Ints = image * self.image + before + self.fresh[row] * self.right[column]
        return covered

    def done(self, pixel: Ints) -> Ints:
        """Input pixels, in whole rows, that no output pixel from `pixel` on needs."""
        image, row, _ = self.split(pixel)
        held = self.bottom[row] - self.top[row]
        done: Ints = image * self.image + (self.rows[row] - held) * self.width
        return done

    def patch(self, first: Ints, last: Ints) -> Ints:
        """Input pixels under the output pixels `first` to `last`, read without any reuse."""
        image, row, column = self.split(first)
        last_image, last_row, last_column = self.split(last)
        rows = self.bottom[row] - self.top[row]
        in_row = rows * (self.right[last_column] - self.left[column])
        whole = last_image * self.image + self.rows[last_row] * self.width - self.done(first)
        return np.where((image == last_image) & (row == last_row), in_row, whole)


def _spans(outs: int, ins: int, plan: LayerPlan, extent: int) -> tuple[Ints, Ints]:
    """First and behind-last input row (or column) read for each row (or column) of output."""
    first = np.arange(outs) * plan.layer.stride - plan.layer.padding
    return np.clip(first, 0, ins), np.clip(first + extent, 0, ins)


def _bytes(pixels: Ints, channels: Ints | int, plan: LayerPlan) -> Ints:
    return np.asarray(-(-pixels * channels * plan.activation_bits // 8), dtype=np.int64)


def _pixel_range(plan: LayerPlan, nest: Nest, first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """First and last output pixel of the visits `first` to `last`."""
    return (
        nest.pixel_step[first] * plan.pixels_per_step,
        nest.pixel_step[last] * plan.pixels_per_step + nest.pixels[last] - 1,
    )


def _row_reads(plan: LayerPlan, nest: Nest, window: _Window, room: int) -> _Reads | None:
    """Reads of the way `rows`, or None if this row's window and the next row do not fit."""
    channels = plan.layer.in_channels
    first, last = nest.first_visits(), nest.last_visits()
    once = nest.block[first] == 0  # later blocks find the rows in the buffer
    first, last = first[once], last[once]
    upto = _bytes(window.covered(_pixel_range(plan, nest, first, last)[1]), channels, plan)
    row_starts = np.flatnonzero(np.diff(nest.row, prepend=-1))
    freed = _bytes(window.done(nest.pixel_step[row_starts] * plan.pixels_per_step), channels, plan)
    rows_done = np.searchsorted(freed, upto - room)  # rows of output that must be done before
    if np.any(rows_done > np.maximum(nest.row[first] - 1, 0)):
        return None
    row_ends = np.append(row_starts[1:], nest.visits) * nest.groups - 1
    return _Reads(
        step=first * nest.groups,
        size=np.diff(upto, prepend=0),
        after=np.where(rows_done > 0, row_ends[rows_done - 1], NONE),
    )


def _patch_sizes(plan: LayerPlan, nest: Nest, window: _Window) -> Ints:
    """[transfers] bytes under each transfer's pixels."""
    pixels = window.patch(*_pixel_range(plan, nest, nest.first_visits(), nest.last_visits()))
    return _bytes(pixels, plan.layer.in_channels // plan.layer.groups, plan)


def _step_sizes(plan: LayerPlan, nest: Nest, window: _Window) -> Ints:
    """[S] bytes under each step's pixels, of its group's channels."""
    visits = np.arange(nest.visits)
    pixels = np.repeat(window.patch(*_pixel_range(plan, nest, visits, visits)), nest.groups)
    per_unit = 1 if plan.mode == "mac" else plan.layer.unit_channels
    channels = np.tile(np.array(plan.group_units) * per_unit, nest.visits)
    return _bytes(pixels, channels, plan)
