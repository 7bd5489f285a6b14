"""The documents are correct: their examples run, and their numbers are the program's."""

import csv
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator import load_workload
from simulator.base.shipped import shipped_names
from simulator.base.tabular import frame_of
from tests.build import layer, network, traced
from tests.conftest import ROOT, Command
from tests.measure import drawn

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
    assert sorted(rows) == sorted(frame.itertuples(index=False, name=None))


def test_the_example_network(tmp_path: Path) -> None:
    example, listed = blocks((ROOT / "docs/workloads.md").read_text(), "yaml")
    (tmp_path / "net.yaml").write_text(example)
    workload = load_workload(tmp_path / "net.yaml")
    assert [x.out_height for x in workload.layers] == [32, 16, 16, 16, 1]
    (tmp_path / "list.yaml").write_text(listed)
    assert [x.out_pixels for x in load_workload(tmp_path / "list.yaml").layers] == [55 * 55, 8]


def commands(section: str) -> list[str]:
    """Return the `simulate` commands of a table in the README."""
    text = README.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\|[^|]*\| `(simulate [^`]*)` \|$", text, flags=re.M)


QUESTIONS = commands("Five questions, five commands")


def test_five_questions() -> None:
    assert len(QUESTIONS) == 5


@pytest.mark.parametrize("line", QUESTIONS)
def test_commands_of_the_readme(line: str, command: Command) -> None:
    done = command(*shlex.split(line)[1:])
    assert done.returncode == 0, done.stderr


R18 = ("--hw", "cofluent64", "--model", "r18", "--bits", "0.56")


@pytest.fixture
def printed(command: Command, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Run ResNet-18 with further options at 80 columns; return the lines that it prints."""
    monkeypatch.setenv("COLUMNS", "80")
    return lambda *options: [line.rstrip() for line in command(*R18, *options).stdout.splitlines()]


@pytest.mark.parametrize(("number", "hw"), [(1, "cofluent64"), (2, "bnn64")])
def test_the_tables_of_the_readme(number: int, hw: str, printed: Callable[..., list[str]]) -> None:
    lines = printed("--hw", hw)
    shown = blocks(README)[number].splitlines()
    assert set(shown) <= set(lines), set(shown) - set(lines)
    assert max(map(len, shown)) <= 80
    left = iter(lines)
    assert all(line in left for line in shown), "in another order"


def test_the_study_of_the_readme(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    section = README.partition("## A PE-count study\n")[2]
    line = re.search(r"`(simulate sweep [^`]*)`", section)
    assert line is not None
    done = command(*shlex.split(line[1])[1:], "--jobs", 1)
    shown = [line.rstrip() for line in done.stdout.splitlines()]
    assert blocks(section)[0].splitlines() == shown
    report = (ROOT / "reports/pe_study.md").read_text()
    assert "128 PEs then take 0.467 ms, a speedup of 3.12×" in " ".join(section.split())
    assert "| 128 | =320 | 0.467 | 1.458 | 3.12 |" in report
    assert max(map(len, shown)) <= 80


def test_the_notes_of_the_readme(printed: Callable[..., list[str]]) -> None:
    shown = blocks(README)[3].splitlines()
    assert len(shown) == 5
    assert shown == printed("--set", "array.pes=128", "--set", "array.pe.lut_entries=64")[-5:]


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (
            "speedup is **1.62×**",
            (
                "--scope",
                "weights",
            ),
        ),
        ("it is **1.60×**", ("--scope", "network")),
        ("2.03× with 80", ("--set", "memory.index_buffer.bytes_per_cycle=80")),
        ("1.86× with 40", ("--set", "memory.index_buffer.bytes_per_cycle=40")),
        ("2.67× with one", ("--set", "array.pe.index_register_sets=1")),
        ("3.22× with output", ("--set", "array.spatial=output_pixels")),
        (
            "1.00×",
            (
                *("--set", "array.pe.dots_per_cycle=4"),
                *("--set", "memory.index_buffer.bytes_per_cycle=288"),
            ),
        ),
    ],
)
def test_what_moves_the_speedup(words: str, options: tuple[str, ...], command: Command) -> None:
    assert words in re.sub(r"\s*\n> +", " ", README)
    (stated,) = re.findall(r"(\d\.\d\d)×", words)
    summary = json.loads(command(*R18, *options, "--json").stdout)
    assert f"{summary['speedup']:.2f}" == stated


def test_the_scopes_of_the_readme() -> None:
    with (ROOT / "reports/whole_network.csv").open(newline="") as file:
        rows = {row["machine"]: row for row in csv.DictReader(file) if row["network"] == "r18"}
    section = README.partition("## Meaning of 3.13×\n")[2].partition("\n## ")[0]
    header, _, *lines = [line for line in section.splitlines() if line.startswith("|")]
    shown = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in (header, *lines)]
    machines = shown[0][1:]
    columns = [*(f"speedup {scope}" for scope in ("binary", "weights", "network"))]
    for column, (_, *cells) in zip([*columns, "energy network"], shown[1:], strict=True):
        assert cells == [rows[name][column].replace("x", "×") for name in machines]
    required = rows["cofluent64"]["required"].removesuffix("x")
    words = f"the other layers would have to be {required} times as fast"
    assert words in re.sub(r"\s*\n>? *", " ", README)


def test_python_of_the_readme(tmp_path: Path) -> None:
    (code,) = blocks(README, "python")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^\d\.\d\dx, 0\.\d{3} ms$", done.stdout, flags=re.M)
    assert drawn(tmp_path / "timeline.png")


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
    """Anchors of a page's headings, in the form that GitHub generates."""
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
    from simulator.base.citation import CITATION
    from simulator.paper import ITEMS

    line = report.read_text().splitlines()[2]
    command, _, rest = line.lstrip("`").partition("` (version ")
    assert rest.endswith(f" writes this report. Paper: {CITATION}.")
    item = command.removeprefix("simulate reproduce ")
    assert item in ITEMS or command in {
        "python -m rtl.synthesize",
        "simulate train --out out/training --report reports",
    }


def test_the_errors_and_depths_of_the_validation_page() -> None:
    page = (ROOT / "docs/validation.md").read_text()

    def column(report: str, name: str) -> list[str]:
        with (ROOT / "reports" / report).open() as file:
            return [row[name] for row in csv.DictReader(file)]

    assert " and ".join(column("table4.csv", "deviation")) in page
    depths = dict(
        zip(
            column("rtl_cells.csv", "pe"),
            column("rtl_cells.csv", "longest_path_gates"),
            strict=True,
        )
    )
    paths = re.findall(r"^\| ([^|]+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \|$", page, flags=re.M)
    found = {name: gates for name, gates, _, _ in paths}
    assert found["PE"] == depths["SNN (paper)"]
    assert found["PE with passes"] == depths["SNN, 32 entries in passes"]
    for _, gates, ns, ghz in paths:
        assert float(ns) == pytest.approx(int(gates) * 0.02)  # 20 ps per gate
        assert float(ghz) == pytest.approx(1 / float(ns), abs=0.006)


def test_table_4_tries_every_assumption_of_the_hardware_file() -> None:
    from simulator.machines.assumptions import assumptions
    from simulator.paper.table4 import HARDWARE, TRIALS

    assert list(TRIALS) == [one.key for one in assumptions(HARDWARE)]


def test_the_hardware_file_gives_the_speedups_of_table_4() -> None:
    from simulator.machines.assumptions import assumptions

    with (ROOT / "reports/table4_sensitivity.csv").open() as file:
        rows = list(csv.DictReader(file))
    for one in assumptions("cofluent64"):
        mine = [row for row in rows if row["key"] == one.key]
        moves = max(abs(float(row["r18 change"].rstrip(" %"))) for row in mine) >= 1
        stated = re.findall(r"[Ww]ith (\w+)[^:;]*: r18 ([\d.]+)x, r34 ([\d.]+)x", one.reason)
        assert bool(stated) == moves, one.key
        for value, *speedups in stated:
            (row,) = [row for row in mine if row["tried"].split(",")[0] == value]
            found = [float(row[f"{model} speedup"].rstrip("x")) for model in ("r18", "r34")]
            assert found == pytest.approx([float(x) for x in speedups], abs=0.0051)
