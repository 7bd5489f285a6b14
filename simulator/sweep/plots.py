"""Plots of a study: time and speedup against each axis, Pareto fronts, a heat map."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.report.files import write_file
from simulator.report.timeline import save_figure
from simulator.sweep.axes import Value
from simulator.sweep.effects import AxisEffect, Codes, Floats, StudyFigures, is_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D31", "#7F7F7F",
)  # fmt: skip
_MOST_AXES = 8
"""Axes that are drawn, those that matter most first."""
_MOST_TICKS = 12
_MOST_CELLS = 400
"""Cells of a heat map that carry their number."""


def write_plots(
    figures: StudyFigures, effects: Sequence[AxisEffect], folder: Path
) -> tuple[Path, ...]:
    """Write axes, pareto and heatmap as PNG and SVG, those of them that the study has."""
    from matplotlib import rc_context

    drawn: dict[str, Figure] = {}
    with rc_context({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False}):
        if effects:
            drawn["axes"] = _draw_axes(figures, effects[:_MOST_AXES])
        if len(figures.point) > 1:
            drawn["pareto"] = _draw_fronts(figures)
        pair = [effect for effect in effects if effect.axis not in {"model", "input_size"}][:2]
        if len(pair) == 2:
            drawn["heatmap"] = _draw_heat_map(figures, pair)
        return tuple(
            write_file(folder / f"{name}.{kind}", partial(save_figure, figure))
            for name, figure in drawn.items()
            for kind in ("png", "svg")
        )


def _networks(figures: StudyFigures) -> list[tuple[str, NDArray[np.bool_]]]:
    """What is told apart by colour: networks, whose times do not compare; their points."""
    codes = figures.codes.get("model")
    if codes is None:
        return [("", np.ones(len(figures.point), dtype=bool))]
    return [(str(name), codes == number) for number, name in enumerate(figures.axes["model"])]


# --- time and speedup against each axis --------------------------------------------------------


def _draw_axes(figures: StudyFigures, effects: Sequence[AxisEffect]) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 2.2 * len(effects)), layout="constrained")
    grid = figure.subplots(len(effects), 2, squeeze=False)
    networks = _networks(figures)
    for line, effect in enumerate(effects):
        places = _places(grid[line][0], effect.values)
        _places(grid[line][1], effect.values)
        for side, (column, label) in enumerate((("time_ms", "time (ms)"), ("speedup", "speedup"))):
            axes = grid[line][side]
            apart = [("", np.ones(len(figures.point), dtype=bool))]
            for number, (name, chosen) in enumerate(apart if effect.axis == "model" else networks):
                codes = figures.codes[effect.axis][chosen]
                values = figures.numbers[column][chosen]
                _draw_band(axes, places, codes, values, name=name, number=number)
            axes.set_xlabel(effect.axis)
            axes.set_ylabel(label)
            if column == "time_ms":
                axes.set_yscale("log")
            else:
                axes.set_ylim(bottom=0)
    if len(networks) > 1:
        figure.legend(*_handles(grid), loc="outside lower center", ncols=len(networks))
    figure.suptitle("median, and range from smallest to largest, of all points with a value")
    return figure


def _handles(grid: Any) -> tuple[list[Any], list[str]]:
    """Line and name of every network, from the first panel that tells them apart."""
    named = [axes.get_legend_handles_labels() for axes in grid.flat]
    return max(named, key=lambda pair: len(pair[1]))  # type: ignore[no-any-return] # untyped


def _draw_band(
    axes: "Axes", places: Floats, codes: Codes, values: Floats, *, name: str, number: int
) -> None:
    colour = _COLOURS[number % len(_COLOURS)]
    used = np.unique(codes)
    if not len(used):
        return
    by_level = [values[codes == code] for code in used]
    low, middle, high = (
        np.array([function(level) for level in by_level])
        for function in (np.min, np.median, np.max)
    )
    axes.fill_between(places[used], low, high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(places[used], middle, "o-", color=colour, markersize=3, label=name or None)


def _places(axes: "Axes", values: tuple[Value, ...]) -> Floats:
    """Where the values stand on the x axis: numbers by size, on a log scale if evenly so."""
    if not all(is_number(value) for value in values):
        places = np.arange(len(values), dtype=np.float64)
        axes.set_xticks(places, [str(value) for value in values])
        return places
    numbers = np.array(values, dtype=np.float64)
    if numbers.min() > 0 and numbers.max() / numbers.min() >= 8:
        axes.set_xscale("log", base=2)
    if len(values) <= _MOST_TICKS:
        axes.set_xticks(numbers, [f"{value:g}" for value in numbers])
        axes.minorticks_off()
    return numbers


# --- Pareto fronts ------------------------------------------------------------------------------


def front(cost: Floats, time: Floats) -> NDArray[np.int64]:
    """Numbers of the points that no other beats in both, by rising cost."""
    order = np.lexsort((time, cost))
    best = np.minimum.accumulate(time[order])
    first = np.concatenate(([True], best[1:] < best[:-1])) if len(order) else np.empty(0, bool)
    return order[first]


def _draw_fronts(figures: StudyFigures) -> "Figure":
    from matplotlib.figure import Figure

    numbers = figures.numbers
    moved = (numbers["dram_read_bytes"] + numbers["dram_written_bytes"]) / 1e6
    costs = {
        "PEs": numbers["hw.array.pes"],
        "area proxy (gate equivalents)": numbers["area_gate_equivalents"],
        "DRAM bytes moved (MB)": moved,
    }
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    panels = figure.subplots(1, len(costs))
    for axes, (label, cost) in zip(panels, costs.items(), strict=True):
        for number, (name, chosen) in enumerate(_networks(figures)):
            colour = _COLOURS[number % len(_COLOURS)]
            time, where = numbers["time_ms"][chosen], cost[chosen]
            axes.scatter(where, time, s=4, color=colour, alpha=0.3, linewidth=0, rasterized=True)
            best = front(where, time)
            axes.plot(
                where[best], time[best], "o-", drawstyle="steps-post", color=colour,
                markersize=3, linewidth=1, label=name or None,
            )  # fmt: skip
        axes.set_xscale("log")
        if label == "PEs":
            _places(axes, tuple(np.unique(cost).tolist()))
        axes.set_yscale("log")
        axes.set_xlabel(label)
        axes.set_ylabel("time (ms)")
    if "model" in figures.axes:
        panels[0].legend(frameon=False)
    figure.suptitle("every point, and the Pareto front")
    return figure


# --- heat map -----------------------------------------------------------------------------------


def _draw_heat_map(figures: StudyFigures, pair: Sequence[AxisEffect]) -> "Figure":
    """Geometric mean time over the two axes that matter most, relative to the smallest."""
    from matplotlib.figure import Figure

    across, along = pair
    shape = (len(along.values), len(across.values))
    cell = figures.codes[along.axis].astype(np.int64) * shape[1] + figures.codes[across.axis]
    count = np.bincount(cell, minlength=shape[0] * shape[1])
    total = np.bincount(cell, np.log(figures.numbers["time_ms"]), shape[0] * shape[1])
    mean = np.full(len(count), np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    relative = np.exp(mean - np.nanmin(mean)).reshape(shape)
    figure = Figure(
        figsize=(min(12, 2.4 + 0.55 * shape[1]), min(10, 1.6 + 0.32 * shape[0])),
        layout="constrained",
    )
    axes = figure.subplots()
    image = axes.imshow(np.log2(relative), cmap="viridis_r", aspect="auto", origin="lower")
    for setter, effect in ((axes.set_xticks, across), (axes.set_yticks, along)):
        step = max(1, len(effect.values) // 16)
        ticks = range(0, len(effect.values), step)
        setter(ticks, [_short(effect.values[tick]) for tick in ticks])
    axes.set_xlabel(across.axis)
    axes.set_ylabel(along.axis)
    if relative.size <= _MOST_CELLS:
        _write_cells(axes, relative)
    bar = figure.colorbar(image, ax=axes)
    bar.set_label("log2 of time over the smallest")
    axes.set_title("geometric mean time over the smallest", fontsize=8)
    return figure


def _write_cells(axes: "Axes", relative: Floats) -> None:
    dark = np.sqrt(np.nanmax(relative))
    for (row, column), value in np.ndenumerate(relative):
        if not np.isnan(value):
            colour = "white" if value > dark else "black"
            axes.text(
                column, row, f"{value:.2f}", ha="center", va="center", fontsize=6, color=colour
            )


def _short(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
