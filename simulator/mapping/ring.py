"""The index buffer as a ring over the whole run: which chunk must leave before each load."""

from collections.abc import Sequence
from functools import cache
from itertools import accumulate, pairwise

import numpy as np

from simulator.columns import Ints
from simulator.compiling import Compiled, Memory, memory_of
from simulator.mapping.weights import WeightLoads


def room_ages_of(loads: Sequence[WeightLoads], room: int, compiled: bool) -> tuple[Ints, ...]:
    """For every layer's loads the age of the chunk that must leave a buffer of `room` bytes.

    Args:
        loads: of every layer.
        room: bytes of the buffer.
        compiled: compiled or interpreted.

    Returns per layer [places] ages, 0 where there is room.

    """
    sizes = [each.bytes for each in loads]
    lasts = [each.last_bytes for each in loads]
    counts, last_counts = list(map(len, sizes)), list(map(len, lasts))
    before = [each.released_before for each in loads]
    heads = np.array([*counts, *last_counts], dtype=np.int64)
    places, scratch = sum(counts), sum(last_counts) + max(counts, default=0)
    parts = [heads, *sizes, *before, *lasts, np.zeros(places + scratch, dtype=np.int64)]
    memory = memory_of(parts, compiled)
    work = _compiled() if compiled else leave
    work(memory, len(loads), room)
    cuts = list(accumulate(counts, initial=len(memory) - places - scratch))
    return tuple(np.array(memory[a:b], dtype=np.int64) for a, b in pairwise(cuts))


def leave(memory: Memory, layers: int, room: int) -> None:
    """Work out all ages.

    Args:
        memory: per layer its loads, per layer its last loads, bytes of all loads, chunks of the
            layer that are released before each, bytes of all last loads, room for the ages, and
            room for the bytes of chunks.
        layers: how many there are.
        room: bytes of the buffer.

    """
    places, last_places = 0, 0
    for layer in range(layers):
        places += memory[layer]
        last_places += memory[layers + layer]
    size = 2 * layers
    released, last = size + places, size + 2 * places
    first = last + last_places
    age, chunks = first, first + places
    held = 0  # chunks of layers before that fill the ring, the newest ones
    for layer in range(layers):
        # The newest chunk that must be gone before a load: it and all later ones exceed the room.
        leaving, within = 0, 0
        for chunk in range(held):
            within += memory[chunks + chunk]
        for load in range(memory[layer]):
            memory[chunks + held + load] = memory[size + load]
            within += memory[size + load]
            while within - memory[chunks + leaving] > room:
                within -= memory[chunks + leaving]
                leaving += 1
            if within > room:
                memory[age + load] = held + memory[released + load] - leaving
        for load in range(memory[layers + layer]):
            memory[chunks + held + load] = memory[last + load]
        held = _keep(memory, chunks, held + memory[layers + layer], room)
        size, released, age = size + memory[layer], released + memory[layer], age + memory[layer]
        last += memory[layers + layer]


def _keep(memory: Memory, chunks: int, count: int, room: int) -> int:
    """Keep the newest chunks, as many as fill the ring; return how many."""
    kept, newer = 0, 0
    while kept < count and newer <= room:
        newer += memory[chunks + count - 1 - kept]
        kept += 1
    for chunk in range(kept):
        memory[chunks + chunk] = memory[chunks + count - kept + chunk]
    return kept


@cache
def _compiled() -> Compiled:
    return Compiled(leave, (_keep,))
