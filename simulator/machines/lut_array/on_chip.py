"""The maps that stay in the activation buffer of the array."""

from collections.abc import Mapping
from dataclasses import replace

from simulator.base.errors import InputError
from simulator.machines.lut_array.buffering import Buffering, as_good, plan_buffering
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.schema import LutArray
from simulator.machines.vector.fusion import Fusion
from simulator.machines.vector.on_chip import OnChip, Residency, resident_maps
from simulator.machines.vector.plan import VectorPlan
from simulator.workload.vector_layer import AnyLayer

Plan = LayerPlan | VectorPlan


def residency_of(fusion: Fusion, plans: Mapping[str, Plan], hardware: LutArray) -> Residency:
    """Decide which maps of a network stay on chip.

    A layer keeps the buffering that it has with all maps in DRAM, or one with more reuse. Maps on
    chip therefore never cause a reread.

    Args:
        fusion: the network.
        plans: the plans of all layers that are not fused, with all maps in DRAM, by name.
        hardware: the hardware configuration.

    Raises:
        InputError: the activation buffer has one port, or is too small for a layer.

    """
    if hardware.memory.activation_buffer.ports == 1:
        raise InputError(
            "memory.activations is on_chip: the model has no conflicts between outputs that stay "
            "and window reads; set memory.activation_buffer.ports to 2"
        )
    before = {
        name: plan_buffering(plan) for name, plan in plans.items() if isinstance(plan, LayerPlan)
    }

    def fits(layer: AnyLayer, on_chip: OnChip) -> bool:
        plan = with_maps(plans[layer.name], on_chip)
        if isinstance(plan, VectorPlan):
            return plan.fits
        return _fits(plan, before[layer.name])

    return resident_maps(fusion, fits)


def with_maps(plan: Plan, on_chip: OnChip) -> Plan:
    """Return the plan of a layer that runs with maps on chip."""
    if isinstance(plan, VectorPlan):
        return replace(plan, on_chip=on_chip)
    return replace(plan, on_chip=on_chip, epilogue=on_chip.from_dram(plan.epilogue))


def _fits(plan: LayerPlan, before: Buffering) -> bool:
    try:
        return as_good(plan_buffering(plan), before)
    except InputError:
        return False
