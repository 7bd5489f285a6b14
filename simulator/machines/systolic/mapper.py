"""The mapper: converts a workload on a systolic array to a program."""

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
    CATEGORIES,
    UNITS,
    kinds_of,
    rates_of,
    start_tokens,
)
from simulator.program import Program, Section
from simulator.workload import Layer, Workload

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
        InputError: a scratchpad is too small for a layer, or a layer's subset is larger than the
            decoder.

    """
    rateless = without_rates(hardware)
    watched = counted(progress, f"mapping {workload.name}", workload.layers)
    layers = tuple(_mapped(layer, workload, hardware, rateless) for layer in watched)
    program = Program(
        units=UNITS,
        kinds=kinds_of(ideal=hardware.memory.ideal),
        channels=start_tokens(hardware),
        sections=tuple(layer.section for layer in layers),
        names=tuple(layer.name for layer in workload.layers),
        rates=rates_of(hardware),
        dram=shared_dram(layers, hardware),
        categories=CATEGORIES,
    )
    return Mapping(hardware=hardware, layers=layers, program=program)


def _mapped(layer: Layer, workload: Workload, machine: Systolic, rateless: Systolic) -> MappedLayer:
    """Map a layer; layers that differ only in names and rates share a section."""
    widths = (workload.input_bits(layer), workload.output_bits(layer))
    plan = _plan(layer, machine, workload.batch, *widths)
    try:
        records, section = _kept(layer.shape, rateless, workload.batch, *widths)
    except InputError:
        _written(plan)  # raises the error with the layer's name
        raise
    return MappedLayer(plan=plan, records=records, section=section)


def without_rates(hardware: Systolic) -> Systolic:
    """Return the machine with a fixed name, clock, and rates; no section depends on these."""
    memory = structs.replace(hardware.memory, dram=dram_without_rates(hardware.memory.dram))
    return structs.replace(hardware, name="", clock_ghz=1.0, links=(), memory=memory)


@lru_cache(maxsize=1024)
def _kept(
    shape: tuple[object, ...],
    machine: Systolic,
    batch: int,
    activation_bits: int,
    output_bits: int,
) -> _Written:
    """Return the records and section of a layer, cached for later layers with equal arguments."""
    return _written(_plan(Layer.of_shape(shape), machine, batch, activation_bits, output_bits))


def _plan(
    layer: Layer, machine: Systolic, batch: int, activation_bits: int, output_bits: int
) -> LayerPlan:
    return LayerPlan(
        layer=layer,
        machine=machine,
        batch=batch,
        activation_bits=activation_bits,
        output_bits=output_bits,
    )


def _written(plan: LayerPlan) -> _Written:
    records = layer_of(plan)
    return records, section_of(records, spills=plan.sums == "dram")
