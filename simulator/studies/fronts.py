"""Pareto fronts of time against area, one for each value of an axis, and who wins at equal area.

Points of one network at one batch and one precision of activations compare; the axis tells apart
what competes, such as bits per weight or hardware files.
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
from simulator.studies.figures import Floats, StudyFigures, read_numbers

STEP = 1.02
"""Ratio of one area to the next at which fronts are compared."""
AREA = "area_gate_equivalents"


@dataclass(frozen=True, kw_only=True)
class Front:
    """The points of one value that no other point of it beats in both time and area."""

    value: Value
    area: Floats
    """[points] gate equivalents, rising."""
    time_ms: Floats
    """[points] falling."""
    point: NDArray[np.int64]
    """[points] number of the point in the study."""

    def within(self, areas: Floats) -> NDArray[np.int64]:
        """[areas] place of the fastest point that is no larger; -1 if every point is larger."""
        return np.searchsorted(self.area, areas, side="right") - 1

    def times(self, areas: Floats) -> Floats:
        """[areas] shortest time within an area; infinite if every point is larger."""
        times: Floats = np.append(self.time_ms, np.inf)[self.within(areas)]
        return times


@dataclass(frozen=True, kw_only=True)
class FrontGroup:
    """The fronts that compete: of one network, batch, and so on."""

    axis: str
    same: dict[str, Value]
    """What all of its points share, of what tells groups apart."""
    fronts: tuple[Front, ...]

    @property
    def title(self) -> str:
        """The values that its points share."""
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.same.items())

    @property
    def areas(self) -> Floats:
        """Areas at which the fronts are compared: all of them, in steps of 2 %."""
        return steps(
            min(front.area[0] for front in self.fronts),
            max(front.area[-1] for front in self.fronts),
        )

    def rows(self) -> list[dict[str, Any]]:
        """The fronts as rows of fronts.csv."""
        return [
            {**self.same, self.axis: front.value, AREA: round(area), "time_ms": time, "point": n}
            for front in self.fronts
            for area, time, n in zip(
                front.area.tolist(), front.time_ms.tolist(), front.point.tolist(), strict=True
            )
        ]


def steps(least: float, most: float) -> Floats:
    """Areas from the least on, each 2 % larger than the one before, up to the most or just over."""
    count = ceil(log(most / least) / log(STEP)) if most > least else 0
    areas: Floats = least * STEP ** np.arange(count + 1, dtype=np.float64)
    return areas


def front(cost: Floats, time: Floats) -> NDArray[np.int64]:
    """Numbers of the points that no other beats in both, by rising cost; of equal points the first.

    Args:
        cost: [points]
        time: [points]

    """
    order = np.lexsort((time, cost))
    best = np.minimum.accumulate(time[order])
    return order[np.diff(best, prepend=np.inf) < 0]


def front_of(value: Value, area: Floats, time_ms: Floats, point: NDArray[np.int64]) -> Front:
    """The Pareto front of some points; of equal points the first.

    Args:
        value: what they share.
        area: [points] gate equivalents.
        time_ms: [points]
        point: [points] their numbers.

    """
    best = front(area, time_ms)
    return Front(value=value, area=area[best], time_ms=time_ms[best], point=point[best])


def require_axis(axes: Mapping[str, Sequence[Value] | None], axis: str) -> None:
    """Check that fronts can be told apart by an axis.

    Args:
        axes: values of each; None if they are not known yet.
        axis: the one that was asked for.

    Raises:
        InputError: it is none, or has one value.

    """
    several = [name for name, values in axes.items() if values is None or len(values) > 1]
    if axis not in several:
        choices = f"choose one of {', '.join(several)}" if several else "the study has none"
        raise InputError(
            f"--fronts {axis}: not an axis of several values; "
            f"{did_you_mean(axis, several) or choices}"
        )


def fronts_of(figures: StudyFigures, numbers_file: Path, axis: str) -> list[FrontGroup]:
    """The fronts of a study for each value of an axis, by group.

    Args:
        figures: of its points.
        numbers_file: `points.npz` in its folder.
        axis: `bits`, `model`, `hw`, or any other axis of several values.

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
    """Whether points of different values of a field do not compete.

    Machines do, and so do precisions of weights if the axis is one.
    """
    return name not in {axis, "hw"} and not (name in PRECISION and axis in PRECISION)


@dataclass(frozen=True, kw_only=True)
class Lead:
    """A range of areas over which the same value is fastest."""

    value: Value | None
    """None: the two fastest are equally fast."""
    first: float
    last: float
    """Gate equivalents."""
    least: float
    most: float
    """Ends of the next value's time over the fastest; infinite where there is no other."""


def leads(group: FrontGroup) -> list[Lead]:
    """Who is fastest at equal area, from the smallest area on."""
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
