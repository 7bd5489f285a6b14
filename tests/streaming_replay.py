"""The words of a pipeline's FIFOs, in time, from a trace."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from simulator.base.columns import Ints
from simulator.engine.trace import Trace
from simulator.machines.streaming.build import Pipeline
from simulator.machines.streaming.fifos import Fifo
from simulator.machines.streaming.streams import commands_of
from simulator.program import Program


@dataclass
class Flow:
    """The cycles in which words move through a FIFO, in order."""

    written: list[int] = field(default_factory=list)
    """Cycle in which each word is there."""
    read: list[int] = field(default_factory=list)
    """Cycle in which a unit starts to read each word."""
    left: list[int] = field(default_factory=list)
    """Cycle in which its place is free again."""

    def most(self) -> int:
        """The most words in it at once."""
        if not self.written:
            return 0
        times = np.unique([*self.written, *self.left])
        return int((_until(self.written, times) - _until(self.left, times)).max())


def _until(cycles: list[int], times: Ints) -> Ints:
    return np.searchsorted(np.sort(cycles), times, side="right")


@dataclass
class Replay:
    """A trace's words, and the rows of every unit."""

    flows: dict[Fifo, Flow]
    rows: dict[str, Ints]
    """The rows of every unit's commands, in order, by its name."""


def replay(trace: Trace, program: Program, built: Pipeline) -> Replay:
    """Find the words that every command of a trace moves."""
    flows: dict[Fifo, Flow] = defaultdict(Flow)
    items = {fifo.items: fifo for fifo in built.fifos}
    spaces = {fifo.space: fifo for fifo in built.fifos}
    (section,) = program.sections
    found = {}
    for number, unit in enumerate(trace.vocabulary.units):
        (body,) = [body for one, body in section.bodies.items() if one.name == unit.name]
        rows = np.flatnonzero(trace.unit == number)
        found[unit.name] = rows
        for row, command in zip(rows.tolist(), commands_of(body), strict=True):
            for channel, count in command.takes:
                if channel in items:
                    flows[items[channel]].read += [int(trace.start[row])] * count
            for channel, count in command.gives:
                if channel in items:
                    flows[items[channel]].written += [int(trace.ready[row])] * count
                if channel in spaces:
                    flows[spaces[channel]].left += [int(trace.end[row])] * count
    return Replay(dict(flows), found)
