"""Random programs with a deadlock between known units.

The generator adds a ring of units to a free program. The ring's last unit takes a lot that is
larger than the ring's tokens, perhaps after many iterations with one token each. The units may be
in different sections.
"""

from dataclasses import replace
from random import Random
from typing import NamedTuple

import hypothesis.strategies as st
from hypothesis import assume

from simulator.program import Balance, Body, Channel, Kind, Loop, Program, Section, Unit
from simulator.program.parts import ProgramParts
from tests.free_programs import free_parts, program, rates
from tests.untimed import Untimed

Deadlock = tuple[Program, set[Unit]]
"""A program, and the units of its only cycle of waiting units."""


def deadlocked_program(seed: int, most: int = 300) -> Deadlock:
    """Return the deadlocked program of a seed."""
    rng = Random(seed)
    while (found := _deadlocked(rng, rng.randint(10, most))) is None:
        pass
    return found


@st.composite
def deadlocked_programs(draw: st.DrawFn, most: int = 300) -> Deadlock:
    """Programs of any shape that stop, and the units that wait for each other."""
    commands = draw(st.integers(10, most))
    found = _deadlocked(draw(st.randoms(use_true_random=False)), commands)
    assume(found is not None)
    assert found is not None
    return found


def _deadlocked(rng: Random, commands: int) -> Deadlock | None:
    """Add a ring; None: units outside the ring wait for each other."""
    parts = free_parts(rng, commands)
    size = rng.choice((1, 2, 2, 3, 4, 6, len(parts.units)))
    units = rng.sample(parts.units, min(size, len(parts.units)))
    places = _places(rng, len(parts.sections), len(units))
    parts = _with_ring(rng, parts, units, places)
    run = Untimed(parts)
    run.go()
    if set(run.circle()) != set(units):
        return None
    lacks = run.circle().values()
    if any(not lack.channel.name.startswith("ring") for lack in lacks):
        return None
    return program(parts, rates(rng)), set(units)


class _Place(NamedTuple):
    """Position of a unit's part of the ring."""

    section: int
    part: float
    """Fraction of the unit's body before the ring's part."""


def _places(rng: Random, sections: int, units: int) -> list[_Place]:
    """Draw positions in one section, around the end of a section, or anywhere."""
    way = rng.choice(("one", "end", "anywhere"))
    first = rng.randrange(sections)
    if way == "one":
        return [_Place(first, rng.choice((0, rng.random()))) for _ in range(units)]
    if way == "end" and first + 1 < sections:
        return [rng.choice((_Place(first, 1), _Place(first + 1, 0))) for _ in range(units)]
    return [_Place(rng.randrange(sections), rng.random()) for _ in range(units)]


def _with_ring(
    rng: Random, parts: ProgramParts, units: list[Unit], places: list[_Place]
) -> ProgramParts:
    """Add a ring: each unit takes the previous unit's tokens, the first unit the last unit's."""
    channels = [
        Channel(
            f"ring{n}",
            f"a token of ring{n}",
            _balance(rng, places[n - 1].section, places[n].section),
        )
        for n in range(len(units))
    ]
    lot = rng.randint(1, 4)
    start = rng.randrange(lot)
    singly = rng.randint(0, 40) if start else 0
    kinds = {unit: next(kind for kind in parts.kinds if kind.unit is unit) for unit in units}
    sections = list(parts.sections)
    for number, (unit, place) in enumerate(zip(units, places, strict=True)):
        takes, gives = channels[number], channels[(number + 1) % len(units)]
        last = number == len(units) - 1
        body = _repeated(kinds[unit], takes, gives, singly + (0 if last else lot))
        if last:
            body += (kinds[unit](takes=[takes(lot)], gives=[gives(lot)]),)
        sections[place.section] = _with(sections[place.section], place.part, unit, body)
    starts = {channel: start if channel is channels[0] else 0 for channel in channels}
    return replace(parts, channels={**parts.channels, **starts}, sections=tuple(sections))


def _repeated(kind: Kind, takes: Channel, gives: Channel, iterations: int) -> Body:
    command = kind(cycles=1, takes=[takes], gives=[gives])
    return (Loop(iterations, (command,)),) if iterations else ()


def _balance(rng: Random, giver: int, taker: int) -> Balance:
    """Draw the balance of a channel from the section that gives to the section that takes."""
    if giver > taker:
        return Balance.SPACE
    return rng.choice((Balance.EDGE, Balance.SPACE, *[Balance.SECTION] * (giver == taker)))


def _with(section: Section, part: float, unit: Unit, more: Body) -> Section:
    """A section in which a unit does more work, after a fraction of its body."""
    body = section.bodies.get(unit, ())
    place = round(part * len(body))
    return Section({**section.bodies, unit: body[:place] + more + body[place:]})
