"""Loads of an operand that stays for the layer, spread over the first uses of its tiles."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, prod
from typing import Literal

Loop = Literal["group", "strip", "place", "piece"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Equal loads, one for each tile, until the whole operand is on chip.

    The operand is contiguous in DRAM; its bursts are therefore contiguous, too. A load never brings
    less than the part of the operand in its tile.
    """

    loops: Mapping[Loop, int]
    """Loops that name a tile, from the outermost to the innermost, with their iterations."""
    bursts: int
    """Bursts of the operand."""
    burst_bytes: int

    @property
    def each(self) -> int:
        """Bursts of a load, except the last."""
        return ceil(self.bursts / prod(self.loops.values()))

    @property
    def full(self) -> int:
        """Loads of `each` bursts; the next load has the rest, which may be 0."""
        return self.bursts // self.each

    def load_bytes(self, numbers: Mapping[Loop, int]) -> int:
        """Bytes of the load of a tile, by its number in each loop."""
        number = 0
        for loop, times in self.loops.items():
            number = number * times + numbers[loop]
        left = self.bursts - min(number, self.full) * self.each
        return min(left, self.each) * self.burst_bytes if number <= self.full else 0

    def cuts(self, loop: Loop) -> set[int]:
        """Iterations of a loop in which the loads change: a set of one, or the empty set."""
        if loop not in self.loops:
            return set()
        inside = [*self.loops][[*self.loops].index(loop) + 1 :]
        period = prod(self.loops[each] for each in inside)
        return {self.full // period % self.loops[loop]}
