"""Attribution of cycles: the categories of a layer are exact, and on the critical path."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from msgspec import structs

from simulator import load_hardware, program, simulate
from simulator.analysis.attribution import (
    Attribution,
    attribute,
    total,
)
from simulator.analysis.layers import layer_results
from simulator.engine import event
from simulator.engine.path import critical_path, stretches
from simulator.engine.summary import summarize
from simulator.engine.trace import DramCounts, Trace
from simulator.machines.lut_array import vocabulary
from simulator.machines.lut_array.vocabulary import (
    ACCUMULATE,
    DRAIN,
    FETCH_INDICES,
    FILL,
    FILLED_BANK,
    INDICES,
    INPUTS,
    OUTPUT_SLOT,
    PARTIAL_SUMS,
    READ_INPUTS,
    WRITE_OUTPUTS,
)
from simulator.workload import Workload
from tests.build import layer, network, traced
from tests.conftest import ROOT, Command
from tests.numbering import PARTS, Kind, Part
from tests.programs import by_hand
from tests.strategies import Overrides, machines, networks
from tests.test_invariants import run

pytestmark = pytest.mark.unit


def parts(attribution: Attribution) -> dict[str, int]:
    return {part: cycles for part, cycles in attribution.items() if cycles}


class TestWorkedExample:
    """The layer of docs/machine.md: 64 -> 64 channels, 3x3, tau 5, two pixels."""

    def test_one_layer(self) -> None:
        _, trace = traced(network(layer(64, 64, 1, 2, tau=5)))
        (ours,) = attribute(trace)
        assert parts(ours) == {
            "read_weights": 164,  # 41 bursts x 64 bytes / 16
            "weights_latency": 100,
            "index_fetch": 16,  # 2560 / 160
            "accumulate": 32,  # two pixels x 64 / 4
            "drain": 16,
            "write_outputs": 4,
        }  # the weights hide the fills, 32 cycles from 104 on
        assert sum(ours.values()) == 332

    def test_the_table_of_the_document(self) -> None:
        text = (ROOT / "docs/why.md").read_text().partition("Its fills hide behind the weights.")[2]
        lines = [line for line in text.partition("##")[0].splitlines() if line.startswith("|")]
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
        _, trace = traced(network(layer(64, 64, 1, 2, tau=5)))
        (ours,) = attribute(trace)
        assert {name: int(cycles) for name, cycles, _ in cells} == parts(ours)

    def test_the_second_layer_waits_for_the_first(self) -> None:
        _, trace = traced(network(*(layer(64, 64, 1, 2, tau=5, name=name) for name in "ab")))
        first, second = attribute(trace)
        assert sum(first.values()) == 332
        assert parts(second) == {
            "previous_layer": 104,  # one burst of inputs 4 + latency 100; the weights are on chip
            "fill": 64,  # two pixels x 32
            "accumulate": 16,
            "drain": 16,
            "write_outputs": 4,
        }

    def test_slow_weights_are_reads_not_waiting(self) -> None:
        net = network(*(layer(64, 64, 1, 2, tau=5, name=name) for name in "ab"))
        _, trace = traced(net, {"memory.dram.bytes_per_cycle": 4})
        _, second = attribute(trace)
        assert second[Part.READ_WEIGHTS] > 0
        assert second[Part.PREVIOUS_LAYER] == 0

    def test_where_fill_and_accumulate_tie_the_fill_is_named(self) -> None:
        _, trace = traced(network(layer(64, 128, 1, 50, tau=5)))
        (ours,) = attribute(trace)
        assert ours[Part.ACCUMULATE] < ours[Part.FILL]

    def test_half_the_accumulators_make_the_accumulate_bind(self) -> None:
        _, trace = traced(network(layer(64, 128, 1, 50, tau=5)), {"array.pe.accumulators": 2})
        (ours,) = attribute(trace)
        assert ours[Part.ACCUMULATE] >= 49 * 64  # 128 / 2 per pixel
        assert ours[Part.FILL] <= 32

    def test_full_precision_is_mac(self) -> None:
        _, trace = traced(network(layer(3, 8, 4, 4, full_precision=True)))
        (ours,) = attribute(trace)
        assert ours[Part.MAC] > 0
        assert ours[Part.FILL] == ours[Part.DIRECT] == 0


def ran(*commands: program.Command) -> Trace:
    """Run a command each on a few units of the array, in one layer."""
    bodies = {command.kind.unit: (command,) for command in commands}
    made = program.Program(
        units=vocabulary.UNITS,
        kinds=vocabulary.KINDS,
        channels=dict.fromkeys(vocabulary.CHANNELS, 0),
        categories=vocabulary.CATEGORIES,
        sections=(program.Section(bodies),),
        names=("a",),
        rates={name: program.Rate(Fraction(1), 10 * (name == "read")) for name in RATES},
    )
    return event.run(made)


RATES = ("read", "write", "indices")


class TestRules:
    def test_of_equal_causes_the_work_of_the_array_is_named(self) -> None:
        # the fill (0..20) and the fetch (0..20) release the accumulate in the same cycle
        trace = ran(
            FETCH_INDICES(cycles=20, gives=[INDICES]),
            FILL(cycles=20, gives=[FILLED_BANK]),
            ACCUMULATE(cycles=5, takes=[INDICES, FILLED_BANK]),
        )
        assert parts(attribute(trace)[0]) == {"fill": 20, "accumulate": 5}

    def test_a_later_cause_wins_over_the_array(self) -> None:
        trace = ran(
            FETCH_INDICES(cycles=21, gives=[INDICES]),
            FILL(cycles=20, gives=[FILLED_BANK]),
            ACCUMULATE(cycles=5, takes=[INDICES, FILLED_BANK]),
        )
        assert parts(attribute(trace)[0]) == {"index_fetch": 21, "accumulate": 5}

    def test_a_token_given_at_the_start_has_its_givers_cause(self) -> None:
        # the write (0..7) lets the drain begin, and the accumulate with it
        trace = ran(
            WRITE_OUTPUTS(cycles=7, gives=[OUTPUT_SLOT]),
            DRAIN(cycles=100, takes=[OUTPUT_SLOT], begins=[PARTIAL_SUMS]),
            ACCUMULATE(cycles=200, takes=[PARTIAL_SUMS]),
        )
        assert parts(attribute(trace)[0]) == {"write_outputs": 7, "accumulate": 200}

    def test_a_split_moves_cycles_to_another_part(self) -> None:
        trace = ran(READ_INPUTS(bytes=8, gives=[INPUTS]), FILL(cycles=5, takes=[INPUTS]))
        assert parts(attribute(trace)[0]) == {"read_inputs": 8, "inputs_latency": 10, "fill": 5}
        # 11 cycles of row misses: the 8 of the transfer, and 3 of the following latency
        assert [trace.kinds[kind] for kind in trace.kind] == ["read_inputs", "fill"]
        none = np.zeros(2, dtype=np.int64)
        dram = DramCounts(
            activates=none, row_miss=np.array([11, 0]), refresh=none,
            burst_command=none[:0], burst_end=none[:0],
        )  # fmt: skip
        words = structs.replace(
            trace.vocabulary, row_miss="row_miss", refresh="refresh", conflict="buffer_conflict"
        )
        columns = {"penalty": np.array([0, 2]), "lost": np.array([0, 1])}
        split = replace(trace, vocabulary=words, dram=dram, **columns)
        assert parts(attribute(split)[0]) == {
            "row_miss": 11,
            "inputs_latency": 7,
            "window_read": 2,
            "buffer_conflict": 1,
            "fill": 2,
        }

    def test_a_write_that_is_done_later_is_a_write(self) -> None:
        trace = ran(WRITE_OUTPUTS(bytes=4))
        slow = replace(trace, latency=np.array([9]))
        assert parts(attribute(slow)[0]) == {"write_outputs": 13}

    def test_a_gap_that_nothing_explains_is_a_fault(self) -> None:
        trace = ran(FILL(cycles=5))
        late = replace(trace, start=trace.start + 1, end=trace.end + 1)
        with pytest.raises(AssertionError, match="cycle 1"):
            attribute(late)


@given(workload=networks(), overrides=machines())
def test_the_parts_of_a_layer_are_its_cycles(workload: Workload, overrides: Overrides) -> None:
    mapping, trace = run(workload, overrides)
    attributions = attribute(trace)
    for ours, result in zip(attributions, layer_results(mapping, summarize(trace)), strict=True):
        assert sum(ours.values()) == result.cycles
        assert min(ours.values()) >= 0


@given(workload=networks(), overrides=machines())
def test_the_path_tiles_the_run(workload: Workload, overrides: Overrides) -> None:
    _, trace = run(workload, overrides)
    path = critical_path(trace)
    some = path.until > path.since
    assert path.until[-1] == trace.cycles
    assert np.array_equal(path.since[some], np.concatenate(([0], path.until[some][:-1])))
    part, until = stretches(trace, path)
    whole = total(attribute(replace(trace, penalty=0 * trace.penalty)))  # a slot has one category
    cycles = np.bincount(part, weights=np.diff(until, prepend=0), minlength=len(PARTS))
    assert cycles.astype(int).tolist() == list(whole.values())


@given(workload=networks(), overrides=machines(), place=st.floats(0, 1, exclude_max=True))
def test_a_cycle_more_on_the_path_is_a_cycle_more_of_the_layer(
    workload: Workload, overrides: Overrides, place: float
) -> None:
    mapping, trace = run(workload, overrides)
    path = critical_path(trace)
    number = int(place * len(path.command))
    slow, of_layer = int(path.command[number]), path.layer[number]
    unit = mapping.program.units[trace.unit[slow]]
    before = int(np.count_nonzero(trace.unit[:slow] == trace.unit[slow]))
    longer = int(trace.occupied[slow]) + 1, int(trace.latency[slow])
    rows = by_hand(mapping.program, {(unit, before): longer})
    assert rows is not None
    end = max(row.ready for row in rows if row.section == of_layer)
    assert end > trace.layer_ends[of_layer]


@given(workload=networks(), overrides=machines(), subbanks=st.integers(1, 4))
def test_conflicts_are_taken_from_the_right_accumulates(
    workload: Workload, overrides: Overrides, subbanks: int
) -> None:
    mapping, trace = run(workload, overrides | {"array.pe.lut_subbanks": subbanks})
    for number, mapped in enumerate(mapping.layers):
        mine = (trace.layer == number) & (trace.kind == Kind.ACCUMULATE)
        lost, cycles = trace.penalty[mine], trace.occupied[mine]
        unhindered = cycles - lost
        assert lost.min(initial=0) >= 0
        if mapped.plan.mode == "lut":
            # every accumulate of every block, group and pass is in the plan's table
            possible = {
                (int(a), int(b))
                for a, b in zip(
                    mapped.plan.accumulate_table.ravel(),
                    mapped.plan.unhindered_table.ravel(),
                    strict=True,
                )
            }
            pairs = zip(cycles.tolist(), unhindered.tolist(), strict=True)
            assert set(pairs) <= possible
    results = layer_results(mapping, summarize(trace))
    for ours, result in zip(attribute(trace), results, strict=True):
        assert sum(ours.values()) == result.cycles


class TestMachine:
    """Some hardware has further categories; every layer's categories still add up."""

    def parts_of(self, *settings: str) -> dict[str, int]:
        net = network(layer(64, 64, 4, 8, tau=5, name="a"), layer(64, 64, 4, 8, tau=5, name="b"))
        result = simulate(net, load_hardware("cofluent64", settings), tau=5)
        for run_ in (result.run, result.baseline):
            for ours, one in zip(run_.attribution, run_.layers, strict=True):
                assert sum(ours.values()) == one.cycles
        return parts(total(result.run.attribution))

    def test_no_conflicts_without_sub_banks(self) -> None:
        assert not {"lut_conflict", "row_miss", "refresh"} & set(self.parts_of())

    def test_conflicts_of_the_table(self) -> None:
        assert self.parts_of("array.pe.lut_subbanks=4")["lut_conflict"] > 0

    def test_row_misses_and_refresh_of_a_dram(self) -> None:
        assert self.parts_of("memory.dram.timing=ddr4-2400")["row_miss"] > 0


def test_the_names_of_reports_are_the_categories_of_the_array() -> None:
    terms = vocabulary.WITHOUT_VECTOR_UNIT
    assert [category.name for category in terms.categories] == list(PARTS)


class TestCommand:
    R20 = ("--hw", "cofluent64", "--model", "r20", "--bits", "0.56")

    def test_why_prints_the_parts_of_both_runs(self, command: Command) -> None:
        done = command(*self.R20, "--why")
        assert done.returncode == 0, done.stderr
        for words in (
            "0.56 bit: cycles",
            "1 bit: cycles",
            "LUT fill",
            "direct dot products",
            "% of the",
        ):
            assert words in done.stdout

    def test_json_and_files_carry_the_parts(self, command: Command, tmp_path: Path) -> None:
        result = json.loads(command(*self.R20, "--why", "--json", "--out", "x").stdout)
        for one in result["layers"]:
            assert sum(one["attribution"].values()) == one["cycles"]
            assert sum(one["baseline_attribution"].values()) == one["baseline_cycles"]
        assert sum(result["attribution"].values()) == result["cycles"]
        assert sum(result["baseline"]["attribution"].values()) == result["baseline"]["cycles"]
        rows = pd.read_csv(tmp_path / "x/layers.csv")
        columns = [f"{part}_cycles" for part in PARTS]
        assert (rows[columns].sum(axis=1) == rows["cycles"]).all()
        base = [f"baseline_{column}" for column in columns]
        assert (rows[base].sum(axis=1) == rows["baseline_cycles"]).all()
        saved = json.loads((tmp_path / "x/summary.json").read_text())
        assert saved["layers"] == result["layers"]

    def test_without_why_the_summary_has_no_parts(self, command: Command) -> None:
        assert "attribution" not in json.loads(command(*self.R20, "--json").stdout)
