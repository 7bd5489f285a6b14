"""What each axis of a study does to the time: which mattered, and which did not.

Two measures. *All else equal*: of points that differ in this axis alone, the slowest over the
fastest; exact. *Level times*: a fit of log(time) as a sum of one number per value of every axis
(least squares), for the mean effect of each value; in a full grid it is the geometric mean.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.studies.axes import Value
from simulator.studies.figures import Floats, StudyFigures

MATTERS = 1.01
"""Below this ratio of times an axis hardly matters."""
_LARGEST = 1 << 62
"""Numbers of sets of points are 64-bit integers."""
_ACCURACY = 1e-10
"""Of the fit, relative."""
_MOST_ROUNDS = 1000
"""Of the fit. A grid takes a few; a sample some tens, unless its axes go together."""


@dataclass(frozen=True, kw_only=True)
class AxisEffect:
    """What one axis does."""

    axis: str
    values: tuple[Value, ...]
    groups: int
    """Sets of points that differ in this axis alone; 0 in a sparse sample."""
    time_ratio: float
    """Slowest over fastest, all else equal, geometric mean over groups; of the fit without any."""
    largest_time_ratio: float
    speedup_ratio: float
    level_times: tuple[float, ...]
    """Per value: fitted time over that of the first value."""

    @property
    def matters(self) -> bool:
        """Whether some point's time depends on it by more than a hundredth."""
        return max(self.time_ratio, self.largest_time_ratio) >= MATTERS

    @property
    def idle(self) -> bool:
        """Whether no time depends on it at all."""
        return self.groups > 0 and self.largest_time_ratio == 1

    def described(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "axis": self.axis,
            "values": list(self.values),
            "groups_all_else_equal": self.groups,
            "time_ratio": self.time_ratio,
            "largest_time_ratio": self.largest_time_ratio,
            "speedup_ratio": self.speedup_ratio,
            "time_relative_to_first_value": list(self.level_times),
            "matters": self.matters,
        }


def axis_effects(figures: StudyFigures) -> tuple[AxisEffect, ...]:
    """The effect of every axis, the largest first."""
    if not len(figures.point):
        return ()
    times, speedups = np.log(figures.time_ms), np.log(figures.speedup)
    levels = _fitted_levels(figures, times)
    speedup_levels = _fitted_levels(figures, speedups)
    effects = [
        _effect(
            figures,
            name,
            times=times,
            speedups=speedups,
            levels=levels[name],
            speedup_levels=speedup_levels[name],
        )
        for name in figures.axes
    ]
    return tuple(sorted(effects, key=lambda effect: -effect.time_ratio))


def _effect(
    figures: StudyFigures,
    name: str,
    *,
    times: Floats,
    speedups: Floats,
    levels: Floats,
    speedup_levels: Floats,
) -> AxisEffect:
    spans, speedup_spans = _spans(figures, name, (times, speedups))
    groups = len(spans)
    if not groups:
        spans, speedup_spans = np.array([np.ptp(levels)]), np.array([np.ptp(speedup_levels)])
    return AxisEffect(
        axis=name,
        values=figures.axes[name],
        groups=groups,
        time_ratio=float(np.exp(spans.mean())),
        largest_time_ratio=float(np.exp(spans.max())),
        speedup_ratio=float(np.exp(speedup_spans.mean())),
        level_times=tuple(np.exp(levels - levels[0]).tolist()),
    )


def _spans(figures: StudyFigures, name: str, many: Sequence[Floats]) -> list[Floats]:
    """Largest less smallest value in every set of points that differ in one axis alone."""
    others = _others(figures, name)
    order = np.argsort(others, kind="stable")
    starts = np.flatnonzero(np.diff(others[order], prepend=-1))
    own = figures.codes[name][order]
    differ = np.maximum.reduceat(own, starts) > np.minimum.reduceat(own, starts)
    spans = []
    for values in many:
        ordered = values[order]
        span = np.maximum.reduceat(ordered, starts) - np.minimum.reduceat(ordered, starts)
        spans.append(span[differ])
    return spans


def _others(figures: StudyFigures, name: str) -> NDArray[np.int64]:
    """[points] one number for what a point says of every axis but one."""
    others, numbers = np.zeros(len(figures.point), dtype=np.int64), 1
    for other, codes in figures.codes.items():
        length = len(figures.axes[other])
        if other == name:
            continue
        if numbers * length > _LARGEST:
            found, others = np.unique(others, return_inverse=True)
            numbers = len(found)
        others = others * length + codes
        numbers *= length
    return others


def _fitted_levels(figures: StudyFigures, values: Floats) -> dict[str, Floats]:
    """[values] per axis: what each value adds, by least squares over all axes at once.

    Conjugate gradients on the normal equations, scaled by how often each value occurs: memory for
    one number per point and per value, where their matrix takes the square of all axes' values.
    """
    names = list(figures.axes)
    lengths = [len(figures.axes[name]) for name in names]
    places = np.cumsum(lengths)[:-1]

    def sums(weights: Floats | None) -> Floats:
        """[values of all axes] sum of the points' weights; how many points there are without."""
        parts = zip(names, lengths, strict=True)
        return np.concatenate([np.bincount(figures.codes[n], weights, m) for n, m in parts])

    def fitted(levels: Floats) -> Floats:
        """[points] sum of the levels."""
        total = np.zeros(len(values))
        for name, part in zip(names, np.split(levels, places), strict=True):
            total += part[figures.codes[name]]
        return total

    if not names:
        return {}
    scale = 1 / np.sqrt(sums(None))
    found = scale * _conjugate_gradients(
        lambda x: scale * sums(fitted(scale * x)), scale * sums(values - values.mean())
    )
    return dict(zip(names, np.split(found, places), strict=True))


def _conjugate_gradients(product: Callable[[Floats], Floats], right: Floats) -> Floats:
    """Solve `product(x) = right`, symmetric and not negative, `right` within its range."""
    found = np.zeros_like(right)
    rest = direction = right
    size = rest @ rest
    enough = size * _ACCURACY**2
    for _ in range(_MOST_ROUNDS):
        if size <= enough:
            break
        image = product(direction)
        step = size / (direction @ image)
        found = found + step * direction
        rest = rest - step * image
        size, before = rest @ rest, size
        direction = rest + size / before * direction
    return found
