"""The pipeline unit by unit: each function is the loop of one operator.

A unit moves at most one word of every FIFO per cycle. It stalls as a whole while a FIFO that it
reads is empty or a FIFO that it writes is full. docs/streaming.md names the source of every loop.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from simulator.machines.streaming.fifos import Fifo, moves
from simulator.machines.streaming.stages import (
    Concat,
    Dma,
    FetchAdd,
    MatrixVector,
    Mover,
    SharedDots,
    Stage,
    Weights,
)
from simulator.program import Body, Command, Runs, Writer, write


def times(count: int) -> Runs[None]:
    """Return the items of a loop whose iterations are all the same."""
    return Runs([(count, None)] if count else [])


def first_and_others(count: int) -> Runs[bool]:
    """Return the items of a loop whose first iteration differs: True for the first."""
    found = ((min(count, 1), True), (count - 1, False))
    return Runs([(often, first) for often, first in found if often > 0])


class End(NamedTuple):
    """An iteration of a loop whose first and last iterations differ."""

    first: bool
    last: bool


def ends(count: int) -> Runs[End]:
    """Return the items of a loop whose first and last iterations differ."""
    return Runs.of([End(number == 0, number == count - 1) for number in range(count)])


def dma(unit: Dma, do: Writer) -> None:
    """Move an image between DRAM and a stream, word by word."""
    for _ in do.each(times(unit.images)):
        for _ in do.each(times(unit.words)):
            do(unit.work(bytes=unit.word_bytes, **moves(unit.sources, unit.targets)))


def mover(unit: Mover, do: Writer) -> None:
    """Read and write words in the unit's pattern, and a result that is left after all images."""
    for first in do.each(first_and_others(unit.images)):
        for turns in do.each(unit.turns if first else unit.later_turns):
            for turn in turns:
                reads = unit.sources if turn.reads else ()
                writes = unit.targets if turn.writes else ()
                for _ in do.each(times(turn.times)):
                    do(unit.work(cycles=1, **moves(reads, writes)))
    if unit.leaves_result:
        do(unit.work(cycles=1, **moves(writes=unit.targets)))


def concat(unit: Concat, do: Writer) -> None:
    """Pass the words of a pixel of one map after those of another."""
    for _ in do.each(times(unit.images)):
        for _ in do.each(times(unit.pixels)):
            for source, words in zip(unit.sources, unit.words, strict=True):
                for _ in do.each(times(words)):
                    do(unit.work(cycles=1, **moves([source], unit.targets)))


def weights(unit: Weights, do: Writer) -> None:
    """Stream the weights of every neuron fold from DRAM."""
    for _ in do.each(times(unit.images)):
        for _ in do.each(times(unit.folds)):
            do(unit.work(bytes=unit.fold_bytes, **moves(writes=unit.targets)))


def matrix_vector(unit: MatrixVector, do: Writer) -> None:
    """Take a window for the first fold of outputs and keep it for the other folds.

    The last cycle of a fold writes its outputs, through the thresholds.
    """
    words = unit.synapse_folds
    for _ in do.each(times(unit.images)):
        for _ in do.each(times(unit.pixels)):
            for takes_window in do.each(first_and_others(unit.neuron_folds)):
                if takes_window:
                    for first in do.each(first_and_others(words - 1)):
                        do(step(unit, reads=unit.sources, weights=first))
                    do(step(unit, reads=unit.sources, weights=words == 1, writes=unit.targets))
                else:
                    if words > 1:
                        do(step(unit, words - 1, weights=True))
                    do(step(unit, weights=words == 1, writes=unit.targets))


def matrix_vector_held(unit: MatrixVector, do: Writer) -> None:
    """Do the same, but the first cycle of a fold writes the outputs of the fold before it."""
    words = unit.synapse_folds
    for first_image in do.each(first_and_others(unit.images)):
        for first_pixel in do.each(first_and_others(unit.pixels)):
            for takes_window in do.each(first_and_others(unit.neuron_folds)):
                begins = first_image and first_pixel and takes_window
                results = () if begins else unit.targets
                if takes_window:
                    do(step(unit, reads=unit.sources, weights=True, writes=results))
                    for _ in do.each(times(words - 1)):
                        do(step(unit, reads=unit.sources))
                else:
                    do(step(unit, weights=True, writes=results))
                    if words > 1:
                        do(step(unit, words - 1))
    do(step(unit, writes=unit.targets))


def step(
    unit: MatrixVector,
    cycles: int = 1,
    *,
    reads: Sequence[Fifo] = (),
    weights: bool = False,
    writes: Sequence[Fifo] = (),
) -> Command:
    """Return a command of the PEs; with `weights`, the first of a fold, if they are streamed."""
    streamed = [unit.weights] if weights and unit.weights is not None else []
    return unit.work(cycles=cycles, pes=unit.pes, **moves([*reads, *streamed], writes))


def shared_dots(unit: SharedDots, do: Writer) -> None:
    """Take the windows of some input kernels and fill a bank with their dot products."""
    for _ in do.each(times(unit.images)):
        for _ in do.each(times(unit.pixels * unit.tables)):
            do(
                unit.work(
                    cycles=unit.fill_cycles,
                    pes=unit.pes,
                    **moves(unit.sources, [unit.banks]),
                )
            )


def fetch_add(unit: FetchAdd, do: Writer) -> None:
    """Add an entry of every table to every output; outputs leave with the last table."""
    for _ in do.each(times(unit.images)):
        for _ in do.each(times(unit.pixels)):
            for _ in do.each(times(unit.tables - 1)):
                do(unit.work(cycles=unit.neuron_folds, pes=unit.pes, **moves([unit.banks])))
            for fold in do.each(ends(unit.neuron_folds)):
                taken = [fold.first and unit.banks.items, unit.target.space]
                given = [fold.last and unit.banks.space, unit.target.items]
                do(unit.work(cycles=1, pes=unit.pes, takes=taken, gives=given))


_PROGRAMS: dict[type[Stage], Callable[..., None]] = {
    Dma: dma,
    Mover: mover,
    Concat: concat,
    Weights: weights,
    MatrixVector: matrix_vector,
    SharedDots: shared_dots,
    FetchAdd: fetch_add,
}


def program_of(unit: Stage, *, plain: bool = False) -> Body:
    """Return a unit's program; `plain` is without loops, see `Writer`."""
    function = next(_PROGRAMS[kind] for kind in type(unit).__mro__ if kind in _PROGRAMS)
    if isinstance(unit, MatrixVector) and unit.holds:
        function = matrix_vector_held
    return write(function, unit, plain=plain)
