"""The roofline of a machine, with one mark per layer.

An operation is one multiply-accumulate of the network's shapes, the same for both runs. A layer
that uses a LUT needs fewer dot products and may therefore be above the roof of the dot units.
docs/why.md defines the roofs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator.analysis.layers import LayerResult
from simulator.analysis.outcome import Outcome
from simulator.dram.tables import dram_timing
from simulator.machines.family import Roof


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """A limit on bytes per cycle."""

    name: str
    bytes_per_cycle: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One layer of one run."""

    number: int
    """The layer's place among all layers of its run."""
    layer: str
    stage: str
    macs: int
    dram_bytes: int
    cycles: int
    """The cycles in which the layer's units can work."""

    @property
    def macs_per_byte(self) -> float:
        """Operations per DRAM byte, read or written in whole bursts."""
        return self.macs / max(1, self.dram_bytes)

    @property
    def macs_per_cycle(self) -> float:
        """Operations per cycle in which the layer's units can work."""
        return self.macs / max(1, self.cycles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roofline:
    """The layers of all runs and the machine's roofs."""

    run: tuple[Point, ...]
    baseline: tuple[Point, ...]
    """Empty without a baseline."""
    roofs: tuple[Roof, ...]
    slopes: tuple[Slope, ...]
    """The slopes, steepest first; all are limits except the last, which is one DMA channel's."""

    @property
    def runs(self) -> tuple[tuple[Point, ...], ...]:
        """The layers of the run and of its baseline, or of the run alone."""
        return (self.run, self.baseline) if self.baseline else (self.run,)

    @property
    def bytes_per_cycle(self) -> float:
        """Bytes per cycle of all DMA channels together, under all slopes."""
        return min(slope.bytes_per_cycle for slope in self.slopes[:-1])


def roofline(result: Outcome) -> Roofline:
    """Place every layer with multiply-accumulates of all runs."""
    base = result.baseline
    return Roofline(
        run=_points(result.run.layers),
        baseline=() if base is None else _points(base.layers),
        roofs=tuple(_roofs(result)),
        slopes=_slopes(result),
    )


def _points(layers: Sequence[LayerResult]) -> tuple[Point, ...]:
    return tuple(_point(number, layer) for number, layer in enumerate(layers) if layer.macs)


def _point(number: int, layer: LayerResult) -> Point:
    return Point(
        number=number,
        layer=layer.name,
        stage=layer.stage,
        macs=layer.macs,
        dram_bytes=layer.dram_read_bytes + layer.dram_written_bytes,
        cycles=layer.available_cycles,
    )


def _roofs(result: Outcome) -> list[Roof]:
    """The roofs of what the layers of any run do, the highest first."""
    layers = [mapped for run in result.runs for mapped in run.mapping.weighted]
    return result.run.family.roofs(result.hardware, layers)


def _slopes(result: Outcome) -> tuple[Slope, ...]:
    """Return the slopes of the DMA channels and, with a DRAM table, of the shared data bus."""
    dram, single = result.hardware.dram, float(result.hardware.dma_channel.bytes_per_cycle)
    timing = dram_timing(dram, result.hardware.clock_ghz)
    channels = sum(bool(unit.dram) for unit in result.run.vocabulary.units)
    shared = [Slope(name=f"{channels} DMA channels", bytes_per_cycle=channels * single)]
    if timing is not None:
        peak = float(timing.peak_bytes_per_cycle)
        shared.append(Slope(name=f"{Path(dram.timing).stem}, peak", bytes_per_cycle=peak))
        shared.sort(key=lambda slope: -slope.bytes_per_cycle)
    return (*shared, Slope(name="1 DMA channel", bytes_per_cycle=single))
