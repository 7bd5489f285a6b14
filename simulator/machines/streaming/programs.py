"""From a pipeline to a program: one section, in which all units work at once."""

from simulator.machines.streaming.build import Pipeline
from simulator.machines.streaming.schema import Streaming
from simulator.machines.streaming.units import program_of
from simulator.program import Channel, Program, Rate, Section
from simulator.workload import Workload


def program_of_pipeline(built: Pipeline, workload: Workload, hardware: Streaming) -> Program:
    """Write the program of a pipeline."""
    channels: dict[Channel, int] = {}
    for fifo in built.fifos:
        channels |= {fifo.items: 0, fifo.space: fifo.depth}
    channel = hardware.dma_channel
    return Program(
        units=tuple(stage.unit for stage in built.stages),
        kinds=tuple(stage.work for stage in built.stages),
        channels=channels,
        sections=(Section({stage.unit: program_of(stage) for stage in built.stages}),),
        names=tuple(layer.name for layer in workload.all_layers),
        rates={"read": Rate(*channel), "write": Rate(channel.bytes_per_cycle)},
        categories=tuple(dict.fromkeys(stage.category for stage in built.stages)),
    )
