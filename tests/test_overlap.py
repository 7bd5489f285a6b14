"""Layers that overlap: engines, monotonicity, and replays of traces against rows and space."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given

from simulator import load_hardware, simulate
from simulator.analysis.run import Run
from simulator.analysis.running import run_one
from simulator.base.errors import InputError
from simulator.machines.overlap import Flow, Waits, WriteOrder
from simulator.workload import Workload, configure
from simulator.workload.network import network_from
from tests.build import layer, machine, network, trace_of
from tests.replay import Replay, most_held, of_unit
from tests.strategies import Overrides, machines, mapping_of, run_of
from tests.test_fast import agree
from tests.vector_networks import conv, net, network_files

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


TABLE = {
    "memory.dram.timing": "ddr4-2400",
    "memory.dram.bytes_per_cycle": 19.2,
    "memory.dram.burst_bytes": 64,
}
memories = st.sampled_from([{}, {}, TABLE, {"memory.activation_buffer.ports": 1}])


def keys_of(overrides: Overrides, fused: bool) -> Overrides:
    return overrides | LAYERS | {"vector.fused": fused}


def runs(workload: Workload, keys: Overrides) -> tuple[Run, Run]:
    """Runs in which layers run one after another, and overlap."""
    return (
        run_of(workload, keys | {"overlap": "none"}, "fast"),
        run_of(workload, keys | LAYERS, "fast"),
    )


class TestResNet18:
    @pytest.mark.parametrize("engine", [pytest.param("event", marks=pytest.mark.slow), "fast"])
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
    """Two layers of 64 channels, as in the worked example of docs/machine.md."""

    def test_a_map_of_one_row_leaves_nothing_to_overlap(self) -> None:
        workload = network(*(layer(64, 64, 1, 2, tau=5, name=name) for name in "ab"))
        for keys in ({}, LAYERS):
            trace = trace_of(mapping_of(workload, keys))
            # 332: docs/machine.md; then 4 + 100 of inputs, 2 x 32 + 16 of steps, drain 16, write 4
            assert trace.layer_ends.tolist() == [332, 536]

    def test_a_read_waits_for_the_rows_that_it_sees(self) -> None:
        workload = network(*(layer(64, 64, 6, 8, tau=5, name=name) for name in "ab"))
        trace = trace_of(mapping_of(workload, LAYERS))
        writes = trace.ready[(trace.layer == 0) & of_unit(trace, "dram_outputs")].tolist()
        reads = trace.start[(trace.layer == 1) & of_unit(trace, "dram_inputs")].tolist()
        # A transfer is a row. Row r sees rows r - 1 to r + 1; the last row brings no new one. The
        # read of row 5 comes with the output of row 4.
        assert len(writes) == 6
        assert reads == writes[1:]

    def test_the_next_layer_fills_the_lut_before_the_last_write(self) -> None:
        workload = network(*(layer(64, 64, 6, 8, tau=5, name=name) for name in "ab"))
        trace = trace_of(mapping_of(workload, LAYERS))
        fills = of_unit(trace, "dot")
        steps_of_first = trace.end[fills & (trace.layer == 0)].max()
        assert trace.start[fills & (trace.layer == 1)].min() == steps_of_first

    def test_a_shape_that_does_not_fit_waits_for_the_layer(self) -> None:
        first, second = layer(64, 64, 6, 8, tau=5, name="a"), layer(64, 64, 4, 4, tau=5, name="b")
        mapping = mapping_of(network(first, second), LAYERS)
        trace = trace_of(mapping)
        reads = trace.start[(trace.layer == 1) & of_unit(trace, "dram_inputs")]
        assert reads.min() >= trace.ready[(trace.layer == 0) & of_unit(trace, "dram_outputs")].max()
        (note,) = mapping.remarks
        assert "b waits for the whole previous layer" in note


def flow(needs: list[int], taken: list[int], writes: int, **fields: Any) -> Flow:
    given: dict[str, Any] = {
        "leaving": 4, "counted": True, "first_read_counts": True, "first_step_reads": True,
    }  # fmt: skip
    return Flow(
        reads=np.ones(len(needs), dtype=np.bool_),
        needs=np.array(needs, dtype=np.int64),
        taken=np.array(taken, dtype=np.int64),
        writes=writes,
        **given | fields,
    )


@pytest.mark.unit
class TestWriteOrder:
    """Layers of two reads and three writes over a buffer of 20 bytes, 4 of them for outputs."""

    def order(self, *flows: Flow) -> list[Waits]:
        order = WriteOrder(20)
        for one in flows:
            order.add(one)
        return order.waits()

    def test_reads_take_the_writes_since_the_last_read(self) -> None:
        first, second = self.order(flow([0, 0], [6, 2], 3), flow([1, 2], [6, 2], 3))
        assert first == Waits(awaited=(0, 0), handed=2, follows=False, followed=False)
        assert second == Waits(awaited=(1, 1), handed=0, follows=False, followed=False)

    def test_a_read_of_an_older_map_takes_nothing(self) -> None:
        *_, last = self.order(
            flow([0, 0], [6, 2], 3), flow([1, 3], [6, 2], 3), flow([2, 3], [2, 2], 3)
        )
        assert last.awaited == (0, 0)

    def test_bytes_of_outputs_wait_for_their_writes(self) -> None:
        # 8 bytes taken before; the outputs are in bytes 25 to 28, counted over all reads
        _, second = self.order(flow([0, 0], [6, 2], 3), flow([1, 1], [16, 1], 3))
        assert second.awaited == (1, 2)
        _, second = self.order(flow([0, 0], [6, 2], 3), flow([1, 1], [15, 1], 3))
        assert second.awaited == (1, 0)

    @pytest.mark.parametrize("which", ["first_read_counts", "counted"])
    def test_uncounted_data_waits_for_all_writes(self, which: str) -> None:
        flows = [flow([0, 0], [6, 2], 3), flow([1, 1], [6, 2], 3)]
        number = 1 if which == "first_read_counts" else 0
        flows[number] = replace(flows[number], **{which: False})
        assert self.order(*flows)[1].awaited == (3, 0)

    def test_a_first_step_without_a_read_follows_the_previous_layer(self) -> None:
        alone = {"first_step_reads": False}
        first, second = self.order(flow([0, 0], [6, 2], 3, **alone), flow([0], [0], 3, **alone))
        assert (first.follows, first.followed) == (False, True)
        assert (second.follows, second.followed) == (True, False)


@pytest.mark.unit
class TestRefusals:
    def test_maps_on_chip(self) -> None:
        keys = LAYERS | {"memory.activations": "on_chip"}
        with pytest.raises(InputError, match="overlap is layers: a map on chip has no writes"):
            run_one(net(conv("a"), conv("b")), machine(keys), "fast")

    def test_maps_on_chip_in_another_scope_have_their_note(self) -> None:
        keys = LAYERS | {"memory.activations": "on_chip"}
        remarks = mapping_of(network(layer(8, 8, 2, 2)), keys).remarks
        assert any("memory.activations on_chip has no effect" in note for note in remarks)

    def test_another_family_and_another_word(self) -> None:
        for name, words in (
            ("tpu-like", "unknown key 'overlap'"),
            ("cofluent64", "none or layers"),
        ):
            with pytest.raises(InputError, match=words):
                load_hardware(name, ["overlap=layer"])

    def test_one_layer_has_a_reason(self) -> None:
        result = simulate(network(layer(8, 8, 2, 2)), "cofluent64", set=LAYERS)
        assert any("the run has one layer" in note for note in result.notes())


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

    @given(workloads(), machines(), st.booleans(), memories)
    def test_no_row_is_read_before_it_is_written(
        self, workload: Workload, overrides: Overrides, fused: bool, memory: Overrides
    ) -> None:
        replay = Replay(run_of(workload, keys_of(overrides, fused) | memory, "event"))
        for number, start, needed in replay.reads():
            assert start >= needed, replay.run.mapping.layers[number].layer.name

    @given(workloads(), machines(), st.booleans(), memories)
    def test_the_activation_buffer_never_overflows(
        self, workload: Workload, overrides: Overrides, fused: bool, memory: Overrides
    ) -> None:
        run = run_of(workload, keys_of(overrides, fused) | memory, "event")
        assert most_held(run) <= int(run.hardware.memory.activation_buffer.kib * 1024)
