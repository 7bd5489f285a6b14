"""A study: its points and all inputs of its rows, with a fingerprint."""

import hashlib
import json
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from simulator.analysis.running import engine_for
from simulator.base.errors import InputError
from simulator.base.shipped import find
from simulator.machines import EnergyTable, load_energy
from simulator.machines.expressions import parse
from simulator.machines.links import Link, Schema, is_expression, links_in, order_of, require_links
from simulator.machines.loading import (
    machine_in,
    machines_of,
    number_schema,
    read_hardware,
    wrong_key,
)  # fmt: skip
from simulator.studies.axes import DEFAULT_ENERGY, POINT_FIELDS, PRECISION, Axis, Value, parse_size
from simulator.studies.columns import column_of
from simulator.studies.evaluate import Inputs, NetworkKey
from simulator.studies.points import Grid, Point, Points, PointsFile, Sample
from simulator.studies.tables import TIMING, fingerprints, timing_of
from simulator.workload import Workload, configure, load_workload
from simulator.workload.choice import Choice
from simulator.workload.loading import is_trained_file
from simulator.workload.model import load_model, refuse_reading

if TYPE_CHECKING:
    from simulator.workload.subsets import Method

_NETWORK = ("model", "input_size", *PRECISION)

_MOST_CHUNK_POINTS = 256
"""The maximum points of a chunk: about 0.25 s of the fast engine, the loss if a process dies."""
_LEAST_CHUNKS = 64
"""The minimum number of chunks, which keeps many cores busy to the end."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """Points, and the inputs of their rows."""

    points: Points
    inputs: Inputs

    @cached_property
    def chunk_points(self) -> int:
        """The number of points per chunk, which depends on the study alone, not on its workers."""
        size = min(_MOST_CHUNK_POINTS, ceil(len(self.points) / _LEAST_CHUNKS))
        inner = self.points.inner
        return ceil(size / inner) * inner if inner <= _MOST_CHUNK_POINTS else size

    @property
    def chunk_count(self) -> int:
        """The number of chunks; the last chunk may be smaller than the others."""
        return ceil(len(self.points) / self.chunk_points)

    def chunks(self) -> Iterator[tuple[int, list[Point]]]:
        """Yield the number and the points of every chunk, one at a time."""
        points = iter(self.points)
        for number in range(self.chunk_count):
            yield number, list(islice(points, self.chunk_points))

    @property
    def machines(self) -> tuple[str, ...]:
        """Families of the hardware, each once."""
        return self.inputs.machines

    @property
    def networks(self) -> list[Workload]:
        """The networks of the study, as in their files or with chosen subsets."""
        return [x for x in self.inputs.workloads.values() if isinstance(x, Workload)]

    @property
    def axis_names(self) -> tuple[str, ...]:
        """The names of the points' values, constants included."""
        return self.points.names

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Every link of a hardware file or of a point, each once."""
        schema = _numbers(self.inputs.hardware)
        of_files = [
            links_in(data, number_schema(machine_in(data, name)))
            for name, data in self.inputs.hardware.items()
        ]
        of_points = [
            Link(name, str(value))
            for name, values in _texts_of(self.points).items()
            for value in values
            if is_expression(name, value, schema)
        ]
        return tuple(sorted({link for links in of_files for link in links} | set(of_points)))

    @cached_property
    def payload(self) -> bytes:
        """The inputs in the form for a worker."""
        return pickle.dumps(self.inputs)

    @cached_property
    def described(self) -> dict[str, Any]:
        """The plain data that decide the study's files: the contents of study.json."""
        inputs = self.inputs
        return {
            **self.points.described(),
            "point_count": len(self.points),
            "chunk_points": self.chunk_points,
            "baseline_bits": inputs.baseline_bits,
            "include_full_precision": inputs.include_full_precision,
            "engine": inputs.engine,
            "layers": inputs.layers,
            "energy": msgspec.to_builtins(inputs.energy),
            "layer_taus": dict(inputs.taus),
            "version": inputs.version,
            "hardware": {name: dict(data) for name, data in inputs.hardware.items()},
            "dram_tables": dict(inputs.dram_tables),
            "networks": {
                " ".join(
                    (model, size or "as in its file", *(f"{k}={v}" for k, v in precision))
                ): _network_fingerprint(network)
                for (model, size, precision), network in inputs.workloads.items()
            },
        }

    @cached_property
    def sha256(self) -> str:
        """The fingerprint of `described`; equal fingerprints mean equal files."""
        return hashlib.sha256(json.dumps(self.described, sort_keys=True).encode()).hexdigest()


def _network_fingerprint(network: Workload | str) -> str:
    if isinstance(network, str):
        return network
    return hashlib.sha256(json.dumps(network.described(), sort_keys=True).encode()).hexdigest()


def grid_study(
    axes: Sequence[Axis], *, sample: int | None = None, seed: int = 0, **options: Any
) -> Study:
    """Create a study of every combination of some axes' values, or of a random sample of them.

    Args:
        axes: axes in any order, including `hw` and `model`. Hardware changes slowest and
            precision fastest, to let adjacent points share as much as possible.
        sample: number of different points to draw. Default: all of them.
        seed: seed of the random sample.
        options: see `points_study`.

    Raises:
        InputError: a missing, unknown or duplicate axis, or a wrong file.

    """
    names = [axis.name for axis in axes]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{name} is given twice")
    if "bits" in names and ("tau" in names):
        raise InputError("bits and tau are both given; choose one")
    order = {name: place for place, name in enumerate(POINT_FIELDS)}
    grid = Grid(tuple(sorted(axes, key=lambda axis: (axis.name != "hw", order.get(axis.name, 0)))))
    return _study(Sample(grid, sample, seed) if sample is not None else grid, **options)


def points_study(path: str | Path, constants: Sequence[Axis] = (), **options: Any) -> Study:
    """Create a study of the rows of a CSV file.

    Args:
        path: path of the file, with point fields (`hw`, `model`, `bits`, ...) and hardware keys
            in its header.
        constants: axes of one value for fields that the file lacks.
        options: `engine`, `baseline_bits`, `include_full_precision`, `layers` for rows by layer as
            well, `energy` (an energy table; default 45nm), and `taus` of single layers. For the
            files of trained networks: `reading`, the arguments of `load_model` that decide how it
            reads a file, and `subset` with its `subset_seed`.

    Raises:
        InputError: a wrong file.

    """
    return _study(PointsFile(Path(path), tuple(constants)), **options)


def _study(
    points: Points,
    *,
    engine: str = "auto",
    baseline_bits: float = 1.0,
    include_full_precision: bool = False,
    layers: bool = False,
    energy: str | Path | EnergyTable | None = None,
    taus: Mapping[str, int] | None = None,
    **trained: Any,
) -> Study:
    engine_for(engine)
    for name in ("hw", "model"):
        if name not in points.names:
            raise InputError(f"no {name} is given")
    hardware = {name: read_hardware(name) for name in _hardware_files(points)}
    _require_known_keys(points.names, machines_of(hardware))
    table = energy if isinstance(energy, EnergyTable) else load_energy(energy or DEFAULT_ENERGY)
    _require_links(points, hardware)
    inputs = Inputs(
        hardware=hardware,
        dram_tables=_tables(points, hardware),
        workloads=_networks(points, taus or {}, **trained),
        names=points.names,
        baseline_bits=baseline_bits,
        include_full_precision=include_full_precision,
        engine=engine,
        layers=layers,
        energy=table,
        taus=dict(taus or {}),
    )
    _require_baseline(inputs)
    return Study(points=points, inputs=inputs)


def _require_baseline(inputs: Inputs) -> None:
    """Raise if the baseline is impossible for every network; no point would have a speedup."""
    reason = None
    for network in inputs.workloads.values():
        if isinstance(network, Workload):
            try:
                configure(network, bits=inputs.baseline_bits)
                return
            except InputError as error:
                reason = error
    if reason is not None:
        raise InputError(f"baseline: {reason}")


def _require_known_keys(names: Sequence[str], machines: Sequence[str]) -> None:
    """Raise if a key is unknown for some hardware configuration of the study."""
    for name in names:
        for machine in machines:
            if name not in POINT_FIELDS and (wrong := wrong_key(name, machine, POINT_FIELDS)):
                which = f" ({machine})" if len(machines) > 1 else ""
                raise InputError(f"{wrong}{which}")


def _numbers(hardware: Mapping[str, Mapping[str, Any]]) -> Schema:
    """Every dotted key of the study's families, with the numbers that it accepts."""
    schemas = [number_schema(machine) for machine in machines_of(hardware)]
    return {key: takes for schema in schemas for key, takes in schema.items()}


def _require_links(points: Points, hardware: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise if an expression does not parse, or if the expressions of all points form a cycle."""
    schema, common = _numbers(hardware), {}
    for name, values in _texts_of(points).items():
        for value in values:
            if value is not None and is_expression(name, value, schema):
                try:
                    expression = require_links(name, str(value), schema)
                except InputError as error:
                    raise InputError(f"{name} is {value!r}: {error}") from error
                if len(values) == 1:
                    common[name] = expression
    for file, data in hardware.items():
        own = {link.key: parse(link.expression) for link in links_in(data, schema)}
        kept = {key: own[key] for key in own if key not in points.names}
        try:
            order_of({**kept, **common})
        except InputError as error:
            raise InputError(f"{file}: {error}") from error


def _texts_of(points: Points) -> dict[str, set[Value]]:
    """The hardware keys with text values in some points, each with all its values."""
    if not isinstance(points, PointsFile):
        grid = points.grid if isinstance(points, Sample) else points
        assert isinstance(grid, Grid)  # a study has one of three kinds of points
        values = {axis.name: set(axis.values) for axis in grid.axes}
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


def _hardware_files(points: Points) -> list[str]:
    """The hardware files of the points, in sorted order."""
    pairs = _said(points, ("hw", "model"))
    if any(h is None or m is None for h, m in pairs):
        raise InputError("a point lacks hw or model")
    return sorted({str(h) for h, _ in pairs})


def _said(points: Points, names: Sequence[str]) -> set[Point]:
    """Every combination of the points' values under these names, once; None for a missing value."""
    places = [points.names.index(name) if name in points.names else None for name in names]
    if isinstance(points, PointsFile):
        return {tuple(None if i is None else point[i] for i in places) for point in points}
    grid = points.grid if isinstance(points, Sample) else points
    assert isinstance(grid, Grid)  # a study has one of three kinds of points
    return set(product(*((None,) if i is None else grid.axes[i].values for i in places)))


def _tables(points: Points, hardware: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The fingerprints of the DRAM tables that the points or their hardware files name."""
    pairs = _said(points, ("hw", TIMING))
    return fingerprints(
        timing_of(hardware[str(hw)], {} if timing is None else {TIMING: timing})
        for hw, timing in pairs
    )


def _networks(
    points: Points,
    taus: Mapping[str, int],
    *,
    reading: Mapping[str, Any] | None = None,
    subset: "Method | None" = None,
    subset_seed: int | None = None,
) -> dict[NetworkKey, Workload | str]:
    """Load every network in every input size; a text is the reason why a size is impossible.

    With `subset`, a trained network is also present once for every precision of the points.

    Raises:
        InputError: a wrong file, or options that no file needs.

    """
    pairs = sorted(_said(points, ("model", "input_size")), key=str)
    trained = {str(m) for m, _ in pairs if is_trained_file(find("workloads", str(m)))}
    reading = dict(reading or {})
    if not trained:
        for model, _ in pairs:
            refuse_reading(str(model), choice=Choice(subset=subset, seed=subset_seed), **reading)
    networks: dict[NetworkKey, Workload | str] = {}
    for model, size in ((str(m), None if s is None else str(s)) for m, s in pairs):
        pixels = None if size is None else parse_size(size)
        if model in trained:
            networks[model, size, ()] = load_model(model, input_size=pixels, **reading)
            continue
        networks[model, size, ()] = load_workload(model)  # refuse a wrong file here
        try:
            networks[model, size, ()] = load_workload(model, pixels)
        except InputError as error:
            networks[model, size, ()] = str(error)
    if subset is None:
        return networks
    return networks | {
        (model, size, tuple(bits.items())): load_model(
            model,
            input_size=None if size is None else parse_size(size),
            choice=Choice(subset=subset, seed=subset_seed, taus=taus, **bits),
            **reading,
        )
        for model, size, bits in _precisions(points)
        if model in trained and bits.get("bits") != 1  # a BNN uses every kernel
    }


def _precisions(points: Points) -> list[tuple[str, str | None, dict[str, Any]]]:
    """The networks of the points: model, input size and precision."""
    return [
        (str(model), None if size is None else str(size), _precision(precision))
        for model, size, *precision in sorted(_said(points, _NETWORK), key=str)
    ]


def _precision(values: Sequence[Value]) -> dict[str, Any]:
    """The precision of a point, by name."""
    return {k: v for k, v in zip(PRECISION, values, strict=True) if v is not None}


def model_notes(study: Study) -> list[str]:
    """Notes of the readers of the study's models, each once; a study of several names the model."""
    loaded = {
        model: network.notes
        for (model, _, _), network in study.inputs.workloads.items()
        if isinstance(network, Workload) and network.notes
    }
    several = len({model for model, _, _ in study.inputs.workloads}) > 1
    return [
        f"{model}: {note}" if several else note for model, notes in loaded.items() for note in notes
    ]


def without_kernels(study: Study) -> list[str]:
    """Names of trained networks that run with other taus than in their files.

    A layer with another tau runs shape-only. Baselines do not count.
    """
    networks = study.inputs.workloads
    if not any(isinstance(x, Workload) and _has_kernels(x) for x in networks.values()):
        return []
    found = set()
    for model, size, bits in _precisions(study.points):
        network = networks.get((model, size, tuple(bits.items()))) or networks[model, size, ()]
        if isinstance(network, Workload) and model not in found:
            try:
                if configure(network, taus=study.inputs.taus, **bits).kernels_dropped:
                    found.add(model)
            except InputError:
                continue  # the point's own row reports the error
    return sorted(found)


def _has_kernels(network: Workload) -> bool:
    return any(layer.kernels is not None for layer in network.layers)


def columns_of(study: Study) -> tuple[str, ...]:
    """The columns of the result that contain the points' values."""
    return tuple(column_of(name) for name in study.axis_names)
