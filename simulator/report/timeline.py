"""Figure 13: timelines one above the other, on one time axis; from a result or a saved trace.

A unit's row shows the fraction of each time bin in which the unit works. A run of a million
commands therefore draws as fast, and is as readable, as a run of a hundred.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.analysis.outcome import Outcome
from simulator.analysis.title import title
from simulator.analysis.trace_file import read_traces
from simulator.base.columns import Ints
from simulator.base.lines import wrapped
from simulator.base.wording import counted, time_unit, times_in_one_unit
from simulator.engine.trace import Trace
from simulator.report.style import COLORS, Style, save_figure, spread, style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TITLE_CHARACTERS = 120
"""The most characters of a line of the title."""
BINS = 900
"""Time bins over the longest run."""
_FULL = 0.8
"""The height of a row at 100 %, as a fraction of the distance between rows."""
_ROW_INCHES = {"screen": 0.23, "paper": 0.19}
_NARROW_ROW_INCHES = {"screen": 0.14, "paper": 0.11}
"""The height of a row in figures with many rows."""
_MANY_ROWS = 24
"""The most rows of full height. Narrow rows have no scale."""
_LABEL_INCHES = {"screen": 0.45, "paper": 0.4}
"""The height of the area above the rows: names of stages and the lines to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One run on the time axis."""

    title: str
    """The title with the run's time, at the right edge."""
    trace: Trace
    stages: tuple[str, ...]
    """The stage of each layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """The time axis of all tracks."""

    edges: NDArray[np.float64]
    """[BINS + 1] edges of the bins in cycles."""
    per_cycle: float
    """Units of the axis per cycle."""

    @property
    def times(self) -> NDArray[np.float64]:
        """[BINS + 1] edges of the bins in units of the axis."""
        return self.edges * self.per_cycle


def plot_timeline(
    result: Outcome, path: str | Path | None = None, style: str = "screen"
) -> "Figure":
    """Draw a result's run, above its baseline if it has one.

    Args:
        result: from `simulate`.
        path: also save there; PNG, SVG or PDF by its suffix.
        style: `screen`, or `paper`: one column wide, without a title.

    Raises:
        InputError: the style is unknown.

    """
    milliseconds = [run.time_ms for run in result.runs]
    unit, factor = time_unit(milliseconds)
    times = times_in_one_unit(milliseconds)
    tracks = [
        Track(
            title=f"{run.title}: {time}",
            trace=run.trace,
            stages=tuple(layer.stage for layer in run.layers),
        )
        for run, time in zip(result.runs, times, strict=True)
    ]
    return _draw(
        tracks,
        per_cycle=factor * result.milliseconds(1),
        axis=f"time ({unit} at {result.hardware.clock_ghz:g} GHz)",
        heading="\n".join(wrapped(title(result), _TITLE_CHARACTERS)),
        path=path,
        style=style,
    )


def plot_trace_file(
    file: str | Path, path: str | Path | None = None, style: str = "screen"
) -> "Figure":
    """Draw the runs of a saved trace, of any machine, from the file alone.

    A trace has neither a clock nor stages: the axis is in cycles, and each layer has a color.

    Args:
        file: `trace.csv` or `trace.parquet`, or the folder that contains it.
        path: also save there; PNG, SVG or PDF by its suffix.
        style: `screen` or `paper`.

    Raises:
        InputError: the file is unreadable, or the style is unknown.

    """
    tracks = [
        Track(
            title=f"{name}: {counted(trace.cycles, 'cycle')}",
            trace=trace,
            stages=trace.layers,
        )
        for name, trace in read_traces(Path(file)).items()
    ]
    return _draw(tracks, per_cycle=1.0, axis="cycles", heading=str(file), path=path, style=style)


def _draw(
    tracks: Sequence[Track],
    *,
    per_cycle: float,
    axis: str,
    heading: str,
    path: str | Path | None,
    style: str,
) -> "Figure":
    """Draw tracks one above the other, on one time axis.

    Args:
        tracks: at least one, of one vocabulary.
        per_cycle: units of the time axis per cycle.
        axis: the name of the time axis.
        heading: the heading of the figure, if the style has titles.
        path: also save there.
        style: the style of the figure.

    """
    look, units = style_of(style), _used(tracks)
    longest = max(1, *(track.trace.cycles for track in tracks))
    scale = _Scale(edges=np.linspace(0, longest, BINS + 1), per_cycle=per_cycle)
    with look.drawing():
        panels_inches = sum(
            len(units) * _row_inches(units, style) + _label_inches(track, style) for track in tracks
        )
        figure = look.figure(panels_inches + (0.75 if look.titled else 0.4))
        panels = figure.subplots(len(tracks), 1, sharex=True, squeeze=False)[:, 0]
        for axes, track in zip(panels, tracks, strict=True):
            axes.set_xlim(0, scale.times[-1])
            _draw_rows(axes, track, units=units, scale=scale, look=look)
            _draw_end(axes, track, scale=scale, rows=len(units), look=look)
        panels[-1].set_xlabel(axis)
        figure.supylabel("fraction of time in which the unit is busy", fontsize=look.points)
        if look.titled:
            figure.suptitle(heading, fontsize=look.points + 1)
        figure.draw_without_rendering()  # fixes the widths that names must fit
        for axes, track in zip(panels, tracks, strict=True):
            if not track.trace.at_once:
                _name_stages(axes, track, scale, len(units), look)
        if path is not None:
            save_figure(figure, Path(path))
    return figure


def _row_inches(units: Sequence[int], style: str) -> float:
    """Return the height of a row."""
    return (_ROW_INCHES if len(units) <= _MANY_ROWS else _NARROW_ROW_INCHES)[style]


def _label_inches(track: Track, style: str) -> float:
    """Return the height above a track's rows; names of units at once have those of layers."""
    return 0.05 if track.trace.at_once else _LABEL_INCHES[style]


def _band_layers(axes: "Axes", track: Track, units: Sequence[int]) -> None:
    """Shade the rows of every second layer of a pipeline, whose units work for one layer each."""
    names = [track.trace.vocabulary.units[unit].layer for unit in units]
    row = len(units)
    for number, (_, group) in enumerate(groupby(names)):
        rows = len(list(group))
        if number % 2:
            axes.axhspan(row - rows - 0.1, row - 0.1, color="0.94", zorder=-1, linewidth=0)
        row -= rows


def stage_colors(stages: Iterable[str]) -> dict[str, str]:
    """Return a color for every stage, in the order of the layers."""
    return {stage: COLORS[i % len(COLORS)] for i, stage in enumerate(dict.fromkeys(stages))}


def stages_of(result: Outcome) -> tuple[str, ...]:
    """The stage of each layer."""
    return tuple(layer.stage for layer in result.run.layers)


def _draw_rows(
    axes: "Axes", track: Track, *, units: Sequence[int], scale: _Scale, look: Style
) -> None:
    """Draw a row of activity per unit, with stages by color and a scale from 0 to 100 %."""
    from matplotlib.collections import PolyCollection

    colors, times = stage_colors(track.stages), scale.times
    narrow = len(units) > _MANY_ROWS
    if track.trace.at_once:
        _band_layers(axes, track, units)
    stage_of = np.array([list(colors).index(stage) for stage in track.stages])
    for height, unit in enumerate(reversed(units)):
        for level in (0,) if narrow else (0, _FULL / 2, _FULL):
            axes.axhline(height + level, color="0.85", linewidth=0.4, zorder=0)
        for number, color in enumerate(colors.values()):
            share = activity(track.trace, unit, scale.edges, stage_of == number)
            shapes = [
                _steps(times[first : last + 1], height + _FULL * share[first:last], height)
                for first, last in _stretches(share)
            ]
            drawn = PolyCollection(shapes, facecolors=color, linewidths=0)
            drawn.set_in_layout(False)  # the axes have fixed limits
            axes.add_collection(drawn, autolim=False)
    rows = range(len(units))
    titles = [track.trace.vocabulary.units[unit].title for unit in reversed(units)]
    axes.set_yticks([row + _FULL / 2 for row in rows], titles)
    axes.tick_params(axis="y", length=0, pad=3 if narrow else _scale_points(look))
    if narrow:
        axes.tick_params(axis="y", labelsize=look.small_points)
    for row in () if narrow else rows:
        for level, text, place in ((0, "0", "bottom"), (_FULL, "100 %", "top")):
            axes.annotate(
                text, (0, row + level), (-3, 0), xycoords=("axes fraction", "data"),
                textcoords="offset points", ha="right", va=place, fontsize=look.small_points - 1.5,
                color="0.35",
            )  # fmt: skip
    above = _label_inches(track, look.name) / _row_inches(units, look.name)
    axes.set_ylim(-0.08, len(units) + above)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines["left"].set_bounds(0, len(units))


def _steps(
    times: NDArray[np.float64], heights: NDArray[np.float64], base: float
) -> NDArray[np.float64]:
    """Return [corners, 2] the outline of steps of some heights between times, down to the base."""
    x = np.repeat(times, 2)
    return np.column_stack((x, np.concatenate(([base], np.repeat(heights, 2), [base]))))


def _scale_points(look: Style) -> float:
    """Return the width of `100 %` next to a row in points."""
    return 3.2 * (look.small_points - 1.5) + 6


def _draw_end(axes: "Axes", track: Track, *, scale: _Scale, rows: int, look: Style) -> None:
    """Draw the end of the run, with its title at the right edge."""
    end = track.trace.cycles * scale.per_cycle
    axes.plot([end, end], [0, rows], color="black", linewidth=0.8, clip_on=False)
    axes.annotate(
        track.title, (1, 0.5), (4, 0),
        xycoords="axes fraction", textcoords="offset points", rotation=90, va="center", ha="left",
        fontsize=look.points, fontweight="bold",
    )  # fmt: skip


def _stretches(share: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the first bin and the bin after the last, for every stretch with activity."""
    change = np.flatnonzero(np.diff(np.concatenate(([0], share > 0, [0]))))
    return list(zip(change[::2].tolist(), change[1::2].tolist(), strict=True))


def _name_stages(axes: "Axes", track: Track, scale: _Scale, rows: int, look: Style) -> None:
    """Draw the name of every stage above the rows, with a line to the stage's middle.

    Args:
        axes: the axes, with their final size.
        track: the run with the stages.
        scale: the scale of the time axis.
        rows: the number of rows.
        look: the style of the text.

    """
    names, middles, start = [], [], 0
    ends = zip(track.stages, track.trace.layer_ends.tolist(), strict=True)
    for stage, layers in groupby(ends, key=lambda pair: pair[0]):
        end = list(layers)[-1][1]
        axes.plot(
            [end * scale.per_cycle] * 2, [0, rows],
            color="0.5", linewidth=0.5, linestyle=":", zorder=0,
        )  # fmt: skip
        names.append(stage)
        middles.append((start + end) / 2 * scale.per_cycle)
        start = end
    width = axes.get_xlim()[1]
    point = width / (axes.bbox.width * 72 / axes.figure.dpi)
    gap = max(map(len, names)) * 0.62 * look.small_points * point
    places = spread(middles, gap, gap / 2, width - gap / 2)
    moved = max(abs(a - b) for a, b in zip(middles, places, strict=True))
    upright = moved > gap or gap * len(names) > width
    if upright:
        gap = 1.15 * look.small_points * point
        places = spread(middles, gap, gap / 2, width - gap / 2)
    above = rows + 0.28 * (axes.get_ylim()[1] - rows)
    for name, middle, place in zip(names, middles, places, strict=True):
        axes.plot([middle, place], [rows, above], color="0.4", linewidth=0.4)
        axes.annotate(
            name, (place, above), (0, 1), textcoords="offset points", ha="center", va="bottom",
            rotation=90 if upright else 0, fontsize=look.small_points,
        )  # fmt: skip


def _used(tracks: Sequence[Track]) -> list[int]:
    """Return the units that work in any run, from top to bottom."""
    used = np.zeros(len(tracks[0].trace.units), dtype=bool)
    for track in tracks:
        used[track.trace.unit[track.trace.occupied > 0]] = True
    units: list[int] = np.flatnonzero(used).tolist()
    return units


def activity(
    trace: Trace, unit: int, edges: NDArray[np.float64], layers: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return [bins] the fraction of each bin in which `unit` works for the chosen layers.

    Args:
        trace: the trace of a run.
        unit: the index of one unit; its commands never overlap.
        edges: [bins + 1] rising cycles.
        layers: [layers] True for the layers that count.

    """
    chosen = (trace.unit == unit) & layers[trace.layer]
    if not chosen.any():
        return np.zeros(len(edges) - 1)
    start, cycles = trace.start[chosen], trace.occupied[chosen]
    return np.diff(_busy_until(start, cycles, edges)) / np.diff(edges)


def _busy_until(start: Ints, cycles: Ints, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the busy cycles before each of `times`, for ordered commands without overlap."""
    before = np.concatenate(([0], np.cumsum(cycles)))
    number = np.searchsorted(start, times, side="right") - 1
    inside = np.clip(times - start[number], 0, cycles[number])
    return np.where(number < 0, 0.0, before[number] + inside)
