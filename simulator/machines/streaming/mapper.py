"""From a network and a hardware file to a program: one section for all stages."""

from simulator.base.progress import Progress, counted
from simulator.machines.family import Mapping
from simulator.machines.streaming.build import Pipeline, pipeline_of
from simulator.machines.streaming.deadlock import require_no_deadlock
from simulator.machines.streaming.joins import join_depths
from simulator.machines.streaming.mapped import MappedStage
from simulator.machines.streaming.network import Network
from simulator.machines.streaming.programs import program_of_pipeline
from simulator.machines.streaming.schema import Streaming
from simulator.program import Program, Section
from simulator.workload import Workload
from simulator.workload.vector_layer import AnyLayer


def map_workload(
    workload: Workload, hardware: Streaming, progress: Progress | None = None
) -> Mapping[MappedStage]:
    """Map a configured workload onto a pipeline.

    Args:
        workload: a configured workload in scope `network`.
        hardware: the pipeline.
        progress: called once for every layer.

    Raises:
        InputError: a layer has no stage, no fold of a layer is fast enough, or the FIFO of a join
            is too small.

    """
    network = Network(workload, hardware)
    built = built_with_joins(network)
    program = program_of_pipeline(built, workload, hardware)
    layers = counted(progress, f"mapping {workload.name}", workload.all_layers)
    return Mapping(
        hardware=hardware,
        layers=tuple(_mapped(layer, network, built, program) for layer in layers),
        program=program,
    )


def built_with_joins(network: Network) -> Pipeline:
    """Build the pipeline of a network, with the FIFOs that its joins need.

    Raises:
        InputError: the FIFO of a join is too small.

    """
    built = pipeline_of(network)
    if all(len(stage.sources) < 2 for stage in built.stages):
        return built
    enough = join_depths(built.stages)
    built = pipeline_of(network, enough)
    require_no_deadlock(network, built, enough)
    return built


def _mapped(layer: AnyLayer, network: Network, built: Pipeline, program: Program) -> MappedStage:
    stages = tuple(stage for stage in built.stages if stage.layer == layer.name)
    (section,) = program.sections
    return MappedStage(
        layer=layer,
        plan=built.plans.get(layer.name),
        batch=network.workload.batch,
        activation_bits=network.maps.read_bits(layer),
        section=Section({stage.unit: section.bodies[stage.unit] for stage in stages}),
        stages=stages,
        first_unit=built.stages.index(stages[0]) if stages else 0,
    )
