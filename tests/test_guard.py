"""Wrong input of every kind that failed once: one line, status 2, and no half-written file."""

import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from onnx import helper

from simulator import load_workload
from simulator.analysis.trace_file import read_traces
from simulator.base import guard, leftovers, names, tabular
from simulator.base.errors import InputError
from simulator.base.figures import figure_settings
from simulator.base.notices import listening
from simulator.base.shipped import find
from simulator.base.writing import folder_for, writable_folder, write_file
from simulator.dram.tables import load_dram
from simulator.report.html.page import page
from simulator.studies import grid_study, run_study
from simulator.studies.axes import axis
from simulator.workload import Workload, arrays
from tests.build import layer
from tests.conftest import ROOT, Command
from tests.fuzz.case import run_cases
from tests.fuzz.kinds import KINDS
from tests.onnx_graphs import conv, reals, save, signs
from tests.trained import NETWORK

pytestmark = pytest.mark.command

LONG = "x" * 300
RUN = ("--hw", "cofluent64", "--model", "net.yaml", "--bits", "0.56")


@pytest.fixture(autouse=True)
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(NETWORK, encoding="utf-8")


def refused(command: Command, *words: object) -> str:
    """Run the command; return its one line."""
    done = command(*words)
    assert done.returncode == 2, done.stdout
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr


class TestNames:
    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("=1+1", "cannot begin with '='"), ("+a", "cannot begin with '+'"),
            ("-a", "cannot begin with '-'"), ("@a", "cannot begin with '@'"),
            ("a\u202eb", "U+202E"), ("a\u200bb", "U+200B"), ("a\x85b", "U+0085"),
            ("a\nb", "U+000A"), ("\ud800", "U+D800"), ("x" * 201, "201 bytes"),
            ("数" * 67, "201 bytes"), ("", "missing"),
        ],
    )  # fmt: skip
    def test_that_an_output_would_change(self, name: str, words: str) -> None:
        assert words in names.problem_of(name)
        with pytest.raises(InputError) as error:
            Workload(
                name="n", title="n", input_height=1, input_width=1, ops_convention="main_paper",
                layers=(layer(1, 1, 3, 3, name=name),),
            )  # fmt: skip
        assert "\n" not in str(error.value)
        assert str(error.value).isprintable()

    @pytest.mark.parametrize("name", ["a$b$c", "$HOME", "/*DATA*/", "[/x]", "数", "a b", "x" * 200])
    def test_that_outputs_keep(self, name: str) -> None:
        assert not names.problem_of(name)

    def test_in_a_network_file(self, command: Command) -> None:
        Path("net.yaml").write_text(NETWORK.replace("a.narrow", '"=a"'), encoding="utf-8")
        line = refused(command, *RUN)
        assert line.startswith("simulate: net.yaml: network 'small': layer '=a': a name cannot")

    def test_that_are_marks_of_the_page(self) -> None:
        from simulator import simulate

        text = NETWORK.replace("Small", "/*DATA*/ <!--FOOTER--> /*SCRIPT*/")
        Path("net.yaml").write_text(text, encoding="utf-8")
        html = page(simulate("net.yaml", "cofluent64", bits=0.56), (), None)
        assert "/*DATA*/ \\u003c!--FOOTER--> /*SCRIPT*/" in html
        assert html.count("<!--FOOTER-->") == 0

    def test_with_dollars_in_figures(self) -> None:
        from matplotlib.figure import Figure

        with figure_settings({}):
            text = Figure().text(0, 0, "$\\frac$")
        assert not text.get_parse_math()


class TestPaths:
    @pytest.mark.parametrize(
        "words",
        [
            ("--hw", LONG, "--model", "r20", "--bits", "1"),
            ("--hw", "cofluent64", "--model", LONG, "--bits", "1"),
            (*RUN, "--out", LONG), (*RUN, "--report", LONG), (*RUN, "--perfetto", LONG),
            (*RUN, "--energy", LONG), (*RUN, "--set", f"memory.dram.timing={LONG}"),
            (*RUN, "--check", "--check-input", LONG),
            ("compare", LONG, LONG), ("verify", LONG), ("extract", LONG), ("kernels", LONG),
            ("sweep", "--hw", "cofluent64", "--points", LONG), ("init", LONG),
        ],
        ids=str,
    )  # fmt: skip
    def test_names_longer_than_a_file_system_has(
        self, command: Command, words: tuple[str, ...]
    ) -> None:
        refused(command, *words)

    def test_a_comma_belongs_to_a_file(self) -> None:
        Path("a,b.yaml").write_text(NETWORK, encoding="utf-8")
        assert axis("model", "r20,a,b.yaml,net.yaml").values == ("r20", "a,b.yaml", "net.yaml")

    def test_sizes_are_bounded(self) -> None:
        with pytest.raises(InputError, match="larger than 10 bytes, the limit"):
            guard.read_bytes(Path("net.yaml"), 10)
        with pytest.raises(InputError, match="larger than 4,096 bytes"):
            guard.read_bytes(Path("/dev/zero"), 4096)

    def test_characters_that_no_path_has(self) -> None:
        with pytest.raises(InputError, match=r"a path cannot hold U\+D800"):
            load_workload("a\ud800")

    @pytest.mark.parametrize("text", ["9" * 5000, "١٢", "½", "-1", "65536", ""])
    def test_whole_numbers(self, text: str) -> None:
        assert guard.whole_number(text, 65535) is None


class TestDamage:
    @pytest.mark.parametrize(
        "header",
        [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "(" * 900,
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': [('a', 'O')], 'fortran_order': False, 'shape': (1,)}",
            "\xff\xfe",
            "{'descr': 'x9', 'fortran_order': 3, 'shape': 5}",
        ],
    )
    def test_arrays(self, command: Command, header: str) -> None:
        text = header.encode("latin-1")
        Path("x.npy").write_bytes(b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text)
        line = refused(command, *RUN, "--check", "--check-input", "x.npy")
        assert line.startswith("simulate: x.npy: not a readable array of numbers")

    @pytest.mark.parametrize("name", ["weights.pth", "weights.npz", "weights.zip"])
    def test_zip_files_on_several_disks(self, command: Command, name: str) -> None:
        with zipfile.ZipFile(name, "w") as archive:
            archive.writestr("a.npy", b"")
        end = Path(name).read_bytes()
        disks = struct.pack("<4sLQL", b"PK\6\7", 0, 0, 2)  # the locator of a 64-bit directory
        Path(name).write_bytes(end[:-22] + disks + end[-22:])
        assert "multiple disks" in refused(command, "extract", name, "--network", "net.yaml")

    def test_members_in_an_unknown_compression(self, command: Command) -> None:
        with zipfile.ZipFile("weights.zip", "w") as archive:
            archive.writestr("weights.safetensors", b"0")
        data = Path("weights.zip").read_bytes()
        Path("weights.zip").write_bytes(
            data[:8]
            + b"\x63"
            + data[9:].replace(b"PK\1\2\x14\3\x14\0\0\0\0", b"PK\1\2\x14\3\x14\0\0\0\x63")
        )
        assert refused(command, "extract", "weights.zip", "--network", "net.yaml").startswith(
            "simulate: weights.zip: not a readable "
        )

    def test_lines_longer_than_a_table_has(self, command: Command) -> None:
        Path("net.csv").write_text('Layer, M, N, K,\n"' + "x" * 200_000, encoding="utf-8")
        assert "net.csv, line 2: not a readable line of a table: field larger" in refused(
            command, "ops", "--model", "net.csv", "--bits", "1"
        )
        sweep = ("sweep", "--hw", "cofluent64", "--model", "net.yaml", "--points", "/dev/zero")
        assert "/dev/zero: a line has more than 1,048,575 characters" in refused(command, *sweep)

    def test_graphs_of_constants(self, command: Command) -> None:
        constant = helper.make_node("Sign", ["c"], ["b"])
        tensors = {"c": reals(1, 8, 6, 6), "w": signs(4, 8, 3, 3)}
        save(Path("graph.onnx"), [constant, conv("b", "w", "y")], tensors)
        assert "products of constants" in refused(command, "extract", "graph.onnx")

    @pytest.mark.parametrize(
        "text", ["[" * 100_000, '{"a":' * 100_000, "9" * 5000, "NaN", "\ufeff{}", "{", ""]
    )
    def test_summaries(self, command: Command, text: str) -> None:
        Path("summary.json").write_text(text, encoding="utf-8")
        refused(command, "verify", "summary.json")
        refused(command, "compare", "summary.json", "summary.json")

    def test_traces(self) -> None:
        for name, contents in (("t.csv", b'\xff\0,\n"'), ("t.parquet", b"PAR1" * 9)):
            Path(name).write_bytes(contents)
            with pytest.raises(InputError, match=f"{name}: not a"):
                read_traces(Path(name))

    def test_tables_with_more_cells_than_the_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("pyarrow")
        path = Path("t.parquet")
        tabular.write_table(path, {"a": "int64", "b": "int64"}, [{"a": [1] * 50, "b": [2] * 50}], 9)
        monkeypatch.setattr(tabular, "MOST_CELLS", 100)
        assert len(tabular.read_frame(path)) == 50
        monkeypatch.setattr(tabular, "MOST_CELLS", 99)
        with pytest.raises(InputError, match=r"t\.parquet: has 100 cells; the limit is 99"):
            tabular.read_frame(path)

    def test_members_that_share_their_bytes(self) -> None:
        with zipfile.ZipFile("bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.npy", b"\0" * (1 << 20))
            archive.writestr("b.npy", b"\0" * (1 << 20))
            first, second = archive.infolist()
            second.header_offset = first.header_offset
        with (
            pytest.raises(InputError, match=r"'b\.npy' overlaps another member"),
            arrays.opened(Path("bomb.npz"), ".npz file") as archive,
        ):
            arrays.check_sizes(archive, Path("bomb.npz"))

    def test_members_that_inflate_beyond_the_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(arrays, "MOST_INFLATED", 1 << 20)
        with zipfile.ZipFile("bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            for name in "abc":
                archive.writestr(name, b"\0" * (1 << 19))
        with (
            pytest.raises(InputError, match="members take 1,572,864 bytes; the limit is 1,048,576"),
            arrays.opened(Path("bomb.npz"), ".npz file") as archive,
        ):
            arrays.check_sizes(archive, Path("bomb.npz"))


class TestDramTables:
    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ("REFI: 9360", "REFI: 300", "commands served no burst"),
            ("REFI: 9360", "REFI: 1", "refreshes 1.2 times per cycle of the array"),
            ("RCD: 17 ", "RCD: 1073741824 ", "commands served no burst"),
            ("clock_mhz: 1200", "clock_mhz: 1000000000000", "memory cycles per cycle of the array"),
            ("ranks: 1", "ranks: 1048576", "16,777,216 banks in all; the limit is 65,536"),
            ("refresh_interval: REFI", f"refresh_interval: '{'9' * 5000}'", "is neither a number"),
            ("refresh_interval: REFI", "refresh_interval: 9000000000", "at most 1,073,741,824"),
        ],
    )
    def test_runs_that_would_never_end(
        self, command: Command, old: str, new: str, words: str
    ) -> None:
        text = find("hw_configs/dram", "ddr4-2400").read_text(encoding="utf-8")
        assert old in text
        Path("own.yaml").write_text(text.replace(old, new), encoding="utf-8")
        assert words in refused(command, *RUN, "--set", "memory.dram.timing=own.yaml")

    @pytest.mark.parametrize(
        ("setting", "words"),
        [
            ("queue_depth=1025", "memory.dram.queue_depth is 1,025; the limit is 1,024"),
            ("burst_bytes=16448", "is 16,448: the limit with ddr4-2400 is 16,384, which are 256"),
        ],
    )
    def test_sizes_that_multiply_the_work(self, command: Command, setting: str, words: str) -> None:
        table = ("--set", "memory.dram.timing=ddr4-2400")
        assert words in refused(command, *RUN, *table, "--set", f"memory.dram.{setting}")

    def test_shipped_tables_are_within_the_limits(self) -> None:
        assert load_dram("hbm2").organisation.ranks >= 1


class TestStudyFolders:
    @pytest.mark.parametrize("damaged", ["study", "points", "chunk"])
    def test_points_of_damaged_files_run_again(self, damaged: str) -> None:
        axes = [axis("hw", "cofluent64"), axis("model", "net.yaml"), axis("bits", "0.56,1")]
        study = grid_study(axes)
        run_study(study, "s", jobs=1, tables_only=True)
        table = next(Path("s").glob("study.*t")) if list(Path("s").glob("study.p*")) else None
        table = table or Path("s/study.csv")
        whole = {path.name: path.read_bytes() for path in (table, Path("s/points.npz"))}
        if damaged == "chunk":
            table.unlink()
            Path("s/chunks").mkdir()
            Path("s/chunks/00000000.points").write_bytes(b"\x80")
            Path("s/chunks/x.points").write_bytes(b"")
        else:
            path = table if damaged == "study" else Path("s/points.npz")
            path.write_bytes(path.read_bytes()[:99])
        told: list[str] = []
        with listening(told.append):
            run_study(study, "s", jobs=1, tables_only=True)
            assert len(told) == 1
            assert told[0].endswith("run again")
            assert {name: Path("s", name).read_bytes() for name in whole} == whole
            run_study(study, "s", jobs=1, tables_only=True)
        assert len(told) == 1

    def test_a_folder_takes_the_files_of_one_kind(self, command: Command) -> None:
        Path("s").mkdir()
        Path("s/study.json").write_text("{}", encoding="utf-8")
        assert "s: holds a study (study.json); choose another --out" in refused(
            command, *RUN, "--out", "s"
        )
        with pytest.raises(InputError, match="holds a study"):
            folder_for("search.json", "s")
        assert [path.name for path in Path("s").iterdir()] == ["study.json"]


class TestLeftovers:
    def test_files_of_a_killed_process_are_removed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: ended.pid)
            left = leftovers.temporary_path(Path("summary.json"))
        left.write_text("half", encoding="utf-8")
        mine = leftovers.temporary_path(Path("summary.json"))
        mine.write_text("running", encoding="utf-8")
        writable_folder(left.parent)
        assert not left.exists()
        assert mine.exists()

    def test_a_long_name_is_written(self) -> None:
        path = Path("y" * 250 + ".svg")
        write_file(path.absolute(), lambda temporary: temporary.write_text(temporary.suffix))
        assert path.read_text(encoding="utf-8") == ".svg"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("stream", ["stdout", "stderr", "closed"])
def test_a_full_or_closed_terminal(stream: str) -> None:
    words = ["show", "cofluent64"] if stream != "stderr" else ["show", "nothing"]
    redirect = {"stdout": ">/dev/full", "stderr": "2>/dev/full", "closed": ">&-"}[stream]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirect}', "sh", sys.executable, "-m", "simulator", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == (0 if stream == "closed" else 2)
    assert done.stderr == (
        "simulate: the output cannot be written: No space left on device\n"
        if stream == "stdout"
        else ""
    )


def test_names_outside_the_locale() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "extract", "net.yaml", "--out", "ö"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C", "PYTHONUTF8": "0",
             "PYTHONCOERCECLOCALE": "0"},
        capture_output=True, check=True,
    )  # fmt: skip
    assert done.stderr == b""
    assert Path("ö/layers.csv").exists()


def test_a_users_settings_of_matplotlib_change_nothing() -> None:
    code = (
        "from simulator.base.figures import figure_settings\n"
        "with figure_settings({}):\n"
        "    import matplotlib\n"
        "    print(matplotlib.rcParams['text.usetex'], matplotlib.rcParams['figure.dpi'])\n"
    )
    Path("matplotlibrc").write_bytes(b"text.usetex: True\nfigure.dpi: banana\n\xff")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLCONFIGDIR": "/proc/none"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("False 100.0\n", "")


def test_errors_are_one_printable_line() -> None:
    assert str(InputError("a\nb\tc \x1b[31m\u202e\ud800")) == "a b c \\x1b[31m\\u202e\\ud800"


class TestFuzz:
    @pytest.mark.parametrize("kind", sorted(set(KINDS) - {"pth"}))
    def test_some_cases_of_every_kind(self, kind: str) -> None:
        assert run_cases(1, range(3), kind) == []
