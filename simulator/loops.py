"""A program written with loops: what a mapper makes, and what runs without being written out.

A layer is a body: a sequence of operations and of loops over bodies. An operation is a command
that may happen many times. It does not name the commands that it waits on by number but by
*signal*: a signal is a sequence of commands, each of which *posts* it, and the wait (signal, age)
is on the command that posted it age posts ago (1: the last one); on none if there were fewer. So
an operation reads the same in every turn of a loop.

`simulator.flatten` writes everything out: the same commands, in the same order, with numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, groupby
from typing import NamedTuple

import numpy as np

from simulator.program import Ints


class Op(NamedTuple):
    """A command that may happen many times; equal ones are one operation of their layer."""

    kind: int
    pes: int = 0
    """PEs that work; 0 on units that are not PEs."""
    cycles: int = 0
    """Cycles, of a kind without a rate."""
    bytes: int = 0
    """Bytes moved; where the kind has a rate they decide the cycles."""
    waits: tuple[tuple[int, int], ...] = ()
    """(signal, age) pairs."""
    posts: tuple[int, ...] = ()
    """Signals that it posts."""
    room: int = -1
    """Place in the layer's `room_ages`: one more wait, whose age is known only for a whole run."""


class Loop(NamedTuple):
    """A body that runs several times."""

    turns: int
    body: "Body"


Body = tuple["int | Loop", ...]
"""Numbers of operations, and loops."""


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


class Rates(NamedTuple):
    """What a kind's transfers cost: cycles = ceil(bytes * denominator / numerator)."""

    numerator: int
    denominator: int
    latency: int
    """Cycles from the transfer's end until its data can be used."""


class RateColumns(NamedTuple):
    """What every kind's transfers cost: [kinds] each; 0 / 1 where cycles do not come from bytes."""

    numerator: Ints
    denominator: Ints
    latency: Ints


@dataclass(frozen=True, eq=False)
class LayerLoops:
    """One layer: operations and the body that they stand in."""

    machine: Machine
    ops: tuple[Op, ...]
    body: Body

    @cached_property
    def columns(self) -> "OpColumns":
        """What the operations do, as arrays."""
        return OpColumns.of(self.ops)

    @cached_property
    def signals(self) -> "OpSignals":
        """What the operations wait for and post, as arrays."""
        return OpSignals.of(self.ops)

    @cached_property
    def times(self) -> Ints:
        """[ops] how often each operation happens."""
        times = self.times_in(self.body)
        return np.array([times.get(op, 0) for op in range(len(self.ops))], dtype=np.int64)

    def times_in(self, body: Body) -> dict[int, int]:
        """How often each operation happens in a part of the layer's body."""
        times: dict[int, int] = {}
        loops: dict[int, tuple[Loop, int]] = {}  # by identity: the same ones stand in many places
        for item in body:
            if isinstance(item, int):
                times[item] = times.get(item, 0) + 1
            else:
                _, often = loops.get(id(item), (item, 0))
                loops[id(item)] = item, often + item.turns
        for loop, turns in loops.values():
            for op, often in self._in_a_turn(loop).items():
                times[op] = times.get(op, 0) + turns * often
        return times

    def _in_a_turn(self, loop: Loop) -> dict[int, int]:
        """Like `times_in`, once worked out for each loop."""
        if id(loop) not in self._turns:
            self._turns[id(loop)] = self.times_in(loop.body)
        return self._turns[id(loop)]

    @cached_property
    def _turns(self) -> dict[int, dict[int, int]]:
        """By identity of a loop of the body."""
        return {}

    @cached_property
    def bytes_by_unit(self) -> Ints:
        """[units] bytes moved."""
        unit = np.array(self.machine.unit_of, dtype=np.int64)[self.columns.kind]
        return _sums(unit, self.times * self.columns.bytes, len(self.machine.units))

    @cached_property
    def pe_cycles_by_kind(self) -> Ints:
        """[kinds] PE-cycles worked."""
        work = self.times * self.columns.cycles * self.columns.pes
        return _sums(self.columns.kind, work, len(self.machine.kinds))

    def cycles(self, rates: "RateColumns") -> Ints:
        """[ops] cycles of each operation."""
        kind = self.columns.kind
        moved: Ints = -(-self.columns.bytes * rates.denominator[kind] // rates.numerator[kind])
        return self.columns.cycles + moved

    def latency(self, rates: "RateColumns") -> Ints:
        """[ops] cycles from each operation's end until its result can be used."""
        return rates.latency[self.columns.kind]

    def sequence(self) -> Ints:
        """[commands] the operation of every command, in program order."""
        return _written_out(self.body)


@dataclass(frozen=True, slots=True, eq=False)
class OpColumns:
    """What operations do, as arrays."""

    kind: Ints
    pes: Ints
    cycles: Ints
    bytes: Ints
    room: Ints

    @classmethod
    def of(cls, ops: Sequence[Op]) -> "OpColumns":
        """Take the operations apart."""
        kind, pes, cycles, size, _, _, room = zip(*ops, strict=True)
        return cls(*np.array((kind, pes, cycles, size, room), dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class OpSignals:
    """What operations wait for and post, as arrays; W waits and P posts in all."""

    wait_offsets: Ints
    """[ops + 1] operation i has the waits wait_offsets[i]:wait_offsets[i + 1]."""
    wait_signal: Ints
    """[W]"""
    wait_age: Ints
    """[W]"""
    post_offsets: Ints
    """[ops + 1]"""
    post_signal: Ints
    """[P]"""

    @classmethod
    def of(cls, ops: Sequence[Op]) -> "OpSignals":
        """Take the operations apart."""
        waits, posts = [op.waits for op in ops], [op.posts for op in ops]
        pairs = np.array([*chain.from_iterable(waits)], dtype=np.int64).reshape(-1, 2)
        return cls(
            wait_offsets=_offsets(waits),
            wait_signal=pairs[:, 0].copy(),
            wait_age=pairs[:, 1].copy(),
            post_offsets=_offsets(posts),
            post_signal=np.array([*chain.from_iterable(posts)], dtype=np.int64),
        )


@dataclass(frozen=True, eq=False)
class LoopProgram:
    """All layers of a run."""

    machine: Machine
    names: tuple[str, ...]
    """Layers' names."""
    layers: tuple[LayerLoops, ...]
    room_ages: tuple[Ints, ...]
    """Per layer: the age for each `Op.room`; 0 means that there is nothing to wait for."""
    rates: tuple[Rates | None, ...]
    """Per kind."""

    @cached_property
    def rate_columns(self) -> RateColumns:
        """`rates` as arrays."""
        rows = [rate or Rates(1, 0, 0) for rate in self.rates]
        return RateColumns(*np.array(rows, dtype=np.int64).T)

    @cached_property
    def commands(self) -> int:
        """Commands of the whole run."""
        return int(sum(layer.times.sum() for layer in self.layers))


def _sums(group: Ints, values: Ints, groups: int) -> Ints:
    sums = np.zeros(groups, dtype=np.int64)
    np.add.at(sums, group, values)
    return sums


def _offsets(rows: Sequence[Sequence[object]]) -> Ints:
    """[rows + 1] where each row begins in all rows behind one another."""
    return np.array([0, *accumulate(map(len, rows))], dtype=np.int64)


def _written_out(body: Body) -> Ints:
    parts: list[Ints] = []
    run: list[int] = []
    for item in body:
        if isinstance(item, Loop):
            parts += [np.array(run, dtype=np.int64), np.tile(_written_out(item.body), item.turns)]
            run = []
        else:
            run.append(item)
    parts.append(np.array(run, dtype=np.int64))
    return np.concatenate(parts)


def repeated(bodies: Sequence[Body]) -> Body:
    """Bodies one after the other, equal neighbours as a loop."""
    if len(bodies) == 1:
        return bodies[0]
    items: list[int | Loop] = []
    for body, equal in groupby(bodies):
        items += times(len(list(equal)), body)
    return tuple(items)


def times(count: int, body: Body) -> Body:
    """Return `body`, `count` times."""
    return body * count if count < 2 or not body else (Loop(count, body),)
