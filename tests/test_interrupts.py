"""Progress on stderr, and Ctrl-C at any moment: one line, status 130, no incomplete files."""

import os
import pty
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator import load_hardware, load_workload, simulate
from simulator.base.errors import InputError
from simulator.base.progress import counted
from simulator.base.writing import write_files
from simulator.cli import cli
from simulator.report import sizes
from simulator.report.files import save

RUN = [
    sys.executable, "-m", "simulator", "--hw", "cofluent64", "--model", "r20", "--bits", "0.56",
    "--out", "out", "--report", "out.html",
]  # fmt: skip
MOMENTS = 4


@pytest.mark.slow
@pytest.mark.command
def test_ctrl_c_at_any_moment_leaves_all_files_or_none(tmp_path: Path) -> None:
    began = time.monotonic()
    subprocess.run(RUN, cwd=tmp_path, check=True, capture_output=True)
    whole = time.monotonic() - began
    names = {path.name for path in (tmp_path / "out").iterdir()}
    seconds = random.Random(14)
    interrupted = 0
    for number in range(MOMENTS):
        folder = tmp_path / str(number)
        folder.mkdir()
        process = subprocess.Popen(
            RUN, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        # wait until the command has started; before, Python itself handles the signal
        time.sleep(0.3 * whole + 0.7 * whole * seconds.random())
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)  # only guards against hanging
        left = {p.name for p in (folder / "out").iterdir()} if (folder / "out").exists() else set()
        assert left in (set(), names), "a mixture of files"
        if process.returncode == -signal.SIGINT:  # Python itself had not started
            assert not (folder / "out").exists()
        elif process.returncode:
            assert (process.returncode, err) == (130, "simulate: interrupted\n")
            interrupted += 1
    assert interrupted


AT_THE_END = """
import ctypes, weakref
import simulator.cli
from simulator.__main__ import main

interrupt = ctypes.pythonapi.PyErr_SetInterrupt  # what Python's own handler of SIGINT calls
interrupt.argtypes = [ctypes.py_object]
class Results: ...
def command():
    results = Results()
    command.freed = weakref.ref(results, interrupt)
simulator.cli.main = command
main()
"""


@pytest.mark.command
def test_ctrl_c_while_the_results_are_freed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_THE_END], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (130, "simulate: interrupted\n")


@pytest.mark.unit
def test_files_of_one_folder_come_together(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")

    def interrupt(path: Path) -> None:
        path.write_text("half")
        raise KeyboardInterrupt

    writers = {"a": lambda path: path.write_text("new"), "b": interrupt}
    with pytest.raises(KeyboardInterrupt):
        write_files(tmp_path, writers)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old"}
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="b: cannot be written"):
        write_files(tmp_path, {"b": lambda path: path.write_text("new")})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.unit
def test_long_work_reports_what_it_does(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []

    def report(what: str, done: int, total: int) -> None:
        seen.append((what, done, total))

    workload = load_workload("r20-digits")
    result = simulate(workload, load_hardware("cofluent64"), bits=0.56, progress=report)
    save(result, tmp_path, report)
    whats = list(dict.fromkeys(what for what, _, _ in seen))
    for start in (
        "mapping r20-digits", "running r20-digits at 1.00", "running 0.56 bit, command by command",
        "drawing the timeline", "writing the trace",
        "writing timeline.svg",
    ):  # fmt: skip
        assert any(what.startswith(start) for what in whats), start
    layers = [done for what, done, _ in seen if what == "running r20-digits at 0.56 bit"]
    assert layers[0] == 0
    assert layers == sorted(layers)
    assert all(done <= total or not total for _, done, total in seen)
    counts = [call for call in seen if call[0] == "writing the trace"]
    assert counts[0][1:] == (0, len(result.run.trace) + len(result.baseline.trace))


@pytest.mark.unit
def test_counted() -> None:
    seen: list[tuple[str, int, int]] = []
    items = counted(lambda *call: seen.append(call), "x", ["a", "b"])  # type: ignore[arg-type]
    assert list(items) == ["a", "b"]
    assert seen == [("x", 0, 2), ("x", 1, 2)]
    assert list(counted(None, "x", ["a", "b"])) == ["a", "b"]


@pytest.mark.unit
def test_large_traces_are_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    result = simulate(load_workload("r20-digits"), load_hardware("cofluent64"), bits=0.56)
    files = [Path("trace.parquet"), Path("trace.csv"), Path("p"), Path("p.gz")]
    assert sizes.size_lines(result, files) == []
    monkeypatch.setattr(sizes, "MANY_COMMANDS", 100)
    lines = sizes.size_lines(result, files)
    commands = len(result.run.trace) + len(result.baseline.trace)
    assert len(lines) == 4
    assert all(re.fullmatch(rf"\S+: {commands:,} commands, about \d+ MB", x) for x in lines)


@pytest.mark.command
def test_a_run_of_many_commands_says_so_before_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sizes, "MANY_COMMANDS", 100)
    run = ["--hw", "cofluent64", "--model", "r20-digits", "--bits", "0.56"]
    done = CliRunner().invoke(cli, [*run, "--perfetto", "p.gz"])
    assert re.fullmatch(r"p\.gz: [\d,]+ commands, about \d+ MB\n", done.stderr)
    assert "commands, about" not in done.stdout
    assert CliRunner().invoke(cli, run).stderr == ""
    assert CliRunner().invoke(cli, [*run, "--perfetto", "p.gz", "--quiet"]).stderr == ""


@pytest.mark.slow
@pytest.mark.command
def test_a_terminal_sees_a_bar_and_stdout_none(tmp_path: Path) -> None:
    run = [*RUN[:5], "--model", "r18", "--bits", "0.56", "--batch", "4", "--out", "out"]
    shown = {}
    for quiet in ((), ("--quiet",)):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [*run, *quiet], cwd=tmp_path, stdout=subprocess.PIPE, stderr=theirs,
            env={**os.environ, "TERM": "xterm"},
        )  # fmt: skip
        os.close(theirs)
        parts = []
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # its other end is closed
                break
            if not part:
                break
            parts.append(part)
        os.close(ours)
        out, _ = process.communicate(timeout=120)  # only guards against hanging
        shown[quiet] = b"".join(parts).decode()
        assert process.returncode == 0
        assert b"\x1b" not in out
    assert "writing" in shown[()]
    assert "━" in shown[()]
    assert shown["--quiet",] == ""
