"""Notes on a run of a pipeline: unknown names, words with empty bits, tables without a gain."""

from collections.abc import Iterator

from simulator.base.wording import layers_phrase
from simulator.machines.family import Ran
from simulator.machines.streaming.mapped import MappedStage
from simulator.machines.streaming.schema import Streaming
from simulator.machines.streaming.stages import Weights
from simulator.program.fifos import fifos_of
from simulator.workload import Layer


def notes(run: Ran[MappedStage]) -> Iterator[str]:
    """Yield notes for the reader of a run."""
    stages = [one for one in run.mapping.layers if isinstance(one, MappedStage) and one.plan]
    names = [one.layer.name for one in run.mapping.weighted]
    if large := [one.layer.name for one in stages if _table_saves_nothing(one)]:
        phrase = layers_phrase(large, names)
        yield (
            f"The subset of {phrase.text} has at least as many kernels as outputs: a table of "
            "shared dot products saves none."
        )
    if partial := [one.layer.name for one in stages if _has_empty_bits(one)]:
        phrase = layers_phrase(partial, [one.layer.name for one in stages])
        yield f"The last word of a pixel is not full in streams to {phrase.text}."
    hardware = run.mapping.hardware
    assert isinstance(hardware, Streaming)
    yield from _unknown_names(run, hardware, {one.layer.name for one in stages})
    if hardware.memory.weights == "streamed":
        moved = sum(_weight_bytes(one) for one in stages)
        yield (
            f"Weights come from DRAM again for every output pixel: {moved / 1e6:,.1f} MB per "
            "image (memory.weights)."
        )


def _unknown_names(run: Ran[MappedStage], hardware: Streaming, stages: set[str]) -> Iterator[str]:
    """Yield the names in the hardware file that this pipeline does not have."""
    fifos = set(fifos_of(run.mapping.program))
    for key, names, known, what in (
        ("folding.layers", hardware.folding.layers, stages, "stage"),
        ("fifos.widths", hardware.fifos.widths, stages, "stage"),
        ("fifos.depths", hardware.fifos.depths, stages | fifos, "stage or FIFO"),
    ):
        if unknown := [name for name in names if name not in known]:
            yield f"{key} names no {what} of this network in {', '.join(unknown)}."


def _table_saves_nothing(one: MappedStage) -> bool:
    layer, plan = one.layer, one.plan
    assert plan is not None
    if not isinstance(layer, Layer) or not plan.shape.shared:
        return False
    return layer.subset_size >= layer.out_channels // layer.groups


def _has_empty_bits(one: MappedStage) -> bool:
    """True if a pixel leaves bits of a word in front of the stage empty."""
    plan = one.plan
    assert plan is not None
    bits = plan.shape.source.channels * plan.shape.in_bits
    return any(bits % plan.in_bits and fifo.bits == plan.in_bits for fifo in one.stages[0].sources)


def _weight_bytes(one: MappedStage) -> int:
    return sum(stage.folds * stage.fold_bytes for stage in one.stages if isinstance(stage, Weights))
