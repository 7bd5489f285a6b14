"""A study's memory does not grow with its points, nor its report's with its axes' values."""

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from simulator.analysis.run import Run
from simulator.analysis.running import run_together
from simulator.base.tabular import write_table
from simulator.machines import Hardware
from simulator.machines.lut_array.vocabulary import CATEGORIES
from simulator.studies import evaluate, grid_study, store, study
from simulator.studies.axes import axis, setting_axis
from simulator.studies.causes import cycles_columns
from simulator.studies.chunks import unpack
from simulator.studies.columns import chunk_columns
from simulator.studies.effects import Effect, effects_of
from simulator.studies.local import run_locally
from simulator.studies.plots import _pair, _together, dots
from simulator.studies.point_numbers import StudyFigures, read_figures
from simulator.studies.relative import Relations
from simulator.studies.relative_columns import RelativeColumns
from simulator.workload import Workload
from tests.test_bad_input import NET

pytestmark = pytest.mark.unit

FEW, MANY = 800, 2_400
"""Numbers of points that fill every cache; `remembering` leaves only a study's own cost."""
POOLS = [pa.default_memory_pool()]
"""Pools that must stay alive because pools get their memory back at any later time."""


def kept_by(work: Callable[[], object]) -> int:
    """Bytes that Python and numpy still hold after some work, beyond the bytes before.

    The count excludes pathlib because it interns names, and Python's table of names grows in leaps.
    """
    tracemalloc.start()
    work()
    traces = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(False, "*pathlib*")])
    tracemalloc.stop()
    return sum(each.size for each in traces.statistics("filename"))


def peak_of(work: Callable[[], object]) -> int:
    """Peak bytes that Python and numpy hold during some work."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def in_arrow(work: Callable[[], object]) -> int:
    """Peak bytes of Arrow's memory during some work; Python does not count them."""
    counted = pa.proxy_memory_pool(POOLS[0])
    POOLS.append(counted)
    pa.set_memory_pool(counted)
    work()
    peak = counted.max_memory()
    pa.set_memory_pool(POOLS[0])
    assert isinstance(peak, int)
    return peak


def grid(points: int, folder: Path) -> study.Study:
    """A study with this many points of a small network."""
    (folder / "net.yaml").write_text(NET)
    made = grid_study(
        [
            axis("hw", "cofluent64"),
            axis("model", str(folder / "net.yaml")),
            axis("tau", "3,5"),
            setting_axis("array.pes=8:80:+8"),
            setting_axis(f"memory.dram.bytes_per_cycle=1:{points // 20}:+1"),
        ]
    )
    assert len(made.points) == points
    return made


def bytes_of_a_point(folder: Path) -> float:
    """Bytes per point in a program that holds the rows of all points."""
    made, held = grid(200, folder), []

    def work() -> None:
        for _, rows in run_locally(made, made.chunks(), jobs=1):
            held.append(unpack(rows.points))

    return kept_by(work) / 200


def peaks(points: int, folder: Path) -> dict[str, int]:
    """Peak bytes of a study's parts: the work, the assembly, the figures of the report."""
    made, found = grid(points, folder), {}
    with store.open_store(folder / str(points), made) as kept:
        chunks = run_locally(made, made.chunks(), jobs=1)
        kept.keep(*next(chunks))

        def work() -> None:
            for number, rows in chunks:
                kept.keep(number, rows)

        found["work"] = kept_by(work)
        columns = chunk_columns(("lut_array",), baselines=True)
        found["csv"] = peak_of(
            lambda: write_table(folder / "points.csv", columns, kept._columns("points"), 100)
        )
        found["assembly"] = peak_of(lambda: found.update(arrow=in_arrow(kept.assemble)))
        found["figures"] = peak_of(lambda: effects_of(read_figures(kept.numbers_file)))
    return found


@pytest.mark.slow
def test_peaks_do_not_grow_with_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[float, Run] = {}

    def remembering(jobs: list[tuple[Workload, Hardware]]) -> list[Run]:
        for workload, hardware in jobs:
            if workload.bits not in known:
                (run,) = run_together([(workload, hardware)])
                assert isinstance(run, Run)
                known[workload.bits] = run
        return [known[workload.bits] for workload, _ in jobs]

    monkeypatch.setattr(evaluate, "run_together", remembering)
    monkeypatch.setattr(study, "_MOST_CHUNK_POINTS", 6)  # both sizes work in equal pieces
    monkeypatch.setattr(store, "_ROW_GROUP", 100)
    evaluate._evaluator.cache_clear()
    _, few, many = (peaks(count, tmp_path) for count in (200, FEW, MANY))  # the first imports
    row = bytes_of_a_point(tmp_path)
    # the assembly gathers a few numbers of each point; the figures sort these numbers
    most = {"work": 0.02, "csv": 0.02, "arrow": 0.02, "assembly": 0.2, "figures": 0.1}
    for part, share in most.items():
        assert (many[part] - few[part]) / (MANY - FEW) < share * row, part


@pytest.mark.slow
def test_a_study_does_without_pandas(tmp_path: Path) -> None:
    """Without pandas, every worker saves 47 MB and half a second."""
    (tmp_path / "net.yaml").write_text(NET)
    line = ["sweep", "--hw", "cofluent64", "--model", "net.yaml", "--tau", "3,5"]
    line += ["--set", "array.pes=0,16,32", "--layers", "--jobs", "1", "--out", "study"]
    code = f"import sys; from simulator.cli import cli; cli({line}, standalone_mode=False); "
    code += "sys.exit('pandas' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "study/heatmap.svg").exists()


CAUSES = tuple(category.name for category in CATEGORIES)


def test_compared_points_keep_a_number_for_each_cause() -> None:
    """Every point is slower than the first."""
    count, chunk = 20_000, 100
    zeros = np.zeros(count)
    relations = Relations(
        reference=np.zeros(count, np.int64), own=True, over_reference=zeros, efficiency=None,
        fastest=zeros > 0, cheapest=zeros > 0, dominated=zeros > 0,
        slower_than=np.where(np.arange(count) > 0, 0, -1),
    )  # fmt: skip
    cycles = dict.fromkeys(cycles_columns(CAUSES), [10] * chunk) | {"error": [None] * chunk}
    longer = cycles | {"drain_cycles": list(range(11, 11 + chunk))}

    held = []

    def work() -> None:
        held[:] = [RelativeColumns(np.arange(count), relations, ("lut_array",))]
        held[0].gather(0, cycles)
        for first in range(chunk, count, chunk):
            held[0].gather(first, longer)

    work()  # numpy imports
    assert kept_by(work) < (len(CAUSES) + 4) * 8 * count
    (relative,) = held
    *_, last = relative.of(count - chunk, longer)["grown_cause_percent"]
    assert last == 100 * (10 + chunk) / (10 * len(CAUSES) + chunk)
    assert relative.of(count - chunk, longer)["grown_cause"] == ["drain"] * chunk


def figures(codes: dict[str, list[int]], times: list[float]) -> StudyFigures:
    """Figures of points with these codes and times."""
    time_ms = np.array(times)
    return StudyFigures(
        point_count=len(times),
        errors={},
        axes={name: tuple(range(max(some) + 1)) for name, some in codes.items()},
        codes={name: np.array(some, np.uint16) for name, some in codes.items()},
        time_ms=time_ms,
        speedup=1 / time_ms,
        point=np.arange(len(times)),
    )


def test_axes_of_very_many_values() -> None:
    """No two points differ in only one axis; memory stays below 50 numbers per point."""
    count = 30_000
    codes = {"a": list(range(count)), "b": [7 * n % count for n in range(count)]}
    made = figures(
        codes | {"c": [n % 2 for n in range(count)]}, [2.0 + n % 2 for n in range(count)]
    )
    assert {effect.axis: effect.sets for effect in effects_of(made)} == {"a": 0, "b": 0, "c": 0}
    assert peak_of(lambda: effects_of(made)) < 50 * 8 * count


def effect(name: str, values: int) -> Effect:
    """An axis with this many values."""
    return Effect(axes=(name,), values=tuple((n,) for n in range(values)), sets=1, largest_ratio=2)


def test_a_heat_map_has_cells_that_can_be_seen() -> None:
    wide, long, model, bits = (
        effect("array.pes", 1000), effect("clock_ghz", 1000), effect("model", 2), effect("bits", 3)
    )  # fmt: skip
    assert _pair((wide, long, model, bits)) == (wide, bits)  # 1000 * 1000 cells are too many
    assert _pair((wide, long)) is None
    assert _pair((model, bits)) is None


def test_neighbours_are_drawn_together() -> None:
    numbers = tuple(range(300))
    places, count = _together(np.arange(300.0), numbers)
    assert count == 3  # 300 values, for at most 128 marks
    assert places.tolist() == list(range(1, 300, 3))
    places, count = _together(np.arange(257.0), numbers[:257])
    assert (len(places), count, places[-1]) == (86, 3, 256)  # the last two values
    assert _together(np.arange(128.0), numbers[:128])[1] == 1
    assert _together(np.arange(129.0), (None, *numbers[:128]))[1] == 1


def test_dots_stand_where_points_are() -> None:
    rng = np.random.default_rng(5)
    cost, time = 10 ** rng.uniform(0, 3, (2, 20_000))
    across, along = dots(cost, time)
    assert len(across) <= 400**2
    step = np.log(1000) / 399
    places = np.rint(np.log([across, along]) / step).astype(int).T
    asked = np.rint(np.log([cost, time]) / step).astype(int).T
    near = {tuple(place + shift) for place in places for shift in np.ndindex(2, 2)}
    near |= {tuple(place - shift) for place in places for shift in np.ndindex(2, 2)}
    assert all(tuple(place) in near for place in asked)  # half a step off at most
    one = dots(np.array([4.0, 4.0]), np.array([3.0, 3.0]))
    assert [some.tolist() for some in one] == [[4.0], [3.0]]
    assert max(len(some) for some in dots(cost[:1].repeat(9), time[:9])) == 9
