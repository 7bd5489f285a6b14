"""Layers that overlap: engines, monotonicity, and replays of traces against rows and space."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given

from simulator import simulate
from simulator.analysis.run import Run
from simulator.base.errors import InputError
from simulator.engine.trace import Trace
from simulator.machines.lut_array.buffering import plan_buffering
from simulator.machines.lut_array.outputs import output_space
from simulator.machines.lut_array.regions import reads_output
from simulator.machines.vector.fusion import fusion_of
from simulator.machines.vector.mapped import MappedVector
from simulator.program import Command
from simulator.program.written import write_out
from simulator.workload import Workload, configure
from simulator.workload.network import network_from
from simulator.workload.vector_layer import AnyLayer, VectorLayer, sources
from tests.build import layer, network, trace_of
from tests.nest import nest_of, pixels_in_order
from tests.strategies import Overrides, machines, mapping_of, run_of
from tests.test_fast import agree
from tests.vector_networks import network_files

LAYERS = {"overlap": "layers"}
SPACE = "activation_buffer"
ARRAY = ("dot", "accumulate", "mac", "vector")


@st.composite
def workloads(draw: st.DrawFn) -> Workload:
    """A configured network in any scope, with the shapes of a chain of layers."""
    try:
        return configure(
            network_from(draw(network_files()), Path("net.yaml")),
            scope=draw(st.sampled_from(["binary", "weights", "network", "network"])),
            batch=draw(st.integers(1, 3)),
            tau=draw(st.sampled_from([None, 2, 5])),
            activation_bits=draw(st.sampled_from([None, None, 2])),
        )
    except InputError:
        assume(False)
        raise


def keys_of(overrides: Overrides, fused: bool) -> Overrides:
    return overrides | LAYERS | {"vector.fused": fused}


def runs(workload: Workload, keys: Overrides) -> tuple[Run, Run]:
    """Runs in which layers run one after another, and overlap."""
    return (
        run_of(workload, keys | {"overlap": "none"}, "fast"),
        run_of(workload, keys | LAYERS, "fast"),
    )


class TestResNet18:
    @pytest.mark.parametrize("engine", ["event", "fast"])
    def test_cycles(self, engine: str) -> None:
        options: Any = {"bits": 0.56, "engine": engine}
        assert simulate("r18", "cofluent64", **options).cycles == 931_456
        # an independent prototype of the contract has the same cycles
        assert simulate("r18", "cofluent64", set=LAYERS, **options).cycles == 928_560

    def test_bytes_and_energy_other_than_leakage(self) -> None:
        alone, overlapping = (
            simulate("r18", "cofluent64", bits=0.56, set=keys).with_energy("45nm")
            for keys in ({}, LAYERS)
        )
        assert alone.run.dram_bytes == overlapping.run.dram_bytes
        before, after = (one.energy.run.by("action") for one in (alone, overlapping))
        changed = {name for name, energy in after.items() if energy != before[name]}
        assert changed == {"leakage_cycle"}
        assert after["leakage_cycle"] * 931_456 == before["leakage_cycle"] * 928_560


@pytest.mark.cycle
class TestByHand:
    """Two layers of 64 channels over one row of two pixels, as in docs/machine.md."""

    def test_a_single_row_leaves_only_the_weights_to_hide(self) -> None:
        workload = network(*(layer(64, 64, 1, 2, tau=5, name=name) for name in "ab"))
        for keys in ({}, LAYERS):
            trace = trace_of(mapping_of(workload, keys))
            # 332: docs/machine.md; then 4 + 100 of inputs, 2 x 32 + 16 of steps, drain 16, write 4
            assert trace.layer_ends.tolist() == [332, 536]

    def test_a_read_waits_for_the_rows_that_it_sees(self) -> None:
        workload = network(*(layer(64, 64, 6, 8, tau=5, name=name) for name in "ab"))
        trace = trace_of(mapping_of(workload, LAYERS))
        writes = trace.ready[(trace.layer == 0) & of_unit(trace, "dram_outputs")]
        reads = trace.start[(trace.layer == 1) & of_unit(trace, "dram_inputs")]
        # a transfer is a row; row r sees the rows to r + 1, and each row arrives once
        assert reads.tolist() == [max(writes[1], 0), *writes[2:], writes[-1] + 4][: len(reads)]


def of_unit(trace: Trace, unit: str) -> Any:
    return trace.unit == trace.units.index(unit)


@pytest.mark.invariant
class TestRandom:
    """Random networks on random machines."""

    @given(workloads(), machines(), st.booleans())
    def test_engines_agree_in_every_command(
        self, workload: Workload, overrides: Overrides, fused: bool
    ) -> None:
        agree(mapping_of(workload, keys_of(overrides, fused)).program)

    @given(workloads(), machines(), st.booleans())
    def test_never_slower_and_no_other_byte(
        self, workload: Workload, overrides: Overrides, fused: bool
    ) -> None:
        alone, overlapping = runs(workload, keys_of(overrides, fused))
        assert np.all(overlapping.summary.ends <= alone.summary.ends)
        assert np.array_equal(overlapping.summary.bytes, alone.summary.bytes)
        assert np.array_equal(overlapping.summary.pe_cycles, alone.summary.pe_cycles)
        assert sum(one.cycles for one in overlapping.layers) == overlapping.cycles
        assert overlapping.summary.spent.sum() == overlapping.cycles

    @given(workloads(), machines(), st.booleans())
    def test_no_row_is_read_before_it_is_written(
        self, workload: Workload, overrides: Overrides, fused: bool
    ) -> None:
        replay = Replay(run_of(workload, keys_of(overrides, fused), "event"))
        for number, start, needed in replay.reads():
            assert start >= needed, replay.run.mapping.layers[number].layer.name

    @given(workloads(), machines(), st.booleans())
    def test_the_activation_buffer_never_overflows(
        self, workload: Workload, overrides: Overrides, fused: bool
    ) -> None:
        run = run_of(workload, keys_of(overrides, fused), "event")
        assert most_held(run) <= int(run.hardware.memory.activation_buffer.kib * 1024)


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
            for place in set(pixels_of(mapped, step)):
                found[place] = max(found[place], time)
        return found

    def reads(self) -> Iterator[tuple[int, int, int]]:
        """Yield (layer, start, cycle in which its rows are complete) of every read."""
        rows = np.flatnonzero(of_unit(self.trace, "dram_inputs")).tolist()
        for row, command in zip(rows, self.commands["dram_inputs"], strict=True):
            number, start = int(self.trace.layer[row]), int(self.trace.start[row])
            mapped = self.run.mapping.layers[number]
            places = list(dict.fromkeys(pixels_of(mapped, int(self.trace.step[row]))))
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


def pixels_of(mapped: Any, step: int) -> list[tuple[int, int]]:
    """(map, row) of the output pixels of a step's transfer; in scheme `step` of a read's step."""
    plan = mapped.plan
    if isinstance(mapped, MappedVector):
        places = list(plan.places)
        return [(step // len(places), places[step % len(places)].row)]
    nest, at = _nest(plan)
    tile = step // nest.groups
    tiles = np.flatnonzero(nest.transfer == nest.transfer[tile])
    if mapped.inputs == "step" and step != tiles[-1] * nest.groups + nest.groups - 1:
        tiles = np.array([tile])
    firsts = nest.pixel_step[tiles] * plan.pixels_per_step
    ends = firsts + nest.pixels[tiles]
    return [at[n] for begin, end in zip(firsts, ends, strict=True) for n in range(begin, end)]


_NESTS: dict[int, Any] = {}


def _nest(plan: Any) -> Any:
    if id(plan) not in _NESTS:
        _NESTS.clear() if len(_NESTS) > 50 else None
        at = [(number, row) for number, row, _ in pixels_in_order(plan.layer, plan.image_blocks)]
        _NESTS[id(plan)] = (plan, (nest_of(plan), at))
    return _NESTS[id(plan)][1]


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
