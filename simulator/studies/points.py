"""Sources of a study's points: a grid, a random sample of a grid, or a CSV file.

The points come on demand, in a fixed order; a study's size therefore costs no memory.
"""

import csv
import hashlib
import random
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice, product
from math import prod
from pathlib import Path
from typing import Any, Protocol, TextIO

from simulator.base.errors import InputError
from simulator.studies.axes import POINT_FIELDS, Axis, Value, value_of_text

Point = tuple[Value, ...]
"""One value per name of its `Points`."""

_MOST_POINTS = 1 << 62
"""The maximum number of points, because point numbers are 64-bit integers."""
_MOST_LINE = 1 << 20
"""Characters of the longest line of a file, with its end."""
_BLOCK = 256
"""The number of rows of a file in one comparison with their fingerprint."""


class Points(Protocol):
    """A fixed, finite sequence of points."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of a point's values; see `simulator.studies.axes.Axis`."""

    @property
    def inner(self) -> int:
        """The number of consecutive points that differ in precision alone, if known."""

    def __len__(self) -> int:
        """The number of points."""

    def __iter__(self) -> Iterator[Point]:
        """Every point, in order."""

    def described(self) -> dict[str, Any]:
        """The plain data that decide the points; equal descriptions mean equal points."""


@dataclass(frozen=True)
class Grid:
    """Every combination of the axes' values; the last axis changes fastest.

    Raises:
        InputError: more points than a 64-bit number can count.

    """

    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        """Check the number of points."""
        count = prod(len(axis.values) for axis in self.axes)
        if count > _MOST_POINTS:
            raise InputError(f"the grid has {count:.2g} points, expected at most 2^62")

    @property
    def names(self) -> tuple[str, ...]:
        """The axes' names."""
        return tuple(axis.name for axis in self.axes)

    @property
    def inner(self) -> int:
        """The number of values of the last axis."""
        return len(self.axes[-1].values)

    def __len__(self) -> int:
        """The product of the axes' lengths."""
        return prod(len(axis.values) for axis in self.axes)

    def __iter__(self) -> Iterator[Point]:
        """Every combination."""
        return product(*(axis.values for axis in self.axes))

    def __getitem__(self, number: int) -> Point:
        """The point with this number."""
        values = []
        for axis in reversed(self.axes):
            number, place = divmod(number, len(axis.values))
            values.append(axis.values[place])
        return tuple(reversed(values))

    def described(self) -> dict[str, Any]:
        """The axes."""
        return {"points": "grid", "axes": {axis.name: list(axis.values) for axis in self.axes}}


@dataclass(frozen=True)
class Sample:
    """Distinct random points of a grid, in the grid's order.

    Raises:
        InputError: more points than the grid has, or none.

    """

    grid: Grid
    count: int
    seed: int

    def __post_init__(self) -> None:
        """Check the count."""
        if not 1 <= self.count <= len(self.grid):
            raise InputError(f"--sample {self.count}: expected 1 to {len(self.grid)}, the grid")

    @property
    def names(self) -> tuple[str, ...]:
        """The axes' names."""
        return self.grid.names

    @property
    def inner(self) -> int:
        """1, because adjacent points may differ in any field."""
        return 1

    def __len__(self) -> int:
        """The number of points in the sample."""
        return self.count

    def __iter__(self) -> Iterator[Point]:
        """The points of the sample; adjacent points share hardware if possible."""
        return (self.grid[number] for number in self._numbers)

    @cached_property
    def _numbers(self) -> Sequence[int]:
        drawn = random.Random(self.seed).sample(range(len(self.grid)), self.count)
        return array("q", sorted(drawn))  # a list of the numbers would need five times the memory

    def described(self) -> dict[str, Any]:
        """The grid, the count and the seed."""
        drawn = {"points": "sample", "sample": self.count, "seed": self.seed}
        return {**self.grid.described(), **drawn}


class PointsFile:
    """The rows of a CSV file with a header of point fields and hardware keys.

    An empty cell leaves its field unset: the hardware file's value, or the default.
    """

    inner = 1
    """1, because adjacent points may differ in any field."""

    def __init__(self, path: Path, constants: tuple[Axis, ...]) -> None:
        """Read the file once: check every cell, count the points.

        Args:
            path: path of the CSV file, UTF-8.
            constants: axes of one value each, for fields that the file lacks.

        Raises:
            InputError: an unreadable or empty file, a wrong cell (with its line), a column that
                is also a constant, or a constant with several values.

        """
        self.path = path
        self._constants = tuple(axis.values[0] for axis in constants)
        for axis in constants:
            if len(axis.values) > 1:
                raise InputError(f"{path} gives the points: {axis.name} must have a single value")
        self.columns = self._header()
        self.names = (*(axis.name for axis in constants), *self.columns)
        for name in self.names:
            if self.names.count(name) > 1:
                raise InputError(
                    f"{path}: {name} occurs twice: in two columns, or as an option too"
                )
        self._count = 0
        self._digests: list[bytes] = []
        for block in self._blocks():
            self._count += len(block)
            self._digests.append(_digest(block))
        if not self._count:
            raise InputError(f"{path}: no points below the header")

    def __len__(self) -> int:
        """The number of rows of the file."""
        return self._count

    def __iter__(self) -> Iterator[Point]:
        """Yield the rows in the file's order.

        Raises:
            InputError: the file has changed.

        """
        blocks = self._blocks()
        for digest in self._digests:
            block = next(blocks, [])
            if _digest(block) != digest:
                raise InputError(f"{self.path}: has changed since the study began")
            yield from block

    def _blocks(self) -> Iterator[list[Point]]:
        points = self._points()
        while block := list(islice(points, _BLOCK)):
            yield block

    def _points(self) -> Iterator[Point]:
        rows = self._lines()
        next(rows)  # skip the header
        for line, cells in rows:
            if not cells:
                continue
            if len(cells) != len(self.columns):
                raise InputError(
                    f"{self.path}, line {line}: {len(cells)} cells, expected {len(self.columns)}"
                )
            try:
                values = map(_cell, self.columns, cells)
                yield (*self._constants, *values)
            except InputError as error:
                raise InputError(f"{self.path}, line {line}: {error}") from error

    def line_of(self, values: Mapping[str, Value]) -> int | None:
        """The first line with these values; None if no column has their names."""
        places = {self.columns.index(x): value for x, value in values.items() if x in self.columns}
        if not places:
            return None
        rows = self._lines()
        next(rows)  # skip the header
        for line, cells in rows:
            if cells and all(
                _cell(self.columns[place], cells[place]) == value for place, value in places.items()
            ):
                return line
        return None

    def described(self) -> dict[str, Any]:
        """The columns, and a fingerprint of all points."""
        sha256 = hashlib.sha256(b"".join(self._digests)).hexdigest()
        return {"points": "file", "columns": list(self.names), "points_sha256": sha256}

    def _header(self) -> tuple[str, ...]:
        for _, cells in self._lines():
            if not all(cell.strip() for cell in cells):
                raise InputError(f"{self.path}, line 1: a column has no name")
            return tuple(cell.strip() for cell in cells)
        raise InputError(f"{self.path}: empty")

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        try:
            with self.path.open(newline="", encoding="utf-8-sig") as file:
                rows = csv.reader(self._bounded(file), strict=True)
                for cells in rows:
                    yield rows.line_num, cells
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read: {error.strerror}") from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{self.path}: malformed CSV: {error}") from error

    def _bounded(self, file: TextIO) -> Iterator[str]:
        """Yield the lines; a device without line breaks would fill the memory."""
        while line := file.readline(_MOST_LINE):
            if len(line) == _MOST_LINE:
                raise InputError(f"{self.path}: a line has more than {_MOST_LINE - 1:,} characters")
            yield line


@contextmanager
def naming_row(points: Points, **values: Value) -> Iterator[None]:
    """Add the file and the first line with some values to an error, if a file gives the points.

    Args:
        points: the points of a study.
        values: the values in question.

    Raises:
        InputError: the error of the block.

    """
    try:
        yield
    except InputError as error:
        if not isinstance(points, PointsFile) or (line := points.line_of(values)) is None:
            raise
        raise InputError(f"{points.path}, line {line}: {error}") from error


def combinations(points: Points, names: Sequence[str]) -> set[Point]:
    """Return every combination of the points' values under some names, each once.

    Args:
        points: the points of a study.
        names: names of values; a value is None if the points, or a point, lack the name.

    """
    places = [points.names.index(name) if name in points.names else None for name in names]
    if isinstance(points, PointsFile):
        return {tuple(None if i is None else point[i] for i in places) for point in points}
    axes = _grid_of(points).axes
    return set(product(*((None,) if i is None else axes[i].values for i in places)))


def text_values(points: Points) -> dict[str, set[Value]]:
    """Return the hardware keys with text values in some points, each with all its values.

    In a file, None means all numbers of a key.
    """
    if not isinstance(points, PointsFile):
        values = {axis.name: set(axis.values) for axis in _grid_of(points).axes}
    else:
        values = {name: set() for name in points.names}
        for point in points:
            for name, value in zip(points.names, point, strict=True):
                if name not in POINT_FIELDS:
                    values[name].add(value if isinstance(value, str) else None)
    return {
        name: found
        for name, found in values.items()
        if name not in POINT_FIELDS and any(isinstance(value, str) for value in found)
    }


def _grid_of(points: Points) -> Grid:
    grid = points.grid if isinstance(points, Sample) else points
    assert isinstance(grid, Grid)  # a study has one of three kinds of points
    return grid


def _digest(block: list[Point]) -> bytes:
    return hashlib.sha256(repr(block).encode()).digest()


@lru_cache(maxsize=4096)
def _cell(name: str, text: str) -> Value:
    return value_of_text(name, text.strip()) if text.strip() else None
