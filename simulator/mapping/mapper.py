"""A workload on a machine becomes a program of the old contract, for the fast engine."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from simulator.flatten import flatten
from simulator.hardware import Hardware
from simulator.loops import LoopBody, LoopProgram
from simulator.machines.lut_array.mapped import MappedLayer
from simulator.machines.lut_array.plan import LayerPlan, plan_layers
from simulator.mapping.commands import MACHINE, rates_of
from simulator.mapping.layer import MappedLoops, map_layer, writing_pays
from simulator.mapping.ring import room_ages_of
from simulator.mapping.weights import room_of
from simulator.ordered import Program
from simulator.progress import Progress, counted
from simulator.workload import Workload


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """A program and the choices behind it."""

    loops: LoopProgram
    layers: tuple[MappedLayer, ...]

    @property
    def commands(self) -> int:
        """Commands of the program, written out."""
        return self.loops.commands

    @property
    def but_for_rates(self) -> Hashable:
        """The loops of all layers, which programs share if they differ in rates at most."""
        return id(self.loops.body)

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
def _nest(shape: _Shape) -> MappedLoops:
    """A layer's loops, kept for the next layer, or the next run, of the same shape."""
    return map_layer(shape.plan)


def map_workload(
    workload: Workload, hardware: Hardware, progress: Progress | None = None
) -> Mapping:
    """Map a configured workload onto a machine, layer after layer.

    Args:
        workload: configured.
        hardware: the machine.
        progress: called before every layer.

    Raises:
        InputError: a buffer is too small for a layer, however it is cut.

    """
    plans = plan_layers(workload, hardware)
    watched = counted(progress, f"mapping {workload.name}", plans)
    nests = tuple(_nest(_Shape(_shape(plan), plan)) for plan in watched)
    return Mapping(
        loops=LoopProgram(
            body=_body(nests, room_of(hardware)),
            names=tuple(layer.name for layer in workload.layers),
            rates=rates_of(hardware),
        ),
        layers=tuple(
            MappedLayer(plan=plan, weights=nest.weights.reuse, inputs=nest.inputs)
            for plan, nest in zip(plans, nests, strict=True)
        ),
    )


@lru_cache(maxsize=256)
def _body(nests: tuple[MappedLoops, ...], room: int) -> LoopBody:
    """Layers one after the other, in an index buffer of `room` bytes."""
    return LoopBody(
        machine=MACHINE,
        layers=tuple(nest.loops for nest in nests),
        room_ages=room_ages_of([nest.weights for nest in nests], room, writing_pays()),
    )
