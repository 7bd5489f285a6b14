"""Runs for reports: networks on machines, in several scopes and at several bits per weight."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import groupby

import msgspec

from simulator.analysis.energy import microjoules, run_energy
from simulator.analysis.run import Run
from simulator.analysis.running import run_one
from simulator.base.errors import InputError
from simulator.base.progress import Progress, counted
from simulator.machines import load_energy, load_hardware
from simulator.paper.layer_kinds import Kind, kinds_of
from simulator.workload import Workload, configure, load_workload
from simulator.workload.network import derive
from simulator.workload.scope import FULL_PRECISION_BITS, Scope

ENERGY = "45nm"
SUB_BIT = 0.56
ROOM = {"memory.activation_buffer.kib": 512, "array.pe.subset_entries": 64}
"""Sizes for networks of which a layer does not fit in the shipped size.

ASSUMED: the smallest powers of two for which all reported layers fit.
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One run: a network, perhaps with changes, on a machine."""

    machine: str
    network: str
    bits: float
    scope: Scope
    activation_bits: int | None = None
    """Bits of every activation; None: those of the file, or 1."""
    settings: tuple[str, ...] = ()
    """Overrides `KEY=VALUE` of the machine's file."""
    first_layer_bits: int | None = None
    """Input bits of a binary first layer with 1-bit weights; None: as in the network's file."""
    shortcut_bits: int | None = None
    """Bits per value of the residual path; None: those of the file."""
    batch: int = 1

    @property
    def full_precision(self) -> bool:
        """True if every layer runs in full precision."""
        return self.bits == FULL_PRECISION_BITS

    @property
    def workload(self) -> Workload:
        """The configured network."""
        network = _network(self.network, self.first_layer_bits, self.shortcut_bits)
        workload = configure(
            network,
            bits=self.bits,
            scope=self.scope,
            activation_bits=self.activation_bits,
            batch=self.batch,
        )
        if self.first_layer_bits is None:
            return workload
        first, *others = workload.layers
        return replace(workload, layers=(replace(first, tau=None), *others))

    @property
    def _fits_with(self) -> tuple[object, ...]:
        """The common part of cases with the same buffers."""
        return (self.machine, self.network, self.full_precision, self.activation_bits)


@cache
def _network(name: str, first_layer_bits: int | None, shortcut_bits: int | None) -> Workload:
    """Load a shipped network, with changes to its file."""
    workload = load_workload(name)
    file = workload.network
    assert file is not None  # a shipped network is a network file
    if shortcut_bits is not None:
        file = msgspec.structs.replace(file, shortcut_bits=shortcut_bits)
    if first_layer_bits is not None:
        first, *others = file.layers
        first = msgspec.structs.replace(first, precision="binary", activation_bits=first_layer_bits)
        file = msgspec.structs.replace(file, layers=(first, *others))
    return derive(file, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCost:
    """Time and energy of one layer of a run."""

    name: str
    kind: Kind
    bound_by: str
    cycles: int
    dram_bytes: int
    attojoules: int


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The results of a case."""

    case: Case
    """The case as it ran, with the sizes of `ROOM` that it needs."""
    bits: float
    """Mean bits per weight of the binary layers."""
    cycles: int
    """Cycles of the whole batch."""
    milliseconds: float
    """Time per image of the batch."""
    read_bytes: int
    written_bytes: int
    """DRAM traffic of the whole batch."""
    layers: tuple[LayerCost, ...]

    @cached_property
    def energy_uj(self) -> float:
        """Energy per image in microjoules."""
        return microjoules(sum(layer.attojoules for layer in self.layers)) / self.case.batch

    def cycles_of(self, kind: Kind) -> int:
        """Cycles of all layers of a kind."""
        return sum(layer.cycles for layer in self.layers if layer.kind == kind)

    def bytes_of(self, kind: Kind) -> int:
        """Bytes that all layers of a kind move from and to DRAM."""
        return sum(layer.dram_bytes for layer in self.layers if layer.kind == kind)

    def share_of(self, kind: Kind) -> float:
        """Cycles of all layers of a kind, as a fraction of the run."""
        return self.cycles_of(kind) / self.cycles


@dataclass(frozen=True, kw_only=True)
class Impossible:
    """A case that the machine cannot run."""

    case: Case
    reason: str


def measure(
    cases: Iterable[Case], progress: Progress | None = None
) -> dict[Case, Measured | Impossible]:
    """Run cases, each once.

    If a layer does not fit in a buffer, all cases of the network and the machine run with the size
    in `ROOM`, except that full precision and each width of activations have sizes of their own.
    Ratios of their times therefore compare equal machines.

    Args:
        cases: the cases, in any order.
        progress: called before every group of cases with equal buffers.

    Returns:
        The results by case; `case` of a result has the sizes of `ROOM` that it needs.

    """
    ordered = sorted(dict.fromkeys(cases), key=lambda case: str(case._fits_with))
    groups = [list(group) for _, group in groupby(ordered, key=lambda case: case._fits_with)]
    found: dict[Case, Measured | Impossible] = {}
    for group in counted(progress, "networks on machines", groups):
        found |= _measure_alike(group)
    return found


def _measure_alike(cases: list[Case]) -> dict[Case, Measured | Impossible]:
    """Run cases with equal buffers: those of the file, or of `ROOM` where a case does not fit."""
    sizes: dict[str, int] = {}
    while True:
        settings = tuple(f"{key}={size}" for key, size in sizes.items())
        roomy = {case: replace(case, settings=(*case.settings, *settings)) for case in cases}
        try:
            return {case: _measured(one) for case, one in roomy.items()}
        except InputError as error:
            key = str(error).partition(" ")[0]
        if key not in ROOM or key in sizes:
            return {case: _tried(one) for case, one in roomy.items()}
        sizes[key] = ROOM[key]


def _tried(case: Case) -> Measured | Impossible:
    try:
        return _measured(case)
    except InputError as error:
        return Impossible(case=case, reason=str(error))


def _measured(case: Case) -> Measured:
    run = run_one(case.workload, load_hardware(case.machine, case.settings))
    moved = run.dram_bytes
    return Measured(
        case=case,
        bits=run.bits,
        cycles=run.cycles,
        milliseconds=run.time_ms / case.batch,
        read_bytes=moved["read"],
        written_bytes=moved["written"],
        layers=_layers(run),
    )


def _layers(run: Run) -> tuple[LayerCost, ...]:
    kinds = kinds_of(run.workload)
    energy = run_energy(run, load_energy(ENERGY)).by("layer")
    return tuple(
        LayerCost(
            name=layer.name,
            kind=kinds[layer.name],
            bound_by=layer.bound_by,
            cycles=layer.cycles,
            dram_bytes=layer.dram_read_bytes + layer.dram_written_bytes,
            attojoules=energy.get(layer.name, 0),
        )
        for layer in run.layers
    )
