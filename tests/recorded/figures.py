"""The recorded values of a configuration: totals, and digests of longer data."""

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulator import Result
from simulator.machines import load_energy
from tests.recorded.configurations import Configuration

FILE = Path(__file__).with_name("figures.csv")
ENERGY = "45nm"
Figures = dict[str, str]

_NOT_FIGURES = (
    "schema", "version", "engine", "settings", "links", "check", "model_file", "configuration",
    "config_sha256", "summary_sha256",
)  # fmt: skip
"""Keys of summary.json without recorded values: inputs, their fingerprints, and the format."""
_OWN_FIGURE = ("notes", "area_gate_equivalents", "scope")
"""Keys of summary.json with separate digests because they change for independent reasons."""
_SHAPE_COLUMNS = (
    "in_channels", "out_channels", "kernel", "stride", "output_height", "output_width", "macs",
    "weights", "weight_bytes", "baseline_weight_bytes",
)  # fmt: skip
"""Columns of layers.csv that do not depend on the run."""
TRACE_NAMES = ("run", "layer", "unit", "kind")
_TRACE_NUMBERS = ("step", "start_cycle", "end_cycle", "latency_cycles", "bytes", "pes")
_TRACE_DRAM = ("dram_activates", "dram_row_miss_cycles", "dram_refresh_cycles")


def contents(result: Result) -> dict[str, Any]:
    """All data with a recorded digest, as plain data, by the digest's name."""
    saved = result.saved()
    rows = result.layer_rows()
    energy = result.with_energy(load_energy(ENERGY)).energy
    assert energy is not None
    return {
        "summary": {k: v for k, v in saved.items() if k not in {*_NOT_FIGURES, *_OWN_FIGURE}},
        **{name: saved.get(name) for name in _OWN_FIGURE},
        "layers": [{k: v for k, v in row.items() if k not in _SHAPE_COLUMNS} for row in rows],
        "shapes": [{k: row.get(k) for k in _SHAPE_COLUMNS} for row in rows],
        "attribution": result.attribution_rows(),
        "energy": energy.rows(),
    }


def figures(configuration: Configuration, engine: str = "event") -> Figures:
    """Run a configuration, and return its values in the form of the file.

    Raises:
        InputError: the hardware cannot run the workload.

    """
    result = configuration.run(engine)
    rows, trace = result.layer_rows(), result.trace
    return {
        "configuration": configuration.name,
        "inputs": configuration.inputs,
        "cycles": str(result.cycles),
        "baseline_cycles": str(result.baseline.cycles),
        "layer_cycles": _listed(row["cycles"] for row in rows),
        "baseline_layer_cycles": _listed(row["baseline_cycles"] for row in rows),
        "commands": str(len(trace)),
        **{name: _digest(json.dumps(x, sort_keys=True)) for name, x in contents(result).items()},
        "trace": trace_digest(trace),
    }


def trace_digest(trace: pd.DataFrame) -> str:
    """Digest of the rows as a set: the order of the commands does not matter."""
    numbers = trace_numbers(trace)
    columns, names = [], []
    for name in TRACE_NAMES:
        codes, found = pd.factorize(trace[name].astype(str), sort=True)
        columns.append(codes)
        names.append(list(found))
    table = np.stack([*columns, *(trace[name] for name in numbers)], axis=1).astype("<i8")
    rows = table[np.lexsort(table.T)]
    digest = hashlib.sha256(json.dumps([names, numbers]).encode())
    digest.update(np.ascontiguousarray(rows).tobytes())
    return digest.hexdigest()[:_DIGITS]


def trace_numbers(trace: pd.DataFrame) -> list[str]:
    """Names of the recorded number columns; DRAM columns exist only with a timing table."""
    return [*_TRACE_NUMBERS, *(name for name in _TRACE_DRAM if name in trace)]


def differences(recorded: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Describe each value that differs in one line; for layers' cycles, only the first layer."""
    lines = []
    for figure, before in recorded.items():
        after = now[figure]
        if before == after:
            continue
        if figure.endswith("layer_cycles"):
            lines.append(f"{figure}: {_first_layer(before.split(), after.split())}")
        elif before.isdecimal() and len(before) != _DIGITS:
            lines.append(f"{figure}: {int(before):,} recorded, {int(after):,} now")
        else:
            lines.append(f"{figure}: another digest")
    return lines


def _first_layer(before: list[str], after: list[str]) -> str:
    if len(before) != len(after):
        return f"{len(before)} layers recorded, {len(after)} now"
    place = next(n for n, pair in enumerate(zip(before, after, strict=True)) if len({*pair}) > 1)
    return f"layer {place}: {int(before[place]):,} recorded, {int(after[place]):,} now"


def read_figures() -> dict[str, Figures]:
    """The recorded values by configuration."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return {row["configuration"]: row for row in csv.DictReader(file)}


def write_figures(rows: list[Figures]) -> None:
    """Replace the recorded values."""
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


_DIGITS = 16
"""Length of a digest in hexadecimal digits of SHA-256: 64 bits."""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _listed(numbers: Iterable[int]) -> str:
    return " ".join(map(str, numbers))
