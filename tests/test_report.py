"""Results as Python objects, tables and pictures."""

from pathlib import Path

import numpy as np
import pytest

from simulator import InputError, Result, load_hardware, load_workload, simulate
from simulator.mapping.commands import Unit
from simulator.report.timeline import activity

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
        share = activity(run, unit, edges, everything)
        busy = run.trace.program.cycles[run.trace.program.unit == unit].sum()
        assert (share * np.diff(edges)).sum() == pytest.approx(busy)
        assert share.max(initial=0) <= 1 + 1e-9


def test_activity_at_the_edge_of_a_bin(result: Result) -> None:
    start = int(result.run.trace.start[result.run.trace.program.unit == Unit.DOT][0])
    everything = np.ones(len(result.run.layers), dtype=bool)
    edges = np.array([start - 2, start, start + 2], dtype=float)
    assert activity(result.run, Unit.DOT, edges, everything).tolist() == [0, 1]


class TestTimeline:
    def test_both_runs_on_one_axis_with_named_units_and_stages(self, result: Result) -> None:
        figure = result.plot_timeline()
        upper, lower = figure.axes
        assert upper.get_xlim() == lower.get_xlim()
        for axes in (upper, lower):
            labels = [label.get_text() for label in axes.get_yticklabels()]
            assert labels == ["drain", "accumulators", "dot units", "index fetch", "DRAM"]
        assert [text.get_text() for text in figure.legends[0].get_texts()] == [
            "layer1", "layer2", "layer3",
        ]  # fmt: skip
        words = " ".join(text.get_text() for text in [*upper.texts, *lower.texts])
        assert "0.56 bit" in words
        assert "1 bit" in words
        assert "ms" in lower.get_xlabel()

    @pytest.mark.slow
    @pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
    def test_saves(self, result: Result, tmp_path: Path, ending: str) -> None:
        larger = simulate(load_workload("r20", (64, 64)), load_hardware("cofluent64"), bits=0.56)
        for name, drawn in (("a", result), ("b", result), ("c", larger)):
            drawn.plot_timeline(tmp_path / f"{name}.{ending}")
        one, two, four = ((tmp_path / f"{name}.{ending}").read_bytes() for name in "abc")
        assert one == two
        # four times the commands: activity is drawn, not a rectangle per command
        assert len(larger.run.trace.program) > 3 * len(result.run.trace.program)
        assert len(four) < 1.5 * len(one)

    def test_full_precision_adds_a_row(self) -> None:
        whole = simulate(
            load_workload("r20"), load_hardware("cofluent64"), tau=5, include_full_precision=True
        )
        labels = [label.get_text() for label in whole.plot_timeline().axes[0].get_yticklabels()]
        assert labels[0] == "MAC unit"


def test_unknown_engine() -> None:
    with pytest.raises(InputError, match="'steam'"):
        simulate(load_workload("r20"), load_hardware("cofluent64"), bits=1, engine="steam")
