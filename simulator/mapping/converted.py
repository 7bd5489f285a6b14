"""The trace of an executed program of the old contract; both go together.

The program has one order for all commands, and waits on commands. A trace has rows by layer, step
and unit; each names the channel whose token came last, and the command that gave it.
"""

import numpy as np

from simulator.columns import Ints
from simulator.engine.fast import run
from simulator.engine.trace import Trace
from simulator.machines.lut_array.banks import bank_of
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.vocabulary import VOCABULARY
from simulator.mapping.commands import Kind, Signal
from simulator.mapping.mapper import Mapping
from simulator.mapping.windows import window_reads
from simulator.ordered import Executed, Program
from simulator.program.vocabulary import names

_NAMES = names(VOCABULARY.channels)

_CHANNEL_OF: dict[Signal, dict[Kind, str]] = {
    Signal.ROOM: {Kind.LOAD_WEIGHTS: "index_buffer"},
    Signal.LOADED: dict.fromkeys((Kind.FETCH_INDICES, Kind.MAC), "weight_tile"),
    Signal.REGISTERS: {Kind.FETCH_INDICES: "registers"},
    Signal.FETCHED: dict.fromkeys((Kind.ACCUMULATE, Kind.DIRECT), "indices"),
    Signal.TRANSFER: {Kind.READ_INPUTS: "activation_buffer"},
    Signal.ROW: {Kind.READ_INPUTS: "activation_buffer"},
    Signal.INPUT_READ: {
        **dict.fromkeys((Kind.FILL, Kind.DIRECT, Kind.MAC), "inputs"),
        Kind.LOAD_WEIGHTS: "inputs_for_load",
        Kind.FETCH_INDICES: "inputs_for_fetch",
    },
    Signal.BANK_READ: {Kind.FILL: "bank"},
    Signal.FILLED: {Kind.ACCUMULATE: "filled_bank"},
    Signal.STEP: {
        Kind.DRAIN: "sums",
        Kind.WRITE_OUTPUTS: "outputs",
        Kind.READ_INPUTS: "step_done",
    },
    Signal.DRAINED: {
        **dict.fromkeys((Kind.ACCUMULATE, Kind.DIRECT), "partial_sums"),
        Kind.WRITE_OUTPUTS: "outputs",
        Kind.READ_INPUTS: "drain_done",
    },
    Signal.WRITTEN: {
        **dict.fromkeys((Kind.DRAIN, Kind.MAC), "output_slot"),
        # the slot holds up the start of the previous drain, which gives the partial sums
        **dict.fromkeys((Kind.ACCUMULATE, Kind.DIRECT), "partial_sums"),
    },
    Signal.LAYER: {
        Kind.READ_INPUTS: "previous_outputs",
        **dict.fromkeys((Kind.FILL, Kind.DIRECT, Kind.MAC), "previous_layer"),
    },
}
"""What each kind waits for when it waits on a post of a signal."""


def trace_of(mapping: Mapping) -> Trace:
    """Run a mapping in the fast engine, command by command."""
    return converted(run(mapping.program), mapping)


def converted(ran: Executed, mapping: Mapping) -> Trace:
    """Return the trace of a mapping's program, given when its commands ran."""
    program, order = ran.program, rows_of(ran.program)
    row = np.empty_like(order)
    row[order] = np.arange(len(order))
    cause = causes(ran)
    return Trace(
        vocabulary=VOCABULARY,
        layers=program.layers,
        layer=program.layer[order],
        step=program.step[order],
        unit=program.unit[order],
        kind=program.kind[order],
        start=ran.start[order],
        end=ran.end[order],
        latency=program.latency[order],
        bytes=program.bytes[order],
        pes=program.pes[order],
        penalty=_penalty(program, mapping)[order],
        lost=np.zeros_like(order),
        channel=_channels(ran, cause)[order],
        cause=np.where(cause < 0, -1, row[cause])[order],
    )


def rows_of(program: Program) -> Ints:
    """[N] the command of each row of the trace."""
    steps = int(program.step.max(initial=0)) + 1
    place = (program.layer * steps + program.step) * len(program.units) + program.unit
    return np.argsort(place, kind="stable")


# --- causes -------------------------------------------------------------------------------------


def causes(ran: Executed) -> Ints:
    """[N] for each command the one that decided its start; -1: none, it starts in cycle 0.

    Of several in the same cycle: the one whose kind is first, and of these the last in program
    order.
    """
    program, start = ran.program, ran.start
    count = len(program)
    waiting = _waiting(program)
    held = ran.ready[program.waits] == start[waiting]
    by_unit = np.argsort(program.unit, kind="stable")
    before, after = by_unit[:-1], by_unit[1:]
    queued = (program.unit[before] == program.unit[after]) & (ran.end[before] == start[after])
    cause = np.concatenate((program.waits[held], before[queued]))
    effect = np.concatenate((waiting[held], after[queued]))
    preference = (len(Kind) - program.kind[cause]) * count + cause
    best = np.full(count, -1)
    np.maximum.at(best, effect, preference)
    return np.where(best < 0, -1, best % max(1, count))


def _waiting(program: Program) -> Ints:
    """[M] the command that waits, for each of its waits."""
    return np.repeat(np.arange(len(program)), np.diff(program.wait_offsets))


def _channels(ran: Executed, cause: Ints) -> Ints:
    """[N] the channel that brought each command's cause; -1 if its unit did not wait.

    Of several channels between the same two commands the first of the vocabulary.
    """
    program = ran.program
    waiting = _waiting(program)
    deciding = np.flatnonzero(program.waits == cause[waiting])
    waiting, signal = waiting[deciding], program.signals[deciding]
    channel = _CHANNELS[signal, program.kind[waiting]]
    reads = np.zeros(len(program.layers), dtype=bool)
    reads[program.layer[program.kind == Kind.READ_INPUTS]] = True
    unread = (signal == Signal.LAYER) & ~reads[program.layer[waiting]]
    channel[unread] = _NAMES.index("previous_outputs")  # the first step takes them itself
    first = np.full(len(program), len(_NAMES))
    np.minimum.at(first, waiting, channel)
    return np.where(_waited(ran) > 0, first, -1)


def _waited(ran: Executed) -> Ints:
    """[N] cycles between the end of a unit's previous command and each command's start."""
    by_unit = np.argsort(ran.program.unit, kind="stable")
    free = np.zeros(len(ran.program), dtype=np.int64)
    follows = ran.program.unit[by_unit[1:]] == ran.program.unit[by_unit[:-1]]
    free[by_unit[1:]] = np.where(follows, ran.end[by_unit[:-1]], 0)
    return ran.start - free


def _numbered() -> Ints:
    """[signals, kinds] `_CHANNEL_OF` as numbers."""
    numbers = np.full((len(Signal), len(Kind)), -1)
    for signal, by_kind in _CHANNEL_OF.items():
        for kind, name in by_kind.items():
            numbers[signal, kind] = _NAMES.index(name)
    return numbers


_CHANNELS = _numbered()


# --- cycles with a cause of their own ------------------------------------------------------------


def _penalty(program: Program, mapping: Mapping) -> Ints:
    """[N] cycles that accumulates wait for the LUT, and that steps read windows after their dots.

    Accumulates wait for ports or sub-banks; a step reads for longer than its dot products take if
    the activation buffer is narrow.
    """
    penalty = np.zeros(len(program), dtype=np.int64)
    bounds = np.searchsorted(program.layer, np.arange(len(program.layers) + 1)).tolist()
    for number, mapped in enumerate(mapping.layers):
        plan, first = mapped.plan, bounds[number]
        if plan.mode == "table" and not bank_of(plan.hardware).always_in_a_cycle:
            kinds = program.kind[first : bounds[number + 1]]
            extra = plan.accumulate_table - plan.unhindered_table
            penalty[first + np.flatnonzero(kinds == Kind.ACCUMULATE)] = extra[_blocks(plan)].ravel()
        wide = plan.hardware.memory.activation_buffer.bytes_per_cycle == "windows"
        if plan.mode != "mac" and not wide:
            steps = window_reads(program, number, plan)
            lines = plan.window_words(program.pes[steps])
            dots = np.repeat(plan.step_dots[_blocks(plan)], len(plan.group_units))
            penalty[steps] = np.maximum(lines - dots, 0)
    return penalty


def _blocks(plan: LayerPlan) -> Ints:
    """Block of every visit in order: row by row, in a row block by block."""
    rows, rest = divmod(plan.pixel_steps, plan.steps_per_row)
    blocks = np.arange(len(plan.blocks))
    whole = np.tile(np.repeat(blocks, plan.steps_per_row), rows)
    return np.concatenate((whole, np.repeat(blocks, rest)))
