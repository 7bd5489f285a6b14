"""Which input bytes each DMA transfer brings into the activation buffer, and when there is room.

Four ways, from the most reuse to the least; the first that fits is taken:

- `rows`: every input row is read once, a convolution's groups one by one; the rows under the
  current row of output and what the next row adds are held.
- `double`, `single`: every transfer brings the whole patch under its pixels, for every block of
  output channels anew; two patches are held, or one.
- `step`: every step brings the patch of its own pixels and channels; one is held.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np

from simulator.errors import InputError
from simulator.mapping.builder import Signal
from simulator.mapping.plan import InputReuse, LayerPlan
from simulator.mapping.transfers import Transfers
from simulator.program import Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InputReads:
    """A layer's reads, in whole bursts, of T transfers or P pixel steps."""

    reuse: InputReuse
    bytes: Ints
    """`rows`: [T, groups of the convolution], 0 where everything is there already; `double` and
    `single`: [T, 1]; `step`: [P, groups of input channels]."""
    room: Signal
    """What must be done before there is room."""
    age: Ints
    """Like `bytes`: how long ago; 0 where there is room anyway."""

    @property
    def once(self) -> bool:
        """Whether only a convolution group's first block reads; others find the rows there."""
        return self.reuse == "rows"


def plan_inputs(plan: LayerPlan, transfers: Transfers) -> InputReads:
    """Choose how a layer's inputs are held, and say what each transfer brings.

    Raises:
        InputError: not even one step's input fits.

    """
    room = int(plan.hardware.memory.activation_buffer.kib * 1024) - 2 * plan.out_transfer_bytes
    window = _Window(plan)
    rows = _row_reads(plan, transfers, window, room)
    if rows is not None:
        return rows
    first, last = transfers.first_pixel, transfers.last_pixel
    channels = plan.layer.in_channels // plan.layer.groups
    size = _bytes(window.patch(first, last), channels, plan)[:, None]
    if 2 * size.max() <= room:
        return _reads("double", size, Signal.TRANSFER, 2, plan)
    if size.max() <= room:
        return _reads("single", size, Signal.TRANSFER, 1, plan)
    size = _step_sizes(plan, window)
    if size.max() <= room:
        return _reads("step", size, Signal.STEP, 1, plan)
    need = (int(size.max()) + 2 * plan.out_transfer_bytes) / 1024
    kib = plan.hardware.memory.activation_buffer.kib
    raise InputError(
        f"memory.activation_buffer.kib is {kib:g}: layer {plan.layer.name} needs at least "
        f"{ceil(100 * need) / 100:g} KiB, the input of one step and two outgoing transfers"
    )


def _reads(reuse: InputReuse, size: Ints, room: Signal, age: int, plan: LayerPlan) -> InputReads:
    ages = np.full_like(size, age)
    return InputReads(reuse=reuse, bytes=plan.in_bursts(size), room=room, age=ages)


class _Window:
    """Input pixels under output pixels 0, 1, 2, ... of a batch, in raster order."""

    def __init__(self, plan: LayerPlan) -> None:
        layer = plan.layer
        self.layer = layer
        stride, padding = layer.stride, layer.padding
        self.top, self.bottom = _spans(
            layer.out_height, layer.in_height, stride, padding, layer.extent
        )
        # Along a row a transfer is contiguous: up to the next kernel, whatever lies between.
        wide = max(layer.extent, stride)
        self.left, self.right = _spans(layer.out_width, layer.in_width, stride, padding, wide)
        fresh = self.bottom - np.maximum(self.top, np.concatenate(([0], self.bottom[:-1])))
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


@lru_cache(maxsize=1024)
def _spans(outs: int, ins: int, stride: int, padding: int, extent: int) -> tuple[Ints, Ints]:
    """First and behind-last input row (or column) read for each row (or column) of output."""
    first = np.arange(outs) * stride - padding
    begin, behind = (np.minimum(np.maximum(x, 0), ins) for x in (first, first + extent))
    begin.flags.writeable = behind.flags.writeable = False
    return begin, behind


def _bytes(pixels: Ints, channels: Ints | int, plan: LayerPlan) -> Ints:
    return np.asarray(-(-pixels * channels * plan.activation_bits // 8), dtype=np.int64)


def _gains(values: Ints) -> Ints:
    """What each value along the last axis adds to the one before; the first one to 0."""
    gains = values.copy()
    gains[..., 1:] -= values[..., :-1]
    return gains


def _row_reads(
    plan: LayerPlan, transfers: Transfers, window: _Window, room: int
) -> InputReads | None:
    """The way `rows`; None if this row's window and the next row do not fit."""
    layer, row, first = plan.layer, transfers.row, transfers.row_starts[transfers.row]
    groups = np.arange(layer.groups)
    channels = layer.in_channels // layer.groups
    covered = window.covered(transfers.last_pixel)
    # In order of time: rows before, groups before in this row, transfers before in this group.
    before = np.concatenate(([0], covered))[first]
    row_end = covered[transfers.row_starts[row + 1] - 1]
    values = (before * layer.in_channels + (covered - before) * channels)[:, None]
    values = values + (row_end - before)[:, None] * (groups * channels)
    upto = _bytes(values, 1, plan)
    freed = _bytes(window.done(transfers.row_first_pixel), layer.in_channels, plan)
    rows_done = np.searchsorted(freed, upto - room)  # rows of output that must be done before
    if np.any(rows_done > np.maximum(row - 1, 0)[:, None]):
        return None
    age = np.where(rows_done > 0, row[:, None] - rows_done + 1, 0)
    # A group reads those of its transfer's bursts that no group before has read.
    fresh = _gains(_bytes(covered, layer.in_channels, plan))
    shares = -(-fresh[:, None] * (groups + 1) // layer.groups)
    size = _gains(plan.in_bursts(shares))
    return InputReads(reuse="rows", bytes=size, room=Signal.ROW, age=age)


def _step_sizes(plan: LayerPlan, window: _Window) -> Ints:
    """[P, G] bytes under each pixel step, of each group's channels."""
    first = np.arange(plan.pixel_steps) * plan.pixels_per_step
    last = np.minimum(first + plan.pixels_per_step, plan.pixels) - 1
    per_unit = 1 if plan.mode == "mac" else plan.layer.unit_channels
    channels = np.array(plan.group_units) * per_unit
    return _bytes(window.patch(first, last)[:, None], channels[None, :], plan)
