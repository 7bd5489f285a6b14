"""The search: exact over layers, explicit about inseparable objectives, within its limits."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import simulate
from simulator.base.errors import InputError
from simulator.machines import load_energy, load_hardware
from simulator.studies.search import Limits, Objective, SearchResult, search, storable_taus
from simulator.studies.search.front import Choices, fewest_cycles
from simulator.studies.search.task import PARTS, Task, stored_parts
from simulator.workload import Workload
from simulator.workload.network import network_from
from tests.build import layer, network
from tests.conftest import Command
from tests.measure import drawn
from tests.test_bad_input import refused

TAUS = (2, 4, 5, 6, 9)
NET = network(
    layer(64, 64, 6, 6, name="a"),
    layer(64, 128, 6, 6, name="b"),
    layer(128, 64, 6, 6, kernel=1, name="c"),
)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("settings", "taus"),
    [
        ([], (1, 2, 3, 4, 5, 6, 7, 8, 9)),
        (["array.pe.subset_entries=32"], (1, 2, 3, 4, 5, 9)),
        (["array.pe.subset_entries=none", "array.pe.lut_entries=none"], (9,)),
    ],
)
def test_without_taus_all_that_every_machine_stores(
    settings: list[str], taus: tuple[int, ...]
) -> None:
    machines = [({}, load_hardware("cofluent64", x)) for x in ([], settings)]
    assert storable_taus(machines) == taus
    for tau in range(1, 10):  # the tool refuses the other options
        if tau in taus:
            simulate(NET, machines[1][1], tau=tau, tau_1x1=min(tau, 8))
        else:
            with pytest.raises(InputError, match="subset_entries"):
                simulate(NET, machines[1][1], tau=tau, tau_1x1=min(tau, 8))


def choices(*options: tuple[tuple[int, int], ...]) -> list[Choices]:
    """Layers whose options are (cycles, bits)."""
    return [Choices(np.array([c for c, _ in o]), np.array([b for _, b in o])) for o in options]


@pytest.mark.unit
class TestFront:
    def test_by_hand(self) -> None:
        found = fewest_cycles(choices(((5, 1), (3, 2), (9, 3)), ((4, 1), (4, 2))))
        # bits 2: 5+4; 3: min(5+4, 3+4); 4: min(3+4, 9+4); 5: 9+4
        assert list(zip(found.bits.tolist(), found.cycles.tolist(), strict=True)) == [
            (2, 9), (3, 7), (4, 7), (5, 13),
        ]  # fmt: skip
        assert found.options(1) == [1, 0]
        assert found.front(more_bits=False).tolist() == [True, True, False, False]
        assert found.front(more_bits=True).tolist() == [False, False, True, True]

    @pytest.mark.invariant
    @given(
        st.lists(
            st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=4),
            min_size=1,
            max_size=4,
        )
    )
    def test_equals_enumeration(self, options: list[list[tuple[int, int]]]) -> None:
        found = fewest_cycles(choices(*map(tuple, options)))
        best: dict[int, int] = {}
        for combination in product(*options):
            cycles, bits = (sum(pair[place] for pair in combination) for place in (0, 1))
            best[bits] = min(cycles, best.get(bits, cycles))
        assert dict(zip(found.bits.tolist(), found.cycles.tolist(), strict=True)) == best
        for number in range(len(found)):
            chosen = [o[i] for o, i in zip(options, found.options(number), strict=True)]
            assert sum(c for c, _ in chosen) == found.cycles[number]
            assert sum(b for _, b in chosen) == found.bits[number]


def searched(objective: str, net: Workload = NET, **limits: float) -> SearchResult:
    return search(
        net,
        [({}, load_hardware("cofluent64"))],
        objective,  # type: ignore[arg-type] # one of three
        Limits(**limits),
        taus=TAUS,
    )


@pytest.fixture(scope="module")
def task() -> Task:
    return Task(NET, load_hardware("cofluent64"), TAUS, {}, "auto", energy=load_energy("45nm"))


@pytest.fixture(scope="module")
def sums(task: Task) -> list[tuple[int, int]]:
    """(cycles, stored parts) of every combination, by separable layer times."""
    pairs = [list(zip(c.cycles.tolist(), c.bits.tolist(), strict=True)) for c in task.choices()]
    return [
        (sum(c for c, _ in combination), sum(b for _, b in combination))
        for combination in product(*pairs)
    ]


@pytest.mark.unit
class TestExhaustive:
    """Three layers at five widths: all 125 combinations, simulated and as sums."""

    def test_there_are_125(self, sums: list[tuple[int, int]]) -> None:
        assert len(sums) == 125

    @pytest.mark.parametrize("mean", [0.3, 0.5, 0.62, 0.9])
    def test_least_time_of_at_least_so_many_bits(
        self, task: Task, sums: list[tuple[int, int]], mean: float
    ) -> None:
        found = searched("time", min_mean_bits=mean)
        assert mean > min(sums)[1] / PARTS / task.weights  # the fastest stores less
        least = min(c for c, parts in sums if parts >= mean * PARTS * task.weights)
        assert sum(found.separable_cycles) == least
        assert task.mean_bits(found.best) >= mean

    @pytest.mark.parametrize("share", [0.4, 0.6, 0.8])
    def test_most_bits_within_a_time(
        self, task: Task, sums: list[tuple[int, int]], share: float
    ) -> None:
        limit_ms = task.milliseconds(int(share * task.uniform(9).cycles))
        found = searched("capacity", max_time_ms=limit_ms)
        assert task.milliseconds(found.best.cycles) <= limit_ms
        most = max(parts for c, parts in sums if task.milliseconds(c) <= limit_ms)
        assert most < max(parts for _, parts in sums)
        assert found.best.stored_parts == most or found.steps_along_front > 0

    def test_least_bits_within_a_time(self, task: Task, sums: list[tuple[int, int]]) -> None:
        enough = [(c, parts) for c, parts in sums if parts >= 0.4 * PARTS * task.weights]
        least, cycles = min((parts, c) for c, parts in enough)
        limit_ms = task.milliseconds(cycles - 1)
        within = min(parts for c, parts in enough if c < cycles)
        assert within > least
        assert searched("bits", max_time_ms=1, min_mean_bits=0.4).best.stored_parts == least
        found = searched("bits", max_time_ms=limit_ms, min_mean_bits=0.4)
        assert found.best.stored_parts == within

    def test_the_best_of_all_real_runs_is_close(self, task: Task) -> None:
        """The search is exact beyond sums: it simulates all combinations of half a bit or more."""
        real = [task.simulate(taus) for taus in product(*task.options())]
        allowed = [run for run in real if task.mean_bits(run) >= 0.5]
        assert min(run.cycles for run in real) < min(run.cycles for run in allowed)
        found = searched("time", min_mean_bits=0.5)
        assert found.best.cycles <= 1.01 * min(run.cycles for run in allowed)

    def test_uniform_runs_are_what_they_are_sums_of(self, task: Task) -> None:
        for tau, run in task.uniforms().items():
            spent = [
                int(choice.cycles[taus.index(own)])
                for choice, taus, own in zip(task.choices(), task.options(), run.taus, strict=True)
            ]
            assert sum(spent) == run.cycles, tau

    def test_stored_bits_are_those_of_the_network(self, task: Task) -> None:
        # a: 64 x 64 kernels, b: 64 x 128, c: 64 / ... 128 x 64 weights in vectors of 8
        parts = [stored_parts(x, tau) for x, tau in zip(task.layers, (4, None, 2), strict=True)]
        assert parts == [PARTS * 64 * 64 * 4, PARTS * 64 * 128 * 9, PARTS * 128 * 64 // 8 * 2]


@pytest.mark.unit
def test_layers_without_weights_add_to_the_layers_before_them() -> None:
    conv = {"type": "conv", "precision": "binary", "kernel": 3, "padding": 1, "out_channels": 64}
    file = {
        "name": "net", "title": "Net", "ops_convention": "main_paper",
        "input": {"channels": 64, "height": 6, "width": 6},
        "layers": [
            {"name": "n", "type": "norm"}, {"name": "a", **conv}, {"name": "a.n", "type": "norm"},
            {"name": "b", **conv}, {"name": "s", "type": "add", "other": "a.n"},
            {"name": "p", "type": "global_pool"},
        ],
    }  # fmt: skip
    net, machine = network_from(file, Path("net.yaml")), load_hardware("cofluent64")
    within = Limits(mean_bits=0.56)
    found = search(net, [({}, machine)], "time", within, taus=TAUS, scope="network")
    taus = dict(zip("ab", found.best.taus, strict=True))
    run = simulate(net, machine, bits=1, taus=taus, scope="network").with_energy("45nm")
    assert run.cycles == found.best.cycles == sum(found.best.layer_cycles)
    n, a, _, b, _, p = (one.cycles for one in run.run.layers)
    assert found.best.layer_cycles == (n + a, b + p)
    assert run.energy is not None
    assert found.best.energy_uj == pytest.approx(run.energy.run.microjoules, rel=1e-5)


@pytest.mark.unit
class TestLimits:
    def test_fewer_bits_are_never_slower_and_the_result_says_so(self) -> None:
        cycles = searched("bits", max_time_ms=1).best.cycles
        limit_ms = cycles / 1e6  # at 1 GHz
        found = searched("bits", max_time_ms=limit_ms)
        assert found.best.taus == (2, 2, 2)
        with pytest.raises(InputError, match="excludes every combination"):
            searched("bits", max_time_ms=(cycles - 1) / 1e6)
        assert found.at_smallest_taus
        assert not searched("time", min_mean_bits=0.5).at_smallest_taus

    def test_a_real_run_that_breaks_the_limit_is_passed_over(self) -> None:
        """With little bandwidth, a layer's wait for weights depends on its neighbors' widths."""
        slow = load_hardware("cofluent64", ["memory.dram.bytes_per_cycle=4"])
        task = Task(NET, slow, TAUS, {}, "auto", energy=load_energy("45nm"))
        real = [task.simulate(taus) for taus in product(*task.options())]
        steps = 0
        for run in real[::9]:
            limit = task.milliseconds(run.cycles)
            found = search(NET, [({}, slow)], "capacity", Limits(max_time_ms=limit), taus=TAUS)
            assert task.milliseconds(found.best.cycles) <= limit
            steps += found.steps_along_front
        assert steps > 0

    def test_storage_in_mbit_and_bits_per_weight_are_one_limit(self) -> None:
        weights = sum(x.weights for x in NET.layers)
        free = searched("time", min_mean_bits=0.4)
        by_mean = searched("time", mean_bits=0.42, min_mean_bits=0.4)
        by_mbit = searched("time", max_mbit=0.42 * weights / 1e6, min_mean_bits=0.4)
        assert by_mean.best == by_mbit.best
        assert 0.4 <= by_mean.task.mean_bits(by_mean.best) <= 0.42
        assert free.task.mean_bits(free.best) > 0.42

    @pytest.mark.parametrize(
        ("objective", "limits", "words"),
        [
            ("bits", {}, "objective bits: needs max-time-ms"),
            ("capacity", {"mean_bits": 0.5}, "objective capacity: needs max-time-ms"),
            ("time", {"max_time_ms": 1.0}, "objective time: needs mean-bits"),
            ("time", {"mean_bits": -1.0}, "mean_bits -1: expected more than 0"),
            ("bits", {"max_time_ms": float("nan")}, "max_time_ms nan: expected"),
            ("bits", {"max_time_ms": 1e-6}, "max-time-ms 1e-06 excludes every combination of net"),
            ("time", {"mean_bits": 0.1}, "which stores"),
            ("time", {"min_mean_bits": 1.1}, "0.2241 to 1.0000 bits per weight"),
        ],
    )  # least: tau 2 is 2/9 bit in 110592 weights and 2/8 in 8192: (24576 + 2048) / 118784 = 0.2241
    def test_wrong_or_out_of_reach(
        self, objective: str, limits: dict[str, float], words: str
    ) -> None:
        with pytest.raises(InputError) as error:
            searched(objective, **limits)
        assert words in str(error.value)

    def test_of_several_machines_the_best(self) -> None:
        machines = [
            ({"array.pes": pes}, load_hardware("cofluent64", [f"array.pes={pes}"]))
            for pes in (16, 64, 32)
        ]
        tiny = load_hardware("cofluent64", ["memory.index_buffer.kib=0.001"])
        found = search(
            NET,
            [({"tiny": True}, tiny), *machines],
            "time",
            Limits(min_mean_bits=0.5),
            taus=TAUS,
        )
        assert found.settings == {"array.pes": 64}
        assert (found.hardware_points, len(found.impossible)) == (4, 1)

    @pytest.mark.parametrize("in_cycles", [True, False])
    def test_a_clock_that_scales_the_dram_has_a_note(self, in_cycles: bool) -> None:
        settings = ["clock_ghz=2", *(["memory.dram.latency_cycles=100"] if in_cycles else [])]
        machines = [({"clock_ghz": 2}, load_hardware("cofluent64", settings))]
        found = search(NET, machines, "time", Limits(min_mean_bits=0.5), taus=TAUS)
        note = (
            "`clock_ghz` scales the DRAM too because memory.dram.latency_cycles is in cycles of "
            "the array."
        )
        assert found.notes == ([note] if in_cycles else [])


@pytest.mark.unit
class TestCosts:
    """Objectives of energy and area, against every combination."""

    LIMITS = Limits(min_mean_bits=0.45)

    def find(self, objective: Objective, **options: object) -> SearchResult:
        machines = [
            ({"array.pes": pes}, load_hardware("cofluent64", [f"array.pes={pes}"]))
            for pes in (32, 64, 128)
        ]
        return search(NET, machines, objective, self.LIMITS, taus=(2, 5, 9), **options)  # type: ignore[arg-type] # options of the search

    def test_energy_is_the_least_sum_of_layer_energies(self) -> None:
        found = self.find("energy")
        choices = found.task.choices("energy")
        sums = [
            sum(int(choice.cycles[n]) for choice, n in zip(choices, places, strict=True))
            for places in product(*(range(len(choice.cycles)) for choice in choices))
            if sum(int(c.bits[n]) for c, n in zip(choices, places, strict=True))
            >= 0.45 * PARTS * found.task.weights
        ]
        chosen = sum(
            int(choice.cycles[taus.index(tau)])
            for choice, taus, tau in zip(
                choices, found.task.options(), found.best.taus, strict=True
            )
        )
        assert chosen == min(sums)
        single = found.task.uniform(5)
        spent = simulate(NET, found.task.hardware, tau=5).with_energy("45nm").energy
        assert spent is not None
        assert single.energy_uj == pytest.approx(spent.run.microjoules, rel=1e-6)

    @pytest.mark.parametrize("objective", ["energy", "energy-delay", "time-area"])
    def test_no_machine_with_one_tau_is_better(self, objective: Objective) -> None:
        found = self.find(objective)
        key = {"energy": "energy_uj", "energy-delay": "energy_delay_uj_ms"}
        cost = key.get(objective, "time_area_ms_mge")
        for pes in (32, 64, 128):
            result = simulate(NET, "cofluent64", tau=5, set={"array.pes": pes}).with_energy("45nm")
            assert result.energy is not None
            energy = result.energy.run.microjoules
            costs = {
                "energy_uj": energy,
                "energy_delay_uj_ms": energy * result.time_ms,
                "time_area_ms_mge": result.time_ms * sum(result.area.values()) / 1e6,
            }
            assert found.summary()["best"][cost] <= costs[cost] * (1 + 1e-6)

    def test_a_fixed_layer_and_another_baseline(self) -> None:
        found = self.find("time", fixed={"b": 4}, baseline_bits=5 / 9)
        assert found.taus["b"] == 4
        assert found.baseline.taus == (5, 5, 5)
        with pytest.raises(InputError, match="no such binary layer"):
            self.find("time", fixed={"d": 4})


@pytest.mark.command
class TestCommand:
    RUN = ("search", "--hw", "cofluent64", "--model", "r20", "--input-size", 8)

    def test_files_and_json(self, command: Command, tmp_path: Path) -> None:
        done = command(
            *self.RUN, "--objective", "time", "--min-mean-bits", 0.5, "--taus", "2:8:+2,9",
            "--set", "array.pes=32,64", "--out", "found", "--json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["best"]["mean_bits"] >= 0.5
        assert found["settings"] == {"array.pes": 64}
        assert set(found["taus"].values()) <= {2, 4, 6, 8, None}
        assert found["best"]["time_ms"] <= found["best_uniform"]["time_ms"]
        assert found["best"]["cycles"] == sum(row["cycles"] for row in found["layers"])
        assert json.loads((tmp_path / "found/search.json").read_text()) == found
        front = pd.read_csv(tmp_path / "found/front.csv")
        bits = ("--min-mean-bits", 0.3, "--taus", "2:8:+2,9", "--set", "array.pes=64")
        free = command(*self.RUN, "--objective", "time", *bits, "--json")
        assert json.loads(free.stdout)["best"]["mean_bits"] < 0.5  # the limit changes the answer
        assert front["mbit"].is_monotonic_increasing
        assert front["time_ms"].is_monotonic_increasing
        assert drawn(tmp_path / "found/front.svg")

    def test_limits_of_storage(self, command: Command) -> None:
        """Without these limits, the fastest stores 0.468 bits per weight, 0.125 Mbit."""
        run = (
            *self.RUN,
            "--objective",
            "time",
            "--min-mean-bits",
            0.4,
            "--taus",
            "4,8,9",
            "--json",
        )
        free, mean, stored = (
            json.loads(command(*run, *limit).stdout)["best"]
            for limit in ((), ("--mean-bits", 0.45), ("--max-mbit", 0.122))
        )
        assert mean["mean_bits"] <= 0.45 < free["mean_bits"]
        assert stored["mbit"] <= 0.122 < free["mbit"]

    def test_table(self, command: Command) -> None:
        done = command(*self.RUN, "--objective", "bits", "--max-time-ms", 1)
        for words in (
            "least stored bits with at most 1 ms; scope binary, 18 of 20 layers",
            "layer1.0.conv1",
            "best uniform, tau 1",
            "exact for separable layer times", "the simulated run ",
            "every layer has the smallest tau allowed",
        ):  # fmt: skip
            assert words in done.stdout

    def test_wrong_input(self, command: Command) -> None:
        line = refused(command, *self.RUN, "--objective", "bits", "--max-time-ms", "1e-5")
        assert "the fastest combination within the storage limits takes" in line
        bits = ("--objective", "bits", "--max-time-ms", "1")
        assert "expected 1 to 9" in refused(command, *self.RUN, *bits, "--taus", "0,5")
        assert "unknown key" in refused(command, *self.RUN, *bits, "--set", "array.pse=1,2")
