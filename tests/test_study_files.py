"""Files that a study names: a file with other contents makes another study."""

from pathlib import Path

import pytest

from simulator.base.errors import InputError
from simulator.base.shipped import find
from simulator.studies import grid_study
from simulator.studies.axes import axis, setting_axis
from simulator.studies.local import run_locally
from tests.conftest import Command
from tests.test_bad_input import NET, refused

pytestmark = pytest.mark.command

SLOW, FAST = "  CL: 17", "  CL: 16"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A user's own DRAM table."""
    (tmp_path / "net.yaml").write_text(NET)
    path = tmp_path / "own.yaml"
    text = find("hw_configs/dram", "ddr4-2400").read_text(encoding="utf-8")
    assert SLOW in text
    path.write_text(text)
    return path


def named(way: str, folder: Path) -> list[str]:
    """Options that name the table: as an axis, in a hardware file, in a column."""
    if way == "axis":
        return ["--hw", "cofluent64", "--model", "net.yaml", "--set",
                "memory.dram.timing=fixed,own.yaml"]  # fmt: skip
    if way == "column":
        (folder / "points.csv").write_text("model,memory.dram.timing\nnet.yaml,own.yaml\n")
        return ["--hw", "cofluent64", "--points", "points.csv"]
    text = find("hw_configs", "cofluent64").read_text(encoding="utf-8")
    named = text.replace("timing: fixed", "timing: own.yaml")
    assert named != text
    (folder / "own_hw.yaml").write_text(named)
    return ["--hw", "own_hw.yaml", "--model", "net.yaml"]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["axis", "column", "file"])
def test_another_dram_table_is_another_study(
    command: Command, table: Path, tmp_path: Path, way: str
) -> None:
    study = ("sweep", *named(way, tmp_path), "--tau", "3", "--out", "study", "--jobs", "1")
    done = command(*study)
    assert done.returncode == 0, done.stderr
    slow = table.read_text()
    table.write_text(slow + "# a word\n")
    assert command(*study).returncode == 0
    table.write_text(slow.replace(SLOW, FAST))
    assert "holds another study: dram_tables.own.yaml is" in refused(command, *study)
    table.unlink()
    assert "own.yaml: no such file" in refused(command, *study)
    table.write_text(slow)
    assert command(*study).returncode == 0


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_table_that_changes_meanwhile_ends_the_study(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    monkeypatch.chdir(tmp_path)
    axes = [axis("hw", "cofluent64"), axis("model", "net.yaml"), axis("tau", "3")]
    settings = ["memory.dram.timing=own.yaml", "memory.dram.bytes_per_cycle=1:64:+1"]
    study = grid_study([*axes, *map(setting_axis, settings)])
    chunks = run_locally(study, study.chunks(), jobs)
    next(chunks)
    table.write_text(table.read_text().replace(SLOW, FAST))
    with pytest.raises(InputError, match=r"the DRAM table own\.yaml differs from the table"):
        list(chunks)


@pytest.mark.parametrize("kind", ["hw", "model"])
def test_another_hardware_file_or_network_is_another_study(
    command: Command, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "net.yaml").write_text(NET)
    hardware = find("hw_configs", "cofluent64").read_text(encoding="utf-8")
    (tmp_path / "hw.yaml").write_text(hardware)
    study = (
        "sweep",
        "--hw",
        "hw.yaml",
        "--model",
        "net.yaml",
        "--bits",
        1,
        "--out",
        "study",
        "--jobs",
        "1",
    )
    assert command(*study).returncode == 0
    path = tmp_path / ("hw.yaml" if kind == "hw" else "net.yaml")
    text = path.read_text()
    changed = (
        text.replace("  pes: 64", "  pes: 32")
        if kind == "hw"
        else text.replace("height: 4", "height: 5")
    )
    assert changed != text
    path.write_text(changed)
    assert "study holds another study: " in refused(command, *study)
