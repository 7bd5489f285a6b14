"""FIFOs between units: two channels, one of items and one of space."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypedDict

from simulator.program import Channel


@dataclass(frozen=True, eq=False, slots=True)
class Fifo:
    """A FIFO of words, which one unit writes and another reads."""

    name: str
    """The unit that reads it; a unit with several inputs adds a number."""
    owner: str
    """The layer in front of which it is, or in whose stage."""
    bits: int
    """Bits of a word."""
    words: int
    """Words per image."""
    depth: int
    """The most words that it holds."""
    items: Channel = field(init=False)
    space: Channel = field(init=False)

    def __post_init__(self) -> None:
        """Make the channels."""
        items = Channel(
            f"{self.name}.items", f"words in front of {self.name}", fifo=self.name, side="items"
        )
        space = Channel(
            f"{self.name}.space", f"space in front of {self.name}", fifo=self.name, side="space"
        )
        object.__setattr__(self, "items", items)
        object.__setattr__(self, "space", space)


class Moves(TypedDict):
    """The tokens of a command."""

    takes: list[Channel]
    gives: list[Channel]


def moves(reads: Iterable[Fifo] = (), writes: Iterable[Fifo] = ()) -> Moves:
    """Return the tokens of a command that reads a word of some FIFOs and writes one to others.

    The command waits until there is a word to read and space for the word to write. Both FIFOs
    change when it ends.
    """
    source, target = tuple(reads), tuple(writes)
    return {
        "takes": [*(one.items for one in source), *(one.space for one in target)],
        "gives": [*(one.space for one in source), *(one.items for one in target)],
    }
