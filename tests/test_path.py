"""The critical path of free programs, and the cycles along it by category."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from msgspec import structs

from simulator.engine import event
from simulator.engine.path import critical_path, spent, stretches
from simulator.engine.summary import summarize
from simulator.engine.trace import Trace
from simulator.program import (
    Body,
    Category,
    Channel,
    CountsAs,
    Kind,
    KindTerm,
    Program,
    Section,
    Term,
    Unit,
)
from tests.programs import Row, by_hand, programs

pytestmark = pytest.mark.unit

A, B = Unit("a", "unit a"), Unit("b", "unit b")
WORK, REST, HELD = Category("work", "work"), Category("rest", "rest"), Category("held", "held")
RUN_A = Kind("run_a", A, counts_as=CountsAs(WORK))
RUN_B = Kind("run_b", B, counts_as=CountsAs(REST, entry=HELD))
ITEM = Channel("item", "an item")


def ran(*sections: dict[Unit, Body], kinds: tuple[Kind, ...] = (RUN_A, RUN_B)) -> Trace:
    return event.run(
        Program(
            units=(A, B),
            kinds=kinds,
            channels={ITEM: 0},
            sections=tuple(map(Section, sections)),
            names=tuple(f"s{number}" for number in range(len(sections))),
            categories=(WORK, REST, HELD),
        )
    )


def test_a_layer_that_ends_before_an_earlier_one_takes_no_cycles() -> None:
    trace = ran({A: (RUN_A(cycles=10),)}, {B: (RUN_B(cycles=4),)}, {B: (RUN_B(cycles=9),)})
    assert trace.layer_ends.tolist() == [10, 10, 13]
    assert trace.layer_starts.tolist() == [0, 10, 10]
    assert spent(trace).tolist() == [[10, 0, 0], [0, 0, 0], [0, 3, 0]]
    summary = summarize(trace)
    assert summary.ends.tolist() == [10, 10, 13]
    assert summary.busy.tolist() == [[10, 0], [0, 0], [0, 3]]


@pytest.mark.parametrize("kinds", [(RUN_A, RUN_B), (RUN_B, RUN_A)])
def test_of_results_that_end_a_layer_together_the_first_kind_is_named(
    kinds: tuple[Kind, ...],
) -> None:
    trace = ran({A: (RUN_A(cycles=5),), B: (RUN_B(cycles=5),)}, kinds=kinds)
    assert spent(trace).tolist() == [[5, 0, 0] if kinds[0] is RUN_A else [0, 5, 0]]


def test_of_one_units_results_the_later_is_named() -> None:
    first, instant = RUN_A(cycles=5), RUN_A()
    trace = ran({A: (first, instant)})
    assert critical_path(trace).command.tolist() == [0, 1]


def test_entry_is_the_start_in_the_cycle_in_which_the_layers_time_begins() -> None:
    makes, uses = RUN_A(cycles=5, gives=[ITEM]), RUN_B(cycles=3, takes=[ITEM])
    alone: dict[Unit, Body] = {B: (RUN_B(cycles=2),)}
    assert spent(ran(alone, alone)).tolist() == [[0, 2, 0], [0, 0, 2]]  # but not in cycle 0
    assert spent(ran(alone, {A: (makes,), B: (uses,)})).tolist() == [[0, 2, 0], [3, 3, 0]]


# --- random programs ----------------------------------------------------------------------------


@st.composite
def counted(draw: st.DrawFn, program: Program) -> Trace:
    """A program's trace, with random categories of its kinds, penalties and lost cycles."""
    names = st.sampled_from(["red", "green", "blue"])
    trace = event.run(program)
    words = structs.replace(
        trace.vocabulary,
        kinds=tuple(
            KindTerm(
                kind.name,
                kind.unit,
                draw(names),
                draw(names),
                draw(names),
                draw(names | st.just("")),
            )
            for kind in trace.vocabulary.kinds
        ),
        categories=tuple(Term(name, name) for name in ("red", "green", "blue", "gray")),
        conflict="gray",
    )
    random = np.random.default_rng(draw(st.integers(0, 99)))
    penalty = random.integers(0, trace.occupied + 1)
    lost = random.integers(0, trace.occupied - penalty + 1)
    return replace(trace, vocabulary=words, penalty=penalty, lost=lost)


@given(program=programs(), data=st.data())
def test_random_programs_cycle_by_cycle(program: Program, data: st.DataObject) -> None:
    trace = data.draw(counted(program))
    sums = spent(trace)
    assert sums.tolist() == by_cycle(program, trace)
    assert sums.sum(axis=1).tolist() == np.diff(summarize(trace).ends, prepend=0).tolist()


@given(program=programs(), data=st.data())
def test_stretches_tile_the_run(program: Program, data: st.DataObject) -> None:
    trace = data.draw(counted(program))
    whole = replace(trace, penalty=0 * trace.penalty, lost=0 * trace.lost)
    category, until = stretches(whole, critical_path(whole))
    cycles = np.zeros(len(trace.categories), dtype=np.int64)
    np.add.at(cycles, category, np.diff(until, prepend=0))
    assert cycles.tolist() == spent(whole).sum(axis=0).tolist()
    assert all(one != other for one, other in pairwise(category.tolist()))


def by_cycle(program: Program, trace: Trace) -> list[list[int]]:
    """Apply the rules of docs/why.md, cycle by cycle: [layers, categories] as lists."""
    rows = by_hand(program)
    assert rows is not None
    sums, begins = [], 0
    for section in range(len(program.sections)):
        mine = [row for row in rows if row.section == section]
        end = max([begins, *(row.ready for row in mine)])
        row = min(
            (row for row in mine if row.ready == end),
            key=lambda row: (program.kinds.index(row.command.kind), -row.number),
            default=None,
        )
        found, until = Counter[str](), end
        while until > begins:
            assert row is not None
            found.update(cycles_of(row, trace, begins, until))
            until, row = row.start, row.cause
        sums.append([found[name] for name in trace.categories])
        begins = end
    return sums


def cycles_of(row: Row, trace: Trace, begins: int, until: int) -> list[str]:
    """Category of each cycle of a command from its layer's start on."""
    of_unit = trace.unit == trace.units.index(row.unit.name)
    place = np.flatnonzero(of_unit)[row.number]
    kind = trace.vocabulary.kinds[trace.kind[place]]
    busy, latency = kind.category, kind.latency_category
    if row.start == begins > 0 and kind.entry_category:
        busy = latency = kind.entry_category
    cells = [busy if cycle < row.end else latency for cycle in range(max(begins, row.start), until)]
    taken = [kind.penalty_category] * trace.penalty[place] + ["gray"] * trace.lost[place]
    return taken[: len(cells)] + cells[len(taken) :]
