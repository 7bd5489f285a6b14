"""Table of a study's points in the terminal: the values that a designer would publish."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from rich.console import Console

from simulator.analysis.performance import operations_counted
from simulator.base.lines import print_line
from simulator.base.wording import counted, listed, time_unit
from simulator.report.tables import Column, Table, print_table
from simulator.studies.axes import POINT_FIELDS
from simulator.studies.columns import column_of, links_of
from simulator.studies.factors import Factor, factors_of
from simulator.studies.point_numbers import StudyFigures
from simulator.studies.relative import Relations, machine_axes, size_axis
from simulator.studies.study import Study
from simulator.studies.wording import baseline_title, short_name, shown

MOST_ROWS = 40
"""The maximum number of points in the terminal; the files have all points."""
_EXPLAINED = 5
"""The maximum number of slower points with an explanation."""
_MOST_DECIMALS = 6
_IDLE = 2
"""The maximum number of stages with idle PEs in an explanation."""
_FASTEST, _CHEAPEST, _SLOWER, _DOMINATED = "*+!~"
"""Marks of points, in order of printing."""

Row = Mapping[str, Any]


def shown_places(figures: StudyFigures, relations: Relations) -> list[int]:
    """The indices of the points in the table; if many, the best, then the nondominated points."""
    every = np.arange(len(figures.point))
    if len(every) > MOST_ROWS:
        best = relations.fastest | relations.cheapest
        order = np.lexsort((every, relations.dominated, ~best))
        every = np.sort(order[:MOST_ROWS])
    places: list[int] = every.tolist()
    return places


@dataclass(frozen=True, kw_only=True)
class PointsTable:
    """The points of a finished study in the terminal and the summary."""

    study: Study
    figures: StudyFigures
    relations: Relations
    rows: Sequence[Row]
    """Rows of the table of points."""

    def draw(self, console: Console) -> None:
        """Print the table and the lines that explain its marks."""
        titles = print_table(self.table(), console)
        print_line(console, "")
        for line in self.explanations(titles):
            print_line(console, line)

    def table(self) -> Table:
        """The points as columns, with the fastest points in bold."""
        best = {n for n, row in enumerate(self.rows) if _FASTEST in self._marks[row["point"]]}
        return Table(columns=[*self._axis_columns(), *self._result_columns()], sums=frozenset(best))

    # --- columns --------------------------------------------------------------------------------

    def _axis_columns(self) -> list[Column]:
        """One column per axis; the first column has the marks."""
        marks = [self._marks[row["point"]] for row in self.rows]
        width = max(map(len, marks))
        names = list(self.figures.axes) or ["model"]
        leads = {factor.lead for factor in self._factors}
        columns = []
        for number, name in enumerate(names):
            values = [row[column_of(name)] for row in self.rows]
            linked = [name in links_of(row["links"]) for row in self.rows]
            cells = ["=" * link + shown(v) for link, v in zip(linked, values, strict=True)]
            if number == 0:
                cells = [f"{cell}{mark:{width}}" for cell, mark in zip(cells, marks, strict=True)]
            texts = any(isinstance(value, str) for value in values)
            columns.append(
                Column(
                    title=short_name(name) + " " * (width if number == 0 and not texts else 0),
                    cells=cells,
                    kind="label" if texts else "number",
                    importance=100 if number == 0 or name in leads else 45,
                )
            )
        return columns

    def _result_columns(self) -> list[Column]:
        """The columns of times, ratios, costs and the bottleneck."""
        unit, factor = time_unit([max(row["time_ms"] for row in self.rows)])
        columns = [self._numbers(unit, "time_ms", 100, factor, least=3, more=True)]
        if self.study.inputs.has_baselines:
            base = baseline_title(self.study)
            columns.append(self._numbers(base, "baseline_time_ms", 70, factor, least=3))
            columns.append(self._numbers("speedup", "speedup", 85, least=2))
        if machine_axes(self.figures):
            columns.append(self._numbers(self._versus, "speedup_over_reference", 75, least=2))
        if self.relations.efficiency is not None:
            columns.append(self._numbers("eff.%", "scaling_efficiency_percent", 65))
        mega = self._numbers("MGE", "area_gate_equivalents", 72, 1e-6, least=2, more=True)
        product = self._numbers(f"{unit}*MGE", "time_area_ms_mge", 68, factor, least=2, more=True)
        columns += [mega, product]
        causes = [_cause(row) for row in self.rows]
        columns.append(Column(title="bottleneck", cells=causes, kind="label", importance=90))
        energy = self._numbers("µJ", "energy_uj", 40, more=True)
        images = self._numbers("images/s", "images_per_second", 78 if self._batches else 30)
        each = [self._numbers("µJ/image", "energy_uj_per_image", 76, more=True)] * self._batches
        rates = (
            self._numbers("TOPS", "tops", 20, least=2, more=True),
            self._numbers("TOPS/W", "tops_per_watt", 19, least=2, more=True),
        )
        return [*columns, energy, images, *each, *(replace(one, wide=True) for one in rates)]

    def _numbers(
        self,
        title: str,
        column: str,
        importance: int,
        factor: float = 1,
        *,
        least: int = 0,
        more: bool = False,
    ) -> Column:
        """A column of numbers.

        Args:
            title: title of the column.
            column: column of the table of points.
            importance: see `Column`.
            factor: factor from the column's unit to the title's.
            least: minimum number of decimals.
            more: use enough decimals for two digits of the smallest number.

        """
        values = [row[column] for row in self.rows]
        smallest = min((abs(factor * value) for value in values if value), default=1.0)
        decimals = least
        while more and decimals < _MOST_DECIMALS and smallest * 10**decimals < 10:
            decimals += 1
        cells = ["" if value is None else f"{factor * value:,.{decimals}f}" for value in values]
        return Column(title=title, cells=cells, importance=importance)

    @property
    def _batches(self) -> bool:
        return "batch" in self.figures.axes

    @property
    def _factors(self) -> tuple[Factor, ...]:
        return factors_of(self.figures)

    # --- the reference --------------------------------------------------------------------------

    @property
    def _versus(self) -> str:
        """The title of the column that compares with the reference."""
        place = int(self.relations.reference[0])
        axes = machine_axes(self.figures)
        values = {name: self._value(name, place) for name in axes}
        same = all(
            (self.figures.codes[name][self.relations.reference] == code).all()
            for name, code in ((name, self.figures.codes[name][place]) for name in axes)
        )
        leads = [f.lead for f in self._factors if f.lead in axes]
        if same and leads == [self._size] and values[leads[0]].isdecimal():  # not an expression
            return f"vs {values[leads[0]]} {short_name(leads[0])}"
        return "vs ref."

    def _value(self, name: str, place: int) -> str:
        return shown(self.figures.axes[name][self.figures.codes[name][place]])

    def _reference(self, title: str) -> str:
        """The explanation of the column with that title: its reference."""
        axes = machine_axes(self.figures)
        references = np.unique(self.relations.reference)
        own = "the file's own values" if len(axes) > 1 else "the file's own value"
        if any(len(np.unique(self.figures.codes[name][references])) > 1 for name in axes):
            which = own if self.relations.own else f"{own}, or else the first point,"
            return f"{title}: speed over the point with {which}{self._each}"
        values = {name: self._value(name, int(references[0])) for name in axes}
        point = ", ".join(
            f"{value} {short_name(name)}"
            if name == self._size and value.isdecimal()
            else f"{short_name(name)} {value}"
            for name, value in values.items()
        )
        if axes == ["hw"]:
            own = "the first"
        missing = f"{own} {'are' if len(axes) > 1 else 'is'} not in the study"
        why = own if self.relations.own else f"the first point because {missing}"
        return f"{title}: speed over {point}, {why}{',' * bool(self._each)}{self._each}"

    @property
    def _each(self) -> str:
        """A phrase with the fields whose values have separate references and fastest points."""
        names = [name for name in self.figures.axes if name in POINT_FIELDS and name != "hw"]
        if not names:
            return ""
        if names == ["model"]:
            return " for each model"
        kind = "combination" if len(names) > 1 else "value"
        return f" for each {kind} of {listed([short_name(name) for name in names])}"

    # --- marks ----------------------------------------------------------------------------------

    @property
    def _marks(self) -> dict[int, str]:
        """The marks of every row, by the number of its point."""
        figures, relations = self.figures, self.relations
        place_of = {int(point): place for place, point in enumerate(figures.point.tolist())}
        found = {}
        for row in self.rows:
            point = row["point"]
            place = place_of[point]
            group = relations.reference == relations.reference[place]
            if group.sum() == 1:
                found[point] = ""
                continue
            marks = _FASTEST * bool(relations.fastest[place])
            marks += _CHEAPEST * bool(relations.cheapest[place])
            marks += _SLOWER * bool(relations.slower_than[place] >= 0)
            found[point] = marks + _DOMINATED * bool(relations.dominated[place])
        return found

    def explanations(self, titles: Sequence[str]) -> list[str]:
        """The lines below the table: the reference, the marks, and the omitted points."""
        every = "".join(self._marks.values())
        unit = next((t for t in titles if t.endswith("*MGE")), "")
        legend = [
            f"{mark} {text}"
            for mark, text in (
                (_FASTEST, "fastest"),
                (_CHEAPEST, f"least {unit or 'time*area'}"),
                (_DOMINATED, "dominated: another point is as fast and as small"),
            )
            if mark in every
        ]
        lines = self._slower_lines()
        lines += [", ".join(legend) + f";{self._each}" * bool(self._each)] if legend else []
        lines += [
            f"= {short_name(name)}: {expression}"
            for name, expression in self._expressions().items()
        ]
        lines += [self._reference(title) for title in titles if title.startswith("vs ")]
        if {"µJ", "µJ/image", "TOPS/W"} & set(titles):
            lines.append(f"µJ: energy by the table {self.study.inputs.energy.name}")
        if {"TOPS", "TOPS/W"} & set(titles):
            lines.append(f"TOPS: {operations_counted(self.study.inputs.scope)}")
        return [*lines, *self._left_out()]

    def _expressions(self) -> dict[str, str]:
        """The linked axes with their expressions."""
        found: dict[str, list[str]] = {}
        for row in self.rows:
            for name, expression in links_of(row["links"]).items():
                if name in self.figures.axes and expression not in found.setdefault(name, []):
                    found[name].append(expression)
        return {name: " or ".join(expressions) for name, expressions in found.items()}

    def _slower_lines(self) -> list[str]:
        """The reasons why points are slower than a smaller array."""
        slower = [row for row in self.rows if row["slower_than_point"] is not None]
        if self._size is None or not slower:
            return []
        noun, column = short_name(self._size), column_of(self._size)
        sizes = dict(zip(self.figures.point.tolist(), self._sizes(self._size), strict=True))
        lines = []
        for row in slower[:_EXPLAINED]:
            who = f" {row[column]} {noun}" if len(slower) > 1 else ""
            text = f"{_SLOWER}{who} slower than {sizes[row['slower_than_point']]} {noun}"
            reasons = [f"{row['grown_cause']} grew most"]
            if row["idle_pes"]:
                reasons += [
                    f"{x.replace(' in ', ' PEs idle in ')}"
                    for x in row["idle_pes"].split(", ")[:_IDLE]
                ]
            lines.append(f"{text}: {'; '.join(reasons)}")
        if len(slower) > _EXPLAINED:
            lines.append(f"{_SLOWER} {counted(len(slower) - _EXPLAINED, 'more point')} slower")
        return lines

    @property
    def _size(self) -> str | None:
        """The axis that changes the number of PEs, if there is only one."""
        return size_axis(self.study, self.figures)

    def _sizes(self, axis: str) -> list[str]:
        """[good points] value of the axis, as text."""
        values = [shown(value) for value in self.figures.axes[axis]]
        return [values[code] for code in self.figures.codes[axis].tolist()]

    def _left_out(self) -> list[str]:
        """A sentence on the points that the table omits, if any."""
        total = len(self.figures.point)
        if total == len(self.rows):
            return []
        good = int((~self.relations.dominated).sum())
        rest = f"the first of {good:,} that no other point dominates"
        if good < len(self.rows):
            rest = f"the {good:,} that no other point dominates, and the first others"
        return [
            f"{len(self.rows)} of {total:,} points: the fastest, the least time*area, and "
            f"{rest}; --out writes all of them"
        ]


def _cause(row: Row) -> str:
    """The bottleneck with its percentage; for a slower point, the cause that grew."""
    if row["grown_cause"] is not None:
        return f"{row['grown_cause']} {row['grown_cause_percent']:.0f} %"
    return f"{row['bottleneck']} {row['bottleneck_percent']:.0f} %"
