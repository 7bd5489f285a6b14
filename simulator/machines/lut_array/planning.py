"""The plans of a workload's layers."""

from dataclasses import replace

from simulator.base.errors import InputError
from simulator.machines.lut_array.image_blocks import image_blocks_of
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.schema import LutArray
from simulator.machines.vector.fusion import Epilogue, Fusion
from simulator.workload import Layer, Workload


def plan_layers(
    workload: Workload, hardware: LutArray, fusion: Fusion | None = None
) -> tuple[LayerPlan, ...]:
    """Plan every layer with weights, in order.

    Args:
        workload: a configured workload.
        hardware: the hardware configuration.
        fusion: the widths of all maps, if the whole network runs.

    Raises:
        InputError: a layer's subset is larger than the store of a PE.

    """
    plans = tuple(_planned(layer, workload, hardware, fusion) for layer in workload.layers)
    for plan in plans:
        _require_store(plan)
    return plans


def plan_layer(
    layer: Layer,
    hardware: LutArray,
    *,
    batch: int,
    activation_bits: int,
    copies: tuple[int, ...],
    epilogue: Epilogue | None = None,
    wide_bits: int | None = None,
) -> LayerPlan:
    """Plan a layer.

    Args:
        layer: the layer.
        hardware: the hardware configuration.
        batch: images.
        activation_bits: bits per activation of the layer's inputs.
        copies: bits of an output in every copy that the layer writes.
        epilogue: the work of the vector unit on the outputs.
        wide_bits: bits of a copy that holds sums.

    """
    plan = LayerPlan(
        layer=layer,
        hardware=hardware,
        batch=batch,
        image_blocks=(1,) * batch,
        activation_bits=activation_bits,
        copies=copies,
        epilogue=epilogue,
        wide_bits=wide_bits,
    )
    return replace(plan, image_blocks=image_blocks_of(plan))


def _planned(
    layer: Layer, workload: Workload, hardware: LutArray, fusion: Fusion | None
) -> LayerPlan:
    full = hardware.full_precision.bits if layer.full_precision else None
    written = full or workload.output_bits(layer)
    return plan_layer(
        layer,
        hardware,
        batch=workload.batch,
        activation_bits=full or workload.input_bits(layer),
        copies=(written,) if fusion is None else fusion.copies(layer),
        epilogue=None if fusion is None else fusion.epilogue(layer),
        wide_bits=None if fusion is None else fusion.maps.wide_bits,
    )


def _require_store(plan: LayerPlan) -> None:
    layer, store = plan.layer, plan.hardware.array.pe.subset_entries
    if plan.expands and layer.subset_size > plan.hardware.array.pe.subset_size:
        raise InputError(
            f"array.pe.subset_entries is {store}: layer {layer.name} needs at least "
            f"{layer.subset_size}, all kernels of its subset (tau {layer.tau})"
        )
