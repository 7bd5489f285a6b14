"""Plots of a study: time and speedup against each axis, Pareto fronts, a heat map."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.base.writing import write_file
from simulator.report.style import SCREEN, Style, save_figure
from simulator.studies.axes import PRECISION, Value
from simulator.studies.batch_figure import draw_batch
from simulator.studies.chosen_figure import Chosen, draw_chosen
from simulator.studies.effects import Effect
from simulator.studies.fronts import front
from simulator.studies.plot_style import MOST_SERIES, drawing, label_numbers, place_values
from simulator.studies.plot_style import series as look
from simulator.studies.point_numbers import Codes, Floats, StudyFigures, is_number, read_numbers
from simulator.studies.scaling_figure import draw_scaling
from simulator.studies.wording import short_name, shown, subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.studies.result import StudyResult

_MOST_AXES = 8
"""The maximum number of axes to draw; the axes that matter most come first."""
_MOST_MARKS = 128
"""The maximum number of marks along an axis of numbers; beyond it, adjacent values share a mark."""
_NUMBERED_CELLS = 400
"""The maximum number of cells of a heat map with printed numbers."""
_MOST_CELLS = 1 << 18
"""The maximum number of cells of a heat map."""
_DOTS = 400
"""The number of dots across a panel of `pareto`, and along it: half a printer's point apart."""


def write_plots(
    result: "StudyResult", numbers_file: Path, style: Style = SCREEN, chosen: Chosen | None = None
) -> tuple[Path, ...]:
    """Write the figures of a study: scaling, batch, axes, pareto, and heatmap.

    Args:
        result: a result with the table of points as its first file.
        numbers_file: `points.npz` in the study's folder.
        style: sizes, fonts and files.
        chosen: columns of a figure of the user's own, `plot`, if any.

    """
    with drawing(style):
        return tuple(
            write_file(numbers_file.with_name(f"{name}.{kind}"), partial(save_figure, figure))
            for name, figure in _drawn(result, numbers_file, style, chosen)
            for kind in style.endings
        )


def _drawn(
    result: "StudyResult", numbers_file: Path, style: Style, chosen: Chosen | None
) -> Iterator[tuple[str, "Figure"]]:
    """Yield the figures by name, one at a time."""
    figures, effects = result.figures, result.effects
    if chosen is not None:
        yield "plot", draw_chosen(result, chosen, style)
    if result.points is not None and (scaling := draw_scaling(result.points, style)) is not None:
        yield "scaling", scaling
    if result.points is not None and (batches := draw_batch(result.points, style)) is not None:
        yield "batch", batches
    if not style.titled:  # the remaining figures are for exploration
        return
    title = subject(result.study, figures)
    if effects:
        yield "axes", _draw_axes(figures, effects[:_MOST_AXES], title)
    if len(figures.point) > 1:
        yield "pareto", _draw_fronts(figures, numbers_file, title)
    pair = _pair(effects)
    if pair is not None:
        yield "heatmap", _draw_heat_map(figures, pair, title)


Series = list[tuple[str, NDArray[np.bool_]]]


def _series(figures: StudyFigures) -> Series:
    """The series by color: networks and precisions, whose times do not compare.

    If the precisions are too many, only the networks are series. Each series has its points.
    """
    every: Series = [("", np.ones(len(figures.point), dtype=bool))]
    for names in (("model", *PRECISION), ("model",)):
        found = every
        for name in (name for name in names if name in figures.axes):
            text = "" if name == "model" else f"{name.replace('_', '-')} "
            found = [
                (", ".join(filter(None, (title, f"{text}{value}"))), chosen)
                for title, before in found
                for number, value in enumerate(figures.axes[name])
                if (chosen := before & (figures.codes[name] == number)).any()
            ]
        if len(found) <= MOST_SERIES:
            return found
    return every


# --- time and speedup against each axis --------------------------------------------------------


def _draw_axes(figures: StudyFigures, effects: Sequence[Effect], title: str) -> "Figure":
    from matplotlib.figure import Figure

    sides = [("time (ms)", figures.time_ms)]
    sides += [("speedup", figures.speedup)] if figures.has_speedups else []
    figure = Figure(figsize=(4 * len(sides), 2.2 * len(effects)), layout="constrained")
    grid = figure.subplots(len(effects), len(sides), squeeze=False)
    every = _series(figures)
    for line, effect in enumerate(effects):
        places, *_ = (place_values(axes, effect.leading_values) for axes in grid[line])
        places, together = _together(places, effect.leading_values)
        for axes, (label, numbers) in zip(grid[line], sides, strict=True):
            apart = [("", np.ones(len(figures.point), dtype=bool))]
            for number, (name, chosen) in enumerate(
                apart if effect.axis in {"model", *PRECISION} else every
            ):
                known = chosen & np.isfinite(numbers)
                codes = figures.codes[effect.axis][known] // together
                values = numbers[known]
                _draw_band(axes, places, codes, values, name=name, number=number)
            axes.set_xlabel(short_name(effect.axis))
            axes.set_ylabel(label)
            if numbers is figures.time_ms:
                axes.set_yscale("log")
                label_numbers(axes.yaxis, numbers)
            else:
                axes.set_ylim(bottom=0)
    if len(every) > 1:
        figure.legend(*_handles(grid), loc="outside lower center", ncols=min(4, len(every)))
    title += "\nmedian and range of all points with the same value"
    if any(len(effect.leading_values) > _MOST_MARKS for effect in effects):
        title += f"\n(neighboring values together if an axis has more than {_MOST_MARKS})"
    figure.suptitle(title)
    return figure


def _together(places: Floats, values: tuple[Value, ...]) -> tuple[Floats, int]:
    """Return the positions of the marks, and the number of adjacent values in a mark.

    A mark is at the position of its middle value.
    """
    if not all(is_number(value) for value in values):
        return places, 1
    count = ceil(len(values) / _MOST_MARKS)
    middles = np.arange(0, len(values), count) + count // 2
    return places[np.minimum(middles, len(values) - 1)], count


def _handles(grid: Any) -> tuple[list[Any], list[str]]:
    """The lines and names of all networks, from the first panel that separates them."""
    named: list[tuple[list[Any], list[str]]]
    named = [axes.get_legend_handles_labels() for axes in grid.flat]
    return max(named, key=lambda pair: len(pair[1]))


def _draw_band(
    axes: "Axes", places: Floats, codes: Codes, values: Floats, *, name: str, number: int
) -> None:
    looks = look(number)
    order = np.argsort(codes, kind="stable")
    used, starts = np.unique(codes[order], return_index=True)
    if not len(used):
        return
    by_level = np.split(values[order], starts[1:])
    low, middle, high = (
        np.array([function(level) for level in by_level])
        for function in (np.min, np.median, np.max)
    )
    axes.fill_between(places[used], low, high, color=looks["color"], alpha=0.15, linewidth=0)
    axes.plot(places[used], middle, markersize=3, label=name or None, clip_on=False, **looks)


# --- Pareto fronts ------------------------------------------------------------------------------

_HEAT_MAP = "time of the fastest point of each pair of values, relative to the fastest of all"
_COSTS = {
    "PEs": (("pes",), 1),
    "area (MGE)": (("area_gate_equivalents",), 1e6),
    "DRAM bytes moved (MB)": (("dram_read_bytes", "dram_written_bytes"), 1e6),
}
"""Columns to add up, and the unit of the panel's axis."""


def dots(cost: Floats, time: Floats) -> tuple[Floats, Floats]:
    """Round points to distinguishable dots on log scales: at most `_DOTS` squared."""
    least = cost.min(), time.min()
    spans = cost.max() / least[0], time.max() / least[1]
    steps = [max(np.log(span), 1e-9) / (_DOTS - 1) for span in spans]
    across, along = (
        np.rint(np.log(values / smallest) / step).astype(np.int64)
        for values, smallest, step in zip((cost, time), least, steps, strict=True)
    )
    across, along = np.divmod(np.unique(across * _DOTS + along), _DOTS)
    return least[0] * np.exp(across * steps[0]), least[1] * np.exp(along * steps[1])


def _draw_fronts(figures: StudyFigures, numbers_file: Path, title: str) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    panels = figure.subplots(1, len(_COSTS))
    for axes, (label, (columns, unit)) in zip(panels, _COSTS.items(), strict=True):
        cost = read_numbers(numbers_file, columns) / unit
        for number, (name, chosen) in enumerate(_series(figures)):
            looks = look(number)
            where, time = cost[chosen], figures.time_ms[chosen]
            axes.scatter(
                *dots(where, time),
                s=4,
                color=looks["color"],
                alpha=0.3,
                linewidth=0,
                rasterized=True,
            )
            best = front(where, time)
            axes.plot(
                where[best], time[best], drawstyle="steps-post", markersize=3, linewidth=1,
                label=name or None, clip_on=False, **looks,
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        label_numbers(axes.xaxis, cost)
        label_numbers(axes.yaxis, figures.time_ms)
        if label == "PEs":
            place_values(axes, tuple(np.unique(cost).tolist()))
        axes.set_xlabel(label)
        axes.set_ylabel("time (ms)")
    if len(_series(figures)) > 1:
        panels[0].legend(frameon=False)
    figure.suptitle(f"{title}\nall points (coinciding points as one dot) and their Pareto front")
    return figure


# --- heat map -----------------------------------------------------------------------------------


def _pair(effects: Sequence[Effect]) -> tuple[Effect, Effect] | None:
    """The two axes that matter most, among the pairs whose heat map has cells of visible size."""
    possible = [effect for effect in effects if effect.axis not in {"model", "input_size"}]
    return next(
        (
            (one, other)
            for one, other in combinations(possible, 2)
            if len(one.leading_values) * len(other.leading_values) <= _MOST_CELLS
        ),
        None,
    )


def _draw_heat_map(figures: StudyFigures, pair: Sequence[Effect], title: str) -> "Figure":
    """Draw the best time for every pair of values of two axes, relative to the best of all."""
    from matplotlib.figure import Figure

    across, along = pair
    shape = (len(along.leading_values), len(across.leading_values))
    cell = figures.codes[along.axis].astype(np.int64) * shape[1] + figures.codes[across.axis]
    least = np.full(shape[0] * shape[1], np.inf)
    np.minimum.at(least, cell, figures.time_ms)
    least[np.isinf(least)] = np.nan
    relative = (least / np.nanmin(least)).reshape(shape)
    figure = Figure(
        figsize=(min(12, 2.4 + 0.55 * shape[1]), min(10, 1.6 + 0.32 * shape[0])),
        layout="constrained",
    )
    axes = figure.subplots()
    places = (np.arange(length + 1) - 0.5 for length in reversed(shape))
    image = axes.pcolormesh(*places, np.log2(relative), cmap="viridis_r", rasterized=True)
    for setter, effect in ((axes.set_xticks, across), (axes.set_yticks, along)):
        step = max(1, len(effect.leading_values) // 16)
        ticks = range(0, len(effect.leading_values), step)
        setter(ticks, [shown(effect.leading_values[tick]) for tick in ticks])
    axes.set_xlabel(short_name(across.axis))
    axes.set_ylabel(short_name(along.axis))
    if relative.size <= _NUMBERED_CELLS:
        _write_cells(axes, relative)
    bar = figure.colorbar(image, ax=axes)
    bar.set_label("log2 of the relative time")
    axes.set_title(f"{title}\n{_HEAT_MAP}", fontsize=8)
    return figure


def _write_cells(axes: "Axes", relative: Floats) -> None:
    dark = np.sqrt(np.nanmax(relative))
    for (row, column), value in np.ndenumerate(relative):
        if not np.isnan(value):
            color = "white" if value > dark else "black"
            axes.text(
                column, row, f"{value:.2f}", ha="center", va="center", fontsize=6, color=color
            )
