"""docs/machine.md and the unit programs have the same units, channels and tokens."""

import re
from functools import cache
from math import prod
from typing import Any

import pytest

from simulator.machines import Hardware
from simulator.machines.lut_array.mapper import map_workload
from simulator.machines.lut_array.vocabulary import ARRAY_CHANNELS, KINDS, UNITS, start_tokens
from simulator.machines.vector.vocabulary import RAW_OUTPUTS, SHORTCUT_SLOT, SHORTCUTS
from simulator.program import Program
from simulator.workload import Layer, Workload
from tests.build import layer, machine, network
from tests.conftest import ROOT
from tests.machine_page import MachinePage, table_of
from tests.vector_networks import configured

pytestmark = pytest.mark.docs

PAGE = (ROOT / "docs/machine.md").read_text()
STEPS = {"array.pes": 16, "memory.activation_buffer.transfer_pixels": 2}
"""Two input blocks, and transfers of two pixels that read more than one step's inputs."""


def padding_only(**mode: Any) -> Layer:
    """A layer whose output sees only padding."""
    return layer(16, 64, 1, 1, kernel=1, stride=3, padding=1, **mode)


CASES: tuple[tuple[Layer, dict[str, Any]], ...] = (
    (layer(64, 64, 2, 2, tau=5), {}),
    (layer(64, 128, 2, 2, tau=6), {}),  # two LUT passes
    (layer(64, 64, 2, 2), {}),
    (layer(4, 4, 2, 2, full_precision=True), {}),
    (padding_only(tau=3), {}),
    (padding_only(), {}),
    (padding_only(full_precision=True), {}),
    (layer(32, 64, 4, 4, tau=5), STEPS | {"memory.activation_buffer.kib": 0.06}),
    (layer(32, 64, 4, 4), STEPS | {"memory.activation_buffer.kib": 0.06}),
    (layer(32, 64, 4, 4, full_precision=True), STEPS | {"memory.activation_buffer.kib": 2}),
)
"""Layers and overrides in which every unit takes and gives all tokens that it can."""


def residual(**conv: Any) -> Workload:
    """Two convolutions and their sum, which is fused into the second."""
    conv = {"type": "conv", "kernel": 3, "padding": 1, "out_channels": 32} | conv
    first, second = ({"name": name, **conv} for name in ("first", "second"))
    return configured(
        {
            "name": "net",
            "title": "Net",
            "ops_convention": "main_paper",
            "input": {"channels": 32, "height": 4, "width": 4},
            "layers": [first, second, {"name": "sum", "type": "add", "other": "first"}],
        }
    )


CHANNELS = (*ARRAY_CHANNELS, RAW_OUTPUTS, SHORTCUT_SLOT, SHORTCUTS)
"""Those of the layers with weights; docs/vector.md has the others."""


def table(*header: str) -> list[list[str]]:
    """Return the rows of the only table whose header begins with these cells."""
    return table_of(PAGE, *header)


@cache
def programs() -> tuple[Program, ...]:
    alone = (map_workload(network(x), machine(keys)).program for x, keys in CASES)
    fused = (
        map_workload(residual(precision=precision), machine()).program
        for precision in ("binary", "full")
    )
    return (*alone, *fused)


def test_tokens_at_the_start() -> None:
    hardware = machine({"array.pe.lut_banks": 3, "array.pe.index_register_sets": 4})
    stated = {name: amount(cell, hardware) for name, *_, cell, _ in table("channel", "title")}
    tokens = start_tokens(hardware, vector_unit=True)
    assert stated == {f"`{channel.name}`": tokens[channel] for channel in CHANNELS}


def amount(cell: str, hardware: Hardware) -> int:
    """Return a product of numbers and keys of the hardware."""
    return int(prod(value_of(factor, hardware) for factor in cell.split(" × ")))


def value_of(factor: str, hardware: Hardware) -> float:
    value: object = hardware
    if not factor.startswith("`"):
        return float(factor)
    for key in factor.strip("`").split("."):
        value = getattr(value, key)
    assert isinstance(value, int | float)
    return value


def test_the_walk_has_the_cycles_of_the_worked_example() -> None:
    first = {kind: (start, end) for kind, _, start, end, _ in reversed(table("kind", "step"))}
    walk = table("unit", "command", "cycles", "takes")
    assert len(walk) == 5
    for _, kind, cycles, *_ in walk:
        assert cycles == " to ".join(first[kind.strip("`")])


def test_links_within_the_page() -> None:
    headings = re.findall(r"^#+ (.*)$", PAGE, flags=re.M)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", PAGE)) <= anchors


class TestPage(MachinePage):
    page, units, kinds, channels = PAGE, UNITS, KINDS, CHANNELS

    def programs(self) -> tuple[Program, ...]:
        return programs()
