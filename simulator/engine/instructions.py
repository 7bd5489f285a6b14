"""A layer's loops as the flat instructions that `kernel.run_layer` runs."""

from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate, chain
from typing import NamedTuple

import numpy as np

from simulator.engine.kernel import END, FEWEST, LOOP, NEVER, Code, Frames, Rings
from simulator.loops import Body, LayerLoops, Loop, LoopProgram, RateColumns
from simulator.program import Ints

ALL = 1 << 60
"""More posts than any ring keeps."""


class _Changes(NamedTuple):
    """What sets a loop apart: its turns, and what may change in one."""

    turns: int
    units: tuple[int, ...]
    signals: tuple[tuple[int, int, int], ...]
    """(signal, posts in a turn, how many of its last posts decide what the loop does)"""


class _Writer:
    """Writes bodies down, and for every loop what may change in it."""

    def __init__(self, layer: LayerLoops) -> None:
        """Start with nothing written."""
        self.layer = layer
        self.loops: dict[_Changes, int] = {}
        """Number of each loop."""
        self._written: dict[int, tuple[list[int], int]] = {}
        """By identity: a mapper uses the same loops in many places."""

    def write(self, body: Body) -> tuple[list[int], int]:
        """Return a body's instructions, and how deep its loops are nested."""
        what: list[int] = []
        depth = 0
        for item in body:
            if isinstance(item, int):
                what.append(item)
            else:
                inner, deep = self._loop(item)
                what += inner
                depth = max(depth, deep)
        return what, depth

    def _loop(self, loop: Loop) -> tuple[list[int], int]:
        if id(loop) not in self._written:
            what, depth = self.write(loop.body)
            number = self.loops.setdefault(self._changes(loop), len(self.loops))
            self._written[id(loop)] = [LOOP - number, *what, END], depth + 1
        return self._written[id(loop)]

    def _changes(self, loop: Loop) -> _Changes:
        if loop.turns < FEWEST:
            return _Changes(loop.turns, (), ())  # never looked at
        machine, ops = self.layer.machine, self.layer.ops
        units, posts, reach = set[int](), dict[int, int](), dict[int, int]()
        for number, times in self.layer.times_in(loop.body).items():
            op = ops[number]
            units.add(machine.unit_of[op.kind])
            for signal in op.posts:
                posts[signal] = posts.get(signal, 0) + times
            for signal, age in op.waits:
                if age > reach.get(signal, 0):
                    reach[signal] = age
            if op.room >= 0:
                reach[machine.room] = ALL
        signals = [(each, posts[each], max(posts[each], reach.get(each, 0))) for each in posts]
        return _Changes(loop.turns, tuple(sorted(units)), tuple(sorted(signals)))


class Instructions:
    """One layer, but for what rates and the state of the index buffer decide."""

    def __init__(self, layer: LayerLoops) -> None:
        """Write the layer down."""
        self.layer = layer
        machine, ops = layer.machine, layer.ops
        writer = _Writer(layer)
        what, self.depth = writer.write(layer.body)
        units = len(machine.units)
        scalars = [
            [0, *(1 + u for u in loop.units), *(1 + units + u for u in loop.units)]
            for loop in writer.loops
        ]
        posted = [loop.signals for loop in writer.loops]
        waits = self._waits()
        self._lists: dict[str, list[int]] = {
            "what": what,
            "turns": [loop.turns for loop in writer.loops],
            "scalars_from": _offsets(scalars),
            "scalars": _joined(scalars),
            "signals_from": _offsets(posted),
            "signals": [signal for each in posted for signal, _, _ in each],
            "posts": [posts for each in posted for _, posts, _ in each],
            "needs": [needs for each in posted for _, _, needs in each],
            "unit": [machine.unit_of[op.kind] for op in ops],
            "room": [op.room for op in ops],
            "waits_from": _offsets(waits),
            "wait_signal": [signal for each in waits for signal, _ in each],
            "wait_age": [age for each in waits for _, age in each],
            "posts_from": _offsets([op.posts for op in ops]),
            "post_signal": [signal for op in ops for signal in op.posts],
        }
        reach = [0] * machine.signals
        for signal, age in chain.from_iterable(waits):
            reach[signal] = max(reach[signal], age)
        self.reach = np.array(reach, dtype=np.int64)
        """[signals] the greatest age that the layer waits for."""

    def _waits(self) -> list[list[tuple[int, int]]]:
        """[ops] waits without those that look back further than the layer has posts."""
        machine, ops = self.layer.machine, self.layer.ops
        posted = [0] * machine.signals
        for op, times in zip(ops, self.layer.times.tolist(), strict=True):
            for signal in op.posts:
                posted[signal] += times
        lasting = machine.lasting
        return [
            [
                (signal, age)
                for signal, age in op.waits
                if signal in lasting or age <= posted[signal]
            ]
            for op in ops
        ]

    @cached_property
    def tape(self) -> tuple[Ints, Ints]:
        """All fields of `Code` that rates do not decide, behind one another, and the cuts."""
        parts = [self._lists[name] for name in Code._fields[: len(self._lists)]]
        cuts = _offsets(parts)
        tape = np.fromiter(chain.from_iterable(parts), dtype=np.int64, count=cuts[-1])
        return tape, np.array(cuts, dtype=np.int64)

    def code(self, rates: RateColumns, room_ages: Ints) -> Code:
        """The layer at some rates, as lists."""
        timed = (self.layer.cycles(rates), self.layer.latency(rates), room_ages)
        cycles, latency, ages = (values.tolist() for values in timed)
        return Code(**self._lists, cycles=cycles, latency=latency, room_ages=ages)


@lru_cache(maxsize=1024)
def instructions_of(layer: LayerLoops) -> Instructions:
    """Return a layer's instructions, kept for the next run of the same layer."""
    return Instructions(layer)


class Layout:
    """Where a run's state lies: the layer's end, units' times, their busy cycles, the rings."""

    def __init__(self, program: LoopProgram, layers: list[Instructions]) -> None:
        """Make room for the deepest nest and the furthest wait."""
        machine = program.machine
        self.units = len(machine.units)
        self.room = int(machine.room)
        reach = np.max([layer.reach for layer in layers], axis=0)
        room = max((int(ages.max(initial=0)) for ages in program.room_ages), default=0)
        reach[machine.room] = max(room, reach[machine.room])
        self.size: Ints = np.maximum(reach, 1)
        self.base: Ints = 1 + 2 * self.units + np.cumsum(self.size) - self.size
        self.width = int(self.base[-1] + self.size[-1])
        self.depth = max(layer.depth for layer in layers) + 1
        passing = np.array([s for s in range(machine.signals) if s not in machine.lasting])
        rings = [np.arange(self.base[s], self.base[s] + self.size[s]) for s in passing]
        self.forgotten: Ints = np.concatenate(rings)
        """Rings that last only for a layer."""

    def fresh(self) -> Ints:
        """[width] the state before anything has run."""
        state = np.full(self.width, NEVER, dtype=np.int64)
        state[1 : 1 + self.units] = 0
        return state


class RunState:
    """What the interpreted kernel keeps between layers, as lists."""

    def __init__(self, layout: Layout) -> None:
        """Lay out the state."""
        self.units = layout.units
        self.state: list[int] = layout.fresh().tolist()
        self.rings = Rings(
            base=layout.base.tolist(),
            size=layout.size.tolist(),
            head=[0] * len(layout.size),
            room=layout.room,
        )
        begin, turn, again, jumped, limit = ([0] * layout.depth for _ in range(5))
        before, shift, posted = ([0] * (layout.depth * layout.width) for _ in range(3))
        self.frames = Frames(begin, turn, again, jumped, limit, before, shift, posted, layout.width)
        self._forgotten: list[int] = layout.forgotten.tolist()

    def start_layer(self) -> None:
        """Forget what lasts only for a layer."""
        self.state[0] = 0
        for unit in range(self.units):
            self.state[1 + self.units + unit] = 0
        for place in self._forgotten:
            self.state[place] = NEVER


def _offsets(rows: Sequence[Sequence[object]]) -> list[int]:
    """[rows + 1] where each row begins in all rows behind one another."""
    return [0, *accumulate(map(len, rows))]


def _joined(rows: Iterable[Iterable[int]]) -> list[int]:
    return list(chain.from_iterable(rows))
