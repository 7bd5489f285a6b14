"""Cycles of a vector layer in closed form, for tests of the engines.

It shares no code with the unit programs.
"""

from math import ceil

from simulator.machines.vector.on_chip import IN_DRAM
from simulator.machines.vector.plan import VectorPlan


def expected_cycles(plan: VectorPlan) -> int | None:
    """Return the cycles of a vector layer that runs alone on memory that is never waited for.

    Every transfer then takes a cycle, and the layer is a pipeline of three stages: n reads, one
    for each map; the V cycles of a chunk; and c writes, one for each copy. The vector unit sets the
    pace if no chunk takes fewer cycles than n or c:

        n + sum of all V + c

    Otherwise the slowest stage does, if all K chunks are alike:

        n + V + c + (K - 1) x max(n, V, c)

    Returns:
        None if the form does not cover the layer: maps are on chip, reads wait for space, or chunks
        with fewer cycles than reads or writes differ.

    """
    layer = plan.layer
    maps = plan.batch * layer.images
    held = maps * layer.in_height * sum(_row_bytes(plan, columns) for columns in plan.columns)
    results = 2 * sum(ceil(layer.out_width * layer.out_channels * x / 8) for x in plan.copies)
    cut = held + results > plan.buffer.size or len(plan.channel_parts) > 1
    if cut or plan.on_chip != IN_DRAM:
        return None
    reads, writes = len(layer.reads), len(plan.copies)
    strips = [
        ceil(columns * layer.out_channels * plan.lane_cycles / plan.lanes)
        for columns in plan.columns
    ]
    rows = maps * layer.out_height
    if min(strips) >= max(reads, writes):
        return (reads if _opens_with_reads(plan) else 0) + rows * sum(strips) + writes
    if len(set(strips)) > 1 or layer.window.area > 1 or any(layer.paddings):
        return None
    slowest = max(reads, strips[0], writes)
    return reads + strips[0] + writes + (rows * len(strips) - 1) * slowest


def _row_bytes(plan: VectorPlan, columns: int) -> int:
    """Bytes of an input row under a strip."""
    layer = plan.layer
    across = (columns - 1) * layer.strides.width + layer.window.width
    pixels = min(across, layer.in_width)
    return sum(ceil(pixels * n * plan.read_bits / 8) for n in layer.operand_channels)


def _opens_with_reads(plan: VectorPlan) -> bool:
    """True if the first window of the first strip does not see only padding."""
    layer = plan.layer
    across = (plan.columns[0] - 1) * layer.strides.width + layer.window.width
    return layer.window.height > layer.paddings.height and across > layer.paddings.width
