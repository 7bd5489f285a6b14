"""The tests that clear all caches find all of them."""

import re

import pytest

from simulator.analysis.running import run_one
from tests.build import layer, machine, network
from tests.caches import CODE, anew, caches, containers, forget
from tests.conftest import ROOT

pytestmark = pytest.mark.unit

NET = network(layer(8, 16, 3, 3, tau=3), layer(16, 8, 3, 3))


def run(engine: str) -> None:
    _ = run_one(NET, machine(), engine).trace


def test_every_cache_in_the_sources_is_found() -> None:
    written = set()
    for path in (ROOT / "simulator").rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if module.startswith("simulator.training"):
            continue  # imports torch
        text = path.read_text()
        for name in re.findall(r"^@(?:lru_)?cache\b.*\n(?:@.*\n)*def (\w+)", text, flags=re.M):
            written.add(f"{module}.{name}")
    assert len(written) > 15
    assert written <= caches().keys()
    assert written >= CODE


def test_a_run_fills_caches_and_they_can_be_emptied() -> None:
    forget()
    run("fast")
    full = {name for name, cache in caches().items() if cache.cache_info().currsize}
    assert len(full - CODE) >= 4
    forget()
    assert not {n for n, cache in caches().items() if cache.cache_info().currsize} - CODE


def test_modules_keep_nothing_else() -> None:
    forget()
    before = containers()
    run("fast")
    run("event")
    assert containers() == before


def test_a_copy_shares_no_record() -> None:
    copy = anew(NET)
    assert copy == NET
    assert copy is not NET
    assert copy.layers[0] is not NET.layers[0]
    assert machine({}) == anew(machine({}))
