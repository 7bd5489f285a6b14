"""Runs without a baseline: no output has a column, a field or a word of one."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from simulator import InputError, Result, compare, search, simulate, sweep, verify
from simulator.analysis.roofline import roofline
from simulator.analysis.trace_file import read_traces
from simulator.report.html.data import page_data
from simulator.report.notebook import as_html
from simulator.studies.columns import of_baseline
from tests.build import layer, network
from tests.conftest import Command
from tests.test_schema import keys

pytestmark = pytest.mark.unit

OF_A_BASELINE = re.compile("baseline|speedup|reduction|hollow|both runs|less:|None|null", re.I)
"""Words that belong to a baseline, and what a missing one would print."""
MACHINES = {"a dense array": ("tpu-like", None), "the paper's array": ("cofluent64", "none")}
NETWORK = """\
name: small
title: Small
ops_convention: main_paper
input: {channels: 16, height: 6, width: 6}
layers:
  - {name: one, type: conv, precision: binary, out_channels: 16, kernel: 3, padding: 1}
  - {name: two, type: conv, precision: binary, out_channels: 32, kernel: 3, padding: 1}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The file of a network of two layers."""
    file = tmp_path / "small.yaml"
    file.write_text(NETWORK)
    return file


@pytest.fixture(params=MACHINES.values(), ids=MACHINES)
def machine(request: pytest.FixtureRequest) -> tuple[str, str | None]:
    """A shipped machine, and the value of `baseline_bits` that makes a run of it alone."""
    name, asked = request.param
    return name, asked


def alone(hardware: str = "cofluent64", asked: str | None = "none", **options: Any) -> Result:
    """A run of two small layers without a baseline, with energies."""
    net = network(layer(16, 16, 6, 6, name="one"), layer(16, 32, 6, 6, name="two"))
    return simulate(net, hardware, baseline_bits=asked, **options).with_energy("45nm")


def test_the_run_is_the_same_as_beside_a_baseline(machine: tuple[str, str | None]) -> None:
    run, pair = alone(*machine), alone(machine[0], 1)  # type: ignore[arg-type]
    assert (run.baseline, run.speedup, run.runs) == (None, None, (run.run,))
    assert pair.baseline is not None
    assert pair.speedup == pair.baseline.cycles / pair.cycles
    assert run.run.cycles == pair.run.cycles
    ours, theirs = run.saved(), pair.saved()
    shared = {key for key in ours if key not in ("scope", "config_sha256", "summary_sha256")}
    for key in shared - {"layers", "energy", "performance", "configuration", "notes"}:
        assert ours[key] == theirs[key]
    for key in ("energy", "performance"):
        assert ours[key]["run"] == theirs[key]["run"]
    for one, other in zip(run.layer_rows(), pair.layer_rows(), strict=True):
        assert one == {key: other[key] for key in other if not OF_A_BASELINE.search(key)}
    assert {place for place, _ in keys(ours)} == {
        place
        for place, _ in keys(theirs)
        if not OF_A_BASELINE.search(place) and not place.startswith("energy.ratios")
    }


@pytest.mark.parametrize(("asked", "bits"), [(None, None), ("none", None), (1, 1), (0.56, 0.56)])
def test_a_dense_array_has_a_baseline_if_one_is_asked_for(asked: Any, bits: float | None) -> None:
    base = alone("tpu-like", asked).baseline
    assert (None if base is None else base.bits) == bits


def test_the_papers_array_has_one_unless_none_is_asked_for() -> None:
    base = alone(asked=None).baseline
    assert base is not None
    assert base.bits == 1


def test_another_word_is_answered_in_one_line(command: Command, small: Path) -> None:
    with pytest.raises(InputError, match=r"^baseline_bits is 'no' \(str\): use a number such as 1"):
        alone(asked="no")
    done = command("--hw", "tpu-like", "--model", small, "--bits", 1, "--baseline-bits", "no")
    assert done.returncode == 2
    assert "'no': expected a number, or none" in done.stderr


@pytest.mark.slow
def test_no_output_of_the_command_has_a_baseline(
    command: Command, small: Path, tmp_path: Path, machine: tuple[str, str | None]
) -> None:
    name, asked = machine
    words = ["--hw", name, "--model", small, "--bits", 1, "--energy", "45nm", "--why"]
    words += ["--set", "memory.dram.latency_cycles=35"]
    words += ["--baseline-bits", asked] if asked else []
    files = ["--out", "out", "--report", "r.html", "--perfetto", "p.pftrace", "--what-helps"]
    printed = command(*words, *files)
    assert printed.returncode == 0, printed.stderr
    assert "time at 1 bit: " in printed.stdout
    assert "energy at 1 bit: " in printed.stdout
    shown = command(*words, "--json").stdout
    data = json.loads(shown)
    assert data["settings"][0]["time_ms_before"] > data["settings"][0]["time_ms_after"]
    texts = {path.name: path.read_text() for path in (tmp_path / "out").glob("*.[cj]*s*")}
    assert {"summary.json", "layers.csv", "energy.csv"} <= texts.keys()
    texts["summary.json"] = " ".join(place for place, _ in keys(json.loads(texts["summary.json"])))
    texts["json"] = " ".join(place for place, _ in keys(data))
    for text in (printed.stdout, *texts.values()):
        assert not OF_A_BASELINE.search(text), OF_A_BASELINE.search(text)
    assert list(read_traces(tmp_path / "out")) == ["run"]
    perfetto = (tmp_path / "p.pftrace").read_bytes()
    assert b"run: 1 bit" in perfetto
    assert b"baseline" not in perfetto
    checked = command("verify", "out")
    assert (checked.returncode, checked.stdout[:6]) == (0, "equal:")


def test_no_report_has_a_baseline(machine: tuple[str, str | None]) -> None:
    result = alone(*machine)
    data = page_data(result, (), None)
    assert [run["name"] for run in data["runs"]] == ["run"]
    assert len(data["roofline"]["runs"]) == 1
    assert not OF_A_BASELINE.search(
        " ".join(place for place, _ in keys(data) if "data" not in place)
    )
    for text in (repr(result), str(result), as_html(result).split("<img")[0]):
        assert not OF_A_BASELINE.search(text)
        assert "1 bit" in text
    placed = roofline(result)
    assert placed.runs == (placed.run,)
    assert placed.baseline == ()


def test_a_setting_has_an_effect_on_the_time_alone() -> None:
    (effect,) = alone(set={"array.pes": 16}).settings
    assert effect.sentence.startswith("array.pes 64 -> 16 lengthens the run from ")
    assert "speedup" not in effect.sentence
    assert "speedup_after" not in effect.plain()
    (idle,) = alone(set={"memory.index_buffer.kib": 72}).settings
    assert "has no effect because" in idle.sentence
    assert "baseline" not in idle.sentence


@pytest.mark.slow
def test_comparison_of_runs_with_and_without_one(
    command: Command, small: Path, tmp_path: Path
) -> None:
    alone().save(tmp_path / "alone")
    alone(asked=None).save(tmp_path / "pair")
    for one, other in (("alone", "pair"), ("pair", "alone")):
        compared = compare(tmp_path / one, tmp_path / other)
        figures = {row["figure"] for row in compared.totals}
        assert figures == {"run", "DRAM read", "DRAM written", "energy"}
        (difference,) = compared.configuration
        assert (difference.key, {difference.a, difference.b}) == ("baseline", {None, "1 bit"})
    equal = compare(tmp_path / "alone", tmp_path / "alone")
    assert equal.configuration == []
    done = command("compare", "tpu-like", "cofluent64", "--model", small, "--bits", 1)
    assert done.returncode == 0, done.stderr
    assert re.search(r"baseline +none +1 bit", done.stdout)


def test_verify_finds_a_baseline_that_was_taken_out(tmp_path: Path) -> None:
    alone(asked=None).save(tmp_path)
    file = tmp_path / "summary.json"
    data = json.loads(file.read_text())
    del data["configuration"]["baseline"]
    file.write_text(json.dumps(data))
    found = verify(tmp_path).difference
    assert found is not None


@pytest.mark.slow
def test_no_table_of_a_study_has_a_baseline(
    small: Path, tmp_path: Path, machine: tuple[str, str | None]
) -> None:
    name, asked = machine
    out = tmp_path / "study"
    pes = "array.rows" if asked is None else "array.pes"
    keys = {pes: [16, 32]}
    study = sweep(small, name, bits=1, set=keys, baseline_bits=asked, layers=True, out=out)
    with_one = sweep(small, name, bits=1, set=keys, baseline_bits=1, layers=True)
    pairs = [(study.frame, with_one.frame), (study.layer_frame, with_one.layer_frame)]
    for frame, both in pairs:
        alone = [column for column in both.columns if not of_baseline(column)]
        assert list(frame.columns) == alone
        same = [column for column in alone if column != "config_sha256"]
        assert frame[same].equals(both[same])
    described = json.loads((out / "study.json").read_text())
    keys_of_json = flat_keys(study.summary()) | flat_keys(described)
    texts = [str(study), study.heading, (out / "summary.md").read_text()]
    texts += keys_of_json - {"speedup_over_reference"}
    for text in texts:
        assert not OF_A_BASELINE.search(text), OF_A_BASELINE.search(text)
    assert {path.name for path in out.glob("*.png")} >= {"axes.png", "pareto.png"}


def flat_keys(data: Any) -> set[str]:
    """The keys of nested plain data."""
    if isinstance(data, dict):
        return {*data, *(key for inner in data.values() for key in flat_keys(inner))}
    return {key for inner in data for key in flat_keys(inner)} if isinstance(data, list) else set()


def test_a_study_of_both_machines_has_the_baseline_of_each(small: Path, tmp_path: Path) -> None:
    """Each row has the numbers and the fingerprint of its own single run."""
    study = sweep(small, ["cofluent64", "tpu-like"], bits=[0.56, 1], out=tmp_path / "s")
    for row in study.frame.to_dict("records"):
        single = simulate(small, row["hardware"], bits=row["bits"])
        assert row["config_sha256"] == single.config_sha256
        speedup = row["speedup"] if row["speedup"] == row["speedup"] else None  # not NaN
        assert speedup == single.speedup
        assert (speedup is None) == (row["hardware"] == "tpu-like")
    assert "against 1 bit on cofluent64; " in study.heading
    summary = (tmp_path / "s" / "summary.md").read_text()
    assert "Baseline: 1 bit on cofluent64." in summary
    assert "nan" not in summary
    effects = {effect.axis: effect for effect in study.effects}
    assert effects["hw"].least_speedup_ratio is None
    speedups = study.frame["speedup"].dropna()
    ratio = speedups.max() / speedups.min()
    assert effects["bits"].least_speedup_ratio == effects["bits"].largest_speedup_ratio == ratio


def test_a_plot_of_a_missing_baseline_is_refused(command: Command, small: Path) -> None:
    words = ["--hw", "tpu-like", "--model", small, "--bits", 1, "--set", "array.rows=16,32"]
    done = command("sweep", *words, "--out", "s", "--plot", "x=array.rows", "y=speedup")
    assert done.returncode == 2
    assert done.stderr == (
        "simulate: --plot y=speedup: the study has no baseline; add --baseline-bits, such as 1\n"
    )


def test_no_output_of_a_search_has_a_baseline(
    small: Path, tmp_path: Path, machine: tuple[str, str | None]
) -> None:
    name, asked = machine
    limits: dict[str, Any] = {"max_time_ms": 1, "taus": [4, 5]}
    alone = search(small, name, "bits", baseline_bits=asked, out=tmp_path, **limits)
    both = search(small, name, "bits", baseline_bits=1, **limits)
    ours, theirs = alone.summary(), both.summary()
    assert flat_keys(theirs) - flat_keys(ours) == {"baseline", "baseline_bits", "baseline_cycles"}
    assert {key: theirs[key] for key in ours if key != "layers"} == {
        key: ours[key] for key in ours if key != "layers"
    }
    for text in (str(alone), (tmp_path / "search.json").read_text().replace("null", "")):
        assert not OF_A_BASELINE.search(text), OF_A_BASELINE.search(text)
    assert "µs at 1 bit" in str(both)


def test_a_wrong_baseline_is_answered_before_a_study_or_search_runs(small: Path) -> None:
    for call in (
        lambda: sweep(small, "tpu-like", bits=1, baseline_bits="no"),
        lambda: search(small, "tpu-like", "bits", max_time_ms=1, baseline_bits="no"),
    ):
        with pytest.raises(InputError, match=r"^baseline_bits is 'no' \(str\): use a number"):
            call()
