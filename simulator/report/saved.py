"""A saved result, read back: what `compare` needs of a `summary.json`."""

import json
from pathlib import Path
from typing import Any

from msgspec import Struct

from simulator.errors import InputError
from simulator.inputs import convert
from simulator.report.attribution import Part
from simulator.report.reasons import LayerParts

SUMMARY = "summary.json"


class SavedLayer(Struct, frozen=True, kw_only=True):
    """One layer of the run and of its baseline."""

    name: str
    stage: str
    cycles: int
    baseline_cycles: int
    attribution: dict[Part, int]
    baseline_attribution: dict[Part, int]

    @property
    def parts(self) -> LayerParts:
        """The run's cycles by part."""
        return LayerParts(name=self.name, parts=self.attribution)


class SavedBaseline(Struct, frozen=True, kw_only=True):
    """The baseline's totals."""

    bits: float
    cycles: int
    time_ms: float
    dram_bytes: dict[str, int]


class SavedRunEnergy(Struct, frozen=True, kw_only=True):
    """Energy of one run in microjoules, cut two ways."""

    energy_uj: float
    by_layer_uj: dict[str, float]
    by_unit_uj: dict[str, float]


class SavedEnergy(Struct, frozen=True, kw_only=True):
    """Energy of both runs, priced by one table."""

    table: str
    run: SavedRunEnergy
    baseline: SavedRunEnergy


class SavedConfiguration(Struct, frozen=True, kw_only=True):
    """Everything that decided the result."""

    hardware: dict[str, Any]
    run: dict[str, Any]
    baseline: dict[str, Any]


class Saved(Struct, frozen=True, kw_only=True):
    """A result as `--out` writes it; fields that nothing here reads are left out."""

    model: str
    bits: float
    hardware: str
    cycles: int
    time_ms: float
    speedup: float
    dram_bytes: dict[str, int]
    baseline: SavedBaseline
    layers: list[SavedLayer]
    configuration: SavedConfiguration
    version: str
    energy: SavedEnergy | None = None
    """If the result was priced."""


def read_saved(path: Path) -> Saved:
    """Read a folder made by `--out`, or its summary.json.

    Raises:
        InputError: no such file, or none that `--out` wrote.

    """
    file = path / SUMMARY if path.is_dir() else path
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # neither UTF-8 nor JSON
        raise InputError(f"{file}: no saved result: {error}") from error
    return as_saved(data, f"{file}: no result saved by --out")


def as_saved(data: dict[str, Any], source: str) -> Saved:
    """Check a summary; `source` names it in errors.

    Raises:
        InputError: a field is missing or of another type.

    """
    return convert(data, Saved, source)
