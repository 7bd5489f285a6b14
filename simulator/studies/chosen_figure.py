"""A figure of two columns of a study's table, and a third as hue: `--plot x=... y=... hue=...`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.base.errors import InputError
from simulator.base.nearest import did_you_mean
from simulator.report.style import Style
from simulator.studies.axes import POINT_FIELDS
from simulator.studies.columns import (
    HARDWARE_PREFIX,
    column_of,
    hardware_columns,
    of_baseline,
    point_columns,
)
from simulator.studies.plot_style import (
    MOST_SERIES,
    label_numbers,
    place_values,
    series,
)
from simulator.studies.point_numbers import is_number
from simulator.studies.wording import short_name, shown, subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulator.studies.result import StudyResult

_WIDEST = 5.0
"""The maximum width in inches."""
_LOG_SPAN = 8
"""The ratio of the largest to the smallest number from which an axis is logarithmic."""
_TITLES = {
    "energy_delay_uj_ms": "energy × delay (µJ ms)",
    "time_area_ms_mge": "time × area (ms MGE)",
}
_UNITS = {
    "_ms": "ms",
    "_uj": "µJ",
    "_percent": "%",
    "_bytes": "bytes",
    "_cycles": "cycles",
    "_gate_equivalents": "gate equivalents",
}
"""Units by the suffix of a column's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The columns of a figure, from column names or axes of a study."""

    x: str
    y: str
    hue: str | None = None


def chosen(text: str, *, baselines: bool) -> Chosen:
    """Read `x=array.pes y=time_ms hue=bits`; commas may replace the spaces.

    Args:
        text: words of the user.
        baselines: True if the study has columns of baselines.

    Raises:
        InputError: an unknown, duplicate or missing word, or an unknown column.

    """
    found: dict[str, str] = {}
    for word in text.replace(",", " ").split():
        name, _, column = word.partition("=")
        if name not in {"x", "y", "hue"} or not column or name in found:
            raise InputError(f"--plot {text}: expected x=COLUMN y=COLUMN, and hue=COLUMN if needed")
        found[name] = _known(column)
        if not baselines and of_baseline(found[name]):
            raise InputError(
                f"--plot {name}={column}: the study has no baseline; add --baseline-bits, such as 1"
            )
    if not {"x", "y"} <= found.keys():
        raise InputError(f"--plot {text}: expected x=COLUMN and y=COLUMN")
    if point_columns()[found["y"]] == "string":
        raise InputError(f"--plot y={found['y']}: contains text; y needs numbers")
    return Chosen(**found)


def _known(name: str) -> str:
    """Return the column of a name: a column of study.parquet, or a key of the hardware file."""
    if name in POINT_FIELDS or name in hardware_columns():
        return column_of(name)
    if name not in point_columns():
        names = [*point_columns(), *hardware_columns()]
        hint = did_you_mean(name, names) or "columns are those of study.parquet (docs/sweep.md)"
        raise InputError(f"--plot {name}: unknown column: {hint}")
    return name


def draw_chosen(result: "StudyResult", chosen: Chosen, style: Style) -> "Figure":
    """Draw every point; a line joins the lowest points of each hue.

    Raises:
        InputError: an empty column, text instead of numbers, or too many values of the hue.

    """
    from matplotlib.figure import Figure

    columns = list(dict.fromkeys([chosen.x, chosen.y, *([chosen.hue] if chosen.hue else [])]))
    frame = result.frame[columns].dropna()
    if frame.empty:
        raise InputError(f"--plot: no point has {' and '.join(columns)}")
    if not all(map(is_number, frame[chosen.y].tolist())):
        raise InputError(f"--plot y={chosen.y}: contains text; y needs numbers")
    hues = sorted(frame[chosen.hue].unique().tolist()) if chosen.hue else [None]
    if len(hues) > MOST_SERIES:
        raise InputError(f"--plot hue={chosen.hue}: {len(hues)} values; at most {MOST_SERIES}")
    width = min(style.width_inches, _WIDEST)
    figure = Figure(figsize=(width, 0.66 * width), layout="constrained")
    axes = figure.subplots()
    values = sorted(frame[chosen.x].unique().tolist())
    places = dict(zip(values, place_values(axes, values).tolist(), strict=True))
    numbers = frame[chosen.y].to_numpy(dtype=np.float64)
    if numbers.min() > 0 and numbers.max() / numbers.min() >= _LOG_SPAN:
        axes.set_yscale("log")
        label_numbers(axes.yaxis, numbers)
    for number, hue in enumerate(hues):
        some = frame if hue is None else frame[frame[chosen.hue] == hue]
        look: dict[str, Any] = series(number)
        x = np.array([places[value] for value in some[chosen.x]])
        axes.plot(x, some[chosen.y], linestyle="none", clip_on=False, alpha=0.6,
                  color=look["color"], marker=look["marker"])  # fmt: skip
        best = some.groupby(chosen.x)[chosen.y].min().sort_index()
        label = None if hue is None else f"{_title(str(chosen.hue))} {shown(hue)}"
        axes.plot([places[v] for v in best.index], best, clip_on=False, label=label, **look)
    axes.set_xlabel(_title(chosen.x))
    axes.set_ylabel(_title(chosen.y))
    if style.titled:
        axes.set_title(subject(result.study, result.figures), fontsize=style.points)
    name = None if style.titled else subject(result.study, result.figures, short=True)
    if chosen.hue or name:
        axes.legend(frameon=False, title=name, title_fontsize=style.small_points, handlelength=3.2)
    return figure


def _title(column: str) -> str:
    """The axis label of a column, with its unit in parentheses."""
    if column.startswith(HARDWARE_PREFIX):
        return short_name(column.removeprefix(HARDWARE_PREFIX))
    if column in _TITLES:
        return _TITLES[column]
    for ending, unit in _UNITS.items():
        if column.endswith(ending):
            return f"{column.removesuffix(ending).replace('_', ' ')} ({unit})"
    return column.replace("_", " ")
