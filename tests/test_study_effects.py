"""Sentences of a study, each checked against the study's own points by brute force."""

import re
from collections import defaultdict
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.studies import points_study, run_study
from simulator.studies.axes import axis
from simulator.studies.effects import effects_of
from simulator.studies.factors import factors_of
from simulator.studies.point_numbers import StudyFigures
from simulator.studies.wording import ratio, sentence

pytestmark = pytest.mark.unit

Points = list[dict[str, Any]]
TIME = "time"


def figures_of(points: Points) -> StudyFigures:
    """Points in the form of a study's figures, without axes of one value."""
    names = [name for name in points[0] if name != TIME]
    values = {name: sorted({point[name] for point in points}) for name in names}
    axes = {name: tuple(some) for name, some in values.items() if len(some) > 1}
    times = np.array([point[TIME] for point in points], dtype=np.float64)
    return StudyFigures(
        point_count=len(points),
        errors={},
        axes=axes,
        codes={
            name: np.array([axes[name].index(point[name]) for point in points]) for name in axes
        },
        time_ms=times,
        speedup=1 / times,
        point=np.arange(len(points)),
    )


@st.composite
def studies(draw: st.DrawFn) -> Points:
    """Part of a grid of two or three axes, with or without an axis that follows one of them."""
    axes = {name: draw(st.integers(2, 4)) for name in "abc"[: draw(st.integers(2, 3))]}
    grid = [dict(zip(axes, point, strict=True)) for point in product(*map(range, axes.values()))]
    kept = draw(st.sampled_from([len(grid), max(2, len(grid) // 2), 3]))
    points: Points = draw(st.permutations(grid))[:kept]
    follows = draw(st.sampled_from([None, lambda a: 10 * a, lambda a: 7 - a, lambda a: a // 2]))
    shape = draw(st.sampled_from(["product", "mixed", "flat", "near"]))
    times = st.sampled_from([1.0, 1.004, 2.0, 3.0, 5.0])
    return [
        {
            **point,
            **({"follows": follows(point["a"])} if follows else {}),
            TIME: {
                "product": 2.0 ** point["a"] * 3.0 ** point["b"],
                "mixed": draw(times),
                "flat": 4.0,
                "near": 4.0 + 0.001 * point["a"],
            }[shape],
        }
        for point in points
    ]


class Reading:
    """Points in the sets that a reader of the table compares: equal in all other axes."""

    def __init__(self, points: Points, names: list[str]) -> None:
        """Treat the axes of a sentence as one axis."""
        self.lead = names[0]
        self.others = [name for name in points[0] if name not in {*names, TIME}]
        groups = defaultdict(list)
        for point in points:
            groups[tuple(point[name] for name in self.others)].append(point)
        self.sets = {
            key: some
            for key, some in groups.items()
            if len({tuple(point[name] for name in names) for point in some}) > 1
        }
        spans = [
            max(p[TIME] for p in some) / min(p[TIME] for p in some) for some in self.sets.values()
        ]
        self.least, self.largest = min(spans, default=1.0), max(spans, default=1.0)

    def best(self, some: Points, chosen: Any = min) -> set[str]:
        """Values of the leading axis at the least time of a set."""
        time = chosen(point[TIME] for point in some)
        return {str(point[self.lead]) for point in some if point[TIME] == time}

    def changes_the_best(self, name: str) -> bool:
        """True if sets that differ in only one other axis have no common best value."""
        number = self.others.index(name)
        groups = defaultdict(list)
        for key, some in self.sets.items():
            groups[key[:number] + key[number + 1 :]].append(self.best(some))
        return any(not set.intersection(*bests) for bests in groups.values())


def words(text: str) -> set[str]:
    """The values of a list such as `1, 2, and 3`."""
    return set(re.findall(r"[\w.]+", re.sub(r"\b(and|or)\b", "", text)))


def check(text: str, points: Points) -> None:
    """Raise an error if the points refute a sentence."""
    subject, claim = re.fullmatch(r"((?:`\w+`(?:, and |, | and )?)+)(.*)\.", text).groups()  # type: ignore[union-attr] # every sentence has both
    read = Reading(points, re.findall(r"`(\w+)`", subject))
    if "no two points differ" in claim:
        assert not read.sets
        return
    assert read.sets
    if "no effect" in claim and "almost" not in claim:
        assert read.largest == 1
        return
    if match := re.search(r"almost no effect on the time: at most ([\d.e-]+) %", claim):
        assert 1 < read.largest < 1.01
        assert f"{100 * (read.largest - 1):.2g}" == match[1]
        return
    least, largest = re.search(r"the time by ([\d.]+x)(?: to ([\d.]+x))?", claim).groups()  # type: ignore[union-attr] # the last kind of sentence
    assert (least, largest or least) == (ratio(read.least), ratio(read.largest))
    bests = [read.best(some) for some in read.sets.values()]
    if match := re.search(r"fastest at ([^;]*), depending on (.*?)(?:;|$)", claim):
        assert words(match[1]) == set.union(*bests)
        assert not set.intersection(*bests)
        for name in re.findall(r"`(\w+)`", match[2]):
            assert read.changes_the_best(name)
    elif match := re.search(r"fastest at ([^;]*?)(?:, slowest at (.*?))?(?:;|$)", claim):
        assert words(match[1]) == set.intersection(*bests)
        if match[2]:
            (some,) = read.sets.values()
            assert words(match[2]) == read.best(some, max)
    if match := re.search(r"from (\w+) on, within 1 % of the fastest", claim):
        for some in read.sets.values():
            fastest = min(point[TIME] for point in some)
            later = [p[TIME] for p in some if p[read.lead] >= int(match[1])]
            assert max(later) < 1.01 * fastest


@given(studies())
def test_no_sentence_is_refuted_by_its_points(points: Points) -> None:
    for effect in effects_of(figures_of(points)):
        check(sentence(effect), points)


@given(studies())
def test_axes_that_never_vary_apart_are_one(points: Points) -> None:
    figures = figures_of(points)
    factors = factors_of(figures)
    assert sorted(name for factor in factors for name in factor.axes) == sorted(figures.axes)
    for factor in factors:
        rows = {tuple(point[name] for name in factor.axes) for point in points}
        assert len({row[0] for row in rows}) == len(rows) == len(factor.values)
        for one, other in pairwise(range(len(factor.axes))):
            column = [row[other] for row in sorted(rows)]
            assert one == 0 or column in (sorted(column), sorted(column, reverse=True))


def test_axes_in_step_are_told_once() -> None:
    points = [{"a": a, "b": 10 * a, TIME: 8.0 / a} for a in (1, 2, 4, 8)]
    (effect,) = effects_of(figures_of(points))
    assert sentence(effect) == (
        "`a` and `b` together change the time by 8.00x; fastest at 8, slowest at 1."
    )


def test_an_interaction_is_no_mean() -> None:
    times = {(1, 1): 4.0, (2, 1): 1.0, (1, 2): 1.0, (2, 2): 4.0}
    points = [{"a": a, "b": b, TIME: time} for (a, b), time in times.items()]
    assert {sentence(effect) for effect in effects_of(figures_of(points))} == {
        "`a` changes the time by 4.00x; fastest at 1 or 2, depending on `b`.",
        "`b` changes the time by 4.00x; fastest at 1 or 2, depending on `a`.",
    }


def test_enough_of_an_axis() -> None:
    points = [{"a": a, TIME: time} for a, time in zip((1, 2, 4, 8), (4, 2, 1.005, 1), strict=True)]
    (effect,) = effects_of(figures_of(points))
    assert sentence(effect).endswith("; from 4 on, within 1 % of the fastest.")


def test_a_port_in_step_with_the_pes(tmp_path: Path) -> None:
    """2.5 bytes per cycle for each PE; the two axes change the time once, not twice."""
    path = tmp_path / "points.csv"
    port = "memory.index_buffer.bytes_per_cycle"
    rows = [f"{pes},{2.5 * pes:g}" for pes in (8, 16, 1024)]
    path.write_text("\n".join([f"array.pes,{port}", *rows]))
    constants = [axis("hw", "cofluent64"), axis("model", "r18"), axis("bits", "0.56")]
    study = points_study(path, constants)
    result = run_study(study, tmp_path / "study", jobs=1, tables_only=True)
    (effect,) = result.effects
    assert f"`array.pes` and `{port}` together change the time by 120.6x" in sentence(effect)
    eight, sixteen, most = result.figures.time_ms
    assert f"{eight / most:.1f}" == "120.6"
    assert f"{sixteen / most:.1f}" == "60.3"
