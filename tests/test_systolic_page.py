"""docs/systolic.md and the unit programs have the same units, channels and tokens."""

import re
from functools import cache
from itertools import product
from typing import Any

import pytest

from simulator.machines.systolic import Systolic, map_workload
from simulator.machines.systolic.area import area
from simulator.machines.systolic.vocabulary import (
    ARRAY_CHANNELS,
    PREVIOUS_LAYER,
    UNITS,
    kinds_of,
    start_tokens,
)
from simulator.machines.vector.vocabulary import (
    RAW_OUTPUTS,
    SHORTCUT_SLOT,
    SHORTCUTS,
    VECTOR_RESULTS,
)
from simulator.program import Program
from simulator.workload import Workload
from tests.build import layer, network
from tests.conftest import ROOT
from tests.machine_page import MachinePage, names, table_of
from tests.systolic import DATAFLOWS, SMALL, systolic
from tests.vector_networks import configured

pytestmark = pytest.mark.docs

PAGE = (ROOT / "docs/systolic.md").read_text()
KINDS = kinds_of(ideal=False)
CHANNELS = (
    *ARRAY_CHANNELS, PREVIOUS_LAYER, VECTOR_RESULTS, RAW_OUTPUTS, SHORTCUT_SLOT, SHORTCUTS
)  # fmt: skip
"""Those of the layers with weights; docs/vector.md has the others."""
LAYER = layer(8, 8, 3, 6)
ON_CHIP = {"memory.activations": "on_chip"}
SPILLS = {"memory.output_scratchpad.kib": 0.2}
TOO_SMALL = {"memory.input_scratchpad.kib": 0.1, "memory.weight_scratchpad.kib": 0.1}


def table(*header: str) -> list[list[str]]:
    """Return the rows of the only table whose header begins like this."""
    return table_of(PAGE, *header)


@cache
def programs() -> tuple[Program, ...]:
    """Programs in which every unit takes and gives all that it can."""
    return tuple(
        map_workload(workload, systolic(SMALL | {"array.dataflow": dataflow} | keys)).program
        for dataflow, keys in product(DATAFLOWS, ({}, SPILLS, TOO_SMALL, ON_CHIP))
        for workload in (network(LAYER), residual())
    )


def residual() -> Workload:
    """A convolution whose fused addition adds its input, and nothing that is not fused."""
    conv = {"type": "conv", "precision": "binary", "out_channels": 8, "kernel": 3, "padding": 1}
    return configured(
        {
            "name": "net",
            "title": "Net",
            "ops_convention": "main_paper",
            "shortcut_bits": 8,
            "input": {"channels": 8, "height": 3, "width": 6},
            "layers": [
                {"name": "first"} | conv,
                {"name": "second"} | conv,
                {"name": "add", "type": "add", "other": "first"},
            ],
        },
        bits=1,
    )


@pytest.mark.parametrize("overlap", [False, True])
def test_tokens_at_the_start(overlap: bool) -> None:
    machine = systolic(SMALL | {"array.overlap_folds": overlap})
    stated = {name: tokens(cell, machine) for name, *_, cell, _ in table("channel", "title")}
    there = start_tokens(machine, vector_unit=True, keeps_maps=True)
    assert stated == {f"`{channel.name}`": there[channel] for channel in CHANNELS}


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


def test_parts_of_the_area() -> None:
    stated = {name for cell, _ in table("part", "gates") for name in names(cell)}
    assert stated == set(area(systolic()))


def test_links_within_the_page() -> None:
    headings = re.findall(r"^#+ (.*)$", PAGE, flags=re.M)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", PAGE)) <= anchors


class TestPage(MachinePage):
    page, units, kinds, channels = PAGE, UNITS, KINDS, CHANNELS

    def programs(self) -> tuple[Program, ...]:
        return programs()
