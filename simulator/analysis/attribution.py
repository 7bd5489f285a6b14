"""Attribution: the cycles of each layer along the critical path of the trace, by part.

docs/why.md gives the rules. The walk follows causes backwards from the layer's last result to its
start, so every cycle of the layer belongs to exactly one command, and so to exactly one part.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from simulator.columns import Ints
from simulator.engine.trace import Trace


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
_BUSY = {
    "load_weights": Part.READ_WEIGHTS,
    "read_inputs": Part.READ_INPUTS,
    "fetch_indices": Part.INDEX_FETCH,
    "fill": Part.FILL,
    "direct": Part.DIRECT,
    "mac": Part.MAC,
    "accumulate": Part.ACCUMULATE,
    "drain": Part.DRAIN,
    "write_outputs": Part.WRITE_OUTPUTS,
}
"""By kind of command: what the cycles count as in which it occupies its unit,"""
_LATENT = _BUSY | {
    "load_weights": Part.WEIGHTS_LATENCY,
    "read_inputs": Part.INPUTS_LATENCY,
}
"""and those from its end until its result can be used."""
_PENALTY = {
    "fill": Part.WINDOW_READ,
    "direct": Part.WINDOW_READ,
    "accumulate": Part.LUT_CONFLICT,
}
"""By kind of command: what its penalty counts as."""

Attribution = dict[Part, int]
"""Cycles of one layer, or of a whole run, by part."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CriticalPath:
    """The critical path: K commands by layer, in order of time; their slots tile the run."""

    command: Ints
    """[K] rows of the trace."""
    layer: Ints
    """[K] the layer whose time the slot is; a weight load may have begun before it."""
    since: Ints
    """[K] first cycle of the slot."""
    busy_until: Ints
    """[K] from here to `until` the command's result is on its way (latency)."""
    until: Ints
    """[K] end of the slot."""


def critical_path(trace: Trace) -> CriticalPath:
    """Walk back from every layer's last result to the end of the previous layer."""
    ends = trace.layer_ends
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
    start, cause = trace.start.tolist(), trace.cause.tolist()
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
    """For each layer the last command, in the trace's order, whose result ends the layer."""
    ending = np.flatnonzero(trace.ready == np.asarray(ends)[trace.layer])
    last = np.full(len(ends), -1)
    np.maximum.at(last, trace.layer[ending], ending)
    found: list[int] = last.tolist()
    return found


def attribute(trace: Trace, path: CriticalPath | None = None) -> tuple[Attribution, ...]:
    """Split the cycles of every layer into parts; the parts add up to the layer's cycles.

    Args:
        trace: of a whole run.
        path: the trace's critical path, if it is known already.

    """
    path = path or critical_path(trace)
    busy, latent = path.busy_until - path.since, path.until - path.busy_until
    sums = np.zeros((len(trace.layers), len(PARTS)), dtype=np.int64)
    for part, cycles in _splits(trace, path.command):
        moved = np.minimum(cycles, busy + latent)
        np.add.at(sums, (path.layer, part), moved)
        from_busy = np.minimum(moved, busy)
        busy, latent = busy - from_busy, latent - (moved - from_busy)
    for part, cycles in zip(_parts(trace, path), (busy, latent), strict=True):
        np.add.at(sums, (path.layer, part), cycles)
    return tuple(dict(zip(PARTS, row, strict=True)) for row in sums.tolist())


def _splits(trace: Trace, command: Ints) -> Iterator[tuple[Ints, Ints]]:
    """[K] parts other than the commands' own, as indices into `PARTS`, and [K] their cycles."""
    if trace.dram is not None:
        for part, cycles in (
            (Part.ROW_MISS, trace.dram.row_miss),
            (Part.REFRESH, trace.dram.refresh),
        ):
            yield np.full(len(command), PARTS.index(part)), cycles[command]
    penalty = _by_kind(trace, _BUSY | _PENALTY)[trace.kind[command]]
    yield penalty, trace.penalty[command]
    conflict = np.full(len(command), PARTS.index(Part.BUFFER_CONFLICT))
    yield conflict, trace.lost[command]


def _parts(trace: Trace, path: CriticalPath) -> tuple[Ints, Ints]:
    """[K] index into `PARTS` of each slot's busy cycles, and of its latent ones."""
    kind, first = trace.kind[path.command], _held_by_the_layer_before(trace, path)
    before = PARTS.index(Part.LAYER_BEFORE)
    busy, latent = (
        np.where(first, before, _by_kind(trace, parts)[kind]) for parts in (_BUSY, _LATENT)
    )
    return busy, latent


def _by_kind(trace: Trace, parts: Mapping[str, Part]) -> Ints:
    """[kinds] index into `PARTS` of each of the trace's kinds."""
    return np.array([PARTS.index(parts[kind]) for kind in trace.kinds])


def _held_by_the_layer_before(trace: Trace, path: CriticalPath) -> NDArray[np.bool_]:
    """[K] True for input reads that only the end of the previous layer delayed."""
    start = trace.start[path.command]
    read = trace.kind[path.command] == trace.kinds.index("read_inputs")
    entering = np.diff(path.layer, prepend=0) > 0
    held: NDArray[np.bool_] = read & entering & (start == path.since)
    return held


def path_parts(trace: Trace, path: CriticalPath) -> tuple[Ints, Ints]:
    """What holds each cycle of the run: [S] index into `PARTS` and [S] ends of its stretches.

    The stretches tile the run from cycle 0 on.
    """
    part = np.stack(_parts(trace, path), axis=1).ravel()
    until = np.stack((path.busy_until, path.until), axis=1).ravel()
    some = np.diff(until, prepend=0) > 0
    part, until = part[some], until[some]
    last = np.flatnonzero(np.diff(part, append=-1))
    return part[last], until[last]


def total(layers: Sequence[Attribution]) -> Attribution:
    """The parts summed over layers."""
    return {part: sum(layer[part] for layer in layers) for part in PARTS}
