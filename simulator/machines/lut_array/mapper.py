"""A workload on the array becomes a program."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import lru_cache

from msgspec import structs

from simulator.errors import InputError
from simulator.hardware import Hardware
from simulator.machines.lut_array.addresses import shared_dram
from simulator.machines.lut_array.buffering import plan_buffering
from simulator.machines.lut_array.layer import layer_of
from simulator.machines.lut_array.mapped import WrittenLayer
from simulator.machines.lut_array.plan import LayerPlan, plan_layers
from simulator.machines.lut_array.ports import shared_ports
from simulator.machines.lut_array.units import section_of
from simulator.machines.lut_array.vocabulary import KINDS, UNITS, rates_of, start_tokens
from simulator.machines.lut_array.weights import loaded_for
from simulator.program import Program
from simulator.progress import Progress, counted
from simulator.workload import Workload


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """A program and the choices behind it."""

    layers: tuple[WrittenLayer, ...]
    program: Program

    @property
    def commands(self) -> int:
        """Commands of the program, written out."""
        return self.program.commands

    @property
    def but_for_rates(self) -> Hashable:
        """Its sections: equal shapes share one."""
        return tuple(id(section) for section in self.program.sections)


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
            than the store of a PE, or the DRAM table is wrong or too small.

    """
    plans = plan_layers(workload, hardware)
    watched = counted(progress, f"mapping {workload.name}", plans)
    rateless = _without_rates(hardware)
    layers = tuple(_mapped(plan, rateless) for plan in watched)
    program = Program(
        units=UNITS,
        kinds=KINDS,
        channels=start_tokens(hardware),
        sections=tuple(layer.section for layer in layers),
        names=tuple(layer.name for layer in workload.layers),
        rates=rates_of(hardware),
        dram=shared_dram(layers, hardware),
        ports=shared_ports(layers, hardware),
    )
    return Mapping(layers=layers, program=program)


def _mapped(plan: LayerPlan, rateless: Hardware) -> WrittenLayer:
    """Map a layer; layers that differ in names and rates alone share a section."""
    layer = replace(plan.layer, name="", stage="")
    try:
        kept = _kept(replace(plan, layer=layer, hardware=rateless))
    except InputError:
        _written(plan)  # raises the error with the layer's name
        raise
    return replace(kept, plan=plan)


def _without_rates(hardware: Hardware) -> Hardware:
    """Return the hardware with a fixed name, clock and rates, which no section depends on.

    A section is written from a plan with this hardware. It therefore cannot depend on them, and
    everything else is part of its key.
    """
    memory = hardware.memory
    return structs.replace(
        hardware,
        name="",
        clock_ghz=1.0,
        links=(),
        memory=structs.replace(
            memory,
            dram=structs.replace(memory.dram, bytes_per_cycle=1.0, latency_cycles=0),
            index_buffer=structs.replace(memory.index_buffer, bytes_per_cycle=1.0),
        ),
    )


@lru_cache(maxsize=1024)
def _kept(plan: LayerPlan) -> WrittenLayer:
    """A mapped layer, kept for the next layer, or the next run, with an equal plan."""
    return _written(plan)


def _written(plan: LayerPlan) -> WrittenLayer:
    weights, buffering = loaded_for(plan), plan_buffering(plan)
    section = section_of(layer_of(plan, weights, buffering))
    return WrittenLayer(plan=plan, weights=weights, inputs=buffering.scheme, section=section)
