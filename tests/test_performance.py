"""Throughput, operations and energy per image, from shapes and totals, in every output."""

import re
import shlex

import pytest

from simulator import Result, load_workload, search, simulate, sweep
from simulator.analysis.performance import Performance, operations_counted
from simulator.analysis.saved import as_saved
from simulator.api.comparison import Comparison
from simulator.report.compare_text import markdown
from simulator.report.style import SCREEN
from simulator.studies.batch_figure import draw_batch
from tests.conftest import ROOT, Command

pytestmark = pytest.mark.unit

BATCH = 3
COUNTED = "1 MAC = 2 operations, MACs of the layers in scope weights"


@pytest.fixture(scope="module")
def result() -> Result:
    options = {"bits": 0.56, "batch": BATCH, "input_size": 8, "scope": "weights"}
    return simulate("r20", "cofluent64", **options).with_energy("45nm")


def macs_of_r20() -> int:
    """Multiply-accumulates of all layers of one image of 8x8 pixels, by hand."""
    first = 64 * 9 * 3 * 16
    stages = 6 * 64 * 9 * 16 * 16
    stages += (16 * 9 * 16 * 32 + 5 * 16 * 9 * 32 * 32) + (4 * 9 * 32 * 64 + 5 * 4 * 9 * 64 * 64)
    return first + stages + 64 * 10


def test_of_a_run_with_easy_numbers() -> None:
    one = Performance(images=4, time_ms=2, macs=10**9, energy_uj=1000)
    assert one.images_per_second == 2000
    assert one.operations == 2 * 10**9
    assert one.tops == 1  # 2e9 operations in 2 ms
    assert one.energy_uj_per_image == 250
    assert one.tops_per_watt == 2  # 2e9 operations in 1 mJ; 1 TOPS at 0.5 W
    assert one.rates("a_")["a_tops"] == 1
    bare = Performance(images=1, time_ms=1, macs=1)
    assert bare.tops_per_watt is bare.energy_uj_per_image is None
    assert "tops_per_watt" not in bare.plain()


def test_operations_are_those_of_the_network(result: Result) -> None:
    own, base = result.performance
    assert own.operations == base.operations == 2 * BATCH * macs_of_r20()
    assert own.images_per_second == pytest.approx(BATCH / (result.time_ms / 1000))
    assert result.tops == pytest.approx(own.operations / (result.time_ms / 1000) / 1e12)
    assert base.tops == pytest.approx(own.tops / result.speedup)


def test_energy_per_image_times_images_is_the_energy(result: Result) -> None:
    assert result.energy is not None
    assert result.energy_uj_per_image is not None
    assert result.energy_uj_per_image * BATCH == pytest.approx(result.energy.run.microjoules)
    watts = result.energy.run.microjoules / 1e3 / result.time_ms
    assert result.tops_per_watt == pytest.approx(result.tops / watts)
    assert result.operations_counted == operations_counted("weights") == COUNTED


def test_the_summary_has_both_runs(result: Result) -> None:
    performance = result.summary()["performance"]
    assert performance["operations_counted"] == COUNTED
    assert performance["run"]["images_per_second"] == result.images_per_second
    assert performance["run"]["latency_ms"] == result.time_ms
    assert performance["baseline"]["tops"] == result.performance[1].tops


def test_studies_and_searches_have_the_same_values(result: Result) -> None:
    options = {"batch": [1, BATCH], "input_size": 8, "scope": "weights"}
    row = sweep("r20", "cofluent64", bits=0.56, **options).frame.iloc[1]
    own, base = result.performance
    for name, value in {**own.rates(), **base.rates("baseline_")}.items():
        assert row[name] == pytest.approx(value), name
    assert row["operations_counted"] == COUNTED
    network = load_workload("r20", (8, 8))
    found = search(
        network, "cofluent64", "time", min_mean_bits=1, batch=BATCH, scope="weights", taus=[9]
    ).summary()
    assert found["operations_counted"] == COUNTED
    for name, value in base.rates().items():
        assert found["best"][name] == pytest.approx(value, rel=1e-3), name


@pytest.mark.parametrize("energy", [(), ("--energy", "45nm")])
def test_lines_of_the_terminal(command: Command, energy: tuple[str, ...]) -> None:
    words = ("--hw", "cofluent64", "--model", "r20", "--input-size", 8, "--bits", 0.56)
    shown = " ".join(command(*words, *energy).stdout.split())
    assert "throughput, scope binary: " in shown
    assert ("energy per image, scope binary: " in shown) == bool(energy)
    assert ("MACs of the layers in scope binary): " in shown) == bool(energy)


def test_a_report_prints_operations(command: Command) -> None:
    words = ("--hw", "cofluent64", "--model", "r20", "--input-size", 8, "--bits", 0.56)
    shown = " ".join(command(*words, "--report", "r20.html").stdout.split())
    assert "operations (1 MAC = 2 operations, MACs of the layers in scope binary): " in shown


def test_comparisons_have_both_runs(result: Result) -> None:
    saved = as_saved(result.saved(), "a test")
    other = simulate("r20", "cofluent64", bits=1, input_size=8).saved()
    compared = Comparison(name_a="a", name_b="b", a=saved, b=as_saved(other, "a test"))
    assert compared.operations_counted == [f"A: {COUNTED}", f"B: {operations_counted('binary')}"]
    rows = {(row["figure"], row["unit"]): row for row in compared.totals}
    assert rows["run", "images/s"]["a"] == result.images_per_second
    assert rows["baseline", "TOPS"]["a"] == result.performance[1].tops
    assert ("run", "µJ/image") not in rows  # only one result has energies
    twice = Comparison(name_a="a", name_b="b", a=saved, b=saved)
    assert {"µJ/image", "TOPS/W"} <= {row["unit"] for row in twice.totals}
    assert f"(TOPS: {COUNTED})" in markdown(twice)


def test_figure_of_a_study_over_batch() -> None:
    options = {"bits": [0.56, 1], "input_size": 8, "scope": "weights"}
    study = sweep("r20", "cofluent64", batch=[1, 2], **options)
    assert study.points is not None
    figure = draw_batch(study.points, SCREEN)
    assert figure is not None
    rates, energies = figure.axes
    rows = study.points.rows
    for line, bits in zip(rates.lines, (0.56, 1), strict=True):
        chosen = [row for row in rows if row["bits"] == bits]
        assert list(line.get_ydata()) == [row["images_per_second"] for row in chosen]
    assert [text.get_text() for text in rates.texts] == ["1", "2"] * 2
    assert len(energies.lines) == 2
    alone = sweep("r20", "cofluent64", **options).points
    assert alone is not None
    assert draw_batch(alone, SCREEN) is None


def test_the_example_of_latency_against_throughput(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = (ROOT / "docs/sweep.md").read_text().partition("### Latency against throughput")[2]
    line = re.search(r"`(simulate sweep [^`]*)` prints", text)
    shown = re.search(r"^```\n(.*?)^```", text, flags=re.M | re.S)
    assert line is not None
    assert shown is not None
    done = command(*shlex.split(line[1])[1:], "--jobs", 1)
    assert [line.rstrip() for line in done.stdout.splitlines()] == shown[1].splitlines()
    assert "highest at batch 4" in text
    rows = {row[0]: row for row in map(str.split, shown[1].splitlines()) if row}
    latency = {batch: float(rows[batch][1]) for batch in ("1", "2", "4", "8", "16")}
    assert max(latency, key=lambda batch: int(batch) / latency[batch]) == "4"
    assert round(latency["4"] / latency["1"]) == 3
