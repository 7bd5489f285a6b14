"""The style of figures: for a screen, with a title, or for one column of a paper, without.

The functions that draw figures import Matplotlib: a run without figures does not wait for it.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.base.errors import InputError
from simulator.base.figures import figure_settings

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Okabe and Ito's colors, which every eye can distinguish; dark and light alternate, for gray.
COLORS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#8C6D31", "#A6A6A6",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """The style of figures for a screen or a paper."""

    name: str
    width_inches: float
    points: float
    """The size of the text."""
    small_points: float
    """The size of labels inside the figure."""
    titled: bool
    """True if the figure has a title; False: the paper's caption replaces it."""
    endings: tuple[str, ...]
    """The suffixes of the figures that `--out` writes."""

    def drawing(self) -> AbstractContextManager[None]:
        """Return a context with Matplotlib's settings for a figure."""
        settings: dict[str, Any] = {
            "font.size": self.points,
            "axes.linewidth": 0.6,
            "axes.labelsize": self.points,
            "xtick.labelsize": self.points,
            "ytick.labelsize": self.points,
            "xtick.major.width": 0.6,
            "ytick.major.width": 0.6,
            "pdf.fonttype": 42,  # text that a publisher can embed and a reader can search
        }
        return figure_settings(settings)

    def figure(self, height_inches: float) -> "Figure":
        """Return an empty figure of the style's width."""
        from matplotlib.figure import Figure

        return Figure(figsize=(self.width_inches, height_inches), layout="constrained")


SCREEN = Style(
    name="screen",
    width_inches=9.0,
    points=8,
    small_points=7,
    titled=True,
    endings=("png", "svg"),
)
PAPER = Style(
    name="paper",
    width_inches=3.4,  # a column of IEEE's and of ACM's two-column formats
    points=7,
    small_points=6,
    titled=False,
    endings=("pdf", "svg"),
)
STYLES = {style.name: style for style in (SCREEN, PAPER)}


def style_of(name: str) -> Style:
    """Return the style with this name.

    Raises:
        InputError: no style has the name.

    """
    if name not in STYLES:
        raise InputError(f"style {name!r}: use {' or '.join(STYLES)}")
    return STYLES[name]


def plain_log_ticks(axis: "Axis", inches: float) -> None:
    """Label a logarithmic axis with as many numbers as fit, without exponents.

    Args:
        axis: the axis, with its limits.
        inches: the length of the axis.

    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    first, last = axis.get_view_interval()
    decade = inches / log10(last / first)
    digits = (1.0, 2.0, 5.0) if decade > 1.4 else (1.0, 3.0) if decade > 0.7 else (1.0,)
    axis.set_major_locator(LogLocator(subs=digits, numticks=99))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())


def save_figure(figure: "Figure", path: Path) -> None:
    """Save without date, version and random names, which would make equal figures differ."""
    quiet = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
    with figure_settings({"svg.hashsalt": "simulator", "pdf.fonttype": 42}):
        figure.savefig(path, dpi=200, metadata=quiet.get(path.suffix[1:]))


def spread(wanted: list[float], gap: float, low: float, high: float) -> list[float]:
    """Return positions at least `gap` apart, as near to the wanted positions as possible.

    Args:
        wanted: rising positions.
        gap: the smallest distance between two; less if they do not fit between `low` and `high`.
        low: the smallest position.
        high: the largest position.

    """
    gap = min(gap, (high - low) / max(1, len(wanted) - 1))
    # groups of neighbors that touch: (sum of wanted starts, count)
    groups: list[tuple[float, int]] = []
    for number, place in enumerate(wanted):
        groups.append((place - number * gap, 1))
        while len(groups) > 1 and groups[-2][0] / groups[-2][1] > groups[-1][0] / groups[-1][1]:
            (sum_a, count_a), (sum_b, count_b) = groups[-2:]
            groups[-2:] = [(sum_a + sum_b, count_a + count_b)]
    starts = [total / count for total, count in groups for _ in range(count)]
    last = high - (len(wanted) - 1) * gap
    return [min(max(start, low), last) + number * gap for number, start in enumerate(starts)]
