"""A section: the parts of the units' programs that belong together, such as one layer."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from simulator.program.contract import Body, Channel, Command, Kind, Loop, Skip, Tokens, Unit
from simulator.program.faults import Counts, Flows, faults_of_bodies, faults_of_flows


@dataclass(frozen=True, eq=False)
class Section:
    """Every unit's part of the program; layers of equal shape may share one section."""

    bodies: Mapping[Unit, Body]

    @cached_property
    def gives(self) -> Flows:
        """The tokens that its commands give, at their start or with their result."""
        return _flows(self.counts, lambda command: command.gives + command.begins)

    @cached_property
    def takes(self) -> Flows:
        """The tokens that its commands take."""
        return _flows(self.counts, lambda command: command.takes)

    @cached_property
    def commands(self) -> int:
        """The number of commands, with loops unrolled."""
        return sum(times for counts in self.counts.values() for _, times in counts)

    def first_commands(self, iterations: int) -> int:
        """Return the number of commands with at most so many iterations of each outermost loop."""
        bodies = (_cut(body, iterations) for body in self.bodies.values())
        return sum(times for body in bodies for _, times in _counts(body))

    @cached_property
    def counts(self) -> Counts:
        """Every unit's commands, each with its number of runs."""
        return {unit: _counts(body) for unit, body in self.bodies.items()}

    @cached_property
    def pes(self) -> int:
        """The number of PEs of the command that uses the most."""
        commands = (command for counts in self.counts.values() for command, _ in counts)
        return max((command.pes for command in commands), default=0)

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of its commands."""
        commands = (command for counts in self.counts.values() for command, _ in counts)
        return tuple(dict.fromkeys(command.kind for command in commands))

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """The channels whose tokens its commands give or take."""
        return tuple(self.gives | self.takes)

    @cached_property
    def lots(self) -> dict[Channel, int]:
        """The number of gives by channel; a command's start and its result count separately."""
        lots: dict[Channel, int] = {}
        for counts in self.counts.values():
            for command, times in counts:
                for given in (command.begins, command.gives):
                    for channel in {amount.channel for amount in given}:
                        lots[channel] = lots.get(channel, 0) + times
        return lots

    @cached_property
    def depth(self) -> int:
        """The depth of nested loops."""
        return max(map(_depth, self.bodies.values()), default=0)

    @cached_property
    def faults(self) -> tuple[str, ...]:
        """Its violations of the contract, whatever the program around it; () if none."""
        of_bodies = faults_of_bodies(self.bodies, self.counts)
        return (*of_bodies, *faults_of_flows(self.gives, self.takes))


def _cut(body: Body, iterations: int) -> Body:
    """Return a body whose outermost loops have at most so many iterations."""
    return tuple(
        part._replace(times=min(part.times, iterations)) if isinstance(part, Loop) else part
        for part in body
    )


def _counts(body: Body) -> list[tuple[Command, int]]:
    """Count the runs of every command; a command at several positions is one entry."""
    found: dict[int, tuple[Command, int]] = {}
    _count(body, 1, found)
    return list(found.values())


def _count(body: Body, times: int, found: dict[int, tuple[Command, int]]) -> None:
    for part in body:
        if isinstance(part, Loop):
            _count(part.body, times * part.times, found)
        elif not isinstance(part, Skip):
            _, before = found.get(id(part), (part, 0))
            found[id(part)] = part, before + times


def _depth(body: Body) -> int:
    return max((1 + _depth(part.body) for part in body if isinstance(part, Loop)), default=0)


def _flows(counts: Counts, moved: Callable[[Command], Tokens]) -> Flows:
    """Add up the tokens that each command moves."""
    flows: Flows = {}
    for unit, commands in counts.items():
        total: defaultdict[Channel, int] = defaultdict(int)
        for command, times in commands:
            for channel, tokens in moved(command):
                total[channel] += times * tokens
        for channel, tokens in total.items():
            flows.setdefault(channel, {})[unit] = tokens
    return flows
