"""Random programs of any shape, for comparing engines: nests of loops, rates, sections.

Each unit's nest is independent of the other nests. If units then wait for each other in a cycle,
one of its channels starts with more tokens. No program therefore has a deadlock, and many FIFOs
have just the size that the program needs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random

import hypothesis.strategies as st

from simulator.program import (
    Balance,
    Category,
    Channel,
    CountsAs,
    Kind,
    Program,
    Rate,
    Section,
    Unit,
)
from simulator.program.parts import ProgramParts
from tests.nests import Flow, Nests, Style
from tests.untimed import with_room

CATEGORIES = tuple(Category(name, f"{name} cycles") for name in ("red", "green", "blue", "gray"))
RATES = ("bus", "link")
CAPACITIES = (1, 1, 2, 2, 3, 4, 8, 16, 50, 100)
BASES = (1, 2, 3, 4, 5, 6, 8, 9, 12, 16, 20, 24, 30, 36, 48, 60, 72, 96, 120, 144, 240, 360, 400)
"""Items per section; most of these numbers have many divisors."""
CYCLES = ((0, 1), (1,), (1, 2), (0, 1, 2, 3), (3, 5), (2, 3, 5, 7), (1, 4, 16), (0, 0, 1, 8))
SIZES = ((0,), (0,), (6,), (0, 0, 1, 6, 16, 40))


def random_program(seed: int, most: int = 2_000) -> Program:
    """Return the program of a seed; it has hundreds of commands, rarely more than `most`."""
    return _seeded(seed, most, 1)[0]


def random_family(seed: int, most: int = 2_000) -> list[Program]:
    """Return the program of a seed under 1 to 5 rate tables."""
    return _seeded(seed, most, 1 + seed % 5)


def _seeded(seed: int, most: int, size: int) -> list[Program]:
    rng = Random(seed)
    return _family(rng, round(100 * (most / 100) ** rng.random()), size)


@st.composite
def free_programs(draw: st.DrawFn, most: int = 1_000) -> Program:
    """Programs of any shape without a deadlock."""
    commands = draw(st.integers(10, most))
    return _family(draw(st.randoms(use_true_random=False)), commands, 1)[0]


@st.composite
def rate_families(draw: st.DrawFn, most: int = 1_000) -> list[Program]:
    """Programs that share their sections, under 1 to 5 rate tables."""
    commands, size = draw(st.integers(10, most)), draw(st.integers(1, 5))
    return _family(draw(st.randoms(use_true_random=False)), commands, size)


def free_parts(rng: Random, commands: int) -> ProgramParts:
    """Draw all parts of a program except its rates, with about this many commands."""
    draft = _Draft(rng, commands)
    return with_room(draft.parts(), draft.spaces, rng)


def rates(rng: Random) -> dict[str, Rate]:
    """Draw a rate table."""
    return {name: _rate(rng) for name in RATES}


def _family(rng: Random, commands: int, size: int) -> list[Program]:
    parts = free_parts(rng, commands)
    return [program(parts, rates(rng)) for _ in range(size)]


def program(parts: ProgramParts, table: Mapping[str, Rate]) -> Program:
    """Return the program of these parts under a rate table."""
    return Program(
        units=parts.units,
        kinds=parts.kinds,
        channels=parts.channels,
        sections=parts.sections,
        names=parts.names,
        rates=table,
    )


def _rate(rng: Random) -> Rate:
    rate = rng.choice((Fraction(3, 2), Fraction(16), Fraction(1, 3), Fraction(4), Fraction(10, 3)))
    return Rate(rate, rng.choice((0, 0, 1, 7, 40, 90)))


@dataclass(frozen=True, slots=True)
class _Link:
    """A channel between two units, and possibly a channel of free space in return."""

    item: Channel
    giver: Unit
    taker: Unit
    space: Channel | None
    """Channel of free space: the giver takes a token for each item."""
    freed_by: Unit | None
    """The unit that gives space, if it is not the taker."""


def counts_as(rng: Random) -> CountsAs | None:
    """Draw a kind's categories, some of them possibly equal; None: the kind's own category."""
    if rng.random() < 0.3:
        return None
    busy, latency, penalty, entry = (rng.choice(CATEGORIES) for _ in range(4))
    return CountsAs(
        busy,
        latency if rng.random() < 0.7 else None,
        penalty if rng.random() < 0.7 else None,
        entry if rng.random() < 0.5 else None,
    )


class _Draft:
    """The state of a program's generation."""

    def __init__(self, rng: Random, commands: int) -> None:
        self.rng = rng
        self.long = rng.random() < 0.3
        """True for few units with many iterations."""
        size = self._size(2, 4 if self.long else 12)
        self.units = tuple(Unit(f"u{n}", f"unit {n}") for n in range(size))
        self.commands = commands
        self.channels: dict[Channel, int] = {}
        self.spaces: set[Channel] = set()
        """Channels that are the first to get more tokens if the program stops."""
        kinds = [
            Kind(f"{unit.name}_{rate}", unit, rate, counts_as(rng))
            for unit in self.units
            for rate in (None, *RATES)
        ]
        rng.shuffle(kinds)
        self.kinds = tuple(kinds)
        self.style = self._style()

    def parts(self) -> ProgramParts:
        """Draw the sections."""
        rng = self.rng
        self.links = self._links()
        count = 1 if self.long else rng.choice((1, 1, 2, 2, 3, 4, 6, 12))
        shapes = rng.randint(1, min(count, 3))
        order = [rng.randrange(shapes) for _ in range(count)]
        each = max(2, self.commands // (count * len(self.units)))
        self.nests = Nests(rng, self.style, self.kinds)
        barrier = self._barrier(count, shapes)
        drawn = [self._shape(each, barrier) for _ in range(shapes)]
        edges = self._edges(count, shapes, each)
        made: dict[object, Section] = {}
        sections = []
        for place, shape in enumerate(order):
            more = [flow for edge in edges for flow in edge.flows(place, shape)]
            key = (shape, tuple(more))
            if key not in made:
                made[key] = self._section(drawn[shape], more, each)
            sections.append(made[key])
        return ProgramParts(
            units=self.units,
            kinds=self.kinds,
            channels=self.channels,
            sections=tuple(sections),
            names=tuple(f"s{n}" for n in range(count)),
        )

    def _style(self) -> Style:
        """Draw the style of a program; two in five programs are plain loops."""
        rng = self.rng
        wild = float(rng.random() < 0.6)
        return Style(
            cycles=rng.choice(CYCLES),
            bytes=rng.choice(SIZES),
            steady=rng.random() < 0.8 - 0.5 * wild,
            begins=rng.choice((0, 0, 0.2, 0.5, 1)),
            ragged=rng.choice((0, 0, 0.2, 0.5)) * wild,
            peeled=rng.choice((0, 0.2, 0.5)) * wild,
            phases=rng.choice((0, 0, 0.1, 0.3)) * wild,
            apart=rng.choice((0, 0.2, 0.5)),
            fillers=rng.choice((0, 0, 0.1, 0.3)) * wild,
            moved=rng.choice((0, 0.3, 0.6)) * wild,
            late=rng.choice((0, 0.1, 0.4)),
        )

    def _size(self, least: int, most: int) -> int:
        """Return a number; small numbers are more likely."""
        return least + int((most - least + 1) * self.rng.random() ** 2)

    def _channel(self, name: str, start: int, balance: Balance = Balance.SECTION) -> Channel:
        channel = Channel(name, f"a token of {name}", balance)
        self.channels[channel] = start
        return channel

    def _links(self) -> list[_Link]:
        """Draw a pipeline, a graph with forks and joins, or random links, then feedback."""
        rng, units = self.rng, self.units
        bounded = rng.choice((0, 0.5, 1, 1))
        pairs: list[tuple[Unit, Unit]] = []
        shape = rng.choice(("pipeline", "pipeline", "graph", "any"))
        for place in range(1, len(units)):
            if shape == "pipeline":
                pairs.append((units[place - 1], units[place]))
            elif shape == "graph":
                before = rng.sample(units[:place], min(place, rng.choice((1, 1, 2))))
                pairs += [(unit, units[place]) for unit in before]
            else:
                pairs.append((rng.choice(units), rng.choice(units)))
        if rng.random() < 0.2:
            pairs.append((units[-1], units[rng.randrange(len(units) - 1)]))
        links = []
        for number, (giver, taker) in enumerate(pairs):
            item = self._channel(f"item{number}", 0)
            space = None
            if rng.random() < bounded:
                space = self._channel(f"room{number}", rng.choice(CAPACITIES))
                self.spaces.add(space)
            freed_by = rng.choice(units) if rng.random() < 0.1 else None
            links.append(_Link(item, giver, taker, space, freed_by))
        return links

    def _barrier(self, count: int, shapes: int) -> list[tuple[Channel, Unit, Unit]]:
        """Draw, for each shape of section, taker and giver of a token that passes through."""
        if count == 1 or self.rng.random() < 0.6:
            return []
        channel = self._channel("barrier", 1)
        return [(channel, self._unit(), self._unit()) for _ in range(shapes)]

    def _unit(self) -> Unit:
        return self.rng.choice(self.units)

    def _shape(
        self, commands: int, barrier: list[tuple[Channel, Unit, Unit]]
    ) -> list[tuple[Unit, Flow]]:
        """Draw the tokens that units give and take within a section."""
        rng = self.rng
        bases = [base for base in BASES if base <= max(2, commands)]
        base = rng.choice(bases[-3 if self.long else -8 :])
        sparse, other = rng.random() < 0.2, rng.random() < 0.2
        flows: list[tuple[Unit, Flow]] = []
        for link in self.links:
            if sparse and rng.random() < 0.5:
                continue
            tokens = base * rng.choice((1, 1, 1, 1, 2, 3, 4))
            giver, taker = link.giver, link.taker
            if other and rng.random() < 0.5:
                giver, taker = self._unit(), self._unit()
            flows += [
                (taker, Flow(link.item, False, tokens)),
                (giver, Flow(link.item, True, tokens)),
            ]
            if link.space:
                flows += [
                    (giver, Flow(link.space, False, tokens)),
                    (link.freed_by or taker, Flow(link.space, True, tokens)),
                ]
        if barrier:
            channel, taker, giver = barrier.pop()
            flows += [(taker, Flow(channel, False, 1)), (giver, Flow(channel, True, 1))]
        return flows

    def _edges(self, count: int, shapes: int, commands: int) -> list["_Edge"]:
        """Draw channels whose tokens pass from one section to another."""
        if count == 1:
            return []
        rng = self.rng
        edges = []
        for number in range(rng.choice((0, 1, 1, 2, 3))):
            balance = rng.choice((Balance.EDGE, Balance.SPACE))
            start = rng.choice((0, 0, 0, *CAPACITIES[:6]))
            channel = self._channel(f"{balance.value}{number}", start, balance)
            if balance is Balance.SPACE:
                self.spaces.add(channel)
            lot = rng.choice((1, 2, 3, *BASES[: commands // 2]))
            gives, takes = [0] * count, [0] * count
            even = rng.random() < 0.6
            far = 1 if even else rng.randint(1, 2)
            for place in range(count - far):
                tokens = lot if even else rng.randint(0, 2 * lot)
                giver, taker = place, place + far
                if balance is Balance.SPACE and rng.random() < 0.8:
                    giver, taker = taker, giver
                gives[giver] += tokens
                takes[taker] += tokens
            ends = [(self._unit(), self._unit()) for _ in range(shapes)]
            edges.append(_Edge(channel, ends, gives, takes))
        return edges

    def _section(
        self, drawn: list[tuple[Unit, Flow]], more: list[tuple[Unit, Flow]], commands: int
    ) -> Section:
        bodies = {}
        for unit in self.units:
            flows = [flow for of, flow in (*drawn, *more) if of is unit]
            body = self.nests.unit(unit, flows, commands)
            if body:
                bodies[unit] = body
        return Section(bodies)


@dataclass(frozen=True, slots=True)
class _Edge:
    """A channel from the section that gives to the section that takes."""

    channel: Channel
    ends: list[tuple[Unit, Unit]]
    """Giver and taker in each shape of section."""
    gives: list[int]
    """Number of tokens that each section gives."""
    takes: list[int]

    def flows(self, place: int, shape: int) -> list[tuple[Unit, Flow]]:
        giver, taker = self.ends[shape]
        flows = [
            (taker, Flow(self.channel, False, self.takes[place])),
            (giver, Flow(self.channel, True, self.gives[place])),
        ]
        return [(unit, flow) for unit, flow in flows if flow.tokens]
