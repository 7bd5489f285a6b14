"""`summary.md`: what mattered, what did not, what failed, and the best points."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simulator.report.files import write_file
from simulator.report.wording import counted
from simulator.studies.axes import Value
from simulator.studies.effects import MATTERS, AxisEffect
from simulator.studies.figures import Floats, StudyFigures, is_number
from simulator.studies.study import Study

_MOST_VALUES = 24
"""Values of one axis that are listed one by one."""
_BEST = 5
_POINTS_PER_LEVEL = 4
"""With fewer points for every number of the fit, the summary doubts it."""


def write_summary(
    study: Study,
    figures: StudyFigures,
    effects: Sequence[AxisEffect],
    files: Sequence[Path],
    path: Path,
) -> Path:
    """Write the summary as Markdown.

    Args:
        study: what was run.
        figures: of its points.
        effects: of its axes.
        files: the table of points, followed by other tables and plots.
        path: of the summary.

    """
    sections = [
        f"# Study of {figures.point_count:,} points",
        _what(study, figures, files[0]),
        *(_failures(figures) if figures.errors else []),
        *(
            _mattering(effects, len(figures.point))
            if effects
            else ["No axis has more than one value."]
        ),
        *(_level_table(effect) for effect in effects if effect.matters),
        *(_best(figures) if len(figures.point) else []),
        *(f"![{plot.stem}]({plot.name})" for plot in files if plot.suffix == ".png"),
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
    return (
        f"{kind[0].upper()}{kind[1:]}; axes and numbers of values: {axes or 'none'}. Baseline: "
        f"{study.inputs.baseline_bits:g} bit on the same hardware. One row per point in "
        f"`{points.name}`; `study.json` describes the study.{links}"
    )


def _failures(figures: StudyFigures) -> list[str]:
    total = sum(figures.errors.values())
    rows = [(f"{count:,}", reason) for reason, count in list(figures.errors.items())[:_BEST]]
    more = len(figures.errors) - len(rows)
    return [
        f"## Failed points\n\n{total:,} of {figures.point_count:,} points cannot run. The column "
        "`error` has the reasons. The rest of this summary leaves these points out.",
        _table(("points", "reason"), rows)
        + (f"\n\nand {counted(more, 'more reason')}." if more else ""),
    ]


def _mattering(effects: Sequence[AxisEffect], points: int) -> list[str]:
    rows = [
        (
            f"`{effect.axis}`",
            f"{effect.time_ratio:.3f}x",
            f"{effect.largest_time_ratio:.3f}x" if effect.groups else "",
            f"{effect.speedup_ratio:.3f}x",
            f"{effect.groups:,}" if effect.groups else "none: fitted",
        )
        for effect in effects
    ]
    sentences = "\n".join(f"- {sentence(effect)}" for effect in effects)
    doubt = doubt_of(effects, points)
    return [
        "## Effects of the axes",
        "Effect of each axis: time of the slowest over the fastest of the points that differ in "
        "this axis alone, as the geometric mean and the largest value over all such sets of "
        "points. If a sample has no such sets: the span of a fit of log(time) as a sum over the "
        "axes.",
        *([doubt] if doubt else []),
        _table(("axis", "time", "largest", "speedup", "sets of points, all else equal"), rows),
        sentences,
    ]


def doubt_of(effects: Sequence[AxisEffect], points: int) -> str | None:
    """Why the effects may mean little; None: nothing speaks against them."""
    levels = sum(len(effect.values) for effect in effects)
    if all(effect.groups for effect in effects) or levels * _POINTS_PER_LEVEL <= points:
        return None
    return (
        f"The fit has {counted(levels, 'number')} for {counted(points, 'point')}: its spans are "
        "mostly chance. Use fewer values per axis or more points."
    )


def sentence(effect: AxisEffect) -> str:
    """What an axis does, for people."""
    if effect.idle:
        return f"`{effect.axis}` has no effect on the time."
    if not effect.matters:
        most = max(effect.time_ratio, effect.largest_time_ratio)
        return f"`{effect.axis}` has almost no effect: at most {100 * (most - 1):.2g} %."
    first = f"`{effect.axis}` changes the time by a factor of {effect.time_ratio:.2f}"
    if effect.time_ratio < MATTERS:
        return f"{first} on average and at most {effect.largest_time_ratio:.2f}."
    best = int(np.argmin(effect.level_times))
    text = f"{first}; fastest at {_shown(effect.values[best])}"
    enough = _enough(effect)
    if enough is not None:
        text += f"; beyond {_shown(effect.values[enough])} the gain is below 1 %"
    return text + "."


def _enough(effect: AxisEffect) -> int | None:
    """The first of a falling axis' values behind which nothing more than 1 % happens."""
    times = np.array(effect.level_times)
    if not all(is_number(value) for value in effect.values):
        return None
    place = int(np.flatnonzero(times < times.min() * MATTERS)[0])
    settled = times[place:].max() < times.min() * MATTERS
    return place if settled and 0 < place < len(times) - 1 else None


def _level_table(effect: AxisEffect) -> str:
    """Mean time of every value of an axis, relative to the first."""
    if len(effect.values) > _MOST_VALUES:
        return f"`{effect.axis}` has {len(effect.values)} values; see the plot."
    return _table(
        (f"`{effect.axis}`", *map(_shown, effect.values)),
        [("mean time, relative", *(f"{time:.3f}" for time in effect.level_times))],
    )


def _best(figures: StudyFigures) -> list[str]:
    """The fastest points, and those of the largest speedup, of every network."""
    return [
        "## Fastest points",
        _points_table(figures, figures.time_ms),
        "## Points of the largest speedup",
        _points_table(figures, -figures.speedup),
    ]


def _points_table(figures: StudyFigures, rank: Floats) -> str:
    """The points of the lowest rank, of each network."""
    order = np.argsort(rank, kind="stable")
    networks = figures.codes.get("model", np.zeros(len(order), dtype=np.int32))
    places = [
        place
        for network in np.unique(networks)
        for place in order[networks[order] == network][:_BEST].tolist()
    ]
    header = ("point", "time (ms)", "speedup", *(f"`{name}`" for name in figures.axes))
    rows = [
        (
            str(figures.point[place]),
            f"{figures.time_ms[place]:.4f}",
            f"{figures.speedup[place]:.3f}",
            *(_shown(values[figures.codes[name][place]]) for name, values in figures.axes.items()),
        )
        for place in places
    ]
    return _table(header, rows)


def _shown(value: Value) -> str:
    if value is None:
        return "(not given)"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(c) for c in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
