"""The space of a program in the fast engine's memory: lots of channels, and nodes; it grows.

The free space of a FIFO limits the words in it. The tokens with which two channels between two
units begin therefore limit the lots that are outstanding in both of them. The limit is only a good
guess: if it is too low, the run repeats with more space.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from simulator.program import Channel, Section, Shape, Unit

FIRST_SPACE = 32
"""The initial space of a channel without initial tokens in either direction, in lots."""
MOST_FIRST_SPACE = 1 << 12
"""The largest initial space of a channel, in lots."""
MOST_AT_ONCE = 1 << 16
"""The same if all layers run at once: a FIFO in front of a join has some ten thousand words."""
MOST_SPACE = 1 << 22
"""The largest space of a channel, in lots."""
MOST_GROWN = 1 << 18
"""The largest space to which a channel grows at once, in lots: some ten megabytes."""
FIRST_NODES = 1 << 16
"""The initial space for nodes of interpreted runs: one for each command of a section that runs."""
MOST_FIRST_NODES = 1 << 22
"""The largest initial space for nodes of compiled runs; the system reserves memory when used."""


@dataclass
class Space:
    """The space in the memory of programs of one shape; it grows."""

    lots: dict[Channel, int]
    nodes: int

    def grow(self, channel: Channel, shape: Shape) -> None:
        """Give a channel more space for lots: four times as much, or for all lots of a section."""
        most = max(section.lots.get(channel, 0) for section in shape.sections)
        enough = 1 << min(most, MOST_GROWN - 1).bit_length()
        self.lots[channel] = min(max(4 * self.lots[channel], enough), MOST_SPACE)


@lru_cache(maxsize=256)
def space_of(shape: Shape, compiled: bool) -> Space:
    """Return the space of a program; runs of the same shape share it, with its growth."""
    most = max((section.commands for section in shape.sections), default=0)
    nodes = min(FIRST_NODES + most, MOST_FIRST_NODES) if compiled else FIRST_NODES
    return Space(_lots(shape), nodes)


def _lots(shape: Shape) -> dict[Channel, int]:
    """Lots of every channel: a power of two."""
    initial, smallest = dict(shape.channels), _smallest_lots(shape)
    limits: dict[tuple[Unit, Unit], int] = {}
    channels = [(channel, ends) for section in shape.sections for channel, ends in _ends(section)]
    for channel, (giver, taker) in channels:
        if initial[channel]:
            lots = initial[channel] // smallest[channel]
            for ends in ((giver, taker), (taker, giver)):
                limits[ends] = max(limits.get(ends, 0), lots)
    found = dict.fromkeys(initial, 0)
    for channel, ends in channels:
        found[channel] = max(found[channel], limits.get(ends, FIRST_SPACE - 1))
    largest = MOST_AT_ONCE if any(unit.layer for unit in shape.units) else MOST_FIRST_SPACE
    return {channel: min(1 << (most + 1).bit_length(), largest) for channel, most in found.items()}


def _ends(section: Section) -> Iterator[tuple[Channel, tuple[Unit, Unit]]]:
    """Channels with their givers and takers."""
    for channel, givers in section.gives.items():
        for taker in section.takes.get(channel, ()):
            for giver in givers:
                yield channel, (giver, taker)


def _smallest_lots(shape: Shape) -> dict[Channel, int]:
    """The least number of tokens that a command gives to each channel."""
    least: dict[Channel, int] = {}
    commands = {
        id(command): command
        for section in shape.sections
        for counts in section.counts.values()
        for command, _ in counts
    }
    for command in commands.values():
        for channel, tokens in command.begins + command.gives:
            least[channel] = min(least.get(channel, tokens), tokens)
    return least
