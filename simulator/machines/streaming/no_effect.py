"""Reasons why a changed key of the hardware file has no effect."""

from simulator.dram.section import DRAM_TABLE_KEYS
from simulator.machines.family import Change, Ran
from simulator.machines.streaming.mapped import MappedStage
from simulator.machines.streaming.schema import Streaming
from simulator.program.fifos import fifos_of
from simulator.workload import Layer

_FIFOS = frozenset({"fifos.depth", "fifos.depths", "fifos.joins", "fifos.limit"})


def why_no_effect(change: Change[MappedStage]) -> str | None:
    """Return why a key leaves all cycles as they are, as a clause; None: no known reason.

    Args:
        change: the change of the key.

    """
    hardware = change.after[0].mapping.hardware
    assert isinstance(hardware, Streaming)
    runs = (*change.after, *change.before)
    section, _, last = change.key.rpartition(".")
    if change.key == "name":
        return "it is only a label"
    if change.key == "memory.dram.burst_bytes":
        return "a pipeline moves words of memory.word_bits, not bursts"
    if section == "memory.dram" and last in DRAM_TABLE_KEYS:
        return "it applies only with a DRAM table, which a pipeline cannot have"
    return _of_layers(change.key, runs) or _of_folds(change) or _of_fifos(change.key, runs)


def _of_layers(key: str, runs: tuple[Ran[MappedStage], ...]) -> str | None:
    """Return that the network lacks the layers that a key concerns."""
    layers = [mapped.layer for run in runs for mapped in run.mapping.layers]
    weighted = [layer for layer in layers if isinstance(layer, Layer)]
    if key == "full_precision.bits" and not any(layer.full_precision for layer in weighted):
        return "the run has no full-precision layer"
    if key == "shared_kernels" and all(layer.tau is None for layer in weighted):
        return "the run has no sub-bit layer"
    return None


def _of_folds(change: Change[MappedStage]) -> str | None:
    """Return that every stage has the same parallelism before and after."""
    if not change.key.startswith("folding."):
        return None
    now, then = (_folds(runs) for runs in (change.after, change.before))
    return "every stage has the same pe, simd and dots at both values" if now == then else None


def _folds(runs: tuple[Ran[MappedStage], ...]) -> list[object]:
    stages = (mapped for run in runs for mapped in run.mapping.layers)
    return [one.plan.fold for one in stages if isinstance(one, MappedStage) and one.plan]


def _of_fifos(key: str, runs: tuple[Ran[MappedStage], ...]) -> str | None:
    """Return that no FIFO is full, or that those that are full delay no result."""
    if key not in _FIFOS:
        return None
    if all(_depths(run) == _depths(runs[0]) for run in runs):
        return "every FIFO has the same words at both values"
    if not any(_waits_for_space(run) for run in runs):
        return "no unit waits for space in a FIFO"
    return "the FIFOs that are full delay no unit of the critical path"


def _depths(run: Ran[MappedStage]) -> list[int]:
    return [fifo.depth for fifo in fifos_of(run.mapping.program).values()]


def _waits_for_space(run: Ran[MappedStage]) -> bool:
    program = run.mapping.program
    channels = list(program.channels)
    spaces = [channels.index(fifo.space) for fifo in fifos_of(program).values()]
    return bool(run.summary.waits[:, :, spaces].any())
