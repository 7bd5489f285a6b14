"""Effect of each factor of a study on the time: its size, and the best values.

Each effect comes from *sets*: points that agree in all factors but one. Every statement is true in
every set because a mean would hide the other axes. A ratio has its minimum and its maximum
over the sets. A value is the best only if it is the best in all sets.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.studies.axes import Value
from simulator.studies.factors import Factor, combined, factors_of
from simulator.studies.point_numbers import Floats, StudyFigures, is_number

MATTERS = 1.01
"""The ratio of times below which a factor hardly matters."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The effect of one factor."""

    axes: tuple[str, ...]
    """The leading axis, followed by the axes that move with it."""
    values: tuple[tuple[Value, ...], ...]
    """[levels] a value for each axis."""
    sets: int
    """The number of sets of points that differ in this factor alone; 0 in a sparse sample."""
    least_ratio: float = 1.0
    """The ratio of slowest to fastest time in a set, minimum over all sets; 1 without sets."""
    largest_ratio: float = 1.0
    least_speedup_ratio: float | None = None
    """The ratio of largest to smallest speedup in a set, minimum over all sets whose points have
    baselines; None without such sets."""
    largest_speedup_ratio: float | None = None
    complete: bool = False
    """True if every set has every level, as a comparison of levels over sets requires."""
    fastest: tuple[int, ...] = ()
    """Levels that are fastest in some set."""
    always_fastest: tuple[int, ...] = ()
    """Levels that are fastest in every set."""
    slowest: tuple[int, ...] = ()
    """Levels that are slowest in every set."""
    depends_on: tuple[str, ...] = ()
    """Leading axes on which the fastest level depends."""
    enough: int | None = None
    """The first level from which every time is within 1 % of its set's fastest, if any."""

    @property
    def axis(self) -> str:
        """The leading axis."""
        return self.axes[0]

    @property
    def matters(self) -> bool:
        """True if the time of some point depends on this factor by at least one percent."""
        return self.largest_ratio >= MATTERS

    @property
    def idle(self) -> bool:
        """True if no time depends on this factor."""
        return self.sets > 0 and self.largest_ratio == 1

    @cached_property
    def leading_values(self) -> tuple[Value, ...]:
        """[levels] values of the leading axis."""
        return tuple(values[0] for values in self.values)

    def described(self) -> dict[str, Any]:
        """The effect as plain data."""
        speedups = {
            "least_speedup_ratio": self.least_speedup_ratio,
            "largest_speedup_ratio": self.largest_speedup_ratio,
        }
        return {
            "axis": self.axis,
            "moves_with": list(self.axes[1:]),
            "values": list(self.leading_values),
            "sets": self.sets,
            "least_time_ratio": self.least_ratio,
            "largest_time_ratio": self.largest_ratio,
            **{name: value for name, value in speedups.items() if value is not None},
            "fastest": [self.leading_values[level] for level in self.fastest],
            "fastest_depends_on": list(self.depends_on),
            "matters": self.matters,
        }


def effects_of(figures: StudyFigures) -> tuple[Effect, ...]:
    """The effect of every factor, largest first."""
    if not len(figures.point):
        return ()
    factors = factors_of(figures)
    effects = [_effect(figures, factors, number) for number in range(len(factors))]
    return tuple(sorted(effects, key=lambda effect: -effect.largest_ratio))


def _effect(figures: StudyFigures, factors: Sequence[Factor], number: int) -> Effect:
    factor = factors[number]
    others = [other for other in factors if other is not factor]
    sets = _Sets(factor, others, len(figures.point))
    if not sets.count:
        return Effect(axes=factor.axes, values=factor.values, sets=0)
    ratios = sets.ratios(figures.time_ms)
    speedups = sets.ratios(figures.speedup)
    speedups = speedups[np.isfinite(speedups)]
    effect = Effect(
        axes=factor.axes,
        values=factor.values,
        sets=sets.count,
        least_ratio=float(ratios.min()),
        largest_ratio=float(ratios.max()),
        least_speedup_ratio=float(speedups.min()) if len(speedups) else None,
        largest_speedup_ratio=float(speedups.max()) if len(speedups) else None,
    )
    return sets.with_levels(effect, figures.time_ms) if sets.complete else effect


class _Sets:
    """The sets of points that differ in one factor alone, each with its points by level."""

    def __init__(self, factor: Factor, others: Sequence[Factor], points: int) -> None:
        """Sort the points by set, then by level; count equal points once."""
        self._others = others
        self._levels = len(factor.values)
        numbers = combined(((x.codes, len(x.values)) for x in others), points)
        order = np.lexsort((factor.codes, numbers))
        number, level = numbers[order], factor.codes[order]
        again = np.zeros(points, dtype=bool)
        again[1:] = (np.diff(number) == 0) & (level[1:] == level[:-1])
        order, number = order[~again], number[~again]
        starts = np.flatnonzero(np.diff(number, prepend=-1))
        sizes = np.diff(np.append(starts, len(order)))
        kept = sizes > 1
        self._order = order[np.repeat(kept, sizes)]
        self._sizes = sizes[kept]
        self._starts = np.concatenate(([0], np.cumsum(self._sizes)[:-1]))[: kept.sum()]

    @property
    def count(self) -> int:
        """The number of sets."""
        return len(self._sizes)

    @property
    def complete(self) -> bool:
        """True if every set has every level."""
        return bool((self._sizes == self._levels).all())

    def ratios(self, values: Floats) -> Floats:
        """[sets] ratio of the largest to the smallest value."""
        ordered = values[self._order]
        largest = np.maximum.reduceat(ordered, self._starts)
        smallest = np.minimum.reduceat(ordered, self._starts)
        found: Floats = largest / smallest
        return found

    def with_levels(self, effect: Effect, time_ms: Floats) -> Effect:
        """Add the effects of single levels; this requires complete sets."""
        times = time_ms[self._order].reshape(self.count, self._levels)
        best = times == times.min(axis=1, keepdims=True)
        worst = times == times.max(axis=1, keepdims=True)
        always = best.all(axis=0)
        return replace(
            effect,
            complete=True,
            fastest=_numbers(best.any(axis=0)),
            always_fastest=_numbers(always),
            slowest=_numbers(worst.all(axis=0)),
            depends_on=() if always.any() else self._depends_on(best),
            enough=_enough(times) if all(map(is_number, effect.leading_values)) else None,
        )

    def _depends_on(self, best: NDArray[np.bool_]) -> tuple[str, ...]:
        """Factors that change the best level: some sets that differ in one share no best level."""
        first = self._order[self._starts]
        found = []
        for factor in self._others:
            rest = [(x.codes[first], len(x.values)) for x in self._others if x is not factor]
            numbers = combined(rest, self.count)
            order = np.argsort(numbers, kind="stable")
            starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
            common = np.logical_and.reduceat(best[order], starts, axis=0)
            if not common.any(axis=1).all():
                found.append(factor.lead)
        return tuple(found)


def _enough(times: Floats) -> int | None:
    """The first level from which every time is within 1 % of its set's fastest."""
    within = (times < times.min(axis=1, keepdims=True) * MATTERS).all(axis=0)
    outside = np.flatnonzero(~within)
    level = int(outside[-1]) + 1 if len(outside) else 0
    return level if 0 < level < times.shape[1] - 1 else None


def _numbers(chosen: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(chosen).tolist())
