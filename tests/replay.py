"""Replays of a trace, from shapes and edges: the rows that it reads, and the space of its data."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from simulator.analysis.run import Run
from simulator.engine.trace import Trace
from simulator.machines.lut_array.buffering import plan_buffering
from simulator.machines.lut_array.outputs import output_space
from simulator.machines.lut_array.regions import reads_output
from simulator.machines.vector.fusion import fusion_of
from simulator.machines.vector.mapped import MappedVector
from simulator.program import Command
from simulator.program.written import write_out
from simulator.workload.vector_layer import AnyLayer, VectorLayer, sources
from tests.nest import Nest, nest_of, pixels_in_order

SPACE = "activation_buffer"
ARRAY = ("dot", "accumulate", "mac", "vector")


def of_unit(trace: Trace, unit: str) -> Any:
    """[N] true for the commands of a unit."""
    return trace.unit == trace.units.index(unit)


# --- the replay of rows --------------------------------------------------------------------------


@dataclass(frozen=True)
class Replay:
    """The rows that a run reads and writes, from its trace and its layers' shapes."""

    run: Run

    @property
    def trace(self) -> Trace:
        return self.run.trace

    @cached_property
    def commands(self) -> dict[str, list[Command]]:
        """The commands of each unit, in the order of the trace."""
        out = write_out(self.run.mapping.program)
        return {
            unit.name: [out.commands[out.index[row]] for row in out.rows(unit)]
            for unit in self.run.mapping.program.units
        }

    @cached_property
    def nests(self) -> dict[int, tuple[Nest, list[tuple[int, int]]]]:
        """The loops of layers with weights, and (map, row) of their pixels in the order of time."""
        found = {}
        for number, one in enumerate(self.run.mapping.layers):
            if not isinstance(one, MappedVector):
                order = pixels_in_order(one.layer, one.plan.image_blocks)
                found[number] = nest_of(one.plan), [(x, row) for x, row, _ in order]
        return found

    def pixels(self, number: int, step: int) -> list[tuple[int, int]]:
        """(map, row) of the output pixels of a step's transfer; in scheme `step` of a read."""
        mapped: Any = self.run.mapping.layers[number]
        plan = mapped.plan
        if isinstance(mapped, MappedVector):
            places = list(plan.places)
            return [(step // len(places), places[step % len(places)].row)]
        nest, at = self.nests[number]
        tile = step // nest.groups
        tiles = np.flatnonzero(nest.transfer == nest.transfer[tile])
        if mapped.inputs == "step" and step != tiles[-1] * nest.groups + nest.groups - 1:
            tiles = np.array([tile])
        firsts = nest.pixel_step[tiles] * plan.pixels_per_step
        ends = firsts + nest.pixels[tiles]
        return [at[n] for begin, end in zip(firsts, ends, strict=True) for n in range(begin, end)]

    @cached_property
    def written(self) -> dict[str, np.ndarray]:
        """[maps, rows] the cycle in which each row of a running layer's output is complete."""
        return {
            one.layer.name: self._written(number, one)
            for number, one in enumerate(self.run.mapping.layers)
            if one.section.commands
        }

    def _written(self, number: int, mapped: Any) -> np.ndarray:
        one = mapped.layer
        found = np.zeros((mapped.batch * one.images, one.out_height), dtype=np.int64)
        rows = (self.trace.layer == number) & of_unit(self.trace, "dram_outputs")
        steps, ready = self.trace.step[rows].tolist(), self.trace.ready[rows].tolist()
        for step, time in zip(steps, ready, strict=True):
            for place in set(self.pixels(number, step)):
                found[place] = max(found[place], time)
        return found

    def reads(self) -> Iterator[tuple[int, int, int]]:
        """Yield (layer, start, cycle in which its rows are complete) of every read."""
        rows = np.flatnonzero(of_unit(self.trace, "dram_inputs")).tolist()
        for row, command in zip(rows, self.commands["dram_inputs"], strict=True):
            number, start = int(self.trace.layer[row]), int(self.trace.start[row])
            places = list(dict.fromkeys(self.pixels(number, int(self.trace.step[row]))))
            shortcut = any(amount.channel.name == "shortcuts" for amount in command.gives)
            yield number, start, max(self._needed(number, places, shortcut), default=0)

    def _needed(
        self, number: int, places: Sequence[tuple[int, int]], shortcut: bool
    ) -> Iterator[int]:
        layers = self.run.mapping.layers
        one = layers[number].layer
        if self.run.workload.scope != "network":
            if number:
                before = layers[number - 1].layer
                same = reads_output(layers[number].plan, layers[number - 1].plan)
                yield from self._under(one, places, self.written[before.name], whole=not same)
            return
        fusion = fusion_of(self.run.workload, self.run.hardware.vector, 32)
        names = fusion.shortcuts(one) if shortcut else sources(one)
        for name in names:
            for writer in writers(name, fusion):
                if shortcut:
                    yield from (int(self.written[writer][place]) for place in places)
                else:
                    whole = isinstance(one, VectorLayer) and one.kind == "regions"
                    yield from self._under(one, places, self.written[writer], whole=whole)

    def _under(
        self, one: AnyLayer, places: Sequence[tuple[int, int]], written: np.ndarray, *, whole: bool
    ) -> Iterator[int]:
        """Yield the cycles in which the input rows under output rows are complete."""
        per_image = len(written) // self.run.workload.batch
        for number, row in places:
            if whole or (per_image, written.shape[1]) != (one.images, one.in_height):
                image = number // one.images
                yield int(written[image * per_image : (image + 1) * per_image].max())
                continue
            height = one.window.height if isinstance(one, VectorLayer) else one.extents.height
            top = row * one.strides.height - one.paddings.height
            for under in range(max(top, 0), min(top + height, one.in_height)):
                yield int(written[number, under])


def writers(name: str, fusion: Any) -> Iterator[str]:
    """Yield the layers that write a map."""
    if name == "input":
        return
    head = {one.name: head for head, chain in fusion.chains.items() for one in chain}
    if name in head:
        yield head[name]
    elif name in fusion.fused:
        for source in sources(fusion.maps.layers[name]):
            yield from writers(source, fusion)
    else:
        yield name


# --- the replay of space -------------------------------------------------------------------------


def most_held(run: Run) -> int:
    """Most bytes of the activation buffer that data of all layers takes at once.

    Outputs of a layer hold their space from its first read or step until its last write. A layer
    that does not count its bytes holds the whole buffer.
    """
    trace, size = run.trace, int(run.hardware.memory.activation_buffer.kib * 1024)
    commands = Replay(run).commands
    rows = {unit: np.flatnonzero(of_unit(trace, unit)).tolist() for unit in commands}
    taken, given = defaultdict(list), defaultdict(list)
    for unit, own in commands.items():
        for row, command in zip(rows[unit], own, strict=True):
            for found, moved, time in (
                (taken, command.takes, int(trace.start[row])),
                (given, command.gives, int(trace.ready[row])),
            ):
                size_moved = sum(x.tokens for x in moved if x.channel.name == SPACE)
                if size_moved:
                    found[int(trace.layer[row])].append((time, size_moved))
    changes: list[tuple[int, int, int]] = []
    working = np.isin(trace.unit, [trace.units.index(x) for x in ARRAY if x in trace.units])
    for number, mapped in enumerate(run.mapping.layers):
        if not mapped.section.commands:
            continue
        mine = trace.layer == number
        begins = int(trace.start[mine & (working | of_unit(trace, "dram_inputs"))].min())
        ends = int(trace.ready[mine & of_unit(trace, "dram_outputs")].max())
        outputs = _outputs(mapped) if taken[number] else size
        changes += [(begins, 1, outputs), (ends, 0, -outputs)]
        if taken[number]:
            (first, amount), *others = taken[number]
            inputs = [(first, amount - outputs), *others]
            changes += [(time, 1, amount) for time, amount in inputs]
            left = sum(amount for _, amount in inputs)
            for time, amount in given[number]:
                freed = min(amount, left)
                left -= freed
                changes.append((time, 0, -freed))
            assert left == 0
    held = np.cumsum([change for _, _, change in sorted(changes)])
    assert held[-1] == 0
    return int(held.max())


def _outputs(mapped: Any) -> int:
    """Bytes of the buffer for a layer's outputs."""
    if isinstance(mapped, MappedVector):
        return mapped.plan.result_space
    return output_space(mapped.plan, plan_buffering(mapped.plan).writes)
