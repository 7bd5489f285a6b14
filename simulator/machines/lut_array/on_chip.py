"""The maps that stay in the activation buffer of the array."""

from collections.abc import Mapping
from dataclasses import replace
from math import ceil

from msgspec import structs

from simulator.base.errors import InputError
from simulator.base.wording import layers_phrase
from simulator.machines.lut_array.buffering import (
    Buffering,
    as_good,
    plan_buffering,
    rows_space,
)
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.schema import LutArray
from simulator.machines.vector.fusion import Fusion
from simulator.machines.vector.on_chip import OnChip, Residency, resident_maps
from simulator.machines.vector.plan import VectorPlan
from simulator.workload.vector_layer import AnyLayer

Plan = LayerPlan | VectorPlan
_ROOMY_KIB = 1e9
NETWORK_ONLY = (
    "memory.activations on_chip has no effect because only scope network has the edges between all "
    "layers (--scope network)."
)
"""The note of a run in another scope."""


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


def remarks_on(
    residency: Residency, plans: Mapping[str, Plan], hardware: LutArray
) -> tuple[str, ...]:
    """Note the layers whose maps do not fit, and a size of the buffer that holds all maps."""
    spilled = residency.spilled
    if not spilled:
        return ()
    enough = max(
        _space(with_maps(_roomy(plan), residency.with_all_maps.of(plan.layer)))
        for name, plan in plans.items()
        if name not in residency.uses.fusion.fused
    )
    layers = layers_phrase(spilled, list(plans))
    sizes = (
        f"({hardware.memory.activation_buffer.kib:g} KiB; {ceil(enough / 10.24) / 100:,.10g} KiB "
        "would hold all maps)."
    )
    return (
        layers.inflect(
            "{layers} writes a map to DRAM because it does not fit in the activation buffer until "
            f"its last reader has read it {sizes}",
            "{layers} write maps to DRAM because they do not fit in the activation buffer until "
            f"their last readers have read them {sizes}",
        ),
    )


def _roomy(plan: Plan) -> Plan:
    """The plan of a layer in a buffer that holds everything, with the largest blocks of work."""
    if isinstance(plan, VectorPlan):
        return replace(plan, buffer=structs.replace(plan.buffer, kib=_ROOMY_KIB))
    if plan.batch == 1:
        return plan
    # two blocks in a row need the most space; see `image_blocks.py`
    return replace(plan, batch=2 * plan.batch, image_blocks=(plan.batch, plan.batch))


def _space(plan: Plan) -> int:
    return plan.needed_bytes if isinstance(plan, VectorPlan) else rows_space(plan)


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
