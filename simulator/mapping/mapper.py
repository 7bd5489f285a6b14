"""How: a workload on a machine becomes a program."""

from dataclasses import dataclass

from simulator.hardware import Hardware
from simulator.mapping.builder import NONE, Builder
from simulator.mapping.compute import IndexRegisters, add_compute
from simulator.mapping.inputs import add_inputs
from simulator.mapping.nest import nest_of
from simulator.mapping.outputs import add_outputs
from simulator.mapping.plan import InputReuse, LayerPlan, WeightReuse, plan_layers
from simulator.mapping.weights import IndexRing
from simulator.program import Program
from simulator.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedLayer:
    """What the mapper chose for a layer."""

    plan: LayerPlan
    weights: WeightReuse
    inputs: InputReuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """A program and the choices behind it."""

    program: Program
    layers: tuple[MappedLayer, ...]


def map_workload(workload: Workload, hardware: Hardware) -> Mapping:
    """Map a configured workload onto a machine, layer after layer.

    Raises:
        InputError: a buffer is too small for a layer, however it is cut.

    """
    builder, registers, ring = Builder(), IndexRegisters(), IndexRing(hardware)
    done = NONE
    layers = []
    for number, plan in enumerate(plan_layers(workload, hardware)):
        builder.layer = number
        nest = nest_of(plan)
        compute = add_compute(builder, plan, nest, registers)
        weights = ring.add_layer(builder, plan, nest, compute)
        inputs = add_inputs(builder, plan, nest, compute, barrier=done)
        done = add_outputs(builder, plan, nest, compute)
        layers.append(MappedLayer(plan=plan, weights=weights, inputs=inputs))
    ring.close(builder)
    names = tuple(layer.name for layer in workload.layers)
    return Mapping(program=builder.build(names), layers=tuple(layers))
