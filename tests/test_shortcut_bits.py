"""The option `--shortcut-bits`: equal to the key of the network file, and noted without effect."""

import json
from pathlib import Path

import pytest

import simulator
from simulator import InputError, simulate
from simulator.machines import load_hardware
from simulator.studies.search import Limits, search
from simulator.workload import configure, load_workload
from tests.conftest import ROOT, Command
from tests.test_bad_input import refused

NOTE = "the shortcut bits have no effect in scope {} because only scope network has maps"


@pytest.fixture
def r20_of_8_bits(tmp_path: Path) -> str:
    """ResNet-20 with `shortcut_bits: 8` in its file."""
    text = (ROOT / "workloads/r20.yaml").read_text()
    path = tmp_path / "r20.yaml"
    path.write_text(text.replace("\nlayers:", "\nshortcut_bits: 8\nlayers:", 1))
    return str(path)


@pytest.mark.unit
@pytest.mark.parametrize("machine", ["cofluent64", "tpu-like"])
def test_the_option_equals_the_key_of_the_file(machine: str, r20_of_8_bits: str) -> None:
    asked = simulate("r20", machine, bits=1, scope="network", shortcut_bits=8)
    of_file = simulate(r20_of_8_bits, machine, bits=1, scope="network")
    usual = simulate("r20", machine, bits=1, scope="network")
    assert asked.run.workload.shortcut_bits == 8
    assert asked.run.dram_bytes == of_file.run.dram_bytes
    assert asked.cycles == of_file.cycles
    assert sum(asked.run.dram_bytes.values()) < sum(usual.run.dram_bytes.values())
    assert asked.summary()["shortcut_bits"] == 8
    assert usual.summary()["shortcut_bits"] == 16
    assert not any("shortcut" in note for note in asked.notes())


@pytest.mark.unit
class TestWithoutEffect:
    @pytest.mark.parametrize("scope", ["binary", "weights"])
    def test_in_a_narrow_scope(self, scope: str) -> None:
        asked = simulate("r20", "cofluent64", bits=0.56, scope=scope, shortcut_bits=8)
        usual = simulate("r20", "cofluent64", bits=0.56, scope=scope)
        assert asked.cycles == usual.cycles
        [note] = [note for note in asked.notes() if "shortcut" in note]
        assert NOTE.format(scope) in note
        assert "shortcut_bits" not in asked.summary()
        assert not any("shortcut" in note for note in usual.notes())

    def test_without_a_binary_layer(self) -> None:
        workload = configure(load_workload("r20"), bits=32, scope="network", shortcut_bits=8)
        assert workload.shortcut_bits_ignored
        assert workload.shortcut_bits_in_use is None
        run = simulate("r20", "tpu-like", bits=32, scope="network", shortcut_bits=8)
        assert any("because no layer is binary" in note for note in run.notes())

    def test_the_wider_scope_of_a_saved_result_has_them(self) -> None:
        """A result in scope `binary` also reports the time of the whole network."""
        wider = [
            simulate("r20", "cofluent64", bits=1, shortcut_bits=bits).saved(wider=True)["wider"]
            for bits in (8, 16)
        ]
        whole = [
            simulate("r20", "cofluent64", bits=1, scope="network", shortcut_bits=bits).cycles
            for bits in (8, 16)
        ]
        assert [one["cycles"] for one in wider] == whole
        assert whole[0] < whole[1]


@pytest.mark.unit
@pytest.mark.parametrize("bits", [0, 33])
def test_out_of_range(bits: int) -> None:
    with pytest.raises(InputError, match=f"shortcut bits {bits}: expected 1 to 32"):
        simulate("r20", "cofluent64", bits=1, scope="network", shortcut_bits=bits)


@pytest.mark.unit
class TestStudies:
    def test_an_axis_of_a_sweep(self) -> None:
        study = simulator.sweep("r20", "cofluent64", bits=1, scope="network", shortcut_bits=[8, 16])
        assert study.frame["shortcut_bits"].tolist() == [8, 16]
        assert study.frame["cycles"].tolist() == [
            simulate("r20", "cofluent64", bits=1, scope="network", shortcut_bits=bits).cycles
            for bits in (8, 16)
        ]

    def test_the_column_names_the_width_of_the_file(self, r20_of_8_bits: str) -> None:
        models = ["r20", r20_of_8_bits]
        study = simulator.sweep(models, "cofluent64", bits=1, scope="network")
        assert study.frame["shortcut_bits"].tolist() == [16, 8]
        narrow = simulator.sweep("r20", "cofluent64", bits=1)
        assert narrow.frame["shortcut_bits"].isna().all()

    def test_search(self) -> None:
        found = [
            search(
                load_workload("r20"),
                [({}, load_hardware("cofluent64"))],
                "time",
                Limits(mean_bits=0.6),
                taus=[4, 5],
                scope="network",
                shortcut_bits=bits,
            )
            for bits in (8, 16)
        ]
        assert [one.summary()["shortcut_bits"] for one in found] == [8, 16]
        assert found[0].best.cycles < found[1].best.cycles


@pytest.mark.command
class TestCommands:
    RUN = ("--hw", "cofluent64", "--model", "r20", "--bits", 1)

    @pytest.mark.slow
    def test_a_run_and_its_verification(self, command: Command) -> None:
        run = (*self.RUN, "--shortcut-bits", 8)
        for name, scope in (("n", "network"), ("b", "binary")):
            done = command(*run, "--scope", scope, "--out", name, "--json")
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout).get("shortcut_bits") == (8 if name == "n" else None)
            checked = command("verify", name)
            assert checked.returncode == 0, checked.stderr

    def test_compare(self, command: Command) -> None:
        sides = ("compare", "cofluent64", "--set", "array.pes=32,64", *self.RUN[2:])
        done = command(*sides, "--scope", "weights", "--shortcut-bits", 8)
        assert "shortcut bits have no effect in scope weights" in done.stdout.replace("\n ", "")
        lines = [command(*sides, "--scope", "network", *more, "--json").stdout for more in
                 ((), ("--shortcut-bits", 4))]  # fmt: skip
        assert json.loads(lines[0])["totals"] != json.loads(lines[1])["totals"]

    def test_sweep_notes_it(self, command: Command) -> None:
        done = command("sweep", *self.RUN, "--shortcut-bits", "4,8", "--json")
        assert done.returncode == 0, done.stderr
        [note] = json.loads(done.stdout)["model_notes"]["r20"]
        assert NOTE.format("binary") in note

    def test_wrong_values(self, command: Command) -> None:
        line = refused(command, *self.RUN, "--shortcut-bits", "4,8")
        assert "lists and ranges belong to `simulate sweep`" in line
