"""Cycles of a layer in closed form, for tests of the engines; it shares no code with the units."""

from typing import NamedTuple

import numpy as np

from simulator.machines.lut_array.pixels import transfer_bounds
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.vector.on_chip import IN_DRAM


class _Array(NamedTuple):
    """The cycles of the array, whose steps follow each other without a gap."""

    first: int
    """The end of the first step."""
    step: int
    """Cycles from a step to the next."""
    drain: int

    def sums(self, steps: int) -> int:
        """Cycle in which the sums of the first `steps` steps have left the array."""
        return self.first + (steps - 1) * self.step + self.drain


def expected_cycles(plan: LayerPlan) -> int | None:
    """Return the cycles of a layer that runs alone on memory that is never waited for.

    Every transfer then takes a cycle. Inputs arrive in cycle 1. Indices arrive in cycle 1 and are
    in the registers in cycle 2. Steps follow each other without a gap, the last drain follows the
    last step, and the write of each of c copies takes a cycle:

        LUT:     1 + F + (S - 1) x max(F, A) + A + D + c; with a single bank, F + A instead of max
        direct:  2 + S x A + D + c

    S is the number of steps, F the cycles of a fill, A those of an accumulate or of a direct step,
    and D those of a drain.

    With an epilogue, the vector unit takes V cycles for a transfer. If it is always done before the
    next transfer leaves the array, the V of the last transfer are added. If it never is, the unit
    works without a gap: the sum of all V follows the first transfer.

    Returns:
        None if the form does not cover the layer: a layer in full precision, several output blocks
        or LUT passes, window reads longer than the dot products, a register set that steps of
        several input blocks share, a vector unit that only sometimes holds up the array, or maps on
        chip.

    """
    array = _array(plan)
    if array is None or plan.on_chip != IN_DRAM:
        return None
    blocks, copies = len(plan.group_units), len(plan.copies)
    sums = array.sums(plan.pixel_steps * blocks)
    between, vector, first = array.step * blocks, _vector_cycles(plan), plan.steps_per_transfer
    if plan.epilogue is None:
        return sums + copies if copies == 1 or copies + array.drain <= between else None
    moved = copies + len(plan.epilogue.shortcut_bits) + 1
    if max(vector) + array.drain + moved <= between:
        return sums + vector[-1] + copies
    longest = first * between + array.first + array.drain + moved + 1
    if min(vector[:-1], default=longest) >= longest:
        steps = min(first, plan.pixel_steps) * blocks
        return array.sums(steps) + sum(vector) + copies
    return None


def _array(plan: LayerPlan) -> _Array | None:
    """Return the cycles of the array; None if its steps do not follow without a gap."""
    pe = plan.hardware.array.pe
    several = len(plan.group_units) > 1
    if plan.mode == "mac" or len(plan.blocks) > 1 or (several and pe.index_register_sets == 1):
        return None
    (block,) = plan.blocks
    drain = plan.drain_cycles(block)
    if int(plan.step_words.max()) > int(plan.step_dots[0]):
        return None
    if plan.mode == "direct":
        cycles = plan.direct_cycles(block)
        return _Array(2 + cycles, cycles, drain)
    accumulates = set(plan.accumulate_table.ravel().tolist())
    if len(plan.pass_entries) > 1 or len(accumulates) > 1:
        return None
    (fill,), (accumulate,) = plan.pass_fill_cycles(), accumulates
    between = fill + accumulate if pe.lut_banks == 1 else max(fill, accumulate)
    return _Array(1 + fill + accumulate, between, drain)


def _vector_cycles(plan: LayerPlan) -> list[int]:
    """[transfers] cycles of the vector unit, in the order of time; the layer has one block."""
    if plan.epilogue is None:
        return []
    pixels = np.diff(transfer_bounds(plan)).ravel()
    lanes, each = plan.epilogue.lanes, plan.epilogue.lane_cycles
    return [-(-n * plan.layer.out_channels * each // lanes) for n in pixels.tolist() if n]
