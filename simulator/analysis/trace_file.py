"""Traces out of the file that `--out` writes: what a reader of the file alone can compute."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simulator.columns import Ints
from simulator.engine.trace import DramCounts, Trace
from simulator.errors import InputError
from simulator.mapping.commands import MACHINE
from simulator.mapping.converted import CHANNELS
from simulator.tabular import read_frame

if TYPE_CHECKING:
    import pandas as pd

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
"""Columns of the file by field of a `Trace`,"""
_DRAM_NUMBERS = {
    "activates": "dram_activates",
    "row_miss": "dram_row_miss_cycles",
    "refresh": "dram_refresh_cycles",
}
"""and by field of its `DramCounts`."""


def read_traces(path: Path) -> dict[str, Trace]:
    """Read `trace.csv` or `trace.parquet`: one trace per run, by the run's name.

    Raises:
        InputError: the file cannot be read, or is not a trace.

    """
    try:
        frame = read_frame(path, dict.fromkeys(_NAMES, "string"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    wanted = [*_NAMES, *_NUMBERS.values()]
    missing = [name for name in wanted if name not in frame]
    if missing:
        raise InputError(f"{path}: not a trace: the column {missing[0]} is missing")
    runs = frame.groupby("run", sort=False, observed=True)
    return {str(name): _trace(rows, path) for name, rows in runs}


def _trace(rows: "pd.DataFrame", path: Path) -> Trace:
    layers = tuple(rows["layer"].unique())
    columns = {
        "layer": _numbered(rows, "layer", layers, path),
        "unit": _numbered(rows, "unit", MACHINE.units, path),
        "kind": _numbered(rows, "kind", MACHINE.kinds, path),
        "channel": _numbered(rows, "waits_for", CHANNELS, path),
        **{field: _integers(rows, column, path) for field, column in _NUMBERS.items()},
    }
    return Trace(
        units=MACHINE.units,
        kinds=MACHINE.kinds,
        channels=CHANNELS,
        layers=layers,
        dram=_dram(rows, path),
        **columns,
    )


def _dram(rows: "pd.DataFrame", path: Path) -> DramCounts | None:
    if not set(_DRAM_NUMBERS.values()) <= set(rows):
        return None
    none = np.empty(0, dtype=np.int64)
    counts = {field: _integers(rows, column, path) for field, column in _DRAM_NUMBERS.items()}
    return DramCounts(burst_command=none, burst_end=none, **counts)


def _numbered(rows: "pd.DataFrame", column: str, names: tuple[str, ...], path: Path) -> Ints:
    """[rows] index of each cell's name; -1 for an empty cell, which only `waits_for` may have."""
    import pandas as pd

    cells = rows[column].astype(object)
    index = pd.Index(names).get_indexer(pd.Index(cells)).astype(np.int64)
    wrong = (index < 0) & (cells.notna().to_numpy() | (column != "waits_for"))
    if wrong.any():
        raise InputError(f"{path}: {column}: {cells.iloc[int(wrong.argmax())]!r} is unknown")
    return index


def _integers(rows: "pd.DataFrame", column: str, path: Path) -> Ints:
    values = rows[column].to_numpy()
    if values.dtype.kind != "i":
        raise InputError(f"{path}: {column}: contains a value that is not a whole number")
    return values.astype(np.int64)
