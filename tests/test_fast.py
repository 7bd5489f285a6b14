"""The fast engine: the event engine's results on any program, with and without fast-forwards."""

from collections.abc import Sequence
from dataclasses import fields

import hypothesis.strategies as st
import numpy as np
import pytest
from _pytest.mark import ParameterSet
from hypothesis import given, note

from simulator.base.shipped import shipped_names
from simulator.engine import event, fast, space
from simulator.engine import layout as at
from simulator.engine.fast import OutOfSpaceError, run, totals, totals_together
from simulator.engine.summary import Summary, summarize
from simulator.engine.trace import Trace
from simulator.machines import load_hardware
from simulator.machines.families import family_of
from simulator.machines.lut_array.mapper import map_workload
from simulator.program import Channel, Kind, Loop, Program, ProgramError, Section, Unit
from simulator.workload import Workload, configure, load_workload
from tests.build import layer, machine, network
from tests.deadlocks import Deadlock, deadlocked_programs
from tests.free_programs import free_programs, random_program, rate_families
from tests.pipelines import pipelines
from tests.programs import programs
from tests.shown import shown
from tests.strategies import Overrides, machines, mapping_of, networks

pytestmark = pytest.mark.invariant

COLUMNS = (
    "layer", "step", "unit", "kind", "start", "end", "latency", "bytes", "pes", "penalty", "lost",
    "channel", "cause",
)  # fmt: skip


def same(one: Summary, other: Summary) -> bool:
    names = (field.name for field in fields(Summary) if field.name != "ran")  # of one engine
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def same_traces(one: Trace, other: Trace) -> bool:
    if (one.vocabulary, one.layers) != (other.vocabulary, other.layers):
        return False
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in COLUMNS)


def agree(program: Program) -> None:
    """Check that both engines' traces and totals are equal, with and without fast-forwards."""
    trace = event.run(program)
    assert same_traces(run(program, fast_forwarding=False), trace)
    assert same_traces(run(program), trace)
    expected = summarize(trace)
    assert same(totals(program, compiled=False, fast_forwarding=False), expected)
    assert same(totals(program, compiled=False), expected)
    assert expected.spent.sum(axis=1).tolist() == expected.layer_cycles.tolist()
    assert expected.cycles == trace.cycles


class Counts:
    """Counts of the fast engine's work on a program."""

    def __init__(self, program: Program) -> None:
        state = fast._State([program], compiled=False, fast_forwarding=True)
        state.run(None)
        self.ran = int(state.memory[at.RAN])
        self.fast_forwards = int(state.memory[at.FAST_FORWARDS])
        self.ahead = bool(state.memory[at.AHEAD])
        self.ends = state.ends()[:, 0].tolist()


# --- programs of any shape ------------------------------------------------------------------------


@given(program=pipelines())
def test_pipelines(program: Program) -> None:
    agree(program)


@given(program=free_programs())
def test_programs_of_any_shape(program: Program) -> None:
    note(shown(program))
    agree(program)


@given(program=programs())
def test_programs_drawn_command_by_command(program: Program) -> None:
    agree(program)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_a_thousand_programs_of_any_shape(block: int) -> None:
    for seed in range(100 * block, 100 * (block + 1)):
        program = random_program(seed)
        trace = event.run(program)
        assert same(totals(program), summarize(trace)), seed
        assert same_traces(run(program), trace), seed


def test_many_of_these_programs_are_fast_forwarded() -> None:
    counts = [Counts(random_program(seed)) for seed in range(40)]
    assert sum(each.fast_forwards > 0 for each in counts) >= 8
    assert sum(each.ahead for each in counts) >= 1  # and units that run ahead


@given(family=rate_families())
def test_programs_that_differ_in_rates_run_together(family: list[Program]) -> None:
    for program, together in zip(family, totals_together(family), strict=True):
        assert same(together, summarize(event.run(program)))


def test_other_programs_do_not_run_together() -> None:
    with pytest.raises(ValueError, match="differ only in rates"):
        totals_together([random_program(0), random_program(1)])


@given(program=free_programs())
def test_the_compiled_form(program: Program) -> None:
    assert same(totals(program, compiled=True), totals(program, compiled=False))
    assert same_traces(run(program, compiled=True), run(program, compiled=False))


@given(deadlock=deadlocked_programs())
def test_a_deadlock_names_the_units_of_its_circle(deadlock: Deadlock) -> None:
    program, circle = deadlock
    with pytest.raises(ProgramError) as raised:
        totals(program)
    with pytest.raises(ProgramError) as by_events:
        event.run(program)
    assert str(raised.value) == str(by_events.value)
    assert all(f"{unit.title} waits for" in str(raised.value) for unit in circle)


# --- memory ---------------------------------------------------------------------------------------

MAKER, USER = Unit("maker", "the maker"), Unit("user", "the user")
MAKE, USE, WORK = Kind("make", MAKER), Kind("use", USER), Kind("work", USER)
ITEM = Channel("item", "an item")


def program_of(make: Sequence[object], use: Sequence[object]) -> Program:
    return Program(
        units=(MAKER, USER),
        kinds=(MAKE, USE, WORK),
        channels={ITEM: 0},
        sections=(Section({MAKER: tuple(make), USER: tuple(use)}),),  # type: ignore[arg-type]
        names=("section",),
    )


def far_ahead(lots: int) -> Program:
    """A producer that finishes before its consumer takes any token."""
    make = Loop(lots, (MAKE(cycles=1, gives=[ITEM]), MAKE(cycles=1)))
    return program_of((make,), (WORK(cycles=9), USE(takes=[ITEM(lots)])))


def test_a_structure_that_is_too_small_grows() -> None:
    program = far_ahead(100 * space.FIRST_SPACE)
    agree(program)
    sizes = space.space_of(program.shape, False)
    assert sizes.lots == {ITEM: 4096}  # the next power of two: for all lots of the section


def test_a_structure_for_many_lots_grows_in_steps() -> None:
    shape = far_ahead(3 * space.MOST_GROWN).shape
    sizes = space.space_of(shape, False)
    grown = []
    for _ in range(4):
        sizes.grow(ITEM, shape)
        grown.append(sizes.lots[ITEM])
    assert grown == [1 << 18, 1 << 20, 1 << 22, 1 << 22]


def test_a_structure_that_cannot_grow_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "MOST_SPACE", 2 * space.FIRST_SPACE)
    program = far_ahead(30 * space.FIRST_SPACE)
    for fast_forwarding in (True, False):
        with pytest.raises(OutOfSpaceError, match="lots of item are outstanding"):
            totals(program, fast_forwarding=fast_forwarding)


# --- fast-forwards --------------------------------------------------------------------------------


def head_start(iterations: int) -> Program:
    """The consumer is faster than the producer (3 cycles against 5), but begins 100 cycles later.

    An iteration therefore moves the consumer by 3 cycles until it has caught up, at iteration 50,
    and by 5 cycles from there on.
    """
    make = Loop(iterations, (MAKE(cycles=5, gives=[ITEM]),))
    return program_of((make,), (WORK(cycles=100), Loop(iterations, (USE(cycles=3, takes=[ITEM]),))))


def test_a_fast_forward_ends_where_a_comparison_changes() -> None:
    agree(head_start(400))
    counts = Counts(head_start(400))
    assert counts.ends == [2003]  # the producer works 400 * 5 without a gap, the consumer 3 more
    assert counts.fast_forwards == 2
    assert counts.ran < 40


def test_the_cost_of_a_fast_forward_does_not_grow_with_its_iterations() -> None:
    assert Counts(head_start(4_000)).ran == Counts(head_start(400_000)).ran


@pytest.mark.parametrize("tau", [None, 5])
def test_cost_grows_much_less_than_the_number_of_pixels(tau: int | None) -> None:
    ran = [
        Counts(map_workload(network(layer(64, 128, size, size, tau=tau)), machine()).program).ran
        for size in (128, 256, 512)
    ]
    assert max(ran) < 4 * min(ran), ran  # 16 times the pixels, but only a few whole rows


# --- mapped programs ------------------------------------------------------------------------------


@given(workload=networks(), overrides=machines())
def test_random_networks_on_random_machines(workload: Workload, overrides: Overrides) -> None:
    agree(mapping_of(workload, overrides).program)


@st.composite
def tall_networks(draw: st.DrawFn) -> Workload:
    """Maps with many equal rows and columns; fast-forwards therefore pay."""
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
    return network(*layers, batch=shapes[0].batch, activation_bits=shapes[0].activation_bits)


@pytest.mark.slow
@given(workload=tall_networks(), overrides=machines())
def test_networks_with_many_equal_rows(workload: Workload, overrides: Overrides) -> None:
    agree(mapping_of(workload, overrides).program)


def rates() -> st.SearchStrategy[Overrides]:
    return st.fixed_dictionaries(
        {
            "memory.dram.latency_cycles": st.integers(0, 80),
            "memory.dram.bytes_per_cycle": st.sampled_from([0.3, 1, 4, 64]),
            "memory.index_buffer.bytes_per_cycle": st.sampled_from([0.5, 4, 100]),
        }
    )


@given(
    workload=tall_networks(), overrides=machines(), some=st.lists(rates(), min_size=1, max_size=5)
)
def test_machines_that_differ_in_rates_run_together(
    workload: Workload, overrides: Overrides, some: list[Overrides]
) -> None:
    mapped = [mapping_of(workload, overrides | each).program for each in some]
    for program, together in zip(mapped, totals_together(mapped), strict=True):
        assert same(together, totals(program, fast_forwarding=False))


LARGE = {"ssd300-vgg16", "faster-rcnn-r18", "r50", "r34", "vgg16", "alexnet", "birealnet18"} | {
    "binarydensenet28",
    "quicknet",
    "r50-cifar10",
    "reactnet-a",
}
"""Networks with many commands, compared at fewer index widths."""


def is_pipeline(hardware: str) -> bool:
    return family_of(load_hardware(hardware)).at_once


def taus_of(hardware: str, slow: bool) -> tuple[int | None, ...]:
    """Return the taus of a case; the folds of a pipeline are those of 1-bit weights."""
    if is_pipeline(hardware):
        return (None,)
    return (None, 5) if slow else (None, 6, 5, 3)


def shipped_cases() -> list[ParameterSet]:
    """All cases; `make test` runs those of the paper's array and small networks."""
    return [
        pytest.param(model, hw, tau, marks=[pytest.mark.slow] if slow or tau in {6, 3} else [])
        for model in shipped_names("workloads")
        for hw in shipped_names("hw_configs")
        if model == hw or not is_pipeline(hw)  # a pipeline has the folds of one network
        for slow in [model in LARGE or hw != "cofluent64"]
        for tau in taus_of(hw, slow)
    ]


@pytest.mark.parametrize(("model", "hw", "tau"), shipped_cases())
def test_every_shipped_network_on_every_shipped_machine(
    model: str, hw: str, tau: int | None
) -> None:
    hardware = load_hardware(hw)
    scope = family_of(hardware).scopes[0]
    workload = configure(load_workload(model), bits=None if tau else 1, tau=tau, scope=scope)
    program = family_of(hardware).map(workload, hardware).program
    trace = event.run(program)
    assert same(totals(program), summarize(trace))
    assert same_traces(run(program), trace)


@pytest.mark.parametrize("kib", [1.3, 2.1, 2.11])
def test_a_load_waits_for_a_full_precision_layer_that_is_slower_than_the_next_fetch(
    kib: float,
) -> None:
    """The third layer's weights (1,080 bytes) need the space of both previous layers.

    The second layer's fetch frees its tile in cycle 645, the first layer's last step in cycle 2272.
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
    program = mapping_of(net, overrides).program
    agree(program)
    trace = event.run(program)
    kinds = trace.kinds
    macs = trace.end[(trace.layer == 0) & (trace.kind == kinds.index("mac"))].max()
    loads = trace.start[(trace.layer == 2) & (trace.kind == kinds.index("load_weights"))]
    assert loads.min() >= macs
