"""Small machines and networks for every test."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile(
    "here",
    max_examples=60,
    deadline=None,  # machines are noisy; speed is measured in benchmarks/
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("here")

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print lines whole: tests/test_terminal.py is about the width of terminals."""
    monkeypatch.setenv("COLUMNS", "1000")


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Run `python -m simulator` as a user would, from an empty folder."""

    def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "simulator", *map(str, arguments)],
            cwd=cwd or tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run
