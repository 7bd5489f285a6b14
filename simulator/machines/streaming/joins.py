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
    images = 2 if any(_holds(stage) for stage in stages) else 1  # the next image frees a result
    found: dict[str, int] = {}
    for place, join in enumerate(stages):
        if len(join.sources) < 2:
            continue
        for first in reversed(range(place)):
            if isinstance(fork := stages[first], Fork):
                needs = _needs(fork, stages[first + 1 : place], images)
                if all(one in needs for one in join.sources):
                    found |= _depths(join, needs)
                    break
    return found


def _holds(stage: Stage) -> bool:
    """True if the last result of an image leaves with the next image."""
    if isinstance(stage, MatrixVector):
        return stage.holds
    return isinstance(stage, Mover) and stage.leaves_result


def _needs(fork: Fork, stages: tuple[Stage, ...], images: int) -> Needs:
    """Return the fork's words that the FIFOs on the paths from it need."""
    needs: Needs = {target: np.arange(1, images * target.words + 1) for target in fork.targets}
    for stage in stages:
        inputs = _inputs(stage)
        if inputs and all(one in needs for one in inputs):
            for target in _outputs(stage):
                needs[target] = _through(stage, needs, images)
    return needs


def _inputs(stage: Stage) -> tuple[Fifo, ...]:
    return (stage.banks,) if isinstance(stage, FetchAdd) else stage.sources


def _outputs(stage: Stage) -> tuple[Fifo, ...]:
    return (stage.banks,) if isinstance(stage, SharedDots) else stage.targets


def _depths(join: Stage, needs: Needs) -> dict[str, int]:
    """Return the words that each input of a join holds while the join waits for the others."""
    rates = join.words if isinstance(join, Concat) else (1,) * len(join.sources)
    ends = [needs[one][rate - 1 :: rate] for one, rate in zip(join.sources, rates, strict=True)]
    steps = min(map(len, ends))
    ready: Ints = np.max([end[:steps] for end in ends], axis=0)
    found = {}
    for one, rate, end in zip(join.sources, rates, ends, strict=True):
        arrived = np.searchsorted(needs[one], ready, side="right")
        # a pixel of one map of a concatenation waits for another's
        waits = end[:steps] < ready + isinstance(join, Concat)
        held = (arrived - rate * np.arange(steps))[waits]
        found[one.name] = int(held.max(initial=0)) + 1
    return found


def _through(stage: Stage, needs: Needs, images: int) -> Ints:
    """Return the needs of the words that a unit writes, from those of the words that it reads."""
    if isinstance(stage, Concat):
        return _joined(stage, needs)
    read = _words_read(stage, images)
    sources = [needs[one] for one in _inputs(stage)]
    read = read[read <= min(map(len, sources))]
    found: Ints = np.max([source[read - 1] for source in sources], axis=0)
    return found


def _joined(stage: Concat, needs: Needs) -> Ints:
    """Return the needs of the words of a concatenation, pixel by pixel."""
    sources = list(zip(stage.sources, stage.words, strict=True))
    pixels = min(len(needs[one]) // words for one, words in sources)
    parts = [needs[one][: pixels * words].reshape(pixels, words) for one, words in sources]
    joined: Ints = np.maximum.accumulate(np.concatenate(parts, axis=1).ravel())
    return joined


def _words_read(stage: Stage, images: int) -> Ints:
    """[words written] words that a unit has read of its input when it writes each word."""
    if isinstance(stage, Mover):
        return _of_pattern(stage, images)
    if isinstance(stage, SharedDots):
        return np.arange(1, images * stage.banks.words + 1)
    assert isinstance(stage, MatrixVector | FetchAdd)
    of_pixel = stage.synapse_folds if isinstance(stage, MatrixVector) else stage.tables
    fold = np.arange(images * stage.pixels * stage.neuron_folds)
    if not _holds(stage):
        return (fold // stage.neuron_folds + 1) * of_pixel
    pixel, later = np.divmod(fold + 1, stage.neuron_folds)  # the next fold writes the outputs
    return np.where(later, (pixel + 1) * of_pixel, pixel * of_pixel + 1)


def _of_pattern(stage: Mover, images: int) -> Ints:
    lists = [*stage.turns, *((images - 1) * [*stage.later_turns])]
    turns = [turn for often, each in lists for turn in each * often]
    often = np.array([turn.times for turn in turns])
    reads = np.cumsum(np.repeat(np.array([turn.reads for turn in turns]), often))
    writes = np.repeat(np.array([turn.writes for turn in turns]), often)
    read: Ints = np.maximum(reads[writes], 1)  # a unit that pads writes words before it reads
    return read
