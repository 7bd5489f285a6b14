"""The built wheel and source archive, and the wheel in a clean environment."""

import json
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
import yaml

import simulator
from simulator.base.extras import EXTRAS
from simulator.engine import fast
from tests.conftest import ROOT

pytestmark = pytest.mark.package

PAPER = "Sub-bit Neural Networks: Learning to Compress and Accelerate Binary Neural Networks"
APACHE = ("Apache License", "Version 2.0, January 2004", "END OF TERMS AND CONDITIONS")
OWNER = "Copyright 2026 The subbit-simulator maintainers"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archive, and the wheel that the build makes from it."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def in_wheel(wheel: Path) -> dict[str, bytes]:
    """Contents of the wheel by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.slow
def test_configs_and_networks_are_in_the_wheel(in_wheel: dict[str, bytes]) -> None:
    for kind in ("hw_configs", "workloads"):
        for pattern in ("*.yaml", "**/*.npz"):
            for file in (ROOT / kind).glob(pattern):
                assert in_wheel[f"simulator/data/{file.relative_to(ROOT)}"] == file.read_bytes()


@pytest.mark.slow
def test_the_templates_are_in_the_wheel(in_wheel: dict[str, bytes]) -> None:
    templates = {*(ROOT / "simulator/report/html").glob("*.[hcj][tjs]*")}
    assert {path.suffix for path in templates} == {".html", ".css", ".js"}
    for path in templates:
        assert in_wheel[str(path.relative_to(ROOT))] == path.read_bytes()


@pytest.mark.slow
def test_the_license_is_in_wheel_and_source_archive(
    built: Path, in_wheel: dict[str, bytes]
) -> None:
    text = (ROOT / "LICENSE").read_text()
    assert all(words in text for words in (*APACHE, OWNER))
    info = f"subbit_simulator-{simulator.__version__}"
    assert in_wheel[f"{info}.dist-info/licenses/LICENSE"].decode() == text
    with tarfile.open(built / f"{info}.tar.gz") as archive:
        for name in ("LICENSE", "CITATION.cff"):
            member = archive.extractfile(f"{info}/{name}")
            assert member is not None
            assert member.read() == (ROOT / name).read_bytes()


@pytest.mark.slow
def test_the_metadata_name_license_and_extras(in_wheel: dict[str, bytes]) -> None:
    info = f"subbit_simulator-{simulator.__version__}.dist-info/METADATA"
    metadata = message_from_bytes(in_wheel[info])
    assert metadata["License-Expression"] == "Apache-2.0"
    required: dict[str, set[str]] = {}
    for line in metadata.get_all("Requires-Dist", []):
        name, extra = re.fullmatch(r"([\w.-]+)[^;]*?(?:; extra == '([\w-]+)')?", line).groups()  # type: ignore[union-attr]
        required.setdefault(extra or "", set()).add(name.lower())
    assert len(required[""]) == 9
    assert not required[""] & {"numba", "pyarrow", "torch"}
    for name, extra in EXTRAS.items():
        assert required[name] == {package for _, package in extra.libraries}
    assert not required["test"] & {"torch", "scikit-learn", "onnxscript"}


def test_the_citation_names_the_program_and_the_paper() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= citation.keys()  # as the format requires
    assert citation["license"] == "Apache-2.0"
    assert citation["version"] == simulator.__version__
    (paper,) = citation["references"]
    assert (paper["type"], paper["title"], paper["year"]) == ("conference-paper", PAPER, 2021)
    names = [f"{one['given-names']} {one['family-names']}" for one in paper["authors"]]
    assert names == ["Yikai Wang", "Yi Yang", "Fuchun Sun", "Anbang Yao"]
    assert paper["conference"]["name"] == "ICCV 2021"


@pytest.mark.slow
def test_it_runs_from_any_folder_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    constraints = ROOT / "constraints.txt"
    install = [home / "bin/python", "-m", "pip", "install", "-q", "--no-compile"]
    clean = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    subprocess.run([*install, "-c", constraints, wheel], check=True, capture_output=True, env=clean)
    run = ["--hw", "cofluent64", "--model", "r20", "--bits", "0.56", "--out", "o", "--json"]
    for start in ([home / "bin/simulate"], [home / "bin/python", "-m", "simulator"]):
        done = subprocess.run(
            [*start, *run], cwd=tmp_path, capture_output=True, text=True, check=True, env=clean
        )
        assert json.loads(done.stdout)["model"] == "r20"
    assert (tmp_path / "o/timeline.svg").exists()
    report = [home / "bin/simulate", *run[:-3], "--report", "page.html"]
    subprocess.run(report, cwd=tmp_path, capture_output=True, check=True, env=clean)
    assert "<script>" in (tmp_path / "page.html").read_text()


@pytest.mark.slow
def test_all_that_compiles_is_compiled_ahead() -> None:
    subprocess.run([sys.executable, "-m", "simulator.engine.warm"], check=True)
    assert all(fast._kernel(form).serves() for form in fast.FORMS)
