"""A study: its points and all inputs of its rows, with a fingerprint."""

import hashlib
import json
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any

import msgspec

from simulator.analysis.baseline import Asked
from simulator.analysis.baseline import baseline_bits as bits_of_baseline
from simulator.analysis.running import engine_for
from simulator.base.errors import InputError
from simulator.machines import EnergyTable, load_energy
from simulator.machines.families import scopes_of
from simulator.machines.links import Link, is_expression, links_in
from simulator.machines.loading import machine_in, machines_of, number_schema, read_hardware
from simulator.studies.axes import DEFAULT_ENERGY, POINT_FIELDS, Axis
from simulator.studies.inputs import Inputs
from simulator.studies.networks import networks_of
from simulator.studies.points import (
    Grid,
    Point,
    Points,
    PointsFile,
    Sample,
    combinations,
    naming_row,
    text_values,
)
from simulator.studies.requirements import (
    numbers_of,
    require_baselines,
    require_expressions,
    require_known_keys,
)
from simulator.studies.tables import TIMING, fingerprints, timing_of
from simulator.workload import Workload
from simulator.workload.scope import scope_from

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
        schema = numbers_of(self.inputs.hardware)
        of_files = [
            links_in(data, number_schema(machine_in(data, name)))
            for name, data in self.inputs.hardware.items()
        ]
        of_points = [
            Link(name, str(value))
            for name, values in text_values(self.points).items()
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
            **self._baseline_bits(),
            "scope": inputs.scope,
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

    def _baseline_bits(self) -> dict[str, Any]:
        """Bits of the baselines by hardware file; empty without baselines."""
        given = {name: bits for name, bits in self.inputs.baselines.items() if bits is not None}
        return {"baseline_bits": given} if given else {}

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
            raise InputError(f"{name} occurs twice")
    if "bits" in names and ("tau" in names):
        raise InputError("bits and tau exclude each other; choose one")
    order = {name: place for place, name in enumerate(POINT_FIELDS)}
    grid = Grid(tuple(sorted(axes, key=lambda axis: (axis.name != "hw", order.get(axis.name, 0)))))
    return _study(Sample(grid, sample, seed) if sample is not None else grid, **options)


def points_study(path: str | Path, constants: Sequence[Axis] = (), **options: Any) -> Study:
    """Create a study of the rows of a CSV file.

    Args:
        path: path of the file, with point fields (`hw`, `model`, `bits`, ...) and hardware keys
            in its header.
        constants: axes of one value for fields that the file lacks.
        options: `engine`, `baseline_bits` as in `simulate`, `scope` (by default `binary`,
            `weights` if any run has 32 bits, or `network` if any machine is a pipeline, because all
            runs have the same layers), `layers` for
            rows by layer as well, `energy` (an energy table; default 45nm), and `taus` of single
            layers. For the files of trained networks: `network`, `renames`, `center` and `binarize`
            as in `extract`, and `subset` with its `subset_seed`.

    Raises:
        InputError: a wrong file.

    """
    return _study(PointsFile(Path(path), tuple(constants)), **options)


def _study(
    points: Points,
    *,
    engine: str = "auto",
    baseline_bits: Asked = None,
    scope: str | None = None,
    layers: bool = False,
    energy: str | Path | EnergyTable | None = None,
    taus: Mapping[str, int] | None = None,
    **reading: Any,
) -> Study:
    engine_for(engine)
    for name in ("hw", "model"):
        if name not in points.names:
            raise InputError(f"{name} is missing")
    hardware = {name: _hardware(points, name) for name in _hardware_files(points)}
    require_known_keys(points, machines_of(hardware))
    table = energy if isinstance(energy, EnergyTable) else load_energy(energy or DEFAULT_ENERGY)
    require_expressions(points, hardware)
    baselines = {
        name: bits_of_baseline(baseline_bits, machine_in(data, name))
        for name, data in hardware.items()
    }
    bits = (value for (value,) in combinations(points, ("bits",)))
    inputs = Inputs(
        hardware=hardware,
        dram_tables=_tables(points, hardware),
        workloads=networks_of(points, taus or {}, **reading),
        names=points.names,
        baselines=baselines,
        scope=scope_from(scope, {*bits, *baselines.values()}, scopes_of(machines_of(hardware))),
        engine=engine,
        layers=layers,
        energy=table,
        taus=dict(taus or {}),
    )
    require_baselines(inputs)
    return Study(points=points, inputs=inputs)


def _hardware_files(points: Points) -> list[str]:
    """The hardware files of the points, in sorted order."""
    pairs = combinations(points, ("hw", "model"))
    for hw, model in pairs:
        if hw is None or model is None:
            with naming_row(points, **{"hw" if hw is None else "model": None}):
                raise InputError("a point lacks hw or model")
    return sorted({str(h) for h, _ in pairs})


def _hardware(points: Points, name: str) -> dict[str, Any]:
    with naming_row(points, hw=name):
        return read_hardware(name)


def _tables(points: Points, hardware: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The fingerprints of the DRAM tables that the points or their hardware files name."""
    pairs = combinations(points, ("hw", TIMING))
    return fingerprints(
        timing_of(hardware[str(hw)], {} if timing is None else {TIMING: timing})
        for hw, timing in pairs
    )
