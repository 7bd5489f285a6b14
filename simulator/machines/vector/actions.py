"""Actions of vector layers: counts by unit, from their shapes; docs/vector.md."""

from typing import NamedTuple

from simulator.base.columns import Ints
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.vector.vocabulary import VECTOR_UNIT
from simulator.program import Unit

Counts = dict[tuple[str, str], int]


class Memories(NamedTuple):
    """The family's units and memories that a vector layer uses."""

    units: tuple[Unit, ...]
    """All units of the family, in the order of columns."""
    inputs_dma: Unit
    outputs_dma: Unit
    operands: str
    """The memory of its operands."""
    results: str
    """The memory of its results."""


def vector_actions(
    mapped: MappedVector, memories: Memories, moved: Ints, activates: Ints | None = None
) -> Counts:
    """Count the actions of a vector layer.

    Args:
        mapped: the layer.
        memories: the family's terms.
        moved: [units] bytes that its commands move.
        activates: [units] DRAM rows opened for these bytes, if a DRAM table ran.

    """
    counts = _operations(mapped)
    read, written = (memories.units.index(unit) for unit in memories[1:3])
    counts |= {
        (memories.inputs_dma.name, "dram_read_byte"): int(moved[read]),
        (memories.inputs_dma.name, f"{memories.operands}_write_bit"): 8 * int(moved[read]),
        (memories.outputs_dma.name, "dram_write_byte"): int(moved[written]),
        (memories.outputs_dma.name, f"{memories.results}_read_bit"): 8 * int(moved[written]),
        (VECTOR_UNIT.name, f"{memories.operands}_read_bit"): _operand_bits(mapped),
    }
    if not mapped.fused:
        results = mapped.plan.values * sum(mapped.plan.copies)
        counts[VECTOR_UNIT.name, f"{memories.results}_write_bit"] = results
    if activates is not None:
        for unit, column in ((memories.inputs_dma, read), (memories.outputs_dma, written)):
            counts[unit.name, "dram_activate"] = int(activates[column])
    return {key: count for key, count in counts.items() if count}


def _operations(mapped: MappedVector) -> Counts:
    """Multiplications of normalizations; bits of additions and of comparisons."""
    work = mapped.work
    values = mapped.plan.values
    return {
        (VECTOR_UNIT.name, "vector_multiply"): values * work.multiplications,
        (VECTOR_UNIT.name, "vector_add_bit"): values * work.additions * work.bits,
    }


def _operand_bits(mapped: MappedVector) -> int:
    """Bits that the unit reads from a buffer; a fused layer reads only its shortcuts."""
    layer, plan = mapped.layer, mapped.plan
    if not mapped.fused:
        return plan.values * layer.operands * plan.read_bits
    shortcuts = layer.operands - 1 if layer.kind == "add" else 0
    return plan.values * shortcuts * plan.read_bits
