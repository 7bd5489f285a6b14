"""Report of fronts: a table per group, the fastest value at equal area, a figure, fronts.csv."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simulator.base.wording import time_unit
from simulator.base.writing import write_file, write_rows
from simulator.report.style import Style, save_figure
from simulator.report.tables import Column, Table
from simulator.studies.fronts import FrontGroup, Lead, leads
from simulator.studies.plot_style import drawing, label_numbers, series
from simulator.studies.point_numbers import Floats
from simulator.studies.wording import ratio, short_name, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from rich.console import Console

MOST_ROWS = 20
"""The maximum number of areas in a table; fronts.csv has every point of every front."""
MOST_GROUPS = 12
"""The maximum number of tables and panels."""
_ACROSS = 3
_EVEN = 1.005
"""The ratio below which a lead would print as `1.00x`."""


def draw_fronts(groups: Sequence[FrontGroup], console: "Console") -> None:
    """Print the table and the sentences of each group."""
    from simulator.base.lines import print_line
    from simulator.report.tables import print_table

    for group in groups[:MOST_GROUPS]:
        print_line(console, "")
        print_table(front_table(group), console)
        print_line(console, "")
        for sentence in sentences(group):
            print_line(console, f"- {sentence}")
    if len(groups) > MOST_GROUPS:
        more = len(groups) - MOST_GROUPS
        print_line(console, f"{more} more groups: see fronts.csv (--out FOLDER)")


def front_table(group: FrontGroup) -> Table:
    """The shortest time of each value, within each area at which a value becomes faster."""
    areas = group.areas
    times = np.stack([front.times(areas) for front in group.fronts])
    unit, factor = time_unit([float(times[np.isfinite(times)].max())])
    cells = [tuple(map(_time, column)) for column in (factor * times.T).tolist()]
    rows = [n for n, row in enumerate(cells) if n == 0 or row != cells[n - 1]]
    if len(rows) > MOST_ROWS:
        rows = [rows[round(n)] for n in np.linspace(0, len(rows) - 1, MOST_ROWS)]
    columns = [Column(title="within\nMGE", cells=[f"{areas[row] / 1e6:,.2f}" for row in rows])]
    columns += [
        Column(
            title=f"{short_name(group.axis)} {shown(front.value)}\n({unit})",
            cells=[cells[row][number] for row in rows],
            importance=100 - number,
        )
        for number, front in enumerate(group.fronts)
    ]
    return Table(columns=columns, title=_title(group))


def _title(group: FrontGroup) -> str:
    title = f"Fastest point within an area, by {short_name(group.axis)}, in steps of 2 %"
    return f"{title}: {group.title}" if group.title else title


def _time(time: float) -> str:
    return f"{time:,.3f}" if np.isfinite(time) else "-"


def sentences(group: FrontGroup) -> list[str]:
    """Sentences on the fastest value at equal area, and on its lead."""
    return [_sentence(group.axis, lead) for lead in leads(group)]


def _sentence(axis: str, lead: Lead) -> str:
    first, last = f"{lead.first / 1e6:,.2f}", f"{lead.last / 1e6:,.2f}"
    where = f"within {first} MGE" if first == last else f"within {first} to {last} MGE"
    if lead.value is None:
        return f"{where}: the two fastest are equally fast."
    name = f"{short_name(axis)} {shown(lead.value)}"
    if np.isinf(lead.least):
        return f"{where}: {name} alone fits."
    if lead.most < _EVEN:
        return f"{where}: {name} is fastest, by less than {100 * (_EVEN - 1):.1f} %."
    least, most = ratio(lead.least), ratio(lead.most)
    by = f"at least {least}" if np.isinf(lead.most) else least if least == most else None
    return f"{where}: {name} is fastest, {by or f'{least} to {most}'} over the next."


def write_fronts(
    groups: Sequence[FrontGroup], subject: str, folder: Path, style: Style
) -> list[Path]:
    """Write fronts.csv and the figure.

    Args:
        groups: groups of one study.
        subject: names of networks and hardware, for the title.
        folder: folder of the study.
        style: style of the figure.

    """
    rows = [row for group in groups for row in group.rows()]
    table = write_file(folder / "fronts.csv", lambda path: write_rows(path, rows))
    with drawing(style):
        figure = draw_figure(groups[:MOST_GROUPS], subject, style)
        return [
            table,
            *(
                write_file(folder / f"fronts.{ending}", partial(save_figure, figure))
                for ending in style.endings
            ),
        ]


def draw_figure(groups: Sequence[FrontGroup], subject: str, style: Style) -> "Figure":
    """Draw one panel per group: time against area, one step line per value."""
    from matplotlib.figure import Figure

    across = 1 if not style.titled else 2 if len(groups) == 4 else min(len(groups), _ACROSS)
    along = -(-len(groups) // across)
    height = (2.0 if across == 1 else 2.6) * along + 0.5
    figure = Figure(figsize=(style.width_inches, height), layout="constrained")
    grid = figure.subplots(along, across, squeeze=False).ravel().tolist()
    for spare in grid[len(groups) :]:
        spare.remove()
    for axes, group in zip(grid, groups, strict=False):
        _draw_group(axes, group)
        axes.set_title(group.title, fontsize=style.points)
    lines, names = grid[0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=len(names), frameon=False)
    if style.titled:
        figure.suptitle(f"{subject}: fastest points within an area", fontsize=style.points)
    return figure


def _draw_group(axes: "Axes", group: FrontGroup) -> None:
    last = max(float(front.area[-1]) for front in group.fronts) * 1.05
    every: list[Floats] = []
    for number, front in enumerate(group.fronts):
        area = np.append(front.area, last) / 1e6
        time = np.append(front.time_ms, front.time_ms[-1])
        axes.plot(
            area, time, drawstyle="steps-post", markevery=range(len(front.area)),
            label=f"{short_name(group.axis)} {shown(front.value)}", **series(number),
        )  # fmt: skip
        every.append(time)
    axes.set_yscale("log")
    label_numbers(axes.yaxis, np.concatenate(every))
    axes.set_xlabel("area proxy (MGE)")
    axes.set_ylabel("time (ms)")
