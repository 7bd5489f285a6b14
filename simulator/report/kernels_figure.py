"""Figure 11: the kernels of each layer and their frequency; training proceeds downwards.

A panel is one layer at one bit width. Each snapshot in it is a strip of bars over the kernels'
numbers. The first snapshot is on top and faint, the last at the bottom and strong. A kernel that
leaves the subset is a bar that ends; a kernel that enters is a bar that begins. Circles on a
strip's axis are the subset's kernels in use. A filled circle is a kernel that the strip above does
not use.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.base.figures import figure_settings
from simulator.report.kernels import Histogram, Snapshot
from simulator.workload.kernels import signs_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STRIPS = 6
"""The most snapshots in a panel; a panel of more shows this many, spread over time."""
_GLYPHS = 3
"""Kernels drawn in full below a panel: the most frequent kernels of the last snapshot."""
_BAR = 0.8
"""The height of a strip's highest bar; a strip has height 1."""
_FOOT = 0.36
"""Inches below the strips for the drawn kernels."""
_COLORS = ("#C44E3A", "#4C8A8B", "#C79A32", "#5B6FA8", "#8A5A83", "#6B8E4E")


def plot_kernels(columns: Mapping[float, Sequence[Snapshot]], layers: Sequence[str]) -> "Figure":
    """Draw snapshots of trained networks.

    Args:
        columns: snapshots in order of training, by bits per weight.
        layers: names of the layers to draw, from top to bottom.

    """
    drawn = {bits: _spread(snapshots) for bits, snapshots in columns.items()}
    counted = {
        bits: [snapshot.histograms for snapshot in snapshots] for bits, snapshots in drawn.items()
    }
    strips = max(map(len, drawn.values()))
    inches = 0.8 if strips == 1 else 0.42  # height of a strip
    with figure_settings({"font.size": 7, "xtick.major.width": 0.5}):
        from matplotlib.figure import Figure

        size = (0.9 + 2.45 * len(drawn), 0.8 + (0.35 + _FOOT + inches * strips) * len(layers))
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(len(layers), len(drawn), squeeze=False)
        for across, (bits, snapshots) in enumerate(drawn.items()):
            title = "1 bit (BNN)" if bits == 1 else f"{bits:.2f} bit"
            grid[0][across].annotate(
                title, (0.5, 1), (0, 12), xycoords="axes fraction", textcoords="offset points",
                ha="center", fontsize=9,
            )  # fmt: skip
            for down, layer in enumerate(layers):
                axes = grid[down][across]
                _draw(
                    axes,
                    [histogram[layer] for histogram in counted[bits]],
                    [snapshot.label for snapshot in snapshots],
                    _COLORS[down % len(_COLORS)],
                    _FOOT / inches,
                )
                if across == 0:
                    axes.set_ylabel(f"{layer}\nfraction of kernels", fontsize=7)
            axes.set_xlabel("kernel number (id + 1)")
    return figure


def _spread(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """Return at most 6 snapshots, from the first to the last."""
    places = np.linspace(0, len(snapshots) - 1, min(_STRIPS, len(snapshots)))
    return [snapshots[place] for place in np.round(places).astype(int)]


def _draw(
    axes: "Axes", strips: Sequence[Histogram], labels: Sequence[str], color: str, foot: float
) -> None:
    """Draw one panel."""
    kernels = len(strips[0].counts)
    highest = max(strip.shares.max() for strip in strips)
    before = None
    for number, strip in enumerate(strips):
        base = len(strips) - 1 - number
        strength = 1.0 if len(strips) == 1 else 0.35 + 0.65 * number / (len(strips) - 1)
        _draw_bars(axes, strip, base, _BAR / highest, color=color, alpha=strength)
        if not strip.in_subset().all():
            _draw_subset(axes, strip, before, base)
        if len(strips) > 1:
            axes.text(
                kernels * 1.03, base + 0.3, labels[number],
                fontsize=5, va="center", color="0.3", clip_on=False,
            )  # fmt: skip
        before = strip
    _draw_glyphs(axes, strips[-1], foot, color)
    used, size = strips[-1].used, strips[-1].layer.subset_size
    noun = "vectors" if strips[-1].layer.has_vectors else "kernels"
    axes.set_title(f"{used} of {size} {noun} used", loc="left", fontsize=6, pad=2)
    axes.set_xlim(-kernels / 60, kernels * (1 + 1 / 60))
    axes.set_ylim(-1.07 * foot, len(strips) - 0.1)
    ticks = [1, *(kernels * quarter // 4 for quarter in (1, 2, 3, 4))]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_yticks([0, _BAR], ["0", f"{highest:.3g} %"])
    axes.tick_params(length=2, pad=1.5, labelsize=6)
    axes.set_facecolor("#F4F4F8")
    axes.grid(axis="x", color="white", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)


def _draw_bars(axes: "Axes", strip: Histogram, base: float, scale: float, **color: Any) -> None:
    """Draw one snapshot's bars and axis; all bars are one line with breaks between them."""
    used = np.flatnonzero(strip.counts)
    nothing = np.full(len(used), np.nan)
    heights = base + scale * strip.shares[used]
    x = np.column_stack([used + 1, used + 1, nothing]).ravel()
    y = np.column_stack([np.full(len(used), base), heights, nothing]).ravel()
    width = 0.5 if len(used) > 128 else 0.9
    axes.plot(x, y, linewidth=width, solid_capstyle="butt", **color)
    axes.plot([1, len(strip.counts)], [base, base], color="black", linewidth=0.6, zorder=3)


def _draw_subset(axes: "Axes", strip: Histogram, before: Histogram | None, base: float) -> None:
    """Draw circles for the kernels in use, filled for kernels that the previous strip lacks."""
    used = np.flatnonzero(strip.counts)
    new = np.zeros(len(used), dtype=bool) if before is None else before.counts[used] == 0
    for chosen, face in ((~new, "white"), (new, "black")):
        axes.plot(
            used[chosen] + 1, np.full(int(chosen.sum()), base),
            linestyle="none", marker="o", markersize=2.2, markeredgewidth=0.45,
            markerfacecolor=face, markeredgecolor="black", zorder=4,
        )  # fmt: skip


def _draw_glyphs(axes: "Axes", strip: Histogram, foot: float, color: str) -> None:
    """Draw the most frequent kernels, weight by weight, +1 dark, each with a line to its bar."""
    kernels = len(strip.counts)
    most = np.sort(np.argsort(-strip.counts, kind="stable")[: min(_GLYPHS, strip.used)])
    shape = (1, strip.layer.unit_weights) if strip.layer.has_vectors else strip.layer.kernel_sides
    wide = kernels * (0.17 if strip.layer.has_vectors else 0.085)
    places = _apart((most + 1).astype(np.float64), wide * 1.2, kernels)
    top, bottom = -0.3 * foot, -foot
    for kernel, place in zip(most.tolist(), places.tolist(), strict=True):
        signs = signs_of(np.array([kernel], dtype=np.uint16), strip.layer.unit_weights)[0]
        picture = signs.reshape(shape)
        rows, across = picture.shape
        axes.pcolormesh(
            np.linspace(place - wide / 2, place + wide / 2, across + 1),
            np.linspace(top, bottom, rows + 1),
            picture, cmap="Greys", vmin=-1.6, vmax=2.4, edgecolors="0.6", linewidth=0.3, zorder=3,
        )  # fmt: skip
        axes.plot(
            [kernel + 1, place], [0, top], color=color, linewidth=0.5, linestyle=":", zorder=2
        )


def _apart(wanted: NDArray[np.float64], gap: float, kernels: int) -> NDArray[np.float64]:
    """Return positions near those wanted, in order, at least `gap` apart and inside the panel."""
    places = np.maximum(wanted, gap / 2)
    for number in range(1, len(places)):
        places[number] = max(places[number], places[number - 1] + gap)
    limit = kernels - gap / 2
    for number in range(len(places) - 1, -1, -1):
        places[number] = min(places[number], limit)
        limit = places[number] - gap
    return places
