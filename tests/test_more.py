"""More hardware is not slower."""

from itertools import pairwise

import pytest

from simulator.run import run_one
from tests.build import layer, machine, network

pytestmark = pytest.mark.unit

WIDE = network(
    layer(128, 128, 2, 8, tau=5),
    layer(128, 256, 2, 4, tau=5),
    layer(256, 256, 2, 4, tau=5),
    layer(256, 512, 2, 2, tau=5),
)


def cycles(keys: dict[str, object]) -> int:
    """Of the wide layers on cofluent64 with these keys, behind a DRAM that hides nothing."""
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
