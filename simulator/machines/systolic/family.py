"""The systolic array as seen by the rest of the simulator."""

from collections.abc import Hashable, Iterator, Sequence
from collections.abc import Mapping as Items
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from simulator.base.columns import Ints
from simulator.base.progress import Progress
from simulator.dram.section import why_not_fast
from simulator.machines.family import Change, Counts, Family, Mapping, Outputs, Ran, Roof
from simulator.machines.systolic.actions import layer_actions, memories
from simulator.machines.systolic.area import SCRATCHPADS, area
from simulator.machines.systolic.capacity import INPUT_KIB, OUTPUT_KIB, WEIGHT_KIB, next_sizes
from simulator.machines.systolic.compute import compute
from simulator.machines.systolic.mapped import MappedLayer
from simulator.machines.systolic.mapper import map_workload, without_rates
from simulator.machines.systolic.no_effect import idle_pes, why_no_effect
from simulator.machines.systolic.notes import notes
from simulator.machines.systolic.roofs import roofs
from simulator.machines.systolic.schema import Systolic, require_effects
from simulator.machines.systolic.vocabulary import (
    ARRAY,
    DRAM_INPUTS,
    DRAM_OUTPUTS,
    DRAM_SUMS,
    DRAM_WEIGHTS,
    PRELOAD_UNIT,
    VOCABULARY,
)
from simulator.program import Unit, Vocabulary
from simulator.workload import Workload
from simulator.workload.kernels import KernelSet

_RATE_KEYS: Items[Unit, str] = {
    DRAM_WEIGHTS: "memory.dram.bytes_per_cycle",
    DRAM_INPUTS: "memory.dram.bytes_per_cycle",
    DRAM_SUMS: "memory.dram.bytes_per_cycle",
    DRAM_OUTPUTS: "memory.dram.bytes_per_cycle",
    PRELOAD_UNIT: "array.columns",
    ARRAY: "array.columns",
}


class SystolicArrays(Family[Systolic, MappedLayer]):
    """Dense arrays of multipliers; docs/systolic.md."""

    schema = Systolic
    example = "tpu-like"
    vocabulary: ClassVar[Vocabulary] = VOCABULARY
    mode_titles = MappingProxyType({"multiply": "multipliers", "xnor": "XNOR"})
    rate_keys = MappingProxyType({unit.name: key for unit, key in _RATE_KEYS.items()})
    not_chosen = frozenset({"clock_ghz", "full_precision.bits"})
    capacities = MappingProxyType(
        {INPUT_KIB: "inputs", WEIGHT_KIB: "weights", OUTPUT_KIB: "partial sums"}
    )
    buffers = frozenset(SCRATCHPADS)
    baseline_bits = None

    def require_effects(self, data: dict[str, Any], hardware: Systolic, source: str) -> None:
        """Raise if a file sets a key that has no effect with its other keys."""
        require_effects(data, hardware, source)

    def why_not_fast(self, hardware: Systolic) -> str | None:
        """Return, as a clause, that transfers with a DRAM table need the event engine, or None."""
        return None if hardware.memory.ideal else why_not_fast(hardware.dram)

    def map(
        self, workload: Workload, hardware: Systolic, progress: Progress | None = None
    ) -> Mapping[MappedLayer]:
        """Map a configured workload, layer by layer."""
        return map_workload(workload, hardware, progress)

    def largest_subset(self, hardware: Systolic) -> int:
        """Kernels in the decoder; without a decoder, DRAM has the kernels, and any subset runs."""
        return hardware.decoder_entries if hardware.subbit_weights == "decoded" else 512

    def compute(
        self, mapped: MappedLayer, kernels: KernelSet, activations: NDArray[np.int64], rows: range
    ) -> Outputs:
        """Add up folds of the matrix product."""
        return compute(mapped.plan, kernels, activations, rows)

    def actions(self, mapped: MappedLayer, moved: Ints, activates: Ints | None = None) -> Counts:
        """Count a layer's actions; docs/systolic.md."""
        return layer_actions(mapped.plan, moved, activates)

    def counted_by(self, hardware: Systolic) -> Hashable:
        """Return the hardware without its rates; no count depends on them."""
        return without_rates(hardware)

    def memories(self, hardware: Systolic, activation_bits: int) -> dict[str, float]:  # noqa: ARG002 # contract
        """Size in KiB of each memory; registers are as wide as operands of the PEs."""
        return memories(hardware)

    def mac_bits(self, hardware: Systolic) -> int:
        """Width in bits of the multiplier's wider operand."""
        return max(hardware.array.pe.input_bits, hardware.array.pe.weight_bits)

    def buffer_kib(self, hardware: Systolic) -> float:
        """Size of the three scratchpads in KiB."""
        memory = hardware.memory
        pads = (memory.input_scratchpad, memory.weight_scratchpad, memory.output_scratchpad)
        return sum(pad.kib for pad in pads)

    def area(self, hardware: Systolic, activation_bits: int) -> dict[str, int]:  # noqa: ARG002 # contract
        """Gate equivalents by part; no part depends on the network's activations."""
        return area(hardware)

    def roofs(self, hardware: Systolic, layers: Sequence[MappedLayer]) -> list[Roof]:
        """Return the roofs of the modes and precisions that occur in layers."""
        return roofs(hardware, layers)

    def notes(self, run: Ran[MappedLayer]) -> Iterator[str]:
        """Yield notes on repeated transfers, and on omissions of the model."""
        yield from notes(run)

    def idle_pes(self, change: Change[MappedLayer]) -> list[str]:
        """Name the layers in which most PEs are idle."""
        return idle_pes(change)

    def why_no_effect(self, change: Change[MappedLayer]) -> str | None:
        """Return why a changed key leaves all cycles as they are."""
        return why_no_effect(change)

    def next_sizes(self, key: str, layers: Sequence[MappedLayer]) -> list[tuple[float, list[str]]]:
        """Return sizes at which more layers move no data twice."""
        return next_sizes(key, [mapped.plan for mapped in layers])


FAMILY = SystolicArrays()
