"""Result of a folding search: the folds, the depths, and what is exact about them."""

from dataclasses import dataclass
from typing import Any, Literal

from simulator.analysis.run import Run
from simulator.base.version import __version__
from simulator.machines import Hardware
from simulator.machines.folds import FoldedStage
from simulator.studies.folding.fifos import Depths

FoldObjective = Literal["area", "rate"]
FOLD_OBJECTIVES: tuple[FoldObjective, ...] = ("area", "rate")


@dataclass(frozen=True, kw_only=True)
class Folding:
    """The best folding found, with its run."""

    objective: FoldObjective
    limit: float
    """Images per second, or gate equivalents."""
    run: Run
    """The run of the folding with its FIFOs."""
    cycles: int
    """Cycles per image that the rule allows every stage."""
    stages: list[FoldedStage]
    depths: Depths
    kept: tuple[str, ...]
    """Layers with the folds of the file."""
    bound: float
    """`area`: gate equivalents of the stages alone, which no folding of this rate goes below.
    `rate`: images per second that no folding of this area exceeds."""
    stage_area: int
    """Gate equivalents of the stages alone, without the converters and FIFOs between them."""
    skipped: int
    """Foldings that the search tried before, and that fail with their converters and FIFOs."""

    def __repr__(self) -> str:
        """One line: network, hardware, rate and area."""
        return (
            f"<Folding: {self.run.workload.name} on {self.hardware.name}, "
            f"{self.rate:,.1f} images/s, {self.area:,} gate equivalents>"
        )

    @property
    def hardware(self) -> Hardware:
        """The pipeline found."""
        return self.run.hardware

    @property
    def area(self) -> int:
        """Gate equivalents of the whole pipeline."""
        return self.run.family.gate_equivalents(self.hardware, self.run.mapping.layers)

    @property
    def area_by_part(self) -> dict[str, int]:
        """Gate equivalents by part."""
        return self.run.family.area(self.hardware, self.run.mapping.layers)

    @property
    def rate(self) -> float:
        """Images per second with the measured interval."""
        return self.hardware.clock_ghz * 1e9 / self.depths.interval

    def layer_rows(self) -> list[dict[str, Any]]:
        """The stages as plain data."""
        return [
            {"layer": one.layer, **one.fold, "cycles": one.cycles, "area": one.area}
            for one in self.stages
        ]

    def summary(self) -> dict[str, Any]:
        """The result as one JSON object."""
        workload = self.run.workload
        return {
            "model": workload.name,
            "bits": self.run.bits,
            "hardware": self.hardware.name,
            "objective": self.objective,
            "limit": self.limit,
            "cycles": self.cycles,
            "interval_cycles": self.depths.interval,
            "slowest_units": list(self.depths.slowest),
            "slowest_cycles_per_image": self.depths.least,
            "images_per_second": self.rate,
            "images_measured": workload.batch,
            "area_gate_equivalents": self.area,
            "stage_area_gate_equivalents": self.stage_area,
            "bound": self.bound,
            "skipped": self.skipped,
            "kept_folds": list(self.kept),
            "deepened_fifos": self.depths.deepened,
            "layers": self.layer_rows(),
            "version": __version__,
        }
