"""Random programs of any shape, and the contract written out by hand."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import hypothesis.strategies as st

from simulator.program import (
    Amount,
    Body,
    Channel,
    Command,
    Kind,
    Loop,
    Program,
    Rate,
    Section,
    Skip,
    Unit,
)

RATES = {"slow": Rate(Fraction(3, 2), 7), "fast": Rate(Fraction(16), 0)}


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Programs without a deadlock.

    Commands are drawn in one global order in which every token is there before it is taken; each
    unit then keeps its own.
    """
    units = tuple(Unit(f"u{n}", f"unit {n}") for n in range(draw(st.integers(2, 5))))
    kinds = tuple(
        Kind(f"{unit.name}_{rate}", unit, rate) for unit in units for rate in (None, *RATES)
    )
    kinds = tuple(draw(st.permutations(kinds)))
    names = [f"c{n}" for n in range(draw(st.integers(1, 6)))]
    channels = {Channel(name, f"a token of {name}"): draw(st.integers(0, 3)) for name in names}
    sections = tuple(_section(draw, units, kinds, channels) for _ in range(draw(st.integers(1, 3))))
    return Program(
        units=units,
        kinds=kinds,
        channels=channels,
        sections=sections,
        names=tuple(f"s{n}" for n in range(len(sections))),
        rates=RATES,
    )


def _section(
    draw: st.DrawFn, units: tuple[Unit, ...], kinds: tuple[Kind, ...], channels: dict[Channel, int]
) -> Section:
    """A section that leaves every channel as it found it, so that it can be a loop's turn."""
    ends = {
        channel: (draw(st.sampled_from(units)), draw(st.sampled_from(units)))
        for channel in channels
    }
    free = dict(channels)
    bodies: dict[Unit, list[Command | Skip | Loop]] = {unit: [] for unit in units}

    def add(unit: Unit, takes: list[Amount], gives: list[Amount]) -> None:
        kind = draw(st.sampled_from([kind for kind in kinds if kind.unit is unit]))
        at_start = draw(st.booleans())
        bodies[unit].append(
            kind(
                cycles=draw(st.integers(0, 4)),
                bytes=draw(st.integers(0, 20)),
                steps=draw(st.integers(0, 1)),
                takes=takes,
                gives=() if at_start else gives,
                begins=gives if at_start else (),
            )
        )
        for channel, tokens in takes:
            free[channel] -= tokens
        for channel, tokens in gives:
            free[channel] += tokens

    for _ in range(draw(st.integers(1, 12))):
        unit = draw(st.sampled_from(units))
        takes = [
            channel(draw(st.integers(0, free[channel])))
            for channel, (_, taker) in ends.items()
            if taker is unit
        ]
        gives = [
            channel(draw(st.integers(0, 3)))
            for channel, (giver, _) in ends.items()
            if giver is unit
        ]
        add(unit, takes, gives)
        if draw(st.booleans()):
            bodies[unit].append(Skip(draw(st.integers(1, 3))))
    for channel, (giver, taker) in ends.items():
        over = free[channel] - channels[channel]
        if over > 0:
            add(taker, [channel(over)], [])
        elif over < 0:
            add(giver, [], [channel(-over)])
    times = draw(st.integers(1, 3))
    return Section(
        {
            unit: tuple(body) if times == 1 else (Loop(times, tuple(body)),)
            for unit, body in bodies.items()
            if body
        }
    )


@dataclass
class Row:
    """A command by hand."""

    unit: Unit
    section: int
    command: Command
    number: int
    """Of the unit's commands."""
    start: int = 0
    end: int = 0
    ready: int = 0
    cause: "Row | None" = None
    channel: Channel | None = None


def written(body: Body) -> Iterator[Command]:
    """Yield every command of every turn."""
    for part in body:
        if isinstance(part, Loop):
            for _ in range(part.times):
                yield from written(part.body)
        elif not isinstance(part, Skip):
            yield part


Token = tuple[int, Row | None, bool]
"""When a token was given, by what, and whether at its giver's start."""


def by_hand(program: Program) -> list[Row] | None:
    """The contract of simulator/program/contract.py, token by token; None: a deadlock."""
    todo = {
        unit: [
            Row(unit, number, command, 0)
            for number, section in enumerate(program.sections)
            for command in written(section.bodies.get(unit, ()))
        ]
        for unit in program.units
    }
    given: dict[Channel, dict[int, Token]] = {
        channel: dict.fromkeys(range(start), (0, None, False))
        for channel, start in program.channels.items()
    }
    gives = {c: _firsts(program, c, ("gives", "begins"), s) for c, s in program.channels.items()}
    takes = {c: _firsts(program, c, ("takes",), 0) for c in program.channels}
    done: list[Row] = []
    last: dict[Unit, Row] = {}
    moved = True
    while moved:
        moved = False
        for unit, rows in todo.items():
            while rows and (needs := _needs(rows[0], given, takes)) is not None:
                row = rows.pop(0)
                _run(program, row, last.get(unit), needs)
                for channel, tokens in row.command.takes:
                    takes[channel][row.section] += tokens
                for name, time in (("begins", row.start), ("gives", row.ready)):
                    for channel, tokens in getattr(row.command, name):
                        for _ in range(tokens):
                            number = gives[channel][row.section]
                            given[channel][number] = (time, row, name == "begins")
                            gives[channel][row.section] += 1
                row.number = len([other for other in done if other.unit is unit])
                last[unit] = row
                done.append(row)
                moved = True
    return None if any(todo.values()) else done


def _firsts(program: Program, channel: Channel, names: tuple[str, ...], start: int) -> list[int]:
    firsts = []
    for section in program.sections:
        firsts.append(start)
        start += sum(
            tokens
            for body in section.bodies.values()
            for command in written(body)
            for name in names
            for other, tokens in getattr(command, name)
            if other is channel
        )
    return firsts


def _needs(
    row: Row, given: dict[Channel, dict[int, Token]], takes: dict[Channel, list[int]]
) -> list[tuple[Channel, Token]] | None:
    """The tokens that a command takes; None: they have not all been given."""
    found = []
    used = dict.fromkeys(given, 0)
    for channel, tokens in row.command.takes:
        for _ in range(tokens):
            number = takes[channel][row.section] + used[channel]
            used[channel] += 1
            if number not in given[channel]:
                return None
            found.append((channel, given[channel][number]))
    return found


def _run(
    program: Program, row: Row, before: Row | None, needs: list[tuple[Channel, Token]]
) -> None:
    free = before.end if before else 0
    row.start = max([free, *(token[0] for _, token in needs)])
    rate = program.rates.get(row.command.kind.rate or "")
    size = row.command.bytes
    moving = -(-size // rate.bytes_per_cycle) if rate else 0
    row.end = row.start + row.command.cycles + int(moving)
    row.ready = row.end + (rate.latency if rate else 0)
    causes: list[tuple[Row, Channel | None]] = []
    if before and before.end == row.start:
        causes.append((before, None))
    for channel, (time, giver, at_start) in needs:
        cause = giver.cause if giver and at_start else giver
        if time == row.start and cause:
            causes.append((cause, channel))
    order = list(program.channels)

    def preferred(pair: tuple[Row, Channel | None]) -> tuple[int, int, int]:
        cause, of = pair
        place = -1 if of is None else order.index(of)
        return program.kinds.index(cause.command.kind), -cause.number, place

    if causes:
        row.cause, came_last = min(causes, key=preferred)
        row.channel = came_last if row.start > free else None
