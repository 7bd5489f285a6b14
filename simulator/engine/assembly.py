"""A program as the memory of the fast engine; `layout.py` has the positions of all fields."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.base.columns import Ints
from simulator.engine import layout as at
from simulator.engine.layout import EVERYTHING, NEVER
from simulator.program import (
    Amount,
    Body,
    Channel,
    Command,
    Loop,
    Section,
    Shape,
    Skip,
    Unit,
    Vocabulary,
)


@dataclass(frozen=True, slots=True)
class Assembled:
    """A program in memory, without its rates."""

    memory: Ints
    """The memory before the run, without the zeros at its end."""
    size: int
    """The length of the memory, with these zeros."""
    rings: Sequence[tuple[int, int]]
    """Space for lots, all of it empty: the first address, and the address past the end."""
    first_lots: Mapping[int, int]
    """Lots that exist from the start: their addresses and tokens."""
    rated: Mapping[int, Command]
    """Commands that move bytes at a rate, by address: they have no cycles and no latency yet."""
    channels: Mapping[int, Channel]
    """Every channel by its address."""
    units: Mapping[int, Unit]
    """Every unit by its address."""


def assemble(shape: Shape, space: Mapping[Channel, int], nodes: int, lanes: int) -> Assembled:
    """Write a program into memory.

    Args:
        shape: the shape of the program.
        space: lots that fit in each channel, a power of two.
        nodes: nodes of critical paths that fit.
        lanes: programs that run together.

    """
    write = _Assembler(shape, lanes)
    write.units_and_cursors()
    write.channels_and_ends(space)
    write.sections_and_shares()
    write.code()
    write.scratch(space, nodes)
    return Assembled(
        memory=np.array(write.m, dtype=np.int64),
        size=write.size,
        rings=write.rings,
        first_lots=write.first_lots,
        rated={
            place: command
            for command, place in write.commands.items()
            if command.kind.rate is not None
        },
        channels={place: channel for channel, place in write.channels.items()},
        units={place: unit for unit, place in write.units.items()},
    )


class _Assembler:
    """A builder that writes records one after another, and remembers their addresses."""

    def __init__(self, program: Shape, lanes: int) -> None:
        self.program, self.lanes = program, lanes
        channels = [channel for channel, _ in program.channels]
        self.words = Vocabulary.of(program.units, program.kinds, channels, program.categories)
        self.width = len(self.words.categories)
        self.depth = max((section.depth for section in program.sections), default=0)
        self.m = [0] * at.HEADER
        self.m[at.WIDTH], self.m[at.LANES] = self.width, lanes
        self.m[at.LOT_SIZE] = at.TIME + 3 * lanes
        self.m[at.NODE_SIZE] = at.NODE_BEFORE + lanes
        self.units: dict[Unit, int] = {}
        self.channels: dict[Channel, int] = {}
        self.takers: dict[tuple[Unit, Channel], int] = {}
        self.givers: dict[tuple[Unit, Channel], int] = {}
        self.commands: dict[Command, int] = {}

    def add(self, size: int) -> int:
        """Add a record of zeros, and return its address."""
        address = len(self.m)
        self.m += [0] * size
        return address

    # --- units, and their positions in the channels -----------------------------------------------

    def units_and_cursors(self) -> None:
        """Write the units with their frames; write all givers and takers after them."""
        m, program = self.m, self.program
        ends = {(unit, name): set[Channel]() for unit in program.units for name in _FLOWS}
        for section in dict.fromkeys(program.sections):
            for name in _FLOWS:
                for channel, units in getattr(section, name).items():
                    for unit in units:
                        ends[unit, name].add(channel)
        m[at.UNIT_SIZE] = at.FREE + 2 * self.lanes + self.depth * at.FRAME_SIZE
        m[at.UNITS] = len(m)
        for number, unit in enumerate(program.units):
            self.units[unit] = place = self.add(m[at.UNIT_SIZE])
            m[place + at.KEY], m[place + at.UNIT_NUMBER] = NEVER, number
            m[place + at.SECTION] = NEVER
            m[place + at.FRAMES] = place + at.FREE + 2 * self.lanes
        m[at.GIVER_RECORDS] = len(m)
        for unit, place in self.units.items():
            m[place + at.GIVERS] = len(m)
            self.givers |= self._cursors(unit, ends[unit, "gives"], at.GIVER_SIZE)
            m[place + at.GIVERS_END] = len(m)
        m[at.TAKER_RECORDS] = len(m)
        for unit, place in self.units.items():
            m[place + at.TAKERS] = len(m)
            self.takers |= self._cursors(unit, ends[unit, "takes"], at.TAKER_SIZE)
            m[place + at.TAKERS_END] = len(m)
        m[at.TAKER_RECORDS_END] = len(m)

    def _cursors(
        self, unit: Unit, used: set[Channel], size: int
    ) -> dict[tuple[Unit, Channel], int]:
        """Write a unit's givers, or takers, of the channels that it uses."""
        channels = (channel for channel, _ in self.program.channels)
        return {(unit, channel): self.add(size) for channel in channels if channel in used}

    # --- channels ---------------------------------------------------------------------------------

    def channels_and_ends(self, space: Mapping[Channel, int]) -> None:
        """Write the channels, the units at their ends in each section, and their lots."""
        m, program = self.m, self.program
        for channel, start in program.channels:
            self.channels[channel] = place = self.add(at.CHANNEL_SIZE)
            m[place + at.ENDS] = self._ends(channel, start)
            m[place + at.MASK] = space[channel] - 1
        for (unit, channel), place in self.givers.items():
            m[place + at.GIVEN_CHANNEL] = self.channels[channel]
            m[place + at.GIVING_UNIT] = self.units[unit]
        for (unit, channel), place in self.takers.items():
            m[place + at.TAKEN_CHANNEL] = self.channels[channel]
            m[place + at.TAKING_UNIT] = self.units[unit]

    def _ends(self, channel: Channel, start: int) -> int:
        """Write the numbers of first tokens and lots, and the takers and givers, by section."""
        m, sections = self.m, self.program.sections
        table = self.add((len(sections) + 1) * at.ENDS_SIZE)
        given, taken, lots = start, 0, int(start > 0)
        for number, section in enumerate(sections):
            place = table + number * at.ENDS_SIZE
            m[place + at.FIRST_TAKEN], m[place + at.FIRST_GIVEN] = taken, given
            m[place + at.FIRST_LOT] = lots
            if channel in section.takes:
                m[place + at.TAKING] = self.takers[_only(section.takes[channel]), channel]
                taken += sum(section.takes[channel].values())
            if channel in section.gives:
                m[place + at.GIVING] = self.givers[_only(section.gives[channel]), channel]
                given += sum(section.gives[channel].values())
                lots += section.lots[channel]
        last = table + len(sections) * at.ENDS_SIZE
        m[last + at.FIRST_GIVEN] = m[last + at.FIRST_LOT] = EVERYTHING
        return table

    # --- sections ---------------------------------------------------------------------------------

    def sections_and_shares(self) -> None:
        """Write the sections; write the units' shares after each section."""
        m, program, lanes = self.m, self.program, self.lanes
        m[at.SHARE_SIZE] = at.BUSY + (at.WAITS + len(program.channels)) * lanes
        shares = len(program.units) * m[at.SHARE_SIZE]
        self.shares = at.FLOOR + (at.VECTOR + self.width) * lanes
        m[at.SECTION_SIZE] = self.shares + shares
        m[at.SECTIONS] = len(m)
        for section in program.sections:
            place = self.add(m[at.SECTION_SIZE])
            m[place + at.PACE] = self.units[_pace(program, section)]
            keys = place + at.FLOOR + at.END_KEY * lanes
            m[keys : keys + lanes] = [NEVER] * lanes
        m[at.SECTIONS_END] = len(m)

    def code(self) -> None:
        """Write the units' programs; equal sections share them."""
        m, program = self.m, self.program
        bodies: dict[int, tuple[int, int]] = {}
        for number, section in enumerate(program.sections):
            place = m[at.SECTIONS] + number * m[at.SECTION_SIZE] + self.shares
            for unit in program.units:
                body = section.bodies.get(unit, ())
                if id(body) not in bodies:
                    bodies[id(body)] = self._body(unit, body)
                m[place + at.BODY], m[place + at.BODY_END] = bodies[id(body)]
                place += m[at.SHARE_SIZE]

    def _body(self, unit: Unit, body: Body) -> tuple[int, int]:
        code: list[int] = []
        self._instructions(unit, body, code)
        place = len(self.m)
        self.m += code
        return place, place + len(code)

    def _instructions(self, unit: Unit, body: Body, code: list[int]) -> None:
        for part in body:
            if isinstance(part, Loop):
                code += [at.LOOP, part.times, 0]
                self._instructions(unit, part.body, code)
                code += [at.LOOP_END, 0]
            elif not isinstance(part, Skip):
                code += [at.COMMAND, self._command(unit, part)]

    def _command(self, unit: Unit, command: Command) -> int:
        """Write a command, unless an equal one exists, and the amounts that it takes and gives."""
        if command in self.commands:
            return self.commands[command]
        m, kinds = self.m, self.program.kinds
        self.commands[command] = place = self.add(at.CYCLES + 2 * self.lanes)
        number = kinds.index(command.kind)
        term = self.words.kinds[number]
        m[place + at.PENALTY] = command.penalty
        cycles = place + at.CYCLES
        m[cycles : cycles + self.lanes] = [command.cycles] * self.lanes
        m[place + at.RANK] = (len(kinds) - number) << at.KEY_BITS
        m[place + at.BUSY_CATEGORY] = self._category(term.category)
        m[place + at.LATENCY_CATEGORY] = self._category(term.latency_category)
        m[place + at.PENALTY_CATEGORY] = self._category(term.penalty_category)
        m[place + at.ENTRY_CATEGORY] = self._category(term.entry_category)
        m[place + at.TAKES] = len(m)
        channels = list(self.channels)
        takes = {
            channels.index(channel): (self.takers[unit, channel], tokens)
            for channel, tokens in _summed(command.takes)
        }
        for number, (taker, tokens) in sorted(takes.items()):
            m += [taker, tokens, at.BUSY + (at.WAITS + number) * self.lanes]
        m[place + at.TAKES_END] = m[place + at.GIVES] = len(m)
        for at_start, amounts in ((1, command.begins), (0, command.gives)):
            for channel, tokens in _summed(amounts):
                m += [self.givers[unit, channel], tokens, at_start]
        m[place + at.GIVES_END] = len(m)
        return place

    def _category(self, name: str) -> int:
        names = [term.name for term in self.words.categories]
        return names.index(name) if name else NEVER

    def scratch(self, space: Mapping[Channel, int], nodes: int) -> None:
        """Write the header; reserve space for the stack, lots, notes, and nodes."""
        m = self.m
        m[at.ITERATION_VECTOR] = self.add(self.width * self.lanes)
        m[at.START], m[at.READY] = self.add(4 * self.lanes), self.add(3 * self.lanes)
        m[at.WALKED], m[at.COUNTED] = self.add(6 * self.lanes), self.add(3 * self.lanes)
        m[at.NOWHERE] = self.add(m[at.LOT_SIZE])
        m[m[at.NOWHERE] + at.LOT] = m[m[at.NOWHERE] + at.BEHIND] = NEVER
        m[at.STACK] = self.add((len(self.units) + 1) * at.CALL_SIZE)
        m[at.RANKS] = self.add(len(self.program.kinds) + 1)
        for number, kind in enumerate(reversed(self.program.kinds), 1):
            m[m[at.RANKS] + number] = self.units[kind.unit]
        m[at.STATE_SIZE] = m[at.TAKER_RECORDS_END] - m[at.UNITS]
        m[at.GROWTH] = self.add(m[at.SECTION_SIZE])
        m[at.NOTE_SIZE] = at.NOTED_STATE + m[at.STATE_SIZE] + m[at.SECTION_SIZE]
        for (_, channel), place in self.takers.items():
            m[place + at.QUEUE] = m[at.NOTE_SIZE]
            m[place + at.QUEUE_SIZE] = min(space[channel], at.MOST_NOTED)
            m[at.NOTE_SIZE] += m[place + at.QUEUE_SIZE] * m[at.LOT_SIZE]
        self.rings: list[tuple[int, int]] = []
        self.first_lots: dict[int, int] = {}
        m[at.RINGS] = self.size = len(m)
        for channel, start in self.program.channels:
            first, behind = self._zeros(space[channel] * m[at.LOT_SIZE]), self.size
            place = self.channels[channel]
            m[place + at.RING], m[place + at.RING_END] = first, behind
            self.rings.append((first, behind))
            if start:
                self.first_lots[first] = start
        m[at.SPARE] = self._zeros(max(space.values(), default=0) * m[at.LOT_SIZE])
        m[at.FOLLOWED_NOTE] = self._zeros(m[at.NOTE_SIZE])
        m[at.NOTES] = self._zeros((self.depth + 1) * m[at.NOTE_SIZE])
        m[at.NODES] = m[at.NODE_NEXT] = self._zeros(nodes * m[at.NODE_SIZE])
        m[at.NODES_END] = self.size
        m[at.NODES_FULL] = m[at.NODES] + nodes * 3 // 4 * m[at.NODE_SIZE]
        self._zeros(m[at.NODE_SIZE])  # `find_start` writes to it before the check for space
        m[at.NODE_BASE] = 1
        m[at.FORWARD] = self._zeros(nodes)

    def _zeros(self, size: int) -> int:
        """Add a record of zeros after all other records, and return its address."""
        address, self.size = self.size, self.size + size
        return address


_FLOWS = ("gives", "takes")


def _summed(amounts: Iterable[Amount]) -> list[tuple[Channel, int]]:
    """Tokens by channel."""
    sums: dict[Channel, int] = {}
    for channel, tokens in amounts:
        sums[channel] = sums.get(channel, 0) + tokens
    return list(sums.items())


def _only(units: Iterable[Unit]) -> Unit:
    (unit,) = units
    return unit


def _pace(program: Shape, section: Section) -> Unit:
    """Return the unit that paces a section.

    In a program of one section, this is the last unit that only gives back space. All other units
    then run on its demand, and an iteration of its outermost loop, such as an image, is an
    iteration of theirs. Otherwise it is the unit with the most commands; among equals, the last.
    """
    counts = {unit: sum(times for _, times in each) for unit, each in section.counts.items()}
    if len(program.sections) == 1 and (sinks := _sinks(program, section)):
        return sinks[-1]
    return max(reversed(program.units), key=lambda unit: counts.get(unit, 0))


def _sinks(program: Shape, section: Section) -> list[Unit]:
    """Units that take only from channels without initial tokens, and give only to the others."""
    units = dict.fromkeys(section.counts, True)
    for channel, start in program.channels:
        for unit in (section.takes if start else section.gives).get(channel, ()):
            units[unit] = False
    return [unit for unit in program.units if units.get(unit)]
