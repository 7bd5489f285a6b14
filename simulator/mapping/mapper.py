"""How: a workload on a machine becomes a program."""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from simulator.flatten import flatten
from simulator.hardware import Hardware
from simulator.loops import LoopProgram
from simulator.mapping.builder import MACHINE, rates_of
from simulator.mapping.nest import LayerNest
from simulator.mapping.plan import InputReuse, LayerPlan, WeightReuse, plan_layers
from simulator.mapping.weights import IndexRing, room_of
from simulator.program import Ints, Program
from simulator.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedLayer:
    """What the mapper chose for a layer."""

    plan: LayerPlan
    weights: WeightReuse
    inputs: InputReuse


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """A program and the choices behind it."""

    loops: LoopProgram
    layers: tuple[MappedLayer, ...]

    @cached_property
    def program(self) -> Program:
        """The program with every command written out."""
        return flatten(self.loops)


@dataclass(frozen=True, slots=True)
class _Shape:
    """All that decides a layer's commands, but for their rates."""

    decisive: tuple[object, ...]
    plan: LayerPlan = field(compare=False)


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
def _nest(shape: _Shape) -> LayerNest:
    """A layer's loops, kept for the next layer, or the next run, of the same shape."""
    return LayerNest(shape.plan)


def map_workload(workload: Workload, hardware: Hardware) -> Mapping:
    """Map a configured workload onto a machine, layer after layer.

    Raises:
        InputError: a buffer is too small for a layer, however it is cut.

    """
    plans = plan_layers(workload, hardware)
    nests = tuple(_nest(_Shape(_shape(plan), plan)) for plan in plans)
    return Mapping(
        loops=LoopProgram(
            machine=MACHINE,
            names=tuple(layer.name for layer in workload.layers),
            layers=tuple(nest.loops for nest in nests),
            room_ages=_room_ages(nests, room_of(hardware)),
            rates=rates_of(hardware),
        ),
        layers=tuple(
            MappedLayer(plan=plan, weights=nest.weights.reuse, inputs=nest.inputs.reuse)
            for plan, nest in zip(plans, nests, strict=True)
        ),
    )


@lru_cache(maxsize=256)
def _room_ages(nests: tuple[LayerNest, ...], room: int) -> tuple[Ints, ...]:
    """For every layer's loads the age of the chunk that must leave the index buffer."""
    ring = IndexRing(room)
    return tuple(ring.add_layer(nest.weights) for nest in nests)
