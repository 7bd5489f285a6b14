"""From a network and a hardware file to a program: one section, in which all stages work at once."""

from simulator.base.progress import Progress
from simulator.machines.family import Mapping
from simulator.machines.streaming.build import Pipeline, pipeline_of
from simulator.machines.streaming.joins import join_depths
from simulator.machines.streaming.network import Network
from simulator.machines.streaming.schema import Streaming
from simulator.machines.streaming.units import program_of
from simulator.program import Channel, Program, Rate, Section
from simulator.workload import Workload


def pipeline(workload: Workload, hardware: Streaming) -> Pipeline:
    """Build the pipeline of a network, with the FIFOs that its joins need."""
    network = Network(workload, hardware)
    built = pipeline_of(network)
    if all(len(stage.sources) < 2 for stage in built.stages):
        return built
    return pipeline_of(network, join_depths(built.stages))


def program(built: Pipeline, hardware: Streaming) -> Program:
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
        names=("pipeline",),
        rates={"read": Rate(*channel), "write": Rate(channel.bytes_per_cycle)},
        categories=tuple(dict.fromkeys(stage.category for stage in built.stages)),
    )
