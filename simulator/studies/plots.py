"""Plots of a study: time and speedup against each axis, Pareto fronts, a heat map."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.report.files import write_file
from simulator.report.style import save_figure
from simulator.studies.axes import Value
from simulator.studies.effects import AxisEffect
from simulator.studies.figures import Codes, Floats, StudyFigures, is_number, read_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D31", "#7F7F7F",
)  # fmt: skip
_MOST_AXES = 8
"""Axes that are drawn, those that matter most first."""
_MOST_TICKS = 12
_MOST_MARKS = 128
"""Along an axis of numbers; of more, neighbours are drawn together."""
_NUMBERED_CELLS = 400
"""Cells of a heat map that carry their number."""
_MOST_CELLS = 1 << 18
"""Of a heat map."""
_DOTS = 400
"""Dots across a panel of `pareto`, and along it: half a printer's point apart."""


def write_plots(
    figures: StudyFigures, effects: Sequence[AxisEffect], numbers_file: Path
) -> tuple[Path, ...]:
    """Write axes, pareto and heatmap as PNG and SVG beside the study's points, where it has them.

    Args:
        figures: of the points.
        effects: of the axes, the largest first.
        numbers_file: `points.npz` in the study's folder.

    """
    from matplotlib import rc_context

    with rc_context({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False}):
        return tuple(
            write_file(numbers_file.with_name(f"{name}.{kind}"), partial(save_figure, figure))
            for name, figure in _drawn(figures, effects, numbers_file)
            for kind in ("png", "svg")
        )


def _drawn(
    figures: StudyFigures, effects: Sequence[AxisEffect], numbers_file: Path
) -> Iterator[tuple[str, "Figure"]]:
    """The figures by name, one at a time."""
    if effects:
        yield "axes", _draw_axes(figures, effects[:_MOST_AXES])
    if len(figures.point) > 1:
        yield "pareto", _draw_fronts(figures, numbers_file)
    pair = _pair(effects)
    if pair is not None:
        yield "heatmap", _draw_heat_map(figures, pair)


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
        places, together = _together(places, effect.values)
        sides = (("time (ms)", figures.time_ms), ("speedup", figures.speedup))
        for axes, (label, numbers) in zip(grid[line], sides, strict=True):
            apart = [("", np.ones(len(figures.point), dtype=bool))]
            for number, (name, chosen) in enumerate(apart if effect.axis == "model" else networks):
                codes = figures.codes[effect.axis][chosen] // together
                values = numbers[chosen]
                _draw_band(axes, places, codes, values, name=name, number=number)
            axes.set_xlabel(effect.axis)
            axes.set_ylabel(label)
            if numbers is figures.time_ms:
                axes.set_yscale("log")
            else:
                axes.set_ylim(bottom=0)
    if len(networks) > 1:
        figure.legend(*_handles(grid), loc="outside lower center", ncols=len(networks))
    title = "median and range of all points with the same value"
    if any(len(effect.values) > _MOST_MARKS for effect in effects):
        title += f"\n(neighboring values together if an axis has more than {_MOST_MARKS})"
    figure.suptitle(title)
    return figure


def _together(places: Floats, values: tuple[Value, ...]) -> tuple[Floats, int]:
    """How many neighbouring numbers are drawn as one, and where: the middle one's place."""
    if not all(is_number(value) for value in values):
        return places, 1
    count = ceil(len(values) / _MOST_MARKS)
    middles = np.arange(0, len(values), count) + count // 2
    return places[np.minimum(middles, len(values) - 1)], count


def _handles(grid: Any) -> tuple[list[Any], list[str]]:
    """Line and name of every network, from the first panel that tells them apart."""
    named: list[tuple[list[Any], list[str]]]
    named = [axes.get_legend_handles_labels() for axes in grid.flat]
    return max(named, key=lambda pair: len(pair[1]))


def _draw_band(
    axes: "Axes", places: Floats, codes: Codes, values: Floats, *, name: str, number: int
) -> None:
    colour = _COLOURS[number % len(_COLOURS)]
    order = np.argsort(codes, kind="stable")
    used, starts = np.unique(codes[order], return_index=True)
    if not len(used):
        return
    by_level = np.split(values[order], starts[1:])
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


def _label(axis: "Axis", values: Floats) -> None:
    """Few labels along a log scale of less than two decades, where the usual ones collide."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

    span = values.max() / values.min()
    if span < 100:
        axis.set_major_locator(MaxNLocator(4) if span < 10 else LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(ScalarFormatter())
        axis.set_minor_formatter(NullFormatter())


# --- Pareto fronts ------------------------------------------------------------------------------

_COSTS = {
    "PEs": (("hw.array.pes",), 1),
    "area proxy (gate equivalents)": (("area_gate_equivalents",), 1),
    "DRAM bytes moved (MB)": (("dram_read_bytes", "dram_written_bytes"), 1e6),
}
"""Columns that are added up, and what one unit of the panel is."""


def front(cost: Floats, time: Floats) -> NDArray[np.int64]:
    """Numbers of the points that no other beats in both, by rising cost."""
    order = np.lexsort((time, cost))
    best = np.minimum.accumulate(time[order])
    first = np.concatenate(([True], best[1:] < best[:-1])) if len(order) else np.empty(0, bool)
    return order[first]


def dots(cost: Floats, time: Floats) -> tuple[Floats, Floats]:
    """Where points are, on log scales, as dots that can be told apart: at most `_DOTS` squared."""
    least = cost.min(), time.min()
    spans = cost.max() / least[0], time.max() / least[1]
    steps = [max(np.log(span), 1e-9) / (_DOTS - 1) for span in spans]
    across, along = (
        np.rint(np.log(values / smallest) / step).astype(np.int64)
        for values, smallest, step in zip((cost, time), least, steps, strict=True)
    )
    across, along = np.divmod(np.unique(across * _DOTS + along), _DOTS)
    return least[0] * np.exp(across * steps[0]), least[1] * np.exp(along * steps[1])


def _draw_fronts(figures: StudyFigures, numbers_file: Path) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    panels = figure.subplots(1, len(_COSTS))
    for axes, (label, (columns, unit)) in zip(panels, _COSTS.items(), strict=True):
        cost = read_numbers(numbers_file, columns) / unit
        for number, (name, chosen) in enumerate(_networks(figures)):
            colour = _COLOURS[number % len(_COLOURS)]
            where, time = cost[chosen], figures.time_ms[chosen]
            axes.scatter(
                *dots(where, time), s=4, color=colour, alpha=0.3, linewidth=0, rasterized=True
            )
            best = front(where, time)
            axes.plot(
                where[best], time[best], "o-", drawstyle="steps-post", color=colour,
                markersize=3, linewidth=1, label=name or None,
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        _label(axes.xaxis, cost)
        _label(axes.yaxis, figures.time_ms)
        if label == "PEs":
            _places(axes, tuple(np.unique(cost).tolist()))
        axes.set_xlabel(label)
        axes.set_ylabel("time (ms)")
    if "model" in figures.axes:
        panels[0].legend(frameon=False)
    figure.suptitle("all points (coinciding points as one dot) and their Pareto front")
    return figure


# --- heat map -----------------------------------------------------------------------------------


def _pair(effects: Sequence[AxisEffect]) -> tuple[AxisEffect, AxisEffect] | None:
    """The two axes that matter most of those that make a heat map of cells that can be seen."""
    possible = [effect for effect in effects if effect.axis not in {"model", "input_size"}]
    return next(
        (
            (one, other)
            for one, other in combinations(possible, 2)
            if len(one.values) * len(other.values) <= _MOST_CELLS
        ),
        None,
    )


def _draw_heat_map(figures: StudyFigures, pair: Sequence[AxisEffect]) -> "Figure":
    """Geometric mean time over the two axes that matter most, relative to the smallest."""
    from matplotlib.figure import Figure

    across, along = pair
    shape = (len(along.values), len(across.values))
    cell = figures.codes[along.axis].astype(np.int64) * shape[1] + figures.codes[across.axis]
    count = np.bincount(cell, minlength=shape[0] * shape[1])
    total = np.bincount(cell, np.log(figures.time_ms), shape[0] * shape[1])
    mean = np.full(len(count), np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    relative = np.exp(mean - np.nanmin(mean)).reshape(shape)
    figure = Figure(
        figsize=(min(12, 2.4 + 0.55 * shape[1]), min(10, 1.6 + 0.32 * shape[0])),
        layout="constrained",
    )
    axes = figure.subplots()
    places = (np.arange(length + 1) - 0.5 for length in reversed(shape))
    image = axes.pcolormesh(*places, np.log2(relative), cmap="viridis_r", rasterized=True)
    for setter, effect in ((axes.set_xticks, across), (axes.set_yticks, along)):
        step = max(1, len(effect.values) // 16)
        ticks = range(0, len(effect.values), step)
        setter(ticks, [_short(effect.values[tick]) for tick in ticks])
    axes.set_xlabel(across.axis)
    axes.set_ylabel(along.axis)
    if relative.size <= _NUMBERED_CELLS:
        _write_cells(axes, relative)
    bar = figure.colorbar(image, ax=axes)
    bar.set_label("log2 of the relative time")
    axes.set_title("geometric mean of the time relative to the smallest", fontsize=8)
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
