"""Numbers of a study's points for the summary and the plots, in a file next to its tables.

`PointNumbers` gathers the numbers from the chunks and writes `points.npz`, arrays of some 40 bytes
per point. An axis' values are codes of the fewest bytes that distinguish them. `read_numbers` loads
numbers with a single use on demand.
"""

import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.studies.axes import Value
from simulator.studies.chunks import Columns
from simulator.studies.columns import column_of, links_of

Floats = NDArray[np.float64]
Codes = NDArray[Any]
"""Unsigned integers of any width: numbers of values."""

COST_COLUMNS = (
    "pes", "area_gate_equivalents", "dram_read_bytes", "dram_written_bytes",
)  # fmt: skip
"""Whole numbers against which the plots show times."""
_NUMBERS = ("point", "time_ms", "speedup")
_OPTIONAL = frozenset({"speedup"})
"""Numbers that points may lack: those without a baseline."""
_AXIS = "axis."
_ABOUT = "about"


@dataclass(frozen=True, kw_only=True)
class StudyFigures:
    """The points of a study, without failed points."""

    point_count: int
    errors: Mapping[str, int]
    """The number of failed points by reason, most frequent first."""
    axes: Mapping[str, tuple[Value, ...]]
    """Every axis with more than one value, and its values: rising numbers, or values in order of
    occurrence. The value of a linked key is its expression.
    """
    codes: Mapping[str, Codes]
    """[points] number of the value, per axis."""
    time_ms: Floats
    """[points]"""
    speedup: Floats
    """[points] NaN for a point without a baseline."""
    point: Codes
    """[points] number of the point."""

    @property
    def has_speedups(self) -> bool:
        """True if some point has a baseline."""
        return bool(np.isfinite(self.speedup).any())


class _About(msgspec.Struct):
    """The parts of `StudyFigures` that are not arrays."""

    point_count: int
    errors: dict[str, int]
    axes: dict[str, list[int | float | bool | str | None]]


class PointNumbers:
    """The numbers of a study's points, gathered chunk by chunk."""

    def __init__(self, axis_names: Sequence[str]) -> None:
        """Begin without points."""
        self._count = 0
        self._errors: Counter[str] = Counter()
        self._seen: dict[str, dict[Value, int]] = {name: {} for name in axis_names}
        self._codes: dict[str, list[Codes]] = {name: [] for name in axis_names}
        self._numbers: dict[str, list[NDArray[Any]]] = {
            name: [] for name in (*_NUMBERS, *COST_COLUMNS)
        }

    def add(self, columns: Columns) -> None:
        """Add the points of the next chunk."""
        errors = columns["error"]
        self._count += len(errors)
        self._errors.update(error for error in errors if error is not None)
        good = [error is None for error in errors]
        for name, parts in self._numbers.items():
            parts.append(_numbers_of(name, columns, good))
        links = list(map(links_of, compress(columns["links"], good)))
        for name, known in self._seen.items():
            values = list(compress(columns[column_of(name)], good))
            if any(links):
                both = zip(links, values, strict=True)
                values = [linked.get(name, value) for linked, value in both]
            codes = [known.setdefault(value, len(known)) for value in values]
            self._codes[name].append(_narrow(np.array(codes, np.int64)))

    def save(self, path: Path) -> None:
        """Write all gathered numbers."""
        arrays: dict[str, NDArray[Any]] = {}
        axes: dict[str, list[Value]] = {}
        for name, seen in self._seen.items():
            if len(seen) > 1:
                axes[name], arrays[_AXIS + name] = _in_order(seen, _joined(self._codes[name]))
        arrays |= {name: _joined(parts) for name, parts in self._numbers.items()}
        about = _About(self._count, dict(self._errors.most_common()), axes)
        arrays[_ABOUT] = np.frombuffer(msgspec.json.encode(about), np.uint8)
        with path.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type] # its options are newer than 2.0


def read_figures(path: Path) -> StudyFigures:
    """Read the figures of a `points.npz`.

    Raises:
        InputError: the file is missing or damaged.

    """
    try:
        with np.load(path, allow_pickle=False) as file:
            about = msgspec.json.decode(file[_ABOUT].tobytes(), type=_About)
            return StudyFigures(
                point_count=about.point_count,
                errors=about.errors,
                axes={name: tuple(values) for name, values in about.axes.items()},
                codes={name: file[_AXIS + name] for name in about.axes},
                **{name: file[name] for name in _NUMBERS},
            )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


def read_numbers(path: Path, columns: Sequence[str]) -> Floats:
    """[points] sum of some of `COST_COLUMNS`, for the points of `StudyFigures`."""
    with np.load(path, allow_pickle=False) as file:
        total: Floats = sum(file[name].astype(np.float64) for name in columns)
    return total


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Join the parts into one array; empty the list to avoid a second copy in memory."""
    whole = np.concatenate(parts)
    parts.clear()
    return whole


def _numbers_of(name: str, columns: Columns, good: Sequence[bool]) -> NDArray[Any]:
    """[good points] a column of numbers, NaN where a point may lack its number."""
    values = columns.get(name, [None] * len(good)) if name in _OPTIONAL else columns[name]
    numbers = list(compress(values, good))
    return np.array(numbers, np.float64) if name in _OPTIONAL else _narrow(np.array(numbers))


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Convert integers from 0 on to the smallest sufficient type; leave doubles unchanged."""
    if not len(values):
        return values.astype(np.uint8)
    if values.dtype.kind == "f":
        return values
    return values.astype(np.min_scalar_type(values.max()))


def _in_order(seen: dict[Value, int], codes: Codes) -> tuple[list[Value], Codes]:
    """Values and codes, with numbers rising and other values in order of occurrence."""
    values = list(seen)
    if all(is_number(value) for value in values):
        values.sort()
    place = np.empty(len(values), np.min_scalar_type(len(values) - 1))
    for number, value in enumerate(values):
        place[seen[value]] = number
    return values, place[codes]


def is_number(value: Value) -> bool:
    """True if a value is a number, with a position on a number line."""
    return isinstance(value, int | float) and not isinstance(value, bool)
