"""How: a workload on a machine becomes a program."""

from dataclasses import dataclass
from functools import cached_property

from simulator.flatten import flatten
from simulator.hardware import Hardware
from simulator.loops import LoopProgram
from simulator.mapping.builder import MACHINE, rates_of
from simulator.mapping.nest import LayerNest
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


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """A program and the choices behind it."""

    loops: LoopProgram
    layers: tuple[MappedLayer, ...]

    @cached_property
    def program(self) -> Program:
        """The program with every command written out."""
        return flatten(self.loops)


def map_workload(workload: Workload, hardware: Hardware) -> Mapping:
    """Map a configured workload onto a machine, layer after layer.

    Raises:
        InputError: a buffer is too small for a layer, however it is cut.

    """
    ring = IndexRing(hardware)
    nests = [LayerNest(plan) for plan in plan_layers(workload, hardware)]
    return Mapping(
        loops=LoopProgram(
            machine=MACHINE,
            names=tuple(layer.name for layer in workload.layers),
            layers=tuple(nest.loops for nest in nests),
            room_ages=tuple(ring.add_layer(nest.weights) for nest in nests),
            rates=rates_of(hardware),
        ),
        layers=tuple(
            MappedLayer(plan=nest.plan, weights=nest.weights.reuse, inputs=nest.inputs.reuse)
            for nest in nests
        ),
    )
