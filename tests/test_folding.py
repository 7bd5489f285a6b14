"""The folding search: folds against all folds, FIFOs against both engines, files and refusals."""

import csv
import json
from collections.abc import Iterator
from functools import cache
from itertools import islice, product
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from simulator import InputError, compare, fold, search, simulate
from simulator.analysis.running import run_one
from simulator.machines import load_hardware
from simulator.machines.streaming.area import plan_area
from simulator.machines.streaming.folding import plan_of
from simulator.machines.streaming.folds import StageFolds
from simulator.machines.streaming.network import Network
from simulator.machines.streaming.plan import Plan
from simulator.machines.streaming.schema import Streaming
from simulator.machines.streaming.shapes import Parallelism, divisors
from simulator.paper.pipelines import ACTIVATION_BITS, FORMS, points
from simulator.paper.pipelines_report import row_of
from simulator.studies.folding import Folding, FoldObjective, find_folding
from simulator.studies.folding.output import hardware_text, sentences
from simulator.workload import Workload, configure
from simulator.workload.network import network_from
from tests.conftest import ROOT, Command
from tests.test_bad_input import refused

pytestmark = pytest.mark.unit

CHAIN: dict[str, Any] = {
    "name": "chain",
    "title": "Chain",
    "ops_convention": "main_paper",
    "input": {"channels": 4, "height": 4, "width": 4},
    "layers": [
        {"name": "c0", "type": "conv", "precision": "binary", "out_channels": 4, "kernel": 3,
         "padding": 1},
        {"name": "n0", "type": "norm"},
        {"name": "c1", "type": "conv", "precision": "binary", "out_channels": 8, "kernel": 3},
        {"name": "n1", "type": "norm"},
        {"name": "fc", "type": "linear", "precision": "binary", "out_features": 4},
    ],
}  # fmt: skip
JOINED = CHAIN | {
    "layers": [
        *CHAIN["layers"][:2],
        {"name": "c1", "type": "conv", "precision": "binary", "out_channels": 4, "kernel": 3,
         "padding": 1},
        {"name": "n1", "type": "norm"},
        {"name": "add", "type": "add", "other": "n0"},
        {"name": "fc", "type": "linear", "precision": "binary", "out_features": 4},
    ]
}  # fmt: skip
NETWORKS = {"chain": CHAIN, "joined": JOINED}
FOLDS = StageFolds()


def machine(*settings: str) -> Streaming:
    found = load_hardware("streaming-r18", ["fifos.depth=2", *settings])
    assert isinstance(found, Streaming)
    return found


def workload(name: str = "chain", tau: int | None = None, batch: int = 4) -> Workload:
    loaded = network_from(NETWORKS[name], Path("x.yaml"))
    taus = {} if tau is None else {"c0": tau, "c1": tau}
    return configure(loaded, bits=1, taus=taus, scope="network", batch=batch)


@cache
def found(name: str = "chain", objective: FoldObjective = "area", limit: float = 2e6) -> Folding:
    return find_folding(workload(name), machine(), objective, limit)


# --- folds: brute force ---------------------------------------------------------------------------


def all_plans(net: Workload) -> list[list[Plan]]:
    """Every fold of every stage."""
    return [
        [
            Plan(shape=shape, fold=Parallelism(*each))
            for each in product(
                divisors(shape.most_pe), shape.simd_options, divisors(shape.most_dots)
            )
        ]
        for shape in Network(net, machine()).shapes()
    ]


def foldings(net: Workload) -> Iterator[tuple[int, int]]:
    """Cycles of the slowest stage, and the area of all stages, of every folding."""
    stages = [
        {(plan.cycles, plan_area(plan, machine())) for plan in plans} for plans in all_plans(net)
    ]
    for each in product(*stages):
        yield max(cycles for cycles, _ in each), ceil(sum(area for _, area in each))


@pytest.mark.parametrize(("name", "tau"), [("chain", None), ("joined", None), ("chain", 3)])
def test_the_folds_are_the_best_of_all_foldings(name: str, tau: int | None) -> None:
    net = workload(name, tau)
    least: dict[int, int] = {}
    for cycles, area in foldings(net):
        least[cycles] = min(area, least.get(cycles, area))
    by_layer = FOLDS.options(net, machine())
    fastest = max(options[0] for options in by_layer.values())
    assert fastest == min(least)
    options = sorted({c for one in by_layer.values() for c in one if c >= fastest})
    assert options == sorted(least)
    best = 1 << 60
    areas = []
    for cycles in options:  # the least area of all foldings that are at least as fast
        best = min(best, least[cycles])
        areas.append(FOLDS.area(net, machine(), cycles))
        assert areas[-1] == best
    assert areas == sorted(areas, reverse=True)


def test_a_fold_of_the_file_stays() -> None:
    kept = machine("folding.layers={c1: {pe: 2}}")
    folded = FOLDS.folded(workload(), kept, 500)
    assert folded.folding.layers["c1"].pe == 2
    assert set(folded.folding.layers) == {"c0", "c1", "fc"}
    for shape in Network(workload(), kept).shapes():
        assert plan_of(shape, folded).cycles <= 500


# --- the pipeline found ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["chain", "joined"])
def test_the_interval_is_that_of_the_slowest_unit_in_both_engines(name: str) -> None:
    folding = found(name)
    assert folding.depths.interval == folding.depths.least
    for engine in ("fast", "event"):
        run = run_one(workload(name), folding.hardware, engine)
        assert run.images is not None
        assert run.images.interval_cycles == folding.depths.least
    assert folding.rate >= folding.limit
    assert folding.cycles <= 0.3e9 / folding.limit


def test_fewer_words_of_a_deepened_fifo_lengthen_the_interval() -> None:
    folding = found()
    assert folding.depths.deepened
    for name, words in folding.depths.deepened.items():
        fewer = FOLDS.with_depths(folding.hardware, {name: words - 1})  # type: ignore[arg-type]
        run = run_one(workload(), fewer)
        assert run.images is not None
        assert (run.images.interval_cycles or 1 << 60) > folding.depths.interval


def test_the_highest_rate_within_an_area() -> None:
    area = found().area
    folding = found(objective="rate", limit=area)
    assert folding.area <= area
    assert folding.rate >= found().rate  # the folding of the other search is one of those
    fits = [cycles for cycles, stages in foldings(workload()) if stages <= area]
    assert folding.bound == pytest.approx(0.3e9 / min(fits))
    assert folding.rate <= folding.bound


def test_the_file_found_gives_the_printed_numbers(tmp_path: Path) -> None:
    folding = found()
    (tmp_path / "found.yaml").write_text(hardware_text(folding))
    again = load_hardware(tmp_path / "found.yaml")
    assert again == folding.hardware
    run = run_one(workload(), again)
    assert run.image_ends is not None
    assert run.image_ends.tolist() == folding.run.image_ends.tolist()  # type: ignore[union-attr]
    assert run.family.gate_equivalents(again, run.mapping.layers) == folding.area
    assert sum(one.area for one in folding.stages) == folding.area
    assert any("bounded" in line for line in sentences(folding))


@pytest.mark.parametrize(
    ("objective", "limit", "words"),
    [
        ("area", 1e9, "takes at least"),
        ("rate", 10, "the stages take at least"),
        ("area", 0, "must be more than 0"),
        ("rate", float("nan"), "must be more than 0"),
    ],
)
def test_a_limit_that_no_folding_meets(objective: FoldObjective, limit: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        find_folding(workload(), machine(), objective, limit)


def test_a_limit_of_fifos_is_refused() -> None:
    with pytest.raises(InputError, match=r"fifos\.limit: the search sizes the FIFOs"):
        find_folding(workload(), machine("fifos.limit=2"), "area", 1e5)


def test_a_stage_that_names_its_layer_is_named_once() -> None:
    net = network_from(CHAIN, Path("x.yaml"))
    runs = [simulate(net, machine(), bits=1, taus=taus) for taus in (None, {"c1": 3})]
    text = "; ".join(compare(*runs).why)
    assert "stage c1" in text
    assert "in stage c1 in c1" not in text


@pytest.mark.command
def test_compare_takes_two_numbers_of_bits(command: Command, tmp_path: Path) -> None:
    network = tmp_path / "chain.yaml"
    network.write_text(json.dumps(CHAIN))
    sides = ("compare", "streaming-r18", "--model", network)
    done = command(*sides, "--bits", "1,0.56", "--json")
    assert done.returncode == 0, done.stderr
    (change,) = json.loads(done.stdout)["configuration"]
    assert (change["key"], change["a"], change["b"]) == ("run.layers.tau", None, 5)
    assert "A and B would be equal" in refused(command, *sides, "--bits", "1,1")
    assert "one number, or two" in refused(command, *sides, "--bits", "1,0.56,0.33")


# --- the study of pipelines -----------------------------------------------------------------------


def rows(name: str) -> list[dict[str, str]]:
    with (ROOT / "reports" / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.paper
def test_the_first_points_of_the_report() -> None:
    for row, point in zip(rows("pipelines.csv"), islice(points([1]), 2), strict=False):
        assert {key: str(value) for key, value in row_of(point).items()} == row
        assert sum(point.areas.values()) == point.area


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rate", [2e5, 1e6, 3e6])
def test_no_slower_folding_in_the_area_of_a_folding(name: str, rate: float) -> None:
    one = found(name, "area", rate)
    other = find_folding(workload(name), machine(), "rate", one.area)
    assert other.area <= one.area
    assert other.rate >= one.rate


def test_expanded_kernels_have_the_folds_of_1_bit_kernels() -> None:
    one, other = (
        find_folding(workload("chain", tau), machine(f"shared_kernels={kind}"), "area", 2e6)
        for tau, kind in ((None, "lut"), (3, "expanded"))
    )
    assert (one.stages, one.depths) == (other.stages, other.depths)


@pytest.mark.paper
def test_expanded_kernels_run_as_1_bit_kernels() -> None:
    report = rows("pipelines.csv")
    assert len(report) == 2 * len(FORMS) * len(ACTIVATION_BITS)
    for one in report:
        if one["form"] != "1-bit MVTU":
            continue
        (other,) = (
            row
            for row in report
            if row["form"] == "sub-bit, expanded"
            and all(row[key] == one[key] for key in ("compared at", "activation bits"))
        )
        for key in ("cycles per image", "total (GE)", "weights or indices (kbit)"):
            assert one[key] == other[key]


# --- the command ----------------------------------------------------------------------------------

PIPELINE = ("search", "--hw", "streaming-r18", "--model", "r18")


@pytest.mark.command
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--objective", "area"), "--objective area needs --min-images-per-s"),
        (("--objective", "rate"), "--objective rate needs --max-area"),
        (("--objective", "rate", "--max-area", "1e6", "--min-images-per-s", "9"), "no effect"),
        (("--objective", "area", "--min-images-per-s", "9", "--taus", "5"), "--taus has no effect"),
        (("--objective", "time", "--mean-bits", "1", "--bits", "1"), "--bits has no effect"),
        (("--objective", "area", "--min-images-per-s", "9", "--batch", "2"), "at least 4 images"),
    ],
)
def test_options_without_effect_are_refused(
    command: Command, arguments: tuple[str, ...], words: str
) -> None:
    assert words in refused(command, *PIPELINE, *arguments)


@pytest.mark.command
def test_other_machines_have_no_folds(command: Command) -> None:
    line = refused(
        command, "search", "--hw", "cofluent64", "--model", "r18", "--bits", "1",
        "--objective", "area", "--min-images-per-s", "9",
    )  # fmt: skip
    assert "cofluent64 has no stages to fold" in line


@pytest.mark.command
def test_the_command_writes_a_file_that_runs(command: Command, tmp_path: Path) -> None:
    network, out = tmp_path / "chain.yaml", tmp_path / "out"
    network.write_text(json.dumps(CHAIN))
    done = command(
        "search", "--hw", "streaming-r18", "--model", network, "--objective", "area",
        "--min-images-per-s", "2e6", "--batch", "4", "--out", out, "--json",
        "--set", "fifos.depth=2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary == json.loads((out / "search.json").read_text())
    assert summary["area_gate_equivalents"] == found().area
    assert summary["interval_cycles"] == found().depths.interval
    done = command("--hw", out / "found.yaml", "--model", network, "--batch", "4", "--json")
    assert done.returncode == 0, done.stderr
    pipeline = json.loads(done.stdout)["pipeline"]
    assert pipeline["interval_cycles"] == summary["interval_cycles"]


# --- in Python ------------------------------------------------------------------------------------


def test_python_finds_what_the_command_finds(command: Command, tmp_path: Path) -> None:
    for limit, value in (("min_images_per_s", 100_000), ("max_area", 2_500_000)):
        objective = "area" if limit == "min_images_per_s" else "rate"
        option = f"--{limit.replace('_', '-')}"
        words = ("--model", "lfc-w1a1", "--bits", 1, "--objective", objective, option, value)
        printed = command("search", "--hw", "streaming-r18", *words, "--json").stdout
        found = fold("lfc-w1a1", "streaming-r18", bits=1, out=tmp_path, **{limit: value})
        assert found.summary() == json.loads(printed)
        assert (tmp_path / "search.json").read_text() == printed
        assert load_hardware(tmp_path / "found.yaml") == found.hardware
        assert f"{found.rate:,.1f} images/s" in repr(found)


def test_search_in_python_names_fold() -> None:
    with pytest.raises(InputError, match=r"objective 'area'.*simulator\.fold folds pipelines"):
        search("lfc-w1a1", "lfc-w1a1", "area")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "give either min_images_per_s or max_area"),
        ({"min_images_per_s": 10, "max_area": 1e6}, "give either min_images_per_s or max_area"),
        ({"max_area": "much"}, "max_area"),
        ({"max_area": 1e6, "batch": 2}, "an interval needs at least 4 images"),
        ({"max_area": 1e6, "hardware": "cofluent64"}, "no stages to fold"),
    ],
)
def test_python_refuses(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        fold("lfc-w1a1", given.pop("hardware", "streaming-r18"), bits=1, **given)
