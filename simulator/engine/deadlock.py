"""A deadlock: units that wait for each other in a circle."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from simulator.program import Channel, Program, ProgramError, Unit

if TYPE_CHECKING:  # the fast engine, too, reports deadlocks, and needs no simpy
    from simulator.engine.channels import Lot, Tokens


class Wait(NamedTuple):
    """The tokens that a unit waits for."""

    tokens: "Tokens"
    """The tokens of the channel."""
    lot: "Lot"


def deadlock(program: Program, waits: Mapping[Unit, Wait]) -> ProgramError:
    """Return the error for a program that has stopped.

    Args:
        program: the program that has stopped.
        waits: the wait of every waiting unit.

    """
    path: list[Unit] = []
    unit = next(iter(waits))
    while unit not in path:
        path.append(unit)
        unit = _giver(program, waits[unit])
    circle = path[path.index(unit) :]
    return deadlock_of([(each, waits[each].tokens.channel) for each in circle], program.units)


def deadlock_of(circle: Sequence[tuple[Unit, Channel]], units: Sequence[Unit]) -> ProgramError:
    """Return the error that names the units of a circle, and the channel that each waits for.

    Args:
        circle: units; each waits for a channel's token from the next unit.
        units: the units of the program; the message begins with the first of them.

    """
    first = min(range(len(circle)), key=lambda place: units.index(circle[place][0]))
    lacks = (
        f"{unit.title} waits for {channel.title}"
        for unit, channel in (*circle[first:], *circle[:first])
    )
    return ProgramError(f"deadlock: {'; '.join(lacks)}")


def _giver(program: Program, wait: Wait) -> Unit:
    """Return the unit that should give the first token that a lot lacks.

    The token's number decides: the giver may be in another section than the waiting unit.
    """
    number = wait.tokens.lacking(wait.lot)
    if number is None:
        raise AssertionError("a unit waits for tokens that have been given")
    section = program.sections[bisect_right(wait.tokens.first_given, number) - 1]
    return next(iter(section.gives[wait.tokens.channel]))
