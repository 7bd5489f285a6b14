"""The vector unit in the paper's array: fused layers, layers of its own, and their timing."""

from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given
from msgspec.structs import replace as replaced

from simulator.analysis.run import Run
from simulator.base.errors import InputError
from simulator.engine import EngineName, event, fast
from simulator.engine.trace import Trace
from simulator.machines.lut_array.buffering import plan_buffering
from simulator.machines.lut_array.closed_form import expected_cycles
from simulator.machines.lut_array.layer import layer_of
from simulator.machines.lut_array.mapper import map_workload
from simulator.machines.lut_array.outputs import output_space
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.planning import plan_layers
from simulator.machines.lut_array.units import section_of
from simulator.machines.lut_array.vocabulary import WITH_VECTOR_UNIT, rates_of, start_tokens
from simulator.machines.lut_array.weights import loaded_for
from simulator.machines.vector.expected import expected_cycles as expected_vector_cycles
from simulator.machines.vector.fusion import Epilogue
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.vector.vocabulary import SHORTCUTS
from simulator.program import Program
from simulator.workload import Layer, Workload
from tests.build import INSTANT, layer, machine, network
from tests.strategies import layers, machines, run_of
from tests.vector_networks import configured, whole_networks

pytestmark = pytest.mark.cycle

ROOMY = {"memory.activation_buffer.kib": 4096, "memory.index_buffer.kib": 4096}


def planned(
    one: Layer, overrides: dict[str, Any], copies: tuple[int, ...], **work: Any
) -> LayerPlan:
    """The plan of a layer with an epilogue."""
    (plan,) = plan_layers(network(one), machine(overrides))
    fields = {"lanes": 4, "lane_cycles": 1, "value_bits": 16, "shortcut_bits": ()} | work
    return replace(plan, copies=copies, epilogue=Epilogue(**fields))


def program_of(plan: LayerPlan) -> Program:
    """A program of this layer alone."""
    section = section_of(layer_of(plan, loaded_for(plan), plan_buffering(plan)))
    return Program(
        units=WITH_VECTOR_UNIT.units,
        kinds=WITH_VECTOR_UNIT.kinds,
        categories=WITH_VECTOR_UNIT.categories,
        channels=start_tokens(plan.hardware, vector_unit=True),
        sections=(section,),
        names=(plan.layer.name,),
        rates=rates_of(plan.hardware),
    )


def of(trace: Trace, kind: str) -> list[tuple[int, int]]:
    """(start, end) of every command of a kind."""
    chosen = trace.kind == trace.kinds.index(kind)
    return list(zip(trace.start[chosen].tolist(), trace.end[chosen].tolist(), strict=True))


def moved(trace: Trace, kind: str) -> list[int]:
    """Bytes of every command of a kind."""
    return trace.bytes[trace.kind == trace.kinds.index(kind)].tolist()


BYTEWISE = INSTANT | {"memory.dram.burst_bytes": 1}
PIXELWISE = BYTEWISE | {"memory.activation_buffer.transfer_pixels": 1}


class TestEpilogue:
    def test_the_unit_follows_the_drain(self) -> None:
        # 64 channels fill the array: a transfer is the row of 2 pixels
        plan = planned(layer(64, 64, 1, 2, tau=5), BYTEWISE, (1,), lanes=10)
        trace = event.run(program_of(plan))
        assert of(trace, "drain") == [(49, 65), (81, 97)]  # 1 + 32 + 16 + 16, then every 32
        assert of(trace, "vector") == [(97, 110)]  # 2 x 64 values / 10 lanes
        assert of(trace, "write_outputs") == [(110, 111)]

    def test_copies_leave_one_by_one_and_free_their_slot_together(self) -> None:
        plan = planned(layer(64, 64, 1, 4, tau=5), PIXELWISE, (16, 1), lanes=64)
        trace = event.run(program_of(plan))
        assert moved(trace, "write_outputs") == [128, 8] * 4
        # sums leave at 65, 97, ...; a cycle of the unit, then a cycle for each copy
        assert of(trace, "write_outputs")[:3] == [(66, 67), (67, 68), (98, 99)]

    def test_shortcuts_come_behind_the_inputs_into_two_slots(self) -> None:
        plan = planned(layer(64, 64, 1, 4, tau=5), PIXELWISE, (16,), shortcut_bits=(16,), lanes=64)
        trace = event.run(program_of(plan))
        # a pixel's window reads its own and the next: 16 bytes, then 8, 8, none; 64 x 16 bits
        assert moved(trace, "read_inputs") == [16, 128, 8, 128, 8, 128, 128]
        starts = [start for start, _ in of(trace, "read_inputs")]
        # the third waits for the unit's work on the first transfer, 65 to 66
        assert starts == [0, 1, 2, 3, 4, 66, 98]

    def test_several_additions_share_a_slot(self) -> None:
        plan = planned(layer(64, 64, 1, 3, tau=5), PIXELWISE, (16,), shortcut_bits=(16, 16, 16))
        trace = event.run(program_of(plan))
        assert moved(trace, "read_inputs").count(128) == 9

    def test_a_slow_unit_holds_up_the_array(self) -> None:
        plan = planned(layer(64, 64, 1, 4, tau=5), PIXELWISE, (1,), lanes=1, lane_cycles=3)
        trace = event.run(program_of(plan))
        assert of(trace, "vector") == [(65 + 192 * n, 65 + 192 * (n + 1)) for n in range(4)]
        assert of(trace, "drain")[2][0] == 65 + 192 + 1  # the first slot is free after its write

    @pytest.mark.parametrize(
        ("bytes_of_input", "scheme"), [(256, "rows"), (255, "patches"), (191, "step")]
    )
    def test_slots_hold_raw_outputs_and_shortcuts(self, bytes_of_input: int, scheme: str) -> None:
        # 8 pixels x 64 values x 2 bytes: two slots for outputs, two for shortcut values; as without
        # an epilogue, 4 rows x 64 bytes of inputs
        kib = (bytes_of_input + 2 * 1024 + 2 * 1024) / 1024
        one, keys = layer(64, 64, 8, 8, tau=5), {"memory.activation_buffer.kib": kib}
        plan = planned(one, keys, (1,), shortcut_bits=(16,))
        assert plan_buffering(plan).scheme == scheme

    def test_groups_share_bursts_of_shortcuts_and_copies(self) -> None:
        # 64 pixels of one channel are 8 bytes at 1 bit, 128 at 16: groups read their own bursts
        one = layer(20, 20, 8, 8, groups=20)
        plan = planned(one, {}, (1,), shortcut_bits=(4,))
        trace = event.run(program_of(plan))
        assert moved(trace, "write_outputs") == [0] * 7 + [64] + [0] * 7 + [64] + [0] * 3 + [64]
        # 32 bytes of a group at 4 bits: every second group reads a burst, behind the inputs
        assert moved(trace, "read_inputs")[1:].count(64) >= 10

    @pytest.mark.parametrize("name", ["event", "fast"])
    def test_a_layer_that_sees_only_padding_waits_with_its_shortcuts(
        self, name: EngineName
    ) -> None:
        one = layer(16, 64, 1, 1, kernel=1, stride=3, padding=1, tau=3)
        plan = planned(one, BYTEWISE, (1,), shortcut_bits=(16,))
        engine = {"event": event, "fast": fast}[name]
        trace = engine.run(program_of(plan))
        assert len(moved(trace, "read_inputs")) == 1


@st.composite
def epilogues(draw: st.DrawFn) -> dict[str, Any]:
    """The fields of an epilogue, and the copies of a layer."""
    return {
        "copies": draw(st.sampled_from([(1,), (16,), (16, 1), (8, 4, 1)])),
        "lanes": draw(st.sampled_from([1, 3, 16, 64])),
        "lane_cycles": draw(st.integers(1, 4)),
        "shortcut_bits": draw(st.sampled_from([(), (16,), (16, 16), (8,)])),
    }


class TestClosedForm:
    @given(st.data())
    def test_a_layer_with_an_epilogue(self, data: st.DataObject) -> None:
        one = layer(
            data.draw(st.integers(1, 80)), data.draw(st.integers(1, 90)),
            data.draw(st.integers(1, 3)), data.draw(st.integers(1, 5)),
            tau=data.draw(st.none() | st.integers(2, 5)),
        )  # fmt: skip
        keys = INSTANT | ROOMY | {
            "memory.activation_buffer.transfer_pixels": data.draw(st.integers(1, 6)),
        }  # fmt: skip
        plan = planned(one, keys, **data.draw(epilogues()))
        expected = expected_cycles(plan)
        if expected is not None:
            assert event.run(program_of(plan)).cycles == expected

    @pytest.mark.parametrize(
        ("lanes", "copies", "cycles"),
        [
            # steps of 32 (fill), sums of 4 pixels at 65 + 3 x 32; 64 values per transfer
            (64, (1,), 65 + 3 * 32 + 1 + 1),
            (64, (16, 1), 65 + 3 * 32 + 1 + 2),
            (16, (1,), 65 + 3 * 32 + 4 + 1),
            # 64 values of a lane: longer than a step, the unit works without a gap
            (1, (1,), None),
        ],
    )  # fmt: skip
    def test_by_hand(self, lanes: int, copies: tuple[int, ...], cycles: int | None) -> None:
        plan = planned(layer(64, 64, 1, 4, tau=5), PIXELWISE, copies, lanes=lanes)
        assert expected_cycles(plan) == cycles
        if cycles is not None:
            assert event.run(program_of(plan)).cycles == cycles

    def test_a_unit_without_a_gap(self) -> None:
        plan = planned(layer(64, 64, 1, 4, tau=5), PIXELWISE, (1,), lanes=1, lane_cycles=3)
        assert expected_cycles(plan) == 65 + 4 * 3 * 64 + 1
        assert event.run(program_of(plan)).cycles == 65 + 4 * 3 * 64 + 1

    @given(whole_networks(), st.sampled_from([1, 4, 64]))
    def test_a_vector_layer_alone(self, workload: Workload, lanes: int) -> None:
        keys = INSTANT | ROOMY | {"vector.lanes": lanes, "vector.fused": False}
        run = run_of(workload, keys, "event")
        for mapped, result in zip(run.mapping.layers, run.layers, strict=True):
            if isinstance(mapped, MappedVector) and not mapped.fused:
                expected = expected_vector_cycles(mapped.plan)
                assert expected is None or result.cycles == expected


class TestAnyLayer:
    """Random layers with an epilogue, in all modes and buffering schemes."""

    @given(layers(), machines(), epilogues())
    def test_both_engines_agree(
        self, one: Layer, keys: dict[str, Any], work: dict[str, Any]
    ) -> None:
        plan = planned(one, keys, **work)
        try:
            program = program_of(plan)
        except InputError:
            assume(False)
        assert np.array_equal(event.run(program).end, fast.run(program).end)

    @given(layers(), machines(), epilogues(), st.integers(1, 9))
    def test_more_lanes_never_cost_cycles(
        self, one: Layer, keys: dict[str, Any], work: dict[str, Any], more: int
    ) -> None:
        plan = planned(one, keys, **work)
        assert plan.epilogue is not None
        wider = replace(plan, epilogue=replaced(plan.epilogue, lanes=plan.epilogue.lanes + more))
        try:
            assert event.run(program_of(wider)).cycles <= event.run(program_of(plan)).cycles
        except InputError:
            assume(False)

    @pytest.mark.parametrize(
        ("one", "bytes_of_input"),
        [
            (layer(32, 64, 4, 6, tau=5), 40),  # a patch has 12 pixels of 32 channels
            (layer(32, 64, 4, 6), 40),
            (layer(32, 64, 4, 6, full_precision=True), 800),
            (layer(32, 64, 4, 6, groups=2), 20),
        ],
    )
    def test_steps_that_read_their_own_inputs(self, one: Layer, bytes_of_input: int) -> None:
        keys = {"array.pes": 16, "memory.activation_buffer.transfer_pixels": 2}
        plan = planned(one, keys, (16, 1), shortcut_bits=(16, 16))
        kib = (output_space(plan, "separate") + bytes_of_input) / 1024
        plan = planned(
            one,
            keys | {"memory.activation_buffer.kib": kib},
            plan.copies,
            shortcut_bits=(16, 16),
        )
        assert plan_buffering(plan).scheme == "step"
        program = program_of(plan)
        trace = event.run(program)
        assert np.array_equal(trace.end, fast.run(program).end)
        # the first transfer's two shortcuts come before its first step's inputs
        outputs = plan.blocks[0].outputs * 2 * 2
        assert moved(trace, "read_inputs")[:2] == [outputs, outputs]


class TestNetworks:
    """Random networks of all kinds of layers."""

    @given(whole_networks(), machines())
    def test_both_engines_agree_and_sums_are_exact(
        self, workload: Workload, keys: dict[str, Any]
    ) -> None:
        one, two = (run_of(workload, keys, engine) for engine in ("event", "fast"))
        for name in ("ends", "busy", "bytes"):
            left, right = getattr(one.summary, name), getattr(two.summary, name)
            assert np.array_equal(left, right)
        assert sum(layer.cycles for layer in two.layers) == two.cycles
        total = sum(x.dram_read_bytes + x.dram_written_bytes for x in two.layers)
        assert total == sum(two.dram_bytes.values())

    @given(whole_networks(), machines(), st.booleans())
    def test_more_lanes_never_cost_cycles(
        self, workload: Workload, keys: dict[str, Any], fused: bool
    ) -> None:
        cycles = [
            run_of(workload, keys | {"vector.fused": fused, "vector.lanes": lanes}, "fast").cycles
            for lanes in (1, 2, 5, 64)
        ]
        assert cycles == sorted(cycles, reverse=True)

    @given(whole_networks(), machines())
    def test_fusion_never_moves_more_bytes(self, workload: Workload, keys: dict[str, Any]) -> None:
        """With buffers that hold all maps, and bursts of a byte."""
        keys |= ROOMY | {"memory.dram.burst_bytes": 1}
        fused, plain = (
            run_of(workload, keys | {"vector.fused": fused}, "fast") for fused in (True, False)
        )
        assert sum(fused.dram_bytes.values()) <= sum(plain.dram_bytes.values())

    @given(whole_networks(), machines(), st.booleans())
    def test_every_map_moves_at_least_once(
        self, workload: Workload, keys: dict[str, Any], fused: bool
    ) -> None:
        run = run_of(workload, keys | {"vector.fused": fused}, "fast")
        written, read = at_least(run)
        assert run.dram_bytes["written"] * 8 >= written
        assert run.dram_bytes["read"] * 8 >= read


def at_least(run: Run) -> tuple[int, int]:
    """Bits that a network writes and reads, from shapes and the edges of its file alone."""
    workload = run.workload
    written = read = 0
    for result in run.layers:
        mapped = result.mapped
        if mapped.mode == "fused":
            continue
        one = mapped.layer
        images = workload.batch
        read += 8 * mapped.stored_bytes
        pixels = images * touched(one)
        if isinstance(mapped, MappedVector):
            plan = mapped.plan
            read += pixels * sum(one.operand_channels) * plan.read_bits
            written += images * one.values * sum(plan.copies)
        else:
            plan = mapped.plan
            read += pixels * one.in_channels * plan.activation_bits
            outputs = images * one.out_pixels * one.out_channels
            written += outputs * sum(plan.copies)
            read += outputs * sum(plan.epilogue.shortcut_bits if plan.epilogue else ())
    return written, read


def touched(one: Any) -> int:
    """Input pixels of an image that some output pixel sees."""
    seen = np.zeros((one.in_height, one.in_width), dtype=bool)
    down, right = one.strides
    rows, columns = one.window if hasattr(one, "window") else one.extents
    for row in range(one.out_height):
        for column in range(one.out_width):
            top, left = row * down - one.paddings.height, column * right - one.paddings.width
            seen[max(0, top) : max(0, top + rows), max(0, left) : max(0, left + columns)] = True
    return one.images * int(seen.sum())


def test_the_shortcuts_of_resnet18s_first_stage() -> None:
    """56 x 56 x 64 values of 16 bits are read, and written with their signs (docs/vector.md)."""
    conv = {"type": "conv", "precision": "binary", "out_channels": 64, "kernel": 3, "padding": 1}
    names = ("conv1", "conv2", "conv3")
    convs = [{"name": name, **conv} for name in names]
    file = {
        "name": "net", "title": "Net", "ops_convention": "main_paper",
        "input": {"channels": 64, "height": 56, "width": 56},
        "layers": [*convs[:2], {"name": "sum", "type": "add", "other": "conv1"}, convs[2],
                   {"name": "end", "type": "add", "other": "sum"}],
    }  # fmt: skip
    mapping = map_workload(configured(file, tau=5), machine())
    section = mapping.weighted[1].section
    counts = {unit.name: found for unit, found in section.counts.items()}
    shortcuts = [one for one in counts["dram_inputs"] if SHORTCUTS.one in one[0].gives]
    assert sum(command.bytes * times for command, times in shortcuts) == 401_408
    written = sum(command.bytes * times for command, times in counts["dram_outputs"])
    assert written == 56 * 56 * 64 * 2 + 56 * 56 * 64 // 8 == 426_496
    values, lanes = 56 * 56 * 64, 64
    # an addition, and a threshold for the signs
    cycles = sum(command.cycles * times for command, times in counts["vector"])
    assert cycles == values * 2 // lanes
