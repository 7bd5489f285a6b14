"""Collects a program's commands as arrays, in any order, and puts them into program order."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from fractions import Fraction

import numpy as np

from simulator.program import Ints, Program

NONE = -1
"""In an array of command numbers: no command."""


class Unit(IntEnum):
    """The machine's units, in the order in which timelines show them."""

    DRAM_WEIGHTS = 0
    DRAM_INPUTS = 1
    DRAM_OUTPUTS = 2
    INDEX_FETCH = 3
    DOT = 4
    ACCUMULATE = 5
    DRAIN = 6
    MAC = 7


class Kind(IntEnum):
    """What a command does; of commands at the same place in the order, the first kind is first."""

    LOAD_WEIGHTS = 0
    READ_INPUTS = 1
    FETCH_INDICES = 2
    FILL = 3
    DIRECT = 4
    MAC = 5
    ACCUMULATE = 6
    DRAIN = 7
    WRITE_OUTPUTS = 8


UNIT_OF = {
    Kind.LOAD_WEIGHTS: Unit.DRAM_WEIGHTS,
    Kind.READ_INPUTS: Unit.DRAM_INPUTS,
    Kind.FETCH_INDICES: Unit.INDEX_FETCH,
    Kind.FILL: Unit.DOT,
    Kind.DIRECT: Unit.DOT,
    Kind.MAC: Unit.MAC,
    Kind.ACCUMULATE: Unit.ACCUMULATE,
    Kind.DRAIN: Unit.DRAIN,
    Kind.WRITE_OUTPUTS: Unit.DRAM_OUTPUTS,
}

_COLUMNS = ("kind", "layer", "order", "step", "cycles", "latency", "bytes", "pes")


@dataclass
class Builder:
    """Commands get numbers as they are added; `build` renumbers them in program order.

    Program order is layer, then `order` (a place in the layer's sequence of passes), then kind.
    """

    layer: int = 0
    _count: int = 0
    _columns: dict[str, list[Ints]] = field(default_factory=lambda: {c: [] for c in _COLUMNS})
    _waiting: list[Ints] = field(default_factory=list)
    _awaited: list[Ints] = field(default_factory=list)

    def add(
        self,
        kind: Kind,
        order: Ints,
        *,
        step: Ints,
        cycles: Ints | int,
        latency: int = 0,
        bytes_: Ints | int = 0,
        pes: Ints | int = 0,
    ) -> Ints:
        """Add one command per entry of `order`; return their numbers."""
        given = (int(kind), self.layer, order, step, cycles, latency, bytes_, pes)
        for name, values in zip(_COLUMNS, given, strict=True):
            column = np.broadcast_to(np.asarray(values, dtype=np.int64), order.shape)
            self._columns[name].append(column)
        first, self._count = self._count, self._count + len(order)
        return np.arange(first, self._count)

    def wait(self, commands: Ints, on: Ints) -> None:
        """Let each command wait on its partner in `on`; NONE means on nothing."""
        some = np.asarray(on) != NONE
        self._waiting.append(np.asarray(commands)[some])
        self._awaited.append(np.asarray(on)[some])

    def build(self, layers: tuple[str, ...]) -> Program:
        """Everything added so far as a program."""
        column = {name: _joined(parts) for name, parts in self._columns.items()}
        order = np.lexsort((column["kind"], column["order"], column["layer"]))
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        waiting, awaited = place[_joined(self._waiting)], place[_joined(self._awaited)]
        by_command = np.argsort(waiting, kind="stable")
        counts = np.bincount(waiting, minlength=len(order))
        unit_of = np.array([UNIT_OF[kind] for kind in Kind], dtype=np.int64)
        sorted_ = {name: values[order] for name, values in column.items()}
        return Program(
            units=tuple(unit.name.lower() for unit in Unit),
            kinds=tuple(kind.name.lower() for kind in Kind),
            layers=layers,
            unit=unit_of[sorted_["kind"]],
            kind=sorted_["kind"],
            layer=sorted_["layer"],
            step=sorted_["step"],
            cycles=sorted_["cycles"],
            latency=sorted_["latency"],
            bytes=sorted_["bytes"],
            pes=sorted_["pes"],
            wait_offsets=np.concatenate(([0], np.cumsum(counts))),
            waits=awaited[by_command],
        )


def _joined(parts: list[Ints]) -> Ints:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def per_cycle(rate: float) -> Callable[[Ints], Ints]:
    """Return a function from bytes to whole cycles at `rate` bytes per cycle."""
    exact = Fraction(rate).limit_denominator(1_000_000)
    if exact == 0:
        exact = Fraction(1, 1_000_000)

    def cycles(size: Ints) -> Ints:
        return -(-size * exact.denominator // exact.numerator)

    return cycles
