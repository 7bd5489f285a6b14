"""The values of a run that the rows of a study need."""

from dataclasses import dataclass
from typing import Any

from simulator.analysis.images import ImageTimes
from simulator.analysis.layers import LayerResult
from simulator.analysis.performance import Performance
from simulator.analysis.run import Run
from simulator.studies.causes import causes_of
from simulator.studies.costs import Costs
from simulator.workload import Workload

Row = dict[str, Any]


@dataclass(slots=True)
class Network:
    """A configured workload, and the columns of its precision."""

    workload: Workload
    text: str
    """The workload's part of a configuration."""
    precision: Row | None = None
    """The columns of the precision; None before the first run."""


@dataclass(frozen=True, slots=True)
class RunFigures:
    """The values of one run that rows need; small, while a run contains a whole program."""

    cycles: int
    pes: int
    area: int
    """Gate equivalents of the machine."""
    utilization_percent: float
    dram_read_bytes: int
    dram_written_bytes: int
    energy_uj: float | None
    engine: str
    causes: Row
    network: Network
    precision: Row
    layers: list[Row]
    macs: int
    """Multiply-accumulates of all images of the batch."""
    images: ImageTimes | None
    """The times of the images of a pipeline."""

    def performance(self, clock_ghz: float) -> Performance:
        """The performance of the run at the clock of its hardware."""
        return Performance(
            images=self.network.workload.batch,
            time_ms=self.cycles / clock_ghz / 1e6,
            macs=self.macs,
            energy_uj=self.energy_uj,
        )


def figures_of(run: Run, network: Network, costs: Costs, *, layers: bool) -> RunFigures:
    """Return the values of a run.

    Args:
        run: the run.
        network: its workload; receives the columns of the precision.
        costs: energies of the study.
        layers: True to keep the values of each layer.

    """
    if network.precision is None:
        network.precision = {
            "bits": run.bits,
            "mean_bits": run.workload.bits,
            "tau": run.tau,
            "tau_1x1": run.tau_1x1,
            "kernels": kernels_that_run(run.workload),
        }
    return RunFigures(
        cycles=run.cycles,
        pes=run.pes,
        area=run.family.gate_equivalents(run.hardware, run.mapping.layers),
        utilization_percent=100 * run.utilization,
        dram_read_bytes=run.dram_bytes["read"],
        dram_written_bytes=run.dram_bytes["written"],
        energy_uj=costs.energy_uj(run),
        engine=run.engine,
        causes=causes_of(run),
        network=network,
        precision=network.precision,
        layers=[_layer(layer) for layer in run.layers] if layers else [],
        macs=sum(layer.macs for layer in run.layers),
        images=run.images,
    )


def _layer(layer: LayerResult) -> Row:
    return {
        "layer": layer.name,
        "stage": layer.stage,
        "cycles": layer.cycles,
        "utilization_percent": 100 * layer.utilization,
        "bound_by": layer.bound_by,
        "dram_read_bytes": layer.dram_read_bytes,
        "dram_written_bytes": layer.dram_written_bytes,
    }


def kernels_that_run(workload: Workload) -> str:
    """The source of a run's kernels: `file`, `chosen` for its bits, or `shape only`."""
    layers = workload.binary_layers
    real = sum(layer.kernels is not None for layer in layers)
    if not real:
        return "shape only"
    source = workload.source
    origin = "file" if source is None or source.subset is None else "chosen"
    return origin if real == len(layers) else f"{origin} in {real} of {len(layers)} layers"


def baseline_columns(run: RunFigures, base: RunFigures | None, clock_ghz: float) -> Row:
    """Return the columns of a point's baseline; empty without a baseline."""
    if base is None:
        return {}
    return {
        "baseline_cycles": base.cycles,
        "baseline_time_ms": base.cycles / clock_ghz / 1e6,
        "speedup": base.cycles / run.cycles,
        "baseline_utilization_percent": base.utilization_percent,
        "baseline_dram_read_bytes": base.dram_read_bytes,
        "baseline_dram_written_bytes": base.dram_written_bytes,
        "baseline_energy_uj": base.energy_uj,
        **base.performance(clock_ghz).rates("baseline_"),
    }


def pipeline_columns(run: RunFigures) -> Row:
    """Return the columns of a pipeline; empty if layers run one after another."""
    if run.images is None:
        return {}
    plain = run.images.plain()
    return {
        "first_image_ms": plain["first_image_ms"],
        "interval_cycles": plain["interval_cycles"],
        "steady_images_per_second": plain["images_per_second"],
    }


def layer_rows(point: int, run: RunFigures, base: RunFigures | None, clock_ghz: float) -> list[Row]:
    """Return the rows of a point's layers, with the columns of its baseline if it has one."""
    rows = [
        {**ours, "point": point, "time_us": ours["cycles"] / clock_ghz / 1e3} for ours in run.layers
    ]
    for row, theirs in zip(rows, () if base is None else base.layers, strict=base is not None):
        row["baseline_cycles"] = theirs["cycles"]
        row["baseline_time_us"] = theirs["cycles"] / clock_ghz / 1e3
        row["speedup"] = theirs["cycles"] / row["cycles"]
        row["baseline_bound_by"] = theirs["bound_by"]
    return rows
