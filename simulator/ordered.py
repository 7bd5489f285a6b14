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

from dataclasses import dataclass

import numpy as np

from simulator.columns import Ints


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
    signals: Ints
    """[M] signal of the loops that each wait was written with."""

    def __post_init__(self) -> None:
        """Raise if a command could wait on itself or on a later one."""
        waiting = np.repeat(np.arange(len(self)), np.diff(self.wait_offsets))
        lengths = {len(waiting), len(self.waits), len(self.signals)}
        if len(lengths) > 1 or not np.all(self.waits < waiting):
            raise ValueError("a command waits on itself or on a later command")
        if np.any(self.waits < 0) or np.any(self.cycles < 0) or np.any(self.latency < 0):
            raise ValueError("a wait, a duration or a latency is negative")

    def __len__(self) -> int:
        """Return N."""
        return len(self.unit)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Executed:
    """When every command of a program ran; `simulator.mapping.converted` makes the trace of it."""

    program: Program
    start: Ints
    """[N] first cycle of each command."""
    end: Ints
    """[N] cycle in which its unit is free again."""

    @property
    def ready(self) -> Ints:
        """[N] cycle from which each command's result can be used."""
        return self.end + self.program.latency
