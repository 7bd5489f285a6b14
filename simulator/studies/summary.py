"""`summary.md`: the points, factors with and without effect, failures, and the best points."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simulator.base.wording import counted
from simulator.base.writing import write_file
from simulator.studies.clock import clock_note
from simulator.studies.effects import Effect
from simulator.studies.point_numbers import Floats, StudyFigures
from simulator.studies.study import Study
from simulator.studies.terminal import PointsTable
from simulator.studies.wording import baselines, ratio, sentence, shown

if TYPE_CHECKING:
    from simulator.studies.result import StudyResult

_BEST = 5


def write_summary(result: "StudyResult", plots: Sequence[Path], path: Path) -> Path:
    """Write the summary as Markdown.

    Args:
        result: a result with the tables as its files.
        plots: plots in the folder of the summary.
        path: path of the summary.

    """
    figures, effects = result.figures, result.effects
    sections = [
        f"# Study of {figures.point_count:,} points",
        result.heading,
        _what(result.study, figures, result.files[0]),
        *(_failures(figures) if figures.errors else []),
        *(["## Points", *points_in_markdown(result.points)] if result.points else []),
        *(
            _mattering(effects, has_speedups=figures.has_speedups)
            if effects
            else ["No axis has more than one value."]
        ),
        *([f"- {note}."] if (note := clock_note(result.study, set(figures.axes))) else []),
        *(_best(figures) if len(figures.point) else []),
        *(f"![{plot.stem}]({plot.name})" for plot in plots if plot.suffix == ".png"),
    ]
    text = "\n\n".join(sections) + "\n"
    return write_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _what(study: Study, figures: StudyFigures, points: Path) -> str:
    described = study.described
    kind = {
        "grid": "every combination of the axes' values",
        "sample": f"a random sample of the grid, seed {described.get('seed')}",
        "file": "points from a file",
    }[described["points"]]
    axes = ", ".join(f"`{name}` ({len(values)})" for name, values in figures.axes.items())
    links = "".join(f" Linked key: `{link}`." for link in study.links)
    base = baselines(study)
    baseline = f" Baseline: {base}." if base else ""
    return (
        f"{kind[0].upper()}{kind[1:]}; axes and numbers of values: {axes or 'none'}.{baseline} One "
        f"row per point in `{points.name}`; `study.json` describes the study.{links}"
    )


def _failures(figures: StudyFigures) -> list[str]:
    total = sum(figures.errors.values())
    rows = [(f"{count:,}", reason) for reason, count in list(figures.errors.items())[:_BEST]]
    more = len(figures.errors) - len(rows)
    return [
        f"## Failed points\n\n{total:,} of {figures.point_count:,} points cannot run. The column "
        "`error` has the reasons. The rest of this summary omits these points.",
        _table(("points", "reason"), rows)
        + (f"\n\nand {counted(more, 'more reason')}." if more else ""),
    ]


def _mattering(effects: Sequence[Effect], *, has_speedups: bool) -> list[str]:
    """A table row and a sentence for every factor."""

    def ends(least: float, largest: float) -> str:
        return f"{ratio(least)} to {ratio(largest)}"

    def speedups(effect: Effect) -> str:
        least, largest = effect.least_speedup_ratio, effect.largest_speedup_ratio
        return "" if least is None or largest is None else ends(least, largest)

    columns = {
        "axis": [", ".join(f"`{axis}`" for axis in effect.axes) for effect in effects],
        "sets": [f"{effect.sets:,}" for effect in effects],
        "time": [ends(x.least_ratio, x.largest_ratio) if x.sets else "" for x in effects],
    }
    meaning = ""
    if has_speedups:
        columns["speedup"] = [speedups(effect) for effect in effects]
        meaning = " Speedup: largest over smallest of a set."
    return [
        "## Effects of the axes",
        "Sets: points that differ in this axis alone. Time: slowest over fastest of a set, the "
        f"least and the largest of all sets.{meaning} Axes that vary together count as one.",
        _table(tuple(columns), list(zip(*columns.values(), strict=True))),
        "\n".join(f"- {sentence(effect)}" for effect in effects),
    ]


def points_in_markdown(points: PointsTable) -> list[str]:
    """The points in the terminal, and the explanations of their marks."""
    columns = points.table().columns
    header = [" ".join(column.title.split()) for column in columns]
    rows = list(zip(*(column.cells for column in columns), strict=True))
    lines = [f"- {_cell(line)}" for line in points.explanations(header)]
    return [_table(header, rows), "\n".join(lines)]


def _best(figures: StudyFigures) -> list[str]:
    """The fastest points and, with baselines, those of the largest speedup, of every network."""
    sections = ["## Fastest points", _points_table(figures, figures.time_ms)]
    if figures.has_speedups:
        sections += [
            "## Points of the largest speedup",
            _points_table(figures, -figures.speedup),
        ]
    return sections


def _points_table(figures: StudyFigures, rank: Floats) -> str:
    """The points with the lowest rank, of each network."""
    order = np.argsort(rank, kind="stable")
    order = order[np.isfinite(rank[order])]
    networks = figures.codes.get("model", np.zeros(len(rank), dtype=np.int32))
    places = [
        place
        for network in np.unique(networks)
        for place in order[networks[order] == network][:_BEST].tolist()
    ]
    speedups = [f"{x:.3f}" if np.isfinite(x) else "" for x in figures.speedup[places]]
    has = figures.has_speedups
    header = ("point", "time (ms)", *["speedup"] * has, *(f"`{name}`" for name in figures.axes))
    rows = [
        (
            str(figures.point[place]),
            f"{figures.time_ms[place]:.4f}",
            *[speedup] * has,
            *(shown(values[figures.codes[name][place]]) for name, values in figures.axes.items()),
        )
        for place, speedup in zip(places, speedups, strict=True)
    ]
    return _table(header, rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(c) for c in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("\n", " ").strip()
