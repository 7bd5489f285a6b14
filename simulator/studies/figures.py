"""What the summary and the plots need of a study's points, read from `study.parquet`.

A row group at a time, into arrays of some 25 bytes a point: numbers that are needed once are read
when they are (`read_numbers`), and an axis' values are codes of as few bytes as tell them apart.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.studies.arrow import numbers
from simulator.studies.axes import Value
from simulator.studies.columns import column_of

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
Codes = NDArray[Any]
"""Unsigned integers of any width: numbers of values."""


@dataclass(frozen=True, kw_only=True)
class StudyFigures:
    """A study's points, those that failed left out."""

    point_count: int
    errors: Mapping[str, int]
    """How many points failed, by reason, the most frequent first."""
    axes: Mapping[str, tuple[Value, ...]]
    """Every axis of more than one value, with its values: numbers rising, others as they come."""
    codes: Mapping[str, Codes]
    """[points] per axis: which of its values."""
    time_ms: Floats
    """[points]"""
    speedup: Floats
    """[points]"""
    point: Codes
    """[points] number of the point."""


def read_figures(path: Path, axis_names: tuple[str, ...]) -> StudyFigures:
    """Read the figures of a `study.parquet`."""
    errors: Counter[str] = Counter()
    seen: dict[str, dict[Value, int]] = {name: {} for name in axis_names}
    codes: dict[str, list[Codes]] = {name: [] for name in axis_names}
    parts: dict[str, list[NDArray[Any]]] = {"point": [], "time_ms": [], "speedup": []}
    count = 0
    columns = [*parts, *(column_of(name) for name in axis_names)]
    for good, reasons in _row_groups(path, columns):
        count += len(good) + len(reasons)
        errors.update(reasons)
        for name, found in parts.items():
            found.append(_narrow(numbers(good.column(name))))
        for name in axis_names:
            codes[name].append(_codes(good.column(column_of(name)), seen[name]))
    axes, joined = {}, {}
    for name in axis_names:
        together = np.concatenate(codes.pop(name))
        if len(seen[name]) > 1:
            axes[name], joined[name] = _in_order(seen[name], together)
    return StudyFigures(
        point_count=count,
        errors=dict(errors.most_common()),
        axes=axes,
        codes=joined,
        **{name: np.concatenate(parts.pop(name)) for name in tuple(parts)},
    )


def read_numbers(path: Path, columns: Sequence[str]) -> Floats:
    """[points] the sum of some columns, for the points of `StudyFigures`."""
    groups = [
        sum(numbers(good.column(name)).astype(np.float64) for name in columns)
        for good, _ in _row_groups(path, columns)
    ]
    return np.concatenate(groups)


def _row_groups(path: Path, columns: Sequence[str]) -> Iterator[tuple["pa.Table", list[str]]]:
    """Columns of the points that did not fail, and the reasons of those that did."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            group = file.read_row_group(number, list(dict.fromkeys([*columns, "error"])))
            error = group.column("error")
            yield group.filter(error.is_null()), error.drop_null().to_pylist()


def _codes(column: "pa.ChunkedArray", known: dict[Value, int]) -> Codes:
    """The column's values as numbers of `known`, which learns those that are new."""
    values = column.combine_chunks().dictionary_encode("encode")
    places = [known.setdefault(value, len(known)) for value in values.dictionary.to_pylist()]
    return _narrow(np.array(places, np.int64)[np.from_dlpack(values.indices)])


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Numbers from 0 on in as few bytes as hold them; other numbers as they are."""
    if values.dtype.kind == "f" or not len(values):
        return values
    return values.astype(np.min_scalar_type(values.max()))


def _in_order(seen: dict[Value, int], codes: Codes) -> tuple[tuple[Value, ...], Codes]:
    """Values and codes, numbers rising; anything else as it was first met."""
    values = list(seen)
    if all(is_number(value) for value in values):
        values.sort()
    place = np.empty(len(values), np.min_scalar_type(len(values) - 1))
    for number, value in enumerate(values):
        place[seen[value]] = number
    return tuple(values), place[codes]


def is_number(value: Value) -> bool:
    """Whether a value has a place on a number line."""
    return isinstance(value, int | float) and not isinstance(value, bool)
