"""What a machine loses cycles of commands to: parts other than the commands' own."""

import numpy as np

from simulator.columns import Ints
from simulator.machines.lut_array.banks import bank_of
from simulator.machines.lut_array.plan import LayerPlan
from simulator.mapping import Mapping
from simulator.mapping.commands import Kind
from simulator.mapping.windows import window_reads
from simulator.ordered import Trace
from simulator.report.attribution import Part


def splits(mapping: Mapping, trace: Trace) -> dict[Part, Ints]:
    """[N] cycles per command, for every part that this machine can lose cycles to."""
    found = {}
    if trace.dram is not None:
        found = {Part.ROW_MISS: trace.dram.row_miss, Part.REFRESH: trace.dram.refresh}
    others = {
        Part.LUT_CONFLICT: _lut_conflicts(mapping, trace),
        Part.WINDOW_READ: _window_reads(mapping, trace),
        Part.BUFFER_CONFLICT: port_losses(mapping, trace) if trace.program.ports else None,
    }
    return found | {part: cycles for part, cycles in others.items() if cycles is not None}


def _lut_conflicts(mapping: Mapping, trace: Trace) -> Ints | None:
    """[N] cycles that accumulates wait for the table's ports or sub-banks; None: they never do."""
    waiting = [
        (number, mapped.plan)
        for number, mapped in enumerate(mapping.layers)
        if mapped.plan.mode == "table" and not bank_of(mapped.plan.hardware).always_in_a_cycle
    ]
    if not waiting:
        return None
    program = trace.program
    lost = np.zeros(len(program), dtype=np.int64)
    accumulates = np.flatnonzero(program.kind == Kind.ACCUMULATE)
    bounds = np.searchsorted(program.layer[accumulates], np.arange(len(program.layers) + 1))
    for number, plan in waiting:
        extra = plan.accumulate_table - plan.unhindered_table
        lost[accumulates[bounds[number] : bounds[number + 1]]] = extra[_blocks(plan)].ravel()
    return lost


def _window_reads(mapping: Mapping, trace: Trace) -> Ints | None:
    """[N] cycles that a line of the activation buffer adds to steps; None: it holds all windows."""
    program = trace.program
    lost = np.zeros(len(program), dtype=np.int64)
    for number, mapped in enumerate(mapping.layers):
        plan = mapped.plan
        if plan.hardware.memory.activation_buffer.bytes_per_cycle == "windows":
            return None
        if plan.mode == "mac":
            continue
        steps = window_reads(program, number, plan)
        lines = plan.window_lines(program.pes[steps])
        dots = np.repeat(plan.step_dots[_blocks(plan)], len(plan.group_units))
        lost[steps] = np.maximum(lines - dots, 0)
    return lost


def port_losses(mapping: Mapping, trace: Trace) -> Ints:
    """[N] cycles that reads lost to writes of a buffer with one port."""
    program = trace.program
    reads = np.isin(program.unit, [port.reader for port in program.ports])
    return np.where(reads, program.cycles - mapping.program.cycles, 0)


def _blocks(plan: LayerPlan) -> Ints:
    """Block of every visit in order: row by row, in a row block by block."""
    rows, rest = divmod(plan.pixel_steps, plan.steps_per_row)
    blocks = np.arange(len(plan.blocks))
    whole = np.tile(np.repeat(blocks, plan.steps_per_row), rows)
    return np.concatenate((whole, np.repeat(blocks, rest)))
