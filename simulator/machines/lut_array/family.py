"""The interface of the paper's array to the rest of the simulator."""

from collections.abc import Mapping as Items
from types import MappingProxyType

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from simulator.base.columns import Ints
from simulator.machines.family import Counts, Family, Layers, Outputs
from simulator.machines.lut_array.actions import layer_actions
from simulator.machines.lut_array.area import area, memory_kib
from simulator.machines.lut_array.capacity import ACTIVATION_KIB, INDEX_KIB, next_sizes
from simulator.machines.lut_array.closed_form import expected_cycles
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
    CATEGORIES,
    DOT_UNITS,
    DRAIN_UNIT,
    DRAM_INPUTS,
    DRAM_OUTPUTS,
    DRAM_WEIGHTS,
    INDEX_FETCH,
    MAC_UNIT,
    UNITS,
)  # fmt: skip
from simulator.machines.sizing import largest_kernel, widest_activation
from simulator.machines.vector.actions import Memories, vector_actions
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.vector.vocabulary import VECTOR_UNIT
from simulator.program import Unit
from simulator.workload.kernels import KernelSet

_RATE_KEYS: Items[Unit, str] = {
    DOT_UNITS: "array.pe.dots_per_cycle",
    INDEX_FETCH: "memory.index_buffer.bytes_per_cycle",
    ACCUMULATORS: "array.pe.accumulators",
    DRAIN_UNIT: "array.pe.accumulators",
    MAC_UNIT: "full_precision.macs_per_cycle",
    VECTOR_UNIT: "vector.lanes",
    DRAM_WEIGHTS: "memory.dram.bytes_per_cycle",
    DRAM_INPUTS: "memory.dram.bytes_per_cycle",
    DRAM_OUTPUTS: "memory.dram.bytes_per_cycle",
}


_MEMORIES = Memories(
    UNITS, DRAM_INPUTS, DRAM_OUTPUTS, operands="activation_buffer", results="activation_buffer"
)


class LutArrays(Family[LutArray, MappedLayer]):
    """Arrays of PEs, each with a LUT of dot products; see docs/machine.md."""

    schema = LutArray
    example = "cofluent64"
    categories = CATEGORIES
    mode_titles = MappingProxyType({"lut": "LUT", "direct": "direct", "mac": "MAC unit"})
    rate_keys = MappingProxyType({unit.name: key for unit, key in _RATE_KEYS.items()})
    size_keys = frozenset({"array.pes"})
    not_chosen = frozenset({"clock_ghz", "full_precision.bits"})
    capacities = MappingProxyType({INDEX_KIB: "weights", ACTIVATION_KIB: "inputs"})
    buffers = frozenset({"index_buffer", "activation_buffer"})
    baseline_bits = 1.0

    require_effects = staticmethod(require_effects)
    why_not_fast = staticmethod(why_not_fast)
    map = staticmethod(map_workload)
    roofs = staticmethod(roofs)
    notes = staticmethod(notes)
    idle_pes = staticmethod(idle_pes)
    why_no_effect = staticmethod(why_no_effect)
    next_sizes = staticmethod(next_sizes)

    def counted_by(self, hardware: LutArray) -> LutArray:
        """Everything but names and rates."""
        return structs.replace(without_rates(hardware), vector=hardware.vector)

    def expected_cycles(self, mapped: MappedLayer) -> int | None:
        """Apply the closed form to the layer's plan."""
        return expected_cycles(mapped.plan)

    def largest_subset(self, hardware: LutArray) -> int:
        """Kernels in a PE's store of the subset."""
        return hardware.array.pe.subset_size

    def compute(
        self, mapped: MappedLayer, kernels: KernelSet, activations: NDArray[np.int64], rows: range
    ) -> Outputs:
        """Fill, fetch and add; in direct mode, add each dot product."""
        return compute(mapped.plan, kernels, activations, rows)

    def actions(
        self, mapped: MappedLayer | MappedVector, moved: Ints, activates: Ints | None = None
    ) -> Counts:
        """Count a layer's actions; see docs/energy.md and docs/vector.md."""
        if isinstance(mapped, MappedVector):
            return vector_actions(mapped, _MEMORIES, moved, activates)
        return layer_actions(mapped.plan, moved, activates)

    def mac_bits(self, hardware: LutArray) -> int:
        """Width of full-precision operands in bits."""
        return hardware.full_precision.bits

    def memories(
        self, hardware: LutArray, layers: Layers[MappedLayer], mapped: MappedLayer | MappedVector
    ) -> dict[str, float]:
        """Size in KiB of a bank of each memory, as wide as the layer's activations."""
        return memory_kib(hardware, mapped.activation_bits, largest_kernel(layers))

    def area(self, hardware: LutArray, layers: Layers[MappedLayer]) -> dict[str, int]:
        """Gate equivalents by part, for the widest activations and the largest kernels."""
        return area(hardware, widest_activation(layers), largest_kernel(layers))

    def buffer_kib(
        self,
        hardware: LutArray,
        layers: Layers[MappedLayer],  # noqa: ARG002 # contract
    ) -> float:
        """Size of both on-chip buffers together, in KiB."""
        return sum(buffer.kib for buffer in hardware.memory.buffers.values())


FAMILY = LutArrays()
