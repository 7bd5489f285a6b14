"""The records of a layer, made from its plan."""

from simulator.machines.lut_array.blocks import output_blocks
from simulator.machines.lut_array.buffering import Buffering
from simulator.machines.lut_array.handover import handover_of
from simulator.machines.lut_array.plan import LayerPlan, WeightReuse
from simulator.machines.lut_array.records import Layer
from simulator.machines.lut_array.rows import maps_of
from simulator.machines.lut_array.weights import Lifetimes, fetched_for


def layer_of(plan: LayerPlan, loaded_for: WeightReuse, buffering: Buffering) -> Layer:
    """Make the records of a layer.

    Args:
        plan: the layer.
        loaded_for: the lifetime of its weight tiles in the index buffer.
        buffering: the buffering of its inputs.

    """
    layer, hardware = plan.layer, plan.hardware
    handover = handover_of(plan, buffering)
    lifetimes = Lifetimes(loaded_for, fetched_for(plan), plan.mode)
    return Layer(
        mode=plan.mode,
        buffering=buffering.scheme,
        first_step=handover.first_step,
        has_epilogue=plan.epilogue is not None,
        subset_bytes=plan.subset_bytes,
        maps=maps_of(plan, output_blocks(plan), lifetimes, buffering, handover),
        lut_passes=len(plan.pass_entries) if plan.mode == "lut" else 0,
        burst_bytes=hardware.memory.dram.burst_bytes,
        activation_bits=plan.activation_bits,
        unit_channels=1 if layer.full_precision else layer.unit_channels,
        window_bits=plan.window_bits,
        word_bytes=plan.activation_word,
        all_pes=hardware.array.pes,
        cut_space=plan.index_buffer_bytes if plan.is_cut else 0,
        macs_per_cycle=hardware.full_precision.macs_per_cycle,
    )
