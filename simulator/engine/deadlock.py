"""A deadlock: units that wait for each other in a circle."""

from bisect import bisect_right
from collections.abc import Mapping
from typing import NamedTuple

from simulator.engine.channels import Lot, Tokens
from simulator.program import Program, ProgramError, Unit


class Wait(NamedTuple):
    """What a unit waits for."""

    tokens: Tokens
    """Of a channel."""
    lot: Lot


def deadlock(program: Program, waits: Mapping[Unit, Wait], cycle: int) -> ProgramError:
    """Return the error that names the units of a circle, and what each waits for.

    Args:
        program: that came to a stop.
        waits: of every unit that waits.
        cycle: in which the last command ran.

    """
    path: list[Unit] = []
    unit = next(iter(waits))
    while unit not in path:
        path.append(unit)
        unit = _giver(program, waits[unit])
    circle = path[path.index(unit) :]
    lacks = (f"{each.title} waits for {waits[each].tokens.channel.title}" for each in circle)
    return ProgramError(f"deadlock in cycle {cycle:,}: {'; '.join(lacks)}")


def _giver(program: Program, wait: Wait) -> Unit:
    """Return the unit that should give the first token that a lot lacks.

    The token's number decides: the giver may be in another section than the unit that waits.
    """
    number = wait.tokens.lacking(wait.lot)
    if number is None:
        raise AssertionError("a unit waits for tokens that have been given")
    section = program.sections[bisect_right(wait.tokens.first_given, number) - 1]
    return next(iter(section.gives[wait.tokens.channel]))
