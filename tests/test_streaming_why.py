"""Explanations of streaming pipelines: images, units, FIFOs, the interval, deadlocks, scopes."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from simulator import InputError, Result, compare, simulate, sweep
from simulator.analysis.fifos import fillings
from simulator.analysis.images import ImageTimes, image_ends
from simulator.analysis.interval import limit_of
from simulator.analysis.run import Run
from simulator.analysis.running import run_one
from simulator.analysis.stages import slowest, stage_times
from simulator.engine import event, fast
from simulator.engine.summary import summarize
from simulator.engine.trace import Trace
from simulator.machines import load_hardware
from simulator.machines.families import scopes_of
from simulator.machines.streaming.family import FAMILY
from simulator.program import Program, ProgramError
from simulator.program.fifos import fifos_of, with_depths
from simulator.report.pipeline import images_line
from simulator.studies.interval import searched_limit
from simulator.workload import Workload, configure
from simulator.workload.network import network_from
from simulator.workload.scope import SCOPES, scope_from
from tests.conftest import Command
from tests.pipelines import pipelines

pytestmark = pytest.mark.unit

RESIDUAL: dict[str, Any] = {
    "name": "residual",
    "title": "Residual",
    "ops_convention": "main_paper",
    "input": {"channels": 4, "height": 6, "width": 6},
    "layers": [
        {"name": "c0", "type": "conv", "precision": "binary", "out_channels": 4, "kernel": 3,
         "padding": 1},
        {"name": "n0", "type": "norm"},
        {"name": "c1", "type": "conv", "precision": "binary", "out_channels": 4, "kernel": 3,
         "padding": 1},
        {"name": "n1", "type": "norm"},
        {"name": "add1", "type": "add", "other": "n0"},
        {"name": "fc", "type": "linear", "precision": "binary", "out_features": 4},
    ],
}  # fmt: skip
"""A convolution whose output an addition reads again."""
CHAIN = RESIDUAL | {"layers": [x for x in RESIDUAL["layers"] if x["name"] != "add1"]}


def workload(description: dict[str, Any] = RESIDUAL, batch: int = 3) -> Workload:
    return configure(network_from(description, Path("x.yaml")), scope="network", batch=batch)


@cache
def ran(engine: str = "fast", batch: int = 3, *overrides: str) -> Run:
    hardware = load_hardware("streaming-r18", ["folding.cycles=400", "fifos.depth=2", *overrides])
    return run_one(workload(batch=batch), hardware, engine)


# --- images -------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_both_engines_have_the_same_images(batch: int) -> None:
    ours, theirs = ran("fast", batch), ran("event", batch)
    assert ours.image_ends is not None
    assert ours.image_ends.tolist() == theirs.image_ends.tolist()  # type: ignore[union-attr]
    assert ours.image_ends[-1] <= ours.cycles


def test_an_image_ends_with_its_last_word_in_dram() -> None:
    run = ran("event", 5)
    rows = [
        int(run.trace.ready[row])
        for row in range(len(run.trace))
        if run.trace.units[run.trace.unit[row]] == "fc.output"
    ]
    each = len(rows) // 5
    assert run.image_ends is not None
    assert run.image_ends.tolist() == [max(rows[n * each : (n + 1) * each]) for n in range(5)]


@given(program=pipelines())
def test_ends_without_a_trace_are_those_of_the_event_engine(program: Program) -> None:
    last = program.units[-1]
    summary, (ends,) = fast.totals_and_ends(program, [last], compiled=False)
    trace = event.run(program)
    assert ends.tolist() == trace.ready[trace.unit == len(program.units) - 1].tolist()
    assert summary.busy.tolist() == summarize(trace).busy.tolist()


@pytest.mark.parametrize(
    ("ends", "interval", "settled_from"),
    [
        ([9], None, None),
        ([9, 12], None, None),  # a single interval may be anything
        ([9, 12, 15], 3, 1),
        ([9, 12, 16], None, None),
        ([9, 13, 16, 19], 3, 2),
        ([9, 12, 15, 17], 3, 1),  # no image follows the last one, which is drained sooner
        ([9, 12, 15, 17, 19], 2, 3),
        ([9, 12, 14, 17, 19], None, None),
    ],
)
def test_the_interval_is_that_of_the_steady_state(
    ends: list[int], interval: int | None, settled_from: int | None
) -> None:
    images = ImageTimes(ends=np.array(ends), clock_ghz=0.5)
    assert (images.interval_cycles, images.settled_from) == (interval, settled_from)
    assert images.first_cycles == 9
    rate = None if interval is None else pytest.approx(0.5e9 / interval)
    assert images.images_per_second == rate
    assert ("has not settled" in images_line(images)) == (interval is None and len(ends) > 1)


def test_the_last_of_several_outputs_ends_an_image() -> None:
    ends = image_ends([np.array([3, 5, 8, 9]), np.array([4, 12]), np.array([], np.int64)], 2)
    assert ends.tolist() == [5, 12]


# --- units --------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 4])
def test_parts_add_up_and_both_engines_agree(batch: int) -> None:
    ours, theirs = (stage_times(ran(engine, batch)) for engine in ("fast", "event"))
    assert ours == theirs
    run = ran("fast", batch)
    for one in ours:
        assert one.cycles == run.cycles
        assert min(one.busy, one.starved, one.blocked, one.before, one.after) >= 0
        assert one.other == 0


def test_parts_from_a_replay_of_the_trace() -> None:
    run = ran("event", 4)
    trace = run.trace
    for one in stage_times(run):
        unit = trace.units.index(one.unit.name)
        free, starved, blocked, busy = None, 0, 0, 0
        for row in np.flatnonzero(trace.unit == unit).tolist():
            wait = int(trace.start[row]) - (trace.start[row] if free is None else free)
            side = trace.vocabulary.channels[trace.channel[row]].side if wait else ""
            starved += wait * (side == "items")
            blocked += wait * (side == "space")
            busy += int(trace.end[row] - trace.start[row])
            free = int(trace.end[row])
        assert (one.busy, one.starved, one.blocked) == (busy, starved, blocked)
        assert one.after == run.cycles - (free or 0)


@settings(max_examples=6)
@given(depth=st.integers(1, 5), cycles=st.sampled_from([400, 700, 1000]), batch=st.integers(4, 6))
def test_no_interval_is_shorter_than_the_slowest_unit(depth: int, cycles: int, batch: int) -> None:
    run = ran("fast", batch, f"folding.cycles={cycles}", f"fifos.depth={depth}")
    images = run.images
    assert images is not None
    most = slowest(stage_times(run))[0]
    assert max(images.intervals[:-1]) >= most.cycles_per_image - most.busy / batch**2
    if images.interval_cycles is not None:
        assert images.interval_cycles >= int(most.cycles_per_image)


# --- FIFOs --------------------------------------------------------------------------------------


def replayed(run: Run) -> dict[str, int]:
    """The most places taken at once, event by event: a writer takes, a reader frees at its end."""
    highest: dict[str, int] = {}
    filled: dict[str, int] = {}
    trace = run.trace
    program = run.mapping.program
    by_unit = {
        unit: iter(np.flatnonzero(trace.unit == number).tolist())
        for number, unit in enumerate(program.units)
    }
    events: list[tuple[int, int, str, int]] = []

    def add(body: Any, unit: Any) -> None:
        for part in body:
            if hasattr(part, "body"):
                for _ in range(part.times):
                    add(part.body, unit)
                continue
            row = next(by_unit[unit])
            for amount in part.takes:
                if amount.channel.side == "space":
                    events.append((int(trace.start[row]), 1, amount.channel.fifo, amount.tokens))
            for amount in part.gives:
                if amount.channel.side == "space":
                    events.append((int(trace.ready[row]), 0, amount.channel.fifo, -amount.tokens))

    for unit, body in program.sections[0].bodies.items():
        add(body, unit)
    for _, _, fifo, words in sorted(events):
        filled[fifo] = filled.get(fifo, 0) + words
        highest[fifo] = max(highest.get(fifo, 0), filled[fifo])
    return highest


@pytest.mark.parametrize("overrides", [(), ("fifos.depth=7",), ("fifos.depth=1",)])
def test_fillings_are_those_of_a_replay(overrides: tuple[str, ...]) -> None:
    run = ran("fast", 3, *overrides)
    found = {one.fifo.name: one.highest for one in fillings(run)}
    assert found == replayed(ran("event", 3, *overrides))
    assert all(one.highest <= one.fifo.depth for one in fillings(run))


def test_with_the_highest_fillings_as_depths_the_run_is_the_same() -> None:
    run = ran("fast", 3, "fifos.depth=7")
    depths = {one.fifo.name: one.highest for one in fillings(run)}
    assert any(depths[name] < one.depth for name, one in fifos_of(run.mapping.program).items())
    small = with_depths(run.mapping.program, depths)
    for engine in (fast, event):
        assert times(engine.run(small)) == times(run.trace)


def times(trace: Trace) -> list[tuple[int, ...]]:
    columns = (trace.unit, trace.start, trace.end)
    return sorted(zip(*(one.tolist() for one in columns), strict=True))


# --- the interval -------------------------------------------------------------------------------


def test_a_unit_sets_the_interval_of_a_pipeline_with_deep_fifos() -> None:
    run = ran("fast", 5, "fifos.depth=200")
    limit = searched_limit(run)
    assert limit.longer == 0
    assert limit.deepened is None  # no search
    assert limit.sentence == (
        "the interval is that of c0.window and c1.window: 348 cycles per image"
    )


def test_the_fifos_that_lengthen_the_interval() -> None:
    run = ran("fast", 5)
    assert limit_of(run).longer > 0
    limit = searched_limit(run)
    assert limit.deepened
    needed = {one.fifo: one.needed for one in limit.deepened}
    assert interval_with(run, needed) == limit.interval_then < run.images.interval_cycles  # type: ignore[operator, union-attr]
    for name, words in needed.items():  # with one word less, it is longer again
        assert interval_with(run, needed | {name: words - 1}) > limit.interval_then
        assert name in limit.sentence


def interval_with(run: Run, depths: dict[str, int]) -> int:
    trace = event.run(with_depths(run.mapping.program, depths))
    writer = trace.units.index("fc.output")
    ends = image_ends([trace.ready[trace.unit == writer]], run.workload.batch)
    interval = ImageTimes(ends=ends, clock_ghz=1).interval_cycles
    assert interval is not None
    return interval


# --- deadlocks ----------------------------------------------------------------------------------


def test_a_join_with_too_few_words_is_named_with_the_words_it_needs() -> None:
    with pytest.raises(InputError, match="the join add1 stops forever") as error:
        ran("fast", 3, "fifos.joins=2")
    words = str(error.value)
    assert "its FIFO add1.add.2 holds 2 words and needs " in words
    assert "\n" not in words
    needed = int(words.split("needs ")[1].split(";", maxsplit=1)[0].replace(",", ""))
    program = ran("fast", 3).mapping.program
    for engine in (fast, event):
        engine.run(with_depths(program, {"add1.add.2": needed}))
        with pytest.raises(ProgramError, match="deadlock"):
            engine.run(with_depths(program, {"add1.add.2": needed - 1}))
    assert ran("fast", 3, f"fifos.joins={needed}").cycles
    with pytest.raises(InputError, match=f"holds {needed - 1} words and needs {needed}"):
        ran("fast", 3, f"fifos.joins={needed - 1}")
    with pytest.raises(InputError, match=f"needs {needed}"):
        ran("fast", 3, "fifos.limit=5")
    with pytest.raises(InputError, match=f"needs {needed}"):
        ran("fast", 3, "fifos.depths={add1: 3}")


def test_a_deadlock_is_one_line_of_the_command(command: Command, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(json.dumps(RESIDUAL))
    line = (
        "--hw",
        "streaming-r18",
        "--model",
        "net.yaml",
        "--set",
        "fifos.joins=2",
        "--set",
        "fifos.depth=2",
    )
    done = command(*line, "--set", "folding.cycles=400", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("simulate: the join add1 stops forever")
    assert done.stderr.count("\n") == 1


# --- scopes -------------------------------------------------------------------------------------


def test_a_pipeline_runs_whole_networks() -> None:
    assert FAMILY.scopes == ("network",)
    assert scopes_of(["lut_array"]) == SCOPES
    assert scopes_of(["lut_array", "streaming"]) == ("network",)
    assert scope_from(None, [1], ("network",)) == "network"
    assert scope_from(None, [32], ("network",)) == "network"


@pytest.mark.parametrize("scope", ["binary", "weights"])
def test_every_command_refuses_other_scopes(command: Command, tmp_path: Path, scope: str) -> None:
    (tmp_path / "net.yaml").write_text(json.dumps(CHAIN))
    answer = f"simulate: scope {scope}: not available on this kind of machine; use scope network\n"
    model = ("--model", "net.yaml", "--bits", 1, "--scope", scope)
    hw = ("--hw", "streaming-r18")
    for words in (
        (*hw, *model),
        ("sweep", *hw, *model),
        ("compare", "streaming-r18", "--set", "fifos.depth=2,3", *model),
        ("search", *hw, "--model", "net.yaml", "--objective", "bits", "--max-time-ms", 1,
         "--scope", scope),
    ):  # fmt: skip
        done = command(*words, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", answer), words
    with pytest.raises(InputError, match=f"scope {scope}: not available"):
        simulate(tmp_path / "net.yaml", "streaming-r18", scope=scope)


def test_help_tells_the_default_scope(command: Command) -> None:
    assert "network on a pipeline" in " ".join(command("--help").stdout.split())


# --- what a user meets first --------------------------------------------------------------------


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.yaml"
    path.write_text(json.dumps(RESIDUAL))
    return path


LINE = (
    "--hw",
    "streaming-r18",
    "--set",
    "folding.cycles=400",
    "--set",
    "fifos.depth=2",
    "--model",
    "net.yaml",
)


def test_a_run_needs_neither_bits_nor_scope(command: Command, net: Path) -> None:
    text = command(*LINE, "--batch", 5, "--why", cwd=net.parent).stdout
    assert "BNN pipeline, 1 bit, 5 images; scope network" in text
    assert "baseline" not in text
    images = ran("fast", 5).images
    assert images is not None
    assert f"first image: {1e3 * images.first_cycles / 3e5:.3f} µs" in text
    assert f"interval: {images.interval_cycles} cycles" in text
    assert "1 bit: time of every unit: starved waits for words" in text
    assert "cycles for which units wait" not in text  # the table of units replaces it
    units = text[text.index("time of every unit") :].split()
    names = [one.unit.name for one in stage_times(ran("fast", 5))]
    assert [word for word in units if word in names][: len(names)] == names
    for one in slowest(stage_times(ran("fast", 5))):
        assert f"{one.unit.name} ◀" in text
    assert "because of the FIFO" in text


def test_sub_bit_weights_make_an_snn_pipeline(command: Command, net: Path) -> None:
    net.write_text(json.dumps(RESIDUAL | {"layers": RESIDUAL["layers"][:4]}))
    text = command(*LINE, "--bits", 0.56, cwd=net.parent).stdout
    assert "SNN pipeline, 0.56 bit (tau 5" in text


def test_the_summary_has_images_and_units(net: Path) -> None:
    result = simulate(net, "streaming-r18", set={"folding.cycles": 400, "fifos.depth": 2}, batch=5)
    pipeline = result.summary()["pipeline"]
    images = ran("fast", 5).images
    assert images is not None
    assert pipeline["first_image_cycles"] == images.first_cycles
    assert pipeline["interval_cycles"] == images.interval_cycles
    assert [one["unit"] for one in pipeline["units"]] == [
        one.unit.name for one in stage_times(ran("fast", 5))
    ]
    assert "first image" in str(result)


def test_compare_lists_the_images_of_pipelines(net: Path) -> None:
    def result(batch: int, folding: int) -> Result:
        changes = {"folding.cycles": folding, "fifos.depth": 2}
        return simulate(net, "streaming-r18", set=changes, batch=batch)

    slow, fast_one = result(6, 400), result(6, 200)
    rows = {(row["figure"], row["unit"]): row for row in compare(slow, fast_one).totals}
    for side, one in (("a", slow), ("b", fast_one)):
        images = one.run.images
        assert images is not None
        assert rows["first image", "cycles"][side] == images.first_cycles
        assert rows["interval", "cycles"][side] == images.interval_cycles
        assert rows["steady state", "images/s"][side] == pytest.approx(images.images_per_second)
    names = {row["figure"] for row in compare(slow, result(1, 200)).totals}
    assert "first image" in names and "interval" not in names


def test_pandas_reads_the_tables(net: Path, tmp_path: Path) -> None:
    from simulator.base.writing import write_rows
    from simulator.report.files import csv_tables

    result = pipeline_result(net)
    for name, rows in csv_tables(result).items():
        write_rows(tmp_path / name, rows)
    units = pd.read_csv(tmp_path / "stages.csv")
    parts = [name for name in units if str(name).endswith("_percent")]
    assert units[parts].sum(axis=1).to_numpy() == pytest.approx(100)
    fifos = pd.read_csv(tmp_path / "fifos.csv")
    assert len(fifos) == len(fifos_of(result.run.mapping.program))
    assert (fifos["highest_filling"] <= fifos["depth"]).all()


def pipeline_result(net: Path) -> Result:
    return simulate(net, "streaming-r18", set={"folding.cycles": 400, "fifos.depth": 2}, batch=3)


def test_a_study_has_their_columns(net: Path) -> None:
    study = sweep(
        net,
        "streaming-r18",
        bits=1,
        set={"folding.cycles": [400, 800], "fifos.depth": 2},
        batch=5,
        jobs=1,
    )
    frame = study.frame
    assert set(frame["scope"]) == {"network"}
    images = ran("fast", 5).images
    assert images is not None
    assert frame["interval_cycles"][0] == images.interval_cycles
    assert frame["first_image_ms"][0] == pytest.approx(images.first_cycles / 3e5)
    assert frame["steady_images_per_second"][0] == pytest.approx(images.images_per_second)


def test_other_studies_lack_them() -> None:
    frame = sweep("r20", "cofluent64", bits=1, input_size=8, jobs=1).frame
    assert "interval_cycles" not in frame


# --- notes --------------------------------------------------------------------------------------


def _notes(run: Run) -> list[str]:
    return list(FAMILY.notes(run))


def test_names_that_the_pipeline_does_not_have_are_noted() -> None:
    known = ran("fast", 3, "fifos.depths={c1: 9, fc.mvtu: 9}", "folding.layers={c1: {pe: 2}}")
    assert not [note for note in _notes(known) if "names no" in note]
    other = ran(
        "fast",
        3,
        "fifos.depths={c1: 9, fc.nosuch: 9}",
        "folding.layers={n1: {pe: 2}, c9: {pe: 2}}",
        "fifos.widths={c9: 8}",
    )
    assert [note for note in _notes(other) if "names no" in note] == [
        "folding.layers names no stage of this network in n1, c9.",
        "fifos.widths names no stage of this network in c9.",
        "fifos.depths names no stage or FIFO of this network in fc.nosuch.",
    ]
