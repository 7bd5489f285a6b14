"""Factors of a study: its axes, with axes that move together combined.

Two axes of a CSV of points, or a linked key and the key that it follows, may always vary together.
Their effects on the time are then indistinguishable; both axes are therefore one factor.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.studies.axes import Value
from simulator.studies.point_numbers import Codes, StudyFigures, is_number

_LARGEST = 1 << 62
"""An upper limit of the numbers of sets of points, which are 64-bit integers."""


@dataclass(frozen=True, kw_only=True)
class Factor:
    """An axis, and the axes that follow it."""

    axes: tuple[str, ...]
    """The leading axis, whose value decides the values of the others, followed by these axes."""
    values: tuple[tuple[Value, ...], ...]
    """[levels] one value for each axis."""
    codes: Codes
    """[points] level of each point."""

    @property
    def lead(self) -> str:
        """The leading axis."""
        return self.axes[0]


def factors_of(figures: StudyFigures) -> tuple[Factor, ...]:
    """The factors in the order of their leading axes; every axis is in exactly one factor."""
    leads: dict[str, str] = {}
    for name in figures.axes:
        leads[name] = next(
            (lead for lead in figures.axes if lead != name and _leads(figures, lead, name)), name
        )
    roots = {name: _root(leads, name) for name in leads}
    return tuple(
        _factor(figures, [root, *(x for x in roots if roots[x] == root != x)])
        for root in dict.fromkeys(roots.values())
    )


def _leads(figures: StudyFigures, lead: str, name: str) -> bool:
    """True if an axis decides another; if both decide each other, the first axis leads."""
    if not _decides(figures, lead, name):
        return False
    names = list(figures.axes)
    return names.index(lead) < names.index(name) or not _decides(figures, name, lead)


def _decides(figures: StudyFigures, lead: str, name: str) -> bool:
    """True if each value of `lead` occurs with one value of `name`, in step with it.

    Numbers must rise or fall together. Otherwise, among random points with distinct values, any
    axis would decide any other axis. Other values must pair one to one.
    """
    values, others = figures.axes[lead], figures.axes[name]
    of_value = np.zeros(len(values), dtype=np.int64)
    of_value[figures.codes[lead]] = figures.codes[name]
    if len(others) > len(values) or (of_value[figures.codes[lead]] != figures.codes[name]).any():
        return False
    if all(map(is_number, values)) and all(map(is_number, others)):
        steps = np.diff(of_value)
        return bool((steps >= 0).all() or (steps <= 0).all())
    return len(others) == len(values)


def _root(leads: dict[str, str], name: str) -> str:
    while leads[name] != name:
        name = leads[name]
    return name


def _factor(figures: StudyFigures, axes: Sequence[str]) -> Factor:
    codes = figures.codes[axes[0]]
    levels = len(figures.axes[axes[0]])
    columns: list[list[Value]] = []
    for name in axes:
        of_level = np.zeros(levels, dtype=np.int64)
        of_level[codes] = figures.codes[name]
        columns.append([figures.axes[name][place] for place in of_level.tolist()])
    return Factor(axes=tuple(axes), values=tuple(zip(*columns, strict=True)), codes=codes)


def combined(many: Iterable[tuple[Codes, int]], points: int) -> NDArray[np.int64]:
    """[points] one number for several codes; equal numbers mean equal codes.

    Args:
        many: codes, each with its number of possible values.
        points: length of the codes.

    """
    whole, numbers = np.zeros(points, dtype=np.int64), 1
    for codes, length in many:
        if numbers * length > _LARGEST:
            found, whole = np.unique(whole, return_inverse=True)
            numbers = len(found)
        whole = whole * length + codes
        numbers *= length
    return whole
