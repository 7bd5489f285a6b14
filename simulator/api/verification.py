"""Compare a saved result with its rerun: `simulate verify`."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.analysis.saved import (
    SUMMARY,
    Number,
    SavedCauses,
    as_saved,
    read_summary,
    spelled,
)
from simulator.analysis.schema import FINGERPRINT, fingerprint, repaired
from simulator.analysis.trace_file import (
    STEM,
    read_vocabulary,
    vocabulary_file,
    vocabulary_text,
)
from simulator.api.rerun import rerun
from simulator.api.result import Result
from simulator.base import guard
from simulator.base.errors import InputError
from simulator.base.extras import installed
from simulator.base.inputs import convert
from simulator.base.progress import Progress, announce
from simulator.base.tabular import existing_table, read_frame
from simulator.base.version import __version__
from simulator.base.wording import in_yaml
from simulator.base.writing import rows_text
from simulator.report.files import CSV_TABLES, csv_tables

if TYPE_CHECKING:
    import pandas as pd

_NONE = "none"
"""The text for a key that one side lacks."""
_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first value that differs."""

    place: str
    """Dotted key of summary.json, or file, row and column of a table."""
    saved: str
    """The value in the file."""
    rerun: str
    """The value from the rerun or the fingerprint."""
    by: str = "in the rerun"
    """Source of the other value."""

    def __str__(self) -> str:
        """The difference on one line."""
        return f"{self.place}: {self.saved} in the file, {self.rerun} {self.by}"


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The comparison of a saved result with its rerun."""

    file: Path
    """The summary.json."""
    difference: Difference | None
    """None if all values are equal."""
    values: int
    """The number of compared values of summary.json."""
    files: tuple[str, ...]
    """The other compared files of the folder."""
    saved_version: str
    """The program version that wrote the result."""

    @property
    def equal(self) -> bool:
        """True if no value differs."""
        return self.difference is None

    @property
    def notes(self) -> list[str]:
        """Sentences about the comparison."""
        if self.saved_version == __version__:
            return []
        return [f"saved by version {self.saved_version}, rerun by version {__version__}"]

    def __str__(self) -> str:
        """The verdict on one line."""
        if self.difference is not None:
            return f"different: {self.difference}"
        files = "".join(f", {name}" for name in self.files)
        return f"equal: {self.file.name} ({self.values:,} values){files}"


def verify(
    path: str | Path, *, model: str | Path | None = None, progress: Progress | None = None
) -> Verification:
    """Rerun a saved result and compare every value and the tables in its folder.

    Args:
        path: a folder that `Result.save` or `--out` wrote, or its summary.json.
        model: file of the kernels, if summary.json names a file that has moved.
        progress: called with a title, the number of finished parts and their total.

    Returns:
        A `Verification`: `equal`, and `difference` with its position; `print` prints one line.

    Raises:
        InputError: a file that is not a result or has another schema; a missing or changed
            file of kernels or of a check's input.

    Example:
        >>> from simulator import simulate, verify
        >>> files = simulate("r20", "cofluent64", bits=0.56).save("out/r20")
        >>> verify("out/r20").equal
        True

    """
    data, text, file = read_summary(Path(path))
    intact = "schema" in data and data.get(FINGERPRINT) == fingerprint(data)
    if not intact and (before := repaired(data)) is not None:
        return _verification(data, file, _changed_cause(data, before))
    source = f"{file}: no result saved by --out"
    as_saved(data, source)
    ignored = {"version", FINGERPRINT} if intact else {"version"}
    try:
        with rerun(convert(data, SavedCauses, source), file, model, progress) as result:
            now = spelled(json.dumps(result.saved(wider=True)))
            saved = spelled(text)
            for side in (saved, now):
                for key in ignored:
                    del side[key]
            announce(progress, "comparing the tables")
            files = _compared_files(file)
            first = next(_differences(saved, now), None) or _file_difference(files, result)
    except InputError as error:
        if intact:
            raise
        first, files = Difference(place="configuration", saved="changed", rerun=str(error)), []
    return _verification(data, file, first, tuple(path.name for path in files))


def _verification(
    data: Mapping[str, Any],
    file: Path,
    difference: Difference | None,
    files: tuple[str, ...] = (),
) -> Verification:
    return Verification(
        file=file,
        difference=difference,
        values=sum(1 for _ in _leaves(data)),
        files=files,
        saved_version=str(data.get("version", _NONE)),
    )


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    else:
        yield value


# --- comparing ----------------------------------------------------------------------------------


def _changed_cause(data: Mapping[str, Any], causes: Mapping[str, Any]) -> Difference:
    """The changed value, and the original value according to the fingerprint."""
    held = {key: data[key] for key in causes if key in data}
    found = next(_differences(held, causes))
    return replace(found, by="by the file's fingerprint")


def _differences(saved: Any, now: Any, place: str = "") -> Iterator[Difference]:
    """Yield every value that differs, in the order of the rerun."""
    if isinstance(saved, dict) and isinstance(now, dict):
        for key in {**now, **saved}:
            inner = f"{place}.{key}".lstrip(".")
            if key in saved and key in now:
                yield from _differences(saved[key], now[key], inner)
            else:
                yield _difference(inner, saved.get(key, ...), now.get(key, ...))
    elif isinstance(saved, list) and isinstance(now, list):
        for number, (one, other) in enumerate(zip_longest(saved, now, fillvalue=...)):
            yield from _differences(one, other, f"{place}[{number}]{_name_in(other, one)}")
    elif type(saved) is not type(now) or saved != now:
        yield _difference(place, saved, now)


def _name_in(*entries: Any) -> str:
    """The name of a list's entry, if it has one."""
    for entry in entries:
        if isinstance(entry, dict):
            name = entry.get("name", entry.get("key", entry.get("layer")))
            return f" ({name})" if isinstance(name, str) else ""
    return ""


def _difference(place: str, saved: Any, now: Any) -> Difference:
    return Difference(place=place, saved=_shown(saved), rerun=_shown(now))


def _shown(value: Any) -> str:
    if value is ...:
        return _NONE
    text = in_yaml(value) if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _compared_files(file: Path) -> list[Path]:
    """The comparable files in the folder of a summary.json."""
    if file.name != SUMMARY:
        return []
    files = [file.with_name(name) for name in CSV_TABLES]
    trace = existing_table(file.parent, STEM)
    if trace is not None and trace.suffix == ".csv":
        files += [trace, vocabulary_file(trace)]
    elif trace is not None and installed("parquet"):
        files.append(trace)
    return [path for path in files if path.is_file()]


def _file_difference(files: Sequence[Path], result: Result) -> Difference | None:
    """The first difference in the files."""
    written = csv_tables(result)
    for path in files:
        rows = written.get(path.name)
        if path.suffix == ".json":
            found = _vocabulary_difference(path.with_suffix(".csv"), result)
        elif path.suffix == ".parquet":
            found = _trace_difference(path, result) or _vocabulary_difference(path, result)
        elif path.stem == STEM:
            found = _trace_difference(path, result)
        elif rows is None:
            found = Difference(place=path.name, saved="a table", rerun="none, without energies")
        else:
            found = _table_difference(path, rows)
        if found is not None:
            return found
    return None


def _trace_difference(path: Path, result: Result) -> Difference | None:
    """The first cell of the trace that differs."""
    try:
        saved = read_frame(path)
    except InputError as error:
        return Difference(place=path.name, saved=f"unreadable ({error})", rerun="a table")
    now = result.trace
    if list(saved.columns) != list(now.columns) or len(saved) != len(now):
        shapes = (f"{len(x):,} rows of {', '.join(x.columns)}" for x in (saved, now))
        return Difference(place=path.name, saved=next(shapes), rerun=next(shapes))
    for column in now.columns:
        one, other = (_texts(frame[column]) for frame in (saved, now))
        unequal = one != other
        if unequal.any():
            row = int(unequal.argmax())
            place = f"{path.name}, command {row + 1}, {column}"
            return Difference(place=place, saved=one[row], rerun=other[row])
    return None


def _vocabulary_difference(trace: Path, result: Result) -> Difference | None:
    """The first word that differs in the vocabulary of a trace's file."""
    place = f"{(vocabulary_file(trace) if trace.suffix == '.csv' else trace).name}, vocabulary"
    try:
        saved = read_vocabulary(trace)
    except InputError as error:
        return Difference(place=place, saved=f"unreadable ({error})", rerun="readable")
    sides = (saved, result.run.trace.vocabulary)
    found = next(_differences(*(json.loads(vocabulary_text(side)) for side in sides)), None)
    return found and replace(found, place=f"{place}: {found.place}")


def _texts(column: "pd.Series[Any]") -> NDArray[np.object_]:
    """The cells as text; an empty cell gives an empty text."""
    return column.astype(object).where(column.notna(), "").astype(str).to_numpy(dtype=object)


def _table_difference(path: Path, rows: Sequence[Mapping[str, object]]) -> Difference | None:
    """The first cell of a CSV file that differs."""
    with guard.reading(path, "table"):
        text = guard.read_bytes(path, guard.MOST_TEXT).decode()
        saved = list(csv.reader(StringIO(text, newline="")))
    now = rows_text(rows)
    if text == now:
        return None
    fresh = list(csv.reader(StringIO(now, newline="")))
    header = fresh[0]
    none: list[str] = []
    for number, (one, other) in enumerate(zip_longest(saved, fresh, fillvalue=none)):
        for column, (a, b) in enumerate(zip_longest(one, other, fillvalue=_NONE)):
            if a != b:
                named = header[column] if column < len(header) else f"column {column + 1}"
                row = f"line {number + 1} ({', '.join(other[:2] or one[:2])})"
                return Difference(place=f"{path.name}, {row}, {named}", saved=a, rerun=b)
    return Difference(place=path.name, saved="other line ends or quotes", rerun="its own")
