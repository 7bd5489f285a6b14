"""Small hardware configurations and networks for all tests."""

import io
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from simulator.cli import main
from tools.environment import ENVIRONMENTS, ROOT, Maker

BASE = ROOT / ".venv"
"""The environment of `make run`: the base package alone."""
HAS_TORCH = find_spec("torch") is not None

for profile, examples in (("short", 10), ("long", 100)):  # make test, make test-slow
    settings.register_profile(
        profile,
        max_examples=examples,
        deadline=None,  # machines are noisy; benchmarks/ measures speed
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("short")

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a tier if its environment is missing. The summary gives the reason once."""
    if item.get_closest_marker("torch") and not HAS_TORCH:
        pytest.skip("needs torch: make test-torch TORCH_INDEX=URL")
    if item.get_closest_marker("base") and not Maker(BASE, ENVIRONMENTS[BASE.name]).is_current():
        pytest.skip("needs the environment .venv, up to date: make run")


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print lines whole; tests/test_terminal.py tests the width of terminals."""
    monkeypatch.setenv("COLUMNS", "1000")


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Run the command with these words in this process (fast), from an empty folder."""

    def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        words = ["simulate", *map(str, arguments)]
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
        with (
            pytest.MonkeyPatch.context() as patch,
            redirect_stdout(out),
            redirect_stderr(err),
            chdir(cwd or tmp_path),
        ):
            patch.setattr(sys, "argv", words)
            try:
                main()
                status = 0
            except SystemExit as end:
                status = int(end.code or 0)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read())
        return subprocess.CompletedProcess(words, status, *texts)

    return run


@pytest.fixture
def process(tmp_path: Path) -> Command:
    """Run `python -m simulator` as a user would: as its own process, from an empty folder."""

    def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "simulator", *map(str, arguments)],
            cwd=cwd or tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,  # guards against hanging
        )

    return run
