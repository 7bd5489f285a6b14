"""The roofline as a figure."""

from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.analysis.outcome import Outcome
from simulator.analysis.roofline import Point, Roofline, roofline
from simulator.analysis.title import covered
from simulator.report.style import Style, plain_log_ticks, save_figure, style_of
from simulator.report.timeline import stage_colors, stages_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_MARKERS = "osD^vP*X"
_FILLED = (True, False)
"""The marks of the run, and of its baseline."""
_BEHIND: dict[str, Any] = {"boxstyle": "square,pad=0.05", "facecolor": "white", "linewidth": 0}
"""The background of a name, which hides lines."""
_AXES = 0.8
"""The approximate fraction of the figure that an axis takes, for the choice of ticks."""


def plot_roofline(
    result: Outcome, path: str | Path | None = None, style: str = "screen"
) -> "Figure":
    """Draw operations per DRAM byte against operations per cycle, with the roofs.

    Args:
        result: from `simulate`.
        path: also save there; PNG, SVG or PDF by its suffix.
        style: `screen`, or `paper`: one column wide, without a title.

    Raises:
        InputError: the style is unknown.

    """
    look, placed = style_of(style), roofline(result)
    with look.drawing():
        figure = look.figure(5.2 if look.titled else 3.3)
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.set_yscale("log")
        _set_limits(axes, placed)
        for axis, inches in zip((axes.xaxis, axes.yaxis), figure.get_size_inches(), strict=True):
            plain_log_ticks(axis, _AXES * inches)
        axes.set_xlabel("multiply-accumulates per DRAM byte")
        axes.set_ylabel("multiply-accumulates per cycle")
        if look.titled:
            workload, hardware = result.run.workload, result.hardware
            axes.set_title(
                f"Roofline of {workload.title} on {hardware.name}: one mark per layer\n"
                f"{covered(result)}"
            )
        axes.spines[["top", "right"]].set_visible(False)
        colors = stage_colors(stages_of(result))
        for points, filled in zip(placed.runs, _FILLED, strict=False):
            _draw_points(axes, points, colors, filled)
        _add_legend(figure, result, colors, look)
        figure.draw_without_rendering()  # fixes the sizes that labels must fit
        size = axes.bbox.transformed(figure.dpi_scale_trans.inverted())
        _draw_roofs(axes, placed, size.height, look)
        _draw_slopes(axes, placed, size.height / size.width, look)
        if path is not None:
            save_figure(figure, Path(path))
    return figure


def _set_limits(axes: "Axes", placed: Roofline) -> None:
    """Set limits that show every mark, every roof, and the corner of every roof and slope."""
    points = (*placed.run, *placed.baseline)
    intensities = [point.macs_per_byte for point in points]
    heights = [roof.macs_per_cycle for roof in placed.roofs]
    rates = [slope.bytes_per_cycle for slope in placed.slopes]
    lowest = min(*heights, *(point.macs_per_cycle for point in points)) / 2.5
    left = min(*(x / 1.6 for x in intensities), lowest / max(rates) / 1.6)
    right = 1.6 * max(*intensities, max(heights) / min(rates))
    axes.set_xlim(left, right)
    axes.set_ylim(lowest, 2.2 * max(heights))


def _draw_roofs(axes: "Axes", placed: Roofline, inches: float, look: Style) -> None:
    """Draw roofs, named at the right end above the line, or below it if a roof is near."""
    right = axes.get_xlim()[1]
    lowest, top = axes.get_ylim()
    line = 1.7 * look.small_points / 72 / inches * np.log10(top / lowest)
    """The height of a line of text in decades."""
    above = np.inf
    for roof in placed.roofs:
        rate = roof.macs_per_cycle
        axes.plot([rate / placed.bytes_per_cycle, right], [rate] * 2, color="0.25", linewidth=0.9)
        name = roof.name if look.titled else roof.name.partition(":")[0]
        over = np.log10(above / rate) > line
        axes.annotate(
            f"{name} = {rate:,g}", (right, rate), (0, 3 if over else -3),
            textcoords="offset points", ha="right", va="bottom" if over else "top",
            fontsize=look.small_points, bbox=_BEHIND, zorder=2.5,
        )  # fmt: skip
        above = rate


def _draw_slopes(axes: "Axes", placed: Roofline, shape: float, look: Style) -> None:
    """Draw slopes with names along them: below the last (one channel's), above the others.

    Args:
        axes: the axes, with their limits.
        placed: the roofline with the slopes.
        shape: the ratio of the axes' height to their width.
        look: the style of the text.

    """
    (left, right), (lowest, top) = axes.get_xlim(), axes.get_ylim()
    angle = np.arctan(shape * np.log(right / left) / np.log(top / lowest))
    highest = placed.roofs[0].macs_per_cycle
    for slope in placed.slopes:
        rate, single = slope.bytes_per_cycle, slope is placed.slopes[-1]
        away = 3 if single else -3
        x = np.array([lowest / rate, highest / rate])
        axes.plot(x, rate * x, color="0.25", linewidth=0.9, linestyle="--" if single else "-")
        axes.annotate(
            f"{slope.name}: {rate:,g} B/cycle",
            (1.25 * x[0], 1.25 * lowest),
            (away * np.sin(angle), -away * np.cos(angle)),
            textcoords="offset points",
            rotation=np.degrees(angle),
            rotation_mode="anchor",
            fontsize=look.small_points,
            ha="left",
            va="top" if single else "bottom",
            bbox=_BEHIND,
            zorder=2.5,
        )


def _add_legend(figure: "Figure", result: Outcome, colors: dict[str, str], look: Style) -> None:
    """Stages by marker and color, the runs by filled and hollow marks; below the axes."""
    from matplotlib.lines import Line2D

    def mark(marker: str, color: str, filled: bool, label: str) -> Line2D:
        face = color if filled else "none"
        return Line2D(
            [], [], linestyle="none", marker=marker, markersize=4, color=color,
            markerfacecolor=face, label=label,
        )  # fmt: skip

    handles = [
        *(
            mark("o", "0.25", filled, run.title)
            for run, filled in zip(result.runs, _FILLED, strict=False)
        ),
        *(
            mark(marker, color, True, stage)
            for (stage, color), marker in zip(colors.items(), cycle(_MARKERS), strict=False)
        ),
    ]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=8 if look.titled else 4, frameon=False,
        fontsize=look.small_points, handletextpad=0.2, columnspacing=1.2,
    )  # fmt: skip


def _draw_points(
    axes: "Axes", points: tuple[Point, ...], colors: dict[str, str], filled: bool
) -> None:
    """Draw one mark per layer, with a color and a shape for each stage."""
    for (stage, color), marker in zip(colors.items(), cycle(_MARKERS), strict=False):
        chosen = [point for point in points if point.stage == stage]
        axes.scatter(
            [point.macs_per_byte for point in chosen],
            [point.macs_per_cycle for point in chosen],
            s=18,
            marker=marker,
            facecolors=color if filled else "none",
            edgecolors=color,
            linewidths=0.9,
            zorder=3,
        )
