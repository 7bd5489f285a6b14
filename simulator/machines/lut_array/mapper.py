"""A workload on the array becomes a program."""

from dataclasses import dataclass, field
from functools import lru_cache

from simulator.hardware import Hardware
from simulator.machines.lut_array.buffering import plan_buffering
from simulator.machines.lut_array.layer import layer_of
from simulator.machines.lut_array.plan import InputReuse, LayerPlan, WeightReuse, plan_layers
from simulator.machines.lut_array.units import section_of
from simulator.machines.lut_array.vocabulary import KINDS, UNITS, rates_of, start_tokens
from simulator.machines.lut_array.weights import loaded_for
from simulator.program import Program, Section
from simulator.progress import Progress, counted
from simulator.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedLayer:
    """What the mapper chose for a layer."""

    plan: LayerPlan
    weights: WeightReuse
    """How long weight tiles stay in the index buffer."""
    inputs: InputReuse
    """Buffering scheme of the inputs."""


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """A program and the choices behind it."""

    layers: tuple[MappedLayer, ...]
    program: Program

    @property
    def commands(self) -> int:
        """Commands of the program, written out."""
        return self.program.commands


def map_workload(
    workload: Workload, hardware: Hardware, progress: Progress | None = None
) -> Mapping:
    """Map a configured workload onto a machine, layer by layer.

    Args:
        workload: configured.
        hardware: the machine.
        progress: called before every layer.

    Raises:
        InputError: a buffer is too small for a layer in every scheme, or a layer's subset is larger
            than the store of a PE.

    """
    plans = plan_layers(workload, hardware)
    watched = counted(progress, f"mapping {workload.name}", plans)
    written = tuple(_written(_Shape(_shape(plan), plan)) for plan in watched)
    layers = tuple(
        MappedLayer(plan=plan, weights=each.weights, inputs=each.inputs)
        for plan, each in zip(plans, written, strict=True)
    )
    program = Program(
        units=UNITS,
        kinds=KINDS,
        channels=start_tokens(hardware),
        sections=tuple(each.section for each in written),
        names=tuple(layer.name for layer in workload.layers),
        rates=rates_of(hardware),
    )
    return Mapping(layers=layers, program=program)


@dataclass(frozen=True, slots=True)
class _Shape:
    """All that decides a layer's commands, but for their rates."""

    decisive: tuple[object, ...]
    plan: LayerPlan = field(compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Written:
    """A layer's section, and the choices behind it."""

    weights: WeightReuse
    inputs: InputReuse
    section: Section


def _shape(plan: LayerPlan) -> tuple[object, ...]:
    hardware, memory = plan.hardware, plan.hardware.memory
    return (
        plan.layer.shape,
        plan.batch,
        plan.activation_bits,
        hardware.array,
        hardware.full_precision,
        memory.dram.burst_bytes,
        memory.index_buffer.kib,
        memory.index_buffer.encoding,
        memory.activation_buffer,
    )


@lru_cache(maxsize=1024)
def _written(shape: _Shape) -> _Written:
    """A layer's section, kept for the next layer, or the next run, of the same shape."""
    weights, buffering = loaded_for(shape.plan), plan_buffering(shape.plan)
    section = section_of(layer_of(shape.plan, weights, buffering))
    return _Written(weights, buffering.scheme, section)
