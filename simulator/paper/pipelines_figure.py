"""The figure of `pipelines.md`: area at equal rate, and images per second at equal area."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.paper.pipelines import RATE, Point
from simulator.report.style import COLORS, SCREEN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH = 0.38
"""The width of a bar; activation widths are 1 apart."""


def draw(every: Sequence[Point]) -> "Figure":
    """Draw two panels with a bar per form and activation width.

    Args:
        every: points at equal rate (objective `area`) and at equal area (objective `rate`). Forms
            with expanded kernels have the bars of 1-bit weights, and are left out.

    """
    shown = [one for one in every if not one.form.expanded]
    bits = list(dict.fromkeys(one.activation_bits for one in shown))
    with SCREEN.drawing():
        figure = SCREEN.figure(3.0)
        left, right = figure.subplots(1, 2)
        for number, form in enumerate(dict.fromkeys(one.form.name for one in shown)):
            places = [place + _WIDTH * (number - 0.5) for place in range(len(bits))]
            mine = [one for one in shown if one.form.name == form]
            _draw_areas(left, places, [one for one in mine if one.objective == "area"], number)
            rates = [one.rate for one in mine if one.objective == "rate"]
            right.bar(places, rates, width=_WIDTH, color=COLORS[number], label=form)
        left.set_ylabel(f"area for {RATE:,} images/s (MGE)")
        right.set_ylabel("images/s at equal area")
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_xticks(range(len(bits)), [str(each) for each in bits])
            axes.set_xlabel("bits per activation")
            axes.legend(frameon=False, fontsize=SCREEN.small_points)
    return figure


def _draw_areas(
    axes: "Axes", places: Sequence[float], points: Sequence[Point], number: int
) -> None:
    """Draw memory cells with the other logic on top, lighter."""
    memory = [one.memory / 1e6 for one in points]
    logic = [one.logic / 1e6 for one in points]
    name, color = points[0].form.name, COLORS[number]
    axes.bar(places, memory, width=_WIDTH, color=color, label=f"{name}: memory")
    axes.bar(
        places, logic, bottom=memory, width=_WIDTH, color=color, alpha=0.45, label=f"{name}: logic"
    )
