"""Roofs of the array: the peak MACs per cycle of its PEs, in each mode and precision."""

from collections.abc import Sequence

from simulator.base.wording import counted
from simulator.machines.family import Roof
from simulator.machines.systolic.mapped import MappedLayer
from simulator.machines.systolic.schema import Systolic


def roofs(hardware: Systolic, layers: Sequence[MappedLayer]) -> list[Roof]:
    """Return the roofs of the modes and precisions that layers have, the highest first."""
    found = {_roof(hardware, mapped) for mapped in layers}
    return sorted(found, key=lambda roof: (-roof.macs_per_cycle, roof.name))


def _roof(machine: Systolic, mapped: MappedLayer) -> Roof:
    """Return the roof of a layer's mode and precision."""
    bits, weight_bits = mapped.activation_bits, mapped.plan.weight_operand_bits
    size, pe = f"{counted(machine.pes, 'PE')}", machine.array.pe
    which = f"{weight_bits} × {bits} bits"
    if mapped.mode == "xnor":
        planes = bits * weight_bits
        return Roof(
            name=f"XNOR, {which}: {size} × {pe.dot_width} / {planes}",
            macs_per_cycle=machine.pes * pe.dot_width / planes,
        )
    parts = -(-bits // pe.input_bits) * -(-weight_bits // pe.weight_bits)
    return Roof(
        name=f"multipliers, {which}: {size} / {counted(parts, 'step')}",
        macs_per_cycle=machine.pes / parts,
    )
