"""The filling of every FIFO of a pipeline, from the trace of a run.

A command takes its places in a FIFO when it starts, and its word is in the FIFO when it ends. The
command that reads the word frees the place when it ends. A place therefore counts as taken from the
writer's start to the reader's end. With as many places as were ever taken at once, no command of
the run would start later: the run would be the same in every cycle.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.analysis.run import Run
from simulator.base.columns import Ints
from simulator.program import Unit
from simulator.program.contract import Tokens
from simulator.program.fifos import FifoChannels, fifos_of
from simulator.program.written import WrittenBody, written

MOST_COMMANDS = 4_000_000
"""The longest trace, in commands, from which fillings come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """A FIFO, and the most places that were taken at once."""

    fifo: FifoChannels
    highest: int
    full_cycles: int
    """Cycles in which all places are taken."""
    blocked_cycles: int
    """Cycles for which its writer waits for space in it."""

    @property
    def spare(self) -> int:
        """Places that were never taken. Without them, the run would be the same in every cycle."""
        return self.fifo.depth - self.highest

    def plain(self) -> dict[str, Any]:
        """Return all values as plain data: a row of fifos.csv."""
        return {
            "fifo": self.fifo.name,
            "writer": self.fifo.writer.name,
            "reader": self.fifo.reader.name,
            "depth": self.fifo.depth,
            "highest_filling": self.highest,
            "sufficient_depth": self.highest,
            "full_cycles": self.full_cycles,
            "blocked_cycles": self.blocked_cycles,
        }


def has_fillings(run: Run) -> bool:
    """True if the trace of a run is short enough for the fillings of its FIFOs."""
    return run.mapping.program.at_once and run.mapping.commands <= MOST_COMMANDS


def fillings(run: Run) -> tuple[Filling, ...]:
    """Return the filling of every FIFO in a run of at most `MOST_COMMANDS` commands."""
    program, waits = run.mapping.program, run.summary.waits.sum(axis=(0, 1))
    unrolled = _Unrolled(run)
    channels = list(program.channels)
    found = []
    for fifo in fifos_of(program).values():
        taken = unrolled.times(fifo.writer, fifo, taking=True)
        freed = unrolled.times(fifo.reader, fifo, taking=False)
        places = np.arange(1, len(taken) + 1) - np.searchsorted(freed, taken, side="right")
        found.append(
            Filling(
                fifo=fifo,
                highest=int(places.max(initial=0)),
                full_cycles=_full(taken, freed, fifo.depth),
                blocked_cycles=int(waits[channels.index(fifo.space)]),
            )
        )
    return tuple(found)


def _full(taken: Ints, freed: Ints, depth: int) -> int:
    """Return the cycles in which `depth` places are taken.

    The n-th place is taken in cycle `taken[n]`, and freed in cycle `freed[n]`. All places are taken
    from the start of a write until the first place of the last `depth` places is free.
    """
    filled, ends = taken[depth - 1 :], freed[: max(len(freed) - depth + 1, 0)]
    return int(np.maximum(ends - filled, 0).sum())


class _Unrolled:
    """The commands of a run's units, with their times."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.known: dict[Unit, tuple[WrittenBody, Ints, Ints]] = {}

    def times(self, unit: Unit, fifo: FifoChannels, *, taking: bool) -> Ints:
        """Return [words] the cycle in which a unit takes, or frees, each place of a FIFO."""
        body, start, ready = self._of(unit)
        if taking:
            return np.repeat(start, _tokens(body, [one.takes for one in body.commands], fifo))
        begun = _tokens(body, [one.begins for one in body.commands], fifo)
        given = _tokens(body, [one.gives for one in body.commands], fifo)
        return np.repeat(np.where(begun > 0, start, ready), begun + given)

    def _of(self, unit: Unit) -> tuple[WrittenBody, Ints, Ints]:
        if unit not in self.known:
            (section,) = self.run.mapping.program.sections
            trace = self.run.trace
            rows = trace.unit == self.run.mapping.program.units.index(unit)
            body = written(section.bodies[unit])
            self.known[unit] = body, trace.start[rows], trace.ready[rows]
        return self.known[unit]


def _tokens(body: WrittenBody, amounts: list[Tokens], fifo: FifoChannels) -> Ints:
    """Return [commands] the places of a FIFO that each command takes or gives."""
    each = [sum(one.tokens for one in amount if one.channel is fifo.space) for amount in amounts]
    return np.array(each, dtype=np.int64)[body.index]
