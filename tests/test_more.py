"""More hardware is not slower."""

from itertools import pairwise

import pytest

from simulator.analysis.running import run_one
from simulator.engine.fast import totals
from simulator.machines.lut_array.mapper import map_workload
from tests.build import layer, machine, network

pytestmark = pytest.mark.unit

WIDE = network(
    layer(128, 128, 2, 8, tau=5),
    layer(128, 256, 2, 4, tau=5),
    layer(256, 256, 2, 4, tau=5),
    layer(256, 512, 2, 2, tau=5),
)


def cycles(keys: dict[str, object]) -> int:
    """Cycles of the wide layers on cofluent64 with these keys and an instant DRAM."""
    instant = {"memory.dram.latency_cycles": 0, "memory.dram.bytes_per_cycle": 1e9}
    return run_one(WIDE, machine(instant | keys), "fast").cycles


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("array.pes", (64, 74, 80, 86, 96, 112, 127, 128, 160, 171, 192, 256, 300)),
        ("array.pe.accumulators", (1, 2, 3, 4, 5, 8, 9)),
        ("array.pe.lut_entries", (16, 20, 24, 31, 32)),
    ],
)
def test_more_of_the_array_is_not_slower(key: str, values: tuple[int, ...]) -> None:
    found = [cycles({key: value}) for value in values]
    assert all(more <= fewer for fewer, more in pairwise(found)), found
    assert found[-1] < found[0]


def test_a_larger_activation_buffer_has_no_cliff() -> None:
    """A depthwise layer reads a patch for every channel; two patches alone hide no latency."""
    depthwise = network(layer(16, 16, 8, 8, groups=16, full_precision=True))
    sizes = (0.4, 0.6, 0.8, 1, 1.5, 2, 3, 4, 5, 6, 7, 8)
    found, schemes = [], []
    for kib in sizes:
        mapping = map_workload(depthwise, machine({"memory.activation_buffer.kib": float(kib)}))
        found.append(totals(mapping.program).cycles)
        schemes.append(mapping.layers[0].inputs)
    assert schemes[0] == "patches"
    assert schemes[-1] == "rows"
    assert all(larger <= smaller for smaller, larger in pairwise(found)), found
    before_rows = found[schemes.index("rows") - 1]
    assert found[0] > 3 * before_rows
    assert before_rows < 3 * found[-1]
