"""The fast engine: the event engine's figures, command for command and in its totals."""

from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from _pytest.mark import ParameterSet
from hypothesis import assume, given

from simulator.engine import kernel
from simulator.engine.fast import run, totals, totals_together
from simulator.engine.instructions import instructions_of
from simulator.engine.layout import Layout, RunState
from simulator.engine.trace import Summary, summarize
from simulator.flatten import flatten
from simulator.hardware import load_hardware
from simulator.loops import LoopBody, LoopProgram, Machine, Rates
from simulator.machines import lut_array
from simulator.mapping import map_workload
from simulator.mapping.commands import Kind
from simulator.mapping.converted import trace_of as trace_of_loops
from simulator.shipped import shipped_names
from simulator.workload import Workload, configure, load_workload
from tests.build import layer, machine, network, trace_of
from tests.loops import Body, Loop, Op, layer_of
from tests.ordered import bare, by_hand
from tests.strategies import Overrides, loops_of, machines, mapping_of, networks

pytestmark = pytest.mark.invariant

COMPILED = [False, True]


def same(one: Summary, other: Summary) -> bool:
    columns = ("ends", "busy", "bytes", "pe_cycles")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in columns)


def agree(loops: LoopProgram) -> None:
    """The program written out runs as its contract says; totals with and without compiler agree."""
    program = flatten(loops)
    expected, fast = by_hand(program), run(program)
    assert np.array_equal(expected.start, fast.start)
    assert np.array_equal(expected.end, fast.end)
    for compiled in COMPILED:
        assert same(totals(loops, compiled), summarize(bare(expected)))


def engines_agree(workload: Workload, overrides: Overrides) -> None:
    """Both mappers choose alike; both engines have the same trace with the same causes."""
    ours, theirs = loops_of(workload, overrides), mapping_of(workload, overrides)
    assert [(x.weights, x.inputs) for x in ours.layers] == [
        (x.weights, x.inputs) for x in theirs.layers
    ]
    fast, event = trace_of_loops(ours), trace_of(theirs)
    assert (fast.vocabulary, fast.layers) == (event.vocabulary, event.layers)
    for column in (
        "layer", "step", "unit", "kind", "start", "end", "latency", "bytes", "pes", "penalty",
        "lost", "channel", "cause",
    ):  # fmt: skip
        assert np.array_equal(getattr(fast, column), getattr(event, column)), column
    assert same(totals(ours.loops), summarize(event))


@given(workload=networks(), overrides=machines())
def test_random_networks_on_random_machines(workload: Workload, overrides: Overrides) -> None:
    agree(loops_of(workload, overrides).loops)


@given(workload=networks(), overrides=machines())
def test_both_contracts_have_the_same_trace(workload: Workload, overrides: Overrides) -> None:
    engines_agree(workload, overrides)


@st.composite
def tall_networks(draw: st.DrawFn) -> Workload:
    """Maps with many equal rows and columns, so that jumps pay."""
    shapes = draw(st.lists(networks(), min_size=1, max_size=2))
    high, wide = draw(st.integers(6, 20)), draw(st.integers(6, 40))
    layers = [
        layer(
            x.in_channels, x.out_channels, high, wide, kernel=x.kernel, stride=x.stride,
            padding=x.padding, groups=x.groups, tau=x.tau, full_precision=x.full_precision,
        )
        for shape in shapes
        for x in shape.layers[:1]
    ]  # fmt: skip
    return replace(shapes[0], layers=tuple(layers))


def rates() -> st.SearchStrategy[Overrides]:
    return st.fixed_dictionaries(
        {
            "memory.dram.latency_cycles": st.integers(0, 80),
            "memory.dram.bytes_per_cycle": st.sampled_from([0.3, 1, 4, 64]),
            "memory.index_buffer.bytes_per_cycle": st.sampled_from([0.5, 4, 100]),
        }
    )


@given(
    workload=tall_networks(), overrides=machines(), lanes=st.lists(rates(), min_size=1, max_size=5)
)
def test_machines_that_differ_in_rates_run_together(
    workload: Workload, overrides: Overrides, lanes: list[Overrides]
) -> None:
    programs = [loops_of(workload, overrides | lane).loops for lane in lanes]
    for program, together in zip(programs, totals_together(programs), strict=True):
        assert same(together, totals(program, compiled=False))


def test_other_layers_do_not_run_together() -> None:
    programs = [loops_of(network(layer(8, 8, 4, 4)), {"array.pes": pes}).loops for pes in (4, 8)]
    with pytest.raises(ValueError, match="same body"):
        totals_together(programs)


@given(workload=tall_networks(), overrides=machines())
def test_networks_with_many_equal_rows(workload: Workload, overrides: Overrides) -> None:
    agree(loops_of(workload, overrides).loops)
    engines_agree(workload, overrides)


MACHINE = Machine(
    units=("a", "b", "c"),
    kinds=("x", "y", "z"),
    unit_of=(0, 1, 2),
    signals=4,
    lasting=frozenset({3}),
    step=0,
    trailing=frozenset(),
    room=3,
)


AGES = st.integers(1, 6) | st.integers(1, 60)
"""Long ones look back over many turns of a loop, and over its beginning."""


@st.composite
def ops(draw: st.DrawFn) -> Op:
    kind = draw(st.integers(0, 2))
    return Op(
        kind=kind,
        pes=draw(st.integers(0, 3)) if kind < 2 else 0,  # kind 2 is a transfer
        cycles=draw(st.integers(0, 12)),
        bytes=draw(st.integers(0, 100)),
        waits=tuple(draw(st.lists(st.tuples(st.integers(0, 3), AGES), max_size=3))),
        posts=tuple(draw(st.sets(st.integers(0, 3), max_size=2))),
        room=draw(st.sampled_from([-1, -1, 0, 1])),
    )


def bodies(count: int) -> st.SearchStrategy[Body]:
    leaf = st.lists(st.integers(0, count - 1), max_size=4).map(tuple)
    return st.recursive(
        leaf,
        lambda inner: st.lists(
            st.integers(0, count - 1) | st.builds(Loop, st.integers(1, 40), inner), max_size=3
        ).map(tuple),
        max_leaves=4,
    )


@st.composite
def loop_programs(draw: st.DrawFn) -> LoopProgram:
    layers = []
    for _ in range(draw(st.integers(1, 3))):
        some = tuple(draw(st.lists(ops(), min_size=1, max_size=5, unique=True)))
        layers.append(layer_of(MACHINE, some, draw(bodies(len(some)))))
    ages = [np.array(draw(st.lists(st.integers(0, 4), min_size=2, max_size=2))) for _ in layers]
    transfers = draw(st.none() | st.builds(Rates, *[st.integers(1, 9)] * 3))
    names = tuple(f"layer{n}" for n in range(len(layers)))
    body = LoopBody(MACHINE, tuple(layers), tuple(ages))
    program = LoopProgram(body, names, (None, None, transfers))
    assume(0 < sum(item.times.sum() for item in layers) < 20_000)
    assume(all(item.times.sum() for item in layers))
    return program


@given(program=loop_programs())
def test_random_programs_with_random_loops(program: LoopProgram) -> None:
    agree(program)


LARGE = {"ssd300-vgg16", "faster-rcnn-r18", "r50", "r34"}
"""Networks of many commands, compared at fewer taus."""


def shipped_cases() -> list[ParameterSet]:
    """All of them; those of `make test` are the paper's array and networks of usual size."""
    return [
        pytest.param(model, hw, tau, marks=[pytest.mark.slow] if slow or tau in {6, 3} else [])
        for model in shipped_names("workloads")
        for hw in shipped_names("hw_configs")
        for slow in [model in LARGE or hw != "cofluent64"]
        for tau in ((None, 5) if slow else (None, 6, 5, 3))
    ]


@pytest.mark.parametrize(("model", "hw", "tau"), shipped_cases())
def test_every_shipped_network_on_every_shipped_machine(
    model: str, hw: str, tau: int | None
) -> None:
    workload = configure(load_workload(model), bits=None if tau else 1, tau=tau)
    hardware = load_hardware(hw)
    mapping = map_workload(workload, hardware)
    event = trace_of(lut_array.map_workload(workload, hardware))
    assert np.array_equal(trace_of_loops(mapping).start, event.start)
    assert same(totals(mapping.loops), summarize(event))


@pytest.mark.parametrize("tau", [None, 5])
def test_cost_does_not_grow_with_the_number_of_pixels(tau: int | None) -> None:
    done = []
    for size in (128, 256, 512):
        loops = map_workload(network(layer(64, 128, size, size, tau=tau)), machine()).loops
        done.append(operations(loops))
    assert done[0] == done[1] == done[2] < 2000, done  # 16 times the pixels


def test_the_buffer_filling_up_with_rows_is_jumped_over() -> None:
    # At 448 pixels 73 of 112 rows fit the buffer: reads run ahead until it is full. That takes 73
    # rows of output, but is over for the kernel after a few.
    small, large = (
        operations(
            map_workload(configure(load_workload("r18", (size, size)), tau=5), machine()).loops
        )
        for size in (224, 448)
    )
    assert large < 2 * small, (small, large)  # of 96,343 and 384,557 commands


def operations(loops: LoopProgram) -> int:
    """Operations that the kernel runs for a whole program."""
    layers = [instructions_of(item) for item in loops.body.layers]
    reach = np.max([item.reach for item in layers], axis=0).tolist()
    state = RunState(Layout(loops.body, reach, max(item.depth for item in layers)))
    start, done = 0, 0
    for item, ages in zip(layers, loops.body.room_ages, strict=True):
        state.start_layer()
        code = item.code(loops.rate_columns, ages)
        done += kernel.run_layer(code, state.rings, state.frames, state.state, state.units, start)
        start = state.state[0]
    return done


def test_halving_finds_how_far_a_loop_is_steady() -> None:
    # Of 8001 operations: the head start, 2 turns to agree, the last turn in vain, halves of 4000 in
    # vain or not until turn 50 is found, and the same once more for what comes after.
    assert operations(head_start(4000)) < 80


def head_start(turns: int) -> LoopProgram:
    """Unit b takes what a makes, at 3 cycles against 5, but begins 100 cycles later.

    So turns shift b by 3 until it has caught up, at turn 50, and by 5 from there on.
    """
    maker = Op(kind=0, cycles=5, posts=(0,))
    late = Op(kind=1, cycles=100)
    taker = Op(kind=1, cycles=3, waits=((0, 1),))
    body: Body = (1, Loop(turns, (0, 2)))
    layers = (layer_of(MACHINE, (maker, late, taker), body),)
    whole = LoopBody(MACHINE, layers, (np.zeros(0, dtype=np.int64),))
    return LoopProgram(whole, ("layer",), (None, None, None))


def test_a_jump_that_the_last_turn_contradicts_is_taken_back() -> None:
    loops = head_start(400)
    agree(loops)
    assert totals(loops).cycles == 2003  # a works 400 * 5 without a gap, b 3 more


@pytest.mark.parametrize("kib", [1.3, 2.1, 2.11])
def test_a_load_waits_for_a_full_precision_layer_that_is_slower_than_the_next_fetch(
    kib: float,
) -> None:
    """The third layer's weights (1,080 bytes) need the space of both layers before it.

    The second layer's fetch frees its tile in cycle 645, the first layer's last step in 2272.
    """
    first = layer(2, 7, 4, 4, full_precision=True)
    net = network(first, layer(16, 40, 1, 1), layer(16, 60, 1, 1))
    overrides = {
        "array.pes": 16,
        "full_precision.macs_per_cycle": 1,
        "memory.index_buffer.kib": kib,
        "memory.dram.bytes_per_cycle": 2,
        "memory.dram.latency_cycles": 0,
    }
    engines_agree(net, overrides)
    trace = trace_of(mapping_of(net, overrides))
    macs = trace.end[(trace.layer == 0) & (trace.kind == Kind.MAC)].max()
    loads = trace.start[(trace.layer == 2) & (trace.kind == Kind.LOAD_WEIGHTS)]
    assert loads.min() >= macs
