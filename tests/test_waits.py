"""Waits by channel: against the contract by hand, row by row, and in the worked example."""

from collections import Counter
from io import StringIO

import pytest
from hypothesis import given
from rich.console import Console

from simulator import simulate
from simulator.engine import event
from simulator.engine.trace import Trace
from simulator.engine.waits import waits_by_channel
from simulator.program import Program
from simulator.report.why import print_waits
from simulator.workload import Workload
from tests.build import layer, network, trace_of, traced
from tests.programs import by_hand, programs
from tests.strategies import Overrides, machines, mapping_of, networks


def found(trace: Trace) -> dict[tuple[int, str, str], int]:
    """Cycles by layer, unit and channel, without zeros."""
    sums = waits_by_channel(trace)
    return {
        (number, trace.units[unit], trace.channels[channel]): int(sums[number, unit, channel])
        for number, unit, channel in zip(*sums.nonzero(), strict=True)
    }


@pytest.mark.invariant
@given(program=programs())
def test_random_programs_by_hand(program: Program) -> None:
    rows = by_hand(program)
    assert rows is not None
    free = dict.fromkeys(program.units, 0)
    expected: Counter[tuple[int, str, str]] = Counter()
    for row in rows:
        if row.channel is not None:
            place = (row.section, row.unit.name, row.channel.name)
            expected[place] += row.start - free[row.unit]
        free[row.unit] = row.end
    assert found(event.run(program)) == expected


@pytest.mark.invariant
@given(workload=networks(), overrides=machines())
def test_random_networks_row_by_row(workload: Workload, overrides: Overrides) -> None:
    trace = trace_of(mapping_of(workload, overrides))
    free = dict.fromkeys(trace.units, 0)
    expected: Counter[tuple[int, str, str]] = Counter()
    for row in range(len(trace)):
        unit = trace.units[trace.unit[row]]
        if waited := int(trace.start[row]) - free[unit]:
            channel = trace.channels[trace.channel[row]]
            expected[int(trace.layer[row]), unit, channel] += waited
        free[unit] = int(trace.end[row])
    assert found(trace) == expected
    # a unit works or waits from cycle 0 to its last end
    for number, unit in enumerate(trace.units):
        busy = trace.occupied[trace.unit == number].sum()
        assert busy + waits_by_channel(trace)[:, number].sum() == free[unit]


@pytest.mark.cycle
def test_the_worked_example() -> None:
    """docs/machine.md: 64 -> 64 channels, 3x3, tau 5, two pixels."""
    _, trace = traced(network(layer(64, 64, 1, 2, tau=5)))
    # 41 bursts of 4 cycles, usable after the latency; then 2560 / 160; then 64 / 4
    waited = {"index_fetch": 164 + 100, "accumulate": 264 + 16, "drain": 280 + 16}
    cycles = found(trace)
    assert cycles[0, "index_fetch", "weight_tile"] == waited["index_fetch"]
    assert cycles[0, "accumulate", "indices"] == waited["accumulate"]
    assert cycles[0, "drain", "sums"] == waited["drain"]
    assert {unit for _, unit, _ in cycles} == {"dot", "dram_outputs", *waited}


@pytest.mark.unit
def test_the_printed_table() -> None:
    result = simulate(network(layer(64, 64, 1, 2, tau=5)), "cofluent64", tau=5)
    console = Console(width=80, record=True, file=StringIO())
    print_waits(result, console)
    rows = [line.split() for line in console.export_text().splitlines()]
    # 280 of 332 cycles
    assert ["accumulators", "indices", "in", "the", "registers", "280", "84.34"] in rows
    assert not any("MAC" in row for row in rows)
