"""The reads and writes of a layer with weights, for layers that overlap."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.base.columns import Ints
from simulator.machines.lut_array.buffering import Buffering, Position
from simulator.machines.lut_array.outputs import has_shortcuts, outgoing, output_space
from simulator.machines.lut_array.pixels import transfer_bounds
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.window import Window
from simulator.machines.overlap import Flow, last_of, rows_seen


def flow_of(
    plan: LayerPlan, buffering: Buffering, inputs: Ints, shortcuts: Sequence[Ints] = ()
) -> Flow:
    """Return the reads and writes of a layer.

    Its possible reads are, for each transfer, that of inputs and the first of shortcut values. In
    scheme `step` they are its first read alone.

    Args:
        plan: the layer.
        buffering: the buffering of its inputs.
        inputs: [images, maps, rows] the writes that complete each row of the map that it reads.
        shortcuts: the same for each map that its epilogue adds.

    """
    writes = int(transfer_writes(plan).max())
    opens = opens_with_shortcuts(plan, buffering)
    if buffering.scheme == "step" or not reads_maps(plan, buffering):
        reads = np.ones(int(reads_maps(plan, buffering)), dtype=np.bool_)
        none = np.zeros(len(reads), dtype=np.int64)
        return Flow(
            reads=reads,
            needs=none,
            taken=none,
            leaving=0,
            writes=writes,
            counted=False,
            first_read_counts=False,
            first_step_reads=bool(buffering.step_pixels.size and buffering.step_pixels[0, 0]),
        )
    of_inputs = _last_needed(plan, _under(plan, inputs))
    of_shortcuts = [_last_needed(plan, rows_seen(x, *_out_shape(plan))) for x in shortcuts]
    needs = np.stack((of_inputs, np.max([np.zeros_like(of_inputs), *of_shortcuts], axis=0)), axis=2)
    with_blocks = np.broadcast_to(needs[:, np.newaxis], (*buffering.read_bytes.shape, 2))
    taken = np.stack((buffering.taken, np.zeros_like(buffering.taken)), axis=3)
    reads = np.stack((buffering.read_bytes > 0, _shortcut_reads(plan, buffering)), axis=3)
    return Flow(
        reads=reads.ravel(),
        needs=with_blocks.ravel(),
        taken=taken.ravel(),
        leaving=output_space(plan, buffering.writes),
        writes=writes,
        counted=buffering.first_read is not None,
        first_read_counts=not opens,
        first_step_reads=buffering.first_read == Position(0, 0, 0),
    )


def reads_maps(plan: LayerPlan, buffering: Buffering) -> bool:
    """True if a layer reads from DRAM; a layer may see only padding."""
    return buffering.first_read is not None or has_shortcuts(plan)


def opens_with_shortcuts(plan: LayerPlan, buffering: Buffering) -> bool:
    """True if a layer's first read is one of shortcut values.

    They follow the inputs of the layer's first transfer; in scheme `step` they precede them.
    """
    reads_first = buffering.first_read == Position(0, 0, 0)
    return has_shortcuts(plan) and (buffering.scheme == "step" or not reads_first)


def transfer_writes(plan: LayerPlan) -> Ints:
    """[rows, blocks, transfers] number of each transfer's write, from 1; 0: no such transfer."""
    some = np.diff(transfer_bounds(plan)) > 0
    by_block = np.repeat(some[:, np.newaxis], len(plan.blocks), axis=1)
    return np.where(by_block, by_block.cumsum().reshape(by_block.shape), 0)


def rows_written(plan: LayerPlan) -> Ints:
    """[images, maps, rows] number of the layer's write that completes each row of its output."""
    bounds = transfer_bounds(plan)
    some = bounds[:, 1:] > bounds[:, :-1]
    last_pixels = (np.arange(plan.pixels // plan.layer.out_width) + 1) * plan.layer.out_width - 1
    transfer = np.searchsorted(bounds[:, 1:][some], last_pixels, side="right")
    written = np.zeros(len(last_pixels), dtype=np.int64)
    written[_row_places(plan)] = transfer_writes(plan)[:, -1][some][transfer]
    return written.reshape(plan.batch, *_out_shape(plan))


def _out_shape(plan: LayerPlan) -> tuple[int, int]:
    """Maps per image, and rows of a map, of a layer's output."""
    return plan.layer.images, plan.layer.out_height


def _row_places(plan: LayerPlan) -> Ints:
    """[rows of all maps, in the order of time] place of each row in the order of DRAM."""
    firsts = np.arange(plan.pixels // plan.layer.out_width) * plan.layer.out_width
    at = Window(plan.layer, plan.image_blocks).order.pixels(firsts)
    places: Ints = at.map * plan.layer.out_height + at.row
    return places


def _under(plan: LayerPlan, written: Ints) -> Ints:
    """[images, maps, output rows] the writes that complete the input rows under each row."""
    layer, window = plan.layer, Window(plan.layer, plan.image_blocks)
    ranges = list(map(range, window.top.tolist(), window.bottom.tolist()))
    return last_of(rows_seen(written, layer.images, layer.in_height), ranges)


def _last_needed(plan: LayerPlan, of_rows: Ints) -> Ints:
    """[rows, transfers] the last write that a transfer or an earlier transfer needs.

    Args:
        plan: the layer.
        of_rows: [images, maps, output rows] the last write that each row needs.

    """
    by_time = np.maximum.accumulate(of_rows.reshape(-1)[_row_places(plan)])
    last_pixels = transfer_bounds(plan)[:, 1:] - 1
    return by_time[last_pixels // plan.layer.out_width]


def _shortcut_reads(plan: LayerPlan, buffering: Buffering) -> NDArray[np.bool_]:
    """[rows, blocks, transfers] true if a transfer reads shortcut values."""
    found = np.zeros(buffering.read_bytes.shape, dtype=np.bool_)
    if not has_shortcuts(plan):
        return found
    rows, kind = np.unique(np.diff(transfer_bounds(plan)), axis=0, return_inverse=True)
    for number, row in enumerate(rows.tolist()):
        pixels = [count for count in row if count]
        read = [
            [any(one.shortcuts) for one in block]
            for block in outgoing(plan, buffering.writes, pixels)
        ]
        found[kind.ravel() == number, :, : len(pixels)] = read
    return found
