"""Programs whose layers all run at once: the contract, the numbers by layer, files and reports."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from msgspec import structs
from rich.console import Console

from simulator.analysis.attribution import attribute
from simulator.analysis.roofline import roofline
from simulator.analysis.saved import read_saved
from simulator.analysis.trace_file import read_traces
from simulator.api.functions import compare, search
from simulator.api.result import Result
from simulator.base.errors import InputError
from simulator.base.writing import write_files
from simulator.engine import event, fast
from simulator.engine.path import critical_path
from simulator.engine.summary import Summary, summarize
from simulator.engine.waits import waits_by_channel
from simulator.program import Category, CountsAs, Kind, Program, ProgramError, Section, Unit
from simulator.report.files import save, trace_writers
from simulator.report.html.data import page_data
from simulator.report.perfetto import perfetto_packets
from simulator.report.terminal import print_result
from simulator.report.timeline import plot_timeline, plot_trace_file
from simulator.report.why import print_attribution, print_waits
from simulator.studies.causes import causes_of
from simulator.studies.what_helps import with_what_helps
from tests import pipeline_family
from tests.pipeline_family import HARDWARE
from tests.pipelines import PES, pipeline, pipelines
from tests.test_perfetto import parsed

pytestmark = pytest.mark.unit


@pytest.fixture
def result(monkeypatch: pytest.MonkeyPatch) -> Result:
    """Three layers: conv1 takes 4 cycles per pixel, the others 1; 4 images of 36 pixels."""
    pipeline_family.register(monkeypatch)
    return pipeline_family.result()


# --- the contract ---------------------------------------------------------------------------------


def two_units(*layers: str, names: Sequence[str] = ("a", "b"), sections: int = 1) -> Program:
    """A program of two units, each with a command."""
    shared = CountsAs(Category("work", "work"))
    units = [Unit(f"u{n}", f"unit {n}", layer=layer) for n, layer in enumerate(layers)]
    kinds = [Kind(f"run{n}", unit, counts_as=shared) for n, unit in enumerate(units)]
    bodies = {unit: (kind(cycles=1),) for unit, kind in zip(units, kinds, strict=True)}
    return Program(
        units=tuple(units),
        kinds=tuple(kinds),
        channels={},
        sections=(Section(bodies),) * sections,
        names=tuple(names),
    )


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ({"layers": ("a", "b"), "sections": 2}, "layers run at once, but in 2 sections"),
        ({"layers": ("a", "c")}, "unit u1: layer 'c' has no name"),
        ({"layers": ("a", "")}, "unit u1: layer '' has no name"),
        ({"layers": ("a", "b")}, "category work counts cycles of several layers: a and b"),
    ],
)
def test_a_program_that_breaks_the_contract(program: dict[str, Any], message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        two_units(*program.pop("layers"), **program)


def test_units_of_one_layer_share_categories_and_a_layer_may_have_no_unit() -> None:
    program = two_units("a", "a", names=("fused", "a"))
    assert program.owners == [1, 1]
    summary = fast.totals(program)
    assert summary.layer_cycles.tolist() == [0, 1]
    assert (summary.starts.tolist(), summary.ends.tolist()) == ([0, 0], [0, 1])
    assert equal(summary, summarize(event.run(program)))


def test_a_wrong_balance_names_the_program() -> None:
    right = pipeline([1, 2], depths=[2, 2, 2])
    (section,) = right.sections
    bodies = {unit: body for unit, body in section.bodies.items() if unit.name != "stage1"}
    parts = {field.name: getattr(right, field.name) for field in fields(right)}
    with pytest.raises(ProgramError, match=r"^program: .*items_of_stage0"):
        Program(**parts | {"sections": (Section(bodies),)})


# --- numbers by layer -----------------------------------------------------------------------------


def equal(one: Summary, other: Summary) -> bool:
    names = [field.name for field in fields(Summary) if field.name != "ran"]  # of one engine
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


@pytest.mark.invariant
@given(program=pipelines())
def test_numbers_by_layer_follow_from_the_trace(program: Program) -> None:
    """The engines split totals; here each number comes from the rows of the layer's units."""
    trace, summary = event.run(program), fast.totals(program)
    assert summary.layer_cycles.sum() == summary.cycles == trace.cycles
    assert (summary.spent.sum(axis=1) == summary.layer_cycles).all()
    path = critical_path(trace)
    slots = path.until - path.since
    for number, name in enumerate(program.names):
        units = [unit for unit, term in enumerate(trace.vocabulary.units) if term.layer == name]
        mine = np.isin(trace.unit, units)
        assert (trace.layer[mine] == number).all()
        assert summary.starts[number] == trace.start[mine].min()
        assert summary.ends[number] == trace.end[mine].max()
        assert summary.busy[number].sum() == trace.occupied[mine].sum()
        assert summary.bytes[number].sum() == trace.bytes[mine].sum()
        assert summary.pe_cycles[number].sum() == (trace.occupied * trace.pes)[mine].sum()
        assert summary.layer_cycles[number] == slots[mine[path.command]].sum()
    for unit in range(len(program.units)):
        mine = trace.unit == unit
        assert summary.first_starts[unit] == trace.start[mine].min()
        assert summary.last_ends[unit] == trace.end[mine].max()


@pytest.mark.parametrize("slow", [0, 1, 2])
def test_the_slowest_stage_sets_the_time(slow: int) -> None:
    cycles = [2, 2, 2]
    cycles[slow] = 7
    # 10 images of 4 items of 8 bytes, 4 bytes per cycle
    program = pipeline(cycles, depths=[20] * 4, images=10, items=4)
    summary = fast.totals(program)
    # first item: read 2 + latency 7, stages 2 + 2 + 7, write 2; then one item every 7 cycles
    assert summary.cycles == 2 + 7 + 11 + 2 + 39 * 7
    # the path runs through the slow stage, except for the first item before it, the last after it
    before, after = 9 + 2 * slow, 2 * (2 - slow) + 2
    assert summary.layer_cycles[slow] >= 40 * 7
    assert summary.cycles - summary.spent[slow, 1 + slow] == before + after
    assert summary.starts.tolist() == [0, *(9 + sum(cycles[:n]) for n in (1, 2))]


def test_fractions_are_of_the_whole_run(result: Result) -> None:
    conv0, conv1, conv2 = result.run.layers
    # conv1: 4 cycles for each of 4 x 36 pixels; read 1 + latency 20 and conv0 1 before the first,
    # conv2 1 and write 1 after the last
    assert result.cycles == 4 * 144 + 22 + 2 == 600
    assert [layer.cycles for layer in result.run.layers] == [22, 576, 2]
    assert {layer.available_cycles for layer in result.run.layers} == {600}
    assert conv1.utilization == 576 / 600
    assert conv0.utilization == conv2.utilization == 144 / 600
    assert result.run.utilization == (576 + 144 + 144) / (3 * 600)
    assert result.run.pes == 3 * PES
    assert [layer.bound_by for layer in result.run.layers] == [
        "other layers",
        "conv1 matrix product",
        "other layers",
    ]
    assert (conv1.start_cycle, conv1.end_cycle) == (22, 598)
    assert (conv0.dram_read_bytes, conv2.dram_written_bytes) == (144 * 8, 144 * 8)
    points = roofline(result).run
    assert [point.cycles for point in points] == [600] * 3


def test_both_engines_give_the_same_result(result: Result) -> None:
    other = pipeline_family.result("event")
    assert equal(result.run.summary, other.run.summary)
    assert other.layer_rows() == result.layer_rows()
    assert other.attribution_rows() == result.attribution_rows()


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["trace.csv", "trace.parquet"])
def test_a_trace_reads_back(result: Result, name: str, tmp_path: Path) -> None:
    write_files(tmp_path, trace_writers(result, name))
    trace = read_traces(tmp_path)["run"]
    assert trace.at_once
    assert trace.vocabulary == result.run.vocabulary
    assert trace.layers == tuple(layer.name for layer in result.run.layers)
    assert attribute(trace) == result.run.attribution
    assert np.array_equal(waits_by_channel(trace), result.run.summary.waits)
    assert equal(summarize(trace), result.run.summary)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (
            "trace.csv",
            ("conv1,stage1", "conv0,stage1"),
            "layer: 'conv0' in a row of the unit stage1, which works for 'conv1'",
        ),
        (
            "trace.json",
            ('"layer": "conv1"', '"layer": ""'),
            "some units have a layer, others do not",
        ),
    ],
)
def test_a_trace_with_a_wrong_layer_is_refused(
    result: Result, file: str, change: tuple[str, str], message: str, tmp_path: Path
) -> None:
    write_files(tmp_path, trace_writers(result, "trace.csv"))
    text = (tmp_path / file).read_text()
    assert change[0] in text
    (tmp_path / file).write_text(text.replace(*change, 1))
    with pytest.raises(InputError, match=message) as error:
        read_traces(tmp_path)
    assert str(tmp_path / file) in str(error.value)


def test_a_saved_result_lists_the_categories_of_the_network(result: Result, tmp_path: Path) -> None:
    save(result, tmp_path)
    saved = read_saved(tmp_path)
    assert saved.categories == result.run.vocabulary.categories
    with (tmp_path / "layers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["matrix_product_cycles"] for row in rows] == ["1", "576", "1"]
    assert [row["transfer_cycles"] for row in rows] == ["21", "0", "1"]
    data = json.loads((tmp_path / "summary.json").read_text())
    data["layers"][0]["attribution"]["other"] = 1
    (tmp_path / "summary.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match="unknown category 'other'"):
        read_saved(tmp_path)


@pytest.mark.slow
def test_a_comparison_names_the_stage_that_changes(result: Result, tmp_path: Path) -> None:
    faster = structs.replace(HARDWARE, stage=pipeline_family.Stage(lanes=16, depth=16))
    for name, one in (("a", result), ("b", pipeline_family.result(hardware=faster))):
        save(one, tmp_path / name)
    found = compare(tmp_path / "a", tmp_path / "b")
    assert found.why == ["less time in matrix products in conv1 (-288 cycles)"]


# --- reports --------------------------------------------------------------------------------------


def printed(show: Any, result: Result) -> list[str]:
    console = Console(file=io.StringIO(), width=140)
    show(result, console)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text.splitlines()


def test_tables_in_the_terminal(result: Result) -> None:
    lines = printed(print_result, result)
    rows = {line.split()[0]: line.split() for line in lines if line.strip()}
    assert "(12 PEs at 1 GHz)" in lines[0]
    assert rows["conv1"][5:] == ["576", "M", "576.00", "96.0", "0.0"]
    assert rows["conv0"][5:] == ["22", "–", "22.00", "24.0", "1.2"]
    assert rows["TOTAL"][3:] == ["600", "600.00", "48.0", "2.3"]
    assert "lim, the bottleneck: M matrix product, – units of other layers." in lines


def test_the_attribution_has_a_column_per_title(result: Result) -> None:
    rows = [line.split() for line in printed(print_attribution, result) if line.strip()]
    assert rows[1] == ["layer", "cycles", "matrix", "product", "transfer"]
    assert [row for row in rows if row[0] in {"conv0", "conv1", "conv2", "TOTAL"}] == [
        ["conv0", "22", "1", "21"],
        ["conv1", "576", "576", "0"],
        ["conv2", "2", "1", "1"],
        ["TOTAL", "600", "578", "22"],
    ]
    assert any("space in the FIFO of stage0" in line for line in printed(print_waits, result))


def test_the_timeline_has_a_row_per_unit(result: Result, tmp_path: Path) -> None:
    write_files(tmp_path, trace_writers(result, "trace.parquet"))
    for figure in (plot_timeline(result), plot_trace_file(tmp_path)):
        titles = [text.get_text() for text in figure.axes[0].get_yticklabels()]
        assert titles == [unit.title for unit in reversed(result.run.vocabulary.units)]


def test_perfetto_has_a_track_per_layer_and_unit(result: Result) -> None:
    trace = parsed(b"".join(perfetto_packets(result)))
    names = [trace.tracks[uuid] for uuid in trace.parents]
    assert names[:3] == ["conv0", "conv1", "conv2"]
    assert "conv1 matrix product" in names
    (conv1,) = (uuid for uuid, name in trace.tracks.items() if name == "conv1")
    (one,) = trace.slices[conv1]
    assert (one.start, one.end, one.arguments) == (22, 598, {"cycles": 576})
    for name in ("conv0", "conv1", "conv2"):
        (uuid,) = (u for u, title in trace.tracks.items() if title == f"{name} matrix product")
        assert len(trace.slices[uuid]) == 1 + 144  # the layer, then its commands


def test_a_process_of_many_tracks_keeps_them_apart(
    result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.report.perfetto._TRACKS_OF_A_RUN", 1)
    both = replace(result, baseline=result.run)
    trace = parsed(b"".join(perfetto_packets(both)))  # which refuses a number used twice
    assert len(trace.tracks) == 2 * (1 + 3 + 5 + 2 + 1)  # layers, units, two rates, one side


def test_the_page_knows_the_layers_of_units_and_categories(result: Result) -> None:
    data = page_data(result, (), None)
    assert data["at_once"]
    assert [unit["layer"] for unit in data["units"]] == [0, 0, 1, 2, 2]
    assert [part["layer"] for part in data["parts"]] == [0, 0, 1, 2, 2]
    assert data["parts"][2]["title"] == "conv1: matrix product"
    layers = data["runs"][0]["layers"]
    assert [layer["commands"] for layer in layers] == [288, 144, 288]
    assert layers[1]["parts"] == {"stage1_cycles": 576}
    sources = {figure["key"]: figure["source"] for figure in data["figures"]}
    assert sources["cycles"] == "cycles of the layer's units on the critical path"


# --- studies --------------------------------------------------------------------------------------


def test_a_study_names_the_stage_that_limits(result: Result) -> None:
    assert causes_of(result.run) == {
        "bottleneck": "conv1",
        "bottleneck_percent": 96.0,
        "idle_pes": None,
    }


def test_a_search_is_refused(result: Result) -> None:
    with pytest.raises(InputError, match="Pipeline: a search adds up the cycles of layers"):
        search(result.run.workload, HARDWARE, objective="time", min_mean_bits=0.6)


def test_a_role_has_the_rate_key_of_its_units(result: Result) -> None:
    units = {unit.name: unit for unit in result.run.vocabulary.units}
    assert result.run.family.rate_key(units["stage1"]) == "stage.lanes"
    assert result.run.family.rate_key(units["read"]) is None
    helped = with_what_helps(result)
    (lanes,) = (effect for effect in helped.effects if effect.key == "stage.lanes")
    assert lanes.doubled.cycles == 2 * 144 + 22 + 2  # conv1 takes 2 cycles per pixel
