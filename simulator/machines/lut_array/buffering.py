"""The buffering of inputs: the reads of each transfer, and its space in the activation buffer.

The mapper uses the first of four schemes that fits, from the most reuse to the least:

- `on_chip`: earlier layers have left the whole map in the buffer. The layer reads no inputs.
- `rows`: transfers read every input row once, convolution group by convolution group. The buffer
  holds the rows under the current row of output, and the rows that the next row adds.
- `patches`: every transfer reads the patch under its pixels, again for every output block. The
  buffer holds as many patches as fit, up to those of a row and one more.
- `step`: every step reads the patch of its own pixels and channels. The buffer holds one patch.

In all schemes, outputs take a part of the buffer. Convolution groups that share bursts take more.
They do not share bursts if the mapper then finds no scheme, or one with less reuse.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from simulator.base.columns import Ints
from simulator.base.errors import InputError
from simulator.machines.lut_array.outputs import all_moved, output_space
from simulator.machines.lut_array.pixels import row_bounds, step_bounds, transfer_bounds
from simulator.machines.lut_array.plan import InputReuse, LayerPlan, Writes
from simulator.machines.lut_array.window import Window

_RANKS: Mapping[InputReuse, int] = MappingProxyType(
    {"step": 0, "patches": 1, "rows": 2, "on_chip": 3}
)
_OVERLAPPING = 2
"""Patches with which a transfer's read overlaps the steps of the previous transfer."""


class Position(NamedTuple):
    """A transfer of a layer; in scheme `step` an output tile."""

    row: int
    block: int
    number: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Buffering:
    """A layer's reads in the order of time: row by row, block by block, transfer by transfer."""

    scheme: InputReuse
    writes: Writes
    patches: int
    """Scheme `patches`: patches that fit; 0 in the others."""
    read_bytes: Ints
    """[rows, blocks, transfers] bytes that each transfer reads, in whole bursts; 0: no read."""
    taken: Ints
    """[rows, blocks, transfers] bytes of space that each transfer's read takes."""
    freed: Ints
    """[rows, blocks, transfers] bytes of space that each transfer's last step frees."""
    step_pixels: Ints
    """[rows, pixel steps] scheme `step`: input pixels that the steps of each pixel step read."""
    first_read: Position | None
    """The layer's first read; None if the layer does not read because it sees only padding."""

    def first_step(self, row: int, block: int) -> int | None:
        """Scheme `step`: pixel step of the layer's first read if it is in this row and block."""
        if self.scheme != "step" or self.first_read is None or self.first_read[:2] != (row, block):
            return None
        return self.first_read.number

    def under(self, row: int, block: int, steps: int) -> tuple[int, ...]:
        """Scheme `step`: input pixels under a row's `steps` pixel steps, and under the next."""
        if self.scheme != "step":
            return (0,) * (steps + 1)
        rows, blocks, _ = self.read_bytes.shape
        following = row if block < blocks - 1 else row + 1
        after = int(self.step_pixels[following, 0]) if following < rows else 0
        return (*self.step_pixels[row, :steps].tolist(), after)


class _Case(NamedTuple):
    """A layer whose output blocks write in some way."""

    plan: LayerPlan
    writes: Writes
    bounds: Ints
    """[rows, transfers + 1] output pixels before each transfer, and after the last."""

    @property
    def space(self) -> int:
        """Bytes of the activation buffer for inputs."""
        return input_space(self.plan, self.writes)


class _Reads(NamedTuple):
    """A layer's reads before the first of them takes the space of outputs."""

    read_bytes: Ints
    """[rows, blocks, transfers] bytes of each read; 0: no read."""
    held: Ints
    """[rows, blocks, transfers] bytes that this and all earlier transfers take."""
    freed: Ints
    """[rows, blocks, transfers] bytes that no step needs after each transfer."""


def plan_buffering(plan: LayerPlan) -> Buffering:
    """Choose a layer's buffering scheme, and how its output blocks write.

    Raises:
        InputError: not even the inputs of one step fit.

    """
    if plan.on_chip.all_operands:
        found = _from_chip(plan)
    elif plan.layer.groups == 1:
        found = _first_that_fits(plan, "separate")
    else:
        found = _grouped(plan)
    if found is None:
        raise _too_small(plan)
    return found


def rows_space(plan: LayerPlan) -> int:
    """Bytes of the activation buffer that are enough for scheme `rows`, with all maps on chip."""
    writes: Writes = "separate" if plan.layer.groups == 1 else "shared"
    others = plan.on_chip.space + output_space(plan, writes)
    if plan.on_chip.all_operands:
        return others
    return others + _row_bytes(plan, Window(plan.layer, plan.image_blocks))


def as_good(found: Buffering, other: Buffering) -> bool:
    """True if a buffering moves no more bytes than another one, and reads as far ahead."""
    of_writes = found.writes in {"shared", other.writes}
    rank, least = _RANKS[found.scheme], _RANKS[other.scheme]
    return of_writes and (rank > least or (rank == least and found.patches >= other.patches))


def input_space(plan: LayerPlan, writes: Writes) -> int:
    """Bytes of the activation buffer for inputs: all that maps and outputs do not take."""
    size = int(plan.hardware.memory.activation_buffer.kib * 1024)
    return size - plan.on_chip.space - output_space(plan, writes)


def _grouped(plan: LayerPlan) -> Buffering | None:
    """Let convolution groups share bursts, unless separate writes have space for more reuse.

    The busier DMA unit must not move more bytes because of separate writes. Separate writes have at
    most two patches. With more, a buffer that comes to fit shared bursts would often cost cycles.
    """
    shared = _first_that_fits(plan, "shared")
    if shared is not None and shared.scheme == "rows":
        return shared
    separate = _first_that_fits(plan, "separate", _OVERLAPPING)
    if separate is None or shared is None:
        return separate
    more = _reuse(separate) > _reuse(shared)
    return separate if more and _busiest(plan, separate) <= _busiest(plan, shared) else shared


def _reuse(found: Buffering) -> tuple[int, int]:
    """Rank of a scheme, and of the number of its patches."""
    return _RANKS[found.scheme], min(found.patches, _OVERLAPPING)


def _busiest(plan: LayerPlan, found: Buffering) -> int:
    """Bytes of the busier DMA unit of inputs and outputs."""
    read = int(found.read_bytes.sum())
    if found.scheme == "step":
        values = np.multiply.outer(found.step_pixels, plan.group_units) * _unit_channels(plan)
        read = len(plan.blocks) * int(plan.in_bursts(_bytes(plan, values)).sum())
    moved = all_moved(plan, found.writes)
    return max(read + moved.shortcuts, moved.written)


def _first_that_fits(plan: LayerPlan, writes: Writes, most: int | None = None) -> Buffering | None:
    """Return the first scheme that fits; None: not even the inputs of one step fit.

    Args:
        plan: the layer.
        writes: the way in which its output blocks write.
        most: most patches of scheme `patches`; None: those of a row and one more.

    """
    case = _Case(plan, writes, transfer_bounds(plan))
    window, bounds = Window(plan.layer, plan.image_blocks), case.bounds
    if _row_bytes(plan, window) <= case.space:
        return _rows(case, window)
    channels = plan.layer.in_channels // plan.layer.groups
    patches = _bytes(plan, window.patch(bounds[:, :-1], bounds[:, 1:]) * channels)
    most = most or len(plan.blocks) * patches.shape[1] + 1
    held = min(case.space // max(1, int(patches.max())), most)
    if held > 0:
        return _patches(case, patches, held)
    return _steps(case, window) if _step_bytes(plan, window) <= case.space else None


def _from_chip(plan: LayerPlan) -> Buffering | None:
    """Read no input; None: not even the outputs of two transfers fit together with the maps."""
    ways: tuple[Writes, ...] = ("separate",) if plan.layer.groups == 1 else ("shared", "separate")
    for writes in ways:
        case = _Case(plan, writes, transfer_bounds(plan))
        if case.space >= 0:
            nothing = np.zeros(
                (len(case.bounds), len(plan.blocks), case.bounds.shape[1] - 1), dtype=np.int64
            )
            reads = _Reads(read_bytes=nothing, held=nothing, freed=nothing)
            return _buffering(case, "on_chip", reads)
    return None


# --- scheme `rows` -------------------------------------------------------------------------------


def rows_fit(plan: LayerPlan) -> bool:
    """True if scheme `rows` fits a layer; its convolution groups share writes."""
    writes: Writes = "separate" if plan.layer.groups == 1 else "shared"
    return _row_bytes(plan, Window(plan.layer, plan.image_blocks)) <= input_space(plan, writes)


def _row_bytes(plan: LayerPlan, window: Window) -> int:
    """Most bytes of the inputs of a row and of those that the next row adds."""
    bounds, channels = row_bounds(plan), plan.layer.in_channels
    needed_to = _bytes(plan, window.covered(bounds[1:]) * channels)
    done = _bytes(plan, window.done(bounds[:-1]) * channels)
    return int((needed_to - np.concatenate((done[:1], done[:-1]))).max())


def _rows(case: _Case, window: Window) -> Buffering:
    """Read the new bytes under each transfer, in the channels of its convolution group.

    A convolution group reads the bursts of a transfer that contain its channels, except bursts that
    an earlier group has read.
    """
    plan, layer = case.plan, case.plan.layer
    covered, done = window.covered(case.bounds), window.done(case.bounds[:, 0])
    needed_to = _bytes(plan, covered * layer.in_channels)
    done = _bytes(plan, done * layer.in_channels)
    groups, blocks = layer.groups, len(plan.blocks) // layer.groups
    new = (needed_to[:, 1:] - needed_to[:, :-1])[:, np.newaxis]
    group = np.arange(groups + 1).reshape(1, -1, 1)
    bursts_to = plan.in_bursts(-(-new * group // groups))
    read_bytes = np.zeros((len(covered), len(plan.blocks), new.shape[-1]), dtype=np.int64)
    read_bytes[:, ::blocks] = bursts_to[:, 1:] - bursts_to[:, :-1]
    # In order of time: earlier rows, earlier groups of this row, earlier transfers of this group.
    before, row = covered[:, np.newaxis, :1], covered[:, np.newaxis]
    in_group = (row - before + (row[..., -1:] - before) * group[:, :-1]) * (
        layer.in_channels // groups
    )
    held = _bytes(plan, before * layer.in_channels + in_group)[..., 1:]
    freed = np.zeros_like(read_bytes)
    last = np.count_nonzero(np.diff(case.bounds), axis=1) - 1  # a shorter row has fewer transfers
    freed[np.arange(len(freed) - 1), -1, last[:-1]] = np.diff(done)
    held = np.repeat(held, blocks, axis=1)
    return _buffering(case, "rows", _Reads(read_bytes=read_bytes, held=held, freed=freed))


# --- scheme `patches` ----------------------------------------------------------------------------


def _patches(case: _Case, patches: Ints, held: int) -> Buffering:
    """Read the patch of every transfer for every output block; the buffer holds `held` patches.

    A transfer without a read still holds its patch until its last step. With more patches than
    those of a row and one, reads would run further ahead than in scheme `rows`. That scheme begins
    to read a row when the row two places earlier is done. A larger buffer could then cost cycles.
    """
    plan, bounds, blocks = case.plan, case.bounds, len(case.plan.blocks)
    size = case.space // held
    freed = np.where(bounds[:, 1:] > bounds[:, :-1], size, 0)
    by_block = np.repeat(freed[:, np.newaxis], blocks, axis=1)
    read_bytes = np.repeat(plan.in_bursts(patches)[:, np.newaxis], blocks, axis=1)
    in_use = np.cumsum(by_block).reshape(by_block.shape)
    held_to = in_use + case.space - held * size
    reads = _Reads(read_bytes=read_bytes, held=held_to, freed=by_block)
    return _buffering(case, "patches", reads, held)


# --- scheme `step` -------------------------------------------------------------------------------


def _steps(case: _Case, window: Window) -> Buffering:
    """Read the patch of every step's pixels and channels in place of the previous patch."""
    plan, pixels = case.plan, _step_pixels(case.plan, window)
    transfers = case.bounds.shape[1] - 1
    nothing = np.zeros((len(pixels), len(plan.blocks), transfers), dtype=np.int64)
    return Buffering(
        scheme="step",
        writes=case.writes,
        patches=0,
        read_bytes=nothing,
        taken=nothing,
        freed=nothing,
        step_pixels=pixels,
        first_read=_first(pixels[:, np.newaxis]),
    )


def _step_pixels(plan: LayerPlan, window: Window) -> Ints:
    """[rows, pixel steps] input pixels under each pixel step."""
    bounds = step_bounds(plan)
    return window.patch(bounds[:, :-1], bounds[:, 1:])


def _step_bytes(plan: LayerPlan, window: Window) -> int:
    """Bytes of the largest step's patch."""
    values = _step_pixels(plan, window) * max(plan.group_units) * _unit_channels(plan)
    return int(_bytes(plan, values).max())


def _unit_channels(plan: LayerPlan) -> int:
    """Input channels of an input unit."""
    return 1 if plan.layer.full_precision else plan.layer.unit_channels


def _too_small(plan: LayerPlan) -> InputError:
    step = _step_bytes(plan, Window(plan.layer, plan.image_blocks))
    need = (step + output_space(plan, "separate")) / 1024
    kib = plan.hardware.memory.activation_buffer.kib
    return InputError(
        f"memory.activation_buffer.kib is {kib:g}: layer {plan.layer.name} needs at least "
        f"{ceil(100 * need) / 100:g} KiB, the input of one step and two outgoing transfers"
    )


# --- the space of reads --------------------------------------------------------------------------


def _buffering(case: _Case, scheme: InputReuse, reads: _Reads, patches: int = 0) -> Buffering:
    """Balance the space that a layer's reads take with the space that its steps free.

    A read takes the space of its own transfer, and of earlier transfers without a read. The first
    read also takes the space of outputs and of maps on chip. The layer's last step frees the
    remaining space.

    Args:
        case: the layer.
        scheme: its buffering scheme.
        reads: its reads.
        patches: patches that fit.

    """
    read_bytes, held, freed, bounds = reads.read_bytes, reads.held, reads.freed, case.bounds
    some, taken = np.flatnonzero(read_bytes), np.zeros_like(read_bytes)
    others = output_space(case.plan, case.writes) + case.plan.on_chip.space
    taken.reshape(-1)[some] = _increases(held.reshape(-1)[some], -others)
    total = taken.sum()
    last = freed.size - int(np.count_nonzero(bounds[-1, 1:] == bounds[-1, :-1])) - 1
    freed_to = np.minimum(freed.cumsum(), total)
    freed_to[last:] = total
    return Buffering(
        scheme=scheme,
        writes=case.writes,
        patches=patches,
        read_bytes=read_bytes,
        taken=taken,
        freed=_increases(freed_to, 0).reshape(freed.shape),
        step_pixels=np.zeros((len(read_bytes), 0), dtype=np.int64),
        first_read=_first(read_bytes),
    )


def _increases(totals: Ints, before: int) -> Ints:
    """Increase of each total over the previous total; `before` precedes the first."""
    return totals - np.concatenate(((before,), totals[:-1]))


def _first(read: Ints) -> Position | None:
    """The first position in [rows, blocks, numbers] with a read; None without any read."""
    first = int(np.argmax(read != 0))
    at = Position(*map(int, np.unravel_index(first, read.shape)))
    return at if read[at] else None


def _bytes(plan: LayerPlan, values: Ints) -> Ints:
    """Bytes of inputs, packed without gaps."""
    return -(-values * plan.activation_bits // 8)
