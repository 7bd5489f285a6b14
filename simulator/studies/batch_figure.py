"""Figure of a study over batch: latency against throughput, and energy per image against batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.base.wording import time_unit
from simulator.report.style import Style
from simulator.studies.factors import factors_of
from simulator.studies.plot_style import MOST_SERIES, label_numbers, place_values, series
from simulator.studies.scaling_figure import curve_name
from simulator.studies.terminal import PointsTable
from simulator.studies.wording import subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AXIS = "batch"

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Curve:
    """Points that differ in the batch alone, by rising batch."""

    name: str
    rows: Sequence[Row]

    def column(self, name: str) -> list[float]:
        """[points] a column of numbers."""
        return [row[name] for row in self.rows]


def draw_batch(table: PointsTable, style: Style) -> "Figure | None":
    """Draw the figure.

    Returns None if batch is not an axis, or if other axes make too many curves.
    """
    from matplotlib.figure import Figure

    curves = _curves(table)
    if not curves:
        return None
    priced = [c for c in curves if None not in c.column("energy_uj_per_image")]
    panels = 1 + bool(priced)
    across, along = (panels, 1) if style.titled else (1, panels)
    height = 2.8 if style.titled else 2.0
    figure = Figure(figsize=(style.width_inches, height * along), layout="constrained")
    grid = figure.subplots(along, across, squeeze=False).ravel().tolist()
    _draw_rates(grid[0], curves, style)
    if priced:
        _draw_energies(grid[1], priced)
    if len(curves) > 1:
        grid[0].legend(frameon=False, loc="lower right")
    if style.titled:
        scope = table.study.inputs.scope
        title = f"{subject(table.study, table.figures)}; scope {scope}"
        figure.suptitle(title, fontsize=style.points)
    return figure


def _curves(table: PointsTable) -> list[_Curve]:
    """The points as curves, in the order of their first points."""
    figures = table.figures
    if AXIS not in figures.axes or len(table.rows) < len(figures.point):
        return []
    others = [factor for factor in factors_of(figures) if AXIS not in factor.axes]
    by_name: dict[str, list[Row]] = {}
    for place, row in enumerate(table.rows):
        by_name.setdefault(curve_name(others, place), []).append(row)
    if len(by_name) > MOST_SERIES:
        return []
    return [
        _Curve(name=name, rows=sorted(rows, key=lambda row: row[AXIS]))
        for name, rows in by_name.items()
    ]


def _draw_rates(axes: "Axes", curves: Sequence[_Curve], style: Style) -> None:
    """Draw images per second against the latency of the batch, with the batch at each point."""
    unit, factor = time_unit([time for curve in curves for time in curve.column("time_ms")])
    for number, curve in enumerate(curves):
        times = [factor * time for time in curve.column("time_ms")]
        rates = curve.column("images_per_second")
        axes.plot(times, rates, label=curve.name, **series(number))
        for row, time, rate in zip(curve.rows, times, rates, strict=True):
            axes.annotate(
                f"{row[AXIS]}", (time, rate), (3, 4), textcoords="offset points",
                fontsize=style.small_points,
            )  # fmt: skip
    axes.set_xscale("log")
    label_numbers(axes.xaxis, np.array([factor * t for c in curves for t in c.column("time_ms")]))
    axes.margins(y=0.15)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(f"latency of the batch ({unit}); labels: images of the batch")
    axes.set_ylabel("images/s")


def _draw_energies(axes: "Axes", curves: Sequence[_Curve]) -> None:
    """Draw the energy per image against the batch."""
    for number, curve in enumerate(curves):
        axes.plot(curve.column(AXIS), curve.column("energy_uj_per_image"), **series(number))
    place_values(axes, sorted({row[AXIS] for curve in curves for row in curve.rows}))
    axes.set_ylim(bottom=0)
    axes.set_xlabel("images of the batch")
    axes.set_ylabel("energy per image (µJ)")
