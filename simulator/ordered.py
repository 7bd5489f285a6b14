"""The old contract: one order for all commands. Mapper and fast engine still use it.

A program is a list of commands, held as arrays. A command occupies one unit for `cycles`; what it
produces can be used `latency` cycles later. Commands of one unit run in program order. With
`waits` the commands that a command depends on:

    start = max(end of the unit's command before, ready of every waited-on command)
    end   = start + cycles
    ready = end + latency

An engine computes start and end of every command and knows nothing else. Buffers, banks and
barriers are nothing but waits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.columns import Ints, Names

if TYPE_CHECKING:
    from fractions import Fraction

    from simulator.dram import Timing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DramAccess:
    """A DRAM whose timing is known only while a program runs, and what the program asks of it."""

    timing: "Timing"
    units: tuple[int, ...]
    """DMA units, in the order in which they take turns."""
    writes: tuple[bool, ...]
    """Whether each of them writes."""
    gap: "Fraction"
    """Cycles between two bursts of one of them, at its own rate."""
    address: Ints
    """[N] first byte of each command's transfer; 0 on other units."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedPort:
    """A buffer whose banks read or write one line in a cycle; writing comes first."""

    reader: int
    """Unit whose commands begin by reading their lines, one in each of their first cycles."""
    writer: int
    """Unit whose commands' results are written, a line a cycle, from when they are ready."""
    banks: int
    """Line n lies in bank n mod `banks`."""
    line: Ints
    """[N] first line that the command reads or writes; 0 on other units."""
    lines: Ints
    """[N] lines that the command reads, no more than its cycles, or writes; 0 on other units."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Program:
    """N commands on a few units, in an order in which every command waits only on earlier ones."""

    units: tuple[str, ...]
    kinds: tuple[str, ...]
    layers: tuple[str, ...]
    unit: Ints
    """[N] index into `units`."""
    kind: Ints
    """[N] index into `kinds`."""
    layer: Ints
    """[N] index into `layers`; never decreases."""
    step: Ints
    """[N] step of the layer that the command belongs to, or first serves."""
    cycles: Ints
    """[N] cycles for which the unit is occupied."""
    latency: Ints
    """[N] cycles from the command's end until its result can be used."""
    bytes: Ints
    """[N] bytes moved (DRAM channels: whole bursts)."""
    pes: Ints
    """[N] PEs that work; 0 on units that are not PEs."""
    wait_offsets: Ints
    """[N + 1] command i waits on waits[wait_offsets[i]:wait_offsets[i + 1]]."""
    waits: Ints
    """[M] command numbers."""
    dram: DramAccess | None = None
    """If there is one, `cycles` and `latency` of its units' commands are the least they can be, and
    a trace's program has what they were."""
    ports: tuple[SharedPort, ...] = ()
    """`cycles` of their readers' commands are the least they can be, as above. A unit reads at one
    of them at most."""

    def __post_init__(self) -> None:
        """Raise if a command could wait on itself or on a later one."""
        waiting = np.repeat(np.arange(len(self)), np.diff(self.wait_offsets))
        if not (len(self.waits) == len(waiting) and np.all(self.waits < waiting)):
            raise ValueError("a command waits on itself or on a later command")
        if np.any(self.waits < 0) or np.any(self.cycles < 0) or np.any(self.latency < 0):
            raise ValueError("a wait, a duration or a latency is negative")

    def __len__(self) -> int:
        """Return N."""
        return len(self.unit)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DramCounts:
    """What a DRAM did for each command; 0 for commands of other units."""

    activates: Ints
    """[N] rows opened."""
    row_miss: Ints
    """[N] cycles that the data of the command's last burst waited for its row to be opened,"""
    refresh: Ints
    """[N] and for a refresh; both lie between the command's start and its data."""
    burst_command: Ints
    """[B] command of each burst, in the order in which the DRAM served them,"""
    burst_end: Ints
    """[B] and the memory cycle in which its data ends."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """When every command of a program ran."""

    program: Program
    start: Ints
    """[N] first cycle of each command."""
    end: Ints
    """[N] cycle in which its unit is free again."""
    dram: "DramCounts | None" = None
    """What the DRAM did, if the program has one."""

    @property
    def cycles(self) -> int:
        """The whole run: from cycle 0 until the last result is there."""
        return int(np.max(self.end + self.program.latency, initial=0))

    def tables(self, rows: int) -> "Iterator[dict[str, Ints | Names]]":
        """Columns of one row per command in program order, up to `rows` rows at a time.

        Times are in cycles.
        """
        program = self.program
        named = {
            "layer": (program.layer, program.layers),
            "unit": (program.unit, program.units),
            "kind": (program.kind, program.kinds),
        }
        numbers = {
            "step": program.step,
            "start_cycle": self.start,
            "end_cycle": self.end,
            "latency_cycles": program.latency,
            "bytes": program.bytes,
            "pes": program.pes,
        }
        if self.dram is not None:
            numbers |= {
                "dram_activates": self.dram.activates,
                "dram_row_miss_cycles": self.dram.row_miss,
                "dram_refresh_cycles": self.dram.refresh,
            }
        for first in range(0, len(program), rows):
            part = slice(first, first + rows)
            yield {
                "command": np.arange(first, min(first + rows, len(program))),
                **{name: Names(index[part], names) for name, (index, names) in named.items()},
                **{name: values[part] for name, values in numbers.items()},
            }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Summary:
    """What a run comes to, layer by layer: L layers, U units, K kinds."""

    ends: Ints
    """[L] cycle in which the layer's last result is there; the next layer begins."""
    busy: Ints
    """[L, U] cycles in which the layer's commands occupy each unit, after the layer before."""
    bytes: Ints
    """[L, U] bytes moved."""
    pe_cycles: Ints
    """[L, K] PE-cycles worked."""

    @property
    def cycles(self) -> int:
        """The whole run: from cycle 0 until the last result is there."""
        return int(self.ends.max(initial=0))


def summarize(trace: Trace) -> Summary:
    """Sum a trace up by layer."""
    program = trace.program
    layers, units, kinds = len(program.layers), len(program.units), len(program.kinds)
    ends = np.zeros(layers, dtype=np.int64)
    np.maximum.at(ends, program.layer, trace.end + program.latency)
    starts = np.concatenate(([0], ends[:-1]))
    within = np.maximum(trace.end - np.maximum(trace.start, starts[program.layer]), 0)
    by_unit = program.layer * units + program.unit
    by_kind = program.layer * kinds + program.kind
    return Summary(
        ends=ends,
        busy=_sums(by_unit, within, layers, units),
        bytes=_sums(by_unit, program.bytes, layers, units),
        pe_cycles=_sums(by_kind, program.cycles * program.pes, layers, kinds),
    )


def _sums(group: Ints, values: Ints, layers: int, columns: int) -> Ints:
    """[layers, columns] integer sums of `values` by group."""
    sums = np.zeros(layers * columns, dtype=np.int64)
    np.add.at(sums, group, values)
    return sums.reshape(layers, columns)
