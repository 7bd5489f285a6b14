"""The built wheel, in a clean environment, from any folder."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.package


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_configs_and_networks_are_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for kind in ("hw_configs", "workloads"):
        for pattern in ("*.yaml", "**/*.npz"):
            for file in (ROOT / kind).glob(pattern):
                assert f"simulator/data/{file.relative_to(ROOT)}" in names


def test_it_runs_from_any_folder_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    constraints = ROOT / "constraints.txt"
    install = [home / "bin/python", "-m", "pip", "install", "-q", "-c", constraints, wheel]
    clean = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    subprocess.run(install, check=True, capture_output=True, env=clean)
    for start in ([home / "bin/simulate"], [home / "bin/python", "-m", "simulator"]):
        done = subprocess.run(
            [
                *start,
                "--hw",
                "cofluent64",
                "--model",
                "r20",
                "--bits",
                "0.56",
                "--out",
                "o",
                "--json",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            env=clean,
        )
        assert json.loads(done.stdout)["model"] == "r20"
    assert (tmp_path / "o/timeline.svg").exists()


def test_all_that_compiles_is_compiled_ahead() -> None:
    subprocess.run([sys.executable, "-m", "simulator.warm"], check=True)
    code = (
        "from simulator.engine import fast, instructions\n"
        "from simulator.mapping import layer, ring\n"
        "makers = [fast._compiled_lanes, fast._compiled_commands, instructions._compiled,\n"
        "          layer._compiled, ring._compiled]\n"
        "print([make().kept for make in makers])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert told == f"{[True] * 5}\n"
