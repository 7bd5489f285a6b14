"""Figure of a PE-count study: time, scaling efficiency and bottlenecks against the PEs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.base.wording import time_unit
from simulator.report.style import Style
from simulator.studies.causes import cycles_columns, short_names
from simulator.studies.factors import Factor, factors_of
from simulator.studies.plot_style import HATCHES, label_numbers, place_values, series
from simulator.studies.point_numbers import Floats
from simulator.studies.relative import size_axis
from simulator.studies.terminal import PointsTable
from simulator.studies.wording import baseline_title, short_name, shown, subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_CURVES = 3
"""The maximum number of curves for other axes' values; with more, the study has no figure."""
_EXPLAINED = 3
"""The number of slower points with a printed reason."""
_MINOR = 1.0
"""The percentage of every bar below which causes share one segment."""
_FILLS = ("#4C78A8", "#F2B134", "#7FB77E", "#D67195", "#9ECAE9", "#B279A2", "#C7B299", "#DDDDDD")

_TIMES = ("time_ms", "baseline_time_ms")
"""Columns of the times of the run and, if it has one, of its baseline."""

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Curve:
    """Points that differ in the PEs alone, by rising PEs."""

    name: str
    rows: Sequence[Row]
    causes: Mapping[str, str]
    """The short names of the categories on the critical path, by category."""

    @property
    def pes(self) -> list[int]:
        """The number of PEs of each point."""
        return [row["pes"] for row in self.rows]

    @property
    def times(self) -> list[str]:
        """The columns of times that all of its points have."""
        return [name for name in _TIMES if all(row.get(name) is not None for row in self.rows)]

    def column(self, name: str) -> Any:
        """[points] a column of numbers."""
        return np.array([row[name] for row in self.rows], dtype=np.float64)


def draw_scaling(table: PointsTable, style: Style) -> "Figure | None":
    """Draw the figure.

    Returns None if no single axis changes the number of PEs, or if other axes make too many curves.
    """
    from matplotlib.figure import Figure

    curves = _curves(table)
    if not curves:
        return None
    panels = 2 + len(curves)
    across = 1 if not style.titled else 3 if panels == 3 else 2
    along = -(-panels // across)
    height = 2.0 if across == 1 else 2.8
    figure = Figure(figsize=(style.width_inches, height * along), layout="constrained")
    grid = figure.subplots(along, across, squeeze=False).ravel().tolist()
    for spare in grid[panels:]:
        spare.remove()
    _draw_times(grid[0], table, curves, style)
    _draw_efficiency(grid[1], table, curves)
    stacks = _stacks(curves)
    for number, (axes, curve) in enumerate(zip(grid[2:], curves, strict=False)):
        _draw_causes(axes, curve, stacks, legend=number == 0, named=len(curves) > 1)
    if style.titled:
        figure.suptitle(subject(table.study, table.figures), fontsize=style.points)
    return figure


def _curves(table: PointsTable) -> list[_Curve]:
    """The points as curves, in the order of their first points."""
    figures = table.figures
    size = size_axis(table.study, figures)
    if size is None or len(table.rows) < len(figures.point):
        return []
    others = [factor for factor in factors_of(figures) if size not in factor.axes]
    by_name: dict[str, list[Row]] = {}
    for place, row in enumerate(table.rows):
        by_name.setdefault(curve_name(others, place), []).append(row)
    if len(by_name) > _MOST_CURVES:
        return []
    causes = short_names(table.study.machines)
    curves = [
        _Curve(name=name, rows=sorted(rows, key=lambda row: row["pes"]), causes=causes)
        for name, rows in by_name.items()
    ]
    return [curve for curve in curves if len(set(curve.pes)) > 1]


def curve_name(factors: Sequence[Factor], place: int) -> str:
    """The values of the other axes at a point."""
    values = [(factor, factor.values[factor.codes[place]][0]) for factor in factors]
    return ", ".join(f"{short_name(factor.lead)} {shown(value)}" for factor, value in values)


def _draw_times(axes: "Axes", table: PointsTable, curves: Sequence[_Curve], style: Style) -> None:
    """Draw the times of runs and baselines, log-log, and perfect scaling through the reference."""
    every = np.concatenate([c.column(n) for c in curves for n in c.times])
    unit, factor = time_unit([float(every.max())])
    pes = sorted({count for curve in curves for count in curve.pes})
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    titles = {"time_ms": _bits(table)}
    if table.study.inputs.has_baselines:
        titles["baseline_time_ms"] = baseline_title(table.study)
    number = 0
    drawn: set[tuple[float, ...]] = set()
    for column, bits in titles.items():
        for curve in (curve for curve in curves if column in curve.times):
            times = factor * curve.column(column)
            if tuple(times) in drawn:  # a baseline that the other axes do not change
                continue
            drawn.add(tuple(times))
            label = f"{bits}, {curve.name}" if curve.name else bits
            axes.plot(curve.pes, times, clip_on=False, zorder=3, label=label, **series(number))
            number += 1
        _draw_ideal(axes, table, pes, column, factor, labeled=column == "time_ms")
    _mark_slower(axes, curves, factor)
    place_values(axes, pes)
    label_numbers(axes.yaxis, factor * every)
    axes.set_xlabel("PEs")
    axes.set_ylabel(f"time ({unit})")
    title = None if style.titled else subject(table.study, table.figures, short=True)
    columns = 1 if any(curve.name for curve in curves) else 3
    _legend_above(axes, columns, title=title, title_fontsize=style.small_points, handlelength=3.2)


def _bits(table: PointsTable) -> str:
    """The bits of the runs, or `run` if they differ."""
    bits = {row["bits"] for row in table.rows}
    return f"{bits.pop():g} bit" if len(bits) == 1 else "run"


def _draw_ideal(
    axes: "Axes",
    table: PointsTable,
    pes: Sequence[int],
    column: str,
    factor: float,
    *,
    labeled: bool,
) -> None:
    """Draw a time that halves with twice the PEs, through the reference of the first point."""
    by_point = {row["point"]: row for row in table.rows}
    reference = by_point[table.rows[0]["reference_point"]]
    if reference.get(column) is None:  # hardware without a baseline
        return
    ideal = factor * reference[column] * reference["pes"] / np.array(pes)
    label = "ideal" if labeled else None
    axes.plot(pes, ideal, color="0.45", linewidth=0.7, linestyle=":", label=label, zorder=1)


def _legend_above(axes: "Axes", columns: int, **options: Any) -> None:
    """Draw a legend that covers no point."""
    axes.legend(
        frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns,
        columnspacing=1.0, **options,
    )  # fmt: skip


def _mark_slower(axes: "Axes", curves: Sequence[_Curve], factor: float) -> None:
    """Ring each point that is slower than a smaller array; explain the first of these points."""
    by_point = {row["point"]: row for curve in curves for row in curve.rows}
    slower = [row for row in by_point.values() if row["slower_than_point"] in by_point]
    for number, row in enumerate(slower):
        place = (row["pes"], factor * row["time_ms"])
        axes.plot(*place, "o", markersize=9, fillstyle="none", color="black", markeredgewidth=0.8)
        if number < _EXPLAINED:
            faster = by_point[row["slower_than_point"]]["pes"]
            axes.annotate(
                f"slower than {faster} PEs: {row['grown_cause']} grew most", place,
                xytext=(0.03, 0.05 + 0.1 * number), textcoords="axes fraction", fontsize="small",
                arrowprops={"arrowstyle": "-", "linewidth": 0.5, "shrinkB": 4},
            )  # fmt: skip


def _draw_efficiency(axes: "Axes", table: PointsTable, curves: Sequence[_Curve]) -> None:
    """Draw the scaling efficiency of runs and baselines, in percent.

    The efficiency is the speedup over the reference, divided by the ratio of PEs.
    """
    by_point = {row["point"]: row for row in table.rows}
    pes = sorted({count for curve in curves for count in curve.pes})
    axes.set_xscale("log", base=2)
    number = 0
    drawn: set[tuple[float, ...]] = set()
    highest = 100.0
    for column in _TIMES:
        for curve in (curve for curve in curves if column in curve.times):
            times = curve.column(column)
            if tuple(times) in drawn:
                continue
            drawn.add(tuple(times))
            references = [by_point[row["reference_point"]] for row in curve.rows]
            if any(row.get(column) is None for row in references):
                continue
            ideal = [row[column] * row["pes"] for row in references]
            efficiency = 100 * np.array(ideal) / (times * np.array(curve.pes))
            axes.plot(curve.pes, efficiency, clip_on=False, zorder=3, **series(number))
            highest = max(highest, float(efficiency.max()))
            number += 1
    axes.axhline(100, color="0.45", linewidth=0.7, linestyle=":", zorder=1)
    place_values(axes, pes)
    axes.set_ylim(0, 1.05 * highest)
    axes.set_xlabel("PEs")
    axes.set_ylabel("scaling efficiency (%)")


def _shares(curve: _Curve) -> Floats:
    """[points, causes] percentage of the critical path."""
    columns = cycles_columns(curve.causes)
    cycles = np.array([[row[name] or 0 for name in columns] for row in curve.rows], dtype=float)
    found: Floats = 100 * cycles / cycles.sum(axis=1, keepdims=True)
    return found


def _stacks(curves: Sequence[_Curve]) -> list[int]:
    """The numbers of the causes with their own segments, largest first."""
    shares = np.concatenate([_shares(curve) for curve in curves])
    order = np.argsort(-shares.sum(axis=0), kind="stable").tolist()
    return [n for n in order if shares[:, n].max() >= _MINOR][: len(_FILLS) - 1]


def _draw_causes(
    axes: "Axes", curve: _Curve, stacks: Sequence[int], *, legend: bool, named: bool
) -> None:
    """Draw stacked fractions of the causes along each run's critical path."""
    shares = _shares(curve)
    places = np.arange(len(curve.rows))
    bottom = np.zeros(len(curve.rows))
    names = tuple(curve.causes.values())
    drawn = [(names[n], shares[:, n]) for n in stacks]
    drawn.append(("other", np.maximum(0, 100 - shares[:, list(stacks)].sum(axis=1))))
    for number, (name, share) in enumerate(drawn):
        axes.bar(
            places, share, 0.75, bottom, label=name, color=_FILLS[number], edgecolor="black",
            linewidth=0.4, hatch=HATCHES[number],
        )  # fmt: skip
        bottom += share
    marks = ["!" if row["slower_than_point"] is not None else "" for row in curve.rows]
    axes.set_xticks(places, [f"{n}{mark}" for n, mark in zip(curve.pes, marks, strict=True)])
    axes.set_ylim(0, 100)
    axes.set_xlabel(f"PEs ({curve.name})" if named else "PEs")
    axes.set_ylabel("critical path (%)")
    if legend:
        _legend_above(axes, 2, handlelength=1.6)
