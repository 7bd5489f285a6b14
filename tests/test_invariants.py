"""Invariants of every hardware configuration and every network."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings

from simulator.analysis.layers import layer_results
from simulator.base.columns import Ints
from simulator.engine.summary import summarize
from simulator.engine.trace import Trace
from simulator.machines.family import Mapping
from simulator.machines.lut_array.plan import LayerPlan
from simulator.workload import Workload
from tests.build import layer, machine, network, trace_of
from tests.caches import anew, forget
from tests.nest import Nest, nest_of
from tests.numbering import Kind, Unit
from tests.strategies import Overrides, machines, mapping_of, networks

pytestmark = pytest.mark.invariant


def run(workload: Workload, overrides: Overrides) -> tuple[Mapping, Trace]:
    """Map and run, except on hardware with a buffer that is too small for the layer."""
    mapping = mapping_of(workload, overrides)
    return mapping, trace_of(mapping)


def select(trace: Trace, number: int, kind: Kind) -> Ints:
    return np.flatnonzero((trace.layer == number) & (trace.kind == kind))


@given(workload=networks(), overrides=machines())
def test_the_nest_of_the_tests_does_every_step_once(
    workload: Workload, overrides: Overrides
) -> None:
    for mapped in mapping_of(workload, overrides).layers:
        plan = mapped.plan
        nest = nest_of(plan)
        done = np.zeros((plan.pixels, len(plan.blocks), len(plan.group_units)), dtype=int)
        for tile in range(nest.tiles):
            first = nest.pixel_step[tile] * plan.pixels_per_step
            done[first : first + nest.pixels[tile], nest.block[tile], :] += 1
        assert np.all(done == 1)
        parts = [part.units * part.taps for part in plan.input_parts]
        assert sum(parts) == plan.units_in * plan.layer.taps
        assert sum(block.outputs for block in plan.blocks) == plan.layer.out_channels
        assert all(block.outputs >= 1 for block in plan.blocks)
        most = plan.hardware.array.pe.partial_sums
        assert all(block.outputs <= most for block in plan.blocks)


@given(workload=networks(), overrides=machines())
def test_every_step_is_done_once_and_only_once(workload: Workload, overrides: Overrides) -> None:
    """The mapper's program has the steps of the nest, each once, in the nest's order."""
    mapping, trace = run(workload, overrides)
    for number, mapped in enumerate(mapping.layers):
        plan, nest = mapped.plan, nest_of(mapped.plan)
        kind = {"lut": Kind.ACCUMULATE, "direct": Kind.DIRECT, "mac": Kind.MAC}[plan.mode]
        work = select(trace, number, kind)
        steps = np.repeat(np.arange(nest.steps), nest.passes)
        assert trace.step[work].tolist() == steps.tolist()
        if plan.mode == "mac":
            continue
        tiles, groups = np.divmod(steps, nest.groups)
        units = np.array(plan.group_units)
        assert trace.pes[work].tolist() == (nest.pixels[tiles] * units[groups]).tolist()
        if plan.mode == "lut":
            passes = np.tile(np.arange(nest.passes), nest.steps)
            sums = plan.accumulate_table[nest.block[tiles], groups, passes]
            assert trace.occupied[work].tolist() == sums.tolist()
        drains = select(trace, number, Kind.DRAIN)
        lanes = plan.hardware.array.pe.accumulators
        outputs = np.array([block.outputs for block in plan.blocks])[nest.block]
        assert trace.occupied[drains].tolist() == (-(-outputs // lanes)).tolist()


@given(workload=networks(), overrides=machines())
def test_the_array_does_the_work_that_the_shapes_ask_for(
    workload: Workload, overrides: Overrides
) -> None:
    mapping, trace = run(workload, overrides)
    for number, mapped in enumerate(mapping.layers):
        plan, inner = mapped.plan, mapped.plan.layer
        steps = plan.pixel_steps * len(plan.blocks) * len(plan.group_units)
        pixel_units = plan.pixels * plan.units_in * len(plan.blocks)
        if plan.mode == "lut":
            assert len(select(trace, number, Kind.FILL)) == steps * len(plan.pass_entries)
            assert len(select(trace, number, Kind.ACCUMULATE)) == steps * len(plan.pass_entries)
            fills = select(trace, number, Kind.FILL)
            assert trace.pes[fills].sum() == pixel_units * len(plan.pass_entries)
        elif plan.mode == "direct":
            direct = select(trace, number, Kind.DIRECT)
            assert len(direct) == steps
            assert trace.pes[direct].sum() == pixel_units
        else:
            macs = trace.occupied[select(trace, number, Kind.MAC)].sum()
            rate = plan.hardware.full_precision.macs_per_cycle
            assert macs * rate >= inner.macs * workload.batch
        assert len(select(trace, number, Kind.DRAIN)) == (
            0 if plan.mode == "mac" else plan.pixel_steps * len(plan.blocks)
        )


@given(workload=networks(), overrides=machines())
def test_no_unit_does_two_things_at_a_time(workload: Workload, overrides: Overrides) -> None:
    _, trace = run(workload, overrides)
    for unit in Unit:
        mine = trace.unit == unit
        assert np.all(trace.start[mine][1:] >= trace.end[mine][:-1])


@given(workload=networks(), overrides=machines())
def test_tables_registers_and_sums_are_not_overwritten_in_use(
    workload: Workload, overrides: Overrides
) -> None:
    mapping, trace = run(workload, overrides)
    start, end = trace.start, trace.end
    for number, mapped in enumerate(mapping.layers):
        plan = mapped.plan
        if plan.mode == "mac":
            continue
        nest = nest_of(plan)
        fills, drains = (select(trace, number, kind) for kind in (Kind.FILL, Kind.DRAIN))
        adds = select(trace, number, Kind.ACCUMULATE if plan.mode == "lut" else Kind.DIRECT)
        banks = plan.hardware.array.pe.lut_banks
        # a bank is read when it is full, and refilled when it has been read
        assert np.all(start[adds[: len(fills)]] >= end[fills])
        assert np.all(start[fills[banks:]] >= end[adds[: len(fills)][:-banks]])
        # a step's indices are in a register set while it adds
        fetches, steps = select(trace, number, Kind.FETCH_INDICES), nest.fetching_steps()
        last_adds = adds.reshape(nest.steps, -1)[:, -1]
        assert np.all(start[adds.reshape(nest.steps, -1)[steps, 0]] >= end[fetches])
        sets = plan.hardware.array.pe.index_register_sets
        assert np.all(start[fetches[sets:]] >= end[last_adds[steps[1 : len(steps) - sets + 1] - 1]])
        # sums drain when complete; the next output tile overwrites them after the drain, not before
        first_adds = adds.reshape(nest.tiles, -1)[:, 0]
        assert np.all(start[drains] >= end[last_adds[nest.groups - 1 :: nest.groups]])
        behind = end if nest.passes > 1 else start
        assert np.all(start[first_adds[1:]] >= behind[drains[:-1]])


@given(workload=networks(), overrides=machines())
def test_the_index_buffer_never_holds_more_than_it_can(
    workload: Workload, overrides: Overrides
) -> None:
    mapping, trace = run(workload, overrides)
    changes: list[tuple[int, int, int]] = []
    for number, mapped in enumerate(mapping.layers):
        plan, nest = mapped.plan, nest_of(mapped.plan)
        users_kind = Kind.MAC if plan.mode == "mac" else Kind.FETCH_INDICES
        users = commands_by_tile(trace, nest, select(trace, number, users_kind))
        loads = commands_by_tile(trace, nest, select(trace, number, Kind.LOAD_WEIGHTS))
        for (block, group), mine in loads.items():
            size = int(plan.stored_table[block, group])
            # a load serves the steps from its own to the weight tile's next load
            firsts = np.searchsorted(trace.step[users[block, group]], trace.step[mine])
            for load, upto in zip(mine, [*firsts[1:], len(users[block, group])], strict=True):
                first_of_layer = load == select(trace, number, Kind.LOAD_WEIGHTS)[0]
                held = size + (plan.subset_bytes if first_of_layer else 0)
                changes.append((int(trace.start[load]), 1, held))
                # after sorting, a cycle's releases precede its allocations
                changes.append((int(trace.end[users[block, group][upto - 1]]), 0, -held))
    held_bytes = np.cumsum([change for _, _, change in sorted(changes)])
    assert held_bytes.max() <= int(machine(overrides).memory.index_buffer.kib * 1024)
    assert held_bytes[-1] == 0


def commands_by_tile(trace: Trace, nest: Nest, commands: Ints) -> dict[tuple[int, int], Ints]:
    """Commands in order of time, by the (block, group) of their step."""
    step = trace.step[commands]
    found = list(
        zip(nest.block[step // nest.groups].tolist(), (step % nest.groups).tolist(), strict=True)
    )
    return {tile: commands[[other == tile for other in found]] for tile in sorted(set(found))}


def needed_input_pixels(plan: LayerPlan) -> int:
    """Input pixels under any kernel, by brute force."""
    inner = plan.layer
    touched = np.zeros((inner.in_height, inner.in_width), dtype=bool)
    for row in range(inner.out_height):
        for column in range(inner.out_width):
            top = row * inner.strides.height - inner.paddings.height
            left = column * inner.strides.width - inner.paddings.width
            touched[
                max(0, top) : max(0, top + inner.extents.height),
                max(0, left) : max(0, left + inner.extents.width),
            ] = True
    return int(touched.sum()) * inner.images * plan.batch


@given(workload=networks(), overrides=machines())
def test_at_least_the_bytes_of_the_shapes_move(workload: Workload, overrides: Overrides) -> None:
    mapping, trace = run(workload, overrides)
    moved = trace.bytes
    for number, mapped in enumerate(mapping.layers):
        plan, inner = mapped.plan, mapped.plan.layer
        bits = plan.activation_bits
        inputs = moved[select(trace, number, Kind.READ_INPUTS)].sum()
        weights = moved[select(trace, number, Kind.LOAD_WEIGHTS)].sum()
        outputs = moved[select(trace, number, Kind.WRITE_OUTPUTS)].sum()
        assert 8 * inputs >= needed_input_pixels(plan) * inner.in_channels * bits
        assert 8 * outputs >= plan.pixels * inner.out_channels * sum(plan.copies)
        stored = inner.unit_bits * plan.units_in * inner.out_channels
        if plan.huffman:
            stored = 8 * (plan.weight_bytes + plan.subset_bytes)
        assert 8 * weights >= (inner.weights * bits if plan.mode == "mac" else stored)


@given(workload=networks(), overrides=machines())
def test_cycles_reach_the_compute_and_the_bandwidth_bound(
    workload: Workload, overrides: Overrides
) -> None:
    mapping, trace = run(workload, overrides)
    for unit in Unit:
        assert trace.cycles >= trace.occupied[trace.unit == unit].sum()
    for channel in (Unit.DRAM_WEIGHTS, Unit.DRAM_INPUTS, Unit.DRAM_OUTPUTS):
        moved = trace.bytes[trace.unit == channel].sum()
        assert trace.cycles >= moved / overrides["memory.dram.bytes_per_cycle"] - 1e-6
    dots = sum(
        m.plan.pixels
        * m.plan.units_in
        * m.plan.activation_bits
        * (
            m.plan.layer.subset_size * len(m.plan.blocks)
            if m.plan.mode == "lut"
            else m.plan.layer.out_channels
        )
        for m in mapping.layers
        if m.plan.mode != "mac"
    )
    rate = overrides["array.pe.dots_per_cycle"] * overrides["array.pes"]
    assert trace.cycles >= dots / rate


@given(workload=networks(), overrides=machines())
def test_layers_tile_the_run(workload: Workload, overrides: Overrides) -> None:
    mapping, trace = run(workload, overrides)
    results = layer_results(mapping, summarize(trace))
    assert sum(result.cycles for result in results) == trace.cycles
    for result in results:
        assert 0 < result.utilization <= 1
        assert all(0 <= busy <= result.cycles for busy in result.busy_cycles.values())


RELAXED: dict[str, Any] = {
    "memory.dram.latency_cycles": lambda value: value // 2,
    "memory.dram.bytes_per_cycle": lambda value: value * 1.7,
    "memory.index_buffer.bytes_per_cycle": lambda value: value * 1.7,
    "memory.index_buffer.kib": lambda value: value * 1.3,
    "memory.activation_buffer.kib": lambda value: value * 1.3,
    "array.pe.lut_banks": lambda value: value + 1,
    "full_precision.macs_per_cycle": lambda value: value * 2,
}


SLOW = {"array.pe.lut_banks", "full_precision.macs_per_cycle"}


@pytest.mark.parametrize(
    "key", [pytest.param(key, marks=[pytest.mark.slow] * (key in SLOW)) for key in RELAXED]
)
@given(workload=networks(), overrides=machines())
def test_more_never_costs_cycles(key: str, workload: Workload, overrides: Overrides) -> None:
    one, before = run(workload, overrides)
    other, after = run(workload, overrides | {key: RELAXED[key](overrides[key])})
    assume(orders_of(one) == orders_of(other))  # the exceptions in docs/machine.md
    assert after.cycles <= before.cycles


def orders_of(mapping: Mapping) -> list[tuple[str, tuple[int, ...]]]:
    return [(mapped.writes, mapped.plan.image_blocks) for mapped in mapping.layers]


@settings(max_examples=20)  # empty caches make a run slow
@given(workload=networks(), overrides=machines())
def test_two_runs_give_the_same_bytes(workload: Workload, overrides: Overrides) -> None:
    _, one = run(workload, overrides)
    forget()
    _, two = run(anew(workload), overrides)
    for column in ("start", "end", "cause", "channel"):
        assert getattr(one, column).tobytes() == getattr(two, column).tobytes()


def test_a_larger_buffer_never_costs_a_grouped_convolution_cycles() -> None:
    """The scheme `rows` once read all groups' channels first: 865 cycles instead of 726."""
    grouped = layer(52, 2, 1, 2, kernel=1, groups=2, full_precision=True)
    slow = {
        "array.pe.partial_sums": 1,
        "memory.dram.latency_cycles": 0,
        "memory.dram.bytes_per_cycle": 0.3,
        "memory.dram.burst_bytes": 1,
        "memory.index_buffer.kib": 0.03,
        "memory.activation_buffer.transfer_pixels": 1,
        "full_precision.macs_per_cycle": 1,
        "full_precision.bits": 8,
    }
    small, large = (
        run(network(grouped, batch=2), slow | {"memory.activation_buffer.kib": kib})[1].cycles
        for kib in (0.2, 0.26)
    )
    assert large <= small


def test_a_buffer_that_comes_to_hold_a_transfer_never_costs_cycles() -> None:
    """If both buffers are too small for more than a step, loads once overlapped reads: 7605 cycles.

    If the buffer fits a transfer's inputs, the run took 9063 cycles because the loads could then
    hide no read.
    """
    one = layer(21, 1, 2, 3, full_precision=True)
    slow = {
        "array.pes": 1,
        "array.pe.partial_sums": 1,
        "array.pe.accumulators": 1,
        "memory.dram.latency_cycles": 0,
        "memory.dram.bytes_per_cycle": 0.3,
        "memory.dram.burst_bytes": 1,
        "memory.index_buffer.kib": 0.1,
        "memory.activation_buffer.transfer_pixels": 2,
        "full_precision.macs_per_cycle": 1,
        "full_precision.bits": 32,
    }
    (mapping, small), (other, large) = (
        run(network(one), slow | {"memory.activation_buffer.kib": kib}) for kib in (0.5, 0.65)
    )
    assert (mapping.layers[0].inputs, mapping.layers[0].weights) == ("step", "step")
    assert other.layers[0].inputs != "step"
    assert large.cycles <= small.cycles
