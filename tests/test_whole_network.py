"""Reports on whole networks: Amdahl's law by hand, kinds of layers, and rows against fresh runs."""

import csv
from math import inf

import pytest

from simulator import load_workload, simulate
from simulator.paper.cases import ROOM, Case, Impossible, LayerCost, Measured, measure
from simulator.paper.figure12_hardware import hardware_rows
from simulator.paper.layer_kinds import Kind, kinds_of
from simulator.paper.networks import _row as network_row
from simulator.paper.networks import cases as network_cases
from simulator.paper.whole_network import MACHINES, NETWORKS, Pair, Survival, survivals
from simulator.paper.whole_network_changes import (
    CHANGES,
    NETWORK,
    SHIPPED,
    TOGETHER,
    Tried,
    _plan,
)
from simulator.paper.whole_network_report import bottleneck_rows, kind_rows, survival_rows
from simulator.paper.whole_network_sentences import of_machine
from simulator.workload import configure
from simulator.workload.scope import SCOPES
from tests.conftest import ROOT

pytestmark = pytest.mark.paper


def rows_of(name: str) -> list[dict[str, str]]:
    with (ROOT / "reports" / name).open(newline="") as file:
        return list(csv.DictReader(file))


# --- by hand --------------------------------------------------------------------------------------


def measured(bits: float, scope: str, **cycles: int) -> Measured:
    """A run with some cycles per kind of layer, and a microjoule per cycle."""
    kinds: list[Kind] = ["binary", "first", "downsample", "last", "vector"]
    layers = [
        LayerCost(
            name=kind, kind=kind, bound_by="unit", cycles=n, dram_bytes=n, attojoules=n * 10**12
        )
        for kind in kinds
        if (n := cycles.get(kind, 0))
    ]
    total = sum(cycles.values())
    return Measured(
        case=Case(machine="machine", network=NETWORK, bits=bits, scope=scope),  # type: ignore[arg-type]
        bits=bits,
        cycles=total,
        milliseconds=total / 1e6,
        read_bytes=0,
        written_bytes=0,
        layers=tuple(layers),
    )


def pair(scope: str, one: dict[str, int], sub: dict[str, int]) -> Pair:
    return Pair(one=measured(1, scope, **one), sub=measured(0.56, scope, **sub))


def survival(one: dict[str, int], sub: dict[str, int]) -> Survival:
    """A network whose binary layers alone take 3,000 cycles, and 1,000 at 0.56 bit."""
    binary = pair("binary", {"binary": 3000}, {"binary": 1000})
    whole = pair("network", one, sub)
    return Survival(pairs={"binary": binary, "weights": whole, "network": whole})


def test_amdahl_by_hand() -> None:
    one = survival({"binary": 3000, "first": 1000}, {"binary": 1000, "first": 1000})
    assert one.binary_share == 0.75
    assert one.bound == 4
    assert one.expected == pytest.approx(1 / (0.25 + 0.75 / 3)) == pytest.approx(2)
    assert one.whole.speedup == 2  # 4000 / 2000
    assert one.whole.energy_ratio == 2
    assert one.kept == 0.5  # (2 - 1) / (3 - 1)
    x = (2.7 * 1000 - 1000) / (3000 - 2.7 * 1000)
    assert one.required == pytest.approx(x)
    assert (3000 + 1000 / x) / (1000 + 1000 / x) == pytest.approx(0.9 * 3)


def test_no_factor_suffices_if_the_binary_layers_gain_too_little() -> None:
    assert survival({"binary": 3000, "last": 9}, {"binary": 2000, "last": 9}).required == inf
    assert survival({"binary": 3000, "last": 9}, {"binary": 1000, "last": 9}).required <= 1


def test_the_conclusions_follow_from_the_runs() -> None:
    one = survival(
        {"binary": 3000, "first": 600, "vector": 400}, {"binary": 1000, "first": 600, "vector": 400}
    )
    changed = {
        SHIPPED: one.whole,
        "a wider unit": pair("network", {"binary": 3000}, {"binary": 1000}),
        "faster DRAM": pair("network", {"binary": 1500}, {"binary": 1000}),
        TOGETHER: pair("network", {"binary": 2500}, {"binary": 1000}),
    }
    tried = [
        Tried(title=title, machine="machine", pair=both, area=2_000_000)
        for title, both in changed.items()
    ]
    text = "\n".join(of_machine([one], tried))
    for words in (
        "3.00x in scope `binary`, 2.00x in scope `weights`, and 2.00x in scope `network`",
        "keep 50 % of the gain",
        f"the first layer in `{NETWORK}` (30 %)",
        "the speedup of 1 of 1 network within 3 %",
        "5.7 times as fast",
        "its speedup is 2.50x instead of 2.00x",
        "The change with the largest effect is a wider unit: 3.00x",
        "lowers the speedup: faster DRAM (1.50x)",
    ):
        assert words in text, words
    (slow,) = (survival({"binary": 3000, "last": 90}, {"binary": 2000, "last": 90}),)
    assert "gives too much" in "\n".join(of_machine([slow], []))


def test_no_gain_is_named() -> None:
    same = {"binary": 1000, "first": 500}
    flat = Survival(pairs={s: pair(s, same, same) for s in ("binary", "weights", "network")})
    text = "\n".join(of_machine([flat], []))
    assert "keep" not in text
    assert "Amdahl" not in text
    (row,) = survival_rows([flat])
    assert row["kept"] == row["required"] == "no gain"


def test_kinds_of_layers() -> None:
    kinds = kinds_of(configure(load_workload("r18"), bits=1, scope="network"))
    counts = {kind: list(kinds.values()).count(kind) for kind in set(kinds.values())}
    vectors = counts.pop("vector")
    assert counts == {"binary": 16, "first": 1, "downsample": 3, "last": 1}
    assert vectors == len(load_workload("r18").vector_layers)
    detector = kinds_of(configure(load_workload("ssd300-vgg16"), bits=1, scope="weights"))
    assert {name for name, kind in detector.items() if kind == "last"} == {
        name for name in detector if name.startswith(("loc.", "conf."))
    }


# --- against fresh runs ---------------------------------------------------------------------------


@pytest.mark.parametrize("machine", MACHINES)
def test_a_network_of_the_report(machine: str) -> None:
    found = survivals([machine], ["vgg-small"])
    for name, rows in (
        ("whole_network.csv", survival_rows(found)),
        ("whole_network_bottlenecks.csv", bottleneck_rows(found)),
    ):
        committed = [
            row
            for row in rows_of(name)
            if row["machine"] == machine and row["network"] == "vgg-small"
        ]
        assert committed == [{key: str(value) for key, value in row.items()} for row in rows]
    for row in kind_rows(found):
        assert sum(float(str(row[kind])) for kind in list(row)[4:]) == pytest.approx(100, abs=0.3)


def test_a_row_is_what_simulate_gives() -> None:
    (row,) = [
        row
        for row in rows_of("whole_network.csv")
        if (row["machine"], row["network"]) == ("cofluent64", "r18-cifar10")
    ]
    result = simulate("r18-cifar10", "cofluent64", bits=0.56, scope="network").with_energy("45nm")
    energy = result.energy
    assert energy is not None
    assert energy.baseline is not None
    assert result.speedup is not None
    assert row["speedup network"] == f"{result.speedup:.2f}x"
    assert row["network 0.56 bit (ms)"] == f"{result.time_ms:.3f}"
    assert row["network 1 bit (µJ)"] == f"{energy.baseline.microjoules:.0f}"
    ratio = energy.baseline.microjoules / energy.run.microjoules
    assert row["energy network"] == f"{ratio:.2f}x"


def test_the_reports_have_all_their_rows() -> None:
    keys = [(row["machine"], row["network"]) for row in rows_of("whole_network.csv")]
    assert keys == [(machine, network) for machine in MACHINES for network in NETWORKS]
    assert len(rows_of("networks.csv")) == len(network_cases())
    changes = [row["change"] for row in rows_of("whole_network_changes.csv")]
    assert len(changes) == sum(len(change.machines) for change in CHANGES) + 2 * len(MACHINES)


def test_the_same_runs_in_two_reports() -> None:
    networks = {
        (row["machine"], row["network"], row["bits (W/A)"], row["scope"]): row
        for row in rows_of("networks.csv")
    }
    for row in rows_of("whole_network.csv"):
        for scope in SCOPES:
            for bits in ("1", "0.56"):
                name = row["bits"] if bits != "1" else bits
                found = networks.get((row["machine"], row["network"], f"{name}/1", scope))
                if found:
                    assert found["time (ms)"] == row[f"{scope} {bits} bit (ms)"]


def test_table_4_has_the_same_scopes() -> None:
    wider = {
        (row["network"], scope): (row[f"{scope} 1 bit (ms)"], row[f"speedup {scope}"])
        for row in rows_of("whole_network.csv")
        for scope in SCOPES
        if row["machine"] == "cofluent64"
    }
    for row in rows_of("table4_scopes.csv"):
        assert wider[row["network"], row["scope"]] == (row["1 bit (ms)"], row["speedup"])


def test_rows_of_the_networks_report() -> None:
    committed = rows_of("networks.csv")
    every = network_cases()
    numbers = [
        n
        for n, case in enumerate(every)
        if case.bits == 0.35 and case.activation_bits == 1 and case.scope == "network"
    ]
    found = measure(every[n] for n in numbers)
    for number in numbers:
        row = network_row(found[every[number]])
        assert committed[number] == {key: str(value) for key, value in row.items()}


def test_every_change_reaches_the_run() -> None:
    case = Case(machine="cofluent64", network="r20", bits=1, scope="network")
    before = measure([case])[case]
    for change in CHANGES:
        after = measure([change.of(case)])[change.of(case)]
        assert isinstance(before, Measured)
        assert isinstance(after, Measured)
        assert (after.milliseconds, after.energy_uj) != (before.milliseconds, before.energy_uj)
        assert set(change.settings) <= set(after.case.settings)


def test_a_change_is_the_same_in_a_single_run() -> None:
    (change,) = (x for x in CHANGES if x.title.startswith("256 lanes"))
    case = change.of(
        Case(machine="systolic-equal-area", network="r20", bits=0.56, scope="network", batch=2)
    )
    found = measure([case])[case]
    assert isinstance(found, Measured)
    keys = {"vector.lanes": 256}
    run = simulate(
        "r20", "systolic-equal-area", bits=0.56, scope="network", batch=2, set=keys
    ).with_energy("45nm")
    assert found.milliseconds == run.time_ms / 2
    assert found.energy_uj == pytest.approx(run.energy_uj_per_image)


def test_changes_alone_and_together() -> None:
    plan = _plan("systolic-equal-area", "r20")
    joint = [x for x in CHANGES if "systolic-equal-area" in x.machines and not x.alternative]
    assert len(plan) == 2 + sum("systolic-equal-area" in x.machines for x in CHANGES) + len(joint)
    together, _ = plan[TOGETHER]
    assert set(together.settings) == {key for x in joint for key in x.settings}
    for change in joint:
        without, _ = plan[f"without {change.title}"]
        assert change.of(without).settings != without.settings or change.of(without) == together


def test_a_row_of_figure_12_on_hardware() -> None:
    (row,) = hardware_rows(["vgg-small"], [5])[1:]
    committed = [
        each
        for each in rows_of("figure12_hardware.csv")
        if (each["network"], each["tau"], each["activation bits"]) == ("vgg-small", "5", "1")
    ]
    assert committed == [{key: str(value) for key, value in row.items()}]


def test_room_only_where_a_layer_does_not_fit() -> None:
    roomy = Case(machine="cofluent64", network="faster-rcnn-r18", bits=1, scope="network")
    small = Case(machine="cofluent64", network="r20", bits=1, scope="network")
    found = measure([roomy, small])
    key = "memory.activation_buffer.kib"
    assert found[roomy].case.settings == (f"{key}={ROOM[key]}",)
    assert found[small].case.settings == ()


def test_a_run_without_room_gives_the_reason() -> None:
    settings = ("memory.index_buffer.kib=1",)
    case = Case(machine="cofluent64", network="r20", bits=1, scope="binary", settings=settings)
    found = measure([case])[case]
    assert isinstance(found, Impossible)
    assert "memory.index_buffer.kib" in str(network_row(found)["changed"])
