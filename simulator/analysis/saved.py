"""A saved result, read from `summary.json`, for `compare` and reruns."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta, Struct, field

from simulator.analysis.reasons import LayerParts
from simulator.analysis.schema import require_schema
from simulator.base import guard
from simulator.base.errors import InputError
from simulator.base.inputs import convert
from simulator.machines.families import family_named
from simulator.machines.loading import machine_in
from simulator.program import CategoryTerm
from simulator.program.vocabulary import names
from simulator.workload.described import DescribedWorkload
from simulator.workload.scope import Scope

SUMMARY = "summary.json"


class SavedBytes(TypedDict):
    """Bytes that a run moves from and to the DRAM."""

    read: int
    written: int


class SavedLayer(Struct, frozen=True, kw_only=True):
    """One layer of the run and, if it has one, of its baseline."""

    name: str
    stage: str
    cycles: int
    attribution: dict[str, int]
    baseline_cycles: int | None = None
    baseline_attribution: dict[str, int] = {}

    @property
    def parts(self) -> LayerParts:
        """The run's cycles by category."""
        return LayerParts(name=self.name, parts=self.attribution)


class SavedBaseline(Struct, frozen=True, kw_only=True):
    """The baseline's totals."""

    bits: float
    cycles: int
    time_ms: Annotated[float, Meta(gt=0)]
    dram_bytes: SavedBytes


class SavedRunEnergy(Struct, frozen=True, kw_only=True):
    """Energy of one run in microjoules: total, by layer and by unit."""

    energy_uj: float
    by_layer_uj: dict[str, float]
    by_unit_uj: dict[str, float]


class SavedEnergy(Struct, frozen=True, kw_only=True):
    """Energy of all runs, priced by one table."""

    table: str
    run: SavedRunEnergy
    baseline: SavedRunEnergy | None = None


class SavedPerformance(Struct, frozen=True, kw_only=True):
    """Performance of one run; see `simulator.analysis.performance.Performance`."""

    images_per_second: float
    tops: float
    energy_uj_per_image: float | None = None
    tops_per_watt: float | None = None


class SavedPerformances(Struct, frozen=True, kw_only=True):
    """Performance of all runs."""

    operations_counted: str
    run: SavedPerformance
    baseline: SavedPerformance | None = None


class SavedImages(Struct, frozen=True, kw_only=True):
    """The images of a run on a pipeline; see `simulator.analysis.images.ImageTimes`."""

    first_image_cycles: int
    interval_cycles: int | None
    images_per_second: float | None


class SavedConfiguration(Struct, frozen=True, kw_only=True):
    """Everything that decided the result."""

    hardware: dict[str, Any]
    run: dict[str, Any]
    baseline: dict[str, Any] | None = None
    """None if the result has no baseline."""
    dram: dict[str, Any] | None = None
    """The DRAM's timing table, if the hardware names one."""
    energy: dict[str, Any] | None = None
    """The energy table, if the result has energies."""


class SavedScope(Struct, frozen=True, kw_only=True):
    """The scope of the numbers and their baseline."""

    name: Scope
    sentence: str


class Saved(Struct, frozen=True, kw_only=True):
    """A result as `--out` writes it, without the fields that no code reads."""

    model: str
    bits: float
    hardware: str
    scope: SavedScope
    cycles: int
    time_ms: Annotated[float, Meta(gt=0)]
    dram_bytes: SavedBytes
    performance: SavedPerformances
    layers: list[SavedLayer]
    configuration: SavedConfiguration
    version: str
    notes: list[str] = []
    """The notes on its model, its machine and its settings."""
    baseline: SavedBaseline | None = None
    """If the result has a baseline; then also its speedup."""
    speedup: float | None = None
    pipeline: SavedImages | None = None
    """Its images, if all layers run at once."""
    links: dict[str, str] = {}
    """The expressions of linked hardware keys."""
    energy: SavedEnergy | None = None
    """The energies, if the result has any."""
    own_categories: tuple[CategoryTerm, ...] = field(default=(), name="categories")
    """The categories of its cycles that depend on the network."""

    @property
    def categories(self) -> tuple[CategoryTerm, ...]:
        """The categories of its cycles: the family's, then its own."""
        machine = machine_in(self.configuration.hardware, "configuration.hardware")
        return (*map(CategoryTerm.of, family_named(machine).categories), *self.own_categories)


class SavedSetting(Struct, frozen=True, kw_only=True):
    """One overridden hardware key."""

    key: str
    before: Any
    """The key's value without the override."""


class SavedCheck(Struct, frozen=True, kw_only=True):
    """The inputs of the check."""

    seed: Annotated[int, Meta(ge=0)]
    input_file: str | None
    input_sha256: str | None


class SavedModelFile(Struct, frozen=True, kw_only=True):
    """The file of the kernels; see `simulator.workload.source.ModelFile`."""

    file: str
    sha256: str
    network: str | None
    input_size: tuple[int, int] | None
    binarize: tuple[str, ...]
    renames: tuple[tuple[str, str], ...]
    center: Literal["auto", "none", "channel", "layer", "position"]
    subset: Literal["refined", "random", "uniform", "frequent"] | None
    seed: int | None
    bits: float | None
    tau: int | None
    tau_1x1: int | None
    taus: dict[str, int]


class SavedWiderConfiguration(Struct, frozen=True, kw_only=True):
    """The networks of the runs in the wider scope."""

    run: dict[str, Any]
    baseline: dict[str, Any] | None = None


class SavedWider(Struct, frozen=True, kw_only=True):
    """The runs in a wider scope."""

    configuration: SavedWiderConfiguration


class SavedCauses(Struct, frozen=True, kw_only=True):
    """The inputs of a rerun, which determine everything else in the file."""

    version: str
    engine: str
    settings: list[SavedSetting]
    configuration: SavedConfiguration
    links: dict[str, str] = {}
    """The expressions of linked hardware keys; `configuration` has their values."""
    check: SavedCheck | None = None
    model_file: SavedModelFile | None = None
    what_helps: list[Any] | None = None
    wider: SavedWider | None = None


def read_saved(path: Path) -> Saved:
    """Read a folder from `--out`, or its summary.json.

    Raises:
        InputError: no such file, or a file that `--out` did not write.

    """
    data, _, file = read_summary(path)
    return as_saved(data, f"{file}: no result saved by --out")


class Number(str):
    """A number as a file spells it; two spellings may mean the same number."""

    __slots__ = ()


def spelled(text: str) -> dict[str, Any]:
    """Parse a JSON object, with its fractions as `Number`."""
    data: dict[str, Any] = json.loads(text, parse_float=Number)
    return data


def read_summary(path: Path) -> tuple[dict[str, Any], str, Path]:
    """Read the JSON object of a folder from `--out`, or of its summary.json.

    Args:
        path: the folder or the file.

    Returns:
        The object, its text, and its file. The function does not check the object's keys.

    Raises:
        InputError: no such file, or not a JSON object.

    """
    file = path / SUMMARY if guard.is_folder(path) else path
    text = guard.read_text(file, guard.MOST_JSON)
    data = guard.parse_json(text, file, "saved result")
    if not isinstance(data, dict):
        raise InputError(f"{file}: not a readable saved result: expected a JSON object")
    return data, text, file


def as_saved(data: dict[str, Any], source: str) -> Saved:
    """Check a summary; `source` names it in errors.

    Raises:
        InputError: another schema, or a field is missing or has another type.

    """
    require_schema(data, source)
    saved = convert(data, Saved, source)
    machine_in(saved.configuration.hardware, f"{source}: configuration.hardware")
    _require_runs(saved.configuration, source)
    known = names(saved.categories)
    for number, layer in enumerate(saved.layers):
        for part in (*layer.attribution, *layer.baseline_attribution):
            if part not in known:
                raise InputError(
                    f"{source}: layers[{number}] ({layer.name}).attribution: unknown category "
                    f"{part[:60]!r}"
                )
    return saved


def _require_runs(saved: SavedConfiguration, source: str) -> None:
    """Check the networks of the run and of its baseline, which have the same layers."""
    run = convert(saved.run, DescribedWorkload, f"{source}: configuration.run")
    if saved.baseline is None:
        return
    baseline = convert(saved.baseline, DescribedWorkload, f"{source}: configuration.baseline")
    if [layer.name for layer in run.layers] != [layer.name for layer in baseline.layers]:
        raise InputError(f"{source}: configuration.baseline: has other layers than the run")
