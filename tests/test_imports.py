"""The packages of the simulator: imports go one way, without cycles, and name no machine."""

import re
from contextlib import redirect_stdout
from functools import cache
from graphlib import TopologicalSorter
from io import StringIO

import grimp
import pytest

from simulator.machines.families import family_names
from simulator.machines.family import Family
from tests.conftest import ROOT

pytestmark = pytest.mark.unit

FLAGS = re.MULTILINE | re.DOTALL
FLOORS = (
    "cli", "training", "paper", "api", "studies", "report", "analysis", "check", "machines",
    "engine", "program", "dram", "workload", "base",
)  # fmt: skip
"""Packages in order: each may import the packages after it. docs/architecture.md has a diagram."""


@cache
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("simulator", cache_dir=None)


def test_every_package_has_a_floor() -> None:
    top = {path.name for path in (ROOT / "simulator").iterdir() if (path / "__init__.py").exists()}
    assert top == set(FLOORS)
    files = {path.name for path in (ROOT / "simulator").glob("*.py")}
    assert files == {"__init__.py", "__main__.py"}


def test_the_page_shows_the_floors() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    lines = page.split("```")[1].splitlines()
    shown = [line.split()[0] for line in lines if line.strip()]
    parts = {"vector", *family_names()}
    assert [name for name in shown if name not in parts] == list(FLOORS)
    assert {name for name in shown if name in parts} == parts


def test_the_page_lists_the_contract() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    parts = [
        name for name in {**Family.__annotations__, **vars(Family)} if not name.startswith("_")
    ]
    assert sorted(listed) == sorted(parts)


def test_the_machine_of_the_page_runs() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    code, output = re.findall(r"^```(?:python)?\n(.*?)^```$", page.partition("## Adding")[2], FLAGS)
    printed = StringIO()
    with redirect_stdout(printed):
        exec(code, {})
    assert printed.getvalue() == output


def test_no_package_imports_one_above_it() -> None:
    wrong = [
        f"{importer} imports {imported}"
        for importer in imports().modules
        for imported in imports().find_modules_directly_imported_by(importer)
        if _floor(importer) > _floor(imported)
    ]
    assert not wrong


def _floor(module: str) -> int:
    """Return the position in `FLOORS`; the two top-level files of the package are above all."""
    _, _, name = module.partition("simulator.")
    package = name.split(".")[0]
    return FLOORS.index(package) if package in FLOORS else -1


def test_no_module_is_in_a_circle() -> None:
    graph = {
        module: imports().find_modules_directly_imported_by(module) for module in imports().modules
    }
    TopologicalSorter(graph).prepare()  # raises a CycleError with the cycle


def test_no_family_is_named_outside_machines_and_paper() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / "simulator").rglob("*"))
        if path.suffix in {".py", ".js", ".html"}
        and path.relative_to(ROOT / "simulator").parts[0] not in {"machines", "paper"}
        for name in family_names()
        if name in path.read_text(encoding="utf-8")
    ]
    assert not wrong


def test_a_family_imports_no_other() -> None:
    prefix = "simulator.machines"
    wrong = [
        f"{importer} imports {imported}"
        for name in family_names()
        for importer in imports().find_descendants(f"{prefix}.{name}")
        for imported in imports().find_modules_directly_imported_by(importer)
        for other in family_names()
        if other != name and imported.startswith(f"{prefix}.{other}")
    ]
    assert not wrong
