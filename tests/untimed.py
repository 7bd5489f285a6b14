"""Programs without time: count tokens to find out if every command can run."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import accumulate
from random import Random
from typing import NamedTuple

from simulator.program import Body, Channel, Command, Loop, Skip, Unit
from simulator.program.faults import tokens_of
from simulator.program.parts import ProgramParts


class Lack(NamedTuple):
    """Tokens without which a unit cannot continue."""

    channel: Channel
    tokens: int


def with_room(parts: ProgramParts, spaces: Collection[Channel], rng: Random) -> ProgramParts:
    """Return the program with the additional initial tokens that it needs to run to its end.

    Args:
        parts: a program, possibly with deadlocks.
        spaces: channels that get tokens first if a cycle of units waits for one of them.
        rng: random generator of the choices.

    """
    while True:
        run, added = Untimed(parts), False
        run.go()
        while circle := run.circle():
            added = True
            lacks = list(circle.values())
            run.add(rng.choice([lack for lack in lacks if lack.channel in spaces] or lacks))
            run.go()
        if not added:
            return parts
        # earlier tokens have other numbers now; therefore run again
        starts = {channel: tokens.start for channel, tokens in run.tokens.items()}
        parts = replace(parts, channels=starts)


class _Tokens:
    """The tokens of one channel."""

    def __init__(self, parts: ProgramParts, channel: Channel) -> None:
        self.channel = channel
        self.start = parts.channels[channel]
        self.lots = 0
        """Number of times that a command gave tokens."""
        gives = [tokens_of(section.gives, channel) for section in parts.sections]
        takes = [tokens_of(section.takes, channel) for section in parts.sections]
        self.first = list(accumulate(gives, initial=self.start))
        self.taken = list(accumulate(takes, initial=0))
        self.given = [0] * (len(gives) + 1)
        self.at = 0
        """Section before which all sections have given all of their tokens."""
        self.upto = 0
        """Token before which all tokens exist."""
        self.advance()

    def give(self, section: int, tokens: int) -> None:
        self.given[section] += tokens
        self.lots += 1
        if section == self.at:
            self.advance()

    def advance(self) -> None:
        first, given = self.first, self.given
        while self.at < len(given) - 1 and first[self.at] + given[self.at] == first[self.at + 1]:
            self.at += 1
        self.upto = first[self.at] + given[self.at]

    def lacking(self, section: int, tokens: int) -> tuple[int, int] | None:
        """First missing token among the section's next tokens, and the section that gives it."""
        begin = max(self.upto, self.taken[section])
        behind = self.taken[section] + tokens
        for giver in range(self.at, len(self.given)):
            if begin >= behind:
                return None
            there = self.first[giver] + self.given[giver]
            end = self.first[giver + 1] if giver + 1 < len(self.first) else behind
            if begin < end:
                begin = max(begin, there)
                if begin < min(behind, end):
                    return begin, giver
                begin = end
        return None


@dataclass(slots=True)
class _Step:
    """Channels and token counts of a command."""

    takes: list[tuple[_Tokens, int]]
    gives: list[tuple[_Tokens, int]]


class _Wait(NamedTuple):
    """The next take of a waiting unit."""

    tokens: _Tokens
    section: int
    amount: int
    lots: int
    """Value of the channel's `lots` when the unit last checked it."""


class Untimed:
    """A program that runs without time."""

    def __init__(self, parts: ProgramParts) -> None:
        self.parts = parts
        self.tokens = {channel: _Tokens(parts, channel) for channel in parts.channels}
        steps: dict[int, list[_Step]] = {}
        self._todo: dict[Unit, list[tuple[int, list[_Step]]]] = {}
        for unit in parts.units:
            mine = self._todo[unit] = []
            for number, section in enumerate(parts.sections):
                body = section.bodies.get(unit, ())
                if id(body) not in steps:
                    steps[id(body)] = self._written(body)
                if steps[id(body)]:
                    mine.append((number, steps[id(body)]))
        self._at = dict.fromkeys(parts.units, (0, 0))
        """For each unit: the part of its `todo`, and the step in the part."""
        self._waits: dict[Unit, _Wait] = {}

    def go(self) -> None:
        """Run until no unit can continue."""
        moved = True
        while moved:
            moved = False
            for unit in self._todo:
                wait = self._waits.get(unit)
                if wait is None or wait.lots != wait.tokens.lots:
                    moved = self._go(unit) or moved

    def circle(self) -> dict[Unit, Lack]:
        """Return the tokens that units in a cycle lack; empty if all commands have run."""
        path: dict[Unit, Lack] = {}
        if not self._waits:
            return path
        unit = next(iter(self._waits))
        while unit not in path:
            path[unit], giver = self._lack(self._waits[unit])
            unit = giver
        units = list(path)
        return {unit: path[unit] for unit in units[units.index(unit) :]}

    def add(self, lack: Lack) -> None:
        """Add initial tokens."""
        tokens = self.tokens[lack.channel]
        tokens.start += lack.tokens
        tokens.first = [first + lack.tokens for first in tokens.first]
        tokens.advance()
        tokens.lots += 1

    def _go(self, unit: Unit) -> bool:
        """Run a unit as far as possible; return True if it ran a command."""
        parts, before = self._todo[unit], self._at[unit]
        part, place = before
        self._waits.pop(unit, None)
        while part < len(parts):
            section, steps = parts[part]
            while place < len(steps):
                step = steps[place]
                for tokens, amount in step.takes:
                    behind = tokens.taken[section] + amount
                    if behind > tokens.upto and tokens.lacking(section, amount):
                        self._waits[unit] = _Wait(tokens, section, amount, tokens.lots)
                        self._at[unit] = part, place
                        return (part, place) != before
                for tokens, amount in step.takes:
                    tokens.taken[section] += amount
                for tokens, amount in step.gives:
                    tokens.give(section, amount)
                place += 1
            part, place = part + 1, 0
        self._at[unit] = part, place
        return (part, place) != before

    def _lack(self, wait: _Wait) -> tuple[Lack, Unit]:
        """Missing tokens of a unit, and the unit that should give the first of them."""
        missing = wait.tokens.lacking(wait.section, wait.amount)
        assert missing is not None
        first, section = missing
        channel = wait.tokens.channel
        giver = next(iter(self.parts.sections[section].gives[channel]))
        return Lack(channel, wait.tokens.taken[wait.section] + wait.amount - first), giver

    def _written(self, body: Body) -> list[_Step]:
        steps: list[_Step] = []
        for part in body:
            if isinstance(part, Loop):
                steps += self._written(part.body) * part.times
            elif not isinstance(part, Skip):
                steps.append(self._step(part))
        return steps

    def _step(self, command: Command) -> _Step:
        takes: dict[Channel, int] = {}
        for channel, amount in command.takes:
            takes[channel] = takes.get(channel, 0) + amount
        return _Step(
            [(self.tokens[channel], amount) for channel, amount in takes.items()],
            [(self.tokens[channel], n) for channel, n in (*command.begins, *command.gives)],
        )
