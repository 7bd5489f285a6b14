"""Fronts of time against area, and the best design at equal area, against plain loops."""

import csv
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from simulator.studies.fronts import STEP, FrontGroup, front_of, leads, steps
from simulator.studies.fronts_report import front_table, sentences
from tests.conftest import Command
from tests.test_bad_input import NET, refused

Points = list[tuple[float, float]]

points = st.lists(
    st.tuples(st.integers(10, 60).map(float), st.integers(1, 40).map(float)),
    min_size=1,
    max_size=12,
)


def group_of(*series: Points) -> FrontGroup:
    fronts = []
    for number, each in enumerate(series):
        area, time = np.array(each).T
        fronts.append(front_of(number, area, time, np.arange(len(each))))
    return FrontGroup(axis="bits", same={}, fronts=tuple(fronts))


def fastest(each: Points, area: float) -> float:
    return min((time for size, time in each if size <= area), default=np.inf)


@pytest.mark.invariant
@given(each=points)
def test_a_front_is_what_no_point_beats(each: Points) -> None:
    (front,) = group_of(each).fronts
    kept = {
        (area, time)
        for area, time in each
        if not any((a <= area and t < time) or (a < area and t <= time) for a, t in each)
    }
    assert [*zip(front.area, front.time_ms, strict=True)] == sorted(kept)
    assert [each[n] for n in front.point] == sorted(kept)


@pytest.mark.invariant
@given(one=points, other=points)
def test_leads_are_what_a_loop_over_the_areas_finds(one: Points, other: Points) -> None:
    group = group_of(one, other)
    found = leads(group)
    for area in group.areas:
        (lead,) = [x for x in found if x.first <= area <= x.last]
        times = [fastest(one, area), fastest(other, area)]
        assert lead.value == (None if times[0] == times[1] else times.index(min(times)))
        if np.isfinite(max(times)):
            assert lead.least <= max(times) / min(times) <= lead.most


@pytest.mark.unit
def test_steps_are_of_two_percent_and_reach_the_largest() -> None:
    areas = steps(100, 150)
    assert areas[0] == 100
    assert areas[-2] < 150 <= areas[-1]
    assert areas[1:] / areas[:-1] == pytest.approx(STEP)
    assert steps(7, 7).tolist() == [7]


@pytest.mark.unit
def test_words() -> None:
    group = group_of([(10e6, 4.0), (20e6, 1.0)], [(12e6, 2.0), (20e6, 1.0)])
    assert sentences(group) == [
        "within 10.00 to 11.95 MGE: bits 0 alone fits.",
        "within 12.19 to 20.00 MGE: bits 1 is fastest, 2.00x over the next.",
        "within 20.40 MGE: the two fastest are equally fast.",
    ]
    first, *others = front_table(group).columns
    assert first.cells == ["10.00", "12.19", "20.40"]
    assert [column.cells for column in others] == [
        ["4.000", "4.000", "1.000"],
        ["-", "2.000", "1.000"],
    ]


@pytest.mark.unit
def test_a_lead_of_less_than_half_a_percent_is_called_that() -> None:
    group = group_of([(10e6, 1000.0)], [(10e6, 1001.0)])
    assert sentences(group) == ["within 10.00 MGE: bits 0 is fastest, by less than 0.5 %."]


@pytest.mark.command
class TestCommand:
    RUN = ("sweep", "--hw", "cofluent64", "--model", "net.yaml", "--bits", "1,0.56", "--jobs", 1)

    @pytest.fixture(autouse=True)
    def net(self, tmp_path: Path) -> None:
        (tmp_path / "net.yaml").write_text(NET)

    @pytest.mark.slow
    def test_prints_and_writes_the_fronts(self, command: Command, tmp_path: Path) -> None:
        done = command(*self.RUN, "--set", "array.pes=4,8", "--fronts", "bits", "--out", "s")
        assert done.returncode == 0, done.stderr
        assert "within an area, by bits" in done.stdout
        assert {"fronts.csv", "fronts.png", "fronts.svg"} <= {
            x.name for x in Path(tmp_path / "s").iterdir()
        }
        with (tmp_path / "s/fronts.csv").open() as file:
            rows = [*csv.DictReader(file)]
        assert {row["bits"] for row in rows} == {"1.0", "0.56"}
        assert "fronts.csv" in done.stdout
        bare = command(*self.RUN, "--set", "array.pes=4,8", "--fronts", "bits")
        assert "within an area, by bits" in bare.stdout

    @pytest.mark.parametrize(
        ("axis", "words"),
        [
            ("bit", "did you mean 'bits'?"),
            ("batch", "choose one of"),
            ("array.pes", "choose one of"),
        ],
    )
    def test_what_is_no_axis_is_refused_before_the_run(
        self, command: Command, tmp_path: Path, axis: str, words: str
    ) -> None:
        line = refused(command, *self.RUN, "--fronts", axis, "--out", "s")
        assert f"--fronts {axis}: not an axis of several values" in line
        assert words in line
        assert not (tmp_path / "s").exists()
