"""Figure 13: two timelines one above the other, on one time axis.

A unit's row shows the share of each time bin in which the unit works, so that a run of a million
commands draws as fast, and reads as well, as one of a hundred.
"""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.base.columns import Ints
from simulator.base.lines import wrapped
from simulator.engine.trace import Trace
from simulator.report.style import COLOURS, Style, save_figure, spread, style_of
from simulator.report.title import time_unit, times_in_one_unit, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.report.result import Result, Run

_TITLE_CHARACTERS = 120
"""Of a line of the title."""
BINS = 900
"""Time bins over the longer of the two runs."""
_FULL = 0.8
"""Height of a row at 100 %, of the distance between rows."""
_ROW_INCHES = {"screen": 0.23, "paper": 0.19}
_LABEL_INCHES = {"screen": 0.45, "paper": 0.4}
"""Above the rows: names of stages and the lines to them."""


def plot_timeline(
    result: "Result", path: str | Path | None = None, style: str = "screen"
) -> "Figure":
    """Draw a result's run above its baseline.

    Args:
        result: from `simulate`.
        path: also save there; PNG, SVG or PDF by its ending.
        style: `screen`, or `paper`: one column wide, without a title.

    Raises:
        InputError: an unknown style.

    """
    look = style_of(style)
    units = _used(result)
    longest = max(result.run.cycles, result.baseline.cycles)
    edges = np.linspace(0, longest, BINS + 1)
    name, factor = time_unit(_times(result))
    times = edges * factor * result.milliseconds(1)
    with look.drawing():
        panel = len(units) * _ROW_INCHES[style] + _LABEL_INCHES[style]
        figure = look.figure(2 * panel + (0.75 if look.titled else 0.4))
        panels = figure.subplots(2, 1, sharex=True)
        for axes, run in zip(panels, (result.run, result.baseline), strict=True):
            axes.set_xlim(0, times[-1])
            _draw_rows(axes, result, run, units=units, edges=edges, times=times, look=look)
            _draw_end(axes, result, run, per_cycle=times[-1] / longest, rows=len(units), look=look)
        panels[1].set_xlabel(f"time ({name} at {result.hardware.clock_ghz:g} GHz)")
        figure.supylabel("fraction of time in which the unit is busy", fontsize=look.points)
        if look.titled:
            text = "\n".join(wrapped(title(result), _TITLE_CHARACTERS))
            figure.suptitle(text, fontsize=look.points + 1)
        figure.draw_without_rendering()  # fixes the widths that names must fit
        for axes, run in zip(panels, (result.run, result.baseline), strict=True):
            _name_stages(axes, run, times[-1] / longest, len(units), look)
        if path is not None:
            save_figure(figure, Path(path))
    return figure


def stage_colours(result: "Result") -> dict[str, str]:
    """A colour for every stage, in the order of the layers."""
    stages = dict.fromkeys(layer.stage for layer in result.run.layers)
    return {stage: COLOURS[i % len(COLOURS)] for i, stage in enumerate(stages)}


def _draw_rows(
    axes: "Axes",
    result: "Result",
    run: "Run",
    *,
    units: Sequence[int],
    edges: NDArray[np.float64],
    times: NDArray[np.float64],
    look: Style,
) -> None:
    """A row of activity per unit, stages by colour, each with its scale from 0 to 100 %."""
    from matplotlib.collections import PolyCollection

    colours = stage_colours(result)
    stage_of = np.array([list(colours).index(layer.stage) for layer in run.layers])
    for height, unit in enumerate(reversed(units)):
        for level in (0, _FULL / 2, _FULL):
            axes.axhline(height + level, color="0.85", linewidth=0.4, zorder=0)
        for number, colour in enumerate(colours.values()):
            share = activity(run.trace, unit, edges, stage_of == number)
            shapes = [
                _steps(times[first : last + 1], height + _FULL * share[first:last], height)
                for first, last in _stretches(share)
            ]
            drawn = PolyCollection(shapes, facecolors=colour, linewidths=0)
            drawn.set_in_layout(False)  # the limits of the axes are known
            axes.add_collection(drawn, autolim=False)
    rows = range(len(units))
    titles = [run.trace.vocabulary.units[unit].title for unit in reversed(units)]
    axes.set_yticks([row + _FULL / 2 for row in rows], titles)
    axes.tick_params(axis="y", length=0, pad=_scale_points(look))
    for row in rows:
        for level, text, place in ((0, "0", "bottom"), (_FULL, "100 %", "top")):
            axes.annotate(
                text, (0, row + level), (-3, 0), xycoords=("axes fraction", "data"),
                textcoords="offset points", ha="right", va=place, fontsize=look.small_points - 1.5,
                color="0.35",
            )  # fmt: skip
    axes.set_ylim(-0.08, len(units) + _LABEL_INCHES[look.name] / _ROW_INCHES[look.name])
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines["left"].set_bounds(0, len(units))


def _steps(
    times: NDArray[np.float64], heights: NDArray[np.float64], base: float
) -> NDArray[np.float64]:
    """[corners, 2] outline of steps of some heights between times, down to the base."""
    x = np.repeat(times, 2)
    return np.column_stack((x, np.concatenate(([base], np.repeat(heights, 2), [base]))))


def _scale_points(look: Style) -> float:
    """Width of `100 %` beside a row."""
    return 3.2 * (look.small_points - 1.5) + 6


def _draw_end(
    axes: "Axes", result: "Result", run: "Run", *, per_cycle: float, rows: int, look: Style
) -> None:
    """The end of the run, with bits and time at the right edge."""
    end = run.cycles * per_cycle
    axes.plot([end, end], [0, rows], color="black", linewidth=0.8, clip_on=False)
    time = times_in_one_unit(_times(result))[run is not result.run]
    axes.annotate(
        f"{run.title}: {time}", (1, 0.5), (4, 0),
        xycoords="axes fraction", textcoords="offset points", rotation=90, va="center", ha="left",
        fontsize=look.points, fontweight="bold",
    )  # fmt: skip


def _times(result: "Result") -> list[float]:
    """Milliseconds of both runs."""
    return [result.milliseconds(run.cycles) for run in (result.run, result.baseline)]


def _stretches(share: NDArray[np.float64]) -> list[tuple[int, int]]:
    """First and behind-last bin of every stretch in which something works."""
    change = np.flatnonzero(np.diff(np.concatenate(([0], share > 0, [0]))))
    return list(zip(change[::2].tolist(), change[1::2].tolist(), strict=True))


def _name_stages(axes: "Axes", run: "Run", per_cycle: float, rows: int, look: Style) -> None:
    """The name of every stage over the rows, with a line to its middle if it had to move.

    Args:
        axes: with its final size.
        run: whose stages are named.
        per_cycle: units of the time axis per cycle.
        rows: number of rows.
        look: of the text.

    """
    names, middles, start = [], [], 0
    for stage, layers in groupby(run.layers, key=lambda layer: layer.stage):
        end = list(layers)[-1].end_cycle
        axes.plot(
            [end * per_cycle] * 2, [0, rows], color="0.5", linewidth=0.5, linestyle=":", zorder=0
        )
        names.append(stage)
        middles.append((start + end) / 2 * per_cycle)
        start = end
    width = axes.get_xlim()[1]
    point = width / (axes.bbox.width * 72 / axes.figure.dpi)
    gap = max(map(len, names)) * 0.62 * look.small_points * point
    places = spread(middles, gap, gap / 2, width - gap / 2)
    upright = max(abs(a - b) for a, b in zip(middles, places, strict=True)) > gap
    if upright:
        gap = 1.15 * look.small_points * point
        places = spread(middles, gap, gap / 2, width - gap / 2)
    above = rows + 0.28 * (axes.get_ylim()[1] - rows)
    for name, middle, place in zip(names, middles, places, strict=True):
        axes.plot([middle, place], [rows, above], color="0.4", linewidth=0.4)
        axes.annotate(
            name, (place, above), (0, 1), textcoords="offset points", ha="center", va="bottom",
            rotation=90 if upright else 0, fontsize=look.small_points,
        )  # fmt: skip


def _used(result: "Result") -> list[int]:
    """Units that work in either run, from top to bottom."""
    busy = [run.summary.busy.any(axis=0) for run in (result.run, result.baseline)]
    used: list[int] = np.flatnonzero(busy[0] | busy[1]).tolist()
    return used


def activity(
    trace: Trace, unit: int, edges: NDArray[np.float64], layers: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """[bins] share of each bin in which `unit` works for the chosen layers.

    Args:
        trace: of a run.
        unit: index of one unit; its commands never overlap.
        edges: [bins + 1] cycles, rising.
        layers: [layers] which layers count.

    """
    chosen = (trace.unit == unit) & layers[trace.layer]
    if not chosen.any():
        return np.zeros(len(edges) - 1)
    start, cycles = trace.start[chosen], trace.occupied[chosen]
    return np.diff(_busy_until(start, cycles, edges)) / np.diff(edges)


def _busy_until(start: Ints, cycles: Ints, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cycles worked before each of `times`, by commands in order that do not overlap."""
    before = np.concatenate(([0], np.cumsum(cycles)))
    number = np.searchsorted(start, times, side="right") - 1
    inside = np.clip(times - start[number], 0, cycles[number])
    return np.where(number < 0, 0.0, before[number] + inside)
