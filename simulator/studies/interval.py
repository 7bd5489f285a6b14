"""The FIFOs that lengthen the interval of a pipeline, from runs with deeper FIFOs."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from simulator.analysis.images import ImageTimes, image_ends
from simulator.analysis.interval import Deepened, IntervalLimit, limit_of
from simulator.analysis.run import Run
from simulator.engine.fast import totals_and_ends
from simulator.program.fifos import fifos_of, with_depths

Depths = Mapping[str, int]
"""Depths of FIFOs by name."""


def searched_limit(run: Run) -> IntervalLimit:
    """Return the limit of the interval of a run; rerun it with deeper FIFOs if no unit sets it.

    Args:
        run: a run whose layers all run at once.

    """
    limit = limit_of(run)
    if limit.longer <= 0:
        return limit
    search = _Search(run)
    depths, then = search.found(limit.images.interval_cycles or 0)
    deepened = tuple(
        Deepened(fifo=name, depth=search.depths[name], needed=needed)
        for name, needed in depths.items()
    )
    return replace(limit, deepened=deepened, interval_then=then)


class _Search:
    """Runs of a program with other depths."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.program = run.mapping.program
        self.fifos = fifos_of(self.program)

    @cached_property
    def depths(self) -> dict[str, int]:
        """The depths of the run."""
        return {name: fifo.depth for name, fifo in self.fifos.items()}

    @cached_property
    def blocking(self) -> list[str]:
        """The FIFOs for whose space a unit waits: only these can delay a command."""
        waits = self.run.summary.waits.sum(axis=(0, 1))
        channels = list(self.program.channels)
        return [name for name, one in self.fifos.items() if waits[channels.index(one.space)]]

    def deep(self, name: str) -> int:
        """Return a depth of two images, with which a FIFO decouples its units."""
        words = -(-self.fifos[name].words // self.run.workload.batch)
        return max(self.depths[name], 2 * words)

    def interval(self, depths: Depths) -> int:
        """Return the interval of a run with other depths; the last one if it has not settled."""
        program = with_depths(self.program, depths)
        writers = [unit for unit in program.units if unit.dram == "write"]
        _, ends = totals_and_ends(program, writers)
        images = ImageTimes(
            ends=image_ends(ends, self.run.workload.batch), clock_ghz=self.run.hardware.clock_ghz
        )
        return images.interval_cycles or images.last_interval or 0

    def found(self, now: int) -> tuple[Depths, int]:
        """Return the FIFOs to deepen, with the least depths, and the interval with them."""
        deep = {name: self.deep(name) for name in self.blocking}
        best = self.interval(deep)
        if best >= now:
            return {}, now
        alone = (name for name in deep if self.interval({name: deep[name]}) <= best)
        one = next(alone, None)
        chosen = {one: deep[one]} if one is not None else self._fewer(deep, best)
        for name in chosen:
            chosen[name] = self._least(name, chosen, best)
        return chosen, best

    def _fewer(self, depths: Depths, best: int) -> dict[str, int]:
        """Return depths without those FIFOs that may keep their own."""
        kept = dict(depths)
        for name in depths:
            fewer = {other: depth for other, depth in kept.items() if other != name}
            if self.interval(fewer) <= best:
                kept = fewer
        return kept

    def _least(self, name: str, depths: Depths, best: int) -> int:
        """Return the least depth of a FIFO with which the interval stays the same."""
        least, most = self.depths[name] + 1, depths[name]
        while least < most:
            middle = (least + most) // 2
            if self.interval({**depths, name: middle}) <= best:
                most = middle
            else:
                least = middle + 1
        return most
