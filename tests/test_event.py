"""The event engine on unit programs: random programs against the contract, and timelines."""

import re
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, note

from simulator.engine.event import run
from simulator.engine.trace import Trace
from simulator.program import (
    Balance,
    Channel,
    Kind,
    Loop,
    Program,
    ProgramError,
    Rate,
    Section,
    Unit,
)
from simulator.program.contract import Body
from tests.deadlocks import Deadlock, deadlocked_programs
from tests.free_programs import free_programs, rate_families
from tests.programs import RATES, by_hand, keeps_the_contract, programs
from tests.shown import shown

pytestmark = pytest.mark.unit

PRODUCER, CONSUMER = Unit("producer", "the producer"), Unit("consumer", "the consumer")
MAKE, USE = Kind("make", PRODUCER), Kind("use", CONSUMER)
ITEM, SPACE = Channel("item", "an item"), Channel("space", "space in the FIFO")


def program(
    *sections: Mapping[Unit, Body],
    channels: dict[Channel, int],
    kinds: tuple[Kind, ...] = (MAKE, USE),
) -> Program:
    return Program(
        units=(PRODUCER, CONSUMER),
        kinds=kinds,
        channels=channels,
        sections=tuple(Section(section) for section in sections),
        names=tuple(f"section {n}" for n in range(len(sections))),
        rates=RATES,
    )


def pair(make: Body, use: Body, *, space: int | None = None) -> Program:
    """One section: the producer's body and the consumer's."""
    channels = {ITEM: 0} if space is None else {ITEM: 0, SPACE: space}
    return program({PRODUCER: make, CONSUMER: use}, channels=channels)


def starts(trace: Trace, unit: Unit) -> list[int]:
    mine = trace.unit == trace.units.index(unit.name)
    return sorted(map(int, trace.start[mine]))


class TestTimelines:
    def test_a_command_starts_in_the_cycle_in_which_its_token_is_given(self) -> None:
        made = MAKE(cycles=5, gives=[ITEM])
        trace = run(
            program({PRODUCER: (made,), CONSUMER: (USE(takes=[ITEM]),)}, channels={ITEM: 0})
        )
        assert starts(trace, CONSUMER) == [5]  # at 4 the item has not arrived

    def test_a_token_given_at_the_start(self) -> None:
        made = MAKE(cycles=5, begins=[ITEM])
        trace = run(
            program({PRODUCER: (made,) * 2, CONSUMER: (USE(takes=[ITEM]),) * 2}, channels={ITEM: 0})
        )
        assert starts(trace, CONSUMER) == [0, 5]

    def test_a_fifo_of_two_holds_its_producer_up(self) -> None:
        make = MAKE(cycles=1, takes=[SPACE], gives=[ITEM])
        use = USE(cycles=10, takes=[ITEM], gives=[SPACE])
        trace = run(
            program({PRODUCER: (make,) * 4, CONSUMER: (use,) * 4}, channels={ITEM: 0, SPACE: 2})
        )
        assert starts(trace, PRODUCER) == [0, 1, 11, 21]  # 1 + 10: the first item is used
        assert starts(trace, CONSUMER) == [1, 11, 21, 31]
        assert trace.cycles == 41

    def test_latency_holds_up_the_token_but_not_the_unit(self) -> None:
        load = Kind("load", PRODUCER, "slow")
        made = load(bytes=3, gives=[ITEM])  # 3 / 1.5 = 2 cycles, usable 7 later
        trace = run(
            program(
                {PRODUCER: (made,) * 2, CONSUMER: (USE(takes=[ITEM]),) * 2},
                channels={ITEM: 0},
                kinds=(load, USE),
            )
        )
        assert starts(trace, PRODUCER) == [0, 2]
        assert starts(trace, CONSUMER) == [9, 11]

    def test_a_command_starts_with_the_last_of_its_tokens(self) -> None:
        made = (MAKE(cycles=3, gives=[ITEM]), MAKE(cycles=4, gives=[SPACE]))
        used = (USE(takes=[ITEM, SPACE]),)
        trace = run(program({PRODUCER: made, CONSUMER: used}, channels={ITEM: 0, SPACE: 0}))
        assert starts(trace, CONSUMER) == [7]

    def test_a_command_of_no_cycles_keeps_its_place(self) -> None:
        used = (USE(takes=[ITEM]), USE(cycles=2))
        trace = run(pair((MAKE(cycles=4, gives=[ITEM]),), used))
        assert starts(trace, CONSUMER) == [4, 4]

    def test_a_command_takes_its_own_numbers_though_later_ones_are_there(self) -> None:
        # section 1's item (numbered second) is ready in cycle 1, section 0's in cycle 100
        other = Unit("other", "the other")
        late, early = Kind("late", PRODUCER), Kind("early", other)
        edge = Channel("item", "an item", Balance.SPACE)
        use = (USE(takes=[edge]),)
        made = Program(
            units=(PRODUCER, other, CONSUMER),
            kinds=(late, early, USE),
            channels={edge: 0},
            sections=(
                Section({PRODUCER: (late(cycles=100, gives=[edge]),), CONSUMER: use}),
                Section({other: (early(cycles=1, gives=[edge]),), CONSUMER: use}),
            ),
            names=("a", "b"),
        )
        assert starts(run(made), CONSUMER) == [100, 100]

    def test_tokens_that_come_early_together_are_taken_one_by_one(self) -> None:
        # section 1's two items are ready in cycle 1, section 0's in cycle 100
        other, user = Unit("other", "the other"), Unit("user", "the other's user")
        late, early, take = Kind("late", PRODUCER), Kind("early", other), Kind("take", user)
        edge = Channel("item", "an item", Balance.SPACE)
        made = Program(
            units=(PRODUCER, other, CONSUMER, user),
            kinds=(late, early, USE, take),
            channels={edge: 0},
            sections=(
                Section(
                    {PRODUCER: (late(cycles=100, gives=[edge]),), CONSUMER: (USE(takes=[edge]),)}
                ),
                Section(
                    {
                        other: (early(cycles=1, gives=[edge(2)]),),
                        user: (Loop(2, (take(cycles=3, takes=[edge]),)),),
                    }
                ),
            ),
            names=("a", "b"),
        )
        assert starts(run(made), CONSUMER) == [100]
        assert starts(run(made), user) == [1, 4]

    def test_an_empty_program_takes_no_time(self) -> None:
        assert run(program(channels={})).cycles == 0


@given(made=programs())
def test_random_programs_run_as_the_contract_says(made: Program) -> None:
    trace, rows = run(made), by_hand(made)
    assert rows is not None
    for number, unit in enumerate(made.units):
        mine = np.flatnonzero(trace.unit == number)
        expected = [row for row in rows if row.unit is unit]
        assert trace.start[mine].tolist() == [row.start for row in expected]
        assert trace.end[mine].tolist() == [row.end for row in expected]
        assert trace.ready[mine].tolist() == [row.ready for row in expected]
        assert [trace.kinds[k] for k in trace.kind[mine]] == [r.command.kind.name for r in expected]
    assert trace.cycles == max(row.ready for row in rows)


@given(made=programs())
def test_causes_are_those_found_lot_by_lot(made: Program) -> None:
    keeps_the_contract(made, run(made))


@given(made=free_programs())
def test_programs_of_any_shape(made: Program) -> None:
    note(shown(made))
    keeps_the_contract(made, run(made))


@given(family=rate_families(300))
def test_the_same_sections_at_several_rates(family: list[Program]) -> None:
    note("\n".join(map(shown, family)))
    for made in family:
        keeps_the_contract(made, run(made))


@given(made=programs())
def test_the_order_in_which_units_are_looked_at_does_not_matter(made: Program) -> None:
    turned = Program(
        units=made.units[::-1], kinds=made.kinds, channels=made.channels, sections=made.sections,
        names=made.names, rates=made.rates,
    )  # fmt: skip
    ours, theirs = run(made), run(turned)
    for number in range(len(made.units)):
        one = ours.unit == number
        other = theirs.unit == len(made.units) - 1 - number
        assert np.array_equal(ours.start[one], theirs.start[other])


def test_progress_is_reported() -> None:
    seen: list[int] = []
    run(program({PRODUCER: (Loop(10_000, (MAKE(cycles=1),)),)}, channels={}), seen.append)
    assert seen == [4096, 8192]


class TestDeadlock:
    @given(made=deadlocked_programs())
    def test_it_names_the_circle_of_any_program(self, made: Deadlock) -> None:
        stuck, circle = made
        note(shown(stuck))
        assert by_hand(stuck) is None
        with pytest.raises(ProgramError, match="deadlock: ") as error:
            run(stuck)
        named = re.findall(r"(unit \d+) waits for a token of ring", str(error.value))
        assert sorted(named) == sorted(unit.title for unit in circle)
        assert str(error.value).count("waits for") == len(circle)

    def test_it_names_the_circle(self) -> None:
        make = MAKE(takes=[SPACE], gives=[ITEM])
        use = USE(takes=[ITEM], gives=[SPACE])
        circle = pair((make,), (use,), space=0)
        expected = (
            "deadlock: the producer waits for space in the FIFO; the consumer waits for an item"
        )
        with pytest.raises(ProgramError, match=expected):
            run(circle)

    def test_the_giver_may_be_in_another_section(self) -> None:
        # section 0 needs space that only section 1's consumer gives; this consumer waits for
        # section 0
        space = Channel("space", "space", Balance.SPACE)
        done = Channel("done", "section 0", Balance.EDGE)
        make = MAKE(takes=[space], gives=[done])
        use = USE(takes=[done], gives=[space])
        circle = program({PRODUCER: (make,)}, {CONSUMER: (use,)}, channels={space: 0, done: 0})
        with pytest.raises(ProgramError, match="the consumer waits for section 0"):
            run(circle)
        # the program runs if it starts with one token of space
        assert run(program({PRODUCER: (make,)}, {CONSUMER: (use,)}, channels={space: 1, done: 0}))


def test_rates_round_up() -> None:
    assert Rate(RATES["slow"].bytes_per_cycle).cycles(4) == 3  # 4 / 1.5 = 2.67
