"""The roofline of a machine, with one mark per layer.

An operation is one multiply-accumulate of the network as its shapes give it, the same for both
runs: a layer that takes the table does them with fewer dot products, and so may stand above the
roof of the dot units. docs/why.md defines the roofs.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.hardware.dram import dram_timing
from simulator.mapping.commands import Unit
from simulator.report.timeline import save_figure, stage_colours
from simulator.report.title import covered
from simulator.report.wording import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.report.layers import LayerResult
    from simulator.report.result import Result

_CHANNELS = len((Unit.DRAM_WEIGHTS, Unit.DRAM_INPUTS, Unit.DRAM_OUTPUTS))
_KERNEL_MACS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Roof:
    """A limit on operations per cycle, whatever the bytes."""

    name: str
    macs_per_cycle: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """A limit on bytes per cycle."""

    name: str
    bytes_per_cycle: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One layer of one run."""

    layer: str
    stage: str
    macs: int
    dram_bytes: int
    cycles: int

    @property
    def macs_per_byte(self) -> float:
        """Operations per DRAM byte, read or written in whole bursts."""
        return self.macs / max(1, self.dram_bytes)

    @property
    def macs_per_cycle(self) -> float:
        """Operations per cycle of the layer's time."""
        return self.macs / max(1, self.cycles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roofline:
    """Both runs' layers and the machine's roofs."""

    run: tuple[Point, ...]
    baseline: tuple[Point, ...]
    roofs: tuple[Roof, ...]
    slopes: tuple[Slope, ...]
    """The steepest first; beside the last one, a single DMA channel's, all of them bind."""

    @property
    def bytes_per_cycle(self) -> float:
        """What all slopes leave for the three DMA channels together."""
        return min(slope.bytes_per_cycle for slope in self.slopes[:-1])


def roofline(result: "Result") -> Roofline:
    """Place every layer of both runs."""
    return Roofline(
        run=tuple(map(_point, result.run.layers)),
        baseline=tuple(map(_point, result.baseline.layers)),
        roofs=_roofs(result),
        slopes=_slopes(result),
    )


def _point(layer: "LayerResult") -> Point:
    plan = layer.mapped.plan
    return Point(
        layer=layer.name,
        stage=layer.stage,
        macs=plan.batch * plan.layer.macs,
        dram_bytes=layer.dram_read_bytes + layer.dram_written_bytes,
        cycles=layer.cycles,
    )


def _roofs(result: "Result") -> tuple[Roof, ...]:
    """The roofs of the modes that layers of either run are in."""
    array, pe = result.hardware.array, result.hardware.array.pe
    plans = [x.mapped.plan for run in (result.run, result.baseline) for x in run.layers]
    modes = {plan.mode for plan in plans}
    bits = result.run.workload.activation_bits
    dots = min(pe.dots_per_cycle, pe.accumulators) / bits
    roofs = {
        "table": Roof(
            name=f"LUT: {counted(array.pes, 'PE')} × {counted(pe.accumulators, 'accumulator')} "
            f"× {_KERNEL_MACS}",
            macs_per_cycle=array.pes * pe.accumulators * _KERNEL_MACS,
        ),
        "direct": Roof(
            name=f"direct: {counted(array.pes, 'PE')} × {dots:g} {'dot' if dots == 1 else 'dots'} "
            f"× {_KERNEL_MACS}",
            macs_per_cycle=array.pes * dots * _KERNEL_MACS,
        ),
        "mac": Roof(name="MAC unit", macs_per_cycle=result.hardware.full_precision.macs_per_cycle),
    }
    return tuple(roof for mode, roof in roofs.items() if mode in modes)


def _slopes(result: "Result") -> tuple[Slope, ...]:
    """The DMA channels and, with a DRAM table, the data bus of the DRAM that they share."""
    dram, timing = result.hardware.memory.dram, dram_timing(result.hardware)
    shared = [
        Slope(name=f"{_CHANNELS} DMA channels", bytes_per_cycle=_CHANNELS * dram.bytes_per_cycle)
    ]
    if timing is not None:
        peak = float(timing.peak_bytes_per_cycle)
        shared.append(Slope(name=f"{Path(dram.timing).stem}, peak", bytes_per_cycle=peak))
        shared.sort(key=lambda slope: -slope.bytes_per_cycle)
    return (*shared, Slope(name="1 DMA channel", bytes_per_cycle=dram.bytes_per_cycle))


def plot_roofline(result: "Result", path: str | Path | None = None) -> "Figure":
    """Draw operations per DRAM byte against operations per cycle, with the roofs.

    Args:
        result: from `simulate`.
        path: also save there; PNG, SVG or PDF by its ending.

    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    placed, colours = roofline(result), stage_colours(result)
    style: Any = {"font.size": 8, "axes.linewidth": 0.6}
    with rc_context(style):
        figure = Figure(figsize=(7.0, 4.6), layout="constrained")
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
            axis.set_minor_formatter(NullFormatter())
        _draw_roofs(axes, placed)
        for points, title, filled in (
            (placed.run, result.run.title, True),
            (placed.baseline, result.baseline.title, False),
        ):
            _draw_points(axes, points, title, colours, filled)
        axes.set_xlabel("multiply-accumulates per DRAM byte")
        axes.set_ylabel("multiply-accumulates per cycle")
        axes.set_title(
            f"Roofline of {result.run.workload.title} on {result.hardware.name}: one mark per "
            f"layer, filled at {result.run.title}, hollow at {result.baseline.title}\n"
            f"{covered(result)}",
            fontsize=9,
        )
        handles = [axes.scatter([], [], color=c, s=16, label=s) for s, c in colours.items()]
        axes.legend(handles=handles, frameon=False, fontsize=7, title="stage", loc="lower right")
        axes.spines[["top", "right"]].set_visible(False)
        if path is not None:
            save_figure(figure, Path(path))
    return figure


def _draw_roofs(axes: "Axes", placed: Roofline) -> None:
    points = (*placed.run, *placed.baseline)
    intensities = [point.macs_per_byte for point in points]
    heights = [roof.macs_per_cycle for roof in placed.roofs]
    highest = max(heights)
    lowest = min(*heights, *(point.macs_per_cycle for point in points)) / 3
    rates = [slope.bytes_per_cycle for slope in placed.slopes]
    left = min(*intensities, lowest / max(rates))
    right = 2 * max(*intensities, highest / min(rates))
    axes.set_xlim(left, right)
    axes.set_ylim(lowest, 1.6 * highest)
    for roof in placed.roofs:
        begin = roof.macs_per_cycle / placed.bytes_per_cycle
        axes.plot([begin, right], [roof.macs_per_cycle] * 2, color="0.25", linewidth=0.9)
        axes.annotate(
            f"{roof.name} = {roof.macs_per_cycle:,g}", (right, roof.macs_per_cycle), (-3, 3),
            textcoords="offset points", ha="right", va="bottom", fontsize=7,
        )  # fmt: skip
    for number, slope in enumerate(placed.slopes):
        rate, text = slope.bytes_per_cycle, f"{slope.name}: {slope.bytes_per_cycle:,g} B/cycle"
        x = np.array([lowest / rate, highest / rate])
        dash = "--" if slope is placed.slopes[-1] else "-"
        axes.plot(x, rate * x, color="0.25", linewidth=0.9, linestyle=dash)
        axes.annotate(
            text, (x[1], highest), (-16, 6 + 10 * number), textcoords="offset points", ha="right",
            fontsize=7,
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": "0.25", "relpos": (1, 0.5)},
        )  # fmt: skip


def _draw_points(
    axes: "Axes", points: tuple[Point, ...], title: str, colours: dict[str, str], filled: bool
) -> None:
    shades = [colours[point.stage] for point in points]
    axes.scatter(
        [point.macs_per_byte for point in points],
        [point.macs_per_cycle for point in points],
        s=18,
        facecolors=shades if filled else "none",
        edgecolors=shades,
        linewidths=0.9,
        label=title,
        zorder=3,
    )
