"""Roofs of the array: the most MACs per cycle of each mode and size of kernel."""

from collections.abc import Sequence

from simulator.base.wording import counted
from simulator.machines.family import Roof
from simulator.machines.lut_array.mapped import MappedLayer
from simulator.machines.lut_array.schema import LutArray

_MACS = {3: 9, 1: 8}
"""Multiply-accumulates of a kernel, or of a vector of 8 inputs."""


def roofs(hardware: LutArray, layers: Sequence[MappedLayer]) -> list[Roof]:
    """Return the roofs of the layers' modes and kernels, the highest first."""
    plans = [mapped.plan for mapped in layers]
    kinds = dict.fromkeys(
        (plan.mode, 0 if plan.mode == "mac" else plan.layer.kernel_sides.height) for plan in plans
    )
    several = len({kernel for mode, kernel in kinds if mode != "mac"}) > 1
    bits = min((plan.activation_bits for plan in plans if plan.mode != "mac"), default=1)
    found = [
        _roof(hardware, mode, kernel, bits, f" {kernel}×{kernel}" if several else "")
        for mode, kernel in kinds
    ]
    return sorted(found, key=lambda roof: -roof.macs_per_cycle)


def _roof(hardware: LutArray, mode: str, kernel: int, bits: int, which: str) -> Roof:
    """Return the roof of a mode and a size of kernels.

    Args:
        hardware: the hardware configuration.
        mode: the mode of a layer; see `LayerPlan.mode`.
        kernel: height and width of its kernels.
        bits: bits of an activation.
        which: size of the kernels for the name, if the run has several sizes.

    """
    if mode == "mac":
        return Roof(name="MAC unit", macs_per_cycle=hardware.full_precision.macs_per_cycle)
    array, pe = hardware.array, hardware.array.pe
    dots = min(pe.dots_per_cycle, pe.accumulators) / bits
    name, each, unit = "direct", dots, f"{dots:g} {'dot' if dots == 1 else 'dots'}"
    if mode == "lut":
        name, each = "LUT", float(pe.accumulators)
        unit = counted(pe.accumulators, "accumulator")
    return Roof(
        name=f"{name}{which}: {counted(array.pes, 'PE')} × {unit} × {_MACS[kernel]}",
        macs_per_cycle=array.pes * each * _MACS[kernel],
    )
