"""Traces from the file that `--out` writes: a reader needs no machine.

The file contains the trace's vocabulary. A Parquet file has it in its schema. A CSV file has it in
a JSON file with the same stem, in the same folder.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from msgspec import to_builtins

from simulator.base import guard
from simulator.base.columns import Ints
from simulator.base.errors import InputError
from simulator.base.inputs import convert
from simulator.base.tabular import existing_table, read_frame, read_text
from simulator.engine.trace import DramCounts, Trace
from simulator.program.vocabulary import KindTerm, Term, Vocabulary, names

if TYPE_CHECKING:
    import pandas as pd

STEM = "trace"
VOCABULARY = "vocabulary"
"""The name of the vocabulary in the schema of a Parquet file."""
_NAMES = ("run", "layer", "unit", "kind", "waits_for")
_NUMBERS = {
    "step": "step",
    "start": "start_cycle",
    "end": "end_cycle",
    "latency": "latency_cycles",
    "bytes": "bytes",
    "pes": "pes",
    "penalty": "penalty_cycles",
    "lost": "port_lost_cycles",
    "cause": "cause",
}
"""Columns of the file, by field of a `Trace`."""
_DRAM_NUMBERS = {
    "activates": "dram_activates",
    "row_miss": "dram_row_miss_cycles",
    "refresh": "dram_refresh_cycles",
}
"""Columns of the file, by field of the trace's `DramCounts`."""


def read_traces(path: Path) -> dict[str, Trace]:
    """Read `trace.csv` or `trace.parquet`: one trace per run, by the run's name.

    Args:
        path: the path of the file, or of the folder that `--out` wrote.

    Raises:
        InputError: the file or its vocabulary is unreadable, or is not a trace.

    """
    file = _file_in(path) if guard.is_folder(path) else path
    frame = read_frame(file, dict.fromkeys(_NAMES, "string"))
    wanted = [*_NAMES, *_NUMBERS.values()]
    missing = [name for name in wanted if name not in frame]
    if missing:
        raise InputError(f"{file}: not a trace: the column {missing[0]} is missing")
    vocabulary = read_vocabulary(file)
    runs = frame.groupby("run", sort=False, observed=True)
    return {str(name): _trace(rows, vocabulary, file) for name, rows in runs}


def _file_in(folder: Path) -> Path:
    file = existing_table(folder, STEM)
    if file is None:
        raise InputError(f"{folder}: contains neither {STEM}.csv nor {STEM}.parquet")
    return file


# --- the vocabulary -----------------------------------------------------------------------------


def vocabulary_file(csv: Path) -> Path:
    """Return the file next to a CSV file that contains the vocabulary of its trace."""
    return csv.with_suffix(".json")


def vocabulary_text(vocabulary: Vocabulary) -> str:
    """Return a vocabulary as the text of a file."""
    return json.dumps(to_builtins(vocabulary), indent=2) + "\n"


def read_vocabulary(file: Path) -> Vocabulary:
    """Read the vocabulary of a trace's file.

    Raises:
        InputError: the vocabulary is missing, unreadable or invalid.

    """
    in_csv = file.suffix == ".csv"
    source = f"{vocabulary_file(file) if in_csv else file}: vocabulary of the trace"
    text = guard.read_text(vocabulary_file(file)) if in_csv else read_text(file, VOCABULARY)
    return convert(guard.parse_json(text, source, "vocabulary"), Vocabulary, source)


# --- the table ----------------------------------------------------------------------------------


def _trace(rows: "pd.DataFrame", vocabulary: Vocabulary, file: Path) -> Trace:
    layers = tuple(rows["layer"].unique())
    dram = _dram(rows, file)
    if dram is not None and not (vocabulary.row_miss and vocabulary.refresh):
        raise InputError(f"{file}: its vocabulary has no categories for row misses and refreshes")
    columns = {
        "layer": _numbered(rows, "layer", layers, file),
        "unit": _worded(rows, "unit", vocabulary.units, file),
        "kind": _worded(rows, "kind", vocabulary.kinds, file),
        "channel": _worded(rows, "waits_for", vocabulary.channels, file),
        **{field: _integers(rows, column, file) for field, column in _NUMBERS.items()},
    }
    _require_layers(columns, layers, vocabulary, file)
    if columns["lost"].any() and not vocabulary.conflict:
        raise InputError(f"{file}: its vocabulary has no category for cycles lost at a port")
    return Trace(vocabulary=vocabulary, layers=layers, dram=dram, **columns)


def _require_layers(
    columns: dict[str, Ints], layers: tuple[str, ...], vocabulary: Vocabulary, file: Path
) -> None:
    """Check that every row has its unit's layer, if all layers run at once."""
    if not vocabulary.at_once:
        return
    own = np.array([unit.layer for unit in vocabulary.units], dtype=object)[columns["unit"]]
    wrong = own != np.array(layers, dtype=object)[columns["layer"]]
    if wrong.any():
        row = int(wrong.argmax())
        unit = vocabulary.units[columns["unit"][row]]
        raise InputError(
            f"{file}: layer: {layers[columns['layer'][row]]!r} in a row of the unit {unit.name}, "
            f"which works for {unit.layer!r}"
        )


def _dram(rows: "pd.DataFrame", file: Path) -> DramCounts | None:
    if not set(_DRAM_NUMBERS.values()) <= set(rows):
        return None
    none = np.empty(0, dtype=np.int64)
    counts = {field: _integers(rows, column, file) for field, column in _DRAM_NUMBERS.items()}
    return DramCounts(burst_command=none, burst_end=none, **counts)


def _worded(
    rows: "pd.DataFrame", column: str, words: tuple[Term | KindTerm, ...], file: Path
) -> Ints:
    return _numbered(rows, column, names(words), file)


def _numbered(rows: "pd.DataFrame", column: str, known: tuple[str, ...], file: Path) -> Ints:
    """Return [rows] the index of each cell's name; -1 for an empty cell, only in `waits_for`."""
    import pandas as pd

    cells = rows[column].astype(object)
    index = pd.Index(known, dtype=object).get_indexer(pd.Index(cells)).astype(np.int64)
    wrong = (index < 0) & (cells.notna().to_numpy() | (column != "waits_for"))
    if wrong.any():
        raise InputError(f"{file}: {column}: {cells.iloc[int(wrong.argmax())]!r} is unknown")
    return index


def _integers(rows: "pd.DataFrame", column: str, file: Path) -> Ints:
    values = rows[column].to_numpy()
    if values.dtype.kind != "i":
        raise InputError(f"{file}: {column}: contains a value that is not a whole number")
    return values.astype(np.int64)
