"""The mapper: converts a workload on a systolic array to a program."""

from dataclasses import replace
from functools import lru_cache

from msgspec import structs

from simulator.base.errors import InputError
from simulator.base.progress import Progress, counted
from simulator.dram.section import without_rates as dram_without_rates
from simulator.machines.family import Mapping
from simulator.machines.systolic import records as of
from simulator.machines.systolic.addresses import shared_dram
from simulator.machines.systolic.layer import layer_of
from simulator.machines.systolic.mapped import MappedLayer
from simulator.machines.systolic.plan import LayerPlan
from simulator.machines.systolic.schema import Systolic
from simulator.machines.systolic.units import section_of
from simulator.machines.systolic.vocabulary import (
    rates_of,
    start_tokens,
    terms_of,
    vector_ports,
)
from simulator.machines.vector.fusion import Fusion, fusion_of
from simulator.machines.vector.mapped import mapped_vector, plan_vector
from simulator.machines.vector.plan import Buffer
from simulator.program import Program, Section
from simulator.workload import Layer, Workload
from simulator.workload.vector_layer import VectorLayer

_Written = tuple[of.Layer, Section]


def map_workload(
    workload: Workload, hardware: Systolic, progress: Progress | None = None
) -> Mapping[MappedLayer]:
    """Map a configured workload onto an array, layer by layer.

    Args:
        workload: the configured workload.
        hardware: the array.
        progress: called before every layer.

    Raises:
        InputError: a scratchpad is too small for a layer, a layer's subset is larger than the
            decoder, or the whole network runs on an array without a vector unit.

    """
    network, ideal = workload.scope == "network", hardware.memory.ideal
    fusion = fusion_of(workload, hardware.vector, hardware.full_precision.bits)
    rateless = without_rates(hardware)
    buffer, ports = _vector_buffer(hardware), vector_ports(ideal=ideal)
    watched = counted(progress, f"mapping {workload.name}", workload.all_layers)
    layers = tuple(
        mapped_vector(plan_vector(layer, fusion, buffer), fusion, ports)
        if isinstance(layer, VectorLayer)
        else _mapped(_plan(layer, fusion, hardware), rateless)
        for layer in watched
    )
    terms = terms_of(ideal=ideal, vector_unit=network)
    program = Program(
        units=terms.units,
        kinds=terms.kinds,
        channels=start_tokens(hardware, vector_unit=network),
        sections=tuple(layer.section for layer in layers),
        names=tuple(layer.name for layer in workload.all_layers),
        rates=rates_of(hardware),
        dram=shared_dram(layers, hardware, fusion if network else None),
        categories=terms.categories,
    )
    return Mapping(hardware=hardware, layers=layers, program=program)


def _plan(layer: Layer, fusion: Fusion, machine: Systolic) -> LayerPlan:
    """Plan a layer with weights; in scope `network`, its readers decide what it writes."""
    workload, network = fusion.workload, fusion.workload.scope == "network"
    full = machine.full_precision.bits if layer.full_precision else None
    return LayerPlan(
        layer=layer,
        machine=machine,
        batch=workload.batch,
        activation_bits=full or workload.input_bits(layer),
        copies=fusion.copies(layer) if network else (full or workload.output_bits(layer),),
        epilogue=fusion.epilogue(layer) if network else None,
    )


def _mapped(plan: LayerPlan, rateless: Systolic) -> MappedLayer:
    """Map a layer; layers that differ only in names and rates share a section."""
    nameless = replace(plan, layer=Layer.of_shape(plan.layer.shape), machine=rateless)
    try:
        records, section = _kept(nameless)
    except InputError:
        _written(plan)  # raises the error with the layer's name
        raise
    return MappedLayer(plan=plan, records=records, section=section)


def _vector_buffer(hardware: Systolic) -> Buffer:
    """The input scratchpad holds the operands and results of vector layers."""
    memory = hardware.memory
    return Buffer(
        key="memory.input_scratchpad.kib",
        kib=memory.input_scratchpad.kib,
        burst_bytes=memory.dram.burst_bytes,
        most_columns=memory.transfer_steps,
    )


def without_rates(hardware: Systolic) -> Systolic:
    """Return the machine with a fixed name, clock, and rates; no section depends on these."""
    memory = structs.replace(hardware.memory, dram=dram_without_rates(hardware.memory.dram))
    return structs.replace(hardware, name="", clock_ghz=1.0, vector=None, links=(), memory=memory)


@lru_cache(maxsize=1024)
def _kept(plan: LayerPlan) -> _Written:
    """Return the records and section of a plan, cached for later layers with equal plans."""
    return _written(plan)


def _written(plan: LayerPlan) -> _Written:
    records = layer_of(plan)
    epilogue = plan.epilogue is not None
    return records, section_of(records, spills=plan.sums == "dram", epilogue=epilogue)
