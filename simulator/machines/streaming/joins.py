"""Words of the FIFOs in front of joins: the fewest with which no path of a join stops another.

A path with a sliding-window unit returns its first word only after many words of its input. Until
then the other paths of the join must hold theirs. Counts alone decide how many.
"""

from collections.abc import Callable

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.streaming.fifos import Fifo
from simulator.machines.streaming.stages import (
    Concat,
    FetchAdd,
    MatrixVector,
    Mover,
    SharedDots,
    Stage,
)


def join_depths(stages: tuple[Stage, ...]) -> dict[str, int]:
    """Return the words of the FIFOs of units with several inputs, by FIFO.

    Args:
        stages: the units, in order.

    """
    needs: dict[Fifo, Ints] = {}
    found: dict[str, int] = {}
    for stage in stages:
        if stage.sources and all(one in needs for one in stage.sources):
            if len(stage.sources) > 1:
                found |= _depths(stage, needs)
            for target in _written(stage):
                needs[target] = _through(stage, target, needs)
        elif not stage.sources:
            for target in _written(stage):
                needs[target] = (
                    needs[stage.banks][_filled(stage)]  # type: ignore[attr-defined]
                    if isinstance(stage, FetchAdd)
                    else np.arange(1, target.words + 1)
                )
    return found


def _written(stage: Stage) -> tuple[Fifo, ...]:
    return (stage.banks,) if isinstance(stage, SharedDots) else stage.targets


def _depths(stage: Stage, needs: dict[Fifo, Ints]) -> dict[str, int]:
    """Return the words that each input of a join holds while it waits for the others."""
    if isinstance(stage, Concat):
        rates = stage.words
    else:
        rates = (1,) * len(stage.sources)
    steps = stage.sources[0].words // rates[0]
    ready = np.max(
        [needs[one][rate - 1 :: rate] for one, rate in zip(stage.sources, rates, strict=True)],
        axis=0,
    )
    found = {}
    for one, rate in zip(stage.sources, rates, strict=True):
        arrived = np.searchsorted(needs[one], ready, side="right")
        found[one.name] = int((arrived - rate * np.arange(steps)).max()) + 1
    return found


def _through(stage: Stage, target: Fifo, needs: dict[Fifo, Ints]) -> Ints:
    """Return the image words that each word of a FIFO needs, from those of a unit's inputs."""
    if isinstance(stage, Concat):
        ends = [
            np.maximum.accumulate(needs[one]).reshape(stage.pixels, words)
            for one, words in zip(stage.sources, stage.words, strict=True)
        ]
        return np.maximum.accumulate(np.concatenate(ends, axis=1).ravel())
    read = _read_by(stage)(target.words)
    return np.max([needs[one][read - 1] for one in stage.sources], axis=0)


def _read_by(stage: Stage) -> Callable[[int], Ints]:
    """Return the words that a unit has read of its input when it writes its n-th word."""
    if isinstance(stage, Mover):
        return lambda _: _of_pattern(stage)
    if isinstance(stage, MatrixVector):
        folds, words = stage.neuron_folds, stage.synapse_folds
        return lambda count: (np.arange(count) // folds + 1) * words
    return lambda count: np.arange(1, count + 1)


def _filled(stage: FetchAdd) -> Ints:
    outputs = stage.pixels * stage.neuron_folds
    return (np.arange(outputs) // stage.neuron_folds + 1) * stage.tables - 1


def _of_pattern(stage: Mover) -> Ints:
    """Words read, at the least one, when a unit with a pattern writes each of its words."""
    times, reads, writes = [], [], []
    for often, turns in stage.later_turns:
        for turn in turns * often:
            times.append(turn.times)
            reads.append(turn.reads)
            writes.append(turn.writes)
    often = np.array(times)
    read = np.cumsum(np.repeat(np.array(reads), often))
    return np.maximum(read[np.repeat(np.array(writes), often)], 1)
