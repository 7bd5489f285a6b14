"""Sub-bit against 1-bit weights, each on its best hardware: every choice, by brute force."""

from itertools import product

import numpy as np
import pytest

from simulator import load_energy, load_hardware, load_workload, simulate
from simulator.machines.lut_array.area import area
from simulator.paper.fair import (
    DOTS,
    KIB,
    LUT,
    ONE_BIT,
    PES,
    PORT,
    SUB_BIT,
    SUBSET,
    Fair,
    Space,
    bits_of,
    compare_fairly,
)  # fmt: skip
from simulator.paper.fair_report import (
    _first,
    _ratios,
    area_rows,
    best_rows,
    every_area,
    port_rows,
    sentences,
)
from simulator.studies.fronts import AREA

pytestmark = pytest.mark.paper

SPACE = Space(
    networks=("vgg-small",),
    activation_bits=(1, 4),
    taus=(5,),
    pes=(64,),
    dots=(1, 4),
    ports=(160, 288),
    index_kib=(72, 288),
)


@pytest.fixture(scope="module")
def fair() -> Fair:
    return compare_fairly(SPACE, jobs=1)


def machine(tau: int, **keys: object) -> list[str]:
    """Overrides of one configuration in the space."""
    size = "none" if tau == ONE_BIT else 2**tau
    return [f"{SUBSET}={size}", *(f"{key}={value}" for key, value in keys.items())]


@pytest.mark.slow
def test_every_run_is_that_of_a_single_command(fair: Fair) -> None:
    assert len(fair.rows) == 2 * 8 + 2 * 16  # a sub-bit configuration has a LUT or none
    network = load_workload("vgg-small")
    for row in fair.rows:
        keys = {key: row[f"hw.{key}"] for key in (PES, DOTS, LUT, PORT, KIB)}
        hardware = load_hardware("cofluent64", machine(row["tau"], **keys))
        bits = row["activation_bits"]
        run = simulate(network, hardware, tau=row["tau"], activation_bits=bits)
        assert row["cycles"] == run.cycles
        assert row[AREA] == sum(area(hardware, bits).values())
        priced = run.with_energy(load_energy("45nm")).energy
        assert priced is not None
        assert row["energy_uj"] == priced.run.microjoules


def times(fair: Fair, bits: int, tau: int, largest: float, port: float = np.inf) -> list[float]:
    """Times in ms of all runs within an area and a port rate."""
    return [
        row["time_ms"]
        for row in fair.rows
        if (row["activation_bits"], row["tau"]) == (bits, tau)
        and row[AREA] <= largest
        and row[f"hw.{PORT}"] <= port
    ]


def test_ratios_within_an_area(fair: Fair) -> None:
    for row in every_area(fair):
        bits, largest = row["activation_bits"], row[AREA]
        one, sub = (times(fair, bits, tau, largest + 0.5) for tau in (ONE_BIT, SUB_BIT))
        ratio = row["speedup_0.56_bit"]
        if one and sub:
            assert ratio == pytest.approx(min(one) / min(sub))
        else:
            assert ratio == (0 if one else np.inf)
    for row in area_rows(fair):
        bits = row["activation bits"]
        one, sub = (times(fair, bits, tau, 9e6) for tau in (ONE_BIT, SUB_BIT))
        assert row["9 MGE"] == f"{min(one) / min(sub):.2f}x"


def test_best_is_the_smallest_within_a_percent(fair: Fair) -> None:
    for row in best_rows(fair):
        bits = row["activation bits"]
        tau = ONE_BIT if row["bits"] == "1" else SUB_BIT
        limit = 1.01 * min(times(fair, bits, tau, np.inf))
        smaller = [
            other[AREA]
            for other in fair.rows
            if (other["activation_bits"], other["tau"]) == (bits, tau) and other["time_ms"] <= limit
        ]
        assert row["MGE"] == f"{min(smaller) / 1e6:.2f}"
        assert float(row["ms"]) <= limit + 0.0005


def test_within_a_port_both_keep_to_it_and_to_the_area(fair: Fair) -> None:
    rows = port_rows(fair)
    assert [(r["activation bits"], r["port (B/cycle)"]) for r in rows] == [
        *product(SPACE.activation_bits, SPACE.ports)
    ]
    for row in rows:
        largest = 1e6 * float(row["within MGE"]) + 5e3  # as printed
        for tau, title in ((ONE_BIT, "1 bit (ms)"), (SUB_BIT, "0.56 bit (ms)")):
            fastest = min(times(fair, row["activation bits"], tau, largest, row["port (B/cycle)"]))
            assert fastest - 0.0005 <= float(row[title]) <= 1.01 * fastest + 0.0005


def test_sentences_hold(fair: Fair) -> None:
    winning, even = sentences(fair)
    assert winning.startswith("With activations of 4 bits, 0.56-bit weights are faster")
    assert even.startswith("With activations of 1 bit, they save little time")
    for bits in SPACE.activation_bits:
        areas, ratios = _ratios(fair, "vgg-small", bits)
        first = _first(areas, ratios, 0.995)
        assert all(ratio >= 0.995 for ratio in ratios[areas >= first])
        every = [row for row in every_area(fair) if row["activation_bits"] == bits]
        before = [row for row in every if row[AREA] < round(first)]
        assert not before or before[-1]["speedup_0.56_bit"] < 0.995


def test_bits_are_the_papers() -> None:
    assert [bits_of(tau) for tau in (9, 6, 5, 4)] == [1, 0.67, 0.56, 0.44]
