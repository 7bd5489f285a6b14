"""All commands run without numba and pyarrow: same numbers, one line about the extra's benefit."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyarrow.parquet import read_table

from simulator import load_hardware, load_workload, simulate
from simulator.analysis.run import Run
from simulator.analysis.running import run_one, run_together
from simulator.base import extras, tabular
from simulator.base.errors import InputError
from simulator.cli.output import progress_on_stderr
from simulator.engine import compiling
from simulator.studies import run_study, store
from simulator.studies.chunks import pack, unpack
from simulator.studies.columns import point_columns
from simulator.workload import configure
from tests.conftest import Command
from tests.hidden import run_without, without
from tests.test_bad_input import NET
from tests.test_sweep import net, small_study, tiny_study, written

__all__ = ["net"]  # a fixture

HIDDEN = ("numba", "pyarrow")

HideParquet = Callable[[bool], None]


@pytest.fixture
def parquet(monkeypatch: pytest.MonkeyPatch) -> HideParquet:
    """Switch pyarrow off, or on again, for this process."""

    def switch(there: bool) -> None:
        monkeypatch.setattr(tabular, "installed", lambda _: there)

    return switch


@pytest.mark.unit
class TestTable:
    @pytest.mark.parametrize(
        "name",
        [
            pytest.param(name, marks=[pytest.mark.torch] if name in {"torch", "train"} else [])
            for name in extras.EXTRAS
        ],
    )
    def test_what_is_installed_is_found_without_an_import(self, name: extras.Name) -> None:
        assert extras.installed(name)
        extras.require(name, "a test")

    def test_what_is_missing_is_one_line_that_names_the_extra(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gone = {"torch", "sklearn"}
        monkeypatch.setattr(extras, "_found", lambda module: module not in gone)
        with pytest.raises(InputError) as error:
            extras.require("train", "simulate train")
        assert str(error.value) == (
            "simulate train needs torch and scikit-learn: pip install 'subbit-simulator[train]'"
        )
        gone.remove("sklearn")
        with pytest.raises(InputError, match=r"train needs torch: pip"):
            extras.require("train", "simulate train")

    def test_a_folder_of_that_name_is_no_library(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "folder_of_checkpoints").mkdir()
        monkeypatch.syspath_prepend(tmp_path)
        assert not extras._found("folder_of_checkpoints")


@pytest.mark.command
class TestCommands:
    """Each command twice: with both libraries, and without them with warnings as errors."""

    def both(
        self, command: Command, folder: Path, *arguments: object
    ) -> tuple[subprocess.CompletedProcess[str], subprocess.CompletedProcess[str]]:
        """Run with and without the libraries; both runs succeed."""
        (folder / "net.yaml").write_text(NET)
        bare = folder / "bare"
        bare.mkdir(exist_ok=True)
        (bare / "net.yaml").write_text(NET)
        done = command(*arguments), run_without(bare, HIDDEN, *arguments)
        for each in done:
            assert each.returncode == 0, each.stderr
        return done

    @pytest.mark.slow
    def test_a_run(self, command: Command, tmp_path: Path) -> None:
        line = ("--hw", "cofluent64", "--model", "net.yaml", "--tau", 3, "--out", "o", "--why")
        one, other = self.both(command, tmp_path, *line)
        note = (
            "note: trace.csv is CSV because pyarrow is not installed; "
            "pip install 'subbit-simulator[parquet]' writes Parquet, which is smaller and faster "
            "to read\n"
        )
        assert other.stdout.endswith(note)
        files = ".csv, trace.json, time", ".parquet, time"
        assert other.stdout.replace(note, "").replace(*files) == one.stdout
        assert_same_files(tmp_path / "o", tmp_path / "bare/o")
        for done in self.both(command, tmp_path, *line, "--json"):
            assert json.loads(done.stdout)["cycles"]
            assert done.stderr == ""

    @pytest.mark.slow
    def test_what_helps_compare_and_reproduce(self, command: Command, tmp_path: Path) -> None:
        for line in (
            ("--hw", "cofluent64", "--model", "net.yaml", "--tau", 3, "--what-helps", "--json"),
            ("compare", "cofluent64", "--set", "array.pes=64,8", "--model", "net.yaml", "--tau", 3),
            ("reproduce", "table4", "--out", "reports"),
        ):
            one, other = self.both(command, tmp_path, *line)
            assert one.stdout == other.stdout
        assert_same_files(tmp_path / "reports", tmp_path / "bare/reports")

    @pytest.mark.slow
    def test_a_search(self, command: Command, tmp_path: Path) -> None:
        line = ("search", "--hw", "cofluent64", "--model", "net.yaml", "--objective", "time")
        one, other = self.both(command, tmp_path, *line, "--min-mean-bits", 0.4, "--out", "o")
        assert one.stdout == other.stdout
        assert_same_files(tmp_path / "o", tmp_path / "bare/o")

    @pytest.mark.slow
    @pytest.mark.parametrize("jobs", [1, 2])
    def test_a_sweep(self, command: Command, tmp_path: Path, jobs: int) -> None:
        line = (
            "sweep", "--hw", "cofluent64", "--model", "net.yaml", "--tau", "3,5", "--layers",
            "--set", "array.pes=0,8,16", "--set", "memory.dram.bytes_per_cycle=1,8",
            "--out", "o", "--jobs", jobs,
        )  # fmt: skip
        one, other = self.both(command, tmp_path, *line)
        note = "\nnote: study.csv is CSV because pyarrow is not installed; pip install "
        assert note in other.stdout
        assert "note" not in one.stdout
        assert_same_files(tmp_path / "o", tmp_path / "bare/o")


def assert_same_files(one: Path, other: Path) -> None:
    """Check that two folders have the same files, and tables with equal data in either form."""
    names = {path.name for path in one.iterdir()}
    parquets = {name for name in names if name.endswith(".parquet")}
    csvs = {name.replace(".parquet", ".csv") for name in parquets}
    csvs |= {"trace.json"} if "trace.csv" in csvs else set()  # the vocabulary of a CSV
    assert {path.name for path in other.iterdir()} == names - parquets | csvs
    for name in parquets:
        assert cells(one / name) == cells(other / name.replace(".parquet", ".csv"))
    for name in names - parquets - {".finished"}:  # the checksums of the tables
        text = (one / name).read_bytes()
        if name == "summary.md":
            text = text.replace(b"study.parquet", b"study.csv")
        assert (other / name).read_bytes() == text, name


def cells(path: Path) -> dict[str, list[str]]:
    """The columns of a table of either form, as text; a null is an empty cell."""
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        columns = zip(*rows, strict=True)
        return {name: list(column) for name, column in zip(header, columns, strict=True)}
    columns = read_table(path).to_pydict()
    return {
        name: ["" if value is None else str(value) for value in values]
        for name, values in columns.items()
    }


@pytest.mark.unit
class TestTrace:
    @pytest.mark.slow
    @pytest.mark.parametrize("dram", ["fixed", "ddr4-2400"])
    def test_both_forms_and_the_frame_are_equal(
        self, tmp_path: Path, parquet: HideParquet, monkeypatch: pytest.MonkeyPatch, dram: str
    ) -> None:
        from simulator.analysis import outcome as results

        monkeypatch.setattr(results, "TRACE_ROWS", 1000)  # several pieces
        hardware = load_hardware("cofluent64", [f"memory.dram.timing={dram}"])
        result = simulate(load_workload("r20", (8, 8)), hardware, bits=0.56)
        tables = []
        for there in (True, False):
            parquet(there)
            result.save(tmp_path)
            path, *words = sorted(tmp_path.glob("trace.*"))  # the other form is gone
            assert path.suffix == (".parquet" if there else ".csv")
            assert [word.name for word in words] == ([] if there else ["trace.json"])
            tables.append(cells(path))
        frame = {
            name: list(map(str, column.astype(object).fillna("")))
            for name, column in result.trace.items()
        }
        assert tables == [frame, frame]
        commands = len(result.run.trace.start) + len(result.baseline.trace.start)
        assert len(frame["command"]) == commands
        assert ("dram_row_miss_cycles" in frame) == (dram != "fixed")
        assert isinstance(result.trace["unit"].dtype, pd.CategoricalDtype)


@pytest.mark.unit
class TestStudies:
    def test_a_chunk_is_what_was_packed(self) -> None:
        rows = [
            {"point": 0, "model": "net", "bits": 1, "error": None},
            {"point": (1 << 63) - 1, "bits": 0.1, "hw.overlap.layers": True},
        ]
        columns = unpack(pack(rows, point_columns()))
        assert list(columns) == list(point_columns())
        assert columns["point"] == [0, (1 << 63) - 1]
        assert columns["model"] == ["net", None]
        assert columns["bits"] == [1.0, 0.1]
        assert all(isinstance(bits, float) for bits in columns["bits"])

    @pytest.mark.slow
    @pytest.mark.parametrize("first", [True, False])
    def test_begun_with_pyarrow_finished_without_and_the_other_way_round(
        self, net: Path, tmp_path: Path, parquet: HideParquet, first: bool
    ) -> None:
        study = tiny_study(net)
        parquet(not first)
        run_study(study, tmp_path / "undisturbed", jobs=1)

        class EndedError(Exception):
            pass

        def end(title: str, done: int, _: int) -> None:
            if title.startswith("study") and done > 0:  # layers are written, points half
                raise EndedError

        parquet(first)
        with pytest.raises(EndedError):
            run_study(study, tmp_path / "study", jobs=1, progress=end)
        assert (tmp_path / "study/layers.parquet").exists() == first
        assert {"study.parquet", "study.csv"}.isdisjoint(written(tmp_path / "study"))
        parquet(not first)
        run_study(study, tmp_path / "study", jobs=1)
        assert written(tmp_path / "study") == written(tmp_path / "undisturbed")
        parquet(first)
        result = run_study(study, tmp_path / "study", jobs=1)  # finished: the rerun changes no file
        assert written(tmp_path / "study") == written(tmp_path / "undisturbed")
        assert result.files[0].name == ("study.csv" if first else "study.parquet")

    @pytest.mark.slow
    def test_csv_does_not_depend_on_who_finished_what(
        self, net: Path, tmp_path: Path, parquet: HideParquet
    ) -> None:
        parquet(False)
        study = small_study(net, layers=True)
        run_study(study, tmp_path / "one", jobs=1)
        run_study(study, tmp_path / "other", jobs=2)
        assert written(tmp_path / "one") == written(tmp_path / "other")
        assert {"study.csv", "layers.csv"} < set(written(tmp_path / "one"))

    @pytest.mark.slow
    def test_damaged_numbers_are_made_again(self, net: Path, tmp_path: Path) -> None:
        run_study(tiny_study(net), tmp_path / "study", jobs=1)
        numbers = tmp_path / "study" / store.NUMBERS_FILE
        before = numbers.read_bytes()
        numbers.write_bytes(b"PK")
        run_study(tiny_study(net), tmp_path / "study", jobs=1)
        assert numbers.read_bytes() == before


@pytest.fixture
def interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    """No compiler, and a process without an earlier run."""
    monkeypatch.setattr(compiling, "available", lambda: False)
    monkeypatch.setattr(compiling._Process, "interpreted", 0)


@pytest.mark.unit
@pytest.mark.usefixtures("interpreted")
class TestNote:
    NOTE = "note: running interpreted; " + extras.hint("fast")

    def test_long_work_is_reported_once(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        with progress_on_stderr(quiet=False):
            assert not compiling.pays(compiling.COMPILE_FROM - 1)
            assert capsys.readouterr().err == ""
            assert not compiling.pays(1)
            assert not compiling.pays(1)
        out, err = capsys.readouterr()
        assert (out, " ".join(err.split())) == ("", self.NOTE)
        assert max(map(len, err.splitlines())) <= 80

    def test_not_if_quiet_nor_outside_a_command(self, capsys: pytest.CaptureFixture[str]) -> None:
        with progress_on_stderr(quiet=True):
            compiling.pays(compiling.COMPILE_FROM)
        compiling.pays(compiling.COMPILE_FROM)
        assert capsys.readouterr() == ("", "")

    def test_a_study_reports_for_its_workers(
        self, net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(compiling, "COMPILE_FROM", 1)
        told: list[str] = []
        with compiling.watched(told.append):
            run_study(tiny_study(net), tmp_path / "study", jobs=1)
        assert told == [compiling.MISSES]

    def test_a_worker_says_that_it_missed_the_compiler(self, net: Path, tmp_path: Path) -> None:
        code = (
            "from simulator.engine import compiling\n"
            "from simulator.studies.evaluate import evaluate_chunk\n"
            "from simulator.studies import grid_study\n"
            "from simulator.studies.axes import axis\n"
            f"study = grid_study([axis('hw', 'cofluent64'), axis('model', {str(net)!r})])\n"
            "for least in (10**9, 1):\n"
            "    compiling.COMPILE_FROM = least\n"
            "    [(_, points)] = study.chunks()\n"
            "    print(evaluate_chunk(study.payload, 0, points).compiler_missed)\n"
        )
        for hidden, said in (((), "False\nFalse\n"), (("numba",), "False\nTrue\n")):
            done = subprocess.run(
                [sys.executable, "-c", code],
                env=without(tmp_path, *hidden),
                capture_output=True,
                text=True,
                check=True,
            )
            assert done.stdout == said


@pytest.mark.unit
@pytest.mark.usefixtures("interpreted")
def test_together_is_one_by_one_without_the_compiler(net: Path) -> None:
    workload = configure(load_workload(net), tau=3)
    rates = [load_hardware("cofluent64", [f"memory.dram.bytes_per_cycle={n}"]) for n in (1, 2, 8)]
    found = []
    for hardware, together in zip(
        rates, run_together([(workload, each) for each in rates]), strict=True
    ):
        assert isinstance(together, Run)
        alone = run_one(workload, hardware, "fast").summary
        assert np.array_equal(together.summary.ends, alone.ends)
        assert np.array_equal(together.summary.busy, alone.busy)
        found.append(together.cycles)
    assert len(set(found)) == 3


@pytest.mark.unit
def test_warm_compiles_bytecode_and_reports_what_is_left_out(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simulator.engine.warm"],
        env=without(tmp_path, "numba"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (
        "compiling the simulator's bytecode\n"
        f"the fast engine runs interpreted; {extras.hint('fast')}\n"
    )
