"""Maps that stay on chip between layers: decisions, bytes and cycles."""

import re
from math import ceil
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given

from simulator.analysis.run import Run
from simulator.analysis.running import run_one
from simulator.base.errors import InputError
from simulator.machines.lut_array.buffering import plan_buffering
from simulator.machines.lut_array.outputs import output_space
from simulator.machines.vector.fusion import fusion_of
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.vector.on_chip import OnChip, resident_maps
from simulator.workload import Workload, configure
from simulator.workload.network import network_from
from simulator.workload.vector_layer import MOVES, AnyLayer, VectorLayer, sources
from tests.build import machine
from tests.strategies import machines, run_of
from tests.vector_networks import conv, net, whole_networks

pytestmark = pytest.mark.cycle

ON_CHIP = {"memory.activations": "on_chip"}
ROOMY = {"memory.activation_buffer.kib": 4096, "memory.index_buffer.kib": 4096}
BYTES = {"memory.dram.burst_bytes": 1}


ADD = {"name": "add", "type": "add", "other": "a"}


def moved(run: Run) -> int:
    return sum(run.dram_bytes.values())


def pair(workload: Workload, keys: dict[str, Any]) -> tuple[Run, Run]:
    """Runs with all maps in DRAM, and with maps on chip where they fit."""
    return run_of(workload, keys, "fast"), run_of(workload, keys | ON_CHIP, "fast")


def on_chip(run: Run) -> dict[str, OnChip]:
    return {one.layer.name: one.plan.on_chip for one in run.mapping.layers}


class TestByHand:
    """Three binary layers of 16 channels over 24 pixels; the third ends in an addition."""

    def runs(self, **keys: Any) -> tuple[Run, Run]:
        workload = net(conv("a"), conv("b"), conv("c"), ADD)
        before, after = (machine(BYTES | keys | extra) for extra in ({}, ON_CHIP))
        return run_one(workload, before, "fast"), run_one(workload, after, "fast")

    def test_only_image_weights_and_results_move(self) -> None:
        before, after = self.runs()
        image, weights = 24 * 2, 3 * 16 * 16 * 9 // 8
        # a: 16 bits for the addition and signs; b: signs; c: 16 bits, the results
        assert before.dram_bytes["written"] == 24 * (32 + 2 + 2 + 32)
        assert before.dram_bytes["read"] == image + weights + 24 * (2 + 2 + 32)
        assert after.dram_bytes["written"] == 24 * 32
        assert after.dram_bytes["read"] == image + weights

    def test_the_states_of_the_layers(self) -> None:
        _, after = self.runs()
        wide, signs = 24 * 32, 24 * 2
        states = on_chip(after)
        assert states["a"] == OnChip(operands=(False,), kept=(16, 1), space=wide + signs)
        assert states["b"] == OnChip(operands=(True,), kept=(1,), space=wide + 2 * signs)
        assert states["c"] == OnChip(operands=(True,), shortcuts=(True,), space=wide + signs)

    def test_a_short_life_has_priority(self) -> None:
        # with its 16-bit copy, c needs 768 + 48 bytes, and 2 slots of 8 pixels x 32 bytes: 1328
        _, after = self.runs(**{"memory.activation_buffer.kib": 1300 / 1024})
        assert {name: one.kept for name, one in on_chip(after).items()} == {
            "a": (1,), "b": (1,), "c": (), "add": (),
        }  # fmt: skip

    def test_a_write_of_nothing_takes_no_cycle(self) -> None:
        for engine in ("event", "fast"):
            run = run_one(net(conv("a"), conv("b")), machine(BYTES | ON_CHIP), engine)
            first = run.trace.layer == 0
            writes = first & (run.trace.kind == run.trace.kinds.index("write_outputs"))
            assert set((run.trace.end - run.trace.start)[writes].tolist()) == {0}

    def test_the_first_step_waits_for_the_previous_layer(self) -> None:
        run = run_one(net(conv("a"), conv("b")), machine(ON_CHIP), "event")
        trace = run.trace
        reads = (trace.layer == 1) & (trace.kind == trace.kinds.index("read_inputs"))
        assert not reads.any()
        array = (trace.layer == 1) & (trace.kind == trace.kinds.index("direct"))
        assert trace.start[array].min() >= trace.end[trace.layer == 0].max()


def always(_layer: AnyLayer, _state: OnChip) -> bool:
    """The rule of a buffer without limits."""
    return True


def test_layers_of_a_concatenation_stay_together() -> None:
    """The third layer reads two maps as one: both stay, or none."""
    joined = {"name": "cat", "type": "concat", "others": ["a"]}
    workload = net(conv("a"), conv("b"), joined, conv("c"))
    fusion = fusion_of(workload, machine().vector, 32)
    maps = resident_maps(fusion, always).maps
    assert [{one.writer for one in x.copies} for x in maps] == [{"a", "b"}]
    assert maps[0].bytes == 2 * 24 * 2


def test_results_and_the_image_are_in_dram() -> None:
    fusion = fusion_of(net(conv("a"), conv("b")), machine().vector, 32)
    residency = resident_maps(fusion, always)
    (one,) = residency.maps
    assert [copy.writer for copy in one.copies] == ["a"]


def test_maps_without_effect_in_another_scope_have_a_note() -> None:
    file = {
        "name": "net", "title": "Net", "ops_convention": "main_paper",
        "input": {"channels": 16, "height": 4, "width": 6}, "layers": [conv("a")],
    }  # fmt: skip
    workload = configure(network_from(file, Path("net.yaml")), scope="binary")
    run = run_one(workload, machine(ON_CHIP), "fast")
    assert any("only scope network" in note for note in run.mapping.remarks)


def test_every_transfer_to_a_dram_table_has_an_address() -> None:
    keys = ON_CHIP | {
        "memory.dram.timing": "ddr4-2400",
        "memory.dram.bytes_per_cycle": 19.2,
        "memory.dram.latency_cycles": 5,
        "memory.activation_buffer.kib": 1300 / 1024,
    }
    run = run_one(net(conv("a"), conv("b"), conv("c"), ADD), machine(keys), "event")
    assert {name: one.kept for name, one in on_chip(run).items()}["a"] == (1,)
    dram = run.mapping.program.dram
    assert dram is not None
    for unit, addresses in dram.streams.items():
        commands = sum(len(one.commands(unit)) for one in run.mapping.weighted)
        assert len(list(addresses())) == commands


def test_one_port_is_refused() -> None:
    keys = ON_CHIP | {"memory.activation_buffer.ports": 1}
    with pytest.raises(InputError, match=r"memory\.activations is on_chip"):
        run_one(net(conv("a"), conv("b")), machine(keys), "event")


@pytest.mark.parametrize("scope", ["binary", "weights"])
def test_other_scopes_do_not_change(scope: Any) -> None:
    file = {
        "name": "net", "title": "Net", "ops_convention": "main_paper",
        "input": {"channels": 16, "height": 4, "width": 6}, "layers": [conv("a"), conv("b")],
    }  # fmt: skip
    workload = configure(network_from(file, Path("net.yaml")), scope=scope)
    before, after = (run_one(workload, machine(x), "fast") for x in ({}, ON_CHIP))
    assert np.array_equal(before.summary.ends, after.summary.ends)
    assert before.dram_bytes == after.dram_bytes


class TestNetworks:
    """Random networks on random machines."""

    @given(whole_networks(), machines(), st.booleans())
    def test_both_engines_agree(
        self, workload: Workload, keys: dict[str, Any], fused: bool
    ) -> None:
        keys = keys | ON_CHIP | {"vector.fused": fused}
        one, two = (run_of(workload, keys, engine) for engine in ("event", "fast"))
        for name in ("ends", "busy", "bytes"):
            assert np.array_equal(getattr(one.summary, name), getattr(two.summary, name))
        assert sum(layer.cycles for layer in two.layers) == two.cycles

    @given(whole_networks(), machines(), st.booleans())
    def test_maps_on_chip_never_cost_bytes(
        self, workload: Workload, keys: dict[str, Any], fused: bool
    ) -> None:
        before, after = pair(workload, keys | {"vector.fused": fused})
        assert moved(after) <= moved(before)

    @given(whole_networks(), st.booleans())
    def test_a_large_buffer_keeps_all_maps(self, workload: Workload, fused: bool) -> None:
        """DRAM then moves the image, the weights and the results."""
        moves = any(one.kind in MOVES for one in workload.vector_layers)
        assume(not (fused and moves))  # results may contain maps that other layers read
        keys = ROOMY | BYTES | {"vector.fused": fused}
        _, run = pair(workload, keys)
        maps = fusion_of(workload, run.hardware.vector, 32).maps
        stored = sum(one.stored_bytes for one in run.mapping.layers)
        image = sum(
            x.dram_read_bytes - x.mapped.stored_bytes
            for x in run.layers
            if "input" in sources(x.mapped.layer)
        )
        assert run.dram_bytes["read"] == stored + image
        results = [maps.layers[name] for name, readers in maps.readers.items() if not readers]
        bits = sum(workload.batch * x.out_pixels * x.out_channels for x in results) * maps.wide_bits
        assert bits <= run.dram_bytes["written"] * 8 < bits + 8 * sum(map(_writes, run.layers)) + 1

    @given(whole_networks(), machines(), st.booleans())
    def test_the_size_of_the_note_holds_all_maps(
        self, workload: Workload, keys: dict[str, Any], fused: bool
    ) -> None:
        keys = keys | ON_CHIP | {"vector.fused": fused}
        remarks = run_of(workload, keys, "fast").mapping.remarks
        if not remarks:
            return
        (kib,) = re.findall(r"([\d.,]+) KiB would hold all maps", remarks[0])
        size = {"memory.activation_buffer.kib": float(kib.replace(",", ""))}
        again = run_of(workload, keys | size, "fast").mapping.remarks
        assert again == (), (remarks, again)

    @given(whole_networks(), machines(), st.booleans())
    def test_maps_and_data_of_layers_fit(
        self, workload: Workload, keys: dict[str, Any], fused: bool
    ) -> None:
        """Count the maps again from the edges, layer by layer."""
        run = run_of(workload, keys | ON_CHIP | {"vector.fused": fused}, "fast")
        size = int(run.hardware.memory.activation_buffer.kib * 1024)
        living = _living(run)
        joins = any(one.kind in MOVES for one in workload.vector_layers)
        for mapped in run.mapping.layers:
            if mapped.mode == "fused":
                continue
            state = mapped.plan.on_chip
            assert state.space >= living[mapped.layer.name]
            if not joins:
                assert state.space == living[mapped.layer.name]
            if isinstance(mapped, MappedVector):
                assert mapped.plan.fits
            else:
                writes = plan_buffering(mapped.plan).writes
                assert state.space + output_space(mapped.plan, writes) <= size


def _writes(result: Any) -> int:
    """Write commands of a layer, each of which may round up to a byte."""
    unit = next((x for x in result.mapped.section.bodies if x.name == "dram_outputs"), None)
    if unit is None:
        return 0
    if isinstance(result.mapped, MappedVector):
        plan = result.mapped.plan
        return plan.batch * plan.layer.images * len(list(plan.places))
    return len(result.mapped.commands(unit))


def _living(run: Run) -> dict[str, int]:
    """Bytes of the maps on chip in each layer, from the copies that layers keep and the edges."""
    workload = run.workload
    fusion = fusion_of(workload, run.hardware.vector, run.hardware.full_precision.bits)
    layers = list(workload.all_layers)
    place = {one.name: number for number, one in enumerate(layers)}
    home = {x.name: name for name, chain in fusion.chains.items() for x in chain}
    found = {one.name: 0 for one in layers}
    for mapped in run.mapping.layers:
        layer = mapped.layer
        for bits in mapped.plan.on_chip.kept:
            if mapped.mode == "fused":
                continue
            last = max(
                place[home.get(name, name)] for name in _readers(layer, bits, fusion, layers)
            )
            values = workload.batch * layer.out_pixels * layer.out_channels
            for number in range(place[layer.name], last + 1):
                found[layers[number].name] += ceil(values * bits / 8)
    return found


def _readers(layer: AnyLayer, bits: int, fusion: Any, layers: list[AnyLayer]) -> list[str]:
    """The layers that read a copy, also through concatenations and their other maps."""
    end = fusion.written_map(layer)
    names, seen = [end], set()
    while names:
        name = names.pop()
        for one in layers:
            if name not in sources(one) or one.name in seen:
                continue
            if isinstance(one, VectorLayer) and one.kind in fusion.maps.free_moves:
                names.append(one.name)
                continue
            if fusion.maps.read_bits(one) == bits:
                seen.add(one.name)
    return list(seen)
