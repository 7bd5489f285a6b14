"""Programs of the old contract: built from a few commands, and run by hand."""

import numpy as np

from simulator.engine.trace import Trace
from simulator.ordered import Executed, Program
from simulator.program import KindTerm, Term, Vocabulary


def program(*commands: tuple[int, int, int, tuple[int, ...]]) -> Program:
    """Commands of (unit, cycles, latency, waits)."""
    unit, cycles, latency, waits = zip(*commands, strict=True) if commands else ((),) * 4
    zeros = np.zeros(len(commands), dtype=np.int64)
    return Program(
        units=("a", "b", "c"),
        kinds=("work",),
        layers=("layer",),
        unit=np.array(unit, dtype=np.int64),
        kind=zeros,
        layer=zeros,
        step=zeros,
        cycles=np.array(cycles, dtype=np.int64),
        latency=np.array(latency, dtype=np.int64),
        bytes=zeros,
        pes=zeros,
        wait_offsets=np.cumsum([0, *map(len, waits)]),
        waits=np.array([w for group in waits for w in group], dtype=np.int64),
        signals=np.zeros(sum(map(len, waits)), dtype=np.int64),
    )


def by_hand(given: Program) -> Executed:
    """The contract of simulator/ordered.py, written out."""
    free = [0] * len(given.units)
    start, end, ready = [], [], []
    for number in range(len(given)):
        waits = given.waits[given.wait_offsets[number] : given.wait_offsets[number + 1]]
        unit = given.unit[number]
        start.append(max([free[unit], *(ready[wait] for wait in waits)]))
        end.append(start[-1] + int(given.cycles[number]))
        ready.append(end[-1] + int(given.latency[number]))
        free[unit] = end[-1]
    return Executed(program=given, start=np.array(start), end=np.array(end))


def bare(ran: Executed) -> Trace:
    """The times alone of a program without a mapping, in its own order."""
    program, zeros = ran.program, np.zeros(len(ran.program), dtype=np.int64)
    return Trace(
        vocabulary=Vocabulary(
            units=tuple(Term(unit, f"unit {unit}") for unit in program.units),
            kinds=tuple(KindTerm(kind, program.units[0]) for kind in program.kinds),
            channels=(),
        ),
        layers=program.layers,
        layer=program.layer,
        step=program.step,
        unit=program.unit,
        kind=program.kind,
        start=ran.start,
        end=ran.end,
        latency=program.latency,
        bytes=program.bytes,
        pes=program.pes,
        penalty=zeros,
        lost=zeros,
        channel=zeros - 1,
        cause=zeros - 1,
    )
