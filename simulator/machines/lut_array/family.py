"""The interface of the paper's array to the rest of the simulator."""

from collections.abc import Hashable, Iterator, Sequence
from collections.abc import Mapping as Items
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from simulator.base.columns import Ints
from simulator.base.progress import Progress
from simulator.machines.family import Change, Counts, Family, Mapping, Outputs, Ran, Roof
from simulator.machines.lut_array.actions import layer_actions
from simulator.machines.lut_array.area import area, memory_kib
from simulator.machines.lut_array.capacity import ACTIVATION_KIB, INDEX_KIB, next_sizes
from simulator.machines.lut_array.compute import compute
from simulator.machines.lut_array.event_only import why_not_fast
from simulator.machines.lut_array.idle import idle_pes
from simulator.machines.lut_array.mapped import MappedLayer
from simulator.machines.lut_array.mapper import map_workload, without_rates
from simulator.machines.lut_array.no_effect import why_no_effect
from simulator.machines.lut_array.notes import notes
from simulator.machines.lut_array.roofs import roofs
from simulator.machines.lut_array.schema import LutArray, require_effects
from simulator.machines.lut_array.vocabulary import (
    ACCUMULATORS,
    DOT_UNITS,
    DRAIN_UNIT,
    DRAM_INPUTS,
    DRAM_OUTPUTS,
    DRAM_WEIGHTS,
    INDEX_FETCH,
    MAC_UNIT,
    VOCABULARY,
)  # fmt: skip
from simulator.program import Unit, Vocabulary
from simulator.workload import Workload
from simulator.workload.kernels import KernelSet

_RATE_KEYS: Items[Unit, str] = {
    DOT_UNITS: "array.pe.dots_per_cycle",
    INDEX_FETCH: "memory.index_buffer.bytes_per_cycle",
    ACCUMULATORS: "array.pe.accumulators",
    DRAIN_UNIT: "array.pe.accumulators",
    MAC_UNIT: "full_precision.macs_per_cycle",
    DRAM_WEIGHTS: "memory.dram.bytes_per_cycle",
    DRAM_INPUTS: "memory.dram.bytes_per_cycle",
    DRAM_OUTPUTS: "memory.dram.bytes_per_cycle",
}


class LutArrays(Family[LutArray, MappedLayer]):
    """Arrays of PEs, each with a LUT of dot products; see docs/machine.md."""

    schema = LutArray
    example = "cofluent64"
    vocabulary: ClassVar[Vocabulary] = VOCABULARY
    mode_titles = MappingProxyType({"lut": "LUT", "direct": "direct", "mac": "MAC unit"})
    rate_keys = MappingProxyType({unit.name: key for unit, key in _RATE_KEYS.items()})
    not_chosen = frozenset({"clock_ghz", "full_precision.bits"})
    capacities = MappingProxyType({INDEX_KIB: "weights", ACTIVATION_KIB: "inputs"})
    buffers = frozenset({"index_buffer", "activation_buffer"})
    baseline_bits = 1.0

    def require_effects(self, data: dict[str, Any], hardware: LutArray, source: str) -> None:
        """Raise if a file sets a key that its other keys make ineffective."""
        require_effects(data, hardware, source)

    def why_not_fast(self, hardware: LutArray) -> str | None:
        """Return the reason why only the event engine can run the hardware, as a clause."""
        return why_not_fast(hardware)

    def map(
        self, workload: Workload, hardware: LutArray, progress: Progress | None = None
    ) -> Mapping[MappedLayer]:
        """Map a configured workload, layer by layer."""
        return map_workload(workload, hardware, progress)

    def largest_subset(self, hardware: LutArray) -> int:
        """Kernels in a PE's store of the subset."""
        return hardware.array.pe.subset_size

    def compute(
        self, mapped: MappedLayer, kernels: KernelSet, activations: NDArray[np.int64], rows: range
    ) -> Outputs:
        """Fill, fetch and add; in direct mode, add each dot product."""
        return compute(mapped.plan, kernels, activations, rows)

    def actions(self, mapped: MappedLayer, moved: Ints, activates: Ints | None = None) -> Counts:
        """Count a layer's actions; see docs/energy.md."""
        return layer_actions(mapped.plan, moved, activates)

    def counted_by(self, hardware: LutArray) -> Hashable:
        """Return the hardware without its rates, because no count depends on them."""
        return without_rates(hardware)

    def memories(self, hardware: LutArray, activation_bits: int) -> dict[str, float]:
        """Size in KiB of a bank of each memory."""
        return memory_kib(hardware, activation_bits)

    def mac_bits(self, hardware: LutArray) -> int:
        """Width of full-precision operands in bits."""
        return hardware.full_precision.bits

    def buffer_kib(self, hardware: LutArray) -> float:
        """Size of both on-chip buffers together, in KiB."""
        return sum(buffer.kib for buffer in hardware.memory.buffers.values())

    def area(self, hardware: LutArray, activation_bits: int) -> dict[str, int]:
        """Gate equivalents of each part of the array and its memory."""
        return area(hardware, activation_bits)

    def roofs(self, hardware: LutArray, layers: Sequence[MappedLayer]) -> list[Roof]:
        """Return the roofs of the layers' modes and kernels."""
        return roofs(hardware, layers)

    def notes(self, run: Ran[MappedLayer]) -> Iterator[str]:
        """Yield notes on the mapper's decisions, and on the cost of lookups and ports."""
        yield from notes(run)

    def idle_pes(self, change: Change[MappedLayer]) -> list[str]:
        """Name the layers in which most PEs are idle."""
        return idle_pes(change)

    def why_no_effect(self, change: Change[MappedLayer]) -> str | None:
        """Return the reason why a changed key changes no cycle."""
        return why_no_effect(change)

    def next_sizes(self, key: str, layers: Sequence[MappedLayer]) -> list[tuple[float, list[str]]]:
        """Return the sizes in KiB at which more layers read their weights, or inputs, only once."""
        return next_sizes(key, layers)


FAMILY = LutArrays()
