"""Rate and latency of the DRAM in time and in cycles, and the clock that leaves time alone."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import compare, load_hardware, simulate
from simulator.analysis.bandwidth import dram_rates, window_edges
from simulator.analysis.running import run_one
from simulator.api.simulate import with_settings
from simulator.base.errors import InputError
from simulator.machines import value_of
from simulator.machines.loading import hardware_from, read_hardware
from simulator.machines.systolic.expected import expected_ends
from simulator.studies.axes import axis, setting_axis
from simulator.studies.clock import clock_note
from simulator.studies.study import grid_study
from simulator.workload import configure
from tests.build import layer, network

pytestmark = pytest.mark.unit

RATE, LATENCY = "memory.dram.gigabytes_per_second", "memory.dram.latency_ns"
RATE_CYCLES, LATENCY_CYCLES = "memory.dram.bytes_per_cycle", "memory.dram.latency_cycles"
BOUND = network(layer(1024, 512, 1, 1, kernel=1, name="fc"))
"""A binary matrix times a vector: 64 KiB of weights, hidden by no computation."""


@pytest.mark.parametrize(
    ("name", "rate", "latency"),
    [
        ("cofluent64", Fraction(16), 100),
        ("bnn64", Fraction(16), 100),
        ("edge16", Fraction(10), 20),  # 2 GB/s and 100 ns at 0.2 GHz
        ("tpu-like", Fraction(300, 7), 70),  # 30 GB/s and 100 ns at 0.7 GHz
    ],
)
def test_shipped_files_in_cycles(name: str, rate: Fraction, latency: int) -> None:
    hardware = load_hardware(name)
    assert hardware.dma_channel == (rate, latency)
    in_cycles = load_hardware(
        name, [f"{RATE_CYCLES}={float(rate)!r}", f"{LATENCY_CYCLES}={latency}"]
    )
    assert in_cycles.dma_channel == hardware.dma_channel
    cycles = [simulate(BOUND, machine, bits=1).cycles for machine in (hardware, in_cycles)]
    assert cycles[0] == cycles[1]


@given(
    rate=st.decimals("0.001", 1000, places=3),
    latency=st.decimals(0, 1000, places=2),
    clock=st.decimals("0.01", 10, places=2),
)
def test_conversion(rate: float, latency: float, clock: float) -> None:
    """The rate is exact if its denominator is small; the latency is the next whole cycle."""
    hardware = load_hardware(
        "cofluent64", [f"{RATE}={rate}", f"{LATENCY}={latency}", f"clock_ghz={clock}"]
    )
    channel = hardware.dma_channel
    exact = Fraction(rate) / Fraction(clock)
    assert channel.latency_cycles == ceil(Fraction(latency) * Fraction(clock))
    if exact.denominator <= 1_000_000:
        assert channel.bytes_per_cycle == exact
    assert abs(channel.bytes_per_cycle - exact) <= Fraction(1, 2_000_000)


@pytest.mark.parametrize("clock", [0.3, 1, 1.7, 4])
@pytest.mark.parametrize("name", ["cofluent64", "tpu-like"])
def test_no_channel_is_faster_than_its_rate(name: str, clock: float) -> None:
    machine = load_hardware(name, [f"clock_ghz={clock}", f"{RATE}=3.1"])
    workload = configure(BOUND, bits=1)
    runs = [run_one(workload, machine, engine) for engine in ("event", "fast")]
    assert runs[0].cycles == runs[1].cycles
    for rate in dram_rates(runs[0], window_edges(runs[0].cycles, 64)).values():
        assert rate.max() * clock <= 3.1 * (1 + 1e-9)  # bytes per cycle x GHz = GB/s


@pytest.mark.parametrize("clock", [0.7, 0.9, 3.3])
def test_closed_form_of_the_systolic_array(clock: float) -> None:
    machine = load_hardware(
        "tpu-like",
        [
            f"clock_ghz={clock}",
            f"{RATE}=7.3",
            f"{LATENCY}=33.3",
            "array.rows=16",
            "array.columns=8",
        ],
    )
    (one,) = run_one(configure(BOUND, bits=1), machine, "event").layers
    assert [one.cycles] == expected_ends(machine, [one.mapped])


def test_a_clock_leaves_the_dram_alone() -> None:
    """The weights take 4.1 µs at 16 GB/s; twice the clock saves nothing but the computation."""
    moved = 1024 * 512 / 8
    for clock in (1, 2, 4, 8):
        fixed = simulate(BOUND, load_hardware("cofluent64", [f"clock_ghz={clock}"]), bits=1)
        assert 1e6 * fixed.time_ms > moved / 16
    one, four = (
        simulate(BOUND, load_hardware("cofluent64", [f"clock_ghz={clock}"]), bits=1).time_ms
        for clock in (1, 4)
    )
    assert four > 0.9 * one
    cycles = [f"{RATE_CYCLES}=16", f"{LATENCY_CYCLES}=100"]
    scaled = simulate(BOUND, load_hardware("cofluent64", [*cycles, "clock_ghz=4"]), bits=1)
    assert scaled.time_ms == pytest.approx(one / 4)


class TestUnits:
    def test_an_override_replaces_the_other_unit(self) -> None:
        hardware = load_hardware("edge16", [f"{RATE_CYCLES}=5", f"{LATENCY_CYCLES}=7"])
        assert hardware.dma_channel == (5, 7)
        assert (value_of(hardware, RATE), value_of(hardware, LATENCY)) == (1.0, 35.0)
        back = load_hardware("edge16", [f"{RATE_CYCLES}=5", "clock_ghz=1"])
        assert (value_of(back, RATE), value_of(back, LATENCY_CYCLES)) == (5.0, 100)

    @pytest.mark.parametrize("pair", [(RATE, RATE_CYCLES), (LATENCY, LATENCY_CYCLES)])
    def test_two_overrides_of_one_quantity(self, pair: tuple[str, str]) -> None:
        with pytest.raises(InputError, match="are one quantity; set one of them"):
            load_hardware("cofluent64", [f"{key}=8" for key in pair])
        with pytest.raises(InputError, match="are one quantity; set one of them"):
            hardware_from(read_hardware("cofluent64"), dict.fromkeys(pair, 8), "hw")

    def test_a_file_has_exactly_one_unit(self) -> None:
        data = read_hardware("cofluent64")
        both = data["memory"]["dram"] | {"latency_cycles": 3}
        none = {key: one for key, one in both.items() if not key.startswith("latency")}
        for dram, words in ((both, "both memory.dram.latency_ns and"), (none, "is not given")):
            changed = data | {"memory": data["memory"] | {"dram": dram}}
            with pytest.raises(InputError, match=words):
                hardware_from(changed, {}, "hw")

    @pytest.mark.parametrize("clock", ["0", "0.0009", "101", "1000", ".inf", ".nan", "1e999"])
    def test_clocks_out_of_bounds(self, clock: str) -> None:
        with pytest.raises(InputError, match=r"^--set clock_ghz=[^\n]*expected"):
            load_hardware("cofluent64", [f"clock_ghz={clock}"])


class TestNotes:
    CYCLES = (f"{RATE_CYCLES}=16", f"{LATENCY_CYCLES}=100")

    def note(self, *settings: str) -> str:
        result = simulate(BOUND, load_hardware("cofluent64", settings), bits=1)
        effects = with_settings(result, "cofluent64", settings).settings
        return next(effect.sentence for effect in effects if effect.key == "clock_ghz")

    def test_of_an_override(self) -> None:
        assert "clock_ghz 1 -> 4 (memory.dram keeps 16 GB/s and 100 ns)" in self.note("clock_ghz=4")
        assert (
            "(memory.dram goes from 16 to 64 GB/s and from 100 to 25 ns, because it is given in "
            "cycles of the array)"
        ) in self.note(*self.CYCLES, "clock_ghz=4")
        assert "memory.dram" not in self.note("memory.dram.timing=ddr4-2400", "clock_ghz=4")

    def test_of_a_comparison(self) -> None:
        def why(*settings: str) -> str:
            sides = [
                simulate(
                    BOUND, load_hardware("cofluent64", [*settings, f"clock_ghz={clock}"]), bits=1
                )
                for clock in (1, 2)
            ]
            return "; ".join(compare(*sides).why)

        assert "(memory.dram keeps 16 GB/s and 100 ns)" in why()
        assert "(memory.dram goes from 16 to 32 GB/s" in why(*self.CYCLES)

    def test_of_a_study(self) -> None:
        def note(*settings: str) -> str | None:
            texts = ("clock_ghz=1,2", *settings)
            axes = [axis("hw", "cofluent64"), axis("model", "r20"), axis("bits", "1")]
            study = grid_study([*axes, *map(setting_axis, texts)])
            return clock_note(study, {"clock_ghz"})

        assert note() is None
        assert note(f"{RATE_CYCLES}=4") == (
            f"`clock_ghz` scales the DRAM too because {RATE_CYCLES} is in cycles of the array"
        )
        both = note(*self.CYCLES)
        assert both is not None
        assert f"{RATE_CYCLES} and {LATENCY_CYCLES} are in cycles" in both
