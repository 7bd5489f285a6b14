"""Style of a study's plots: on a screen, or in one column of a paper; readable in gray, too."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.base.wording import in_yaml
from simulator.report.style import COLORS, Style
from simulator.studies.axes import Value
from simulator.studies.point_numbers import Floats, is_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

LINES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (3, 1)), (0, (8, 2)), ":")
MARKERS = "os^Dv<>P"
HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "++++", "oo", "--")
"""Hatches of stacks; with the lines and markers of series, a plot is readable without color."""
MOST_SERIES = len(COLORS)
_MOST_TICKS = 12
_TICKS = ((1.0,), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
_FEWEST_TICKS = 4
_LOG_SPAN = 8
"""The ratio of the largest to the smallest positive number from which an axis is logarithmic."""


@contextmanager
def drawing(style: Style) -> Iterator[None]:
    """Apply the settings of Matplotlib while a study's figures are drawn."""
    from matplotlib import rc_context

    settings: Any = {
        "legend.fontsize": style.small_points,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "lines.linewidth": 1.1,
        "lines.markersize": 4 if style.titled else 3.5,
        "hatch.linewidth": 0.5,
    }
    with style.drawing(), rc_context(settings):
        yield


def series(number: int) -> dict[str, Any]:
    """Return the color, line and marker of a series."""
    return {
        "color": COLORS[number % len(COLORS)],
        "linestyle": LINES[number % len(LINES)],
        "marker": MARKERS[number % len(MARKERS)],
    }


def place_values(axes: "Axes", values: Sequence[Value]) -> Floats:
    """Place values on the x axis; return their positions, on a log scale for a wide range."""
    if not all(map(is_number, values)):
        places = np.arange(len(values), dtype=np.float64)
        axes.set_xticks(places, [in_yaml(value) for value in values])
        return places
    numbers = np.array(values, dtype=np.float64)
    if numbers.min() > 0 and numbers.max() / numbers.min() >= _LOG_SPAN:
        axes.set_xscale("log", base=2)
    if len(values) <= _MOST_TICKS:
        axes.set_xticks(numbers, [f"{value:g}" for value in numbers])
        axes.minorticks_off()
    else:
        label_numbers(axes.xaxis, numbers)
    return numbers


def label_numbers(axis: "Axis", values: Floats) -> None:
    """Label ticks with numbers in a reader's notation: 0.5, 1, 2, not powers of ten."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    low, high = float(values.min()), float(values.max())
    if low == high:
        axis.set_ticks([low], [f"{low:g}"])
        axis.set_minor_locator(NullLocator())
        return
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    if axis.get_scale() != "log":
        return
    exponents = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in _TICKS:
        ticks = [step * 10.0**exponent for exponent in exponents for step in steps]
        inside = [tick for tick in ticks if low / 1.1 <= tick <= high * 1.1]
        if len(inside) >= _FEWEST_TICKS:
            break
    axis.set_major_locator(FixedLocator(inside))
    axis.set_minor_locator(NullLocator())
