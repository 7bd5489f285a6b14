"""Roofs of the array: the most MACs per cycle of each mode and size of kernel."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.base.wording import counted
from simulator.machines.family import Roof
from simulator.machines.lut_array.mapped import MappedLayer
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.schema import LutArray


@dataclass(frozen=True, slots=True)
class _Kind:
    """Layers with the same roof."""

    mode: str
    weights: int = 0
    """Weights of a kernel or vector: its multiply-accumulates; 0 on the MAC unit."""
    parts: int = 1
    """Cycles of a dot product in a dot unit."""
    kernel: str = ""
    """The size of the kernels."""


def roofs(hardware: LutArray, layers: Sequence[MappedLayer]) -> list[Roof]:
    """Return the roofs of the layers' modes and kernels, the highest first."""
    plans = [mapped.plan for mapped in layers]
    kinds = dict.fromkeys(map(_kind, plans))
    several = len({kind.kernel for kind in kinds if kind.mode != "mac"}) > 1
    bits = min((plan.activation_bits for plan in plans if plan.mode != "mac"), default=1)
    found = [_roof(hardware, kind, bits, f" {kind.kernel}" if several else "") for kind in kinds]
    return sorted(found, key=lambda roof: -roof.macs_per_cycle)


def _kind(plan: LayerPlan) -> _Kind:
    if plan.mode == "mac":
        return _Kind("mac")
    rows, columns = plan.layer.kernel_sides
    return _Kind(plan.mode, plan.layer.unit_weights, plan.dot_parts, f"{rows}×{columns}")


def _roof(hardware: LutArray, kind: _Kind, bits: int, which: str) -> Roof:
    """Return the roof of a mode and a size of kernels.

    Args:
        hardware: the hardware configuration.
        kind: the mode of a layer and the size of its kernels.
        bits: bits of an activation.
        which: size of the kernels for the name, if the run has several sizes.

    """
    if kind.mode == "mac":
        return Roof(name="MAC unit", macs_per_cycle=hardware.full_precision.macs_per_cycle)
    array, pe = hardware.array, hardware.array.pe
    dots = min(pe.dots_per_cycle / kind.parts, pe.accumulators) / bits
    name, each, unit = "direct", dots, f"{dots:g} {'dot' if dots == 1 else 'dots'}"
    if kind.mode == "lut":
        name, each = "LUT", float(pe.accumulators)
        unit = counted(pe.accumulators, "accumulator")
    return Roof(
        name=f"{name}{which}: {counted(array.pes, 'PE')} × {unit} × {kind.weights}",
        macs_per_cycle=array.pes * each * kind.weights,
    )
