"""Exact dynamic programming over layers: the fewest cycles for every number of stored bits.

A multiple-choice knapsack: one option per layer, two sums over layers, cycles and stored bits. Of
each prefix of the layers the program keeps, for every number of bits that some combination stores,
the combination of fewest cycles. What is dropped has as many bits and no fewer cycles than what is
kept, whatever the later layers choose, so nothing is lost; nothing is rounded either. The layers of
a network have sizes with large common divisors, which keeps the number of different sums small.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.base.columns import Ints


@dataclass(frozen=True, slots=True)
class Choices:
    """What one layer may be: one entry per option."""

    cycles: Ints
    """[options] cycles, or any other whole cost that adds up over layers."""
    bits: Ints
    """[options] stored, in any unit that makes them whole."""


@dataclass(frozen=True, slots=True)
class Combinations:
    """For every sum of bits that there is, a combination of fewest cycles; bits rise."""

    cycles: Ints
    """[sums]"""
    bits: Ints
    """[sums]"""
    steps: tuple[tuple[Ints, Ints], ...]
    """Per layer, for the sums up to it: number of the sum before it, and the layer's option."""

    def __len__(self) -> int:
        """How many different sums of bits there are."""
        return len(self.cycles)

    def options(self, number: int) -> list[int]:
        """The option of every layer in a combination."""
        chosen = []
        for before, option in reversed(self.steps):
            chosen.append(int(option[number]))
            number = int(before[number])
        return chosen[::-1]

    def front(self, more_bits: bool) -> NDArray[np.bool_]:
        """[sums] whether no other combination has fewer cycles and bits at least as good.

        Args:
            more_bits: more bits are better than fewer.

        """
        cycles = self.cycles[::-1] if more_bits else self.cycles
        least = np.minimum.accumulate(cycles)
        kept = np.concatenate(([True], least[1:] < least[:-1]))
        return kept[::-1] if more_bits else kept


def fewest_cycles(layers: Sequence[Choices]) -> Combinations:
    """The fewest cycles for every sum of bits; of equal ones the first options."""
    cycles = bits = np.zeros(1, dtype=np.int64)
    steps = []
    for layer in layers:
        options = len(layer.cycles)
        all_cycles = (cycles[:, None] + layer.cycles).ravel()
        all_bits = (bits[:, None] + layer.bits).ravel()
        order = np.lexsort((all_cycles, all_bits))
        first = np.diff(all_bits[order], prepend=-1) > 0
        kept = order[first]
        cycles, bits = all_cycles[kept], all_bits[kept]
        steps.append((kept // options, kept % options))
    return Combinations(cycles=cycles, bits=bits, steps=tuple(steps))
