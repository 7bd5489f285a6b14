"""The figure of accuracy against time and energy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.report.style import COLORS, SCREEN, plain_log_ticks
from simulator.studies.plot_style import MARKERS, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 3
_LABELS = (((-5, 3), "right"), ((5, -4), "left"))
"""Place and alignment of the labels of the first series, and of the second."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A network of some precision, trained with some method."""

    series: str
    """The scope of its cost."""
    cost: float
    percent: float
    """Accuracy in percent."""
    label: str
    """Bits of weights and activations."""
    front: bool
    """True if it is on the front of its series."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The points of one network, against one cost."""

    title: str
    cost: str
    """Label of the horizontal axis, with its unit."""
    accuracy: str
    """Label of the vertical axis, with its unit."""
    points: tuple[Point, ...]


def draw(panels: Sequence[Panel]) -> "Figure":
    """Draw panels of at most two series in rows of three.

    Lines are fronts; pale points are off the fronts.
    """
    with drawing(SCREEN):
        rows = -(-len(panels) // _COLUMNS)
        figure = SCREEN.figure(2.7 * rows)
        grid = figure.subplots(rows, _COLUMNS, squeeze=False)
        for axes, panel in zip(grid.flat, panels, strict=True):
            _draw_panel(axes, panel)
            plain_log_ticks(axes.xaxis, SCREEN.width_inches / (_COLUMNS + 1))
        grid[0][0].legend(title="scope", frameon=False, loc="lower right")
    return figure


def _draw_panel(axes: "Axes", panel: Panel) -> None:
    for number, series in enumerate(dict.fromkeys(x.series for x in panel.points)):
        own = [x for x in panel.points if x.series == series]
        color, marker = COLORS[number], MARKERS[number]
        off = [x for x in own if not x.front]
        axes.scatter(
            [x.cost for x in off],
            [x.percent for x in off],
            color=color,
            marker=marker,
            alpha=0.3,
            s=12,
            linewidths=0,
        )
        front = sorted((x for x in own if x.front), key=lambda x: x.cost)
        axes.plot(
            [x.cost for x in front],
            [x.percent for x in front],
            color=color,
            marker=marker,
            drawstyle="steps-post",
            label=series,
        )
        for point in front:
            axes.annotate(
                point.label,
                (point.cost, point.percent),
                xytext=_LABELS[number][0],
                textcoords="offset points",
                ha=_LABELS[number][1],
                va="center",
                fontsize=SCREEN.small_points - 1,
                color=color,
            )
    axes.set_xscale("log")
    axes.margins(0.22, 0.1)
    axes.set_title(panel.title, fontsize=SCREEN.points)
    axes.set_xlabel(panel.cost)
    axes.set_ylabel(panel.accuracy)
