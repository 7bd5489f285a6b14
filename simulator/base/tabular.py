"""Write and read tables piece by piece: Parquet if pyarrow is installed, otherwise CSV.

Both forms have the same columns and values. A piece maps every column to its values; all columns
have the same length. An empty cell of a CSV is a null.
"""

import csv
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from simulator.base.columns import Ints, Names
from simulator.base.errors import InputError
from simulator.base.extras import hint, installed, require
from simulator.base.guard import reading, require_path

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Kind = Literal["int64", "double", "bool", "string", "name"]
"""Type of a column; the values of `name` are `Names`."""
Column = Sequence[Any] | Ints | Names
Piece = Mapping[str, Column]

MOST_CELLS = 1 << 29
"""Cells of the largest Parquet table that is read at once: 4 GiB. Few bytes can hold many cells."""
_FORMS = (".parquet", ".csv")
_NUMBERS = {"int64": "q", "double": "d"}
"""Type codes of `array.array`, which refuses values that do not fit."""


def table_name(stem: str) -> str:
    """Name of a table's file, in the form that this installation writes."""
    return stem + (".parquet" if installed("parquet") else ".csv")


def existing_table(folder: Path, stem: str) -> Path | None:
    """The file of a table in either form; None if the folder has neither."""
    paths = (folder / (stem + form) for form in _FORMS)
    return next((path for path in paths if path.exists()), None)


def csv_note(path: Path) -> str:
    """A line break and a note if a table is CSV because pyarrow is missing; otherwise empty."""
    if path.suffix != ".csv" or installed("parquet"):
        return ""
    return f"\nnote: {path.name} is CSV because pyarrow is not installed; {hint('parquet')}"


def drop_other_forms(folder: Path, stem: str) -> None:
    """Remove a table's file in the other form, because its contents are older."""
    for form in _FORMS:
        if stem + form != table_name(stem):
            (folder / (stem + form)).unlink(missing_ok=True)


def write_table(
    path: Path,
    kinds: Mapping[str, Kind],
    pieces: Iterable[Piece],
    group_rows: int,
    texts: Mapping[str, str] | None = None,
) -> None:
    """Write a table; memory holds one row group and one piece at a time.

    Args:
        path: file of either form (`table_name`); a suffix `.part` may follow.
        kinds: columns in order.
        pieces: rows in order.
        group_rows: rows of a Parquet row group.
        texts: texts by name, for the schema of a Parquet file; a CSV cannot hold texts.

    Raises:
        ValueError: there are texts, but the file is a CSV.

    """
    if ".parquet" in path.suffixes:
        _write_parquet(path, kinds, pieces, group_rows, texts)
    elif texts:
        raise ValueError(f"{path.name} is a CSV, which cannot hold texts")
    else:
        _write_csv(path, kinds, pieces)


def frame_of(pieces: Iterable[Piece]) -> "pd.DataFrame":
    """Join pieces of numbers and names to one table in memory; names become categories."""
    import pandas as pd

    parts: dict[str, list[Any]] = {}
    for piece in pieces:
        for name, column in piece.items():
            parts.setdefault(name, []).append(_categories(column))
    return pd.DataFrame({name: _joined(columns) for name, columns in parts.items()})


def read_frame(path: Path, kinds: Mapping[str, Kind] | None = None) -> "pd.DataFrame":
    """Read a table of either form.

    Args:
        path: file of the table.
        kinds: columns of the table, if texts in them may look like numbers.

    Raises:
        InputError: the table is missing, damaged or too large, or is Parquet and pyarrow is not
            installed.

    """
    import pandas as pd

    require_path(path)
    if path.suffix != ".csv":
        require("parquet", f"reading {path.name}")
    with reading(path, "table"), path.open("rb") as file:
        if path.suffix != ".csv":
            _require_cells(file, path)
            return pd.read_parquet(file)
        texts: Any = {name: str for name, kind in (kinds or {}).items() if kind == "string"}
        return pd.read_csv(file, dtype=texts, low_memory=False)


def _require_cells(file: BinaryIO, path: Path) -> None:
    """Check the number of cells that a Parquet file declares."""
    from pyarrow.parquet import read_metadata

    about = read_metadata(file)
    rows = sum(about.row_group(group).num_rows for group in range(about.num_row_groups))
    if (cells := rows * about.num_columns) > MOST_CELLS:
        raise InputError(f"{path}: has {cells:,} cells; the limit is {MOST_CELLS:,}")
    file.seek(0)


def read_text(path: Path, name: str) -> str:
    """Read a text in the schema of a Parquet file.

    Raises:
        InputError: pyarrow is not installed, the file is not Parquet, or its schema has no text of
            this name.

    """
    require("parquet", f"reading {path.name}")
    from pyarrow.parquet import read_schema

    with reading(path, "table"), path.open("rb") as file:
        texts: Mapping[bytes, bytes] = read_schema(file).metadata or {}
        if name.encode() not in texts:
            raise InputError(f"{path}: its schema has no text '{name}'")
        return texts[name.encode()].decode()


def _categories(column: Column) -> Any:
    import pandas as pd

    if isinstance(column, Names):
        return pd.Categorical.from_codes(column.index, categories=pd.Index(column.names))
    return column


def _joined(columns: list[Any]) -> Any:
    from pandas.api.types import union_categoricals

    if isinstance(columns[0], np.ndarray):
        return np.concatenate(columns)
    return union_categoricals(columns)


# --- CSV ----------------------------------------------------------------------------------------


def _write_csv(path: Path, kinds: Mapping[str, Kind], pieces: Iterable[Piece]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(kinds)
        for piece in pieces:
            writer.writerows(zip(*(_cells(piece[name]) for name in kinds), strict=True))


def _cells(column: Column) -> Iterable[Any]:
    if isinstance(column, Names):
        return map((*column.names, "").__getitem__, column.index.tolist())  # -1: the empty text
    return column.tolist() if isinstance(column, np.ndarray) else column


# --- Parquet ------------------------------------------------------------------------------------


def _write_parquet(
    path: Path,
    kinds: Mapping[str, Kind],
    pieces: Iterable[Piece],
    group_rows: int,
    texts: Mapping[str, str] | None,
) -> None:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    schema = pa.schema([(name, _type(kind)) for name, kind in kinds.items()], texts)
    tables = (
        pa.table([_array(piece[name], kind) for name, kind in kinds.items()], schema=schema)
        for piece in pieces
    )
    # pyarrow cannot open a path that is not UTF-8
    with path.open("wb") as file, ParquetWriter(file, schema) as writer:
        for table in _regrouped(tables, group_rows):
            writer.write_table(table, row_group_size=group_rows)


def _regrouped(tables: "Iterable[pa.Table]", rows: int) -> "Iterator[pa.Table]":
    """Yield the same rows in tables of `rows` rows; the last may be smaller, but not empty."""
    import pyarrow as pa

    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += len(table)
        while count >= rows:
            joined = pa.concat_tables(waiting).combine_chunks()
            yield joined.slice(0, rows)
            waiting = [joined.slice(rows)]
            count -= rows
    if count:
        yield pa.concat_tables(waiting).combine_chunks()


def _type(kind: Kind) -> "pa.DataType":
    import pyarrow as pa

    if kind == "name":
        return pa.dictionary(pa.int32(), pa.string())
    return pa.type_for_alias(kind)


def _array(column: Column, kind: Kind) -> "pa.Array":
    """Convert a column to Arrow's buffers, with zeros at its nulls.

    pyarrow's own conversions import pandas to recognize a series, which takes 47 MB and half a
    second.
    """
    import pyarrow as pa

    if isinstance(column, Names):
        given, nulls = column.index >= 0, int((column.index < 0).sum())
        valid = pa.py_buffer(np.packbits(given, bitorder="little")) if nulls else None
        index = np.where(given, column.index, 0).astype(np.int32)
        names = _array(column.names, "string")
        numbers = _numbers(index, pa.int32(), valid, nulls)
        return pa.DictionaryArray.from_arrays(numbers, names)
    if isinstance(column, np.ndarray):
        return _numbers(column, pa.int64())
    nulls = column.count(None)
    valid = _bits([value is not None for value in column]) if nulls else None
    if kind == "string":
        texts = [b"" if value is None else value.encode() for value in column]
        ends = np.fromiter(accumulate(map(len, texts), initial=0), np.int32, len(texts) + 1)
        buffers = [valid, pa.py_buffer(ends), pa.py_buffer(b"".join(texts))]
    elif kind == "bool":
        buffers = [valid, _bits([bool(value) for value in column])]
    else:
        known = [0 if value is None else value for value in column] if nulls else column
        buffers = [valid, pa.py_buffer(array(_NUMBERS[kind], known))]
    return pa.Array.from_buffers(_type(kind), len(column), buffers, nulls)


def _numbers(
    values: NDArray[Any], kind: "pa.DataType", valid: "pa.Buffer | None" = None, nulls: int = 0
) -> "pa.Array":
    import pyarrow as pa

    buffers = [valid, pa.py_buffer(np.ascontiguousarray(values))]
    return pa.Array.from_buffers(kind, len(values), buffers, nulls)


def _bits(truths: list[bool]) -> "pa.Buffer":
    import pyarrow as pa

    return pa.py_buffer(np.packbits(np.array(truths, bool), bitorder="little"))


# --- single rows --------------------------------------------------------------------------------


def read_rows(
    path: Path, kinds: Mapping[str, Kind], numbers: Sequence[int]
) -> list[dict[str, Any]]:
    """Read some rows of a table of either form, without pandas; an empty cell is None.

    Args:
        path: file of the table.
        kinds: columns of the table.
        numbers: row numbers from 0, ascending.

    Raises:
        InputError: the table is damaged, or is Parquet and pyarrow is not installed.

    """
    if path.suffix != ".csv":
        require("parquet", f"reading {path.name}")
    with reading(path, "table"):
        if path.suffix == ".csv":
            return _rows_of_csv(path, kinds, set(numbers))
        return _rows_of_parquet(path, numbers)


def _rows_of_csv(
    path: Path, kinds: Mapping[str, Kind], numbers: AbstractSet[int]
) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {name: _value(text, kinds[name]) for name, text in row.items()}
            for number, row in enumerate(csv.DictReader(file))
            if number in numbers
        ]


def _value(text: str, kind: Kind) -> Any:
    """The value of a CSV's cell."""
    if not text:
        return None
    if kind == "bool":
        return text == "True"
    return {"int64": int, "double": float}.get(kind, str)(text)


def _rows_of_parquet(path: Path, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Read rows from their row groups, with one row group at a time in memory."""
    from pyarrow.parquet import ParquetFile

    rows: list[dict[str, Any]] = []
    with path.open("rb") as opened, ParquetFile(opened) as file:
        first, waiting = 0, list(numbers)
        for group in range(file.num_row_groups):
            end = first + file.metadata.row_group(group).num_rows
            here = [number - first for number in waiting if first <= number < end]
            if here:
                table = file.read_row_group(group)
                rows += [row for place in here for row in table.slice(place, 1).to_pylist()]
            first = end
    return rows
