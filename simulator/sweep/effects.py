"""What each axis of a study does to the time: which mattered, and which did not.

Two measures. *All else equal*: of points that differ in this axis alone, the slowest over the
fastest; exact. *Level times*: a fit of log(time) as a sum of one number per value of every axis
(least squares), for the mean effect of each value; in a full grid it is the geometric mean.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.sweep.axes import Value
from simulator.sweep.columns import column_of

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]

MATTERS = 1.01
"""Below this ratio of times an axis hardly matters."""
_FIGURES = (
    "time_ms",
    "speedup",
    "hw.array.pes",
    "area_gate_equivalents",
    "dram_read_bytes",
    "dram_written_bytes",
)


@dataclass(frozen=True, kw_only=True)
class StudyFigures:
    """What the summary and the plots need of a study's points, those that failed left out."""

    point_count: int
    errors: Mapping[str, int]
    """How many points failed, by reason, the most frequent first."""
    axes: Mapping[str, tuple[Value, ...]]
    """Every axis of more than one value, with its values: numbers rising, others as they come."""
    codes: Mapping[str, Codes]
    """[points] per axis: which of its values."""
    numbers: Mapping[str, Floats]
    """[points] `time_ms`, `speedup`, PEs, area and moved bytes."""
    point: NDArray[np.int64]
    """[points] number of the point."""


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


def read_figures(path: Path, axis_names: tuple[str, ...]) -> StudyFigures:
    """Read what summary and plots need from `study.parquet`, row group by row group."""
    errors: Counter[str] = Counter()
    seen: dict[str, dict[Value, int]] = {name: {} for name in axis_names}
    codes: dict[str, list[Codes]] = {name: [] for name in axis_names}
    numbers: dict[str, list[Floats]] = {name: [] for name in _FIGURES}
    points: list[NDArray[np.int64]] = []
    count = 0
    for group in _row_groups(path, axis_names):
        count += len(group)
        error = group.column("error")
        errors.update(error.drop_null().to_pylist())
        good = group.filter(error.is_null())
        points.append(good.column("point").to_numpy())
        for name in _FIGURES:
            numbers[name].append(good.column(name).to_numpy().astype(np.float64))
        for name in axis_names:
            values = good.column(column_of(name)).combine_chunks().dictionary_encode()
            known = seen[name]
            places = [known.setdefault(v, len(known)) for v in values.dictionary.to_pylist()]
            indices = values.indices.fill_null(len(places)).to_numpy(zero_copy_only=False)
            missing = known.setdefault(None, len(known)) if values.null_count else 0
            codes[name].append(np.array([*places, missing], dtype=np.int32)[indices])
    axes, joined = {}, {}
    for name in axis_names:
        if len(seen[name]) > 1:
            axes[name], joined[name] = _in_order(seen[name], np.concatenate(codes[name]))
    return StudyFigures(
        point_count=count,
        errors=dict(errors.most_common()),
        axes=axes,
        codes=joined,
        numbers={name: np.concatenate(parts) for name, parts in numbers.items()},
        point=np.concatenate(points),
    )


def _row_groups(path: Path, axis_names: tuple[str, ...]) -> Iterator[Any]:
    from pyarrow import parquet

    columns = ["point", "error", *_FIGURES, *(column_of(name) for name in axis_names)]
    with parquet.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, list(dict.fromkeys(columns)))


def _in_order(seen: dict[Value, int], codes: Codes) -> tuple[tuple[Value, ...], Codes]:
    """Values and codes, numbers rising; anything else as it was first met."""
    values = list(seen)
    if all(is_number(value) for value in values):
        values.sort()
    place = np.empty(len(values), dtype=np.int32)
    for number, value in enumerate(values):
        place[seen[value]] = number
    return tuple(values), place[codes]


def is_number(value: Value) -> bool:
    """Whether a value has a place on a number line."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def axis_effects(figures: StudyFigures) -> tuple[AxisEffect, ...]:
    """The effect of every axis, the largest first."""
    if not len(figures.point):
        return ()
    times = np.log(figures.numbers["time_ms"])
    speedups = np.log(figures.numbers["speedup"])
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
    spans = _spans(figures, name, times)
    speedup_spans = _spans(figures, name, speedups)
    if not len(spans):
        spans, speedup_spans = np.array([np.ptp(levels)]), np.array([np.ptp(speedup_levels)])
        groups = 0
    else:
        groups = len(spans)
    return AxisEffect(
        axis=name,
        values=figures.axes[name],
        groups=groups,
        time_ratio=float(np.exp(spans.mean())),
        largest_time_ratio=float(np.exp(spans.max())),
        speedup_ratio=float(np.exp(speedup_spans.mean())),
        level_times=tuple(np.exp(levels - levels[0]).tolist()),
    )


def _spans(figures: StudyFigures, name: str, values: Floats) -> Floats:
    """Largest less smallest value in every set of points that differ in one axis alone."""
    others = np.zeros(len(values), dtype=np.int64)
    for other, codes in figures.codes.items():
        if other != name:
            others = others * len(figures.axes[other]) + codes
            others = np.unique(others, return_inverse=True)[1].astype(np.int64)
    order = np.argsort(others, kind="stable")
    starts = np.flatnonzero(np.diff(others[order], prepend=-1))
    most = np.maximum.reduceat(values[order], starts)
    least = np.minimum.reduceat(values[order], starts)
    own = figures.codes[name][order]
    differ = np.maximum.reduceat(own, starts) > np.minimum.reduceat(own, starts)
    spans: Floats = (most - least)[differ]
    return spans


def _fitted_levels(figures: StudyFigures, values: Floats) -> dict[str, Floats]:
    """[values] per axis: what each value adds, by least squares over all axes at once."""
    names = list(figures.axes)
    lengths = [len(figures.axes[name]) for name in names]
    places = np.concatenate(([0], np.cumsum(lengths))).astype(int)
    products = np.zeros((places[-1], places[-1]))
    sums = np.zeros(places[-1])
    centred = values - values.mean()
    for i, one in enumerate(names):
        rows = slice(places[i], places[i + 1])
        sums[rows] = np.bincount(figures.codes[one], centred, lengths[i])
        for j, other in enumerate(names):
            pairs = figures.codes[one].astype(np.int64) * lengths[j] + figures.codes[other]
            table = np.bincount(pairs, minlength=lengths[i] * lengths[j])
            products[rows, places[j] : places[j + 1]] = table.reshape(lengths[i], lengths[j])
    found = np.linalg.lstsq(products, sums, rcond=None)[0] if names else sums
    return {name: found[places[i] : places[i + 1]] for i, name in enumerate(names)}
