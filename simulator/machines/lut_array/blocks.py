"""The records of a layer's channels: output blocks, input blocks and LUT passes."""

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.lut_array.alike import ends, first_alike
from simulator.machines.lut_array.banks import bank_of
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.records import InputBlock, LutPass, OutputBlock
from simulator.program import Runs


def output_blocks(plan: LayerPlan) -> list[OutputBlock]:
    """The output blocks of a layer, in the order of time."""
    sizes = np.array([block.outputs for block in plan.blocks])
    tables = (plan.decoded_table, plan.stored_table, *_lut_cycles(plan))
    alike = first_alike(sizes, *tables)
    made = {}
    for number in dict.fromkeys(alike):
        block = plan.blocks[number]
        made[number] = OutputBlock(
            outputs=block.outputs,
            direct_cycles=plan.direct_cycles(block),
            drain_cycles=plan.drain_cycles(block),
            input_blocks=_input_blocks(plan, *(table[number].tolist() for table in tables)),
            steps=len(plan.group_units),
        )
    return [made[number] for number in alike]


def _input_blocks(
    plan: LayerPlan,
    fetched: list[int],
    stored: list[int],
    accumulates: list[list[int]],
    conflicts: list[list[int]],
) -> Runs[InputBlock]:
    """Input blocks of an output block, from its row of each table."""
    units = plan.group_units
    taps = [part.taps for part in plan.input_parts]
    fills = plan.pass_fill_cycles() if plan.mode == "lut" else ()
    columns = (units, fetched, stored, accumulates, conflicts, ends(len(units)), taps)
    return Runs(
        (
            times,
            InputBlock(
                units=one[0],
                fetch_bytes=one[1],
                stored_bytes=one[2],
                passes=_passes(fills, *one[3:5]),
                first=one[5].first,
                last=one[5].last,
                unit_macs=one[6],
            ),
        )
        for times, one in Runs.of(zip(*columns, strict=True))
    )


def _passes(fills: tuple[int, ...], accumulates: list[int], conflicts: list[int]) -> Runs[LutPass]:
    """LUT passes of a step, from the cycles of each pass."""
    if not fills:
        return Runs()
    columns = (fills, accumulates, conflicts, ends(len(fills)))
    return Runs(
        (
            times,
            LutPass(
                fill_cycles=one[0],
                accumulate_cycles=one[1],
                conflict_cycles=one[2],
                first=one[3].first,
                last=one[3].last,
            ),
        )
        for times, one in Runs.of(zip(*columns, strict=True))
    )


def _lut_cycles(plan: LayerPlan) -> tuple[Ints, Ints]:
    """[output blocks, input blocks, passes] cycles of each accumulate, and its conflict cycles."""
    if plan.mode != "lut":
        none = np.zeros((len(plan.blocks), len(plan.group_units), 0), dtype=np.int64)
        return none, none
    cycles = plan.accumulate_table
    if bank_of(plan.hardware).always_in_a_cycle:
        return cycles, np.zeros_like(cycles)
    return cycles, cycles - plan.unhindered_table
