"""A layer's loops as the flat instructions that `kernel.run_layer` runs."""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from simulator.engine.kernel import END, LOOP, NEVER, Code, Frames, Rings
from simulator.loops import Body, LayerLoops, Loop, LoopProgram, RateColumns
from simulator.program import Ints


@dataclass
class _Writer:
    """Writes a body down, and for every loop what may change in it."""

    layer: LayerLoops
    what: list[int] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    loop: list[int] = field(default_factory=list)
    units: list[set[int]] = field(default_factory=list)
    signals: list[set[int]] = field(default_factory=list)
    depth: int = 0

    def write(self, body: Body, depth: int, units: set[int], signals: set[int]) -> None:
        """Write a body down and note which units and signals it touches."""
        self.depth = max(self.depth, depth)
        for item in body:
            if isinstance(item, Loop):
                self._write_loop(item, depth, units, signals)
            else:
                op = self.layer.ops[item]
                units.add(self.layer.machine.unit_of[op.kind])
                signals.update(op.posts)
                self._add(item, 0, 0)

    def _write_loop(self, loop: Loop, depth: int, units: set[int], signals: set[int]) -> None:
        number = len(self.units)
        self.units.append(set())
        self.signals.append(set())
        self._add(LOOP, loop.turns, number)
        self.write(loop.body, depth + 1, self.units[number], self.signals[number])
        self._add(END, loop.turns, number)
        units |= self.units[number]
        signals |= self.signals[number]

    def _add(self, what: int, turns: int, loop: int) -> None:
        self.what.append(what)
        self.turns.append(turns)
        self.loop.append(loop)


class Instructions:
    """One layer, but for what rates and the state of the index buffer decide."""

    def __init__(self, layer: LayerLoops) -> None:
        """Write the layer down."""
        self.layer = layer
        writer = _Writer(layer)
        writer.write(layer.body, 0, set(), set())
        self.depth = writer.depth
        units = len(layer.machine.units)
        scalars = [
            sorted({0} | {1 + unit for unit in used} | {1 + units + unit for unit in used})
            for used in writer.units
        ]
        signals = [sorted(used) for used in writer.signals]
        ops = layer.columns
        waits_from, wait_signal, wait_age = self._waits()
        self._arrays: dict[str, Ints] = {
            "what": np.array(writer.what, dtype=np.int64),
            "turns": np.array(writer.turns, dtype=np.int64),
            "loop": np.array(writer.loop, dtype=np.int64),
            "scalars_from": _offsets(scalars),
            "scalars": _joined(scalars),
            "signals_from": _offsets(signals),
            "signals": _joined(signals),
            "unit": np.array(layer.machine.unit_of, dtype=np.int64)[ops.kind],
            "room": ops.room,
            "waits_from": waits_from,
            "wait_signal": wait_signal,
            "wait_age": wait_age,
            "posts_from": ops.post_offsets,
            "post_signal": ops.post_signal,
        }
        self.reach = np.zeros(layer.machine.signals, dtype=np.int64)
        """[signals] the greatest age that the layer waits for."""
        np.maximum.at(self.reach, wait_signal, wait_age)

    def _waits(self) -> tuple[Ints, Ints, Ints]:
        """Waits without those that look back further than the layer has posts."""
        machine, ops = self.layer.machine, self.layer.columns
        owner = np.repeat(np.arange(len(ops.kind)), np.diff(ops.post_offsets))
        posted = np.bincount(
            ops.post_signal, self.layer.times[owner].astype(float), minlength=machine.signals
        )
        lasting = np.isin(ops.wait_signal, list(machine.lasting))
        kept = lasting | (ops.wait_age <= posted[ops.wait_signal])
        counts = np.concatenate(([0], np.cumsum(kept)))
        return counts[ops.wait_offsets], ops.wait_signal[kept], ops.wait_age[kept]

    @cached_property
    def _lists(self) -> dict[str, list[int]]:
        return {name: values.tolist() for name, values in self._arrays.items()}

    @cached_property
    def tape(self) -> tuple[Ints, Ints]:
        """All fields of `Code` that rates do not decide, behind one another, and the cuts."""
        parts = [self._arrays[name] for name in Code._fields[: len(self._arrays)]]
        return np.concatenate(parts), np.cumsum([0, *map(len, parts)])

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
        begin, turn, again, jumped = ([0] * layout.depth for _ in range(4))
        before, shift = ([0] * (layout.depth * layout.width) for _ in range(2))
        self.frames = Frames(begin, turn, again, jumped, before, shift, layout.width)
        self._forgotten: list[int] = layout.forgotten.tolist()

    def start_layer(self) -> None:
        """Forget what lasts only for a layer."""
        self.state[0] = 0
        for unit in range(self.units):
            self.state[1 + self.units + unit] = 0
        for place in self._forgotten:
            self.state[place] = NEVER


def _offsets(rows: list[list[int]]) -> Ints:
    return np.concatenate(([0], np.cumsum([len(row) for row in rows]))).astype(np.int64)


def _joined(rows: list[list[int]]) -> Ints:
    return np.array([value for row in rows for value in row], dtype=np.int64)
