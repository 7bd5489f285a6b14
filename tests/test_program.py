"""The contract's checks, each on a program that breaks it, and the writer."""

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest

from simulator.program import (
    Balance,
    Body,
    Category,
    CategoryTerm,
    Channel,
    CountsAs,
    Kind,
    KindTerm,
    Loop,
    Program,
    ProgramError,
    Rate,
    Runs,
    Section,
    SharedPort,
    Skip,
    Unit,
    Writer,
    write,
)
from simulator.program.written import written

pytestmark = pytest.mark.unit

A, B, C = Unit("a", "unit a"), Unit("b", "unit b"), Unit("c", "unit c")
RUN_A, RUN_B, RUN_C = Kind("run_a", A), Kind("run_b", B), Kind("run_c", C)
WORK, PAUSE = Category("work", "a unit works"), Category("pause", "a pause")
LOST = Category("lost", "conflicts")
ITEM = Channel("item", "an item")
EDGE = Channel("edge", "a row of the previous layer", Balance.EDGE)
SPACE = Channel("space", "space for a row", Balance.SPACE)


def program(*sections: Mapping[Unit, Body], start: int = 0, **other: object) -> Program:
    values: dict[str, object] = {
        "units": (A, B, C),
        "kinds": (RUN_A, RUN_B, RUN_C),
        "channels": {ITEM: start, EDGE: start, SPACE: start},
        "sections": tuple(Section(section) for section in sections),
        "names": tuple(f"layer {number}" for number in range(len(sections))),
    }
    return Program(**(values | other))  # type: ignore[arg-type]


class TestChecks:
    """Conditions that hold before a program runs."""

    def refused(self, message: str, *sections: Mapping[Unit, Body], **other: object) -> None:
        with pytest.raises(ProgramError, match=message):
            program(*sections, **other)  # type: ignore[arg-type]

    def test_a_program_that_keeps_the_contract(self) -> None:
        gives, takes = RUN_A(gives=[ITEM(2)]), RUN_B(takes=[ITEM])
        assert program({A: (gives,), B: (Loop(2, (takes,)),)}).commands == 3

    def test_two_givers(self) -> None:
        gives, begins = RUN_A(gives=[ITEM]), RUN_B(begins=[ITEM])
        sections = {A: (gives,), B: (begins,), C: (RUN_C(takes=[ITEM(2)]),)}
        self.refused("layer 0: item has 2 givers: a, b", sections)

    def test_two_takers(self) -> None:
        gives, use, other = RUN_A(gives=[ITEM(2)]), RUN_B(takes=[ITEM]), RUN_C(takes=[ITEM])
        self.refused("layer 0: item has 2 takers: b, c", {A: (gives,), B: (use,), C: (other,)})

    def test_another_giver_in_the_next_section_is_allowed(self) -> None:
        takes = {C: (RUN_C(takes=[ITEM]),)}
        assert program({A: (RUN_A(gives=[ITEM]),), **takes}, {B: (RUN_B(gives=[ITEM]),), **takes})

    def test_a_section_that_gives_more_than_it_takes(self) -> None:
        gives, takes = RUN_A(gives=[ITEM]), RUN_B(takes=[ITEM(2)])
        sections: dict[Unit, Body] = {A: (Loop(3, (gives,)),), B: (takes,)}
        self.refused("layer 0: gives 3 tokens of item, takes 2", sections)

    def test_a_token_that_is_never_given(self) -> None:
        self.refused(
            "layer 0: gives 0 tokens of item, takes 1", {B: (RUN_B(takes=[ITEM]),)}, start=1
        )

    def test_a_command_in_another_units_program(self) -> None:
        self.refused("layer 0: run_b is in the program of a", {A: (RUN_B(),)})

    def test_a_section_that_takes_what_a_later_one_gives(self) -> None:
        takes, gives = {B: (RUN_B(takes=[EDGE]),)}, {A: (RUN_A(gives=[EDGE]),)}
        self.refused("layer 0: takes tokens of edge that come later", takes, gives)
        assert program(gives, takes)

    def test_space_may_come_from_a_later_section(self) -> None:
        assert program({B: (RUN_B(takes=[SPACE]),)}, {A: (RUN_A(gives=[SPACE]),)})

    @pytest.mark.parametrize("channel", [EDGE, SPACE])
    def test_edges_balance_over_the_program(self, channel: Channel) -> None:
        sections = {A: (RUN_A(gives=[channel(2)]),)}, {B: (RUN_B(takes=[channel]),)}
        self.refused(f"the program gives 2 tokens of {channel.name}, takes 1", *sections)

    def test_words_outside_the_vocabulary(self) -> None:
        item = {A: (RUN_A(gives=[ITEM]),), B: (RUN_B(takes=[ITEM]),)}
        self.refused("channel item is not in the vocabulary", item, channels={})
        self.refused("unit a is not in the vocabulary", item, units=(B,))
        self.refused("kind run_a is not in the vocabulary", item, kinds=(RUN_B,))
        load = Kind("load", A, "dram")
        self.refused("rate dram of load is not known", {A: (load(),)}, kinds=(load,))

    @pytest.mark.parametrize("number", ["cycles", "penalty", "bytes", "pes", "steps"])
    def test_negative_numbers(self, number: str) -> None:
        command = RUN_A(**{number: -1})  # type: ignore[arg-type]
        self.refused("layer 0: a number of run_a is negative", {A: (command,)})

    def test_a_negative_amount(self) -> None:
        gives, takes = RUN_A(gives=[ITEM(-1)]), RUN_B(takes=[ITEM(-1)])
        self.refused("layer 0: a number of run_a is negative", {A: (gives,), B: (takes,)})

    def test_more_penalty_than_cycles(self) -> None:
        command = RUN_A(cycles=1, penalty=2)
        self.refused("layer 0: run_a has a penalty of more than its cycles", {A: (command,)})

    @pytest.mark.parametrize("times", [0, -1])
    def test_loops_that_do_not_run(self, times: int) -> None:
        body: Body = (Loop(2, (Loop(times, (RUN_A(),)),)),)
        self.refused(f"layer 0: a loop runs {times} times", {A: body})

    def test_a_unit_that_goes_back(self) -> None:
        self.refused("layer 0: a skip of -1 steps", {A: (Skip(-1),)})

    def test_impossible_words(self) -> None:
        one: dict[Unit, Body] = {A: (RUN_A(),)}
        self.refused("space starts with -1 tokens", one, channels={SPACE: -1})
        self.refused("a is in the vocabulary twice", one, units=(A, B, A))
        self.refused("run_a is in the vocabulary twice", one, kinds=(RUN_A, Kind("run_a", B)))
        for rate in (Rate(Fraction(0)), Rate(Fraction(1), -1)):
            self.refused("rate dram has a rate of 0", one, rates={"dram": rate})
        port = self.port(WORK, writer=Unit("z", "z"))
        self.refused("a unit of a port is not in the vocabulary", one, ports=(port,))

    def test_impossible_categories(self) -> None:
        one: dict[Unit, Body] = {A: (RUN_A(),)}
        kinds = Kind("wait", A, counts_as=CountsAs(WORK, entry=PAUSE)), RUN_A
        ports = self.port(WORK), self.port(PAUSE)
        self.refused("category work is not in", one, kinds=kinds, categories=(PAUSE,))
        self.refused("category pause is not in", one, kinds=kinds, categories=(WORK,))
        self.refused("category pause is not in", one, ports=ports[1:], categories=(WORK,))
        self.refused("work is in the vocabulary twice", one, categories=(WORK, WORK))
        self.refused("run_a is in the vocabulary twice", one, categories=(Category("run_a", "A"),))
        self.refused("ports name different categories for their conflicts", one, ports=ports)

    def port(self, conflict: Category, writer: Unit = B) -> SharedPort:
        return SharedPort(
            reader=A, writer=writer, banks=1, read=list, written=list, conflict=conflict
        )

    def test_sections_without_names(self) -> None:
        self.refused("1 sections have 0 names", {A: (RUN_A(),)}, names=())


def test_the_vocabulary_has_the_categories_of_kinds_and_ports() -> None:
    work = Kind("work", A, counts_as=CountsAs(WORK, penalty=PAUSE))
    port = SharedPort(reader=A, writer=B, banks=1, read=list, written=list, conflict=LOST)
    made = program({A: (work(),)}, kinds=(RUN_B, work), ports=(port,))
    words = made.vocabulary
    assert words.categories == tuple(
        CategoryTerm(name, title, title, title)
        for name, title in (
            ("work", "a unit works"),
            ("pause", "a pause"),
            ("lost", "conflicts"),
            ("run_b", "run_b"),
        )
    )
    assert words.kinds[0] == KindTerm("run_b", "b", "run_b", "run_b", "run_b", "")
    assert words.kinds[1] == KindTerm("work", "a", "work", "work", "pause", "")
    assert (words.row_miss, words.refresh, words.conflict) == ("", "", "lost")


class TestSection:
    """A section's totals over its commands, counted by hand."""

    def test_counts(self) -> None:
        many = RUN_A(pes=3, gives=[ITEM(2), EDGE], begins=[ITEM])
        few = RUN_A(pes=5, gives=[ITEM])
        user = RUN_B(takes=[ITEM(14), EDGE(2)])
        section = Section({A: (Loop(2, (many, Loop(3, (few,)))), few), B: (user,)})
        assert section.counts == {A: [(many, 2), (few, 7)], B: [(user, 1)]}  # 2 x 3 + 1 = 7
        assert section.commands == 10
        assert section.first_commands(1) == 6  # the outer loop once, its inner loop whole
        assert section.first_commands(2) == section.commands
        # `many`: 2 + 1 items in each of 2 iterations; `few`: 7
        assert section.gives == {ITEM: {A: 13}, EDGE: {A: 2}}
        assert section.takes == {ITEM: {B: 14}, EDGE: {B: 2}}
        assert section.faults == ("gives 13 tokens of item, takes 14",)
        assert section.lots == {ITEM: 2 * 2 + 7, EDGE: 2}
        assert section.channels == (ITEM, EDGE)
        assert section.kinds == (RUN_A, RUN_B)
        assert section.pes == 5
        assert section.depth == 2

    def test_nothing(self) -> None:
        section = Section({})
        assert (section.commands, section.pes, section.depth) == (0, 0, 0)


class Row(NamedTuple):
    width: int


class TestWriter:
    def test_equal_items_become_a_loop(self) -> None:
        def unit(rows: Runs[Row], do: Writer) -> None:
            for row in do.each(rows):
                for _ in do.each(Runs.of(range(row.width))):
                    do(RUN_A(cycles=row.width))

        two, one = RUN_A(cycles=2), RUN_A(cycles=1)
        expected = Loop(2, (Loop(2, (two,)),)), one
        assert write(unit, Runs.of([Row(2), Row(2), Row(1)])) == expected

    def test_items_that_differ_but_write_the_same_are_one_loop(self) -> None:
        def unit(do: Writer) -> None:
            for _ in do.each(Runs.of(range(5))):
                do(RUN_A())

        assert write(unit) == (Loop(5, (RUN_A(),)),)

    def test_an_item_that_repeats_is_a_loop(self) -> None:
        def unit(do: Writer) -> None:
            for _ in do.each(Runs.of([1, 1])):
                do(RUN_A())

        assert write(unit) == (Loop(2, (RUN_A(),)),)

    def test_the_body_runs_once_per_item(self) -> None:
        ran: list[str] = []

        def unit(do: Writer) -> None:
            for item in do.each(Runs.of("aaabba")):
                ran.append(item)
                do(RUN_A(cycles=ord(item)))

        body = write(unit)
        assert ran == ["a", "b"]
        ran.clear()
        assert write(unit, plain=True) == body
        assert ran == list("aaabba")

    def test_kept_bodies_do_not_run_again(self) -> None:
        ran: list[str] = []

        def unit(do: Writer) -> None:
            kept: dict[str, Body] = {}
            for _ in do.each(Runs.of("xy")):
                for item in do.each(Runs.of("ab"), kept):
                    ran.append(item)
                    do(RUN_A(cycles=ord(item)))

        a, b = RUN_A(cycles=ord("a")), RUN_A(cycles=ord("b"))
        assert write(unit) == (Loop(2, (a, b)),)
        assert ran == ["a", "b"]
        ran.clear()
        assert write(unit, plain=True) == (Loop(2, (a, b)),)
        assert ran == ["a", "b", "a", "b"]

    def test_runs(self) -> None:
        runs = Runs.of("aab")
        assert runs == ((2, "a"), (1, "b"))
        assert runs.written_out == ["a", "a", "b"]
        assert runs.seen(str.isalpha) == ((2, True), (1, True))

    def test_skips_add_up(self) -> None:
        def unit(do: Writer) -> None:
            do.skip(1)
            for _ in do.each(Runs.of(range(3))):
                do.skip(2)
            do(RUN_A())
            do.skip(0)

        assert write(unit) == (Skip(7), RUN_A())

    def test_a_loop_left_early_is_a_fault(self) -> None:
        def unit(do: Writer) -> None:
            for _ in do.each(Runs.of(range(3))):
                do(RUN_A())
                break

        with pytest.raises(RuntimeError, match="left before its end"):
            write(unit)

    def test_false_entries_drop_out(self) -> None:
        command = RUN_A(takes=[False, ITEM, None, EDGE(0)], gives=[ITEM(3)])
        assert command.takes == ((ITEM, 1),)
        with pytest.raises(TypeError, match="neither a channel"):
            RUN_A(gives=[(ITEM, 1)])  # type: ignore[list-item]
        assert command.gives == ((ITEM, 3),)


def test_steps_of_commands_written_out() -> None:
    first, last = RUN_A(cycles=1), RUN_A(cycles=2, steps=1)
    out = written((Skip(2), Loop(2, (first, last, Skip(1))), first))
    assert [out.commands[index].cycles for index in out.index] == [1, 2, 1, 2, 1]
    assert np.array_equal(out.step, [2, 2, 4, 4, 6])
