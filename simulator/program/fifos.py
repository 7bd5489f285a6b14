"""The FIFOs of a program: pairs of channels, one of words and one of free places."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from simulator.program.contract import Channel, Unit
from simulator.program.program import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class FifoChannels:
    """One FIFO of a program of one section."""

    name: str
    items: Channel
    space: Channel
    writer: Unit
    reader: Unit
    depth: int
    """The most words that it holds."""
    words: int
    """The words that pass through it in the whole program."""


def fifos_of(program: Program) -> dict[str, FifoChannels]:
    """Return the FIFOs of a program of one section, by name, in the order of their readers."""
    (section,) = program.sections
    spaces = {one.fifo: one for one in program.channels if one.side == "space"}
    found = {}
    for items in program.channels:
        if items.side != "items":
            continue
        ((writer, words),) = section.gives[items].items()
        (reader,) = section.takes[items]
        space = spaces[items.fifo]
        found[items.fifo] = FifoChannels(
            name=items.fifo,
            items=items,
            space=space,
            writer=writer,
            reader=reader,
            depth=program.channels[space],
            words=words,
        )
    order = {unit: number for number, unit in enumerate(program.units)}
    return dict(sorted(found.items(), key=lambda pair: order[pair[1].reader]))


def with_depths(program: Program, depths: Mapping[str, int]) -> Program:
    """Return a program whose FIFOs of some names have other depths."""
    return replace(
        program,
        channels={
            channel: depths.get(channel.fifo, tokens) if channel.side == "space" else tokens
            for channel, tokens in program.channels.items()
        },
    )
