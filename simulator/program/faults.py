"""Violations of the contract by a section, whatever the program around it."""

from collections.abc import Iterable, Iterator, Mapping

from simulator.program.contract import Balance, Body, Channel, Command, Loop, Skip, Unit

Flows = dict[Channel, dict[Unit, int]]
"""The tokens of each channel by the unit that gives or takes them."""
Counts = Mapping[Unit, list[tuple[Command, int]]]
"""Every unit's commands, each with its number of runs."""


def faults_of_bodies(bodies: Mapping[Unit, Body], counts: Counts) -> Iterator[str]:
    """Yield loops that do not run, commands of other units, and impossible numbers."""
    for body in bodies.values():
        if fault := _of_parts(body):
            yield fault
    for unit, commands in counts.items():
        for command, _ in commands:
            if fault := _of_command(command, unit):
                yield fault


def faults_of_flows(gives: Flows, takes: Flows) -> Iterator[str]:
    """Yield channels with two givers or takers, and channels whose gives and takes differ."""
    for flows, ends in ((gives, "givers"), (takes, "takers")):
        for channel, units in flows.items():
            if len(units) > 1:
                yield f"{channel.name} has {len(units)} {ends}: {_named(units)}"
    for channel in gives | takes:
        given, taken = tokens_of(gives, channel), tokens_of(takes, channel)
        if given != taken and channel.balance is Balance.SECTION:
            yield f"gives {given} tokens of {channel.name}, takes {taken}"


def tokens_of(flows: Flows, channel: Channel) -> int:
    """Return the tokens of a channel in a section, summed over units."""
    return sum(flows[channel].values()) if channel in flows else 0


def _of_parts(body: Body) -> str | None:
    """Return the first loop that does not run, or skip that goes back; None: neither."""
    for part in body:
        if isinstance(part, Loop):
            if part.times < 1:
                return f"a loop runs {part.times} times"
            if fault := _of_parts(part.body):
                return fault
        elif isinstance(part, Skip) and part.steps < 0:
            return f"a skip of {part.steps} steps"
    return None


def _of_command(command: Command, unit: Unit) -> str | None:
    kind, *numbers, takes, gives, begins = command
    if kind.unit is not unit:
        return f"{kind.name} is in the program of {unit.name}"
    amounts = [amount for _, amount in takes + gives + begins]
    if min(numbers + amounts) < 0:
        return f"a number of {kind.name} is negative"
    if command.penalty > command.cycles:
        return f"{kind.name} has a penalty of more than its cycles"
    return None


def _named(units: Iterable[Unit]) -> str:
    return ", ".join(sorted(unit.name for unit in units))
