"""The vector unit of a systolic array: layers of its own, fused layers, addresses."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import load_hardware, simulate
from simulator.analysis.running import run_one
from simulator.api.simulate import with_settings
from simulator.base.errors import InputError
from simulator.engine import event, fast
from simulator.engine.trace import Trace
from simulator.machines.family import Change, Mapping
from simulator.machines.systolic import MappedLayer, Systolic
from simulator.machines.systolic.addresses import Addresses
from simulator.machines.systolic.expected import expected_ends
from simulator.machines.systolic.moves import (
    AnyMapped,
    Move,
    Moves,
    input_reads,
    operand,
    sum_reads,
    weight_loads,
    writes,
)
from simulator.machines.systolic.notes import notes
from simulator.machines.systolic.read_maps import Edges, ReadMap
from simulator.machines.systolic.units import section_of
from simulator.machines.systolic.vocabulary import (
    DRAM_INPUTS,
    DRAM_OUTPUTS,
    DRAM_SUMS,
    DRAM_WEIGHTS,
    UNITS,
)
from simulator.machines.vector.fusion import Fusion, fusion_of
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.vector.no_effect import why_no_effect
from simulator.machines.vector.writers import writers_of
from simulator.program.written import written
from simulator.workload import Workload, configure
from simulator.workload.network import network_from
from tests.systolic import DATAFLOWS, IDEAL, SMALL, systolic
from tests.test_systolic import Overrides, both, machines, mapped, mapping_of
from tests.vector_networks import whole_networks

pytestmark = pytest.mark.unit

MOVES = {
    DRAM_WEIGHTS: weight_loads,
    DRAM_INPUTS: input_reads,
    DRAM_SUMS: sum_reads,
    DRAM_OUTPUTS: writes,
}
BLOCK: list[dict[str, Any]] = [
    {"name": "a", "type": "conv", "precision": "full", "out_channels": 8, "kernel": 1},
    {"name": "b", "type": "conv", "precision": "binary", "out_channels": 8, "kernel": 3,
     "padding": 1},
    {"name": "b.norm", "type": "norm"},
    {"name": "add", "type": "add", "other": "a"},
    {"name": "c", "type": "conv", "precision": "binary", "out_channels": 4, "kernel": 1},
    {"name": "join", "type": "concat", "others": ["add"]},
    {"name": "pool", "type": "pool", "kernel": 2, "stride": 2},
]  # fmt: skip


def block(scope: str = "network") -> Workload:
    """A residual block, a concatenation and a pool."""
    return whole(BLOCK, scope)


def whole(layers: list[dict[str, Any]], scope: str = "network") -> Workload:
    """A network of some layers on 8 channels of 4 x 4."""
    file = {
        "name": "block",
        "title": "Block",
        "ops_convention": "main_paper",
        "input": {"channels": 8, "height": 4, "width": 4},
        "layers": layers,
    }
    return configure(network_from(file, Path("block.yaml")), bits=1, scope=scope)


@st.composite
def with_vector_units(draw: st.DrawFn) -> Overrides:
    """A random array with a random vector unit."""
    return draw(machines()) | {
        "vector.lanes": draw(st.sampled_from([1, 3, 64])),
        "vector.bits": draw(st.sampled_from([4, 16])),
        "vector.fused": draw(st.sampled_from([True, True, False])),
        "vector.cycles.norm": draw(st.integers(1, 3)),
        "vector.cycles.quantize": draw(st.integers(1, 2)),
    }


def machine_of(mapping: Mapping[MappedLayer]) -> Systolic:
    """The array of a mapping."""
    assert isinstance(mapping.hardware, Systolic)
    return mapping.hardware


def fusion_on(mapping: Mapping[MappedLayer], workload: Workload) -> Fusion:
    """The maps of a network on the array of a mapping."""
    machine = machine_of(mapping)
    return fusion_of(workload, machine.vector, machine.full_precision.bits)


# --- cycles --------------------------------------------------------------------------------------


@pytest.mark.invariant
@given(whole_networks(), with_vector_units())
def test_cycles_of_random_networks(workload: Workload, overrides: Overrides) -> None:
    """Both engines have the times of the recurrence."""
    mapping = mapping_of(workload, overrides)
    ends = expected_ends(machine_of(mapping), mapping.layers)
    assert both(mapping).ends.tolist() == ends


@pytest.mark.invariant
@given(whole_networks(), with_vector_units())
def test_more_lanes_never_cost_cycles(workload: Workload, overrides: Overrides) -> None:
    few, many = (
        mapping_of(workload, overrides | {"vector.lanes": lanes}).program for lanes in (2, 5)
    )
    assert fast.totals(many).cycles <= fast.totals(few).cycles


@pytest.mark.invariant
@given(whole_networks(), with_vector_units())
def test_programs_without_loops_are_the_same(workload: Workload, overrides: Overrides) -> None:
    for one in mapping_of(workload, overrides).weighted:
        section = section_of(
            one.records,
            spills=one.plan.sums == "dram",
            epilogue=one.plan.epilogue is not None,
            plain=True,
        )
        for unit, body in one.section.bodies.items():
            loops, plain = written(body), written(section.bodies[unit])
            assert [loops.commands[n] for n in loops.index] == [
                plain.commands[n] for n in plain.index
            ]
            assert loops.step.tolist() == plain.step.tolist()


@pytest.mark.invariant
@given(whole_networks(), with_vector_units())
def test_bytes_are_at_least_those_of_the_maps(workload: Workload, overrides: Overrides) -> None:
    mapping = mapping_of(workload, overrides)
    fusion, moved = fusion_on(mapping, workload), fast.totals(mapping.program).bytes
    for layer, mine in zip(mapping.layers, moved, strict=True):
        if layer.section.bodies:
            shape = layer.layer
            values = workload.batch * shape.out_pixels * shape.out_channels
            bits = values * fusion.written_bits(shape)
            assert 8 * mine[UNITS.index(DRAM_OUTPUTS)] >= bits
            if not isinstance(layer, MappedVector):
                shortcuts = len(fusion.shortcuts(layer.layer)) * fusion.maps.wide_bits
                assert 8 * mine[UNITS.index(DRAM_INPUTS)] >= values * shortcuts


def test_a_vector_layer_with_ideal_memory_takes_the_cycles_of_its_rows() -> None:
    """4 rows of a pool with 12 channels: 2 pixels x 12 channels x 4 values / 5 lanes."""
    keys = {"vector.lanes": 5, "memory.transfer_steps": 2}
    mapping = mapped(block(), IDEAL | keys)
    starts = fast.totals(mapping.program).ends
    assert starts[-1] - starts[-2] == 2 * 20  # ceil(2 x 12 x 4 / 5) = 20 for each of 2 rows


# --- fused layers --------------------------------------------------------------------------------


def of(trace: Trace, kind: str, layer: int) -> list[tuple[int, int]]:
    """(start, end) of every command of a kind in a layer."""
    chosen = (trace.kind == trace.kinds.index(kind)) & (trace.layer == layer)
    return list(zip(trace.start[chosen].tolist(), trace.end[chosen].tolist(), strict=True))


@pytest.mark.parametrize("dataflow", DATAFLOWS)
@pytest.mark.parametrize("overlap", [False, True])
@pytest.mark.parametrize("output_kib", [0.13, 1])
def test_fused_layers(dataflow: str, overlap: bool, output_kib: float) -> None:
    """The unit works once for each piece of outputs, never on partial sums."""
    keys = {
        "array.dataflow": dataflow,
        "array.overlap_folds": overlap,
        "memory.output_scratchpad.kib": output_kib,
        "memory.transfer_steps": 4,
    }
    mapping = mapped(block(), keys)
    assert [one.mode for one in mapping.layers[2:4]] == ["fused", "fused"]
    trace = event.run(mapping.program)
    outputs = len(of(trace, "write_outputs", 1))
    assert 2 * len(of(trace, "vector", 1)) == outputs  # 16 bits for `join`, signs for `c`
    spilled = output_kib < 1 and dataflow != "output_stationary"
    assert (len(of(trace, "write_sums", 1)) > 0) == spilled
    assert both(mapping).ends.tolist() == expected_ends(machine_of(mapping), mapping.layers)


def test_a_fused_layer_by_hand() -> None:
    """A fold of 16 sums on 4 x 4 PEs takes 9 steps; its results leave 6 cycles later."""
    keys = {
        "array.dataflow": "output_stationary",
        "vector.lanes": 4,
        "memory.transfer_steps": 100,
        "memory.dram.latency_cycles": 0,
    }
    trace = event.run(mapped(block(), keys).program)
    left = [ready for _, ready in of(trace, "stream", 1)]
    unit = of(trace, "vector", 1)
    assert unit[0] == (left[0] + 6, left[0] + 6 + 12)  # norm, add, sign: 3 x 16 values / 4 lanes
    assert of(trace, "write_outputs", 1)[:2] == [
        (unit[0][1], unit[0][1] + 8),  # 16 values of 2 bytes at 4 bytes per cycle
        (unit[0][1] + 8, unit[0][1] + 10),  # 16 signs: a burst of 8 bytes
    ]


def test_a_layer_without_an_epilogue_keeps_its_program() -> None:
    whole, alone = mapped(block(), {}), mapped(block(), {"vector.fused": False})
    assert whole.layers[4].section is alone.layers[4].section


def test_shortcut_values_take_space_of_the_input_scratchpad() -> None:
    (plan,) = (one.plan for one in mapped(block(), {}).weighted if one.layer.name == "b")
    space = plan.shortcut_space
    # two slots of 8 steps x 4 columns x 2 bytes; two buffers share the rest of 1 KiB
    assert (space.size, space.buffer_bits) == (128, 8 * 448)
    small = mapped(block(), {"memory.input_scratchpad.kib": 0.1}).weighted[1].plan
    assert (small.shortcut_space.size, small.piece_steps) == (34, 2)


def test_an_input_scratchpad_without_room_for_shortcuts() -> None:
    keys = {"array.dataflow": "input_stationary", "memory.input_scratchpad.kib": 0.04}
    with pytest.raises(InputError, match=r"b needs at least 0.05 KiB, 3 x the slots of its short"):
        mapped(block(), keys)
    mapped(block(), keys | {"memory.input_scratchpad.kib": 0.05})


# --- addresses -----------------------------------------------------------------------------------


@pytest.mark.invariant
@given(whole_networks(), with_vector_units())
def test_every_transfer_has_an_address(workload: Workload, overrides: Overrides) -> None:
    mapping = mapping_of(workload, overrides)
    edges = Edges(fusion_on(mapping, workload), machine_of(mapping).dram.burst_bytes)
    addresses = Addresses(mapping.layers, 256, edges)
    for unit, moves in MOVES.items():
        sizes = [move.size for layer in mapping.layers for move in moves(layer)]
        bodies = [layer.section.bodies.get(unit, ()) for layer in mapping.layers]
        texts = [written(body) for body in bodies]
        assert sizes == [text.commands[n].bytes for text in texts for n in text.index]
        ends = map(sum, zip(addresses.of(moves), sizes, strict=True))
        assert all(end <= addresses.size for end in ends)


def test_layers_read_what_others_write() -> None:
    workload = block()
    mapping = mapped(workload, {})
    fusion = fusion_on(mapping, workload)
    assert writers_of(fusion)["join"] == ("c", "b")  # `add` is fused into `b`
    addresses = Addresses(mapping.layers, 256, Edges(fusion, 8))
    where = {
        (layer.layer.name, move.region, move.tile): at
        for moves in MOVES.values()
        for (layer, move), at in zip(_all(mapping, moves), addresses.of(moves), strict=True)
    }
    first = {(layer, region): at for (layer, region, _), at in reversed(where.items())}
    assert first["b", "inputs"] == first["a", "copy 1"]
    assert first["b", operand(0)] == first["a", "copy 0"]
    assert first["c", "inputs"] == first["b", "copy 1"]
    assert first["pool", operand(0)] == first["c", "copy 0"]
    assert len({first[one] for one in first if "copy" in one[1]}) == 6


def _all(mapping: Mapping[MappedLayer], moves: Moves) -> list[tuple[AnyMapped, Move]]:
    return [(layer, move) for layer in mapping.layers for move in moves(layer)]


def test_a_fused_layer_reads_no_map() -> None:
    """The norm computes with 16 bits, but only signs are in DRAM."""
    conv = {"type": "conv", "precision": "binary", "out_channels": 4, "kernel": 1}
    layers = [{"name": "a"} | conv, {"name": "norm", "type": "norm"}, {"name": "b"} | conv]
    workload = whole(layers)
    mapping = mapped(workload, {})
    addresses = Addresses(mapping.layers, 256, Edges(fusion_on(mapping, workload), 8))
    reads = [move for _, move in _all(mapping, input_reads)]
    assert len([*addresses.of(input_reads)]) == len(reads) == 3  # two pieces of `a`, one of `b`


def test_a_reader_begins_again_after_the_last_byte() -> None:
    joined = ReadMap((range(0, 64), range(256, 288)))
    assert [joined.at(offset, 8) for offset in (0, 56, 64, 88, 96)] == [0, 56, 256, 280, 0]
    assert joined.at(88, 16) == 272  # it ends in its part
    assert joined.at(0, 1000) == 0


# --- reasons and notes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "scope", "reason"),
    [
        ("vector.lanes", 2, "weights", "the vector unit runs only in scope network"),
        ("vector.cycles.activation", 2, "network", "no layer has this operation"),
        ("vector.cycles.pool", 2, "weights", "the vector unit runs only in scope network"),
        ("vector.cycles.move", 2, "network", "layers write values to the places"),
        ("vector.bits", 32, "network", "every value takes the same number of passes"),
    ],
)
def test_a_key_of_the_unit_without_effect(key: str, value: object, scope: str, reason: str) -> None:
    workload = block(scope=scope)
    before, after = (
        run_one(workload, systolic(SMALL | changed), "fast") for changed in ({}, {key: value})
    )
    assert before.cycles == after.cycles
    found = why_no_effect(Change(key=key, before=(before,), after=(after,)))
    assert found is not None
    assert reason in found


@pytest.mark.parametrize(
    ("hardware", "setting"),
    [
        ("tpu-like", "memory.input_scratchpad.kib=20000"),
        ("cofluent64", "memory.activation_buffer.kib=70"),
    ],
)
def test_larger_buffers_are_for_layers_with_weights(hardware: str, setting: str) -> None:
    """A larger buffer is tried for the layers that read data twice."""
    result = simulate(block("weights"), load_hardware(hardware, [setting]), scope="network")
    (effect,) = with_settings(result, hardware, [setting]).settings
    assert effect.reason is not None


def test_only_narrower_scopes_leave_layers_out() -> None:
    for scope in ("weights", "network"):
        run = run_one(block(scope=scope), systolic(SMALL), "fast")
        assert any("take no time" in note for note in notes(run)) == (scope == "weights")


def test_a_section_that_the_file_leaves_out_has_keys() -> None:
    vector = systolic({"vector.cycles.norm": 3}).vector
    assert vector is not None
    assert vector.cycles.norm == 3
