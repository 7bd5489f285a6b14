"""Reasons of overrides are true: each is tested against a run without its cause."""

import pytest

from simulator import Result, load_hardware, simulate
from simulator.analysis.settings import SettingEffect
from simulator.api.simulate import with_settings
from simulator.machines.lut_array.capacity import ACTIVATION_KIB, INDEX_KIB, enough_kib, rereads
from simulator.machines.lut_array.idle import idle_fraction
from simulator.studies.settings import Without, setting_effect
from simulator.workload import Workload
from tests.build import layer, network

pytestmark = pytest.mark.unit

PORT = "memory.index_buffer.bytes_per_cycle"


def run(net: Workload, *settings: str, tau: int = 5) -> Result:
    return simulate(net, load_hardware("cofluent64", settings), tau=tau)


def effects(net: Workload, *settings: str, tau: int = 5) -> tuple[SettingEffect, ...]:
    return with_settings(run(net, *settings, tau=tau), "cofluent64", settings).settings


class TestCauses:
    """A slowdown's reason names the part that grew. Without the growth, it disappears."""

    WIDE = network(layer(128, 128, 8, 8, tau=5, name="wide"))

    @pytest.mark.parametrize(
        ("setting", "words", "removed"),
        [
            (f"{PORT}=120", "LUT fills to index fetches in wide", (f"{PORT}=240",)),
            (f"{PORT}=40", "more time in index fetches in wide", ("array.pe.index_register_sets=64",
             f"{PORT}=1000000")),
            ("array.pe.accumulators=2", "LUT fills to accumulation in wide",
             ("array.pe.accumulators=4",)),
            ("memory.dram.bytes_per_cycle=0.5", "more time in weight transfers in wide",
             ("memory.dram.bytes_per_cycle=16",)),
            ("memory.dram.latency_cycles=2000", "more time in weight transfers in wide",
             ("memory.dram.latency_cycles=100",)),
        ],
    )  # fmt: skip
    def test_a_slower_run_names_its_cause(
        self, setting: str, words: str, removed: tuple[str, ...]
    ) -> None:
        (effect,) = effects(self.WIDE, setting)
        assert effect.time_ms_before is not None
        assert effect.time_ms_after > effect.time_ms_before
        assert words in effect.causes[0]
        assert effect.causes[0] in effect.sentence
        without = run(self.WIDE, setting, *removed)
        assert without.time_ms <= effect.time_ms_before

    def test_pes_that_channels_do_not_fill(self) -> None:
        net = network(layer(64, 64, 8, 8, tau=5, name="narrow"))
        (effect,) = effects(net, "array.pes=96")
        idle = "32 of 96 PEs idle on average in narrow because 64 input channels do not fill them"
        assert effect.time_ms_after == effect.time_ms_before
        assert effect.reason == idle
        # channels that fill all PEs: no PE is idle, and the work per cycle is 96 / 64 times as much
        full = network(layer(96, 64, 8, 8, tau=5, name="full"))
        (other,) = effects(full, "array.pes=96")
        assert not any("idle" in cause for cause in other.causes)
        assert other.time_ms_before is not None
        assert other.time_ms_after < other.time_ms_before

    @pytest.mark.parametrize("spatial", ["input_channels", "output_pixels"])
    @pytest.mark.parametrize(("channels", "pes"), [(64, 96), (128, 96), (40, 64), (16, 64), (8, 7)])
    def test_idle_pes_are_those_that_steps_leave_idle(
        self, spatial: str, channels: int, pes: int
    ) -> None:
        net = network(layer(channels, 8, 5, 3, tau=3))
        ours = run(net, f"array.pes={pes}", f"array.spatial={spatial}", tau=3).run
        trace = ours.trace
        direct = trace.kind == trace.kinds.index("direct")
        share = trace.pes[direct].mean() / pes if direct.any() else None
        steps = direct if share is not None else trace.kind == trace.kinds.index("accumulate")
        mean = trace.pes[steps].mean() / pes
        assert idle_fraction(ours.mapping.layers[0].plan) == pytest.approx(1 - mean)

    def test_the_clock_changes_the_time_alone(self) -> None:
        dram = ("memory.dram.bytes_per_cycle=16", "memory.dram.latency_cycles=100")
        *_, effect = effects(self.WIDE, *dram, "clock_ghz=2")
        assert effect.causes == ("the same cycles at another clock",)


class TestNeeded:
    """Overrides without which the run, or the hardware, is impossible."""

    SMALL = network(layer(64, 64, 4, 4, tau=5))

    @pytest.mark.parametrize(
        ("file", "settings", "reason"),
        [
            ("cofluent64", (f"{INDEX_KIB}=0.1", f"{INDEX_KIB}=8"), "layer conv needs at least"),
            ("cofluent64", ("memory.dram.channels=2", "array.pes=memory.dram.channels * 32"),
             "array.pes is 'memory.dram.channels * 32': it needs memory.dram.channels"),
            ("edge16", ("memory.dram.burst_bytes=64", "memory.dram.timing=ddr4-2400"),
             "ddr4-2400 moves bursts of 64 bytes"),
        ],
    )  # fmt: skip
    def test_the_note_names_the_reason(
        self, file: str, settings: tuple[str, ...], reason: str
    ) -> None:
        hardware = load_hardware(file, settings)
        result = simulate(self.SMALL, hardware, tau=5)
        needed = [
            effect
            for effect in with_settings(result, file, settings).settings
            if effect.time_ms_before is None
        ]
        assert len(needed) == 1
        assert "makes the run possible because without it, " in needed[0].sentence
        assert reason in needed[0].sentence

    def test_python_gives_the_same_effects(self) -> None:
        given = {"memory.dram.channels": 2, "array.pes": "memory.dram.channels * 32"}
        result = simulate(self.SMALL, "cofluent64", tau=5, set=given)
        texts = [f"{key}={value}" for key, value in given.items()]
        assert result.settings == with_settings(result, "cofluent64", texts).settings


class TestRoom:
    """A reason names the size from which on something fits; below it, it does not fit."""

    LINEAR = network(layer(2048, 256, 3, 1, kernel=1, tau=5, name="fc"))

    def test_the_reason_names_the_size(self) -> None:
        # 256 outputs x 256 vectors x 5 bit and a subset of 32 bytes: 40.03125 KiB
        before, after = (run(self.LINEAR, f"{INDEX_KIB}={kib}") for kib in (30, 35))
        without = Without(key=INDEX_KIB, before=30, hardware=before.hardware)
        effect = setting_effect(after, without)
        assert effect.reason is not None
        assert effect.reason.startswith("the weights of fc still do not fit; 40.04 KiB would hold")
        enough = run(self.LINEAR, f"{INDEX_KIB}=40.04")
        assert f"to {1e3 * enough.time_ms:.3g} µs" in effect.reason

    @pytest.mark.parametrize("key", [INDEX_KIB, ACTIVATION_KIB])
    def test_enough_is_enough_and_no_more(self, key: str) -> None:
        net = network(layer(128, 96, 20, 20, tau=5, name="a"))
        now = run(net, f"{key}={7 if key == INDEX_KIB else 1.3}")
        (mapped,) = now.run.mapping.layers
        assert rereads(key, mapped)
        needed = enough_kib(key, mapped)
        (fits,), (not_yet,) = (
            run(net, f"{key}={kib}").run.mapping.layers for kib in (needed, needed - 0.01)
        )
        assert not rereads(key, fits)
        assert rereads(key, not_yet)
        note = next(x for x in now.notes() if "KiB would" in x)
        assert f"{needed:,.10g} KiB" in note


class TestTogether:
    """The tool judges overrides together because one may be impossible without another."""

    NET = network(layer(512, 64, 56, 56, tau=5, name="big"))

    def test_a_setting_that_the_run_needs(self) -> None:
        pes, kib = "array.pes=1048576", f"{ACTIVATION_KIB}=4096"
        first, second = effects(self.NET, pes, kib)
        assert first.time_ms_before is not None
        assert second.time_ms_before is None
        assert second.sentence.startswith(
            f"{ACTIVATION_KIB} 64 -> 4096 makes the run possible because without it, "
            f"{ACTIVATION_KIB} is 64: layer big needs at least "
        )
