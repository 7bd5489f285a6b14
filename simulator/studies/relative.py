"""Relations between points: a reference, scaling, dominated and slower points.

Times compare within a *group*: points of one network at one batch and one precision. The reference
of a group is the point with its file's own values of the hardware keys. Without such a point, the
reference is the group's first point.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.machines.families import family_named
from simulator.machines.hardware import with_numbers
from simulator.machines.loading import hardware_from
from simulator.studies.axes import POINT_FIELDS, Value
from simulator.studies.columns import column_of, flat
from simulator.studies.factors import combined, factors_of
from simulator.studies.point_numbers import Floats, StudyFigures
from simulator.studies.study import Study

Places = NDArray[np.int64]
"""Indices into a study's good points; -1 is none."""


@dataclass(frozen=True, kw_only=True)
class Relations:
    """Relations of a study's good points; the arrays have the shape [points]."""

    reference: Places
    own: bool
    """True if every reference has its file's own values."""
    over_reference: Floats
    """The reference's time divided by the point's time."""
    efficiency: Floats | None
    """`over_reference` divided by the ratio of PEs; None if no single axis sizes the array."""
    fastest: NDArray[np.bool_]
    """True if no point of the group is faster."""
    cheapest: NDArray[np.bool_]
    """True if no point of the group has a smaller product of time and area."""
    dominated: NDArray[np.bool_]
    slower_than: Places
    """The fastest smaller array that is faster than the point, if any."""


def machine_axes(figures: StudyFigures) -> list[str]:
    """The hardware axes: the file, and its keys."""
    return [name for name in figures.axes if name == "hw" or name not in POINT_FIELDS]


def size_axis(study: Study, figures: StudyFigures) -> str | None:
    """Return the only axis that changes the number of PEs; None if there is none, or several."""
    keys = {key for machine in study.machines for key in family_named(machine).size_keys}
    axes = [name for name in figures.axes if name in keys]
    return axes[0] if len(axes) == 1 else None


def relations_of(study: Study, figures: StudyFigures, *, pes: Floats, area: Floats) -> Relations:
    """Relate the good points of a study.

    Args:
        study: the study.
        figures: numbers of its points.
        pes: [points] number of PEs.
        area: [points] gate equivalents.

    """
    count = len(figures.point)
    network = [name for name in figures.axes if name in POINT_FIELDS and name != "hw"]
    group = combined(((figures.codes[n], len(figures.axes[n])) for n in network), count)
    _, group = np.unique(group, return_inverse=True)
    own = _own_values(study, figures)
    order = np.lexsort((np.arange(count), ~own, group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    first = order[starts]
    reference = first[group] if count else np.zeros(0, dtype=np.int64)
    over = figures.time_ms[reference] / figures.time_ms
    size = size_axis(study, figures)
    return Relations(
        reference=reference,
        own=bool(own[first].all()),
        over_reference=over,
        efficiency=over / (pes / pes[reference]) if size else None,
        fastest=_least(group, figures.time_ms),
        cheapest=_least(group, figures.time_ms * area),
        dominated=_dominated(group, figures.time_ms, area),
        slower_than=_slower_than(figures, size, pes) if size else np.full(count, -1),
    )


def _own_values(study: Study, figures: StudyFigures) -> NDArray[np.bool_]:
    """[points] true if every hardware key that is an axis has the value of the point's file."""
    count = len(figures.point)
    files = figures.axes.get("hw", tuple(study.inputs.hardware)[:1])
    file = figures.codes.get("hw", np.zeros(count, dtype=np.int64))
    keys = [name for name in machine_axes(figures) if name != "hw"]
    found = np.ones(count, dtype=bool)
    of_files = [_values(study, str(name)) for name in files]
    for key in keys:
        values = figures.axes[key]
        same = np.array(
            [[value == own.get(column_of(key)) for value in values] for own in of_files]
        )
        found &= same[file, figures.codes[key]]
    return found


def _values(study: Study, name: str) -> Mapping[str, Value]:
    """The columns of an unchanged hardware file; the value of a linked key is its expression."""
    hardware = hardware_from(dict(study.inputs.hardware[name]), {}, name)
    links = {column_of(link.key): link.expression for link in hardware.links}
    return flat(with_numbers(hardware)) | links


def _least(group: Places, values: Floats) -> NDArray[np.bool_]:
    """[points] true if no point of the group has a smaller value."""
    least = np.full(len(values), np.inf)
    np.minimum.at(least, group, values)
    found: NDArray[np.bool_] = values == least[group]
    return found


def _dominated(group: Places, time_ms: Floats, area: Floats) -> NDArray[np.bool_]:
    """[points] true if a point of the group is at least as fast and small, and better in one."""
    order = np.lexsort((area, time_ms, group))
    found = np.zeros(len(order), dtype=bool)
    for points in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        times, areas = time_ms[points], area[points]
        smallest = np.minimum.accumulate(areas)
        # The smallest of equal times comes first. An earlier point at most as large is therefore
        # better.
        equal = np.zeros(len(points), dtype=bool)
        equal[1:] = (np.diff(times) == 0) & (np.diff(areas) == 0)
        before = np.append(np.inf, smallest[:-1])
        worse = before <= areas
        for place in np.flatnonzero(equal):  # equal points share one result
            worse[place] = worse[place - 1]
        found[points] = worse
    return found


def _slower_than(figures: StudyFigures, size: str, pes: Floats) -> Places:
    """[points] fastest smaller array with equal other factors, if it is faster; otherwise -1."""
    others = [factor for factor in factors_of(figures) if size not in factor.axes]
    count = len(figures.point)
    sets = combined(((x.codes, len(x.values)) for x in others), count)
    found = np.full(count, -1, dtype=np.int64)
    order = np.lexsort((figures.time_ms, pes, sets))
    fastest, its_set = -1, -1
    waiting: list[int] = []  # points with the PEs of the current point
    for point in order.tolist():
        if sets[point] != its_set:
            fastest, its_set, waiting = -1, int(sets[point]), []
        elif waiting and pes[point] != pes[waiting[0]]:
            best = waiting[0]  # the fastest of equal PEs comes first
            if fastest < 0 or figures.time_ms[best] < figures.time_ms[fastest]:
                fastest = best
            waiting = []
        waiting.append(point)
        if fastest >= 0 and figures.time_ms[fastest] < figures.time_ms[point]:
            found[point] = fastest
    return found
