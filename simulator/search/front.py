"""The exact front of (cycles, stored bits) over all combinations of one choice per layer.

A multiple-choice knapsack with two costs, both sums over layers. Dynamic programming over the
layers, keeping of each prefix every pair that no other beats in both (Nemhauser and Ullmann,
Management Science 15(9), 1969): a combination on the front of all layers is on the front of every
prefix, so nothing that matters is dropped and nothing is rounded.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.program import Ints


@dataclass(frozen=True, slots=True)
class Choices:
    """What one layer may be: one entry per option."""

    cycles: Ints
    """[options]"""
    bits: Ints
    """[options] stored, in any unit that makes them whole."""


@dataclass(frozen=True, slots=True)
class Front:
    """Pairs that no other combination beats, bits rising and cycles falling."""

    cycles: Ints
    """[points]"""
    bits: Ints
    """[points]"""
    options: tuple[tuple[Ints, Ints], ...]
    """Per layer, for the points of the prefix that ends there: number of the point of the prefix
    before, and the layer's option."""

    def __len__(self) -> int:
        """How many points."""
        return len(self.cycles)

    def combination(self, point: int) -> list[int]:
        """The option of every layer at a point."""
        chosen = []
        for before, option in reversed(self.options):
            chosen.append(int(option[point]))
            point = int(before[point])
        return chosen[::-1]


def exact_front(layers: Sequence[Choices]) -> Front:
    """Every best trade of cycles against bits; of equal pairs the first by option is kept."""
    cycles = bits = np.zeros(1, dtype=np.int64)
    steps = []
    for layer in layers:
        options = len(layer.cycles)
        all_cycles = (cycles[:, None] + layer.cycles).ravel()
        all_bits = (bits[:, None] + layer.bits).ravel()
        kept = _undominated(all_cycles, all_bits)
        cycles, bits = all_cycles[kept], all_bits[kept]
        steps.append((kept // options, kept % options))
    return Front(cycles=cycles, bits=bits, options=tuple(steps))


def _undominated(cycles: Ints, bits: Ints) -> Ints:
    """Numbers of the pairs that no other beats, bits rising."""
    order = np.lexsort((cycles, bits))
    best = np.minimum.accumulate(cycles[order])
    first = np.concatenate(([True], best[1:] < best[:-1]))
    return order[first]
