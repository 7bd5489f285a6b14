"""The paper's accuracies, and their fronts against time and energy."""

import csv
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import load_hardware, load_workload, simulate
from simulator.paper.accuracies import Accuracy, accuracies
from simulator.paper.accuracy import BUFFER, ENERGY, HARDWARE, Entry, on_front
from simulator.paper.printed import TABLE6, TABLE8
from simulator.workload import configure
from tests.conftest import ROOT

pytestmark = pytest.mark.unit


def percent(**fields: object) -> float:
    """The accuracy of the only row with these fields."""
    (found,) = (x for x in accuracies() if all(getattr(x, k) == v for k, v in fields.items()))
    return float(found.percent)


def test_every_row_of_the_tables() -> None:
    # Table 6: 3 rows of one method, 6 of two; Table 7: 5 methods and 3 pairs, 4 columns, twice
    assert Counter(x.table for x in accuracies()) == {6: 3 + 6 * 2, 7: 2 * (5 + 3 * 2) * 4, 8: 5}
    assert {(x.bits, x.activation_bits) for x in accuracies() if x.table == 6} == set(TABLE6)
    assert len(TABLE8) == 5


def test_differences_in_the_text_of_the_supplement() -> None:
    six: dict[str, Any] = {"table": 6, "activation_bits": 32}
    drop = percent(**six, bits=1.0) - percent(**six, bits=0.47, method="SNN")
    assert drop == pytest.approx(0.6)  # section C: "only drops 0.6% in top-1 accuracy"
    faster: dict[str, Any] = {"network": "faster-rcnn-r18", "metric": "mAP"}
    voc, coco = faster | {"dataset": "PASCAL VOC"}, faster | {"dataset": "MS-COCO 2014"}
    one_bit = {"method": "BiDet", "bits": 1.0}
    assert percent(**voc, **one_bit) - percent(**voc, method="SNN", bits=0.56) == pytest.approx(1.6)
    assert percent(**coco, **one_bit) - percent(**coco, method="SNN", bits=0.67) == pytest.approx(
        0.6
    )


@pytest.mark.parametrize("network", dict.fromkeys(x.network for x in accuracies()))
def test_networks_run_at_every_precision_of_their_table(network: str) -> None:
    workload = load_workload(network)
    for printed in accuracies():
        if printed.network == network:
            configured = configure(workload, bits=printed.bits)
            assert configured.bits == pytest.approx(printed.bits, abs=0.01)


@given(costs=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=8))
def test_fronts_by_brute_force(costs: list[tuple[int, int]]) -> None:
    def entry(time: int, accuracy: int) -> Entry:
        printed = Accuracy(
            network="net",
            dataset="data",
            method="SNN",
            bits=1.0,
            activation_bits=1,
            metric="top1",
            percent=str(accuracy),
            table=6,
        )
        return Entry(printed, "binary", cast(Any, SimpleNamespace(time_ms=time)))

    entries = [entry(*each) for each in costs]
    for (time, accuracy), one in zip(costs, entries, strict=True):
        faster = any(t < time and a >= accuracy for t, a in costs)
        better = any(t <= time and a > accuracy for t, a in costs)
        assert on_front(one, entries, "time_ms") == (not faster and not better)


def test_the_committed_report() -> None:
    with (ROOT / "reports/accuracy.csv").open() as file:
        rows = list(csv.DictReader(file))
    shown = {(x["network"], x["method"], x["bits (W/A)"], x["accuracy (%)"]) for x in rows}
    printed = {
        (x.network, x.method, f"{x.bits:g}/{x.activation_bits}", x.percent)
        for x in accuracies()
        if x.dataset != "MS-COCO 2014"
    }
    assert shown == printed
    result = simulate(
        "r18",
        load_hardware(HARDWARE, [f"{key}={value}" for key, value in BUFFER.items()]),
        bits=0.56,
        activation_bits=32,
        baseline_bits="none",
    ).with_energy(ENERGY)
    assert result.energy is not None
    times = {x["time (ms)"] for x in rows if x["network"] == "r18" and x["scope"] == "binary"}
    energies = {x["energy (mJ)"] for x in rows if x["network"] == "r18" and x["scope"] == "binary"}
    assert times == {f"{result.time_ms:.3f}"}
    assert energies == {f"{result.energy.run.microjoules / 1000:.3f}"}
