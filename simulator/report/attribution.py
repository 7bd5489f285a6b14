"""Attribution: the cycles of each layer along the critical path of the trace, by part.

docs/why.md gives the rules. The walk follows causes backwards from the layer's last result to its
start, so every cycle of the layer belongs to exactly one command, and so to exactly one part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from simulator.columns import Ints
from simulator.mapping.commands import Kind
from simulator.ordered import Trace


class Part(StrEnum):
    """What a cycle of a layer is spent on; files call the columns `<part>_cycles`."""

    FILL = "fill"
    DIRECT = "direct"
    WINDOW_READ = "window_read"
    ACCUMULATE = "accumulate"
    LUT_CONFLICT = "lut_conflict"
    INDEX_FETCH = "index_fetch"
    BUFFER_CONFLICT = "buffer_conflict"
    DRAIN = "drain"
    MAC = "mac"
    READ_WEIGHTS = "read_weights"
    WEIGHTS_LATENCY = "weights_latency"
    READ_INPUTS = "read_inputs"
    INPUTS_LATENCY = "inputs_latency"
    WRITE_OUTPUTS = "write_outputs"
    ROW_MISS = "row_miss"
    REFRESH = "refresh"
    LAYER_BEFORE = "layer_before"


PARTS = tuple(Part)
PART_TITLES = {
    Part.FILL: "LUT fill",
    Part.DIRECT: "direct dot products",
    Part.WINDOW_READ: "window reads",
    Part.ACCUMULATE: "accumulate",
    Part.LUT_CONFLICT: "LUT conflicts",
    Part.INDEX_FETCH: "index fetch",
    Part.BUFFER_CONFLICT: "buffer port conflicts",
    Part.DRAIN: "drain",
    Part.MAC: "MAC",
    Part.READ_WEIGHTS: "weights: DRAM transfer",
    Part.WEIGHTS_LATENCY: "weights: DRAM latency",
    Part.READ_INPUTS: "inputs: DRAM transfer",
    Part.INPUTS_LATENCY: "inputs: DRAM latency",
    Part.WRITE_OUTPUTS: "outputs: DRAM write",
    Part.ROW_MISS: "DRAM row misses",
    Part.REFRESH: "DRAM refresh",
    Part.LAYER_BEFORE: "wait for previous layer",
}
_BUSY = {
    Kind.LOAD_WEIGHTS: Part.READ_WEIGHTS,
    Kind.READ_INPUTS: Part.READ_INPUTS,
    Kind.FETCH_INDICES: Part.INDEX_FETCH,
    Kind.FILL: Part.FILL,
    Kind.DIRECT: Part.DIRECT,
    Kind.MAC: Part.MAC,
    Kind.ACCUMULATE: Part.ACCUMULATE,
    Kind.DRAIN: Part.DRAIN,
    Kind.WRITE_OUTPUTS: Part.WRITE_OUTPUTS,
}
_LATENT = _BUSY | {
    Kind.LOAD_WEIGHTS: Part.WEIGHTS_LATENCY,
    Kind.READ_INPUTS: Part.INPUTS_LATENCY,
}
"""What the time from a command's end until its result is there counts as."""

_PREFERENCE = (
    Kind.FILL,
    Kind.DIRECT,
    Kind.MAC,
    Kind.ACCUMULATE,
    Kind.FETCH_INDICES,
    Kind.LOAD_WEIGHTS,
    Kind.READ_INPUTS,
    Kind.DRAIN,
    Kind.WRITE_OUTPUTS,
)
"""Of causes in the same cycle the first: what ends with the array's own work hides behind it."""

Attribution = dict[Part, int]
"""Cycles of one layer, or of a whole run, by part."""
NO_SPLIT: Mapping[Part, Ints] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CriticalPath:
    """The critical path: K commands by layer, in order of time; their slots tile the run."""

    command: Ints
    """[K] command numbers."""
    layer: Ints
    """[K] the layer whose time the slot is; a weight load may have begun before it."""
    since: Ints
    """[K] first cycle of the slot."""
    busy_until: Ints
    """[K] from here to `until` the command's result is on its way (latency)."""
    until: Ints
    """[K] end of the slot."""


def causes(trace: Trace) -> Ints:
    """[N] for each command the one that decided its start; -1: nothing, it starts in cycle 0.

    Of several in the same cycle: the one whose kind is first in `_PREFERENCE`, and of these the
    last in program order.
    """
    program, start = trace.program, trace.start
    count = len(program)
    waiting = np.repeat(np.arange(count), np.diff(program.wait_offsets))
    held = (trace.end + program.latency)[program.waits] == start[waiting]
    by_unit = np.argsort(program.unit, kind="stable")
    before, after = by_unit[:-1], by_unit[1:]
    queued = (program.unit[before] == program.unit[after]) & (trace.end[before] == start[after])
    cause = np.concatenate((program.waits[held], before[queued]))
    effect = np.concatenate((waiting[held], after[queued]))
    rank = np.array([len(Kind) - _PREFERENCE.index(kind) for kind in Kind])
    preference = rank[program.kind[cause]] * count + cause
    best = np.full(count, -1)
    np.maximum.at(best, effect, preference)
    return np.where(best < 0, -1, best % max(1, count))


def critical_path(trace: Trace) -> CriticalPath:
    """Walk back from every layer's last result to the end of the layer before."""
    ends = layer_ends(trace)
    starts = np.concatenate(([0], ends[:-1]))
    command, layer = _walk(trace, starts.tolist(), ends.tolist())
    begun = trace.start[command]
    last = np.diff(layer, append=len(ends)) > 0
    until = np.where(last, ends[layer], np.append(begun[1:], 0))
    since = np.maximum(begun, starts[layer])
    busy_until = np.clip(trace.end[command], since, until)
    return CriticalPath(
        command=command, layer=layer, since=since, busy_until=busy_until, until=until
    )


def _walk(trace: Trace, starts: list[int], ends: list[int]) -> tuple[Ints, Ints]:
    """Command and layer of every slot, in order of time."""
    start, cause = trace.start.tolist(), causes(trace).tolist()
    commands: list[int] = []
    counts = np.zeros(len(ends), dtype=np.int64)
    lasts = _last_commands(trace, ends)
    for layer in reversed(range(len(ends))):
        command, until, before = lasts[layer], ends[layer], len(commands)
        while until > starts[layer]:
            if command < 0:  # engines keep the contract, so this is a fault of ours
                raise AssertionError(f"no cause for a command that starts in cycle {until}")
            commands.append(command)
            until = start[command]
            command = cause[command]
        counts[layer] = len(commands) - before
    layers = np.repeat(np.arange(len(ends)), counts)
    return np.array(commands[::-1], dtype=np.int64), layers


def _last_commands(trace: Trace, ends: Sequence[int]) -> list[int]:
    """For each layer the last command, in program order, whose result ends the layer."""
    program = trace.program
    ending = np.flatnonzero(trace.end + program.latency == np.asarray(ends)[program.layer])
    last = np.full(len(ends), -1)
    np.maximum.at(last, program.layer[ending], ending)
    found: list[int] = last.tolist()
    return found


def layer_ends(trace: Trace) -> Ints:
    """[layers] cycle in which each layer's last result is there."""
    ends = np.zeros(len(trace.program.layers), dtype=np.int64)
    np.maximum.at(ends, trace.program.layer, trace.end + trace.program.latency)
    return ends


def attribute(
    trace: Trace, split: Mapping[Part, Ints] = NO_SPLIT, path: CriticalPath | None = None
) -> tuple[Attribution, ...]:
    """Split the cycles of every layer into parts; the parts add up to the layer's cycles.

    Args:
        trace: of a whole run.
        split: [N] cycles of each command that belong to another part than its kind's, such as
            a read's row misses.
        path: the trace's critical path, where it is known already.

    """
    program, path = trace.program, path or critical_path(trace)
    kind = program.kind[path.command]
    busy, latent = path.busy_until - path.since, path.until - path.busy_until
    sums = np.zeros((len(program.layers), len(PARTS)), dtype=np.int64)
    for part, cycles in split.items():
        moved = np.minimum(cycles[path.command], busy + latent)
        _add(sums, path.layer, part, moved)
        from_busy = np.minimum(moved, busy)
        busy, latent = busy - from_busy, latent - (moved - from_busy)
    first = _held_by_the_layer_before(trace, path)
    _add(sums, path.layer[first], Part.LAYER_BEFORE, (busy + latent)[first])
    for parts, cycles in ((_BUSY, busy), (_LATENT, latent)):
        for this, part in parts.items():
            chosen = (kind == this) & ~first
            _add(sums, path.layer[chosen], part, cycles[chosen])
    return tuple(dict(zip(PARTS, row, strict=True)) for row in sums.tolist())


def _add(sums: Ints, layer: Ints, part: Part, cycles: Ints) -> None:
    np.add.at(sums[:, PARTS.index(part)], layer, cycles)


def _held_by_the_layer_before(trace: Trace, path: CriticalPath) -> NDArray[np.bool_]:
    """[K] input reads that start as the layer before ends: it alone kept them from being early."""
    start = trace.start[path.command]
    read = trace.program.kind[path.command] == Kind.READ_INPUTS
    entering = np.diff(path.layer, prepend=0) > 0
    held: NDArray[np.bool_] = read & entering & (start == path.since)
    return held


def path_parts(trace: Trace, path: CriticalPath) -> tuple[Ints, Ints]:
    """What holds each cycle of the run: [S] index into `PARTS` and [S] ends of its stretches.

    The stretches tile the run from cycle 0 on.
    """
    kind, first = trace.program.kind[path.command], _held_by_the_layer_before(trace, path)
    before = PARTS.index(Part.LAYER_BEFORE)
    columns = []
    for parts in (_BUSY, _LATENT):
        lookup = np.array([PARTS.index(parts[k]) for k in Kind])
        columns.append(np.where(first, before, lookup[kind]))
    part = np.stack(columns, axis=1).ravel()
    until = np.stack((path.busy_until, path.until), axis=1).ravel()
    some = np.diff(until, prepend=0) > 0
    part, until = part[some], until[some]
    last = np.flatnonzero(np.diff(part, append=-1))
    return part[last], until[last]


def total(layers: Sequence[Attribution]) -> Attribution:
    """The parts summed over layers."""
    return {part: sum(layer[part] for layer in layers) for part in PARTS}
