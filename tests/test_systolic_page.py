"""docs/systolic.md and the unit programs have the same units, channels and tokens."""

import re
from collections import defaultdict
from functools import cache
from itertools import product
from typing import Any

import pytest

from simulator.machines.systolic import Systolic, map_workload
from simulator.machines.systolic.area import area
from simulator.machines.systolic.vocabulary import CHANNELS, UNITS, kinds_of, start_tokens
from simulator.program import Program
from tests.build import layer, network
from tests.conftest import ROOT
from tests.systolic import DATAFLOWS, SMALL, systolic
from tests.test_machine_page import names, tables

pytestmark = pytest.mark.docs

PAGE = (ROOT / "docs/systolic.md").read_text()
KINDS = kinds_of(ideal=False)
LAYER = layer(8, 8, 3, 6)
SPILLS = {"memory.output_scratchpad.kib": 0.2}
TOO_SMALL = {"memory.input_scratchpad.kib": 0.1, "memory.weight_scratchpad.kib": 0.1}


def table(*header: str) -> list[list[str]]:
    """Return the rows of the only table whose header begins like this."""
    (rows,) = (rows for first, *rows in tables(PAGE) if first[: len(header)] == list(header))
    return rows


@cache
def programs() -> tuple[Program, ...]:
    """Programs in which every unit takes and gives all that it can."""
    return tuple(
        map_workload(network(LAYER), systolic(SMALL | {"array.dataflow": dataflow} | keys)).program
        for dataflow, keys in product(DATAFLOWS, ({}, SPILLS, TOO_SMALL))
    )


def exchanged() -> set[tuple[str, str, str, str]]:
    """(unit, kind, `takes`, `begins` or `gives`, channel) of every command of every program."""
    return {
        (unit.name, command.kind.name, what, amount.channel.name)
        for program in programs()
        for section in program.sections
        for unit, counts in section.counts.items()
        for command, _ in counts
        for what in ("takes", "begins", "gives")
        for amount in getattr(command, what)
    }


def test_names_and_titles_of_the_channels() -> None:
    stated = [(names(name), title) for name, title, *_ in table("channel", "title")]
    assert stated == [({channel.name}, channel.title) for channel in CHANNELS]


@pytest.mark.parametrize("overlap", [False, True])
def test_tokens_at_the_start(overlap: bool) -> None:
    machine = systolic(SMALL | {"array.overlap_folds": overlap})
    stated = {name: tokens(cell, machine) for name, *_, cell, _ in table("channel", "title")}
    assert stated == {f"`{channel.name}`": n for channel, n in start_tokens(machine).items()}


def tokens(cell: str, machine: Systolic) -> int:
    """Return the number in a cell, or the value of its key."""
    if cell == "1; 2 with `overlap_folds`":
        return 2 if machine.array.overlap_folds else 1
    key, _, factor = cell.partition(" × ")
    if not key.startswith("`"):
        return int(cell)
    value: Any = machine
    for part in key.strip("`").split("."):
        value = getattr(value, part)
    return int(value * int(factor or 1))


def test_units_and_kinds_of_commands() -> None:
    commands_table = next(tables(PAGE.partition("### Commands\n")[2]))
    stated = [
        (*names(unit), *names(kind.partition(":")[0])) for unit, kind, _ in commands_table[1:]
    ]
    assert set(stated) == {(kind.unit.name, kind.name) for kind in KINDS}
    assert list(dict(stated)) == [unit.name for unit in UNITS]


def test_givers_and_takers() -> None:
    givers: dict[str, set[str]] = defaultdict(set)
    takers: dict[str, set[str]] = defaultdict(set)
    for unit, _, what, channel in exchanged():
        (takers if what == "takes" else givers)[channel].add(unit)
    for name, _, giver, taker, *_ in table("channel", "title"):
        assert (names(giver), names(taker)) == (givers[name.strip("`")], takers[name.strip("`")])


def test_tokens_of_every_command() -> None:
    units = {kind.name: kind.unit.name for kind in KINDS}
    stated = {
        (units[header[0].strip("`")], header[0].strip("`"), what, channel.strip("`"))
        for header, *rows in tables(PAGE)
        if header[1:] == ["channel", "tokens", "condition"]
        for what, channel, *_ in rows
    }
    assert stated == exchanged()


def test_parts_of_the_area() -> None:
    stated = {name for cell, _ in table("part", "gates") for name in names(cell)}
    assert stated == set(area(systolic()))


def test_links_within_the_page() -> None:
    headings = re.findall(r"^#+ (.*)$", PAGE, flags=re.M)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", PAGE)) <= anchors
