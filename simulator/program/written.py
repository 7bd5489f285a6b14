"""Unrolled programs: every command of every loop, with its step."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulator.base.columns import Ints
from simulator.program.contract import Body, Channel, Command, Loop, Skip, Tokens, Unit
from simulator.program.program import Program


@dataclass(frozen=True, slots=True, eq=False)
class WrittenBody:
    """An unrolled body: N commands, few of them distinct."""

    commands: Sequence[Command]
    """The distinct commands."""
    index: Ints
    """[N] index into `commands`."""
    step: Ints
    """[N] step of each command."""


def written(body: Body) -> WrittenBody:
    """Unroll a body."""
    known: dict[Command, int] = {}
    rows = _Rows(known)
    rows.add(body)
    return WrittenBody(list(known), *rows.columns())


class _Rows:
    """The index and step of every command of a body."""

    def __init__(self, known: dict[Command, int]) -> None:
        self.known = known
        self.steps = 0
        """Steps that the body has advanced so far."""
        self._parts: list[tuple[Ints, Ints]] = []
        self._index: list[int] = []
        self._step: list[int] = []

    def add(self, body: Body) -> None:
        """Add a body's commands, loop by loop."""
        for part in body:
            if isinstance(part, Skip):
                self.steps += part.steps
            elif isinstance(part, Loop):
                self._add_loop(part)
            else:
                self._index.append(self.known.setdefault(part, len(self.known)))
                self._step.append(self.steps)
                self.steps += part.steps

    def columns(self) -> tuple[Ints, Ints]:
        """Return the index and step of all commands so far."""
        self._close()
        index, step = zip(*self._parts, strict=True)
        return np.concatenate(index), np.concatenate(step)

    def _add_loop(self, loop: Loop) -> None:
        self._close()
        inner = _Rows(self.known)
        inner.add(loop.body)
        index, step = inner.columns()
        begins = self.steps + inner.steps * np.arange(loop.times)
        self._parts.append((np.tile(index, loop.times), np.add.outer(begins, step).ravel()))
        self.steps += inner.steps * loop.times

    def _close(self) -> None:
        """Put the commands after the last loop into an array."""
        columns = (np.array(column, dtype=np.int64) for column in (self._index, self._step))
        self._parts.append((next(columns), next(columns)))
        self._index, self._step = [], []


@dataclass(frozen=True)
class WrittenProgram:
    """An unrolled program: N rows, unit by unit, each unit's rows in the order of their runs."""

    program: Program
    commands: Sequence[Command]
    """The distinct commands."""
    index: Ints
    """[N] index into `commands`."""
    unit: Ints
    """[N] index into the program's units; never decreases."""
    section: Ints
    """[N] section of each row; never decreases within a unit."""
    step: Ints
    """[N] step of the section."""

    def __len__(self) -> int:
        """Return N."""
        return len(self.index)

    @cached_property
    def first(self) -> Ints:
        """[units + 1] first row of each unit."""
        return np.searchsorted(self.unit, np.arange(len(self.program.units) + 1))

    def rows(self, unit: Unit) -> range:
        """Return the rows of a unit."""
        number = self.program.units.index(unit)
        return range(int(self.first[number]), int(self.first[number + 1]))

    def column(self, values: Sequence[int]) -> Ints:
        """Return [N]: for every row, the value of its distinct command."""
        return np.array(values, dtype=np.int64)[self.index]

    def taken(self, channel: Channel) -> Ints:
        """Return [N]: tokens of a channel that each row takes."""
        return self.column([_amount(command.takes, channel) for command in self.commands])

    def given(self, channel: Channel) -> Ints:
        """Return [N]: tokens of a channel that each row gives with its result."""
        return self.column([_amount(command.gives, channel) for command in self.commands])

    def begun(self, channel: Channel) -> Ints:
        """Return [N]: tokens of a channel that each row gives when it starts."""
        return self.column([_amount(command.begins, channel) for command in self.commands])


def _amount(tokens: Tokens, channel: Channel) -> int:
    return sum(amount.tokens for amount in tokens if amount.channel is channel)


def write_out(program: Program) -> WrittenProgram:
    """Unroll a program."""
    known: dict[Command, int] = {}
    bodies: dict[int, WrittenBody] = {}
    none = np.zeros(0, dtype=np.int64)
    parts = [(none, none, none, none)]
    for number, unit in enumerate(program.units):
        for section, each in enumerate(program.sections):
            body = each.bodies.get(unit, ())
            if id(body) not in bodies:
                bodies[id(body)] = written(body)
            out = bodies[id(body)]
            names = [known.setdefault(command, len(known)) for command in out.commands]
            size = len(out.index)
            index = np.array(names, dtype=np.int64)[out.index] if names else out.index
            parts.append((index, np.full(size, number), np.full(size, section), out.step))
    columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    return WrittenProgram(program, list(known), *columns)
