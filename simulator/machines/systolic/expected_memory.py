"""Times of DMA units and of space in scratchpads, for the recurrences of `expected.py`."""

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from simulator.machines.systolic.schema import Systolic


def rate_of(machine: Systolic) -> Fraction:
    """Bytes per cycle of a DMA unit."""
    dram = machine.memory.dram
    if dram.bytes_per_cycle is not None:
        return Fraction(dram.bytes_per_cycle).limit_denominator(1_000_000)
    rate = Fraction(str(dram.gigabytes_per_second)) / Fraction(str(machine.clock_ghz))
    return rate.limit_denominator(1_000_000)


def latency_of(machine: Systolic) -> int:
    """Cycles from the end of a transfer to its data."""
    dram = machine.memory.dram
    if dram.latency_cycles is not None:
        return dram.latency_cycles
    return ceil(Fraction(str(dram.latency_ns)) * Fraction(str(machine.clock_ghz)))


@dataclass(slots=True)
class Dma:
    """A DMA unit; its transfers follow each other."""

    machine: Systolic
    latency: int
    free: int = 0

    def transfer(self, earliest: int, size: int) -> int:
        """Move `size` bytes in whole bursts; return the cycle in which they have arrived."""
        memory = self.machine.memory
        burst = memory.dram.burst_bytes
        cycles = ceil(ceil(Fraction(size, burst)) * burst / rate_of(self.machine))
        self.free = max(self.free, earliest) + (0 if memory.ideal else cycles)
        return self.free + (0 if memory.ideal else self.latency)


class Space:
    """Bytes of a scratchpad; `take` uses the bytes that became free first."""

    def __init__(self, size: int) -> None:
        """Start with `size` free bytes."""
        self._free = deque([(0, size)])
        """Cycles from which bytes are free."""

    def take(self, size: int) -> int:
        """Return the cycle from which `size` bytes are free."""
        since = 0
        while size:
            since, there = self._free.popleft()
            if there > size:
                self._free.appendleft((since, there - size))
            size -= min(size, there)
        return since

    def give(self, size: int, cycle: int) -> None:
        """Free `size` bytes; they become free no earlier than the previous bytes."""
        self._free.append((max([cycle, *(since for since, _ in self._free)]), size))
