"""The creation of the Makefile's environments, and its output for the user."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools import environment
from tools.environment import ENVIRONMENTS, Environment, Maker, SetupError, summary

pytestmark = pytest.mark.unit

INDEX = "https://index.example/simple"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (f"Looking in indexes: {INDEX}", ""),
        ("Collecting numpy<3,>=2.0 (from subbit-simulator==0.2.0)", ""),
        ("  Downloading numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.whl.metadata (6.6 kB)", ""),
        ("  Downloading numpy-2.4.6-cp311-cp311-win.whl (16.9 MB)", "    numpy 2.4.6, 16.9 MB"),
        (f"  Downloading {INDEX}/a/b_c-1.0-py3-none-any.whl (9 kB)", "    b_c 1.0, 9 kB"),
        ("  Using cached rich-15.0.0-py3-none-any.whl (311 kB)", "    rich 15.0.0, 311 kB"),
        ("Processing /w/torch-2.13.0+cpu-cp311-l.whl (from x)", "    torch 2.13.0+cpu"),
        ("Installing collected packages: a, b, c", "    Unpacking 3 packages"),
        ("ERROR: No distribution found for x", "ERROR: No distribution found for x"),
        (f"ERROR: HTTP error 404 at {INDEX}/x", "ERROR: HTTP error 404 at a URL"),
        ("      ERROR: No distribution found for x", "ERROR: No distribution found for x"),
        (
            f"      WARNING: Retrying (Retry(total=4)) after connection broken: {INDEX}",
            "    The package index does not answer; trying again",
        ),
    ],
)  # fmt: skip
def test_one_line_per_package_and_no_host(line: str, shown: str) -> None:
    assert summary(line + "\n") == shown


class Made(Maker):
    """Maker of environments without a network; records its calls."""

    def _pip(self, command: str, *arguments: str) -> None:
        (self.folder / "installed").write_text(" ".join([command, *arguments]))

    def _lines(self, title: str, _line: object) -> object:  # type: ignore[override]
        (self.folder / "bin").mkdir(exist_ok=True)
        yield f"{title}\n"


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Made(tmp_path / ".venv", ENVIRONMENTS[".venv"])


def test_a_current_environment_is_kept(maker: Maker) -> None:
    assert not maker.is_current()
    maker.make()
    assert maker.is_current()
    assert not maker.unfinished.exists()
    maker.ready.write_text("made from something else\n")
    assert not maker.is_current()


def test_an_interrupted_attempt_is_made_again_from_scratch(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        (maker.folder / "lib").mkdir()
        (maker.folder / "lib/half-a-package").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Made, "_pip", interrupted)
        with pytest.raises(KeyboardInterrupt):
            maker.make()
    assert maker.unfinished.exists()
    assert not maker.is_current()
    maker.make()
    assert not (maker.folder / "lib").exists()
    assert maker.is_current()


def test_a_folder_of_the_users_is_left_alone(maker: Maker) -> None:
    maker.folder.mkdir()
    (maker.folder / "mine").touch()
    with pytest.raises(SetupError, match="was not made by this Makefile"):
        maker.make()
    assert [path.name for path in maker.folder.iterdir()] == ["mine"]


def test_lines_fit_80_columns(maker: Maker, capsys: pytest.CaptureFixture[str]) -> None:
    maker.make()
    lines = capsys.readouterr().out.splitlines()
    assert [line[:4] for line in lines if line[0] != " "] == ["1/3 ", "2/3 ", "3/3 "]
    assert max(map(len, lines)) <= 80


def fake_pip(folder: Path, *names: str) -> None:
    """An environment whose pip plans to install some packages."""
    (folder / "bin").mkdir(parents=True)
    report = {"install": [{"metadata": {"name": name}} for name in names]}
    python = folder / "bin/python"
    python.write_text(
        f"#!{sys.executable}\nimport sys, json\n"
        f"if '--report' in sys.argv:\n"
        f"    path = sys.argv[sys.argv.index('--report') + 1]\n"
        f"    json.dump({report!r}, open(path, 'w'))\n"
    )
    python.chmod(0o755)


@pytest.mark.parametrize("library", ["nvidia-cublas", "cuda-toolkit", "triton"])
def test_a_gpu_build_is_refused(tmp_path: Path, library: str) -> None:
    gpu = Maker(tmp_path / "gpu", Environment("test-torch", "", 0), "configured")
    fake_pip(gpu.folder, "torch", library)
    with pytest.raises(SetupError, match=rf"GPU build of torch \({library}\)"):
        gpu._refuse_gpu_libraries()
    cpu = Maker(tmp_path / "cpu", Environment("test-torch", "", 0), "configured")
    fake_pip(cpu.folder, "torch", "sympy")
    cpu._refuse_gpu_libraries()


def test_pip_is_not_led_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PIP_INDEX_URL", INDEX)
    kept = environment.clean_environment()
    assert not {"PIP_TARGET", "PYTHONPATH"} & kept.keys()
    assert kept["PIP_INDEX_URL"] == INDEX


def make(*arguments: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=clean, capture_output=True, text=True, check=False
    )


@pytest.mark.command
class TestMake:
    def test_help_lists_every_target(self) -> None:
        shown = make("help").stdout
        declared = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(), re.M)
        assert declared is not None
        targets = set(declared[1].replace("\\", "").split()) - {"FORCE"}
        assert {line.split()[1] for line in shown.splitlines()} == targets
        assert max(map(len, shown.splitlines())) <= 80

    def test_without_an_index_the_torch_tier_is_skipped_in_one_line(self) -> None:
        done = make("test-torch", "TORCH_INDEX=")
        assert done.returncode == 0
        assert done.stdout == (
            "Skipped: make test-torch TORCH_INDEX=URL names an index with a CPU build\n"
        )

    def test_an_old_or_missing_python_is_one_clear_line(self, tmp_path: Path) -> None:
        old = tmp_path / "old"
        code = "sys.version_info = (3, 9, 0); exec(sys.argv[1])"
        old.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'import sys; {code}' \"$2\"\n")
        old.chmod(0o755)
        done = make("run", f"PYTHON={old}")
        assert done.returncode == 2
        assert done.stderr.splitlines()[0] == (
            "make: needs Python 3.11 or newer, found 3.9; set PYTHON=..."
        )
        done = make("run", "PYTHON=no-python")
        assert "no-python not found; needs Python 3.11" in done.stdout
