"""How a study's plots look: on a screen, or in one column of a paper; in grey, too."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.studies.axes import Value
from simulator.studies.figures import Floats, is_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

COLORS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D31", "#7F7F7F",
)  # fmt: skip
LINES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (3, 1)), (0, (8, 2)), ":")
MARKERS = "os^Dv<>P"
HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "++++", "oo", "--")
"""Series and stacks differ in all of these, so they are told apart without color."""
MOST_SERIES = len(COLORS)
_MOST_TICKS = 12
_TICKS = ((1.0,), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
_FEWEST_TICKS = 4
_LOG_SPAN = 8
"""Numbers that span as much, none of them 0, are drawn along a log scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """Size, type and files of figures."""

    name: str
    width: float
    """Of a figure in inches."""
    font: float
    """Points."""
    titles: bool
    kinds: tuple[str, ...]
    """Files that are written."""

    @property
    def settings(self) -> Any:
        """Matplotlib's settings."""
        return {
            "font.size": self.font,
            "legend.fontsize": self.font - 1,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.linewidth": 0.6,
            "lines.linewidth": 1.1,
            "lines.markersize": 4 if self.titles else 3.5,
            "hatch.linewidth": 0.5,
            "pdf.fonttype": 42,  # fonts that publishers take
        }


SCREEN = Style(name="screen", width=8.0, font=8, titles=True, kinds=("png", "svg"))
PAPER = Style(name="paper", width=3.4, font=7, titles=False, kinds=("pdf", "svg"))
STYLES = {style.name: style for style in (SCREEN, PAPER)}


def series(number: int) -> dict[str, Any]:
    """Color, line and marker of a series."""
    return {
        "color": COLORS[number % len(COLORS)],
        "linestyle": LINES[number % len(LINES)],
        "marker": MARKERS[number % len(MARKERS)],
    }


def place_values(axes: "Axes", values: Sequence[Value]) -> Floats:
    """Where values are on the x axis: numbers by size, on a log scale if they span much."""
    if not all(map(is_number, values)):
        places = np.arange(len(values), dtype=np.float64)
        axes.set_xticks(places, [str(value) for value in values])
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
    """Ticks along numbers as a reader writes them: 0.5, 1, 2, not powers of ten."""
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
