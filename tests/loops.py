"""Programs with loops, written by hand."""

from typing import NamedTuple

import numpy as np

from simulator.loops import END, FIELDS, LOOP, WAITS, LayerLoops, Machine, count, wait_on


class Op(NamedTuple):
    """A row of `LayerLoops.ops`."""

    kind: int
    pes: int = 0
    cycles: int = 0
    bytes: int = 0
    waits: tuple[tuple[int, int], ...] = ()
    """(signal, age) pairs."""
    posts: tuple[int, ...] = ()
    room: int = -1


class Loop(NamedTuple):
    """A body that runs several times."""

    turns: int
    body: "Body"


Body = tuple["int | Loop", ...]
"""Numbers of operations, and loops."""


def layer_of(machine: Machine, ops: tuple[Op, ...], body: Body) -> LayerLoops:
    """A layer with these operations in this order."""
    loops: dict[Loop, int] = {}
    what = _written(body, loops)
    turns = [loop.turns for loop in loops]
    memory = [*what, *turns, *[0] * len(ops), *[0] * len(loops)]
    times = len(what) + len(turns)
    count(memory, 0, len(what), len(what), times, times + len(ops))
    return LayerLoops(
        machine,
        np.array([_row(op) for op in ops], dtype=np.int64),
        np.array(what, dtype=np.int64),
        np.array(turns, dtype=np.int64),
        np.array(memory[times : times + len(ops)], dtype=np.int64),
    )


def _written(body: Body, loops: dict[Loop, int]) -> list[int]:
    what: list[int] = []
    for item in body:
        if isinstance(item, int):
            what.append(item)
        else:
            inside = _written(item.body, loops)
            number = loops.setdefault(item, len(loops))
            what += [LOOP - number, *inside, END]
    return what


def _row(op: Op) -> list[int]:
    posts = sum(1 << signal for signal in op.posts)
    waits = [wait_on(signal, age) for signal, age in op.waits]
    row = [op.kind, op.pes, op.cycles, op.bytes, op.room, posts, *waits]
    assert len(row) <= FIELDS
    assert len(row) - len(waits) == WAITS
    return row + [0] * (FIELDS - len(row))
