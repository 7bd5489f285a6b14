"""A program written with loops: what a mapper makes, and what runs without being written out.

A layer is a table of operations and a row of instructions: do an operation, begin a loop, end its
turn. An operation is a command that may happen many times. It does not name the commands that it
waits on by number but by *signal*: a signal is a sequence of commands, each of which *posts* it,
and the wait (signal, age) is on the command that posted it age posts ago (1: the last one); on none
if there were fewer. So an operation reads the same in every turn of a loop.

`simulator.flatten` writes everything out: the same commands, in the same order, with numbers.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np

from simulator.columns import Ints
from simulator.compiling import Memory

KIND, PES, CYCLES, BYTES, ROOM, POSTS, WAITS, FIELDS = 0, 1, 2, 3, 4, 5, 6, 12
"""Columns of a table of operations.

`KIND`: what it does. `PES`: PEs that work; 0 on units that are not PEs. `CYCLES`: of a kind without
a rate. `BYTES`: bytes moved; where the kind has a rate they decide the cycles. `ROOM`: -1, or a
place in the layer's `room_ages`: one more wait, whose age is known only for a whole run. `POSTS`:
the signals that it posts, a bit each. From `WAITS` on: what it waits for, as `wait_on` says it.
"""

END, LOOP = -1, -2
"""Instructions: a turn's end; LOOP - number: begin a loop."""

SIGNAL_BITS = 6
"""Bits of a signal's number in a wait."""


def wait_on(signal: int, age: int = 1) -> int:
    """A wait on the post of a signal `age` posts ago as one number; 0, no wait, at age 0."""
    return (age << SIGNAL_BITS) + signal if age > 0 else 0


_Number = TypeVar("_Number", int, Ints)


def signal_of(wait: _Number) -> _Number:
    """Which signal is waited for."""
    return wait & ((1 << SIGNAL_BITS) - 1)


def age_of(wait: _Number) -> _Number:
    """How many posts ago."""
    return wait >> SIGNAL_BITS


def count(memory: Memory, begin: int, end: int, turns: int, times: int, outside: int) -> None:
    """Add up how often each operation happens.

    Args:
        memory: where everything lies.
        begin: place of the first instruction,
        end: and behind the last one.
        turns: place of every loop's turns.
        times: place of the sums.
        outside: place to note, for every loop, what holds outside it.

    """
    often, depth = 1, 0
    for at in range(begin, end):
        op = memory[at]
        if op >= 0:
            memory[times + op] += often
        elif op == END:
            depth -= 1
            often = memory[outside + depth]
        else:
            memory[outside + depth] = often
            often *= memory[turns + LOOP - op]
            depth += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What all programs of one mapper have in common: units, kinds, signals."""

    units: tuple[str, ...]
    kinds: tuple[str, ...]
    unit_of: tuple[int, ...]
    """[kinds] the unit that does it."""
    signals: int
    """Number of signals."""
    lasting: frozenset[int]
    """Signals that are not forgotten between layers."""
    step: int
    """The signal posted by the last command of every step."""
    trailing: frozenset[int]
    """Kinds that come behind the last command of the step that they belong to."""
    room: int
    """The signal that `room_ages` refer to."""

    @property
    def lasts(self) -> list[int]:
        """[signals] 1 where it is in `lasting`."""
        return [int(signal in self.lasting) for signal in range(self.signals)]


class Rates(NamedTuple):
    """What a kind's transfers cost: cycles = ceil(bytes * denominator / numerator)."""

    numerator: int
    denominator: int
    latency: int
    """Cycles from the transfer's end until its data can be used."""


class RateColumns(NamedTuple):
    """What every kind's transfers cost; 0 / 1 where cycles do not come from bytes.

    [kinds] each, or [kinds, lanes] for several machines.
    """

    numerator: Ints
    denominator: Ints
    latency: Ints


def cycles_of(ops: Ints, rates: RateColumns) -> Ints:
    """[ops] cycles of operations, given as a table; [ops, lanes] if rates are [kinds, lanes]."""
    kind, size, cycles = ops[:, KIND], ops[:, BYTES], ops[:, CYCLES]
    if rates.numerator.ndim > 1:
        size, cycles = size[:, None], cycles[:, None]
    moved: Ints = -(-size * rates.denominator[kind] // rates.numerator[kind])
    return cycles + moved


@dataclass(frozen=True, eq=False)
class LayerLoops:
    """One layer: operations and the instructions that they stand in."""

    machine: Machine
    ops: Ints
    """[ops, FIELDS] no two rows alike."""
    what: Ints
    """[I] an operation's number, END of a turn, or LOOP - a loop's number where it begins."""
    turns: Ints
    """[loops] turns of each loop, whose number may stand in many places, before the same body."""
    times: Ints
    """[ops] how often each operation happens."""

    @property
    def kind(self) -> Ints:
        """[ops] what each operation does."""
        return self.ops[:, KIND]

    def cycles(self, rates: RateColumns) -> Ints:
        """[ops] cycles of each operation."""
        return cycles_of(self.ops, rates)

    def latency(self, rates: RateColumns) -> Ints:
        """[ops] cycles from each operation's end until its result can be used."""
        return rates.latency[self.kind]

    def posting(self, signal: int) -> Ints:
        """[ops] 1 where an operation posts the signal."""
        return self.ops[:, POSTS] >> signal & 1

    def sequence(self) -> Ints:
        """[commands] the operation of every command, in program order."""
        parts: list[list[Ints]] = [[]]
        begun: list[int] = []
        run: list[int] = []
        for op in self.what.tolist():
            if op >= 0:
                run.append(op)
                continue
            parts[-1].append(np.array(run, dtype=np.int64))
            run = []
            if op == END:
                body = np.concatenate(parts.pop())
                parts[-1].append(np.tile(body, int(self.turns[begun.pop()])))
            else:
                begun.append(LOOP - op)
                parts.append([])
        return np.concatenate([*parts[0], np.array(run, dtype=np.int64)])


@dataclass(frozen=True, eq=False)
class LoopBody:
    """All layers of a run. Programs that differ in nothing but rates have the same one."""

    machine: Machine
    layers: tuple[LayerLoops, ...]
    room_ages: tuple[Ints, ...]
    """Per layer: the age for each place of `ROOM`; 0 means that there is nothing to wait for."""

    @cached_property
    def distinct(self) -> tuple[tuple[LayerLoops, ...], Ints]:
        """The layers that differ, and for each of all layers [layers] which of those it is."""
        number = {layer: at for at, layer in enumerate(dict.fromkeys(self.layers))}
        return tuple(number), np.array([number[layer] for layer in self.layers], dtype=np.int64)

    @cached_property
    def ops(self) -> Ints:
        """[ops of the layers that differ, FIELDS] their operations behind one another."""
        return np.concatenate([layer.ops for layer in self.distinct[0]])

    @cached_property
    def ops_from(self) -> Ints:
        """[layers that differ + 1] where in `ops` each begins."""
        return np.cumsum([0, *(len(layer.ops) for layer in self.distinct[0])])

    @cached_property
    def bytes_by_unit(self) -> Ints:
        """[layers, units] bytes moved."""
        unit = np.array(self.machine.unit_of, dtype=np.int64)[self.ops[:, KIND]]
        return self._sums(unit, self.ops[:, BYTES], len(self.machine.units))

    @cached_property
    def pe_cycles_by_kind(self) -> Ints:
        """[layers, kinds] PE-cycles worked."""
        work = self.ops[:, CYCLES] * self.ops[:, PES]
        return self._sums(self.ops[:, KIND], work, len(self.machine.kinds))

    def _sums(self, column: Ints, values: Ints, columns: int) -> Ints:
        """[layers, columns] what all commands of each layer add up to, by column."""
        layers, which = self.distinct
        layer = np.repeat(np.arange(len(layers)), np.diff(self.ops_from))
        times = np.concatenate([each.times for each in layers])
        sums = np.zeros((len(layers), columns), dtype=np.int64)
        np.add.at(sums, (layer, column), times * values)
        return sums[which]


@dataclass(frozen=True, eq=False)
class LoopProgram:
    """A run: layers, their names, and what transfers cost."""

    body: LoopBody
    names: tuple[str, ...]
    """Layers' names."""
    rates: tuple[Rates | None, ...]
    """Per kind."""

    @property
    def commands(self) -> int:
        """Commands that the program has when it is written out."""
        return sum(int(layer.times.sum()) for layer in self.body.layers)

    @cached_property
    def rate_columns(self) -> RateColumns:
        """`rates` as arrays."""
        rows = [rate or Rates(1, 0, 0) for rate in self.rates]
        return RateColumns(*np.array(rows, dtype=np.int64).T)
