"""Figure 13: two timelines one above the other, on one time axis.

A unit's row shows the share of each time bin in which the unit works, so that a run of a million
commands draws as fast, and reads as well, as one of a hundred.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.mapping.commands import Unit
from simulator.program import Ints
from simulator.report.lines import wrapped
from simulator.report.title import times_in_one_unit, title
from simulator.report.wording import UNIT_LABELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    from simulator.report.result import Result, Run

_TITLE_CHARACTERS = 120
"""Of a line of the title."""
BINS = 900
"""Time bins over the longer of the two runs."""
_ROWS: tuple[tuple[str, tuple[Unit, ...]], ...] = (
    ("DRAM", (Unit.DRAM_WEIGHTS, Unit.DRAM_INPUTS, Unit.DRAM_OUTPUTS)),
    (UNIT_LABELS[Unit.INDEX_FETCH], (Unit.INDEX_FETCH,)),
    (UNIT_LABELS[Unit.DOT], (Unit.DOT,)),
    (UNIT_LABELS[Unit.ACCUMULATE], (Unit.ACCUMULATE,)),
    (UNIT_LABELS[Unit.DRAIN], (Unit.DRAIN,)),
    (UNIT_LABELS[Unit.MAC], (Unit.MAC,)),
)
# Okabe and Ito's colours: told apart by every eye, and in grey.
_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D31", "#7F7F7F",
)  # fmt: skip


def plot_timeline(result: "Result", path: str | Path | None = None) -> "Figure":
    """Draw a result's run above its baseline.

    Args:
        result: from `simulate`.
        path: also save there; PNG, SVG or PDF by its ending.

    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    colours = stage_colours(result)
    stages = tuple(colours)
    longest = max(result.run.cycles, result.baseline.cycles)
    edges = np.linspace(0, longest, BINS + 1)
    style: Any = {"font.size": 8, "axes.linewidth": 0.6}
    with rc_context(style):
        figure = Figure(figsize=(9.0, 4.6), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True)
        for axes, run in ((upper, result.run), (lower, result.baseline)):
            _draw(axes, result, run, edges, colours)
        lower.set_xlabel(f"time (ms at {result.hardware.clock_ghz:g} GHz)")
        lower.set_xlim(0, result.milliseconds(longest) * 1.09)
        figure.suptitle("\n".join(wrapped(title(result), _TITLE_CHARACTERS)), fontsize=9)
        figure.legend(
            handles=_handles(colours),
            loc="outside lower center",
            ncols=min(8, len(stages)),
            frameon=False,
            title="stage (row height: fraction of time in which the unit is busy)",
            title_fontsize=7,
            fontsize=7,
        )
        if path is not None:
            save_figure(figure, Path(path))
    return figure


def stage_colours(result: "Result") -> dict[str, str]:
    """A colour for every stage, in the order of the layers."""
    stages = dict.fromkeys(layer.stage for layer in result.run.layers)
    return {stage: _COLOURS[i % len(_COLOURS)] for i, stage in enumerate(stages)}


def save_figure(figure: "Figure", path: Path) -> None:
    """Save without the date, version and random names that would make equal figures differ."""
    from matplotlib import rc_context

    quiet = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
    with rc_context({"svg.hashsalt": "simulator"}):
        figure.savefig(path, dpi=200, metadata=quiet.get(path.suffix[1:]))


def _handles(colours: dict[str, str]) -> list["Patch"]:
    from matplotlib.patches import Patch

    return [Patch(color=colour, label=stage) for stage, colour in colours.items()]


def _draw(
    axes: "Axes",
    result: "Result",
    run: "Run",
    edges: NDArray[np.float64],
    colours: dict[str, str],
) -> None:
    """One run: a row of activity per unit, stages by colour and name."""
    stage_of = np.array([list(colours).index(layer.stage) for layer in run.layers])
    rows = [row for row in _ROWS if _used(result, row[1])]
    milliseconds = edges / result.hardware.clock_ghz / 1e6
    for height, (_, units) in enumerate(reversed(rows)):
        for number, colour in enumerate(colours.values()):
            share = np.max(
                [activity(run, unit, edges, stage_of == number) for unit in units], axis=0
            )
            for first, last in _stretches(share):
                axes.stairs(
                    height + 0.84 * share[first:last], milliseconds[first : last + 1],
                    baseline=height, fill=True, color=colour, linewidth=0,
                )  # fmt: skip
    axes.set_yticks(np.arange(len(rows)) + 0.42, [name for name, _ in reversed(rows)])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.1, len(rows) + 0.75)
    axes.hlines(np.arange(len(rows)), 0, milliseconds[-1], color="0.85", linewidth=0.4, zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    _name_stages(axes, result, run, colours, len(rows))
    total = result.milliseconds(run.cycles)
    axes.axvline(total, color="black", linewidth=0.7)
    axes.annotate(
        f"{run.title}\n{times_in_one_unit([total])[0]}", (total, len(rows) / 2), (4, 0),
        textcoords="offset points", va="center", fontsize=8, fontweight="bold",
    )  # fmt: skip


def _stretches(share: NDArray[np.float64]) -> list[tuple[int, int]]:
    """First and behind-last bin of every stretch in which something works."""
    change = np.flatnonzero(np.diff(np.concatenate(([0], share > 0, [0]))))
    return list(zip(change[::2].tolist(), change[1::2].tolist(), strict=True))


def _name_stages(
    axes: "Axes", result: "Result", run: "Run", colours: dict[str, str], top: int
) -> None:
    """A name over every stretch of one stage, where it is wide enough for one."""
    start, longest = 0, max(result.run.cycles, result.baseline.cycles)
    layers = run.layers
    for number, layer in enumerate(layers):
        last = number + 1 == len(layers)
        if not last and layers[number + 1].stage == layer.stage:
            continue
        begin, end = result.milliseconds(start), result.milliseconds(layer.end_cycle)
        axes.axvline(end, color="0.6", linewidth=0.4, linestyle=":")
        if layer.end_cycle - start > 0.0085 * len(layer.stage) * longest:
            axes.text(
                (begin + end) / 2, top + 0.15, layer.stage,
                ha="center", color=colours[layer.stage], fontsize=7, fontweight="bold",
            )  # fmt: skip
        start = layer.end_cycle


def _used(result: "Result", units: tuple[Unit, ...]) -> bool:
    runs = (result.run, result.baseline)
    return any(run.summary.busy[:, list(units)].any() for run in runs)


def activity(
    run: "Run", unit: Unit, edges: NDArray[np.float64], layers: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """[bins] share of each bin in which `unit` works for the chosen layers.

    Args:
        run: a traced run.
        unit: one unit; its commands never overlap.
        edges: [bins + 1] cycles, rising.
        layers: [layers] which layers count.

    """
    program = run.trace.program
    chosen = (program.unit == unit) & layers[program.layer]
    if not chosen.any():
        return np.zeros(len(edges) - 1)
    start, cycles = run.trace.start[chosen], program.cycles[chosen]
    return np.diff(_busy_until(start, cycles, edges)) / np.diff(edges)


def _busy_until(start: Ints, cycles: Ints, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cycles worked before each of `times`, by commands in order that do not overlap."""
    before = np.concatenate(([0], np.cumsum(cycles)))
    number = np.searchsorted(start, times, side="right") - 1
    inside = np.clip(times - start[number], 0, cycles[number])
    return np.where(number < 0, 0.0, before[number] + inside)
