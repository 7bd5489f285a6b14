"""Words of the FIFOs in front of joins: the fewest with which no path of a join stops another.

A path with a sliding-window unit returns its first word only after many words of its input. Until
then, the other paths from the same fork must hold theirs. Counts alone decide how many: a FIFO
holds the words that arrive before the join can take them, while the fork passes on as many words as
the latest path needs.
"""

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.streaming.fifos import Fifo
from simulator.machines.streaming.stages import (
    Concat,
    FetchAdd,
    Fork,
    MatrixVector,
    Mover,
    SharedDots,
    Stage,
)

Needs = dict[Fifo, Ints]
"""[words] words that a fork must have passed on before a FIFO gets each of its words."""


def join_depths(stages: tuple[Stage, ...]) -> dict[str, int]:
    """Return the words of the FIFOs of units with several inputs, by FIFO.

    Args:
        stages: the units, in order.

    """
    found: dict[str, int] = {}
    for place, join in enumerate(stages):
        if len(join.sources) < 2:
            continue
        for first in reversed(range(place)):
            if isinstance(fork := stages[first], Fork):
                needs = _needs(fork, stages[first + 1 : place])
                if all(one in needs for one in join.sources):
                    found |= _depths(join, needs)
                    break
    return found


def _needs(fork: Fork, stages: tuple[Stage, ...]) -> Needs:
    """Return the fork's words that the FIFOs on the paths from it need."""
    needs: Needs = {target: np.arange(1, target.words + 1) for target in fork.targets}
    for stage in stages:
        inputs = _inputs(stage)
        if inputs and all(one in needs for one in inputs):
            for target in _outputs(stage):
                needs[target] = _through(stage, needs)
    return needs


def _inputs(stage: Stage) -> tuple[Fifo, ...]:
    return (stage.banks,) if isinstance(stage, FetchAdd) else stage.sources


def _outputs(stage: Stage) -> tuple[Fifo, ...]:
    return (stage.banks,) if isinstance(stage, SharedDots) else stage.targets


def _depths(join: Stage, needs: Needs) -> dict[str, int]:
    """Return the words that each input of a join holds while the join waits for the others."""
    rates = join.words if isinstance(join, Concat) else (1,) * len(join.sources)
    ends = [needs[one][rate - 1 :: rate] for one, rate in zip(join.sources, rates, strict=True)]
    ready: Ints = np.max(ends, axis=0)
    found = {}
    for one, rate, end in zip(join.sources, rates, ends, strict=True):
        arrived = np.searchsorted(needs[one], ready, side="right")
        waits = end < ready + isinstance(join, Concat)  # a pixel of one map waits for another's
        held = (arrived - rate * np.arange(len(ready)))[waits]
        found[one.name] = int(held.max(initial=0)) + 1
    return found


def _through(stage: Stage, needs: Needs) -> Ints:
    """Return the needs of the words that a unit writes, from those of the words that it reads."""
    if isinstance(stage, Concat):
        pixels = [
            needs[one].reshape(stage.pixels, words)
            for one, words in zip(stage.sources, stage.words, strict=True)
        ]
        joined: Ints = np.maximum.accumulate(np.concatenate(pixels, axis=1).ravel())
        return joined
    read = _words_read(stage)
    return np.max([needs[one][read - 1] for one in _inputs(stage)], axis=0)  # type: ignore[no-any-return]


def _words_read(stage: Stage) -> Ints:
    """[words written] words that a unit has read of its input when it writes each word."""
    if isinstance(stage, Mover):
        return _of_pattern(stage)
    if isinstance(stage, MatrixVector):
        outputs = np.arange(stage.pixels * stage.neuron_folds)
        return (outputs // stage.neuron_folds + 1) * stage.synapse_folds
    if isinstance(stage, FetchAdd):
        outputs = np.arange(stage.pixels * stage.neuron_folds)
        return (outputs // stage.neuron_folds + 1) * stage.tables
    assert isinstance(stage, SharedDots)
    return np.arange(1, stage.banks.words + 1)


def _of_pattern(stage: Mover) -> Ints:
    turns = [turn for often, each in stage.turns for turn in each * often]
    often = np.array([turn.times for turn in turns])
    reads = np.cumsum(np.repeat(np.array([turn.reads for turn in turns]), often))
    writes = np.repeat(np.array([turn.writes for turn in turns]), often)
    read: Ints = np.maximum(reads[writes], 1)  # a unit that pads writes words before it reads
    return read
