"""The scope of a run: the kinds of layers that it computes, in every command and output."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulator import InputError, Result, load_workload, simulate, sweep, verify, write_report
from simulator.analysis.title import title
from simulator.studies.search import Limits, machines_of, search
from simulator.workload import configure
from simulator.workload.described import workload_from
from simulator.workload.scope import SCOPES, Scope, scope_from
from tests.build import layer, network
from tests.conftest import Command

pytestmark = pytest.mark.unit

NET = network(
    layer(3, 16, 4, 4, full_precision=True, name="first"),
    layer(16, 16, 4, 4, name="a"),
    layer(16, 16, 4, 4, name="b"),
    layer(16, 10, 1, 1, kernel=1, full_precision=True, name="fc"),
)
WITH_WEIGHTS: tuple[Scope, ...] = ("binary", "weights")
"""The scopes of a network whose file does not tell its edges."""
R20 = ("--hw", "cofluent64", "--model", "r20", "--bits", 0.56, "--input-size", 8)
FORMER = "simulate: --include-full-precision is now --scope weights\n"


def both(**options: Any) -> tuple[Result, Result]:
    """The results in both scopes."""
    binary, weights = (
        simulate(NET, "cofluent64", bits=0.56, scope=scope, **options) for scope in WITH_WEIGHTS
    )
    return binary, weights


@pytest.mark.parametrize(
    ("asked", "bits", "scope"),
    [
        (None, (0.56, 1), "binary"),
        (None, (1, 32), "weights"),
        (None, (None, "32"), "binary"),
        ("binary", (0.56, None), "binary"),
        ("weights", (0.56, 1), "weights"),
        ("weights", (32, 32), "weights"),
    ],
)
def test_the_default_depends_on_the_bits(asked: str | None, bits: Any, scope: str) -> None:
    assert scope_from(asked, bits) == scope


@pytest.mark.parametrize(
    ("asked", "bits", "answer"),
    [
        ("layers", (), "scope 'layers': expected binary, weights or network"),
        ("", (), "scope '': expected"),
        ("binary", (1, 32), "scope binary: a run or its baseline has 32 bits and therefore no"),
    ],
)
def test_what_no_run_can_have_is_refused(asked: str, bits: Any, answer: str) -> None:
    with pytest.raises(InputError, match=answer):
        scope_from(asked, bits)


class TestConfigure:
    @pytest.mark.parametrize(
        ("scope", "names"),
        [("binary", ["a", "b"]), ("weights", ["first", "a", "b", "fc"]), (None, ["a", "b"])],
    )
    def test_the_layers(self, scope: str | None, names: list[str]) -> None:
        run = configure(NET, bits=1, scope=scope)
        assert [x.name for x in run.layers] == names
        assert run.scope == (scope or "binary")
        assert run.layers_left_out == 4 - len(names)

    def test_layers_that_are_gone_do_not_come_back(self) -> None:
        with pytest.raises(InputError, match="scope weights: net has lost its full-precision"):
            configure(configure(NET, bits=1), scope="weights")

    def test_a_description_has_the_layers_of_its_scope(self) -> None:
        run = configure(NET, bits=1)
        assert workload_from(run.described(), "x", None).scope == "binary"
        for wrong in (
            replace(run, scope="weights"),
            replace(configure(NET, bits=1, scope="weights"), scope="binary"),
        ):
            with pytest.raises(InputError, match=r"x: scope (binary|weights) has other layers"):
                workload_from(wrong.described(), "x", None)


class TestWider:
    @pytest.mark.parametrize("base", [1, "none"])
    @pytest.mark.parametrize("engine", ["fast", "event"])
    def test_it_has_the_numbers_of_a_run_in_that_scope(self, base: Any, engine: str) -> None:
        binary, weights = both(baseline_bits=base, engine=engine)
        wider = binary.wider
        assert wider is not None
        plain = wider.plain()
        assert plain["cycles"] == weights.cycles > binary.cycles
        assert plain["time_ms"] == weights.time_ms
        assert plain.get("speedup") == weights.speedup
        assert plain["configuration"]["run"] == weights.configuration["run"]
        assert weights.wider is None
        if weights.baseline is not None:
            assert plain["baseline"]["cycles"] == weights.baseline.cycles
            assert f"(scope weights): speedup {weights.speedup:.2f}×, " in wider.sentence

    def test_a_network_without_other_layers_has_none(self) -> None:
        assert simulate(network(layer(16, 16, 4, 4)), "cofluent64", bits=1).wider is None

    def test_nothing_runs_until_someone_asks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        result = both()[0]
        monkeypatch.setattr("simulator.api.wider.run_one", lambda *_: pytest.fail("it ran"))
        assert "wider" not in result.summary()
        assert "wider" not in result.saved()
        assert "with every layer" not in str(result)

    def test_it_runs_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        result = both()[0]
        first = result.wider
        monkeypatch.setattr("simulator.api.wider.run_one", lambda *_: pytest.fail("it ran again"))
        assert replace(result, energy_file="x").wider is first

    def test_a_machine_too_small_for_it(self, tmp_path: Path) -> None:
        small = simulate(
            "r20", "cofluent64", bits=1, input_size=8, set={"memory.activation_buffer.kib": 0.8}
        )
        text = json.dumps(small.saved(wider=True))
        (tmp_path / "summary.json").write_text(text)
        saved = json.loads(text)["wider"]
        assert saved["error"].startswith("memory.activation_buffer.kib is 0.8: layer conv1 needs")
        assert saved["sentence"].endswith(f"(scope network): impossible, {saved['error']}")
        assert "cycles" not in saved
        assert verify(tmp_path).equal

    def test_a_saved_result_has_it_and_reruns(self, tmp_path: Path) -> None:
        binary, weights = both()
        binary.save(tmp_path)
        saved = json.loads((tmp_path / "summary.json").read_text())
        assert (saved["scope"]["name"], saved["wider"]["scope"]) == ("binary", "weights")
        assert "wider" not in weights.saved(wider=True)
        assert verify(tmp_path).equal
        saved["wider"]["cycles"] += 1
        (tmp_path / "summary.json").write_text(json.dumps(saved))
        assert str(verify(tmp_path)).startswith("different: wider.cycles: ")

    def test_the_report_has_it(self, tmp_path: Path) -> None:
        binary, weights = both()
        assert binary.wider is not None
        page = write_report(binary, tmp_path / "binary.html").read_text(encoding="utf-8")
        assert json.dumps(binary.wider.sentence, ensure_ascii=False) in page
        page = write_report(weights, tmp_path / "weights.html").read_text(encoding="utf-8")
        assert "with every layer with weights" not in page

    def test_every_title_names_the_scope(self) -> None:
        for scope, result in zip(WITH_WEIGHTS, both(), strict=True):
            assert f"; scope {scope}, " in title(result)
            assert result.summary()["scope"]["name"] == scope


class TestCommands:
    @pytest.mark.parametrize(
        "words",
        [
            (*R20,), ("sweep", *R20), ("search", *R20[:4], "--objective", "time"),
            ("compare", "cofluent64", "--set", "array.pes=32,64", *R20[2:]),
            ("ops", *R20[2:]), ("export", "r20", "--to", "zigzag"),
        ],
    )  # fmt: skip
    def test_the_former_option_names_the_new_one(self, command: Command, words: Any) -> None:
        done = command(*words, "--include-full-precision")
        assert (done.returncode, done.stdout, done.stderr) == (2, "", FORMER)
        done = command(*words, "--scope", "layers")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.endswith("'layers': allowed are binary, weights, network\n")

    def test_a_run_prints_the_wider_scope_with_its_files_only(self, command: Command) -> None:
        plain = command(*R20)
        report = command(*R20, "--report", "x.html")
        assert "with every layer" not in plain.stdout
        (line,) = [x for x in report.stdout.splitlines() if x.startswith("with every layer")]
        whole = json.loads(command(*R20, "--scope", "network", "--json").stdout)
        assert f"(scope network): speedup {whole['speedup']:.2f}×, " in line
        assert "with every" not in command(*R20, "--report", "y", "--scope", "network").stdout

    def test_ops_and_export_count_its_layers(self, command: Command) -> None:
        counts = [
            json.loads(command("ops", "--model", "r20", "--bits", 1, "--scope", x, "--json").stdout)
            for x in SCOPES
        ]
        assert [x["scope"]["name"] for x in counts] == list(SCOPES)
        assert counts[0]["params_mbit"] < counts[1]["params_mbit"] == counts[2]["params_mbit"]
        rows = [
            len([*csv.reader(command("export", "r20", "--to", "scalesim", "--scope", x).stdout)])
            for x in SCOPES
        ]
        assert rows[0] < rows[1] == rows[2]


def test_a_study_has_a_column() -> None:
    for scope in SCOPES:
        study = sweep(
            "r20", "cofluent64", bits=0.56, input_size=8, set={"array.pes": [32, 64]}, scope=scope
        )
        assert study.frame["scope"].tolist() == [scope] * 2
        single = simulate("r20", "cofluent64", bits=0.56, input_size=8, scope=scope)
        assert study.frame["cycles"].tolist()[1] == single.cycles
        assert study.frame["config_sha256"].tolist()[1] == single.config_sha256
        assert study.study.described["scope"] == scope
        assert f"scope {scope}, " in study.heading


def test_a_search_names_its_scope() -> None:
    for scope in WITH_WEIGHTS:
        found = search(
            NET, machines_of("cofluent64", []), "bits", Limits(max_time_ms=1), taus=[4], scope=scope
        )
        assert found.summary()["scope"] == scope


def test_the_scopes_of_the_paper_and_of_all_layers_of_a_shipped_network() -> None:
    loaded = load_workload("r18")
    layers = {x: len(configure(loaded, bits=1, scope=x).all_layers) for x in SCOPES}
    others = len(loaded.vector_layers)
    assert layers == {"binary": 16, "weights": 21, "network": 21 + others}
