"""Maps that stay in the input scratchpad of a systolic array."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from simulator.analysis.running import run_one
from simulator.base.errors import InputError
from simulator.engine import event, fast
from simulator.machines.family import Mapping
from simulator.machines.systolic import MappedLayer, map_workload
from simulator.machines.systolic.actions import layer_actions
from simulator.machines.systolic.addresses import Addresses
from simulator.machines.systolic.expected import expected_ends
from simulator.machines.systolic.on_chip import needed_bytes
from simulator.machines.systolic.plan import LayerPlan
from simulator.machines.systolic.read_maps import Edges
from simulator.machines.systolic.vocabulary import DRAM_INPUTS, DRAM_OUTPUTS, UNITS
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.vector.on_chip import OnChip
from simulator.program.written import written
from simulator.workload import Workload
from tests.systolic import DATAFLOWS, SMALL, systolic
from tests.test_systolic import Overrides, both
from tests.test_systolic_vector import (
    MOVES,
    block,
    fusion_on,
    machine_of,
    mapped,
    mapping_of,
    of,
    whole,
    with_vector_units,
)
from tests.vector_networks import whole_networks

pytestmark = pytest.mark.unit

ON_CHIP = {"memory.activations": "on_chip"}
BYTES = {"memory.dram.burst_bytes": 1}
CONV: dict[str, Any] = {"type": "conv", "precision": "binary", "kernel": 3, "padding": 1}
LAYERS: list[dict[str, Any]] = [
    *({"name": name, "out_channels": 8} | CONV for name in "abc"),
    {"name": "add", "type": "add", "other": "a"},
]
"""Three binary layers of 8 channels over 16 pixels; the third ends in an addition."""


def states(mapping: Mapping[MappedLayer]) -> dict[str, OnChip]:
    """The maps on chip in every layer."""
    return {one.layer.name: one.plan.on_chip for one in mapping.layers}


def moved(mapping: Mapping[MappedLayer], unit: Any) -> int:
    """Bytes that a unit moves."""
    return int(fast.totals(mapping.program).bytes[:, UNITS.index(unit)].sum())


# --- by hand -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataflow", DATAFLOWS)
def test_only_image_weights_and_results_move(dataflow: str) -> None:
    keys = BYTES | {"array.dataflow": dataflow}
    before, after = (mapped(whole(LAYERS), keys | extra) for extra in ({}, ON_CHIP))
    assert moved(before, DRAM_INPUTS) == 16 * (1 + 1 + 1 + 16)  # signs, and 16 bits of `a`
    assert moved(before, DRAM_OUTPUTS) == 16 * (16 + 1 + 1 + 16)  # `c` writes the results
    assert moved(after, DRAM_INPUTS) == 16 * 1
    assert moved(after, DRAM_OUTPUTS) == 16 * 16


def test_the_states_of_the_layers() -> None:
    wide, signs = 16 * 16, 16
    found = states(mapped(whole(LAYERS), BYTES | ON_CHIP))
    assert found["a"] == OnChip(operands=(False,), kept=(16, 1), space=wide + signs)
    assert found["b"] == OnChip(operands=(True,), kept=(1,), space=wide + 2 * signs)
    assert found["c"] == OnChip(operands=(True,), shortcuts=(True,), space=wide + signs)


def test_signs_stay_without_the_16_bit_copy() -> None:
    """`c` then reads shortcut values, after the earlier layers have ended."""
    keys = BYTES | ON_CHIP | {"memory.input_scratchpad.kib": 250 / 1024}
    mapping = mapped(whole(LAYERS), keys)
    assert {name: one.kept for name, one in states(mapping).items()} == {
        "a": (1,), "b": (1,), "c": (), "add": (),
    }  # fmt: skip
    assert moved(mapping, DRAM_INPUTS) == 16 * (1 + 16)
    assert moved(mapping, DRAM_OUTPUTS) == 16 * (16 + 16)
    trace = event.run(mapping.program)
    ended = max(end for _, end in of(trace, "write_outputs", 1))
    assert min(start for start, _ in of(trace, "read_inputs", 2)) == ended
    assert both(mapping).ends.tolist() == expected_ends(machine_of(mapping), mapping.layers)


@pytest.mark.parametrize("dataflow", DATAFLOWS)
def test_the_first_step_waits_for_the_previous_layer(dataflow: str) -> None:
    mapping = mapped(whole(LAYERS), ON_CHIP | {"array.dataflow": dataflow})
    trace = event.run(mapping.program)
    assert not of(trace, "read_inputs", 1)
    kind = "preload" if dataflow == "input_stationary" else "stream"
    writes = of(trace, "write_outputs", 0)
    assert of(trace, kind, 1)[0][0] == max(end for _, end in writes)
    assert all(start == end for start, end in writes)  # of 0 bytes


def test_copies_that_stay_are_written_to_the_input_scratchpad() -> None:
    none = np.zeros(len(UNITS), dtype=np.int64)
    before, after = (mapped(whole(LAYERS), extra).weighted[0].plan for extra in ({}, ON_CHIP))
    counts = layer_actions(after, none)
    kept = {("dram_outputs", "input_scratchpad_write_bit"): 16 * 8 * (16 + 1)}
    assert counts == layer_actions(before, none) | kept


def test_the_space_of_inputs_and_shortcuts() -> None:
    """A map of 16 bytes; two slots of 16 values x 2 bytes; with folds, two buffers of a piece."""
    (plan,) = (one.plan for one in mapped(whole(LAYERS), {}).weighted if one.layer.name == "c")
    assert needed_bytes(plan) == 16 + 2 * plan.piece_steps * 4 * 2
    tight = {"memory.input_scratchpad.kib": 30 / 1024, "memory.transfer_steps": 4}
    (plan,) = (one.plan for one in mapped(whole(LAYERS[:3]), tight).weighted[2:])
    assert plan.lifetime(plan.inputs) == "fold"
    assert needed_bytes(plan) == 2 * 2  # 4 rows x 4 steps of a bit


# --- random networks -----------------------------------------------------------------------------


@pytest.mark.invariant
@given(whole_networks(), with_vector_units())
def test_cycles_of_random_networks(workload: Workload, overrides: Overrides) -> None:
    """Both engines have the times of the recurrence."""
    mapping = mapping_of(workload, overrides | ON_CHIP)
    ends = expected_ends(machine_of(mapping), mapping.layers)
    assert both(mapping).ends.tolist() == ends


@pytest.mark.invariant
@given(whole_networks(), with_vector_units())
def test_maps_on_chip_never_cost_bytes(workload: Workload, overrides: Overrides) -> None:
    before, after = (
        fast.totals(mapping_of(workload, overrides | extra).program).bytes
        for extra in ({}, ON_CHIP)
    )
    assert (after <= before).all()


@pytest.mark.invariant
@given(whole_networks(), with_vector_units())
def test_maps_on_chip_never_cost_cycles(workload: Workload, overrides: Overrides) -> None:
    before, after = (
        fast.totals(mapping_of(workload, overrides | extra).program).cycles
        for extra in ({}, ON_CHIP)
    )
    assert after <= before


@pytest.mark.invariant
@given(whole_networks(), with_vector_units())
def test_maps_and_data_of_layers_fit(workload: Workload, overrides: Overrides) -> None:
    mapping = mapping_of(workload, overrides | ON_CHIP)
    size = machine_of(mapping).memory.input_scratchpad.bytes
    for one in mapping.layers:
        state = one.plan.on_chip
        if isinstance(one, MappedVector):
            assert one.fused or one.plan.fits
            continue
        layer = one.layer
        values = workload.batch * layer.images * layer.out_pixels * layer.out_channels
        written_here = sum(-(-values * bits // 8) for bits in state.kept)
        assert written_here <= state.space
        assert not state.space or needed_bytes(one.plan) <= size


@pytest.mark.invariant
@given(whole_networks(), with_vector_units())
def test_the_size_of_the_note_holds_all_maps(workload: Workload, overrides: Overrides) -> None:
    remarks = mapping_of(workload, overrides | ON_CHIP).remarks
    if not remarks:
        return
    (kib,) = re.findall(r"([\d.,]+) KiB would hold all maps", remarks[0])
    size = {"memory.input_scratchpad.kib": float(kib.replace(",", ""))}
    again = mapping_of(workload, overrides | ON_CHIP | size)
    assert again.remarks == ()


@pytest.mark.invariant
@given(whole_networks(), with_vector_units())
def test_every_transfer_has_an_address(workload: Workload, overrides: Overrides) -> None:
    mapping = mapping_of(workload, overrides | ON_CHIP)
    edges = Edges(fusion_on(mapping, workload), machine_of(mapping).dram.burst_bytes)
    addresses = Addresses(mapping.layers, 256, edges)
    for unit, moves in MOVES.items():
        sizes = [move.size for layer in mapping.layers for move in moves(layer)]
        texts = [written(layer.section.bodies.get(unit, ())) for layer in mapping.layers]
        assert sizes == [text.commands[n].bytes for text in texts for n in text.index]
        assert len([*addresses.of(moves)]) == len(sizes)


# --- a DRAM table, and other scopes --------------------------------------------------------------


@pytest.mark.parametrize("kib", [1, 250 / 1024])
def test_a_dram_table(kib: float) -> None:
    keys = SMALL | ON_CHIP | {
        "memory.dram.timing": "ddr4-2400",
        "memory.dram.burst_bytes": 64,
        "memory.input_scratchpad.kib": kib,
    }  # fmt: skip
    before, after = (
        event.run(map_workload(whole(LAYERS), systolic(keys | extra)).program)
        for extra in ({"memory.activations": "dram"}, {})
    )
    assert after.end.max() < before.end.max()


@pytest.mark.parametrize("scope", ["binary", "weights"])
def test_other_scopes_do_not_change(scope: str) -> None:
    before, after = (mapped(block(scope), extra) for extra in ({}, ON_CHIP))
    for one, other in zip(before.layers, after.layers, strict=True):
        bodies = [layer.section.bodies for layer in (one, other)]
        assert [*bodies[0]] == [*bodies[1]]
        assert all(
            written(bodies[0][x]).commands == written(bodies[1][x]).commands for x in bodies[0]
        )
    assert before.program.channels == after.program.channels
    assert "only scope network" in after.remarks[0]
    assert before.remarks == ()


def test_inputs_kept_on_chip_have_a_name_in_the_table() -> None:
    run = run_one(whole(LAYERS), systolic(SMALL | ON_CHIP), "fast")
    kept = [one.columns["inputs_kept_for"] for one in run.mapping.weighted]
    assert kept == ["layer", "on_chip", "on_chip"]


def test_a_scratchpad_that_is_too_small_is_still_refused() -> None:
    keys = {"array.dataflow": "input_stationary", "memory.input_scratchpad.kib": 0.04}
    with pytest.raises(InputError, match=r"3 x the slots of its short"):
        mapped(block(), keys | ON_CHIP)


def test_folds_and_pieces_do_not_depend_on_maps() -> None:
    before, after = (mapped(whole(LAYERS), extra).weighted for extra in ({}, ON_CHIP))
    for one, other in zip(before, after, strict=True):
        plans: tuple[LayerPlan, LayerPlan] = (one.plan, other.plan)
        assert len({(x.pieces, x.lifetime(x.inputs), x.lifetime(x.weights)) for x in plans}) == 1
