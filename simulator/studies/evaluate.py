"""Evaluation of points: the work of a worker on a chunk, on this computer or another.

With every chunk, a worker receives the study's inputs as one block of bytes. The worker keeps their
contents (hardware, networks, baselines) between chunks, and therefore reads and builds them once.
"""

import json
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from simulator.analysis.outcome import RUNS, configuration_sha256, configuration_text
from simulator.analysis.performance import operations_counted
from simulator.analysis.running import engine_for, run_one, run_together
from simulator.base.errors import InputError
from simulator.base.version import __version__
from simulator.dram.tables import dram_table
from simulator.engine import compiling
from simulator.machines.hardware import Hardware, with_numbers
from simulator.machines.links import links_in
from simulator.machines.loading import hardware_from, machine_in, number_schema
from simulator.studies.axes import POINT_FIELDS, PRECISION, Value
from simulator.studies.chunks import pack
from simulator.studies.columns import chunk_columns, flat, layer_columns, links_text
from simulator.studies.costs import Costs
from simulator.studies.inputs import Inputs, Settings
from simulator.studies.points import Point
from simulator.studies.remembered import remembered
from simulator.studies.run_figures import (
    Network,
    Row,
    RunFigures,
    baseline_columns,
    figures_of,
    layer_rows,
    pipeline_columns,
)
from simulator.studies.tables import TableError, require_unchanged, table_text, timing_of
from simulator.workload import Workload, configure
from simulator.workload.precision import require_binary_layers

RunKey = tuple[str, Settings, Settings, Settings]
"""Hardware file, its overrides, the network's options, its precision."""

_KEPT_HARDWARE = 256
"""The maximum per chunk, which needs each hardware configuration twice: to run, and for rows."""
_KEPT_WORKLOADS = 256
_KEPT_RUNS = 256
"""Values of runs, most of them baselines; a grid needs only the last few."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The packed rows of one chunk (`simulator.studies.chunks`)."""

    points: bytes
    layers: bytes | None
    compiler_missed: bool = False
    """True if the process that made the rows lacked the compiler and would have compiled."""


def evaluate_chunk(inputs: bytes, first: int, points: list[Point]) -> Rows:
    """Simulate a chunk of points.

    Args:
        inputs: a pickled `Inputs`.
        first: number of the first point.
        points: values of each point.

    Raises:
        RuntimeError: another version of the simulator started the study.
        TableError: a DRAM table differs from the table at the start of the study.

    """
    evaluator = _evaluator(inputs)
    evaluator.prepare(points)
    rows: list[Row] = []
    of_layers: list[Row] = []
    for number, point in enumerate(points, first):
        row, layers = evaluator.row(number, point)
        rows.append(row)
        of_layers += layers
    study, baselines = evaluator.inputs, evaluator.inputs.has_baselines
    return Rows(
        points=pack(rows, chunk_columns(study.machines, baselines=baselines)),
        layers=pack(of_layers, layer_columns(baselines=baselines)) if study.layers else None,
        compiler_missed=compiling.missed(),
    )


@lru_cache(maxsize=2)
def _evaluator(inputs: bytes) -> "_Evaluator":
    return _Evaluator(pickle.loads(inputs))


@dataclass(frozen=True, slots=True)
class _Machine:
    """A hardware configuration, and the data that all of its rows need."""

    hardware: Hardware
    columns: Row
    texts: dict[str, str]
    """The hardware's parts of a configuration, by name."""


class _Evaluator:
    """One study's inputs, and bounded caches of data that points share."""

    def __init__(self, inputs: Inputs) -> None:
        if inputs.version != __version__:
            raise RuntimeError(
                f"this worker has simulator {__version__}, the study {inputs.version}"
            )
        self.inputs = inputs
        self._costs = Costs(inputs.energy)
        self._machine = remembered(self._make_machine, _KEPT_HARDWARE)
        self._workload = remembered(self._make_workload, _KEPT_WORKLOADS)
        self._figures = remembered(self._run, _KEPT_RUNS)
        self._prepared: dict[str, RunFigures] = {}
        """The values of the current chunk's runs, by the arguments of `_run`."""
        names = inputs.names
        self._taus = (("taus", json.dumps(dict(inputs.taus))),) if inputs.taus else ()
        self._settings = [(i, name) for i, name in enumerate(names) if name not in POINT_FIELDS]
        self._fields = [(i, name) for i, name in enumerate(names) if name in POINT_FIELDS]

    def prepare(self, points: Iterable[Point]) -> None:
        """Batch the runs that suit the fast engine: hardware that differs only in rates."""
        self._prepared.clear()
        jobs: dict[str, tuple[Network, Hardware]] = {}
        for point in points:
            for key in self._runs_of(point):
                name, settings, shape, precision = key
                try:
                    hardware = self._machine(name, settings).hardware
                    network = self._workload(shape, precision)
                    if engine_for(self.inputs.engine, hardware) == "fast":
                        jobs.setdefault(repr(key), (network, hardware))
                except InputError:
                    continue  # the point's own row reports the error
        outcomes = run_together([(network.workload, machine) for network, machine in jobs.values()])
        for (spelt, (network, _)), run in zip(jobs.items(), outcomes, strict=True):
            if not isinstance(run, InputError):
                self._prepared[spelt] = figures_of(
                    run, network, self._costs, layers=self.inputs.layers
                )

    def _runs_of(self, point: Point) -> list[RunKey]:
        """The keys of the point's run and, if any, of its baseline: the arguments of `_run`."""
        said, settings = self._given(point)
        hw = str(said.pop("hw"))
        precision = tuple((k, said.pop(k)) for k in PRECISION if k in said)
        shape = tuple(sorted(said.items()))
        bits = self.inputs.baselines[hw]
        sides: list[Settings] = [(*precision, *self._taus)]
        sides += [] if bits is None else [(("bits", bits),)]
        return [(hw, settings, shape, side) for side in sides]

    def _given(self, point: Point) -> tuple[dict[str, Value], Settings]:
        """Return a point's values of its own fields, and its overrides of hardware keys."""
        said = {name: point[i] for i, name in self._fields if point[i] is not None}
        settings = tuple((name, point[i]) for i, name in self._settings if point[i] is not None)
        return said, settings

    def row(self, number: int, point: Point) -> tuple[Row, list[Row]]:
        """Return the row of a point and its rows by layer; an impossible point has the reason."""
        said, settings = self._given(point)
        hw = str(said.pop("hw"))
        row: Row = {
            "point": number,
            "hardware": hw,
            "batch": 1,
            "activation_bits": 1,
            "scope": self.inputs.scope,
            **said,
            "baseline_bits": self.inputs.baselines[hw],
            "version": __version__,
        }
        try:
            return self._complete(row, point, settings)
        except InputError as error:
            reason = str(error)
        except TableError:
            raise
        except Exception as error:  # a defect in one point must not end the study
            reason = f"internal error: {type(error).__name__}: {error}"
        asked = _replaced(self.inputs.hardware[row["hardware"]], settings)
        links = links_text(links_in(asked, number_schema(machine_in(asked, row["hardware"]))))
        return {**flat(asked), **row, "links": links, "error": reason}, []

    def _complete(self, row: Row, point: Point, settings: Settings) -> tuple[Row, list[Row]]:
        machine = self._machine(row["hardware"], settings)
        own, *baseline = self._runs_of(point)
        shape = own[2]
        run, *bases = (self._figures(*key) for key in (own, *baseline))
        networks = [side.network for side in (run, *bases)]
        require_binary_layers(row["activation_bits"], [one.workload for one in networks])
        base, workload = bases[0] if bases else None, run.network.workload
        clock = machine.hardware.clock_ghz
        time_ms = run.cycles / clock / 1e6
        row = {
            **run.precision,
            **row,
            **machine.columns,
            "activation_bits": workload.widest_activation,
            "shortcut_bits": workload.shortcut_bits_in_use or row.get("shortcut_bits"),
            "pes": run.pes,
            "input_size": self._size(shape),
            "tau": run.precision["tau"],
            "tau_1x1": run.precision["tau_1x1"],
            "cycles": run.cycles,
            "time_ms": time_ms,
            "utilization_percent": run.utilization_percent,
            "dram_read_bytes": run.dram_read_bytes,
            "dram_written_bytes": run.dram_written_bytes,
            **run.performance(clock).rates(),
            **pipeline_columns(run),
            "operations_counted": operations_counted(self.inputs.scope),
            "area_gate_equivalents": run.area,
            "time_area_ms_mge": time_ms * run.area / 1e6,
            "energy_uj": run.energy_uj,
            "energy_delay_uj_ms": None if run.energy_uj is None else run.energy_uj * time_ms,
            **baseline_columns(run, base, clock),
            **run.causes,
            "engine": run.engine,
            "config_sha256": configuration_sha256(
                **dict(zip(RUNS, (network.text for network in networks), strict=False)),
                **machine.texts,
            ),
        }
        return row, layer_rows(row["point"], run, base, clock)

    def _size(self, shape: Settings) -> str:
        workload = self._network(dict(shape), ())
        return f"{workload.input_height}x{workload.input_width}"

    def _network(self, shape: Mapping[str, Any], precision: Settings) -> Workload:
        """Return the network with the subsets for a precision, or the network as in its file."""
        model, size = shape["model"], shape.get("input_size")
        chosen = self.inputs.workloads.get((model, size, precision))
        found = chosen or self.inputs.workloads[model, size, ()]
        if isinstance(found, str):
            raise InputError(found)
        return found

    def _make_machine(self, name: str, settings: Settings) -> _Machine:
        data, values = dict(self.inputs.hardware[name]), dict(settings)
        require_unchanged(self.inputs.dram_tables, timing_of(data, values))
        hardware = hardware_from(data, values, name)
        plain = with_numbers(hardware)
        texts = {"hardware": configuration_text(plain)}
        if (table := dram_table(hardware.dram)) is not None:
            texts["dram"] = table_text(table)
        columns = {**flat(plain), "links": links_text(hardware.links)}
        return _Machine(hardware, columns, texts)

    def _make_workload(self, shape: Settings, precision: Settings) -> Network:
        options, bits = dict[str, Any](shape), dict[str, Any](precision)
        taus = json.loads(bits.pop("taus", "{}"))
        network = self._network(options, tuple(bits.items()))
        workload = configure(
            network,
            batch=options.get("batch", 1),
            activation_bits=options.get("activation_bits"),
            shortcut_bits=options.get("shortcut_bits"),
            scope=self.inputs.scope,
            taus=taus,
            **bits,
        )
        return Network(workload, configuration_text(workload.described()))

    def _run(
        self, name: str, settings: Settings, shape: Settings, precision: Settings
    ) -> RunFigures:
        prepared = self._prepared.get(repr((name, settings, shape, precision)))
        if prepared is not None:
            return prepared
        network = self._workload(shape, precision)
        machine = self._machine(name, settings).hardware
        run = run_one(network.workload, machine, self.inputs.engine)
        return figures_of(run, network, self._costs, layers=self.inputs.layers)


def _replaced(data: Mapping[str, Any], settings: Iterable[tuple[str, Value]]) -> dict[str, Any]:
    """Replace values in plain data, without a check: the request of an impossible point."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(data))
    for key, value in settings:
        *parents, last = key.split(".")
        inner = plain
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = value
    return plain
