"""Depths of FIFOs with which a pipeline has the interval of its slowest unit.

The search begins with the FIFOs of the hardware file. While the interval is longer, it doubles
every FIFO for whose space a unit waits. Then, in the order of the pipeline, every FIFO loses the
words that it does not need while the others keep theirs, to within 1/32 of its words. Another order
may end with other depths of less area.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simulator.analysis.images import ImageTimes, image_ends
from simulator.analysis.run import Run
from simulator.analysis.stages import slowest, stage_times
from simulator.engine.fast import totals_and_ends
from simulator.program.fifos import fifos_of, with_depths

_PARTS = 32
"""A depth is at most one of so many parts more than the least; exact for fewer words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Depths:
    """Depths of FIFOs, and the interval that they give."""

    deepened: dict[str, int]
    """Words of the FIFOs that need more than in the file, by name."""
    interval: int
    """Cycles."""
    slowest: tuple[str, ...]
    """The units with the most cycles per image."""
    least: int
    """Cycles per image of the slowest unit, which no pipeline is faster than."""
    runs: int


def sized(run: Run, words: Mapping[str, int]) -> Depths:
    """Return depths with which FIFOs do not lengthen the interval of a run.

    Args:
        run: a run whose layers all run at once, with several images.
        words: words per image of the FIFOs that may be deepened, in order of their readers.

    """
    search = _Sizing(run, words)
    found = search.found()
    times = slowest(stage_times(run))
    return Depths(
        deepened={name: found[name] for name in words if name in found},
        interval=search.measured(found)[0],
        slowest=tuple(one.unit.name for one in times),
        least=round(times[0].cycles_per_image),
        runs=len(search.known),
    )


@dataclass
class _Sizing:
    """Runs of a program with other depths."""

    run: Run
    words: Mapping[str, int]
    known: dict[tuple[tuple[str, int], ...], tuple[int, list[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.program = self.run.mapping.program
        self.fifos = fifos_of(self.program)
        self.least = round(slowest(stage_times(self.run))[0].cycles_per_image)
        self.channels = list(self.program.channels)

    def measured(self, depths: Mapping[str, int]) -> tuple[int, list[str]]:
        """Return the interval with some depths, and the FIFOs for whose space a unit waits."""
        key = tuple(sorted(depths.items()))
        if key not in self.known:
            program = with_depths(self.program, depths)
            writers = [unit for unit in program.units if unit.dram == "write"]
            summary, ends = totals_and_ends(program, writers)
            images = ImageTimes(
                ends=image_ends(ends, self.run.workload.batch),
                clock_ghz=self.run.hardware.clock_ghz,
            )
            waits = summary.waits.sum(axis=(0, 1))
            blocked = [
                name for name in self.words if waits[self.channels.index(self.fifos[name].space)]
            ]
            self.known[key] = images.interval_cycles or images.last_interval or 0, blocked
        return self.known[key]

    def found(self) -> dict[str, int]:
        """Return the words of the FIFOs that must be deeper."""
        depths: dict[str, int] = {}
        interval, blocked = self.measured(depths)
        while interval > self.least:
            deeper = {name: self._twice(name, depths) for name in blocked}
            if all(self._depth(name, depths) == deep for name, deep in deeper.items()):
                break  # two images fit each of them
            depths |= deeper
            interval, blocked = self.measured(depths)
        return self._fewest(list(depths), depths, interval)

    def _depth(self, name: str, depths: Mapping[str, int]) -> int:
        return depths.get(name, self.fifos[name].depth)

    def _twice(self, name: str, depths: Mapping[str, int]) -> int:
        """Return twice the words of a FIFO, at most two images: then it decouples its units."""
        now = self._depth(name, depths)
        return max(now, min(2 * now, 2 * self.words[name]))

    def _fewest(
        self, names: Sequence[str], depths: dict[str, int], interval: int
    ) -> dict[str, int]:
        """Return depths in which the FIFOs of some names have no more words than they need."""
        own = {name: deep for name, deep in depths.items() if name not in names}
        if not names or self.measured(own)[0] <= interval:
            return own
        if len(names) > 1:
            half = len(names) // 2
            depths = self._fewest(names[:half], depths, interval)
            return self._fewest(names[half:], depths, interval)
        (name,) = names
        low, high = self.fifos[name].depth + 1, depths[name]
        while high - low > high // _PARTS:
            middle = (low + high) // 2
            if self.measured({**depths, name: middle})[0] <= interval:
                high = middle
            else:
                low = middle + 1
        return {**depths, name: high}
