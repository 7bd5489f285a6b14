"""PEs without a LUT, their subset buffer, and the shipped hardware without LUTs."""

from pathlib import Path

import pytest

from simulator import InputError, load_hardware, load_workload, simulate
from simulator.analysis.running import run_one
from simulator.check import check_workload
from simulator.machines import load_energy
from simulator.machines.lut_array.area import area
from tests.build import layer, machine, network
from tests.conftest import ROOT

pytestmark = pytest.mark.unit

NONE = {"array.pe.lut_entries": "none"}
FOUR = {"array.pe.dots_per_cycle": 4, "memory.index_buffer.bytes_per_cycle": 288}
NET = network(layer(64, 128, 6, 6, tau=3, name="a"), layer(64, 64, 6, 6, kernel=1, tau=5, name="b"))


@pytest.mark.parametrize("engine", ["fast", "event"])
def test_every_sub_bit_layer_takes_as_long_as_at_1_bit(engine: str) -> None:
    """If no index width limits the port, the runs differ only in the bits of an index."""
    wide = {"memory.index_buffer.bytes_per_cycle": 1e9, "memory.dram.bytes_per_cycle": 1e9}
    run = run_one(NET, machine(NONE | wide), engine)
    assert {x.mapped.plan.mode for x in run.layers} == {"direct"}
    full = network(layer(64, 128, 6, 6), layer(64, 64, 6, 6, kernel=1))
    assert run.cycles == run_one(full, machine(NONE | wide), engine).cycles
    assert run.cycles > run_one(NET, machine(wide), engine).cycles


def test_no_area_and_no_energy_of_a_lut() -> None:
    before, after = area(machine(FOUR)), area(machine(FOUR | NONE))
    assert after["lut"] == 0
    assert {k: n for k, n in after.items() if k != "lut"} == {
        k: n for k, n in before.items() if k != "lut"
    }
    priced = simulate(NET, machine(NONE), tau=3).with_energy(load_energy("45nm"))
    assert priced.energy is not None
    assert not any("lut" in spent.action for spent in priced.energy.run.spent)


def test_values_without_a_lut() -> None:
    assert check_workload(NET, machine(NONE)).equal


def test_r18_where_the_lut_is_not_used_takes_as_long_without_it() -> None:
    cycles = [
        simulate(load_workload("r18"), machine(FOUR | keys), bits=0.56).run.cycles
        for keys in ({}, NONE)
    ]
    assert cycles == [730_345] * 2


class TestFiles:
    def test_r18_on_the_binary_array(self) -> None:
        result = simulate(load_workload("r18"), load_hardware("bnn64"), bits=0.56)
        assert (result.run.cycles, result.baseline.cycles) == (730_345, 730_476)

    def test_the_small_array(self) -> None:
        small = load_hardware("edge16")
        assert small.memory.index_buffer.kib + small.memory.activation_buffer.kib == 64
        result = simulate("r20", small, bits=0.56, input_size=8)
        assert result.run.cycles < result.baseline.cycles

    def test_the_binary_array_is_the_papers_but_for_what_it_says(self) -> None:
        keys = NONE | FOUR | {"array.pe.subset_entries": 32, "name": "bnn64"}
        assert machine(keys) == load_hardware("bnn64")

    @pytest.mark.parametrize("name", ["bnn64", "edge16"])
    def test_every_value_has_its_reason_on_its_line(self, name: str) -> None:
        for line in (ROOT / f"hw_configs/{name}.yaml").read_text().splitlines():
            key, colon, value = line.partition("#")[0].partition(":")
            if colon and value.strip() and key.strip() not in {"machine", "name"}:
                assert len(line.partition("#")[2].split()) >= 1, line


class TestRefusals:
    @pytest.mark.parametrize("key", ["lut_banks: 2", "lut_read_ports: 1", "lut_subbanks: 2"])
    def test_a_key_of_the_lut_in_a_file_without_one(self, tmp_path: Path, key: str) -> None:
        text = (ROOT / "hw_configs/bnn64.yaml").read_text()
        file = tmp_path / "mine.yaml"
        file.write_text(text.replace("    accumulators: 4 ", f"    {key}\n    accumulators: 4 "))
        with pytest.raises(InputError, match=r"effect only with a LUT, but .*lut_entries is none"):
            load_hardware(file)

    @pytest.mark.parametrize("store", [7, "none"])
    def test_a_subset_larger_than_the_store(self, store: object) -> None:
        with pytest.raises(InputError, match=r"layer a needs at least 8, .* \(tau 3\)"):
            run_one(NET, machine({"array.pe.subset_entries": store}), "fast")

    @pytest.mark.parametrize(("kernel", "tau"), [(3, 9), (1, 8), (3, None)])
    def test_all_kernels_need_no_store(self, kernel: int, tau: int | None) -> None:
        every = network(layer(64, 64, 2, 2, kernel=kernel, tau=tau))
        assert run_one(every, machine({"array.pe.subset_entries": "none"}), "fast").cycles > 0


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["lut_entries=none", "lut_banks=4"], "it applies only with a LUT"),
        (["subset_entries=64"], "the store of the subset affects energy and area, not time"),
        (["dots_per_cycle=4", "lut_entries=none"], "no layer uses the LUT"),
    ],
)
def test_reasons(overrides: list[str], words: str) -> None:
    settings = [f"array.pe.{key}" for key in overrides]
    result = simulate("r20", "cofluent64", bits=0.56, input_size=8, set=settings_of(settings))
    assert any(words in note for note in result.notes()), result.notes()


def settings_of(overrides: list[str]) -> dict[str, object]:
    """Overrides by key, with numbers as integers."""
    pairs = (setting.split("=") for setting in overrides)
    return {key: int(value) if value.isdigit() else value for key, value in pairs}


def test_the_note_of_direct_layers_names_the_cause() -> None:
    notes = simulate(NET, machine(NONE), tau=3).notes()
    assert any(note.endswith("because the PE has no LUT.") for note in notes)
    assert not any("saves no cycles" in note for note in notes)
