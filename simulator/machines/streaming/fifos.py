"""FIFOs between units: two channels, one of items and one of space."""

from dataclasses import dataclass, field

from simulator.program import Amount, Channel


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
        object.__setattr__(
            self, "items", Channel(f"{self.name}.items", f"words in front of {self.name}")
        )
        object.__setattr__(
            self, "space", Channel(f"{self.name}.space", f"space in front of {self.name}")
        )


def moves(
    reads: tuple[Fifo, ...] | list[Fifo] = (), writes: tuple[Fifo, ...] | list[Fifo] = ()
) -> dict[str, list[Amount | Channel]]:
    """Return the tokens of a command that reads a word of some FIFOs and writes one to others.

    The command waits until there is a word to read and space for the word to write. Both FIFOs
    change when it ends.
    """
    return {
        "takes": [*(one.items for one in reads), *(one.space for one in writes)],
        "gives": [*(one.space for one in reads), *(one.items for one in writes)],
    }
