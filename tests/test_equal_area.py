"""The systolic array of equal area: its search by brute force, its area by hand, its report."""

import csv
from fractions import Fraction
from math import inf

import pytest

from simulator import InputError, load_hardware, load_workload, simulate
from simulator.machines.assumptions import assumptions
from simulator.paper.equal_area import (
    NETWORK,
    REFERENCE,
    SCRATCHPADS,
    SYSTOLIC,
    Area,
    Candidate,
    Kind,
    Search,
    area_of,
    candidates,
    divisions,
    shape_of,
)
from simulator.paper.equal_area_report import ROOM, RUNS, run_rows
from tests.conftest import ROOT

pytestmark = pytest.mark.paper

REPORTS = ROOT / "reports"
KIND = Kind(dataflow="output_stationary", operand_bits=16)


def rows_of(name: str) -> list[dict[str, str]]:
    with (REPORTS / name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_both_areas_are_within_two_percent() -> None:
    one, other = (area_of(load_hardware(name)) for name in (REFERENCE, SYSTOLIC))
    assert abs(one.logic - other.logic) <= 0.02 * one.logic
    assert abs(one.sram - other.sram) <= 0.02 * one.sram
    assert other.equals(one)


def test_the_area_by_hand() -> None:
    # docs/systolic.md and docs/energy.md, in numbers
    adder, flip_flop, mux, xnor = Fraction(16, 3), Fraction(17, 3), Fraction(7, 3), 2
    stored, pes, sums = flip_flop + mux, 40 * 39, 64
    parts = [
        pes * 16 * 16 * adder,
        pes * (16 * xnor + (16 - 1) * adder),  # 16 is one 1 in binary
        pes * sums * adder,
        pes * (16 + 16 + 2 * sums) * stored,
        (40 * 39 // 2 + 39 * 38 // 2) * 16 * flip_flop,
        2 * 64 * 9 * 2 * stored / 2 + 39 * 2 * (2 * 64 - 1) * 9 * mux,  # 16 XNORs: 2 kernels
        3 * (8 * 64 * stored + 8 * 16 * flip_flop),
        64 * (16 * 16 * adder + 16 * adder + 3 * 16 * flip_flop),  # the vector unit
        *(word * 2 * 2 * flip_flop for word in (40 * 16, 39 * 16, 39 * sums)),
    ]
    logic = area_of(load_hardware(SYSTOLIC)).logic
    assert abs(logic - sum(parts)) < len(parts)  # each part rounds up
    # 640 KiB of two-port cells, as in the paper's array: 576 + 64
    bits = 640 * 8192 * Fraction(62, 100) * Fraction(62, 52) * Fraction(36, 26)
    assert area_of(load_hardware(SYSTOLIC)).sram == pytest.approx(float(bits), abs=3)


def test_the_closest_shape_by_brute_force() -> None:
    """The search starts at 1 x 1; its result is the closest of all shapes of 35 to 45 rows."""
    target = area_of(load_hardware(REFERENCE))

    def distance(shape: tuple[int, int]) -> int:
        keys = [*KIND.settings, f"array.rows={shape[0]}", f"array.columns={shape[1]}"]
        return abs(area_of(load_hardware(SYSTOLIC, keys)).logic - target.logic)

    square = [(n, n + more) for n in range(35, 46) for more in (-1, 0, 1)]
    assert shape_of(KIND, target) == min(square, key=distance) == (40, 39)


def test_every_division_of_the_sram() -> None:
    found = list(divisions(area_of(load_hardware(REFERENCE))))
    assert {sum(one) for one in found} == {640}
    assert len(set(found)) == len(found) == 9 * 8 // 2  # two cuts at 9 places
    assert {size % 64 for one in found for size in one} == {0}


def test_the_search_takes_the_fastest_of_equal_area() -> None:
    def candidate(time_ms: float, logic: int) -> Candidate:
        area = Area(logic, 1000)
        return Candidate(kind=KIND, rows=1, columns=1, kib=(1, 1, 1), area=area, time_ms=time_ms)

    fast, equal, slow = candidate(1, 1021), candidate(2, 1020), candidate(3, 980)
    assert Search(reference=Area(1000, 1000), candidates=(fast, equal, slow)).best is equal
    near, far = candidate(inf, 1030), candidate(1, 1040)
    assert Search(reference=Area(1000, 1000), candidates=(far, near)).best is near


def test_the_shipped_file_is_the_fastest_candidate_of_the_report() -> None:
    rows = rows_of("equal_area_candidates.csv")
    times = [float(row["time at 32 bits (ms)"]) for row in rows]
    assert len(times) == 9 * 36
    first = 36  # output_stationary with 8 bits comes first
    every = list(candidates(KIND, area_of(load_hardware(REFERENCE))))
    best = every[times.index(min(times)) - first]
    assert load_hardware(SYSTOLIC, best.settings) == load_hardware(SYSTOLIC)
    run = simulate(load_workload(NETWORK), SYSTOLIC, bits=32)
    assert f"{run.time_ms:.3f}" == f"{min(times):.3f}"


def test_the_report_has_every_candidate_within_the_area() -> None:
    for row in rows_of("equal_area_candidates.csv"):
        for part in ("logic", "SRAM"):
            assert abs(float(row[part].removesuffix(" %"))) <= 2


def test_the_report_has_the_runs() -> None:
    shown = [{key: str(value) for key, value in row.items()} for row in run_rows()]
    assert rows_of("equal_area.csv") == shown
    assert len(shown) == 2 * len(RUNS)


def test_the_paper_array_needs_room_for_full_precision() -> None:
    network = load_workload(NETWORK)
    with pytest.raises(InputError, match=r"activation_buffer.kib is 64: layer layer2.0.conv1"):
        simulate(network, REFERENCE, bits=32, baseline_bits="none")
    roomy, own = area_of(load_hardware(REFERENCE, ROOM)), area_of(load_hardware(REFERENCE))
    assert roomy.logic == own.logic
    assert abs(roomy.sram - own.sram) <= 1  # each buffer rounds up


def test_the_file_marks_every_choice() -> None:
    marked = {one.key for one in assumptions(SYSTOLIC)}
    chosen = {"array.rows", "array.columns", "array.dataflow", "array.pe.input_bits", *SCRATCHPADS}
    assert chosen <= marked
