"""Results as Python objects, tables and pictures."""

from itertools import pairwise
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from click.testing import CliRunner

from simulator import InputError, Result, load_hardware, load_workload, simulate
from simulator.cli import cli
from simulator.engine import fast
from simulator.report.timeline import activity
from tests.build import layer, network
from tests.numbering import Unit

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def result() -> Result:
    return simulate(load_workload("r20"), load_hardware("cofluent64"), bits=0.56)


def test_layers_is_a_frame_with_units_in_its_columns(result: Result) -> None:
    assert list(result.layers["layer"])[:2] == ["layer1.0.conv1", "layer1.0.conv2"]
    assert result.layers["cycles"].sum() == result.cycles
    for column in ("time_us", "dram_read_bytes", "utilization", "bound_by", "stage"):
        assert column in result.layers


def test_trace_is_a_frame_of_commands(result: Result) -> None:
    trace = result.trace
    assert set(trace["run"].unique()) == {"run", "baseline"}
    ours = trace[trace["run"] == "run"]
    assert ours["end_cycle"].max() == result.cycles
    assert (ours["end_cycle"] >= ours["start_cycle"]).all()
    assert {"fill", "direct", "accumulate", "drain", "fetch_indices"} <= set(ours["kind"])


def test_speedup_against_another_baseline() -> None:
    net, hardware = load_workload("r18", (32, 32)), load_hardware("cofluent64")
    against_bnn = simulate(net, hardware, tau=4)
    against_snn = simulate(net, hardware, tau=4, baseline_bits=0.56)
    assert against_snn.baseline.bits == 0.56
    assert 1 <= against_snn.speedup < against_bnn.speedup


def test_activity_adds_up_to_the_busy_cycles(result: Result) -> None:
    run = result.run
    edges = np.linspace(0, run.cycles, 38)
    everything = np.ones(len(run.layers), dtype=bool)
    for unit in Unit:
        share = activity(run.trace, unit, edges, everything)
        busy = run.trace.occupied[run.trace.unit == unit].sum()
        assert (share * np.diff(edges)).sum() == pytest.approx(busy)
        assert share.max(initial=0) <= 1 + 1e-9


def test_activity_at_the_edge_of_a_bin(result: Result) -> None:
    start = int(result.run.trace.start[result.run.trace.unit == Unit.DOT][0])
    everything = np.ones(len(result.run.layers), dtype=bool)
    edges = np.array([start - 2, start, start + 2], dtype=float)
    assert activity(result.run.trace, Unit.DOT, edges, everything).tolist() == [0, 1]


def test_numbers_need_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> NoReturn:
        raise AssertionError("a trace is made")

    monkeypatch.setattr(fast, "run", refuse)
    monkeypatch.chdir(tmp_path)
    run = ["--hw", "cofluent64", "--model", "r20-digits", "--bits", "0.56", "--energy", "45nm"]
    for more in (["--why", "--what-helps", "--set", "array.pes=128"], ["--why", "--json"]):
        done = CliRunner().invoke(cli, [*run, *more], catch_exceptions=False)
        assert (done.exit_code, done.stderr) == (0, "")
    with pytest.raises(AssertionError, match="a trace is made"):
        CliRunner().invoke(cli, [*run, "--report", "r.html"], catch_exceptions=False)


class TestTimeline:
    def test_both_runs_on_one_axis_with_named_units_and_stages(self, result: Result) -> None:
        figure = result.plot_timeline()
        upper, lower = figure.axes
        assert upper.get_xlim() == lower.get_xlim()
        for axes in (upper, lower):
            labels = [label.get_text() for label in axes.get_yticklabels()]
            assert labels == [
                "drain", "accumulators", "dot units", "index fetch", "DRAM outputs",
                "DRAM inputs", "DRAM weights",
            ]  # fmt: skip
            texts = [text.get_text() for text in axes.texts]
            assert texts.count("100 %") == len(labels)
            assert [text for text in texts if text.startswith("layer")] == [
                "layer1", "layer2", "layer3",
            ]  # fmt: skip
        assert not figure.legends
        assert result.hardware.name in figure.get_suptitle()
        words = " ".join(text.get_text() for text in [*upper.texts, *lower.texts])
        assert "0.56 bit" in words
        assert "1 bit" in words
        assert lower.get_xlabel() == "time (µs at 1 GHz)"

    @pytest.mark.slow
    @pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
    def test_saves(self, result: Result, tmp_path: Path, ending: str) -> None:
        larger = simulate(load_workload("r20", (64, 64)), load_hardware("cofluent64"), bits=0.56)
        for name, drawn in (("a", result), ("b", result), ("c", larger)):
            drawn.plot_timeline(tmp_path / f"{name}.{ending}")
        one, two, four = ((tmp_path / f"{name}.{ending}").read_bytes() for name in "abc")
        assert one == two
        # four times the commands: the figure draws activity, not a rectangle per command
        assert len(larger.run.trace) > 3 * len(result.run.trace)
        assert len(four) < 1.5 * len(one)

    @pytest.mark.parametrize("style", ["screen", "paper"])
    def test_all_stages_are_named_side_by_side(self, style: str) -> None:
        sizes = [2, 2, 2, 2, 64, 2, 2, 2, 2]  # most stages are a thousandth of the run
        layers = [
            layer(64, 64, size, size, name=f"a{number}", stage=f"stage{number}")
            for number, size in enumerate(sizes)
        ]
        figure = simulate(network(*layers), "cofluent64", tau=5).plot_timeline(style=style)
        figure.draw_without_rendering()
        for axes in figure.axes:
            names = [text for text in axes.texts if text.get_text().startswith("stage")]
            boxes = [text.get_window_extent() for text in names]
            assert len(names) == 9
            assert all(a.x1 <= b.x0 + 1 for a, b in pairwise(boxes))
            assert boxes[0].x0 >= 0
            assert boxes[-1].x1 <= figure.bbox.width

    @pytest.mark.slow
    def test_a_figure_for_a_paper(self, tmp_path: Path) -> None:
        result = simulate(network(layer(64, 64, 2, 2)), "cofluent64", tau=5)
        names = [path.name for path in result.save(tmp_path, style="paper")]
        assert {"timeline.pdf", "timeline.svg", "roofline.pdf", "roofline.svg"} < set(names)
        figure = result.plot_timeline(style="paper")
        assert figure.get_size_inches()[0] == 3.4
        assert not figure.get_suptitle()
        result.save(tmp_path)
        assert not (tmp_path / "timeline.pdf").exists()
        with pytest.raises(InputError, match="style 'poster': use screen or paper"):
            result.plot_timeline(style="poster")

    def test_full_precision_adds_a_row(self) -> None:
        whole = simulate(load_workload("r20"), load_hardware("cofluent64"), tau=5, scope="weights")
        labels = [label.get_text() for label in whole.plot_timeline().axes[0].get_yticklabels()]
        assert labels[0] == "MAC unit"


def test_unknown_engine() -> None:
    with pytest.raises(InputError, match="'steam'"):
        simulate(load_workload("r20"), load_hardware("cofluent64"), bits=1, engine="steam")
