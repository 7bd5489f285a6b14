"""The maps that stay in the input scratchpad of the array."""

from collections.abc import Mapping
from dataclasses import replace
from math import ceil

from msgspec import structs

from simulator.base.wording import layers_phrase
from simulator.machines.systolic.plan import LayerPlan
from simulator.machines.systolic.schema import Scratchpad, Systolic
from simulator.machines.vector.fusion import Fusion
from simulator.machines.vector.on_chip import OnChip, Residency, resident_maps
from simulator.machines.vector.plan import VectorPlan
from simulator.machines.vector.vocabulary import SLOTS
from simulator.workload.vector_layer import AnyLayer

Plan = LayerPlan | VectorPlan
_ROOMY_KIB = 1e9


def residency_of(fusion: Fusion, plans: Mapping[str, Plan], machine: Systolic) -> Residency:
    """Decide which maps of a network stay on chip.

    A layer keeps the lifetimes and pieces that it has with all maps in DRAM. Maps on chip therefore
    never cost bytes.

    Args:
        fusion: the network.
        plans: the plans of all layers, with all maps in DRAM, by name.
        machine: the array.

    Raises:
        InputError: a scratchpad is too small for a layer, with all maps in DRAM.

    """
    size = machine.memory.input_scratchpad.bytes

    def fits(layer: AnyLayer, on_chip: OnChip) -> bool:
        plan = with_maps(plans[layer.name], on_chip)
        if isinstance(plan, VectorPlan):
            return plan.fits
        return on_chip.space == 0 or needed_bytes(plan) <= size

    return resident_maps(fusion, fits)


def with_maps(plan: Plan, on_chip: OnChip) -> Plan:
    """Return the plan of a layer that runs with maps on chip."""
    if isinstance(plan, VectorPlan):
        return replace(plan, on_chip=on_chip)
    return replace(plan, keeps_maps=True, on_chip=on_chip)


def needed_bytes(plan: LayerPlan) -> int:
    """Bytes of the input scratchpad for maps on chip, and for inputs and shortcuts from DRAM."""
    steps = plan.piece_steps if plan.stationary else plan.strip_lanes
    outputs = plan.columns * steps
    slot = sum(ceil(outputs * bits / 8) for bits in plan.shortcuts_from_dram)
    return plan.on_chip.space + _input_bytes(plan) + SLOTS * slot


def _input_bytes(plan: LayerPlan) -> int:
    """Bytes of the buffers that a layer uses for inputs from DRAM.

    Inputs that stay for the layer use one buffer: those of the next layer arrive later.
    """
    inputs, lifetime = plan.inputs, plan.lifetime(plan.inputs)
    if plan.stays_on_chip(inputs):
        return 0
    if lifetime == "layer":
        return ceil(inputs.layer_elements * inputs.bits / 8)
    steps = plan.steps if lifetime == "strip" else plan.piece_steps
    if inputs.index == "fold":
        steps = plan.columns
    buffers = plan.machine.memory.input_scratchpad.buffers
    return buffers * ceil(plan.lanes(inputs) * steps * inputs.bits / 8)


def remarks_on(
    residency: Residency, plans: Mapping[str, Plan], machine: Systolic
) -> tuple[str, ...]:
    """Note the layers whose maps do not fit, and a size of the scratchpad that holds all maps."""
    spilled = residency.spilled
    if not spilled:
        return ()
    enough = max(
        _enough(with_maps(_roomy(plan), residency.with_all_maps.of(plan.layer)))
        for name, plan in plans.items()
        if name not in residency.uses.fusion.fused
    )
    sizes = (
        f"({machine.memory.input_scratchpad.kib:g} KiB; {ceil(enough / 10.24) / 100:,.10g} KiB "
        "would hold all maps)."
    )
    return (
        layers_phrase(spilled, list(plans)).inflect(
            "{layers} writes a map to DRAM because it does not fit in the input scratchpad until "
            f"its last reader has read it {sizes}",
            "{layers} write maps to DRAM because they do not fit in the input scratchpad until "
            f"their last readers have read them {sizes}",
        ),
    )


def _roomy(plan: Plan) -> Plan:
    """The plan of a layer with a scratchpad that holds everything."""
    if isinstance(plan, VectorPlan):
        return replace(plan, buffer=structs.replace(plan.buffer, kib=_ROOMY_KIB))
    memory = plan.machine.memory
    pad: Scratchpad = structs.replace(memory.input_scratchpad, kib=_ROOMY_KIB)
    memory = structs.replace(memory, input_scratchpad=pad)
    return replace(plan, machine=structs.replace(plan.machine, memory=memory))


def _enough(plan: Plan) -> int:
    """Bytes with which a layer has the lifetimes of a large scratchpad, and all maps fit."""
    if isinstance(plan, VectorPlan):
        return plan.needed_bytes
    need, inputs = needed_bytes(plan), plan.inputs
    if plan.stays_on_chip(inputs):
        return need
    bits = ceil(inputs.layer_elements * inputs.bits)
    return max(need, plan.shortcut_space.scratchpad_bytes(bits))
