"""The program from a user's view: whole processes."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from simulator.base.shipped import shipped_names
from simulator.base.version import __version__
from tests.conftest import ROOT, Command

pytestmark = pytest.mark.command

R20 = ("--hw", "cofluent64", "--model", "r20", "--bits", "0.56")


def summary(command: Command, *arguments: object) -> dict:
    done = command(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class TestSimulate:
    def test_the_table_has_layers_stages_units_and_the_speedup(self, command: Command) -> None:
        done = command("--hw", "cofluent64", "--model", "r18", "--bits", "0.56")
        assert done.returncode == 0
        assert done.stderr == ""
        for words in (
            "layer1.0.conv1", "= layer4", "TOTAL", "cycles", "µs", "util. %", "lim, the bottleneck",
            "DRAM", "speedup 3.13×", "0.931 ms at 0.56 bit", "2.913 ms at 1 bit",
        ):  # fmt: skip
            assert words in done.stdout

    def test_json_is_one_object_with_the_promised_fields(self, command: Command) -> None:
        result = summary(command, *R20)
        assert {
            "model", "bits", "tau", "hardware", "engine", "cycles", "time_ms", "speedup",
            "baseline", "dram_bytes", "layers", "version", "config_sha256",
        } <= set(result)  # fmt: skip
        assert result["model"] == "r20"
        assert result["hardware"] == "cofluent64"
        assert (result["bits"], result["tau"], result["engine"]) == (0.56, 5, "fast")
        assert set(result["baseline"]) >= {"bits", "cycles", "time_ms"}
        assert set(result["dram_bytes"]) == {"read", "written"}
        assert len(result["layers"]) == 18
        assert set(result["layers"][0]) >= {
            "name", "stage", "cycles", "baseline_cycles", "speedup", "utilization", "bound_by",
        }  # fmt: skip
        assert sum(layer["cycles"] for layer in result["layers"]) == result["cycles"]
        assert result["speedup"] == result["baseline"]["cycles"] / result["cycles"]
        assert result["time_ms"] == result["cycles"] / 1e6  # 1 GHz
        assert len(result["config_sha256"]) == 64

    def test_path_and_bare_name_mean_the_same(self, command: Command) -> None:
        by_path = summary(
            command,
            "--hw", ROOT / "hw_configs/cofluent64.yaml",
            "--model", ROOT / "workloads/r20.yaml",
            "--bits", 0.56,
        )  # fmt: skip
        assert by_path == summary(command, *R20)

    def test_out_writes_plain_files(self, command: Command, tmp_path: Path) -> None:
        done = command(*R20, "--out", "some/folder")
        assert done.returncode == 0
        folder = tmp_path / "some/folder"
        assert sorted(path.name for path in folder.iterdir()) == [
            "layers.csv", "roofline.png", "roofline.svg", "summary.json", "timeline.png",
            "timeline.svg", "trace.parquet",
        ]  # fmt: skip
        result = json.loads((folder / "summary.json").read_text())
        layers = pd.read_csv(folder / "layers.csv")
        trace = pd.read_parquet(folder / "trace.parquet")
        assert layers["cycles"].sum() == result["cycles"]
        assert layers["time_us"].sum() == pytest.approx(1e3 * result["time_ms"])
        ends = trace.groupby("run", observed=True)["end_cycle"].max()
        assert ends["run"] == result["cycles"]
        assert ends["baseline"] == result["baseline"]["cycles"]
        read = trace[trace["unit"].isin(["dram_weights", "dram_inputs"]) & (trace["run"] == "run")]
        assert read["bytes"].sum() == result["dram_bytes"]["read"]
        assert result["configuration"]["hardware"]["array"]["pes"] == 64

    @pytest.mark.slow
    def test_the_same_inputs_give_the_same_bytes(self, command: Command, tmp_path: Path) -> None:
        for folder in ("one", "two"):
            assert command(*R20, "--out", folder).returncode == 0
        for file in (tmp_path / "one").iterdir():
            assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name

    def test_quiet_prints_nothing(self, command: Command) -> None:
        done = command(*R20, "--quiet")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_help_has_examples_and_every_subcommand(self, command: Command) -> None:
        done = command("--help")
        assert done.returncode == 0
        for words in ("Examples:", "--set KEY=VALUE", "reproduce", "ops"):
            assert words in done.stdout

    @pytest.mark.parametrize("model", shipped_names("workloads"))
    def test_every_shipped_network_runs(self, command: Command, model: str) -> None:
        # the heads of ssd300-vgg16 and the pools of alexnet need larger maps
        size = {"ssd300-vgg16": 300, "alexnet": 224}.get(model, 32)
        result = summary(
            command, "--hw", "cofluent64", "--model", model, "--tau", 5, "--input-size", size
        )
        assert result["speedup"] > 1


class TestOptions:
    """Every option changes the output."""

    @pytest.mark.parametrize(
        ("option", "value", "field", "expected"),
        [
            ("--activation-bits", 2, "activation_bits", 2),
            ("--batch", 3, "batch", 3),
            ("--input-size", "16x48", "input_size", [16, 48]),
            ("--baseline-bits", 0.67, "baseline", None),
            ("--set", "array.pe.accumulators=2", "settings", None),
        ],
    )
    def test_changes_the_cycles(
        self, command: Command, option: str, value: object, field: str, expected: object
    ) -> None:
        plain, changed = summary(command, *R20), summary(command, *R20, option, value)
        assert (plain["cycles"], plain["baseline"]) != (changed["cycles"], changed["baseline"])
        assert plain["config_sha256"] != changed["config_sha256"]
        assert changed[field] == expected if expected else changed[field] != plain[field]

    def test_tau_and_bits_are_two_names_for_one_thing(self, command: Command) -> None:
        by_tau = summary(command, *R20[:4], "--tau", 5)
        assert by_tau == summary(command, *R20)

    def test_tau_1x1(self, command: Command) -> None:
        base = ("--hw", "cofluent64", "--model", "r50-cifar10", "--tau", 5)
        plain, changed = summary(command, *base), summary(command, *base, "--tau-1x1", 3)
        assert (plain["tau_1x1"], changed["tau_1x1"]) == (5, 3)
        assert plain["bits"] == 0.59
        assert changed["cycles"] < plain["cycles"]

    def test_scope(self, command: Command) -> None:
        changed = summary(command, *R20, "--scope", "weights")
        assert [layer["name"] for layer in changed["layers"]][::19] == ["conv1", "fc"]
        assert changed["layers"][0]["bound_by"] == "MAC unit"

    def test_engine(self, command: Command) -> None:
        event, fast = (summary(command, *R20, "--engine", name) for name in ("event", "fast"))
        assert (event.pop("engine"), fast.pop("engine")) == ("event", "fast")
        assert event == fast


WHAT_IFS = [
    "array.pes=32",
    "array.spatial=output_pixels",
    "array.pe.lut_entries=8",
    "array.pe.lut_banks=1",
    "array.pe.accumulators=2",
    "array.pe.partial_sums=16",
    "array.pe.dots_per_cycle=2",
    "memory.dram.latency_cycles=5000",
    "memory.dram.bytes_per_cycle=0.5",
    "memory.dram.burst_bytes=4096",
    "memory.index_buffer.kib=80",
    "memory.index_buffer.bytes_per_cycle=10",
    "memory.activation_buffer.kib=0.5",
    "memory.activation_buffer.transfer_pixels=1",
    "clock_ghz=2.0",
]


class TestSettings:
    @pytest.mark.parametrize("setting", WHAT_IFS)
    def test_every_key_moves_the_time_where_physics_says_so(
        self, command: Command, setting: str
    ) -> None:
        net = ("--hw", "cofluent64", "--model", "r18-cifar10", "--bits", 0.56)
        (effect,) = summary(command, *net, "--set", setting)["settings"]
        assert effect["time_ms_before"] != effect["time_ms_after"]
        assert effect["reason"] is None

    @pytest.mark.parametrize(
        "setting", ["full_precision.macs_per_cycle=8", "full_precision.bits=8"]
    )
    def test_full_precision_keys_move_what_holds_such_layers(
        self, command: Command, setting: str
    ) -> None:
        whole = summary(command, *R20, "--scope", "weights", "--set", setting)
        assert whole["settings"][0]["reason"] is None
        (effect,) = summary(command, *R20, "--set", setting)["settings"]
        assert effect["time_ms_before"] == effect["time_ms_after"]
        assert "the run has no full-precision layer" in effect["reason"]

    @pytest.mark.parametrize(
        ("setting", "reason"),
        [
            ("name=mine", "it is only a label"),
            ("array.pes=64", "the hardware file already has this value"),
            ("array.pe.lut_entries=64", "the largest subset (32 entries) fits in the LUT"),
            (
                "array.pe.partial_sums=256",
                "the widest layer (64 output channels) fits in one output",
            ),
            ("memory.index_buffer.kib=1000", "no unit works longer or shorter, and other"),
        ],
    )
    def test_a_setting_without_effect_is_explained(
        self, command: Command, setting: str, reason: str
    ) -> None:
        done = command(*R20, "--set", setting)
        assert f"has no effect because {reason}" in " ".join(done.stdout.split())

    def test_an_idle_table_is_named(self, command: Command) -> None:
        done = command(*R20[:4], "--bits", 1, "--set", "array.pe.lut_banks=4")
        assert "no layer uses the LUT" in done.stdout

    def test_settings_apply_in_order_and_are_told_apart(self, command: Command) -> None:
        both = summary(command, *R20, "--set", "array.pes=32", "--set", "clock_ghz=0.5")
        first, second = both["settings"]
        assert (first["key"], first["before"], first["after"]) == ("array.pes", 64, 32)
        before, after = second["time_ms_before"], second["time_ms_after"]
        assert 1.9 * before < after < 2 * before  # the clock leaves the DRAM's nanoseconds alone

    def test_the_report_says_when_buffers_force_reads_again(self, command: Command) -> None:
        done = command(
            "--hw", "cofluent64", "--model", "r18-cifar10", "--bits", 0.56,
            "--set", "memory.index_buffer.kib=80",
        )  # fmt: skip
        assert "reload their weights for every output row because" in done.stdout


class TestOps:
    def test_table6_row(self, command: Command) -> None:
        done = command(
            "ops", "--model", "r50-cifar10", "--bits", 0.59, "--activation-bits", 1, "--json"
        )
        counts = json.loads(done.stdout)
        assert counts["params_mbit"] == pytest.approx(13.87, abs=0.005)
        assert counts["bit_ops_g"] == pytest.approx(0.333, abs=0.0005)
        assert counts["baseline"]["params_mbit"] == pytest.approx(23.45, abs=0.005)
        assert counts["ratios"]["bit_ops"] == pytest.approx(3.7, abs=0.05)

    def test_conventions_differ_by_half_an_addition(self, command: Command) -> None:
        base = ("ops", "--model", "r18", "--bits", 0.56, "--json")
        ours, other = (
            json.loads(command(*base, *extra).stdout) for extra in ((), ("--convention", "table6"))
        )
        assert (ours["convention"], other["convention"]) == ("main_paper", "table6")
        assert ours["bit_ops_g"] == pytest.approx(0.501, abs=0.0005)
        assert other["bit_ops_g"] > ours["bit_ops_g"]

    def test_table_for_people(self, command: Command) -> None:
        done = command("ops", "--model", "r18", "--bits", 0.56)
        for words in ("6.103", "10.985", "1.676", "params (Mbit)", "1.80×"):
            assert words in done.stdout


class TestReproduce:
    @pytest.mark.parametrize(
        "item",
        [
            "table6",
            "figure13",
            "pe-study",
            pytest.param("fair", marks=pytest.mark.slow),
            pytest.param("figure12", marks=pytest.mark.slow),
            pytest.param("equal-area", marks=pytest.mark.slow),
            pytest.param("networks", marks=pytest.mark.slow),
            pytest.param("whole-network", marks=pytest.mark.slow),
            pytest.param("accuracy", marks=pytest.mark.slow),
        ],
    )
    @pytest.mark.slow
    def test_the_committed_report_is_what_the_command_makes(
        self, command: Command, tmp_path: Path, item: str
    ) -> None:
        done = command("reproduce", item, "--out", "again")
        assert done.returncode == 0, done.stderr
        for name in done.stdout.split():
            if name.endswith((".md", ".csv")):
                committed = ROOT / "reports" / Path(name).name
                assert (tmp_path / name).read_text() == committed.read_text()

    @pytest.mark.slow
    def test_table4_is_what_the_command_makes(self, command: Command, tmp_path: Path) -> None:
        assert command("reproduce", "table4", "--out", "again", "--quiet").returncode == 0
        for name in ("table4.md", "table4.csv", "table4_scopes.csv", "table4_sensitivity.csv"):
            assert (tmp_path / "again" / name).read_text() == (ROOT / "reports" / name).read_text()


def test_the_entry_point_is_installed() -> None:
    entry = Path(sys.executable).with_name("simulate")
    done = subprocess.run([entry, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"simulate, version {__version__}\n"
