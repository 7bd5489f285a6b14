"""The commands in an environment with the base package alone, against this environment."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.base.extras import EXTRAS, installed
from simulator.base.tabular import read_frame
from simulator.studies.columns import LAYER_COLUMNS, point_columns
from tests.conftest import BASE, ROOT
from tests.test_html import embedded
from tests.trained import NETWORK, state_dict

pytestmark = [pytest.mark.base, pytest.mark.command]

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]
R20 = ("--hw", "cofluent64", "--model", "r20", "--bits", "0.56", "--input-size", 16)
needs_parquet = pytest.mark.skipif(not installed("parquet"), reason="compares CSV with Parquet")


def python(executable: Path, folder: Path, *arguments: object) -> Done:
    """Run a Python without any path to another environment's packages."""
    leads = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    clean = {name: value for name, value in os.environ.items() if name not in leads}
    if executable != BASE / "bin/python":
        clean["PYTHONPATH"] = str(ROOT)  # a plain pytest run, without an install
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [executable, *map(str, arguments)],
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,  # only guards against hanging
    )


@pytest.fixture
def base(tmp_path: Path) -> Run:
    """Run the command in the base environment, in the folder `base`."""
    return lambda *line: python(BASE / "bin/python", tmp_path / "base", "-m", "simulator", *line)


@pytest.fixture
def both(tmp_path: Path, base: Run) -> Callable[..., tuple[Done, Done]]:
    """Run a command that succeeds in both environments, in the folders `base` and `full`."""

    def run(*line: object) -> tuple[Done, Done]:
        pair = (
            base(*line),
            python(Path(sys.executable), tmp_path / "full", "-m", "simulator", *line),
        )
        for done in pair:
            assert done.returncode == 0, done.stderr
        return pair

    return run


def table(path: Path) -> pd.DataFrame:
    """A table in either form, as plain columns."""
    frame = read_frame(path, {**LAYER_COLUMNS, **point_columns()})
    return frame.astype(
        {name: str for name in frame if not pd.api.types.is_numeric_dtype(frame[name])}
    )


def test_the_environment_has_no_extra(tmp_path: Path) -> None:
    names = [module for extra in EXTRAS.values() for module, _ in extra.libraries]
    code = f"import importlib.util as u; print([n for n in {names} if u.find_spec(n)])"
    done = python(BASE / "bin/python", tmp_path, "-c", code)
    assert done.stdout == "[]\n", done.stderr


def test_one_run(both: Callable[..., tuple[Done, Done]]) -> None:
    for more in (("--json",), ("--why",)):
        less, full = both(*R20, *more)
        assert less.stdout == full.stdout, more


@pytest.mark.slow
def test_many_runs_and_the_fast_engine(both: Callable[..., tuple[Done, Done]]) -> None:
    for more in (("--what-helps",), ("--engine", "fast", "--json")):
        less, full = both(*R20, *more)
        assert less.stdout == full.stdout, more


@pytest.mark.slow
@needs_parquet
def test_files(both: Callable[..., tuple[Done, Done]], tmp_path: Path) -> None:
    less, full = both(*R20, "--out", "out", "--report", "page.html", "--energy", "45nm")
    one, two = tmp_path / "base/out", tmp_path / "full/out"
    for name in ("summary.json", "layers.csv", "energy.csv"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    pd.testing.assert_frame_equal(table(one / "trace.csv"), table(two / "trace.parquet"))
    pages = [embedded(tmp_path / name / "page.html") for name in ("base", "full")]
    assert pages[0]["runs"] == pages[1]["runs"]
    (note,) = (
        set(less.stdout.splitlines())
        - set(full.stdout.splitlines())
        - {line for line in less.stdout.splitlines() if line.startswith("written: ")}
    )
    assert "trace.csv is CSV because pyarrow is not installed" in note
    assert "subbit-simulator[parquet]" in note


def test_compare(both: Callable[..., tuple[Done, Done]]) -> None:
    less, full = both("compare", "cofluent64", "--set", "array.pes=64,32", *R20[2:])
    assert less.stdout == full.stdout


@pytest.mark.slow
@needs_parquet
def test_sweep(both: Callable[..., tuple[Done, Done]], tmp_path: Path) -> None:
    grid = ("--set", "array.pes=16:64:x2", "--set", "memory.dram.bytes_per_cycle=4,16")
    both("sweep", *R20, *grid, "--layers", "--jobs", 1, "--out", "study", "--quiet")
    one, two = tmp_path / "base/study", tmp_path / "full/study"
    for name in ("study", "layers"):
        csv, parquet = (table(x / f"{name}{end}") for x, end in ((one, ".csv"), (two, ".parquet")))
        pd.testing.assert_frame_equal(csv, parquet, check_dtype=False)
    assert len(csv) > 100


def test_search(both: Callable[..., tuple[Done, Done]]) -> None:
    less, full = both("search", *R20[:4], "--input-size", 8, "--objective", "time",
                      "--min-mean-bits", 0.4, "--taus", "4,8,9", "--json")  # fmt: skip
    assert json.loads(less.stdout) == json.loads(full.stdout)


def test_reproduce_gives_the_committed_report(base: Run, tmp_path: Path) -> None:
    done = base("reproduce", "table6")
    assert done.returncode == 0, done.stderr
    report = ROOT / "reports/table6.md"
    assert (tmp_path / "base/reports/table6.md").read_text() == report.read_text()


@pytest.mark.slow
def test_extract(both: Callable[..., tuple[Done, Done]], tmp_path: Path) -> None:
    for folder in ("base", "full"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "small.yaml").write_text(NETWORK)
        np.savez(tmp_path / folder / "state.npz", **state_dict(tau=3))  # type: ignore[arg-type]
    less, full = both("extract", "state.npz", "--network", "small.yaml", "-o", "w.npz")
    assert less.stdout == full.stdout
    run = ("--hw", "cofluent64", "--model", "w.npz", "--json")
    less, full = both(*run)
    assert less.stdout == full.stdout


@pytest.mark.parametrize(
    ("extra", "line"),
    [
        ("torch", ("extract", "net.pth", "--network", "r20")),
        ("safetensors", ("extract", "net.safetensors", "--network", "r20")),
        ("onnx", ("extract", "net.onnx")),
        ("train", ("train", "--out", "out")),
        ("cluster", ("sweep", *R20, "--scheduler", "tcp://127.0.0.1:1", "--out", "out")),
    ],
)
def test_what_needs_an_extra_names_it(
    base: Run, tmp_path: Path, extra: str, line: tuple[object, ...]
) -> None:
    (tmp_path / "base").mkdir()
    for ending in ("pth", "safetensors", "onnx"):
        (tmp_path / f"base/net.{ending}").write_bytes(b"\x80\x02}.")
    done = base(*line)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert f"pip install 'subbit-simulator[{extra}]'" in done.stderr


@pytest.mark.slow
def test_python(tmp_path: Path) -> None:
    code = """
from simulator import load_hardware, load_workload, simulate
result = simulate(load_workload("r20"), load_hardware("cofluent64"), bits=0.56)
print(result.cycles, result.speedup, result.layers.to_csv(), len(result.trace))
"""
    pair = [
        python(path, tmp_path / name, "-c", code)
        for name, path in (("base", BASE / "bin/python"), ("full", Path(sys.executable)))
    ]
    assert [done.returncode for done in pair] == [0, 0], pair
    assert pair[0].stdout == pair[1].stdout
