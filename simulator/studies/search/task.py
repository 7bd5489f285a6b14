"""One network on one hardware configuration: runs of combinations of taus, and costs of choices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np

from simulator.analysis.energy import run_energy
from simulator.analysis.running import run_one
from simulator.base.errors import InputError
from simulator.machines import EnergyTable, Hardware
from simulator.machines.energy import AJ_PER_PJ
from simulator.studies.search.front import Choices
from simulator.workload import Layer, Workload, configure
from simulator.workload.precision import chosen_taus
from simulator.workload.scope import is_full_precision
from simulator.workload.source import ModelFile

Tau = int | None
"""The width of an index in bits; None is 1 bit per weight, or full precision."""

Cost = Literal["cycles", "energy"]
"""A cost that adds up over layers."""
PARTS = 8
"""The parts per stored bit: eighths, because a 1x1 layer's last vector may be incomplete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One simulated combination of taus."""

    taus: tuple[Tau, ...]
    """The tau of each layer."""
    cycles: int
    stored_parts: int
    """The stored bits of the binary layers times `PARTS`, without the subsets."""
    layer_cycles: tuple[int, ...]
    """The cycles of each layer, with those of the following layers without weights."""
    bound_by: tuple[str, ...]
    """The bottleneck of each layer."""
    engine: str
    """The engine of the run."""
    area: int
    """The gate equivalents of the machine."""
    layer_picojoules: tuple[int, ...]
    """The energy of each layer, and of the following layers without weights, in picojoules,
    rounded."""

    @property
    def energy_uj(self) -> float:
        """The energy of the run in microjoules."""
        return sum(self.layer_picojoules) / 1e6

    @property
    def mbit(self) -> float:
        """The stored bits of the binary layers in 1e6 bits."""
        return self.stored_parts / PARTS / 1e6


class Task:
    """A network on a hardware configuration, with the taus that its layers may have."""

    def __init__(
        self,
        workload: Workload,
        hardware: Hardware,
        taus: Sequence[int],
        options: Mapping[str, Any],
        engine: str,
        *,
        energy: EnergyTable,
        fixed: Mapping[str, int] | None = None,
        chosen: Mapping[int, Workload] | None = None,
    ) -> None:
        """Prepare the task without a run.

        Args:
            workload: from `load_workload`.
            hardware: from `load_hardware`.
            taus: taus that a layer may have, 1 to 9, rising.
            options: activation_bits, shortcut_bits, batch and scope of `configure`.
            engine: a name in `simulator.engine.ENGINES`, or `auto`.
            energy: energy table.
            fixed: tau of single layers by name, which the search does not change.
            chosen: the network with chosen subsets, for each tau below 1 bit per weight.

        Raises:
            InputError: an unknown layer, or a tau that the layer cannot have.

        """
        chosen_taus(workload, taus=fixed)  # check the names
        self.energy = energy
        self._fixed = dict(fixed or {})
        self._chosen: dict[Tau, dict[str, Layer]] = {
            tau: {layer.name: layer for layer in network.layers}
            for tau, network in (chosen or {}).items()
        }
        self._source = next((one.source for one in (chosen or {}).values()), workload.source)
        self.hardware = hardware
        self._workload = workload
        self._options = dict(options)
        self._engine = engine
        self._taus = tuple(taus)
        self._simulated = lru_cache(maxsize=64)(self._simulate)

    @cached_property
    def workload(self) -> Workload:
        """The network as in a run at 1 bit."""
        return configure(self._workload, bits=1, **self._options)

    @property
    def model_file(self) -> ModelFile | None:
        """The file of the kernels with the method of its subsets, without a tau; None if none."""
        return None if self._source is None else replace(self._source, tau=None)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers with weights that run, in order."""
        return self.workload.layers

    @cached_property
    def weights(self) -> int:
        """The number of weights of all binary layers."""
        return sum(layer.weights for layer in self.layers if not layer.full_precision)

    @property
    def macs(self) -> int:
        """The multiply-accumulates of all images of the batch."""
        return self.workload.batch * sum(layer.macs for layer in self.layers)

    def milliseconds(self, cycles: int) -> float:
        """The time of some cycles in milliseconds, at the hardware's clock."""
        return cycles / self.hardware.clock_ghz / 1e6

    def mean_bits(self, candidate: Candidate) -> float:
        """The stored bits per weight."""
        return float(Fraction(candidate.stored_parts, PARTS * self.weights))

    def simulate(self, taus: Sequence[Tau]) -> Candidate:
        """Run the combination with these taus per layer.

        Raises:
            InputError: a buffer of the hardware is too small.

        """
        return self._simulated(tuple(taus))

    def uniform(self, tau: int) -> Candidate:
        """Run the network with one tau in all layers."""
        return self.simulate([self._of(layer, tau) for layer in self.layers])

    def baseline(self, bits: float) -> Candidate:
        """Run the network at other bits per weight, without fixed taus.

        Raises:
            InputError: no tau gives these bits, or they are those of full precision.

        """
        if is_full_precision(bits):
            raise InputError(
                f"baseline of {bits:g} bit: a search compares runs with binary layers, and no "
                "layer would be binary; use fewer bits, such as 1, or none"
            )
        taus = chosen_taus(self._workload, bits=bits)
        return self.simulate([taus.get(layer.name) for layer in self.layers])

    def _of(self, layer: Layer, tau: int) -> Tau:
        """The tau of one layer for a network's tau; a fixed layer keeps its own tau."""
        return _own(layer, self._fixed.get(layer.name, tau))

    def uniforms(self) -> dict[int, Candidate]:
        """The uniform run of every allowed tau."""
        return {tau: self.uniform(tau) for tau in self._taus}

    def options(self) -> list[list[Tau]]:
        """The possible taus of each layer."""
        return [
            list(dict.fromkeys(self._of(layer, tau) for tau in self._taus)) for layer in self.layers
        ]

    def choices(self, cost: Cost = "cycles") -> list[Choices]:
        """The cycles, or picojoules, and the stored parts of every option of each layer.

        The cost of an option is the layer's cost in the run in which all layers have that tau.
        """
        costs: list[dict[Tau, int]] = [{} for _ in self.layers]
        for run in self.uniforms().values():
            spent = run.layer_cycles if cost == "cycles" else run.layer_picojoules
            for known, tau, of_layer in zip(costs, run.taus, spent, strict=True):
                known.setdefault(tau, of_layer)
        return [
            Choices(
                cycles=np.array([known[tau] for tau in taus], dtype=np.int64),
                bits=np.array([stored_parts(layer, tau) for tau in taus], dtype=np.int64),
            )
            for layer, known, taus in zip(self.layers, costs, self.options(), strict=True)
        ]

    def configured(self, taus: Sequence[Tau]) -> Workload:
        """The network of the run with these taus per layer, with the subsets chosen for them."""
        named = {
            layer.name: tau for layer, tau in zip(self.layers, taus, strict=True) if tau is not None
        }
        layers = (
            self._chosen.get(named.get(layer.name), {}).get(layer.name, layer)
            for layer in self._workload.layers
        )
        network = replace(self._workload, layers=tuple(layers))
        return configure(network, bits=1, taus=named, **self._options)

    def _simulate(self, taus: tuple[Tau, ...]) -> Candidate:
        run = run_one(self.configured(taus), self.hardware, self._engine)
        if run.at_once:
            raise InputError(
                f"{self.hardware.name}: a search adds up the cycles of layers, and all layers of "
                "this machine run at once; use --objective area or rate"
            )
        spent = run_energy(run, self.energy).by("layer")
        layers = {one.mapped.layer.name: one for one in run.layers}
        groups = self._with_vector_layers()
        return Candidate(
            taus=taus,
            cycles=run.cycles,
            stored_parts=sum(map(stored_parts, self.layers, taus)),
            layer_cycles=tuple(sum(layers[name].cycles for name in names) for names in groups),
            bound_by=tuple(layers[layer.name].bound_by for layer in self.layers),
            engine=run.engine,
            area=run.family.gate_equivalents(run.hardware, run.mapping.layers),
            layer_picojoules=tuple(
                round(sum(spent.get(name, 0) for name in names) / AJ_PER_PJ) for names in groups
            ),
        )

    def _with_vector_layers(self) -> list[list[str]]:
        """[layers] the names of each layer with weights and of the following layers without.

        Layers without weights before the first layer with weights belong to the latter.
        """
        groups = [[layer.name] for layer in self.layers]
        if self.workload.scope == "network":
            for layer in self.workload.vector_layers:
                groups[max(layer.after - 1, 0)].append(layer.name)
        return groups


def _own(layer: Layer, tau: int) -> Tau:
    """The tau of one layer for a network's tau."""
    if layer.full_precision or tau >= layer.largest_tau:
        return None
    return tau


def stored_parts(layer: Layer, tau: Tau) -> int:
    """The stored bits of a layer times `PARTS`; 0 for a full-precision layer."""
    if layer.full_precision:
        return 0
    unit_bits = layer.unit_weights if tau is None else tau
    return layer.weights * unit_bits * PARTS // layer.unit_weights
