"""Exact dynamic programming over layers: the fewest cycles for every number of stored bits.

The problem is a multiple-choice knapsack: one option per layer, two sums over layers, cycles and
stored bits. For each prefix of the layers, and for every possible number of bits, the program keeps
the combination with the fewest cycles. A dropped combination has as many bits as a kept combination
and no fewer cycles, for any options of the later layers. The result is therefore exact, and without
rounding. The layer sizes of a network have large common divisors, which keeps the number of
different sums small.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.base.columns import Ints


@dataclass(frozen=True, slots=True)
class Choices:
    """The options of one layer, one entry per option."""

    cycles: Ints
    """[options] cycles, or any other integer cost that adds up over layers."""
    bits: Ints
    """[options] stored bits, in any unit that makes them integers."""


@dataclass(frozen=True, slots=True)
class Combinations:
    """A combination with the fewest cycles for every possible sum of bits, by rising bits."""

    cycles: Ints
    """[sums]"""
    bits: Ints
    """[sums]"""
    steps: tuple[tuple[Ints, Ints], ...]
    """Per layer, for the sums up to it: number of the previous sum, and the layer's option."""

    def __len__(self) -> int:
        """The number of different sums of bits."""
        return len(self.cycles)

    def options(self, number: int) -> list[int]:
        """The option of every layer in a combination."""
        chosen = []
        for before, option in reversed(self.steps):
            chosen.append(int(option[number]))
            number = int(before[number])
        return chosen[::-1]

    def front(self, more_bits: bool) -> NDArray[np.bool_]:
        """[sums] true if no other combination has fewer cycles and bits at least as good.

        Args:
            more_bits: more bits are better than fewer.

        """
        cycles = self.cycles[::-1] if more_bits else self.cycles
        least = np.minimum.accumulate(cycles)
        kept = np.concatenate(([True], least[1:] < least[:-1]))
        return kept[::-1] if more_bits else kept


def fewest_cycles(layers: Sequence[Choices]) -> Combinations:
    """Find the fewest cycles for every sum of bits; among equal ones, the first options win."""
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
