"""The figure of `whole_network.md`: speedups by scope, and shares of the time by kind of layer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.paper.layer_kinds import KINDS
from simulator.paper.whole_network import Survival
from simulator.report.style import COLORS, SCREEN
from simulator.workload.scope import SCOPES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SCOPE_COLORS = ("#3f007d", "#807dba", "#bcbddc")
"""Colors of the scopes, which differ from those of the kinds of layers in the lower panels."""
_WIDTH = 0.26
"""The width of a bar of a scope; networks are 1 apart."""


def draw(found: Sequence[Survival]) -> "Figure":
    """Draw a column of two panels per machine.

    Args:
        found: networks on machines, machine by machine.

    """
    machines = list(dict.fromkeys(one.case.machine for one in found))
    with SCREEN.drawing():
        figure = SCREEN.figure(4.8)
        grid = figure.subplots(2, len(machines), sharey="row", squeeze=False)
        for column, machine in enumerate(machines):
            mine = [one for one in found if one.case.machine == machine]
            top, bottom = grid[0][column], grid[1][column]
            top.set_title(machine)
            _draw_speedups(top, mine)
            _draw_shares(bottom, mine)
            for axes in (top, bottom):
                axes.spines[["top", "right"]].set_visible(False)
                axes.set_xticks(range(len(mine)))
            top.set_xticklabels([])
            bottom.set_xticklabels([one.case.network for one in mine], rotation=40, ha="right")
        grid[0][0].set_ylabel("1 bit over 0.56 bit (x)")
        grid[1][0].set_ylabel("time at 0.56 bit (%)")
        grid[0][len(machines) // 2].legend(frameon=False, fontsize=SCREEN.small_points)
        figure.legend(
            *grid[1][-1].get_legend_handles_labels(),
            loc="outside lower center",
            ncols=len(KINDS),
            frameon=False,
        )
    return figure


def _draw_speedups(axes: "Axes", found: Sequence[Survival]) -> None:
    """Draw a bar per network and scope, and Amdahl's law on the bars of whole networks."""
    for number, scope in enumerate(SCOPES):
        places = [place + _WIDTH * (number - 1) for place in range(len(found))]
        heights = [one.pairs[scope].speedup for one in found]
        axes.bar(places, heights, width=_WIDTH, label=scope, color=_SCOPE_COLORS[number], zorder=2)
    axes.plot(
        places,
        [one.expected for one in found],
        linestyle="none",
        marker="_",
        markersize=8,
        color="black",
        label="network, by Amdahl's law",
        zorder=3,
    )
    axes.axhline(1, color="0.4", linewidth=0.6)


def _draw_shares(axes: "Axes", found: Sequence[Survival]) -> None:
    """Draw the shares of the kinds of layers as one stacked bar per network."""
    below = [0.0] * len(found)
    for number, kind in enumerate(KINDS):
        shares = [100 * one.whole.sub.share_of(kind) for one in found]
        color = COLORS[(0, 1, 2, 4, 7)[number]]
        axes.bar(range(len(found)), shares, bottom=below, width=0.7, label=kind, color=color)
        below = [low + share for low, share in zip(below, shares, strict=True)]
