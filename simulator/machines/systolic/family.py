"""The systolic array as seen by the rest of the simulator."""

from collections.abc import Mapping as Items
from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from simulator.base.columns import Ints
from simulator.dram.section import why_not_fast
from simulator.machines.family import Counts, Family, Layers, Outputs
from simulator.machines.sizing import largest_kernel
from simulator.machines.systolic.actions import layer_actions, memories
from simulator.machines.systolic.area import SCRATCHPADS, area
from simulator.machines.systolic.capacity import INPUT_KIB, OUTPUT_KIB, WEIGHT_KIB, next_sizes
from simulator.machines.systolic.compute import compute
from simulator.machines.systolic.expected import expected_cycles
from simulator.machines.systolic.mapped import MappedLayer
from simulator.machines.systolic.mapper import map_workload, without_rates
from simulator.machines.systolic.no_effect import idle_pes, why_no_effect
from simulator.machines.systolic.notes import notes
from simulator.machines.systolic.roofs import roofs
from simulator.machines.systolic.schema import Systolic, require_effects
from simulator.machines.systolic.vocabulary import (
    ARRAY,
    CATEGORIES,
    DRAM_INPUTS,
    DRAM_OUTPUTS,
    DRAM_SUMS,
    DRAM_WEIGHTS,
    PRELOAD_UNIT,
    UNITS,
)
from simulator.machines.vector.actions import Memories, vector_actions
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.vector.vocabulary import VECTOR_UNIT
from simulator.program import Unit
from simulator.workload.kernels import KernelSet

_RATE_KEYS: Items[Unit, str] = {
    DRAM_WEIGHTS: "memory.dram.bytes_per_cycle",
    DRAM_INPUTS: "memory.dram.bytes_per_cycle",
    DRAM_SUMS: "memory.dram.bytes_per_cycle",
    DRAM_OUTPUTS: "memory.dram.bytes_per_cycle",
    PRELOAD_UNIT: "array.columns",
    ARRAY: "array.columns",
    VECTOR_UNIT: "vector.lanes",
}


_MEMORIES = Memories(
    UNITS, DRAM_INPUTS, DRAM_OUTPUTS, operands="input_scratchpad", results="input_scratchpad"
)


class SystolicArrays(Family[Systolic, MappedLayer]):
    """Dense arrays of multipliers; docs/systolic.md."""

    schema = Systolic
    example = "tpu-like"
    categories = CATEGORIES
    mode_titles = MappingProxyType({"multiply": "multipliers", "xnor": "XNOR"})
    rate_keys = MappingProxyType({unit.name: key for unit, key in _RATE_KEYS.items()})
    size_keys = frozenset({"array.rows", "array.columns"})
    not_chosen = frozenset({"clock_ghz", "full_precision.bits"})
    capacities = MappingProxyType(
        {INPUT_KIB: "inputs", WEIGHT_KIB: "weights", OUTPUT_KIB: "partial sums"}
    )
    buffers = frozenset(SCRATCHPADS)
    baseline_bits = None

    require_effects = staticmethod(require_effects)
    map = staticmethod(map_workload)
    roofs = staticmethod(roofs)
    notes = staticmethod(notes)
    idle_pes = staticmethod(idle_pes)
    why_no_effect = staticmethod(why_no_effect)

    def why_not_fast(self, hardware: Systolic) -> str | None:
        """Return, as a clause, that transfers with a DRAM table need the event engine, or None."""
        return None if hardware.memory.ideal else why_not_fast(hardware.dram)

    def counted_by(self, hardware: Systolic) -> Systolic:
        """Everything but names and rates."""
        return structs.replace(without_rates(hardware), vector=hardware.vector)

    def expected_cycles(self, mapped: MappedLayer) -> int | None:
        """Apply the closed form to the layer's plan."""
        return expected_cycles(mapped.plan)

    def largest_subset(self, hardware: Systolic) -> int:
        """Kernels in the decoder; without a decoder, DRAM has the kernels, and any subset runs."""
        return hardware.decoder_entries if hardware.subbit_weights == "decoded" else 512

    def compute(
        self, mapped: MappedLayer, kernels: KernelSet, activations: NDArray[np.int64], rows: range
    ) -> Outputs:
        """Add up folds of the matrix product."""
        return compute(mapped.plan, kernels, activations, rows)

    def actions(
        self, mapped: MappedLayer | MappedVector, moved: Ints, activates: Ints | None = None
    ) -> Counts:
        """Count a layer's actions; docs/systolic.md and docs/vector.md."""
        if isinstance(mapped, MappedVector):
            return vector_actions(mapped, _MEMORIES, moved, activates)
        return layer_actions(mapped.plan, moved, activates)

    def memories(
        self,
        hardware: Systolic,
        layers: Layers[MappedLayer],
        mapped: MappedLayer | MappedVector,  # noqa: ARG002 # contract
    ) -> dict[str, float]:
        """Size in KiB of each memory; registers are as wide as operands of the PEs."""
        return memories(hardware, largest_kernel(layers))

    def mac_bits(self, hardware: Systolic) -> int:
        """Width in bits of the multiplier's wider operand."""
        return max(hardware.array.pe.input_bits, hardware.array.pe.weight_bits)

    def buffer_kib(
        self,
        hardware: Systolic,
        layers: Layers[MappedLayer],  # noqa: ARG002 # contract
    ) -> float:
        """Size of the three scratchpads in KiB."""
        memory = hardware.memory
        pads = (memory.input_scratchpad, memory.weight_scratchpad, memory.output_scratchpad)
        return sum(pad.kib for pad in pads)

    def area(self, hardware: Systolic, layers: Layers[MappedLayer]) -> dict[str, int]:
        """Gate equivalents by part; no part depends on the network's activations."""
        return area(hardware, largest_kernel(layers))

    def next_sizes(self, key: str, layers: Sequence[MappedLayer]) -> list[tuple[float, list[str]]]:
        """Return sizes at which more layers move no data twice."""
        return next_sizes(key, [mapped.plan for mapped in layers])


FAMILY = SystolicArrays()
