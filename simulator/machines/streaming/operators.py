"""A unit that moves words in a fixed pattern, before its FIFOs are known."""

from typing import NamedTuple

from simulator.machines.streaming.turns import Turns


class Operator(NamedTuple):
    """A unit that moves words in a fixed pattern, in front of the last unit of its stage."""

    kind: str
    turns: Turns
    bits: int
    """Bits of a word that it writes."""
    words: int
    """Words that it writes per image."""
    buffer_bits: int = 0
