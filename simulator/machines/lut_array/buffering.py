"""The buffering of inputs: what each transfer reads, and its space in the activation buffer.

The mapper uses the first of four schemes that fits, from the most reuse to the least:

- `rows`: every input row is read once, convolution group by convolution group. The buffer holds the
  rows under the current row of output, and the rows that the next row adds.
- `double`, `single`: every transfer reads the patch under its pixels, again for every output block.
  The buffer holds two patches, or one.
- `step`: every step reads the patch of its own pixels and channels. The buffer holds one.

In all schemes two output slots take part of the buffer.
"""

from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np

from simulator.columns import Ints
from simulator.errors import InputError
from simulator.machines.lut_array.pixels import step_bounds, transfer_bounds
from simulator.machines.lut_array.plan import InputReuse, LayerPlan
from simulator.machines.lut_array.vocabulary import OUTPUT_SLOTS
from simulator.machines.lut_array.window import Window


class Position(NamedTuple):
    """A transfer of a layer; in scheme `step` an output tile."""

    row: int
    block: int
    number: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Buffering:
    """A layer's reads in the order of time: row by row, block by block, transfer by transfer."""

    scheme: InputReuse
    read_bytes: Ints
    """[rows, blocks, transfers] bytes that each transfer reads, in whole bursts; 0: no read."""
    taken: Ints
    """[rows, blocks, transfers] bytes of space that its read takes."""
    freed: Ints
    """[rows, blocks, transfers] bytes of space that its last step frees."""
    step_pixels: Ints
    """[rows, pixel steps] scheme `step`: input pixels under each pixel step, read by its steps."""
    first_read: Position | None
    """The layer's first read; None: the layer reads nothing, because it sees only padding."""


def plan_buffering(plan: LayerPlan) -> Buffering:
    """Choose a layer's buffering scheme.

    Raises:
        InputError: not even the inputs of one step fit.

    """
    window, space = Window(plan.layer), input_space(plan)
    if _rows_fit(plan, window, space):
        return _rows(plan, window)
    patches = _patch_bytes(plan, window)
    largest = int(patches.max())
    if 2 * largest <= space:
        return _patches(plan, "double", patches, 2)
    if largest <= space:
        return _patches(plan, "single", patches, 1)
    return _steps(plan, window, space)


def input_space(plan: LayerPlan) -> int:
    """Bytes of the activation buffer for inputs: all but the output slots."""
    size = int(plan.hardware.memory.activation_buffer.kib * 1024)
    return size - OUTPUT_SLOTS * plan.out_transfer_bytes


# --- scheme `rows` -------------------------------------------------------------------------------


def _rows_fit(plan: LayerPlan, window: Window, space: int) -> bool:
    """True if the rows under a row of output, and what the next row adds, always fit."""
    bounds = transfer_bounds(plan)
    held_from = _unneeded_bytes(plan, window)
    previous = np.concatenate((held_from[:1], held_from[:-1]))
    held_to = _bytes(plan, window.covered(bounds[:, -1]) * plan.layer.in_channels)
    return bool(np.all(held_to - previous <= space))


def _rows(plan: LayerPlan, window: Window) -> Buffering:
    """Read what is new under each transfer, in its convolution group's channels.

    A convolution group reads the bursts of a transfer that contain its channels, except bursts that
    an earlier group has read.
    """
    layer = plan.layer
    groups, blocks = layer.groups, len(plan.blocks) // layer.groups
    covered = window.covered(transfer_bounds(plan))
    new = np.diff(_bytes(plan, covered * layer.in_channels))[:, np.newaxis]
    group = np.arange(groups).reshape(1, -1, 1)
    bursts_to = plan.in_bursts(-(-new * (group + 1) // groups))
    read_bytes = np.zeros((len(covered), len(plan.blocks), new.shape[-1]), dtype=np.int64)
    read_bytes[:, ::blocks] = bursts_to - plan.in_bursts(-(-new * group // groups))
    # In order of time: earlier rows, earlier groups of this row, earlier transfers of this group.
    before, row = covered[:, np.newaxis, :1], covered[:, np.newaxis]
    in_group = (row - before + (row[..., -1:] - before) * group) * (layer.in_channels // groups)
    held = _bytes(plan, before * layer.in_channels + in_group)[..., 1:]
    freed = np.zeros_like(read_bytes)
    freed[:, -1, -1] = np.diff(_unneeded_bytes(plan, window), append=0)
    return _buffering(plan, "rows", read_bytes, np.repeat(held, blocks, axis=1), freed)


def _unneeded_bytes(plan: LayerPlan, window: Window) -> Ints:
    """[rows] bytes of input that no output from each row on needs."""
    done = window.done(transfer_bounds(plan)[:, 0])
    return _bytes(plan, done * plan.layer.in_channels)


# --- schemes `double` and `single` ---------------------------------------------------------------


def _patch_bytes(plan: LayerPlan, window: Window) -> Ints:
    """[rows, transfers] bytes under each transfer, in the channels of a convolution group."""
    bounds = transfer_bounds(plan)
    pixels = window.patch(bounds[:, :-1], bounds[:, 1:])
    return _bytes(plan, pixels * (plan.layer.in_channels // plan.layer.groups))


def _patches(plan: LayerPlan, scheme: InputReuse, patches: Ints, held: int) -> Buffering:
    """Read the patch of every transfer for every output block.

    A transfer without a read still holds its patch until its last step.
    """
    blocks, size = len(plan.blocks), input_space(plan) // held
    bounds = transfer_bounds(plan)
    freed = np.where(np.diff(bounds) > 0, size, 0)
    by_block = np.repeat(freed[:, np.newaxis], blocks, axis=1)
    read_bytes = np.repeat(plan.in_bursts(patches)[:, np.newaxis], blocks, axis=1)
    in_use = np.cumsum(by_block).reshape(by_block.shape)
    unused = input_space(plan) - held * size
    return _buffering(plan, scheme, read_bytes, in_use + unused, by_block)


# --- scheme `step` -------------------------------------------------------------------------------


def _steps(plan: LayerPlan, window: Window, space: int) -> Buffering:
    """Read the patch of every step's pixels and channels; the previous step's is gone.

    Raises:
        InputError: one patch does not fit.

    """
    bounds = step_bounds(plan)
    pixels = window.patch(bounds[:, :-1], bounds[:, 1:])
    channels = 1 if plan.layer.full_precision else plan.layer.unit_channels
    largest = int(_bytes(plan, pixels * max(plan.group_units) * channels).max())
    if largest > space:
        raise _too_small(plan, largest)
    transfers = transfer_bounds(plan).shape[1] - 1
    nothing = np.zeros((len(pixels), len(plan.blocks), transfers), dtype=np.int64)
    return Buffering(
        scheme="step",
        read_bytes=nothing,
        taken=nothing,
        freed=nothing,
        step_pixels=pixels,
        first_read=_first(pixels[:, np.newaxis]),
    )


def _too_small(plan: LayerPlan, largest: int) -> InputError:
    need = (largest + OUTPUT_SLOTS * plan.out_transfer_bytes) / 1024
    kib = plan.hardware.memory.activation_buffer.kib
    return InputError(
        f"memory.activation_buffer.kib is {kib:g}: layer {plan.layer.name} needs at least "
        f"{ceil(100 * need) / 100:g} KiB, the input of one step and two outgoing transfers"
    )


# --- the space of reads --------------------------------------------------------------------------


def _buffering(
    plan: LayerPlan, scheme: InputReuse, read_bytes: Ints, held: Ints, freed: Ints
) -> Buffering:
    """Balance the space that a layer's reads take with the space that its steps free.

    A read takes the space of its own transfer, and of earlier transfers without a read. The first
    read also takes the output slots. The layer's last step frees everything that is left.

    Args:
        plan: the layer.
        scheme: its buffering scheme.
        read_bytes: [rows, blocks, transfers] bytes of each read; 0: no read.
        held: [rows, blocks, transfers] bytes that this and all earlier transfers take.
        freed: [rows, blocks, transfers] bytes that are not needed after each transfer.

    """
    reads, taken = np.flatnonzero(read_bytes), np.zeros_like(read_bytes)
    slots = OUTPUT_SLOTS * plan.out_transfer_bytes
    taken.flat[reads] = np.diff(held.flat[reads], prepend=-slots)
    total = taken.sum()
    last = freed.size - int(np.sum(np.diff(transfer_bounds(plan)[-1]) == 0)) - 1
    freed_to = np.minimum(np.cumsum(freed), total)
    freed_to[last:] = total
    return Buffering(
        scheme=scheme,
        read_bytes=read_bytes,
        taken=taken,
        freed=np.diff(freed_to, prepend=0).reshape(freed.shape),
        step_pixels=np.zeros((len(read_bytes), plan.steps_per_row), dtype=np.int64),
        first_read=_first(read_bytes),
    )


def _first(read: Ints) -> Position | None:
    """The first position, of [rows, blocks, numbers], at which something is read."""
    found = np.argwhere(read)
    return Position(*found[0].tolist()) if len(found) else None


def _bytes(plan: LayerPlan, values: Ints) -> Ints:
    """Bytes of activations, packed without gaps."""
    return -(-values * plan.activation_bits // 8)
