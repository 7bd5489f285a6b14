"""The documents tell the truth: their examples run, their numbers are the program's."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from simulator import load_workload
from simulator.report.tabular import frame_of
from simulator.shipped import shipped_names
from tests.build import layer, network, traced
from tests.conftest import ROOT, Command

pytestmark = pytest.mark.docs

README = (ROOT / "README.md").read_text()


def blocks(text: str, language: str = "") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.M | re.S)


def test_the_worked_example_of_the_machine() -> None:
    text = (ROOT / "docs/machine.md").read_text().partition("## Worked example")[2]
    header, _, *lines = [line for line in text.splitlines() if line.startswith("|")]
    columns = [cell.strip() for cell in header.strip("|").split("|")]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    _, trace = traced(network(layer(64, 64, 1, 2, tau=5)))
    frame = frame_of(trace.tables(99))[columns].astype(str)
    assert rows == list(frame.itertuples(index=False, name=None))


def test_the_example_network(tmp_path: Path) -> None:
    (example,) = blocks((ROOT / "docs/workloads.md").read_text(), "yaml")
    (tmp_path / "net.yaml").write_text(example)
    workload = load_workload(tmp_path / "net.yaml")
    assert [x.out_height for x in workload.layers] == [32, 16, 16, 16, 1]


def test_commands_of_the_readme(command: Command) -> None:
    text = README.partition("## Use")[2]
    lines = [line for line in blocks(text)[0].splitlines() if "my/" not in line]
    assert len(lines) >= 4
    for line in lines:
        if "reproduce" not in line:  # test_command.py compares those reports
            done = command(*shlex.split(line)[1:])
            assert done.returncode == 0, (line, done.stderr)


def test_the_table_and_the_notes_of_the_readme(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ("--hw", "cofluent64", "--model", "r18", "--bits", "0.56")
    with monkeypatch.context() as narrow:
        narrow.setenv("COLUMNS", "80")
        printed = command(*run).stdout.splitlines()
    shown = blocks(README)[1].splitlines()
    assert len(shown) > 10
    assert [line for line in shown if line not in printed] == []
    for note in blocks(README.partition("**What-ifs.**")[2])[0].splitlines():
        key, value = re.match(r"note: (\S+) \S+ -> (\d+)", note).groups()  # type: ignore[union-attr]
        assert note in command(*run, "--set", f"{key}={value}").stdout


def test_python_of_the_readme(tmp_path: Path) -> None:
    (code,) = blocks(README, "python")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^\d\.\d\dx, 0\.\d{3} ms$", done.stdout, flags=re.M)
    assert (tmp_path / "timeline.png").stat().st_size > 10_000


def test_the_docstring_of_the_package() -> None:
    import doctest

    import simulator

    failed, tried = doctest.testmod(simulator)
    assert (failed, tried) == (0, 3)


def test_the_readme_names_every_shipped_network() -> None:
    assert all(f"`{name}`" in README for name in shipped_names("workloads"))


@pytest.mark.parametrize(
    "page", ["README.md", *(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/**/*.md"))]
)
def test_links_lead_somewhere(page: str) -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text()):  # no web address
        assert (ROOT / page).parent.joinpath(link).exists(), link


def test_assumptions_are_marked_where_they_stand() -> None:
    from simulator.paper.table4 import ASSUMED

    lines = (ROOT / "hw_configs/cofluent64.yaml").read_text().splitlines()
    marked = [line.split(":")[0].strip() for line in lines if "# ASSUMED:" in line]
    assert {key.rpartition(".")[2] for key in ASSUMED} <= set(marked)
