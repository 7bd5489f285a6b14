"""Full-precision weight tiles that exceed the index buffer: cut, and never slower with more."""

import random
from itertools import pairwise
from math import ceil

import pytest

from simulator import InputError, load_workload, simulate
from simulator.api.result import Result
from simulator.machines.lut_array.planning import plan_layers
from tests.build import layer, machine, network
from tests.test_layer_lists import NETWORKS

pytestmark = pytest.mark.unit

ONE_TILE = network(layer(8, 8, 1, 2, full_precision=True))
"""Two output pixels and one output block: a single output tile."""


def run(kib: float, engine: str = "fast", workload: object = ONE_TILE) -> Result:
    return simulate(
        workload,  # type: ignore[arg-type]
        "cofluent64",
        bits=32,
        baseline_bits="none",
        engine=engine,
        set={"memory.index_buffer.kib": kib},
    )


@pytest.mark.parametrize("engine", ["fast", "event"])
@pytest.mark.parametrize(
    ("kib", "cycles"),
    [
        # 8 channels x 9 x 8 outputs x 32 bit = 2304 bytes: load 144, latency 100,
        # 2 x 8 x 8 x 9 / 64 = 18 MAC cycles, 64 bytes of outputs in 4
        (2.25, 144 + 100 + 18 + 4),
        # 3 channels fit (288 bytes each): 3 + 3 + 2. Loads of 14, 14 and 9 bursts; MACs of
        # 6.75, 6.75 and 4.5 cycles, rounded up; each load waits for the MACs before it
        (1, (56 + 100 + 7) + (56 + 100 + 7) + (36 + 100 + 5) + 4),
        # 256 bytes hold two of a channel's three rows (96 bytes each): 8 x (2 rows, 1 row)
        (0.25, 8 * ((12 + 100 + 2) + (8 + 100 + 1)) + 4),
    ],
)
def test_cycles_of_a_cut_tile(kib: float, cycles: int, engine: str) -> None:
    assert run(kib, engine).cycles == cycles


def test_parts_cover_every_weight_once() -> None:
    one = layer(37, 20, 5, 5, kernel=5, full_precision=True)
    for kib in (200, 80, 20, 5, 1, 0.5):
        (plan,) = plan_layers(network(one), machine({"memory.index_buffer.kib": kib}))  # type: ignore[arg-type]
        taken = [
            (part.first + unit, tap)
            for part in plan.input_parts
            for unit in range(part.units)
            for tap in range(part.taps)
        ]
        assert sum(part.units * part.taps for part in plan.input_parts) == 37 * 25
        assert {channel for channel, _ in taken} == set(range(37))
        assert plan.largest_tile_bytes <= kib * 1024
        assert plan.is_cut == (kib < 37 * 25 * 20 * 4 / 1024)


def test_a_larger_buffer_is_never_slower() -> None:
    workload = network(
        layer(9, 130, 3, 4, kernel=3, full_precision=True, name="a"),
        layer(7, 5, 6, 3, kernel=5, full_precision=True, name="b"),
        layer(6, 64, 4, 4, full_precision=True, groups=2, name="c"),
    )
    sizes = [2, 2.3, 3, 4, 5, 7, 10, 11, 16, 17, 20.25, 25, 40, 41, 60, 80, 160]
    cycles = [run(kib, workload=workload).cycles for kib in sizes]
    assert all(small >= large for small, large in pairwise(cycles)), cycles


def test_one_kernel_row_is_the_least() -> None:
    with pytest.raises(InputError, match=r"needs at least 0\.1 KiB, .*one kernel row of one input"):
        run(0.09)


def test_the_cut_is_a_note() -> None:
    result = run(1)
    assert any("conv works on fewer input channels at a time" in x for x in result.notes())
    assert any("kernel rows, at a time" in x for x in run(0.25).notes())
    assert not any("at a time" in x for x in run(3).notes())


@pytest.mark.parametrize("machine_name", ["cofluent64", "tpu-like"])
def test_a_module_of_googlenet_runs(machine_name: str) -> None:
    module = load_workload(NETWORKS / "inception.yaml")
    result = simulate(module, machine_name, bits=32, baseline_bits="none")
    assert sum(row["macs"] for row in result.layer_rows()) == sum(x.macs for x in module.layers)


@pytest.mark.parametrize("seed", range(12))
def test_random_cuts_in_closed_form(seed: int) -> None:
    """Parts alternate: load, latency, MACs. The channels are cut here again, by brute force."""
    rng = random.Random(seed)
    channels, outputs, side = rng.randint(2, 40), rng.randint(64, 128), rng.choice([1, 3, 5])
    height, width = rng.randint(1, 3), rng.randint(8, 40)
    one = layer(channels, outputs, height, width, kernel=side, full_precision=True)
    fitting = rng.randint(1, channels - 1)
    kib = ceil(fitting * outputs * side**2 * 4 / 1024 * 1000) / 1000
    fitting = int(kib * 1024) // (outputs * side**2 * 4)
    if fitting >= channels:
        return
    parts, left = list[int](), channels
    for count in range(ceil(channels / fitting), 0, -1):
        pairs = ceil(left / (2 * count)) * 2
        parts.append(min(pairs, fitting, left))
        left -= parts[-1]
    pixels_in_all = height * width
    tiles = [min(8, pixels_in_all - first) for first in range(0, pixels_in_all, 8)]
    # the first step may wait longer for its inputs than for its weights
    under = min(height, side // 2 + 1) * min(width, 8 + side // 2) * channels * 4
    first_load = ceil(parts[0] * outputs * side**2 * 4 / 64) * 4
    cycles = max(0, ceil(under / 64) * 4 - first_load)
    for pixels in tiles:
        for part in parts:
            load = ceil(part * outputs * side**2 * 4 / 64) * 4  # bursts of 64 bytes, 16 per cycle
            cycles += load + 100 + ceil(pixels * outputs * part * side**2 / 64)
    cycles += ceil(tiles[-1] * outputs * 4 / 64) * 4
    for engine in ("fast", "event"):
        result = simulate(
            network(one),
            "cofluent64",
            bits=32,
            baseline_bits="none",
            engine=engine,
            set={"memory.index_buffer.kib": kib, "memory.activation_buffer.kib": 4096},
        )
        assert result.run.mapping.layers[0].plan.is_cut
        assert result.cycles == cycles
