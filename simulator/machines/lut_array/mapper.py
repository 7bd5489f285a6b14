"""The mapping of a workload on the array to a program."""

from functools import lru_cache
from typing import NamedTuple, Self

from msgspec import structs

from simulator.base.errors import InputError
from simulator.base.progress import Progress, counted
from simulator.dram.section import without_rates as dram_without_rates
from simulator.machines.family import Mapping
from simulator.machines.lut_array.addresses import shared_dram
from simulator.machines.lut_array.buffering import plan_buffering
from simulator.machines.lut_array.layer import layer_of
from simulator.machines.lut_array.mapped import MappedLayer
from simulator.machines.lut_array.on_chip import (
    Plan,
    remarks_on,
    residency_of,
    with_maps,
)
from simulator.machines.lut_array.overlapping import overlapping
from simulator.machines.lut_array.plan import (
    InputReuse,
    LayerPlan,
    WeightReuse,
    Writes,
)
from simulator.machines.lut_array.planning import plan_layers
from simulator.machines.lut_array.ports import shared_ports
from simulator.machines.lut_array.schema import LutArray
from simulator.machines.lut_array.units import section_of
from simulator.machines.lut_array.vocabulary import (
    WITH_VECTOR_UNIT,
    WITHOUT_VECTOR_UNIT,
    rates_of,
    start_tokens,
    vector_ports,
)
from simulator.machines.lut_array.weights import loaded_for
from simulator.machines.overlap import Waits
from simulator.machines.vector.fusion import Epilogue, Fusion, fusion_of
from simulator.machines.vector.mapped import mapped_vector, plan_vector
from simulator.machines.vector.on_chip import NETWORK_ONLY, OnChip
from simulator.machines.vector.plan import Buffer, VectorPlan
from simulator.program import Program, Section
from simulator.workload import Layer, Workload
from simulator.workload.vector_layer import VectorLayer

_Written = tuple[WeightReuse, InputReuse, Writes, Section]


class _Key(NamedTuple):
    """The values on which a layer's section depends."""

    shape: tuple[object, ...]
    hardware: LutArray
    """Hardware without rates."""
    batch: int
    image_blocks: tuple[int, ...]
    activation_bits: int
    copies: tuple[int, ...]
    epilogue: Epilogue | None
    on_chip: OnChip
    waits: Waits | None

    @classmethod
    def of(cls, plan: LayerPlan, rateless: LutArray) -> Self:
        """Return the key of a planned layer."""
        widths = (plan.activation_bits, plan.copies, plan.epilogue, plan.on_chip)
        return cls(
            plan.layer.shape, rateless, plan.batch, plan.image_blocks, *widths, waits=plan.waits
        )


def map_workload(
    workload: Workload, hardware: LutArray, progress: Progress | None = None
) -> Mapping[MappedLayer]:
    """Map a configured workload onto the array, layer by layer.

    Args:
        workload: the configured workload.
        hardware: the hardware configuration.
        progress: called before every layer.

    Raises:
        InputError: a buffer is too small for a layer in every scheme, or a layer's subset is larger
            than the store of a PE, or the DRAM table is wrong or too small.

    """
    network = workload.scope == "network"
    fusion = fusion_of(workload, hardware.vector, hardware.full_precision.bits)
    plans, remarks = _plans(workload, hardware, fusion)
    rateless = without_rates(hardware)
    watched = counted(progress, f"mapping {workload.name}", plans)
    layers = tuple(
        mapped_vector(plan, fusion, vector_ports(hardware.overlap))
        if isinstance(plan, VectorPlan)
        else _mapped(plan, rateless)
        for plan in watched
    )
    terms = WITH_VECTOR_UNIT if network else WITHOUT_VECTOR_UNIT
    program = Program(
        units=terms.units,
        kinds=terms.kinds,
        channels=start_tokens(hardware, vector_unit=network),
        sections=tuple(layer.section for layer in layers),
        names=tuple(layer.name for layer in workload.all_layers),
        rates=rates_of(hardware),
        dram=shared_dram(layers, hardware, fusion if network else None),
        ports=shared_ports(layers, hardware),
        categories=terms.categories,
    )
    return Mapping(hardware=hardware, layers=layers, program=program, remarks=remarks)


def _plans(
    workload: Workload, hardware: LutArray, fusion: Fusion
) -> tuple[list[Plan], tuple[str, ...]]:
    """Plan all layers, and decide which maps stay on chip and which layers overlap."""
    network = workload.scope == "network"
    weighted = iter(plan_layers(workload, hardware, fusion if network else None))
    plans = [
        plan_vector(layer, fusion, _vector_buffer(hardware))
        if isinstance(layer, VectorLayer)
        else next(weighted)
        for layer in workload.all_layers
    ]
    keeps_maps = hardware.memory.activations == "on_chip"
    remarks = (NETWORK_ONLY,) if keeps_maps and not network else ()
    if hardware.overlap == "layers":
        plans, notes = overlapping(plans, hardware, fusion if network else None)
        return plans, (*notes, *remarks)
    if not (keeps_maps and network):
        return plans, remarks
    by_name = {one.layer.name: one for one in plans}
    residency = residency_of(fusion, by_name, hardware)
    kept = [with_maps(plan, residency.of(plan.layer)) for plan in plans]
    return kept, remarks_on(residency, by_name, hardware)


def _mapped(plan: LayerPlan, rateless: LutArray) -> MappedLayer:
    """Map a layer; layers that differ only in names and rates share a section."""
    try:
        kept = _kept(_Key.of(plan, rateless))
    except InputError:
        _written(plan)  # raises the error with the layer's name
        raise
    weights, inputs, writes, section = kept
    return MappedLayer(plan=plan, weights=weights, inputs=inputs, writes=writes, section=section)


def _vector_buffer(hardware: LutArray) -> Buffer:
    """The activation buffer holds the operands and results of vector layers."""
    buffer = hardware.memory.activation_buffer
    return Buffer(
        key="memory.activation_buffer.kib",
        kib=buffer.kib,
        burst_bytes=hardware.memory.dram.burst_bytes,
        most_columns=buffer.transfer_pixels,
    )


def without_rates(hardware: LutArray) -> LutArray:
    """Return the hardware with a fixed name, clock and rates, because no section depends on them.

    The mapper writes a section from a plan with this hardware. The section therefore cannot depend
    on these values, and all other values are part of its key.
    """
    memory = hardware.memory
    return structs.replace(
        hardware,
        name="",
        clock_ghz=1.0,
        vector=None,
        links=(),
        memory=structs.replace(
            memory,
            dram=dram_without_rates(memory.dram),
            index_buffer=structs.replace(memory.index_buffer, bytes_per_cycle=1.0),
        ),
    )


@lru_cache(maxsize=1024)
def _kept(key: _Key) -> _Written:
    """Plan and write a layer, once for all layers and runs with equal keys.

    The plan depends on the key alone. The cache does not keep it because its tables are large.
    """
    return _written(
        LayerPlan(
            layer=Layer.of_shape(key.shape),
            hardware=key.hardware,
            batch=key.batch,
            image_blocks=key.image_blocks,
            activation_bits=key.activation_bits,
            copies=key.copies,
            epilogue=key.epilogue,
            on_chip=key.on_chip,
            waits=key.waits,
        )
    )


def _written(plan: LayerPlan) -> _Written:
    weights, buffering = loaded_for(plan), plan_buffering(plan)
    section = section_of(layer_of(plan, weights, buffering))
    return weights, buffering.scheme, buffering.writes, section
