"""The pipeline unit by unit: each function is the loop of one operator.

A unit moves at most one word of every FIFO per cycle. It stalls as a whole while a FIFO that it
reads is empty or a FIFO that it writes is full. docs/streaming.md names the source of every loop.
"""

from collections.abc import Callable

from simulator.machines.streaming.fifos import moves
from simulator.machines.streaming.stages import (
    Add,
    Concat,
    Dma,
    FetchAdd,
    Fork,
    MatrixVector,
    Mover,
    SharedDots,
    Stage,
    Weights,
)
from simulator.program import Body, Runs, Writer, write


def times(count: int) -> Runs[None]:
    """Return the items of a loop whose iterations are all the same."""
    return Runs([(count, None)] if count else [])


def dma(unit: Dma, do: Writer) -> None:
    """Move an image between DRAM and a stream, word by word."""
    for _ in do.each(times(unit.images)):
        for _ in do.each(times(unit.words)):
            do(unit.work(bytes=unit.word_bytes, **moves(unit.sources, unit.targets)))


def mover(unit: Mover, do: Writer) -> None:
    """Read and write words in the unit's pattern."""
    for _ in do.each(times(unit.images)):
        for turns in do.each(unit.turns):
            for turn in turns:
                reads = unit.sources if turn.reads else ()
                writes = unit.targets if turn.writes else ()
                for _ in do.each(times(turn.times)):
                    do(unit.work(cycles=1, **moves(reads, writes)))


def fork(unit: Fork, do: Writer) -> None:
    """Copy every word to all targets at once."""
    for _ in do.each(times(unit.images)):
        for _ in do.each(times(unit.words)):
            do(unit.work(cycles=1, **moves(unit.sources, unit.targets)))


def add(unit: Add, do: Writer) -> None:
    """Read a word of every map and write their sum."""
    for _ in do.each(times(unit.images)):
        for _ in do.each(times(unit.words)):
            do(unit.work(cycles=1, **moves(unit.sources, unit.targets)))


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
    """Take a window for the first fold of outputs and keep it for the others.

    The last cycle of a fold writes its outputs, through the thresholds.
    """
    folds = unit.synapse_folds - 1
    weight = [] if unit.weights is None else [unit.weights]
    for _ in do.each(times(unit.images)):
        for _ in do.each(times(unit.pixels)):
            for number in do.each(Runs([(1, 0), *_more(unit.neuron_folds - 1)])):
                window = unit.sources if number == 0 else ()
                for first in do.each(Runs([(min(folds, 1), True), (max(folds - 1, 0), False)])):
                    reads = [*window, *(weight if first else [])]
                    do(unit.work(cycles=1, pes=unit.pes, **moves(reads)))
                reads = [*window, *([] if folds else weight)]
                do(unit.work(cycles=1, pes=unit.pes, **moves(reads, unit.targets)))


def _more(count: int) -> list[tuple[int, int]]:
    return [(count, 1)] if count else []


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
    rest = unit.neuron_folds - 1
    for _ in do.each(times(unit.images)):
        for _ in do.each(times(unit.pixels)):
            for _ in do.each(times(unit.tables - 1)):
                do(unit.work(cycles=unit.neuron_folds, pes=unit.pes, **moves([unit.banks])))
            for last in do.each(Runs([*([(rest, False)] if rest else []), (1, True)])):
                _ = last
                do(unit.work(cycles=1, pes=unit.pes, **moves([], unit.targets)))


PROGRAMS: dict[type[Stage], Callable[..., None]] = {
    Dma: dma,
    Fork: fork,
    Add: add,
    Concat: concat,
    Weights: weights,
    MatrixVector: matrix_vector,
    SharedDots: shared_dots,
    FetchAdd: fetch_add,
}


def program_of(unit: Stage, *, plain: bool = False) -> Body:
    """Return a unit's program; `plain` is without loops, see `Writer`."""
    function = next((PROGRAMS[kind] for kind in PROGRAMS if isinstance(unit, kind)), mover)
    return write(function, unit, plain=plain)
