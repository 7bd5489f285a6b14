"""Verification of overrides that give the hardware file a section that it lacks."""

import json
from pathlib import Path

import pytest

from simulator.base.yaml_text import parse_yaml
from tests.conftest import ROOT, Command

RUN = ("--model", "r20", "--bits", 1, "--input-size", 8)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The paper's array without a vector unit."""
    data = parse_yaml((ROOT / "hw_configs/cofluent64.yaml").read_text(), "cofluent64")
    del data["vector"]
    path = tmp_path / "bare.yaml"
    path.write_text(json.dumps(data))  # JSON is YAML
    return path


@pytest.mark.command
@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (("vector.lanes=8",), "the hardware file has no vector unit"),
        pytest.param(
            ("vector.lanes=8", "vector.bits=8"),
            "missing key 'vector.lanes'",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ("vector.lanes=8", "vector.cycles.norm=2"),
            "missing key 'vector.lanes'",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ("vector.lanes=8", "vector.fused=false", "array.pes=32"),
            "missing key 'vector.lanes'",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_run_with_a_section_of_overrides(
    command: Command, bare: Path, settings: tuple[str, ...], reason: str
) -> None:
    keys = [word for setting in settings for word in ("--set", setting)]
    done = command("--hw", bare, *RUN, "--scope", "network", *keys, "--out", "x", "--json")
    assert done.returncode == 0, done.stderr
    first, *others = json.loads(done.stdout)["settings"]
    assert (first["key"], first["before"]) == ("vector.lanes", None)
    assert reason in first["reason"]
    assert all(one["time_ms_before"] is not None for one in others)
    checked = command("verify", "x")
    assert checked.returncode == 0, checked.stdout + checked.stderr
