"""Random programs of any shape, and a direct implementation of the contract."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import hypothesis.strategies as st
import numpy as np

from simulator.engine.trace import Trace
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

    The strategy draws commands in one global order in which every token exists before a command
    takes it. Each unit then keeps its own commands in this order.
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
    """Draw a section that leaves each channel's tokens unchanged; a loop can then repeat it."""
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
    """A command in the direct implementation."""

    unit: Unit
    section: int
    command: Command
    number: int
    """Number of the command among the unit's commands."""
    start: int = 0
    end: int = 0
    ready: int = 0
    cause: "Row | None" = None
    channel: Channel | None = None


def written(body: Body) -> Iterator[Command]:
    """Yield the commands of all iterations."""
    for part in body:
        if isinstance(part, Loop):
            for _ in range(part.times):
                yield from written(part.body)
        elif not isinstance(part, Skip):
            yield part


Place = tuple[Unit, int]
"""A unit, and the number of one of its commands."""
Durations = Mapping[Place, tuple[int, int]]
"""Cycles and latency of commands whose durations the program does not determine."""


@dataclass
class Lot:
    """Tokens that one command gave at once."""

    first: int
    behind: int
    time: int
    giver: Row | None
    at_start: bool


class Given:
    """Tokens that one channel received, by section."""

    def __init__(self, program: Program, channel: Channel) -> None:
        start = program.channels[channel]
        self.next = _firsts(program, channel, ("gives", "begins"), start)
        self.takes = _firsts(program, channel, ("takes",), 0)
        self.lots = [[Lot(0, start, 0, None, False)], *([] for _ in program.sections)]

    def give(self, section: int, tokens: int, time: int, giver: Row, at_start: bool) -> None:
        first = self.next[section]
        self.next[section] += tokens
        self.lots[section + 1].append(Lot(first, first + tokens, time, giver, at_start))

    def lots_of(self, first: int, behind: int) -> list[Lot] | None:
        """The lots that contain these tokens; None: some of the tokens do not exist yet."""
        found = []
        while first < behind:
            for lots in self.lots:
                place = bisect_right(lots, first, key=lambda lot: lot.first) - 1
                if place >= 0 and first < lots[place].behind:
                    found.append(lots[place])
                    first = lots[place].behind
                    break
            else:
                return None
        return found


def by_hand(program: Program, durations: Durations | None = None) -> list[Row] | None:
    """Apply the contract of simulator/program/contract.py, lot by lot; None: a deadlock."""
    todo = {
        unit: [
            Row(unit, number, command, 0)
            for number, section in enumerate(program.sections)
            for command in written(section.bodies.get(unit, ()))
        ]
        for unit in program.units
    }
    given = {channel: Given(program, channel) for channel in program.channels}
    done: list[Row] = []
    last: dict[Unit, Row] = {}
    at = dict.fromkeys(program.units, 0)
    moved = True
    while moved:
        moved = False
        for unit, rows in todo.items():
            while at[unit] < len(rows):
                row = rows[at[unit]]
                row.number = at[unit]
                needs = _needs(row, given)
                if needs is None:
                    break
                _run(program, row, last.get(unit), needs, durations or {})
                for channel, tokens in row.command.takes:
                    given[channel].takes[row.section] += tokens
                for name, time in (("begins", row.start), ("gives", row.ready)):
                    for channel, tokens in getattr(row.command, name):
                        given[channel].give(row.section, tokens, time, row, name == "begins")
                at[unit] += 1
                last[unit] = row
                done.append(row)
                moved = True
    return done if all(at[unit] == len(rows) for unit, rows in todo.items()) else None


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


def _needs(row: Row, given: dict[Channel, Given]) -> list[tuple[Channel, Lot]] | None:
    """The lots from which a command takes tokens; None: some of them do not exist yet."""
    found = []
    used = dict.fromkeys(given, 0)
    for channel, tokens in row.command.takes:
        first = given[channel].takes[row.section] + used[channel]
        used[channel] += tokens
        lots = given[channel].lots_of(first, first + tokens)
        if lots is None:
            return None
        found += [(channel, lot) for lot in lots]
    return found


def _run(
    program: Program,
    row: Row,
    before: Row | None,
    needs: list[tuple[Channel, Lot]],
    durations: Durations,
) -> None:
    free = before.end if before else 0
    row.start = max([free, *(lot.time for _, lot in needs)])
    rate = program.rates.get(row.command.kind.rate or "")
    moving = -(-row.command.bytes // rate.bytes_per_cycle) if rate else 0
    usual = row.command.cycles + int(moving), rate.latency if rate else 0
    cycles, latency = durations.get((row.unit, row.number), usual)
    row.end = row.start + cycles
    row.ready = row.end + latency
    causes: list[tuple[Row, Channel | None]] = []
    if before and before.end == row.start:
        causes.append((before, None))
    for channel, lot in needs:
        cause = lot.giver.cause if lot.giver and lot.at_start else lot.giver
        if lot.time == row.start and cause:
            causes.append((cause, channel))
    order = list(program.channels)

    def preferred(pair: tuple[Row, Channel | None]) -> tuple[int, int, int]:
        cause, of = pair
        place = -1 if of is None else order.index(of)
        return program.kinds.index(cause.command.kind), -cause.number, place

    if causes:
        row.cause, came_last = min(causes, key=preferred)
        row.channel = came_last if row.start > free else None


def keeps_the_contract(program: Program, trace: Trace) -> None:
    """Check a trace's starts, causes and waits against the contract, given its durations."""
    rows_of = [np.flatnonzero(trace.unit == number) for number in range(len(program.units))]
    place = {
        (unit, number): row
        for unit, rows in zip(program.units, rows_of, strict=True)
        for number, row in enumerate(rows.tolist())
    }
    occupied, latency = trace.occupied.tolist(), trace.latency.tolist()
    rows = by_hand(program, {at: (occupied[row], latency[row]) for at, row in place.items()})
    assert rows is not None
    assert len(rows) == len(trace)
    channels = list(program.channels)
    start, cause, channel = (np.full(len(trace), -2) for _ in range(3))
    for row in rows:
        at = place[row.unit, row.number]
        start[at] = row.start
        cause[at] = -1 if row.cause is None else place[row.cause.unit, row.cause.number]
        channel[at] = -1 if row.channel is None else channels.index(row.channel)
    assert np.array_equal(trace.start, start)
    assert np.array_equal(trace.cause, cause)
    assert np.array_equal(trace.channel, channel)
