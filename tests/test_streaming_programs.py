"""Invariants of the programs of pipelines, on random networks and machines."""

import numpy as np
import pytest
from hypothesis import given

from simulator.check import check_workload
from simulator.engine import event, fast
from simulator.machines.streaming.build import Pipeline
from simulator.machines.streaming.fifos import Fifo
from simulator.machines.streaming.network import INPUT
from simulator.machines.streaming.stages import (
    Dma,
    FetchAdd,
    MatrixVector,
    Mover,
    SharedDots,
    Stage,
    Weights,
)
from simulator.machines.streaming.streams import commands_of
from simulator.machines.streaming.turns import cycles_of
from simulator.machines.streaming.units import program_of as body_of
from tests.streaming_replay import replay
from tests.streaming_strategies import Case, cases, program_of
from tests.test_fast import agree

pytestmark = pytest.mark.invariant


@given(cases())
def test_engines_agree(case: Case) -> None:
    agree(program_of(case, case.built))


@given(cases(joins=False))
def test_engines_agree_on_stalling_loops(case: Case) -> None:
    agree(program_of(case, case.built))


@given(cases())
def test_words_have_the_values_of_the_layers(case: Case) -> None:
    assert check_workload(case.workload, case.hardware).failure is None


@given(cases(joins=False))
def test_words_of_stalling_loops_have_the_values_of_the_layers(case: Case) -> None:
    assert check_workload(case.workload, case.hardware).failure is None


@given(cases())
def test_no_fifo_holds_more_than_its_depth_and_all_words_leave(case: Case) -> None:
    built = case.built
    program = program_of(case, built)
    flows = replay(event.run(program), program, built).flows
    for fifo in built.fifos:
        flow = flows[fifo]
        assert len(flow.written) == len(flow.read) == len(flow.left)
        assert len(flow.read) == fifo.words * case.workload.batch
        assert flow.most() <= fifo.depth
        assert all(there <= read for there, read in zip(flow.written, flow.read, strict=True))


@given(cases())
def test_maps_have_the_words_of_their_shapes(case: Case) -> None:
    """The FIFO behind a stage: pixels x ceil(channels x bits / bits of a word)."""
    network, built = case.network, case.built
    for name, plan in built.plans.items():
        given = network.map_of(name)
        last = [one for one in built.stages if one.name.startswith(f"{name}.{_last(plan)}")]
        (fifo,) = {one for stage in last[:1] for one in stage.targets}
        assert fifo.words == given.pixels * -(-given.channels * given.bits // fifo.bits)
    image = network.map_of(INPUT)
    (fifo, *_) = built.stages[0].targets
    assert fifo.words == -(-image.pixels * image.channels * image.bits // fifo.bits)


def _last(plan: object) -> str:
    kind = plan.main_kind  # type: ignore[attr-defined]
    return "mvtu" if kind == "dots" else kind


@given(cases())
def test_units_are_busy_for_their_closed_forms(case: Case) -> None:
    """Of an image: pixels x synapse folds x neuron folds of an MVTU, and so on."""
    built, images = case.built, case.workload.batch
    program = program_of(case, built)
    trace = event.run(program)
    rows = replay(trace, program, built).rows
    for stage in built.stages:
        busy = int(trace.occupied[rows[stage.name]].sum())
        if isinstance(stage, Dma | Weights):
            assert busy >= images * stage.cycles
            continue
        assert busy == images * stage.cycles
        layer = built.plans[stage.layer].layer
        pe, simd, dots = built.plans[stage.layer].fold
        if isinstance(stage, MatrixVector):
            assert stage.cycles * pe * simd == layer.macs
        if isinstance(stage, FetchAdd):
            adds = layer.out_pixels * layer.out_channels * -(-layer.units_in // simd)
            assert stage.cycles * pe == adds
        if isinstance(stage, SharedDots):
            fills = layer.out_pixels * layer.groups * -(-layer.units_in // simd)
            assert stage.cycles == fills * -(-layer.subset_size // dots)


@given(cases(joins=False))
def test_stalling_loops_have_an_iteration_more_at_most(case: Case) -> None:
    """Windows, pools, and padding end a stalling loop with every image; others with the batch."""
    images = case.workload.batch
    for stage in case.built.stages:
        if isinstance(stage, Mover):
            turns = images - 1
            cycles = cycles_of(stage.turns) + turns * cycles_of(stage.later_turns)
            commands = sum(command.cycles for command in commands_of(body_of(stage)))
            assert commands == cycles + stage.leaves_result


@given(cases())
def test_no_run_is_faster_than_its_slowest_stage(case: Case) -> None:
    """The interval: every unit begins an image at least its own cycles after the one before."""
    built, images = case.built, case.workload.batch
    program = program_of(case, built)
    trace = event.run(program)
    rows = replay(trace, program, built).rows
    slowest = max(stage.cycles for stage in built.stages)
    assert trace.cycles >= images * slowest
    for stage in built.stages:
        begins = trace.start[rows[stage.name].reshape(images, -1)[:, 0]]
        assert (np.diff(begins) >= stage.cycles).all()


@given(cases())
def test_first_words_come_after_the_fills_of_the_longest_path(case: Case) -> None:
    """A fill: cycles from a unit's first read of an input to its first write."""
    built = case.built
    program = program_of(case, built)
    flows = replay(event.run(program), program, built).flows
    for fifo, least in _fills(built).items():
        assert flows[fifo].written[0] >= least


def _fills(built: Pipeline) -> dict[Fifo, int]:
    """The least cycle of the first word of every FIFO, unit after unit."""
    first: dict[Fifo, int] = {}
    for stage in built.stages:
        reads, write, targets = _first_moves(stage, built)
        waits = [first[one] + write - cycle for one, cycle in reads.items() if cycle < write]
        for target in targets:
            first[target] = max([write, *waits])
    return first


def _first_moves(stage: Stage, built: Pipeline) -> tuple[dict[Fifo, int], int, set[Fifo]]:
    """The cycle of a unit's first read of each input, and the end of its first write."""
    items = {fifo.items: fifo for fifo in built.fifos}
    reads: dict[Fifo, int] = {}
    now = 0
    for command in commands_of(body_of(stage)):
        for channel, _ in command.takes:
            if channel in items:
                reads.setdefault(items[channel], now)
        now += command.cycles
        written = {items[channel] for channel, _ in command.gives if channel in items}
        if written:
            return reads, now, written
    return reads, now, set()


@given(cases())
def test_deeper_fifos_are_never_slower(case: Case) -> None:
    fifos = case.hardware.fifos
    deeper = case.with_fifos(
        depth=fifos.depth + 1, depths={name: depth + 2 for name, depth in fifos.depths.items()}
    )
    cycles = [fast.totals(program_of(one, one.built)).cycles for one in (case, deeper)]
    assert cycles[1] <= cycles[0]
