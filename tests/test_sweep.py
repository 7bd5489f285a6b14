"""Studies: their points, the contents of their rows, and no lost data."""

import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from pyarrow import parquet

from simulator import simulate
from simulator.analysis.attribution import total
from simulator.base import tabular
from simulator.base.errors import InputError
from simulator.machines import load_hardware
from simulator.machines.loading import hardware_from, hardware_keys, read_hardware
from simulator.machines.lut_array.area import area
from simulator.studies import Study, grid_study, points_study, run_study, store
from simulator.studies.axes import Axis, axis, setting_axis
from simulator.studies.causes import short_names
from simulator.studies.columns import column_of, point_columns
from simulator.studies.local import run_locally
from simulator.studies.points import Grid, PointsFile, Sample
from tests.conftest import ROOT, Command
from tests.test_bad_input import NET, refused


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A network of two layers; its runs take milliseconds."""
    path = tmp_path / "net.yaml"
    path.write_text(NET)
    return path


def small_study(net: Path, **options: object) -> Study:
    """192 points, some of them impossible, in 64 chunks of 3."""
    axes = [
        axis("hw", "cofluent64"),
        axis("model", str(net)),
        axis("tau", "3,5,9"),
        setting_axis("array.pes=8:64:+8"),
        setting_axis("memory.dram.bytes_per_cycle=1:8:x2"),
        setting_axis("memory.index_buffer.kib=0.01,576"),
    ]
    return grid_study(axes, **options)  # type: ignore[arg-type] # options of the study


def tiny_study(net: Path) -> Study:
    """8 points in 4 chunks, half of them impossible, with rows by layer."""
    axes = [
        axis("hw", "cofluent64"),
        axis("model", str(net)),
        axis("tau", "3,5"),
        setting_axis("array.pes=16,32"),
        setting_axis("memory.index_buffer.kib=0.01,576"),
    ]
    return grid_study(axes, layers=True)


def options_of(net: Path) -> list[str]:
    """The same study in the words of the command."""
    return [
        "--hw", "cofluent64", "--model", str(net), "--tau", "3,5,9",
        "--set", "array.pes=8:64:+8", "--set", "memory.dram.bytes_per_cycle=1:8:x2",
        "--set", "memory.index_buffer.kib=0.01,576",
    ]  # fmt: skip


def written(folder: Path) -> dict[str, bytes]:
    """Every file of a finished study."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file() and p.name != ".lock"}


@pytest.mark.unit
class TestAxes:
    @pytest.mark.parametrize(
        ("text", "values"),
        [
            ("1,2,4", (1, 2, 4)),
            ("16:1024:x2", (16, 32, 64, 128, 256, 512, 1024)),
            ("16:100:x2", (16, 32, 64)),
            ("16:64:+16", (16, 32, 48, 64)),
            ("64:16:-16", (64, 48, 32, 16)),
            ("64:8:x0.5", (64, 32, 16, 8)),
            ("0:4:+2", (0, 2, 4)),
            ("5:5:x2", (5,)),
            ("0.1:0.5:+0.1", (0.1, 0.2, 0.3, 0.4, 0.5)),  # no 0.30000000000000004
            ("1,8:32:x2,100", (1, 8, 16, 32, 100)),
            ("input_channels,output_pixels", ("input_channels", "output_pixels")),
        ],
    )
    def test_lists_and_ranges(self, text: str, values: tuple[object, ...]) -> None:
        assert setting_axis(f"array.pes={text}") == Axis("array.pes", values)

    @pytest.mark.parametrize(
        ("setting", "words"),
        [
            ("array.pes", "expected KEY=VALUES"),
            ("array.pes=", "expected KEY=VALUES"),
            ("array.pes=1,,2", "an empty value"),
            ("array.pes=1,2,1", "the value 1 occurs twice"),
            ("array.pes=1:8:2", "expected FIRST:LAST:xFACTOR or FIRST:LAST:+STEP"),
            ("array.pes=1:8", "expected FIRST:LAST:xFACTOR or FIRST:LAST:+STEP"),
            ("array.pes=a:8:x2", "not a number"),
            ("array.pes=8:1:x2", "steps of x2 do not lead from 8 to 1"),
            ("array.pes=1:8:x1", "steps of x1 do not lead from 1 to 8"),
            ("array.pes=0:8:x2", "steps of x2 do not lead from 0 to 8"),
            ("array.pes=1:8:-1", "steps of -1 do not lead from 1 to 8"),
            ("array.pes=0:1:+1e-9", "more than 100,000 values"),
            ("array.pes=[1]", "expected one value"),
        ],
    )
    def test_wrong_ones(self, setting: str, words: str) -> None:
        with pytest.raises(InputError, match=r"array\.pes") as error:
            setting_axis(setting)
        assert words in str(error.value)

    @pytest.mark.parametrize(
        ("name", "text"), [("tau", "2.5"), ("bits", "nan"), ("input_size", "1x2x3"), ("batch", "a")]
    )
    def test_wrong_kinds(self, name: str, text: str) -> None:
        with pytest.raises(InputError, match=f"{name} '{text}': expected"):
            axis(name, text)


GRID = Grid((Axis("a", (1, 2, 3)), Axis("b", ("x", "y"))))


@pytest.mark.unit
class TestPoints:
    def test_a_grid_counts_its_last_axis_fastest(self) -> None:
        points = [(1, "x"), (1, "y"), (2, "x"), (2, "y"), (3, "x"), (3, "y")]
        assert list(GRID) == [GRID[number] for number in range(6)] == points

    def test_a_sample_is_a_part_of_the_grid_and_follows_its_seed(self) -> None:
        drawn = list(Sample(GRID, 4, seed=1))
        assert drawn == list(Sample(GRID, 4, seed=1))
        assert len({tuple(Sample(GRID, 3, seed=seed)) for seed in range(9)}) > 3
        assert drawn == sorted(set(drawn))
        assert list(Sample(GRID, 6, seed=3)) == list(GRID)
        with pytest.raises(InputError, match="--sample 7: expected 1 to 6"):
            Sample(GRID, 7, seed=0)

    def test_a_huge_grid_costs_nothing_until_it_is_walked(self) -> None:
        settings = [setting_axis(f"array.{key}=1:1000:+1") for key in ("pes", "pe.lut_entries")]
        axes = [axis("hw", "cofluent64"), axis("model", "r20"), axis("tau", "1:8:+1"), *settings]
        study = grid_study([*axes, setting_axis("array.pe.partial_sums=1:1000:+1")])
        assert len(study.points) == 8_000_000_000
        numbers = [number for number, _ in islice(study.chunks(), 3)]
        assert numbers == [0, 1, 2]

    def test_equal_hardware_is_adjacent(self, net: Path) -> None:
        names = small_study(net).points.names
        assert (names[0], names[-1]) == ("hw", "tau")

    def test_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "points.csv"
        path.write_text("model,array.pes,bits\nr20,32,0.56\nr20,,1\n\n")
        points = PointsFile(path, (Axis("hw", ("cofluent64",)),))
        assert points.names == ("hw", "model", "array.pes", "bits")
        assert list(points) == [("cofluent64", "r20", 32, 0.56), ("cofluent64", "r20", None, 1.0)]

    @pytest.mark.parametrize(("row", "found"), [(3, 0), (300, 256)])
    def test_a_file_that_changes_meanwhile(self, tmp_path: Path, row: int, found: int) -> None:
        path = tmp_path / "points.csv"
        lines = ["model,array.pes", *(f"r20,{pes}" for pes in range(1, 401))]
        path.write_text("\n".join(lines))
        points = PointsFile(path, (Axis("hw", ("cofluent64",)),))
        assert len(list(points)) == len(points) == 400
        lines[row] = "r20,512"
        for changed in (lines, lines[:row]):
            path.write_text("\n".join(changed))
            points_until = iter(points)
            assert len(list(islice(points_until, found))) == found  # 256 at once give the same
            with pytest.raises(InputError, match=r"points\.csv: has changed since"):
                next(points_until)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "empty"),
            ("model,bits\n", "no points below the header"),
            ("model,\nr20,1\n", "line 1: a column has no name"),
            ("model,model\nr20,r20\n", "model occurs twice"),
            ("hw,model\ncofluent64,r20\n", "hw occurs twice"),
            ("model,tau\nr20,5\nr20\n", "line 3: 1 cells, expected 2"),
            ("model,tau\nr20,5.5\n", "line 2: tau '5.5': expected a whole number"),
            ("model,array.pse\nr20,5\n", "unknown key 'array.pse': did you mean 'array.pes'?"),
            ("bits\n1\n", "model is missing"),
            ('model\n""\n', "a point lacks hw or model"),
            ("model\nr21\n", "unknown network 'r21'"),
        ],
    )
    def test_wrong_files(self, tmp_path: Path, text: str, words: str) -> None:
        path = tmp_path / "points.csv"
        path.write_text(text)
        with pytest.raises(InputError) as error:
            points_study(path, [Axis("hw", ("cofluent64",))])
        assert words in str(error.value)


@pytest.mark.unit
class TestColumns:
    def test_every_key_of_the_hardware_file_is_a_column(self) -> None:
        assert {"name", "clock_ghz", "array.pe.lut_banks", "memory.dram.latency_cycles"} <= set(
            hardware_keys("lut_array")
        )
        types = {name: point_columns()[column_of(name)] for name in hardware_keys("lut_array")}
        assert types["array.pes"] == "int64"
        assert types["memory.dram.bytes_per_cycle"] == "double"
        assert types["array.spatial"] == "string"

    def test_a_variant_is_what_overrides_make(self) -> None:
        data = read_hardware("cofluent64")
        made = hardware_from(data, {"array.pes": 8, "memory.dram.bytes_per_cycle": 2}, "x")
        loaded = load_hardware("cofluent64", ["array.pes=8", "memory.dram.bytes_per_cycle=2"])
        assert made == loaded != hardware_from(data, {}, "x") == load_hardware("cofluent64")


HUGE = [
    word
    for key in (
        *("array.pes", "clock_ghz", "array.pe.accumulators"),
        *("array.pe.partial_sums", "full_precision.bits"),
    )
    for word in ("--set", f"{key}=1:9999:+1")
]
"""Axes of 10^20 points."""


@pytest.mark.command
class TestCommand:
    def test_rows_are_what_single_runs_say(self, command: Command, tmp_path: Path) -> None:
        done = command(
            "sweep", "--hw", "cofluent64", "--model", "r20", "--input-size", "8", "--layers",
            "--bits", "1,0.56,0.5", "--batch", 2, "--set", "array.pes=0,32", "--out", "study",
            "--set", "memory.dram.bytes_per_cycle=2,16", "--jobs", 1, "--json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert (said["point_count"], said["failed_points"]) == (12, 8)
        rows = pd.read_parquet(tmp_path / "study/study.parquet")
        layers = pd.read_parquet(tmp_path / "study/layers.parquet")
        assert rows["point"].tolist() == list(range(12))
        bad = rows[rows["hw.array.pes"] == 0]
        assert set(bad["error"]) == {"cofluent64: array.pes is 0: expected int >= 1"}
        assert "bits 0.5: not available for" in rows["error"][11]
        assert np.isnan(rows["cycles"][11])
        row = rows[(rows["bits"] == 0.56) & (rows["hw.memory.dram.bytes_per_cycle"] == 2)].iloc[-1]
        single = json.loads(
            command(
                "--hw", "cofluent64", "--model", "r20", "--input-size", 8, "--bits", 0.56,
                "--batch", 2, "--set", "array.pes=32", "--set", "memory.dram.bytes_per_cycle=2",
                "--json",
            ).stdout
        )  # fmt: skip
        for column, value in {
            "model": "r20", "hardware": "cofluent64", "input_size": "8x8", "tau": 5, "batch": 2,
            "cycles": single["cycles"], "time_ms": single["time_ms"],
            "speedup": single["speedup"], "baseline_cycles": single["baseline"]["cycles"],
            "baseline_time_ms": single["baseline"]["time_ms"],
            "dram_read_bytes": single["dram_bytes"]["read"],
            "dram_written_bytes": single["dram_bytes"]["written"],
            "baseline_dram_read_bytes": single["baseline"]["dram_bytes"]["read"],
            "config_sha256": single["config_sha256"], "engine": single["engine"],
            "version": single["version"], "hw.array.pes": 32, "hw.clock_ghz": 1,
            "area_gate_equivalents": sum(
                area(
                    load_hardware(
                        "cofluent64", ["array.pes=32", "memory.dram.bytes_per_cycle=2"]
                    )
                ).values()
            ),
        }.items():  # fmt: skip
            assert row[column] == value, column
        assert pd.isna(row["error"])
        own = layers[layers["point"] == row["point"]]
        assert own["layer"].tolist() == [layer["name"] for layer in single["layers"]]
        assert own["cycles"].tolist() == [layer["cycles"] for layer in single["layers"]]
        assert own["bound_by"].tolist() == [layer["bound_by"] for layer in single["layers"]]
        work = sum(layer["utilization"] * layer["cycles"] for layer in single["layers"])
        assert row["utilization_percent"] == pytest.approx(100 * work / single["cycles"])

    def test_a_folder_takes_one_study_and_finishes_it_once(
        self, command: Command, net: Path, tmp_path: Path
    ) -> None:
        study = ("sweep", "--hw", "cofluent64", "--model", net, "--out", "study", "--jobs", 1)
        done = command(*study, "--tau", "3,5")
        assert done.returncode == 0, done.stderr
        for words in ("2 points: ", "`tau` changes the time", "written: study/"):
            assert words in done.stdout
        before = written(tmp_path / "study")
        assert set(before) == {
            ".finished", "study.json", "study.parquet", "points.npz", "summary.md", "axes.png",
            "axes.svg", "pareto.png", "pareto.svg",
        }  # fmt: skip
        line = refused(command, *study, "--tau", "3,6")
        assert "study holds another study: axes.tau is [3, 5] there and [3, 6] here" in line
        assert command(*study, "--tau", "3,5", "--quiet").stdout == ""
        assert written(tmp_path / "study") == before

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (("--model", "r20"), "hw is missing"),
            (("--hw", "cofluent64"), "model is missing"),
            (("--hw", "cofluent65", "--model", "r20"), "unknown hardware configuration"),
            (("--hw", "cofluent64", "--model", "r20", "--set", "array.pe=1"), "is a section"),
            (("--hw", "cofluent64", "--model", "r20", "--engine", "warp"), "allowed are auto"),
            (("--hw", "cofluent64", "--model", "r20", "--bits", "1", "--tau", "1"), "choose one"),
            (
                ("--hw", "cofluent64", "--model", "r20", "--set", "array.pes=1", "--set",
                 "array.pes=2"),
                "array.pes occurs twice",
            ),
            (("--points", "none.csv", "--hw", "cofluent64"), "none.csv: cannot be read"),
            (("--points", "x.csv", "--sample", "3"), "choose one"),
            (("--scheduler", "tcp://127.0.0.1:1", "--jobs", "2"), "choose one"),
            (
                ("--hw", "cofluent64", "--model", "r20", "--seed", "1"),
                "--seed has no effect without --sample or --subset random",
            ),
            (
                ("--hw", "cofluent64", "--model", "r20,r18", "--baseline-bits", "0.5"),
                "baseline: bits 0.5: not available for",
            ),
            (
                ("--hw", "cofluent64", "--model", "r20", "--sample", "9", *HUGE),
                "the grid has 1e+20 points, expected at most 2^62",
            ),
        ],
    )  # fmt: skip
    def test_wrong_input_is_one_line(
        self, command: Command, tmp_path: Path, options: tuple[str, ...], words: str
    ) -> None:
        assert words in refused(command, "sweep", "--out", "study", *options)
        assert not (tmp_path / "study").exists()


@pytest.mark.unit
class TestNothingIsLost:
    @pytest.fixture
    def undisturbed(self, net: Path, tmp_path: Path) -> dict[str, bytes]:
        run_study(small_study(net, layers=True), tmp_path / "undisturbed", jobs=1)
        return written(tmp_path / "undisturbed")

    @pytest.fixture
    def running(self) -> Iterator[list[subprocess.Popen[str]]]:
        """Start the command; end all processes that a test leaves."""
        started: list[subprocess.Popen[str]] = []
        yield started
        for process in started:
            process.kill()
            process.communicate()

    def start(
        self, running: list[subprocess.Popen[str]], net: Path, folder: Path
    ) -> subprocess.Popen[str]:
        line = [sys.executable, "-m", "simulator", "sweep", *options_of(net), "--layers"]
        # a background process of a shell ignores Ctrl-C, and so do its child processes
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        process = subprocess.Popen(
            [*line, "--out", str(folder), "--jobs", "2", "--quiet"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        signal.signal(signal.SIGINT, before)
        running.append(process)
        return process

    @staticmethod
    def wait_for_chunks(process: subprocess.Popen[str], folder: Path, count: int) -> None:
        deadline = time.monotonic() + 300  # only guards against hanging
        while len(list(folder.glob("chunks/*.points"))) < count and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    @pytest.mark.slow
    def test_killed_at_random_moments(
        self,
        net: Path,
        tmp_path: Path,
        undisturbed: dict[str, bytes],
        running: list[subprocess.Popen[str]],
    ) -> None:
        folder, dice = tmp_path / "killed", random.Random(4)
        for done in (1, 20, 45):
            process = self.start(running, net, folder)
            self.wait_for_chunks(process, folder, done)
            time.sleep(dice.uniform(0, 0.05))
            children = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            assert process.wait() == -signal.SIGKILL
            _, alive = psutil.wait_procs(children, timeout=20)  # ends at once
            assert not alive  # workers do not outlive the command
            assert not (folder / "study.parquet").exists()
        run_study(small_study(net, layers=True), folder, jobs=1)
        assert written(folder) == undisturbed
        assert not (folder / "chunks").exists()

    @pytest.mark.slow
    def test_ended_at_every_single_write(
        self, net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Simulate SIGKILL before every rename, and after some."""
        run_study(tiny_study(net), tmp_path / "undisturbed", jobs=1)

        class Killed(SystemExit):
            """An end that the guard of a user's files lets through."""

        put, folder, calls, ends = store._put, tmp_path / "ended", Counter(), 0

        def dies(path: Path, fill: object) -> None:
            calls[path] += 1
            if calls[path] == 1:
                path.with_name(path.name + ".part").write_bytes(b"half")
                raise Killed
            put(path, fill)  # type: ignore[arg-type] # a function
            if calls[path] == 2 and path.suffix in {".json", ".npz", ".parquet"}:
                raise Killed

        monkeypatch.setattr(store, "_put", dies)
        while not (folder / "study.parquet").exists():
            with pytest.raises(Killed):
                run_study(tiny_study(net), folder, jobs=1)
            ends += 1
        # before: 4 chunks of two files, study.json, two tables, points.npz; after: the last four
        assert ends == 4 * 2 + 4 + 4
        monkeypatch.undo()
        run_study(tiny_study(net), folder, jobs=1)
        assert written(folder) == written(tmp_path / "undisturbed")

    @pytest.mark.parametrize("early", [True, False])
    @pytest.mark.slow
    def test_ctrl_c(
        self, net: Path, tmp_path: Path, running: list[subprocess.Popen[str]], early: bool
    ) -> None:
        process = self.start(running, net, tmp_path / "study")
        if early:  # when both workers are running, but hardly more
            while len(psutil.Process(process.pid).children()) < 3:  # and multiprocessing's own
                assert process.poll() is None
                time.sleep(0.005)
        else:
            self.wait_for_chunks(process, tmp_path / "study", 1)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes
        out, err = process.communicate(timeout=30)  # only guards against hanging
        assert process.returncode == 130
        assert (out, err.count("\n")) == ("", 1)
        assert "rerun the same command" in err

    def test_a_second_process_is_refused(self, net: Path, tmp_path: Path) -> None:
        study = small_study(net)
        with (
            store.open_store(tmp_path / "study", study),
            pytest.raises(InputError, match="another process is using this study"),
        ):
            run_study(study, tmp_path / "study", jobs=1)

    @pytest.mark.slow
    def test_a_worker_that_dies_costs_a_retry(self, net: Path) -> None:
        study = small_study(net)
        alone = dict(run_locally(study, study.chunks(), jobs=1))
        finished = run_locally(study, study.chunks(), jobs=2)
        together = dict([next(finished)])
        active_children()[0].kill()
        together |= dict(finished)
        assert together == alone

    def test_a_foreign_folder_is_left_alone(self, net: Path, tmp_path: Path) -> None:
        (tmp_path / "study.json").write_text("[]")
        with pytest.raises(InputError, match=r"study.json: not a readable study"):
            run_study(small_study(net), tmp_path, jobs=1)
        (tmp_path / "study.json").unlink()
        (tmp_path / "study.parquet").write_text("mine")
        with pytest.raises(InputError, match=r"has study.parquet but no study.json"):
            run_study(small_study(net), tmp_path, jobs=1)
        assert (tmp_path / "study.parquet").read_text() == "mine"

    def test_row_groups_have_one_size(
        self, net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store, "_ROW_GROUP", 50)
        study = small_study(net)
        with store.open_store(tmp_path / "study", study) as kept:
            for number, rows in run_locally(study, study.chunks(), jobs=1):
                kept.keep(number, rows)
            kept.assemble()
            data = parquet.ParquetFile(tmp_path / "study/study.parquet").metadata
        assert [data.row_group(i).num_rows for i in range(4)] == [50, 50, 50, 42]


@pytest.mark.command
@pytest.mark.slow
def test_a_summary_says_what_mattered(net: Path, tmp_path: Path) -> None:
    axes = [
        axis("hw", "cofluent64"),
        axis("model", str(net)),
        axis("tau", "3,5"),
        setting_axis("array.pes=16,64,128"),
        setting_axis("full_precision.bits=8,32"),
        setting_axis("memory.index_buffer.kib=0.001,576"),
    ]
    result = run_study(grid_study(axes), tmp_path / "study", jobs=1)
    text = (tmp_path / "study/summary.md").read_text()
    assert "12 of 24 points cannot run" in text
    assert "memory.index_buffer.kib" in text
    assert "`full_precision.bits` has no effect on the time." in text
    assert "`array.pes` changes the time" in text
    assert text.index("`array.pes` changes") < text.index("`full_precision.bits` has no")
    assert {path.name for path in result.files} >= {"heatmap.png", "heatmap.svg", "pareto.svg"}


@pytest.mark.unit
class TestColumnsOfPoints:
    """Columns that a single run has elsewhere, and columns that compare points."""

    @pytest.mark.parametrize("timing", ["fixed", "ddr4-2400"])
    def test_costs_and_causes_are_those_of_a_single_run(
        self, net: Path, tmp_path: Path, timing: str
    ) -> None:
        keys = {
            "array.pes": "24,96",
            "array.pe.partial_sum_bits": "16,20",
            "memory.index_buffer.bytes_per_cycle": "16,160",
            "memory.dram.bytes_per_cycle": "4,16",
        }
        if timing != "fixed":
            keys.popitem()
        settings = [setting_axis(f"{key}={values}") for key, values in keys.items()]
        settings.append(setting_axis(f"memory.dram.timing={timing}"))
        study = grid_study(
            [axis("hw", "cofluent64"), axis("model", str(net)), axis("bits", "0.56"), *settings],
            scope="weights",
            energy="7nm",
            taus={"b": 3},
        )
        result = run_study(study, tmp_path / "study", jobs=1, tables_only=True)
        assert result.points is not None
        assert len(result.points.rows) == 2 ** len(keys)
        for row in result.points.rows:
            single = simulate(
                str(net), "cofluent64", bits=0.56, scope="weights", taus={"b": 3},
                set={key: row[f"hw.{key}"] for key in (*keys, "memory.dram.timing")},
            ).with_energy("7nm")  # fmt: skip
            assert single.energy is not None
            assert row["energy_uj"] == pytest.approx(single.energy.run.microjoules, rel=1e-12)
            assert row["baseline_energy_uj"] == single.energy.baseline.microjoules
            assert row["energy_delay_uj_ms"] == row["energy_uj"] * single.time_ms
            assert row["area_gate_equivalents"] == sum(single.area.values())
            assert row["time_area_ms_mge"] == pytest.approx(
                single.time_ms * sum(single.area.values()) / 1e6
            )
            assert row["images_per_second"] == pytest.approx(1e3 / single.time_ms)
            cycles = total(single.run.attribution)
            assert {part: row[f"{part}_cycles"] for part in cycles} == cycles
            most = max(cycles.values())
            causes = short_names(("lut_array",))
            assert row["bottleneck"] in {causes[part] for part in cycles if cycles[part] == most}
            assert row["bottleneck_percent"] == pytest.approx(100 * most / single.cycles)

    def test_points_are_compared_within_their_precision(self, net: Path, tmp_path: Path) -> None:
        axes = [axis("hw", "cofluent64"), axis("model", str(net)), axis("tau", "3,5")]
        sizes = [setting_axis("array.pes=16:128:+16"), setting_axis("clock_ghz=0.5,1")]
        # the port narrows as PEs are added: only such hardware is slower with more PEs
        sizes.append(setting_axis("memory.index_buffer.bytes_per_cycle=1024/array.pes"))
        result = run_study(
            grid_study([*axes, *sizes]), tmp_path / "study", jobs=1, tables_only=True
        )
        assert result.points is not None
        rows = result.points.rows
        assert len(rows) == 32
        for row in rows:
            mine = [other for other in rows if other["tau"] == row["tau"]]
            (own,) = [x for x in mine if (x["hw.array.pes"], x["hw.clock_ghz"]) == (64, 1)]
            assert row["reference_point"] == own["point"]
            assert row["speedup_over_reference"] == own["time_ms"] / row["time_ms"]
            assert row["scaling_efficiency_percent"] == pytest.approx(
                100 * own["time_ms"] / row["time_ms"] * 64 / row["hw.array.pes"]
            )
            costs = [(x["time_ms"], x["area_gate_equivalents"]) for x in mine]
            cost = (row["time_ms"], row["area_gate_equivalents"])
            better = [x for x in costs if x != cost and x[0] <= cost[0] and x[1] <= cost[1]]
            assert row["dominated"] is bool(better)
            smaller = [
                x
                for x in mine
                if x["hw.clock_ghz"] == row["hw.clock_ghz"]
                and x["hw.array.pes"] < row["hw.array.pes"]
                and x["time_ms"] < row["time_ms"]
            ]
            least = min((x["time_ms"] for x in smaller), default=None)
            found = row["slower_than_point"]
            assert (None if found is None else rows[found]["time_ms"]) == least
            if found is not None:
                causes = short_names(("lut_array",))
                grown = {
                    causes[part]: row[f"{part}_cycles"] - rows[found][f"{part}_cycles"]
                    for part in causes
                    if row[f"{part}_cycles"] is not None  # the vector unit does not run
                }
                assert grown[row["grown_cause"]] == max(grown.values()) > 0
        assert any(row["slower_than_point"] is not None for row in rows)

    @pytest.mark.slow
    def test_rows_of_either_form_are_equal(
        self, net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows = []
        for form in ("parquet", "csv"):
            monkeypatch.setattr(tabular, "installed", lambda _, form=form: form == "parquet")
            study = run_study(small_study(net), tmp_path / form, jobs=1, tables_only=True)
            assert study.files[0].suffix == f".{form}"
            assert study.points is not None
            rows.append(study.points.rows)
            monkeypatch.undo()
        assert rows[0] == rows[1]
        assert len(rows[0]) == 40


@pytest.mark.command
class TestTable:
    def test_a_study_without_a_folder(
        self, command: Command, net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        done = command(
            "sweep", "--hw", "cofluent64", "--model", net, "--tau", 5, "--jobs", 1,
            "--set", "array.pes=32,64,96,128",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert max(map(len, done.stdout.splitlines())) <= 80
        text = " ".join(done.stdout.split())
        assert text.startswith("4 points: Net, 4x4, on cofluent64: tau 5 against 1 bit on the ")
        assert "all 2 layers with weights: binary 3×3 convolutions" in text
        row = re.search(r"^ *64[*+~! ]* .*$", done.stdout, flags=re.M)
        assert row is not None
        assert " 1.00 " in row[0]
        assert " 100 " in row[0]
        assert {path.name for path in tmp_path.iterdir()} == {"net.yaml"}

    def test_forty_of_more_points_are_shown(self, net: Path, tmp_path: Path) -> None:
        axes = [axis("hw", "cofluent64"), axis("model", str(net)), axis("tau", "3")]
        axes.append(setting_axis("array.pes=8:328:+8"))
        result = run_study(grid_study(axes), tmp_path / "study", jobs=1, tables_only=True)
        assert result.points is not None
        assert len(result.points.rows) == 40
        assert "40 of 41 points" in re.sub(r"\s+", " ", str(result))
        best = {result.frame[column].idxmin() for column in ("time_ms", "time_area_ms_mge")}
        assert best <= {row["point"] for row in result.points.rows}
        for point in best:
            assert re.search(rf"^ *{8 * (point + 1)}[*+~! ]*[*+]", str(result), flags=re.M)
        assert result.frame["bottleneck"].notna().all()  # includes hidden points


@pytest.mark.docs
@pytest.mark.slow
def test_commands_of_the_page(command: Command) -> None:
    text = (ROOT / "docs/sweep.md").read_text().replace("\\\n", " ")
    lines = re.findall(r"^(simulate .*)", text, flags=re.M)
    runnable = [
        line for line in lines if "points.csv" not in line and "streaming" not in line
    ]  # tests/test_folding.py has the search for a folding
    assert len(runnable) == 4
    for line in runnable:
        short = ("--sample", 2, "--jobs", 1) if "sweep" in line else ()
        done = command(*shlex.split(line)[1:], *short)
        assert done.returncode == 0, (line, done.stderr)
