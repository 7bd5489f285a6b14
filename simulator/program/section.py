"""A section: the part of every unit's program that belongs together, such as one layer."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from simulator.program.contract import Body, Channel, Command, Loop, Skip, Unit

Flows = dict[Channel, Counter[Unit]]
"""Tokens of each channel by the unit that gives, or takes, them."""


@dataclass(frozen=True, eq=False)
class Section:
    """Every unit's part; layers of equal shape may share one section."""

    bodies: Mapping[Unit, Body]

    @cached_property
    def gives(self) -> Flows:
        """Tokens that its commands give, at their start or with their result."""
        return self._flows.gives

    @cached_property
    def takes(self) -> Flows:
        """Tokens that its commands take."""
        return self._flows.takes

    @cached_property
    def commands(self) -> int:
        """Commands, written out."""
        counts = (times for body in self.bodies.values() for _, times in counted(body))
        return sum(counts)

    @cached_property
    def _flows(self) -> "_Flows":
        flows = _Flows()
        for unit, body in self.bodies.items():
            for command, times in counted(body):
                for channel, tokens in command.takes:
                    flows.takes.setdefault(channel, Counter())[unit] += times * tokens
                for channel, tokens in (*command.gives, *command.begins):
                    flows.gives.setdefault(channel, Counter())[unit] += times * tokens
        return flows


@dataclass(slots=True)
class _Flows:
    gives: Flows = field(default_factory=dict)
    takes: Flows = field(default_factory=dict)


def counted(body: Body, times: int = 1) -> Iterator[tuple[Command, int]]:
    """Yield every command as written, with the number of times that it runs."""
    for part in body:
        if isinstance(part, Loop):
            yield from counted(part.body, times * part.times)
        elif not isinstance(part, Skip):
            yield part, times


def tokens_of(flows: Flows, channel: Channel) -> int:
    """Tokens of a channel in a section, whichever unit gives or takes them."""
    return sum(flows[channel].values()) if channel in flows else 0
