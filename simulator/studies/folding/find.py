"""The search over foldings.

Given the cycles per image that each stage may take, the stages do not depend on each other. The
least area of the stages is therefore the sum of the least area of each, which the family's rule
finds. The sum falls as the cycles rise, because each stage keeps its choices and gets more of them.
The stages have finitely many numbers of cycles, and all foldings between two of them are equal. The
highest rate within an area follows by bisection. Converters and FIFOs between stages come after the
folds.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor
from typing import Any

from simulator.analysis.running import run_one
from simulator.base.errors import InputError
from simulator.base.progress import Progress, announce
from simulator.base.wording import counted
from simulator.machines import Hardware
from simulator.machines.families import family_of
from simulator.machines.folds import Folds
from simulator.studies.folding.fifos import sized
from simulator.studies.folding.result import Folding, FoldObjective
from simulator.workload import Workload

LEAST_IMAGES = 4
"""The fewest images in which an interval can settle."""


def find_folding(
    workload: Workload,
    hardware: Hardware,
    objective: FoldObjective,
    limit: float,
    progress: Progress | None = None,
) -> Folding:
    """Find the least area at a rate, or the highest rate within an area.

    Args:
        workload: a configured network, with at least `LEAST_IMAGES` images.
        hardware: a machine with folds. A fold or a FIFO's depth that its file gives stays.
        objective: `area` or `rate`.
        limit: the least images per second for `area`, the most gate equivalents for `rate`.
        progress: called before every folding.

    Raises:
        InputError: the machine has no folds, or no folding meets the limit.

    """
    folds = family_of(hardware).folds
    if folds is None:
        raise InputError(
            f"objective {objective}: {hardware.name} has no stages to fold; use a machine whose "
            "layers run at once"
        )
    if not 0 < limit < float("inf"):
        raise InputError(f"objective {objective}: the limit {limit:g} must be more than 0")
    if workload.batch < LEAST_IMAGES:
        raise InputError(
            f"batch {workload.batch}: an interval needs at least {LEAST_IMAGES} images"
        )
    folds.require_sizable(hardware)
    search = _Search(workload, hardware, folds, progress)
    return search.least_area(limit) if objective == "area" else search.highest_rate(limit)


@dataclass
class _Search:
    workload: Workload
    hardware: Hardware
    folds: Folds[Any, Any]
    progress: Progress | None

    def __post_init__(self) -> None:
        by_layer = self.folds.options(self.workload, self.hardware)
        self.tightest = max(by_layer, key=lambda name: by_layer[name][0])
        fastest = by_layer[self.tightest][0]
        every = {one for options in by_layer.values() for one in options if one >= fastest}
        self.options = sorted(every)
        """Cycles per image of the slowest stage, in every folding, in rising order."""

    def least_area(self, rate: float) -> Folding:
        """Return the folding of the least area of stages with a rate."""
        most = floor(Fraction(repr(self.hardware.clock_ghz)) * 10**9 / Fraction(repr(rate)))
        if most < self.options[0]:
            raise InputError(
                f"min-images-per-s {rate:g}: layer {self.tightest} takes at least "
                f"{counted(self.options[0], 'cycle')} per image, which gives at most "
                f"{self._rate(self.options[0]):,.1f} images/s"
            )
        bound = self.folds.area(self.workload, self.hardware, most)
        best = None
        slower = self.options[: bisect_right(self.options, most)][::-1]
        for skipped, cycles in enumerate(slower):
            announce(self.progress, f"folding {skipped + 1}, {cycles:,} cycles per image")
            found = self._folding("area", rate, cycles, bound)
            if found.depths.interval <= most:
                return replace(found, skipped=skipped)
            if best is None or found.depths.interval < best.depths.interval:
                best = found
            if found.depths.least > most:
                break
        assert best is not None
        unit = best.depths.slowest[0]
        raise InputError(
            f"min-images-per-s {rate:g}: no folding reaches it: {unit} takes "
            f"{best.depths.least:,} cycles per image, and the interval is "
            f"{best.depths.interval:,} cycles ({best.rate:,.1f} images/s)"
        )

    def highest_rate(self, area: float) -> Folding:
        """Return the fastest folding found within an area."""
        first = bisect_left(
            self.options,
            -area,
            key=lambda cycles: -self.folds.area(self.workload, self.hardware, cycles),
        )
        if first == len(self.options):
            least = self.folds.area(self.workload, self.hardware, self.options[-1])
            raise InputError(
                f"max-area {area:g}: the stages take at least {least:,} gate equivalents, without "
                "the converters and FIFOs between them"
            )
        bound = self._rate(self.options[first])
        for skipped, cycles in enumerate(self._within(area, first)):
            announce(self.progress, f"folding {skipped + 1}, {cycles:,} cycles per image")
            found = self._folding("rate", area, cycles, bound)
            if found.area <= area:
                return replace(found, skipped=skipped)
        raise InputError(
            f"max-area {area:g}: no folding found with its converters and FIFOs in this area; the "
            f"slowest takes {self._bare_area(self.options[-1]):,} gate equivalents"
        )

    def _within(self, area: float, first: int) -> Iterator[int]:
        """Yield the cycles of foldings that fit an area with the FIFOs of the file, in order.

        Of neighboring foldings with equal areas, the fastest counts.
        """
        last = None
        for cycles in self.options[first:]:
            bare = self._bare_area(cycles)
            if bare <= area and bare != last:
                last = bare
                yield cycles

    def _bare_area(self, cycles: int) -> int:
        """Return the gate equivalents of a folding with the FIFOs of the file."""
        hardware = self.folds.folded(self.workload, self.hardware, cycles)
        family = family_of(hardware)
        return family.gate_equivalents(hardware, family.map(self.workload, hardware).layers)

    def _folding(
        self, objective: FoldObjective, limit: float, cycles: int, bound: float
    ) -> Folding:
        """Return a folding with FIFOs that do not lengthen its interval."""
        hardware = self.folds.folded(self.workload, self.hardware, cycles)
        run = run_one(self.workload, hardware)
        words = self.folds.fifos(run.mapping.layers)
        depths = sized(run, words)
        if depths.deepened:
            run = run_one(self.workload, self.folds.with_depths(hardware, depths.deepened))
        return Folding(
            objective=objective,
            limit=limit,
            run=run,
            cycles=cycles,
            stages=self.folds.stages(run.hardware, run.mapping.layers),
            depths=depths,
            kept=tuple(self.folds.kept(self.hardware)),
            bound=bound,
            stage_area=self.folds.area(self.workload, self.hardware, cycles),
            skipped=0,
        )

    def _rate(self, cycles: int) -> float:
        return self.hardware.clock_ghz * 1e9 / cycles
