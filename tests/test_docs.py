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


def test_the_table_and_the_notes_of_the_readme(command: Command) -> None:
    run = ("--hw", "cofluent64", "--model", "r18", "--bits", "0.56")
    printed = command(*run).stdout.splitlines()
    shown = blocks(README)[1].splitlines()
    assert shown[0] == printed[0].rstrip()
    assert shown[-1] == printed[-1]
    for line in shown[3:-2]:
        assert any(other.startswith(line.rstrip()) for other in printed), line
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


FOLDERS = ("docs", "reports", "benchmarks", "simulator")
PAGES = ["README.md", "CHANGELOG.md"]
PAGES += sorted(str(p.relative_to(ROOT)) for name in FOLDERS for p in (ROOT / name).rglob("*.md"))


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.*)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for link in re.findall(r"\]\(([^):]+)\)", path.read_text()):  # no web address
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_a_broken_anchor_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# `--check`: one, two\n\n## Long-term\n\n```\n# no heading\n```\n")
    assert anchors(page) == {"--check-one-two", "long-term"}


@pytest.mark.parametrize("report", sorted((ROOT / "reports").glob("*.md")), ids=lambda p: p.stem)
def test_reports_name_their_command_and_the_paper(report: Path) -> None:
    from simulator.citation import CITATION
    from simulator.paper import ITEMS

    line = report.read_text().splitlines()[2]
    command, _, rest = line.lstrip("`").partition("` (version ")
    assert rest.endswith(f" writes this report. Paper: {CITATION}.")
    item = command.removeprefix("simulate reproduce ")
    assert item in ITEMS or command in {
        "python -m rtl.synthesize",
        "simulate train --out out/training --report reports",
    }


def test_assumptions_are_marked_where_they_stand() -> None:
    from simulator.paper.table4 import ASSUMED

    lines = (ROOT / "hw_configs/cofluent64.yaml").read_text().splitlines()
    marked = [line.split(":")[0].strip() for line in lines if "# ASSUMED:" in line]
    assert {key.rpartition(".")[2] for key in ASSUMED} <= set(marked)
