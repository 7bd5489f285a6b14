"""A layer as the kernels run it: what operations wait for and post, what loops may change.

The work can be compiled (`simulator.compiling`).
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from simulator.columns import Ints
from simulator.compiling import Compiled, Memory, memory_of, records_of
from simulator.engine.kernel import Code
from simulator.engine.layout import Layout
from simulator.loops import (
    END,
    FIELDS,
    KIND,
    LOOP,
    POSTS,
    ROOM,
    WAITS,
    LayerLoops,
    LoopBody,
    Machine,
    RateColumns,
    age_of,
    signal_of,
)

ALL = 1 << 60
"""More posts than any ring keeps."""
FEWEST = 4
"""Turns that a jump does not save: one to get going, two that agree, one at the far end."""
WORTH = 16
"""Instructions that a jump must save to be worth the watching (benchmarks: 10 to 40 are alike)."""


class Places(NamedTuple):
    """How much there is of everything, and where in memory it begins."""

    length: int
    """Instructions."""
    loops: int
    ops: int
    units: int
    signals: int
    room_signal: int
    """`Machine.room`."""
    # --- fields of `simulator.engine.kernel.Code`
    what: int
    turns: int
    watched: int
    scalars_from: int
    scalars: int
    signals_from: int
    signal: int
    posts: int
    needs: int
    unit: int
    room: int
    waits_from: int
    wait_signal: int
    wait_age: int
    posts_from: int
    post_signal: int
    # --- the rest
    table: int
    """[ops, FIELDS] `LayerLoops.ops`"""
    times: int
    """[ops] `LayerLoops.times`"""
    unit_of: int
    """[kinds] `Machine.unit_of`"""
    lasting: int
    """[signals] 1: it lasts between layers."""
    posted: int
    """[signals] how often the layer posts it."""
    reach: int
    """[signals] the greatest age that the layer waits for."""
    depth: int
    """How deep loops are nested."""
    begin: int
    """[loops] where each is to be found in `what`."""
    touched: int
    """[units] 1: the loop at hand uses it."""
    inside: int
    """[signals] how often a turn of the loop at hand posts it,"""
    back: int
    """[signals] and how far the loop looks back."""
    around: int
    """[loops] of loops around one within the loop at hand: how often it comes in a turn."""
    behind: int


def places_of(layer: LayerLoops, begin: int = 0) -> tuple[Places, list[Ints]]:
    """Lay out the memory that a layer needs, from `begin` on; what is known is filled in."""
    machine = layer.machine
    length, loops, ops = len(layer.what), len(layer.turns), len(layer.ops)
    units, signals = len(machine.units), machine.signals
    waits = ops * (FIELDS - WAITS)
    sizes = [
        loops, loops + 1, loops * (1 + 2 * units), loops + 1, loops * signals, loops * signals,
        loops * signals, ops, ops, ops + 1, waits, waits, ops + 1, ops * signals,
    ]  # fmt: skip
    unit_of, lasting = _numbers_of(machine)
    parts = [
        layer.what, layer.turns, np.zeros(sum(sizes), dtype=np.int64), layer.ops.ravel(),
        layer.times, unit_of, lasting,
        np.zeros(4 * signals + 1 + 2 * loops + units, dtype=np.int64),
    ]  # fmt: skip
    counts = [
        length, loops, *sizes, ops * FIELDS, ops, len(unit_of), signals, signals, signals, 1, loops,
        units, signals, signals, loops,
    ]  # fmt: skip
    places = accumulate(counts, initial=begin)
    return Places(length, loops, ops, units, signals, int(machine.room), *places), parts


@lru_cache(maxsize=8)
def _numbers_of(machine: Machine) -> tuple[Ints, Ints]:
    """[kinds] units; [signals] whether they last."""
    return np.array(machine.unit_of, dtype=np.int64), np.array(machine.lasts, dtype=np.int64)


def prepare(at: Places, memory: Memory) -> None:
    """Work out what `Code` has and `LayerLoops` has not."""
    _count_posts(at, memory)
    for op in range(at.ops):
        row = at.table + FIELDS * op
        memory[at.unit + op] = memory[at.unit_of + memory[row + KIND]]
        memory[at.room + op] = memory[row + ROOM]
        _list_signals(at, memory, op)
    depth = 0
    for place in range(at.what, at.what + at.length):
        op = memory[place]
        if op == END:
            depth -= 1
        elif op < 0:
            depth += 1
            memory[at.depth] = max(memory[at.depth], depth)
            memory[at.begin + LOOP - op] = place
    for loop in range(at.loops):
        _list_changes(at, memory, loop)


def _count_posts(at: Places, memory: Memory) -> None:
    """How often the layer posts each signal."""
    for op in range(at.ops):
        posts = memory[at.table + FIELDS * op + POSTS]
        for signal in range(at.signals):
            if posts >> signal & 1:
                memory[at.posted + signal] += memory[at.times + op]


def _list_signals(at: Places, memory: Memory, op: int) -> None:
    """What an operation posts and waits for, unless it looks back further than there are posts."""
    row = at.table + FIELDS * op
    count = memory[at.waits_from + op]
    for place in range(row + WAITS, row + FIELDS):
        wait = memory[place]
        if wait == 0:
            continue
        signal, age = signal_of(wait), age_of(wait)
        if memory[at.lasting + signal] or age <= memory[at.posted + signal]:
            memory[at.wait_signal + count] = signal
            memory[at.wait_age + count] = age
            memory[at.reach + signal] = max(age, memory[at.reach + signal])
            count += 1
    memory[at.waits_from + op + 1] = count
    count = memory[at.posts_from + op]
    posts = memory[row + POSTS]
    for signal in range(at.signals):
        if posts >> signal & 1:
            memory[at.post_signal + count] = signal
            count += 1
    memory[at.posts_from + op + 1] = count


def _list_changes(at: Places, memory: Memory, loop: int) -> None:
    """What may change in a turn of a loop, if a jump can pay."""
    for unit in range(at.units):
        memory[at.touched + unit] = 0
    for signal in range(at.signals):
        memory[at.inside + signal] = memory[at.back + signal] = 0
    length = _go_through(at, memory, loop)
    scalars = memory[at.scalars_from + loop]
    signals = memory[at.signals_from + loop]
    if (memory[at.turns + loop] - FEWEST) * length >= WORTH:
        memory[at.watched + loop] = 1
        memory[at.scalars + scalars] = 0
        scalars += 1
        for first in (1, 1 + at.units):  # when units are free; their busy cycles
            for unit in range(at.units):
                if memory[at.touched + unit]:
                    memory[at.scalars + scalars] = first + unit
                    scalars += 1
        for signal in range(at.signals):
            inside = memory[at.inside + signal]
            if inside > 0:
                memory[at.signal + signals] = signal
                memory[at.posts + signals] = inside
                memory[at.needs + signals] = max(inside, memory[at.back + signal])
                signals += 1
    memory[at.scalars_from + loop + 1] = scalars
    memory[at.signals_from + loop + 1] = signals


def _go_through(at: Places, memory: Memory, loop: int) -> int:
    """Note what a turn of a loop does; return how many instructions it has."""
    often, depth = 1, 0
    place = memory[at.begin + loop] + 1
    while depth > 0 or memory[place] != END:
        op = memory[place]
        if op == END:
            depth -= 1
            often = memory[at.around + depth]
        elif op < 0:
            memory[at.around + depth] = often
            depth += 1
            often *= memory[at.turns + LOOP - op]
        else:
            _note(at, memory, op, often)
        place += 1
    return place - memory[at.begin + loop] - 1


def _note(at: Places, memory: Memory, op: int, often: int) -> None:
    """Note what an operation does that comes several times in a turn of a loop."""
    row = at.table + FIELDS * op
    memory[at.touched + memory[at.unit + op]] = 1
    for post in range(memory[at.posts_from + op], memory[at.posts_from + op + 1]):
        memory[at.inside + memory[at.post_signal + post]] += often
    for place in range(row + WAITS, row + FIELDS):
        signal = signal_of(memory[place])
        memory[at.back + signal] = max(age_of(memory[place]), memory[at.back + signal])
    if memory[row + ROOM] >= 0:
        memory[at.back + at.room_signal] = ALL


class Instructions:
    """One layer, interpreted, but for what rates and the state of the index buffer decide."""

    def __init__(self, layer: LayerLoops) -> None:
        """Write the layer down."""
        self.layer = layer
        at, parts = places_of(layer)
        memory = memory_of(parts, compiled=False)
        prepare(at, memory)
        self.depth = memory[at.depth]
        """How deep loops are nested."""
        self.reach = memory[at.reach : at.depth]
        """[signals] the greatest age that the layer waits for."""
        first = Places._fields.index("what")
        cuts = at[first : first + len(Code._fields) - 2]
        self._lists = [memory[a:b] for a, b in pairwise(cuts)]

    def code(self, rates: RateColumns, room_ages: Ints) -> Code:
        """The layer at some rates, as lists."""
        timed = (self.layer.cycles(rates), self.layer.latency(rates), room_ages)
        return Code(*self._lists, *(values.tolist() for values in timed))


@lru_cache(maxsize=1024)
def instructions_of(layer: LayerLoops) -> Instructions:
    """Return a layer's instructions, kept for the next run of the same layer."""
    return Instructions(layer)


class Prepared:
    """All layers of a run, compiled; equal ones once."""

    def __init__(self, body: LoopBody) -> None:
        """Write the layers down."""
        layers, self.order = body.distinct
        places, parts, begin = list[Places](), list[Ints](), 0
        for layer in layers:
            at, more = places_of(layer, begin)
            places.append(at)
            parts += more
            begin = at.behind
        self.memory = np.concatenate(parts)
        self.codes = records_of(places)
        """[layers that differ]"""
        _compiled()(self.codes, self.memory)
        self.ages = np.concatenate(body.room_ages)
        self.ages_from = np.cumsum([0, *map(len, body.room_ages)])
        """[layers + 1] where in `ages` each begins."""
        reach = np.max([self.memory[at.reach : at.depth] for at in places], axis=0).tolist()
        depth = max(int(self.memory[at.depth]) for at in places)
        self.layout = Layout(body, reach, depth)


@lru_cache(maxsize=64)
def prepared(body: LoopBody) -> Prepared:
    """Return a run's layers, kept for the next run of the same layers."""
    return Prepared(body)


def prepare_all(codes: Sequence[Places], memory: Memory) -> None:
    """`prepare` of several layers."""
    for number in range(len(codes)):
        prepare(codes[number], memory)


@cache
def _compiled() -> Compiled:
    parts = (
        signal_of, age_of, _count_posts, _list_signals, _note, _go_through, _list_changes, prepare,
    )  # fmt: skip
    return Compiled(prepare_all, parts)
