"""Pareto fronts of time against area, one for each value of an axis, and the best at equal area.

Only points with the same network, batch and precision of activations compete. The axis separates
the competitors, such as bits per weight or hardware files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.base.nearest import did_you_mean
from simulator.studies.axes import POINT_FIELDS, PRECISION, Value
from simulator.studies.point_numbers import Floats, StudyFigures, read_numbers

STEP = 1.02
"""The ratio between successive areas in the comparison of fronts."""
AREA = "area_gate_equivalents"


@dataclass(frozen=True, kw_only=True)
class Front:
    """The points of one value that no other point of that value beats in both time and area."""

    value: Value
    area: Floats
    """[points] area in gate equivalents, rising."""
    time_ms: Floats
    """[points] time in milliseconds, falling."""
    point: NDArray[np.int64]
    """[points] number of the point in the study."""

    def within(self, areas: Floats) -> NDArray[np.int64]:
        """[areas] index of the fastest point within each area; -1 if every point is larger."""
        return np.searchsorted(self.area, areas, side="right") - 1

    def times(self, areas: Floats) -> Floats:
        """[areas] shortest time within each area; infinite if every point is larger."""
        times: Floats = np.append(self.time_ms, np.inf)[self.within(areas)]
        return times


@dataclass(frozen=True, kw_only=True)
class FrontGroup:
    """The fronts that compete, such as the fronts of one network and batch."""

    axis: str
    same: dict[str, Value]
    """The common values of the fields that separate groups."""
    fronts: tuple[Front, ...]

    @property
    def title(self) -> str:
        """The common values of the group's points."""
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.same.items())

    @property
    def areas(self) -> Floats:
        """The areas of the comparison, from the smallest to the largest, in steps of 2 %."""
        return steps(
            min(front.area[0] for front in self.fronts),
            max(front.area[-1] for front in self.fronts),
        )

    def rows(self) -> list[dict[str, Any]]:
        """The fronts, as rows of fronts.csv."""
        return [
            {**self.same, self.axis: front.value, AREA: round(area), "time_ms": time, "point": n}
            for front in self.fronts
            for area, time, n in zip(
                front.area.tolist(), front.time_ms.tolist(), front.point.tolist(), strict=True
            )
        ]


def steps(least: float, most: float) -> Floats:
    """Areas from the minimum in steps of 2 %; the last is the maximum or just above it."""
    count = ceil(log(most / least) / log(STEP)) if most > least else 0
    areas: Floats = least * STEP ** np.arange(count + 1, dtype=np.float64)
    return areas


def front(cost: Floats, time: Floats) -> NDArray[np.int64]:
    """The numbers of the points that no other point beats in both, by rising cost.

    If points are equal, only the first of them is on the front.

    Args:
        cost: [points]
        time: [points]

    """
    order = np.lexsort((time, cost))
    best = np.minimum.accumulate(time[order])
    return order[np.diff(best, prepend=np.inf) < 0]


def front_of(value: Value, area: Floats, time_ms: Floats, point: NDArray[np.int64]) -> Front:
    """The Pareto front of some points; if points are equal, only the first is on the front.

    Args:
        value: common value of the points.
        area: [points] gate equivalents.
        time_ms: [points]
        point: [points] number in the study.

    """
    best = front(area, time_ms)
    return Front(value=value, area=area[best], time_ms=time_ms[best], point=point[best])


def require_axis(axes: Mapping[str, Sequence[Value] | None], axis: str) -> None:
    """Check that an axis can separate fronts.

    Args:
        axes: values of each axis; None if they are unknown.
        axis: requested axis.

    Raises:
        InputError: not an axis, or an axis with one value.

    """
    several = [name for name, values in axes.items() if values is None or len(values) > 1]
    if axis not in several:
        choices = f"choose one of {', '.join(several)}" if several else "the study has none"
        raise InputError(
            f"--fronts {axis}: not an axis of several values; "
            f"{did_you_mean(axis, several) or choices}"
        )


def fronts_of(figures: StudyFigures, numbers_file: Path, axis: str) -> list[FrontGroup]:
    """Return the fronts of a study for each value of an axis, by group.

    Args:
        figures: numbers of the study's points.
        numbers_file: `points.npz` in the study's folder.
        axis: `bits`, `model`, `hw`, or any other axis with several values.

    Raises:
        InputError: the study has no such axis.

    """
    require_axis(figures.axes, axis)
    area = read_numbers(numbers_file, [AREA])
    apart = [name for name in figures.axes if name in POINT_FIELDS and _tells_apart(name, axis)]
    codes = np.stack([*(figures.codes[name] for name in apart), np.zeros_like(figures.point)])
    groups, group = np.unique(codes, axis=1, return_inverse=True)
    found = []
    for number, codes_of_group in enumerate(groups.T[:, :-1].tolist()):
        members = group.ravel() == number
        fronts = []
        for code, value in enumerate(figures.axes[axis]):
            chosen = np.flatnonzero(members & (figures.codes[axis] == code))
            if len(chosen):
                times = figures.time_ms[chosen]
                fronts.append(front_of(value, area[chosen], times, figures.point[chosen]))
        same = {n: figures.axes[n][c] for n, c in zip(apart, codes_of_group, strict=True)}
        found.append(FrontGroup(axis=axis, same=same, fronts=tuple(fronts)))
    return found


def _tells_apart(name: str, axis: str) -> bool:
    """True if points with different values of a field do not compete.

    Points on different hardware compete. So do weight precisions if the axis is a precision.
    """
    return name not in {axis, "hw"} and not (name in PRECISION and axis in PRECISION)


@dataclass(frozen=True, kw_only=True)
class Lead:
    """A range of areas over which the same value is fastest."""

    value: Value | None
    """None if the two fastest values are equally fast."""
    first: float
    last: float
    """The largest area of the range, in gate equivalents; `first` is the smallest."""
    least: float
    most: float
    """The maximum ratio of the second-best time to the best; `least` is the minimum. Infinite if no
    second value fits.
    """


def leads(group: FrontGroup) -> list[Lead]:
    """The fastest value at equal area, from the smallest area to the largest."""
    areas = group.areas
    times = np.stack([front.times(areas) for front in group.fronts])
    if len(times) < 2:
        return []
    order = np.argsort(times, axis=0, kind="stable")
    fastest, second = np.take_along_axis(times, order[:2], axis=0)
    winner = np.where(fastest == second, -1, order[0])
    starts = np.flatnonzero(np.diff(winner, prepend=-2))
    return [
        _lead(group.fronts, winner[part[0]], areas[part], (second / fastest)[part])
        for part in np.split(np.arange(len(areas)), starts[1:])
    ]


def _lead(fronts: Sequence[Front], winner: int, areas: Floats, over: Floats) -> Lead:
    return Lead(
        value=None if winner < 0 else fronts[winner].value,
        first=float(areas[0]),
        last=float(areas[-1]),
        least=float(over.min()),
        most=float(over.max()),
    )
